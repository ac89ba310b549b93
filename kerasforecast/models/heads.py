"""The last layer: one number a step, or a quantile function that cannot cross itself.

hidden (B, U) -> Dense (B, H)
hidden (B, U) -> Dense (B, H K) -> (B, H, K): the median, and above and below it the sums of positive gaps
"""

from __future__ import annotations

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.models.families.base import Sizes


def head(hidden: KerasTensor, sizes: Sizes) -> KerasTensor:
    """Forecasts `(B, H)`, or quantiles `(B, H, K)` where there are levels, of `(B, U)`; scaled."""
    raw = keras.layers.Dense(sizes.outputs, kernel_initializer="zeros", name="head")(hidden)
    if not sizes.levels:
        return raw
    raw = keras.layers.Reshape((sizes.horizon, len(sizes.levels)), name="levels")(raw)  # (B, H, K)
    place = sizes.levels.index(0.5)
    median, parts = raw[:, :, place : place + 1], []
    if place:
        gaps = ops.softplus(ops.flip(raw[:, :, :place], axis=2))  # the nearest to the median first
        parts.append(ops.flip(median - ops.cumsum(gaps, axis=2), axis=2))
    parts.append(median)
    if place + 1 < len(sizes.levels):
        parts.append(median + ops.cumsum(ops.softplus(raw[:, :, place + 1 :]), axis=2))
    return ops.concatenate(parts, axis=2)


def start_at(layer: keras.layers.Dense, levels: tuple[float, ...], targets: np.ndarray) -> None:
    """Set a quantile head to the quantiles of scaled training targets `(N, H)`, whatever the window.

    In units of the window's own volatility that is EWMA filtered historical simulation, the strongest simple baseline:
    training starts there and departs from it only as far as it pays.
    """
    table = np.quantile(targets.astype(np.float64), levels, axis=0).T  # (H, K)
    place = levels.index(0.5)
    gaps = np.maximum(np.diff(table, axis=1), 1e-3)  # (H, K - 1)
    raw = np.log(np.expm1(gaps))  # the inverse of softplus
    bias = np.concatenate([raw[:, :place], table[:, place : place + 1], raw[:, place:]], axis=1)
    kernel, _ = layer.get_weights()
    layer.set_weights([np.zeros_like(kernel), bias.ravel().astype(np.float32)])

"""The last layer: one number a step, or a quantile function that cannot cross itself; and what is joined before it.

hidden (B, U) -> Dense (B, H)
hidden (B, U) -> Dense (B, H K) -> (B, H, K): the median, and above and below it the sums of positive gaps

What is known of each row to be forecast enters here, a decoder step a row, the same for all of them:

row (B, H, K') beside hidden (B, H, U) -> Dense, tanh (B, H, D) -> with the row itself, a linear path -> Dense (B, H, K)

A network with a hidden state of its own for each of these rows (B, H, U) has that decoder whatever is known, and no
other head.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.models.families.base import Sizes


def side_by_side(parts: Iterable[KerasTensor | None]) -> KerasTensor:
    """Those that there are, at least one, joined along their last axis; a lone one without an operation on it."""
    found = [part for part in parts if part is not None]
    return found[0] if len(found) == 1 else ops.concatenate(found, axis=-1)


def middle(paths: KerasTensor, count: int) -> KerasTensor:
    """The median `(B, H)` of so many paths `(B, S, H)` at each step; of an even number the mean of two."""
    largest = ops.top_k(ops.transpose(paths, (0, 2, 1)), count // 2 + 1)[0]  # (B, H, S // 2 + 1), descending
    return (largest[:, :, (count - 1) // 2] + largest[:, :, count // 2]) * np.float32(0.5)


def decoded(hidden: KerasTensor, known: KerasTensor | None, sizes: Sizes, width: int) -> KerasTensor:
    """What is known of the rows to be forecast, read in the light of the past, `(B, H, width + K')`.

    Args:
        hidden: What the network made of the past: `(B, U)`, or `(B, H, U)` for each row.
        known: `(B, L + H, K')`, scaled, or `None`.
        sizes: Of the network.
        width: Of the decoder.
    """
    rows = None if known is None else known[:, sizes.window :]  # (B, H, K')
    context = hidden if hidden.ndim == 3 else keras.layers.RepeatVector(sizes.horizon, name="repeated")(hidden)
    both = side_by_side([rows, context])
    read = keras.layers.Dense(width, activation="tanh", kernel_initializer="zeros", name="decoder")(both)
    return side_by_side([read, rows])


def head(hidden: KerasTensor, sizes: Sizes, rows: KerasTensor | None = None) -> KerasTensor:
    """Forecasts `(B, H)`, or quantiles `(B, H, K)` where there are levels; scaled.

    Args:
        hidden: `(B, U)`.
        sizes: Of the network.
        rows: `(B, H, D)` what is known of each row to be forecast, as `decoded` gives it.
    """
    raw = keras.layers.Dense(sizes.outputs, kernel_initializer="zeros", name="head")(hidden)
    if rows is None and not sizes.levels:
        return raw
    raw = keras.layers.Reshape((sizes.horizon, sizes.outputs_of_a_step), name="levels")(raw)  # (B, H, K)
    if rows is not None:
        raw = raw + keras.layers.Dense(sizes.outputs_of_a_step, kernel_initializer="zeros", name="rows")(rows)
    return _answer(raw, sizes)


def head_of_rows(rows: KerasTensor, sizes: Sizes) -> KerasTensor:
    """Forecasts as `head` gives them, each step's from its own row `(B, H, D)`, by the same weights."""
    raw = keras.layers.Dense(sizes.outputs_of_a_step, kernel_initializer="zeros", name="head_of_rows")(rows)
    return _answer(raw, sizes)


def _answer(raw: KerasTensor, sizes: Sizes) -> KerasTensor:
    """What a head gives `(B, H, K)` as points `(B, H)` or quantiles `(B, H, K)`."""
    if not sizes.levels:
        return keras.layers.Reshape((sizes.horizon,), name="points")(raw)
    place = sizes.levels.index(0.5)
    return _quantiles(raw[:, :, place : place + 1], raw[:, :, :place], raw[:, :, place + 1 :], sizes)


def around(points: KerasTensor, hidden: KerasTensor, sizes: Sizes) -> KerasTensor:
    """Forecasts that a network makes without a head: `points` `(B, H)`, the median of the quantiles `(B, H, K)`.

    Args:
        points: `(B, H)`.
        hidden: `(B, U)` what the distances between quantiles are read from.
        sizes: Of the network.
    """
    if not sizes.levels:
        return points
    if len(sizes.levels) == 1:
        return keras.layers.Reshape((sizes.horizon, 1), name="median")(points)
    others = len(sizes.levels) - 1
    raw = keras.layers.Dense(sizes.horizon * others, kernel_initializer="zeros", name="gaps")(hidden)
    raw = keras.layers.Reshape((sizes.horizon, others), name="levels")(raw)  # (B, H, K - 1)
    median = keras.layers.Reshape((sizes.horizon, 1), name="median")(points)
    place = sizes.levels.index(0.5)
    return _quantiles(median, raw[:, :, :place], raw[:, :, place:], sizes)


def _quantiles(median: KerasTensor, below: KerasTensor, above: KerasTensor, sizes: Sizes) -> KerasTensor:
    """Quantiles `(B, H, K)`: the median, and below and above it the sums of positive gaps."""
    place, parts = sizes.levels.index(0.5), []
    if place:
        gaps = ops.softplus(ops.flip(below, axis=2))  # the nearest to the median first
        parts.append(ops.flip(median - ops.cumsum(gaps, axis=2), axis=2))
    parts.append(median)
    if place + 1 < len(sizes.levels):
        parts.append(median + ops.cumsum(ops.softplus(above), axis=2))
    return ops.concatenate(parts, axis=2)


def start_at(network: keras.Model, levels: tuple[float, ...], targets: np.ndarray) -> None:
    """Set a quantile head to the quantiles of scaled training targets `(N, H)`, whatever the window.

    In units of the window's own volatility that is EWMA filtered historical simulation, the strongest simple baseline:
    training starts there and departs from it only as far as it pays.
    """
    table = np.quantile(targets.astype(np.float64), levels, axis=0).T  # (H, K)
    place = levels.index(0.5)
    raw = raw_gaps(table)  # (H, K - 1)
    bias = np.concatenate([raw[:, :place], table[:, place : place + 1], raw[:, place:]], axis=1)
    # By layer, of those that a family has; a row that shares its weights with all starts at the mean of them.
    starts = {"head": bias, "gaps": raw, "rows": np.zeros(1), "head_of_rows": bias.mean(axis=0)}
    for layer in network.layers:
        if layer.name in starts:
            kernel, old = layer.get_weights()
            layer.set_weights([np.zeros_like(kernel), np.resize(starts[layer.name], old.shape).astype(np.float32)])


def raw_gaps(table: np.ndarray) -> np.ndarray:
    """What a quantile head must answer, before its softplus, for the gaps `(H, K - 1)` of the quantiles `(H, K)`."""
    return np.log(np.expm1(np.maximum(np.diff(table, axis=1), 1e-3)))

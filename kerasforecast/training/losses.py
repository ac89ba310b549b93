"""Losses that Keras does not have."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


class Pinball(keras.losses.Loss):
    """Pinball loss of all quantiles together (Koenker & Bassett 1978), each weighted by the levels it stands for.

    With the weights of `kerasforecast.metrics.probabilistic.crps` twice the loss is the CRPS from these quantiles, in
    scaled units.

    Args:
        levels: The K levels, ascending.
    """

    def __init__(self, levels: tuple[float, ...]) -> None:
        super().__init__(name="pinball", reduction="mean_with_sample_weight")
        tau = np.asarray(levels, np.float32)
        self._levels = tau
        self._weights = np.diff(np.concatenate([[0.0], (tau[1:] + tau[:-1]) / 2, [1.0]])).astype(np.float32)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss `(B,)` of targets `(B, H)` and quantiles `(B, H, K)`, both scaled."""
        levels, weights = (ops.convert_to_tensor(each) for each in (self._levels, self._weights))
        error = ops.expand_dims(y_true, 2) - y_pred
        losses = ops.maximum(levels * error, (levels - 1) * error)
        return ops.mean(ops.sum(losses * weights, axis=2), axis=1)


class NoiseError(keras.losses.Loss):
    """`||e - e'||^2` of the noise that a diffusion network predicts (Ho et al. 2020, eq. 14), its mean over numbers."""

    def __init__(self) -> None:
        super().__init__(name="noise_error", reduction="mean_with_sample_weight")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss `(B,)` of noise `(B, M, H)` and of what was predicted of it."""
        return ops.mean(ops.square(y_true - y_pred), axis=(1, 2))

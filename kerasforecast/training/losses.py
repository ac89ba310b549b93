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

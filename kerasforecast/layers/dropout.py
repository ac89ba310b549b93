"""Dropout, its masks drawn by our kernel where the backend has one: Keras' take a tenth of a step on JAX."""

from __future__ import annotations

from typing import Any

import keras

from kerasforecast.layers import kernels


class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with masks that are drawn faster."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Inputs `(B, ...)`, with a share `rate` of zeros and the rest scaled up where `training`."""
        kernel = getattr(kernels.load(keras.backend.backend()), "dropout", None)
        if not training or kernel is None:
            return super().call(inputs, training=training)
        return kernel(inputs, self.rate, self.seed_generator)


class SampledDropout(Dropout):
    """Dropout that also drops when the network only forecasts: `predict` would turn the plain layer off."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """As in training, always."""
        return super().call(inputs, training=True)

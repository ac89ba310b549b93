"""Dropout with masks drawn by our kernels, and dropout that acts in inference too."""

from __future__ import annotations

from typing import Any

import keras

from kerasforecast.layers import kernels


class Dropout(keras.layers.Dropout):
    """Keras' dropout, its masks drawn by our kernel where the backend has one: Keras' take a tenth of a step on JAX."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """`inputs`, of any shape, in training with a share `rate` of zeros and the rest scaled up."""
        kernel = getattr(kernels.load(keras.backend.backend()), "dropout", None)
        if not training or kernel is None:
            return super().call(inputs, training=training)
        return kernel(inputs, self.rate, self.seed_generator)


class SampledDropout(Dropout):
    """Dropout that also drops when the network only forecasts: `predict` would turn the plain layer off."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """As `Dropout` in training, whatever `training` says."""
        return super().call(inputs, training=True)

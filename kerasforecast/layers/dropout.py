"""Dropout with masks drawn by our kernels, and dropout that acts in inference too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerasforecast.layers import kernels


@keras.saving.register_keras_serializable(package="kerasforecast")
class Dropout(keras.layers.Dropout):
    """Keras' dropout, its masks drawn by a kernel made for the backend: Keras' take a tenth of a step on JAX.

    Arguments and config are those of `keras.layers.Dropout`. TensorFlow draws as Keras does; on JAX and PyTorch the
    same seed makes other masks than Keras'.
    """

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


def dropping(role: str, rate: float, seed: int) -> Callable[[Any, str], Any]:
    """What drops a share `rate` of values, layer after layer, in the dropout that a network of this `role` has.

    Args:
        role: As `kerasforecast.models` has it.
        rate: 0 for no layer at all.
        seed: Of the masks; each layer has its own.

    Returns:
        From values and the name of a layer to the values that are left.
    """
    kind = {"training": Dropout, "sampling": SampledDropout}.get(role, keras.layers.Dropout)
    count = 0

    def dropped(values: Any, name: str) -> Any:
        nonlocal count
        if not rate:
            return values
        count += 1
        own = np.random.SeedSequence([seed, 1]).generate_state(count)[-1] >> 1  # Keras wants a signed 32-bit seed
        return kind(rate, seed=int(own), name=name)(values)

    return dropped

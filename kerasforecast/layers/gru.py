"""GRU: `keras.layers.GRU` with kernels for each backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerasforecast.layers.dispatch import loop


@keras.saving.register_keras_serializable(package="kerasforecast")
class GRU(keras.layers.GRU):
    """Gated recurrent unit, drop-in for `keras.layers.GRU` (same arguments, config, weights and results).

    With `reset_after=True`, as in PyTorch and cuDNN, two biases b `(2, 3H)`, and x `(B, F)`:

        z, r = sigmoid(W x + b_0 + U h + b_1)    n = tanh(W x + b_0 + r * (U h + b_1))    h' = z * h + (1 - z) * n

    With `reset_after=False`, as in Cho et al. 2014, one bias `(3H,)`:

        z, r = sigmoid(W x + U h + b)            n = tanh(W x + U (r * h) + b)            h' = z * h + (1 - z) * n

    Many texts write h' = (1 - z) * h + z * n. That is the same cell: their z is 1 minus this one, so their weights and
    bias of z are these with the sign changed, as sigmoid(-a) = 1 - sigmoid(a).

    Call arguments: inputs `(B, T, F)`; `initial_state` `(B, H)`; `mask` `(B, T)`; `training`.
    Returns `(B, H)`, or `(B, T, H)` with `return_sequences`; with `return_state` a tuple of that and h.
    """

    kernel_name = "gru"

    def inner_loop(
        self, sequences: Any, initial_state: list[Any], mask: Any, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        """Keras' hook for the loop over time: a kernel of ours where one fits, else Keras' computation."""
        keras_loop = super().inner_loop
        return loop(self, keras_loop, sequences, initial_state, mask, training, reset_after=self.reset_after)

    def keras_weights(self) -> list[np.ndarray]:
        """The weights of a stock `keras.layers.GRU` that computes the same: this layer's own."""
        return self.get_weights()

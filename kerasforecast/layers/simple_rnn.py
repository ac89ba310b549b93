"""SimpleRNN: `keras.layers.SimpleRNN` with kernels for each backend; the baseline for gated cells."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerasforecast.layers.dispatch import loop


@keras.saving.register_keras_serializable(package="kerasforecast")
class SimpleRNN(keras.layers.SimpleRNN):
    """Plain recurrent network, drop-in for `keras.layers.SimpleRNN` (same arguments, config, weights and results).

    h' = tanh(W x + U h + b), x `(B, F)`, h `(B, H)`.

    Call arguments: inputs `(B, T, F)`; `initial_state` `(B, H)`; `mask` `(B, T)`; `training`.
    Returns `(B, H)`, or `(B, T, H)` with `return_sequences`; with `return_state` a tuple of that and h.
    """

    kernel_name = "simple_rnn"

    def inner_loop(
        self, sequences: Any, initial_state: list[Any], mask: Any, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        """Keras' hook for the loop over time: a kernel of ours where one fits, else Keras' computation."""
        return loop(self, super().inner_loop, sequences, initial_state, mask, training)

    def keras_weights(self) -> list[np.ndarray]:
        """The weights of a stock `keras.layers.SimpleRNN` that computes the same: this layer's own."""
        return self.get_weights()

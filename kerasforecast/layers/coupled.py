"""CoupledLSTM: input and forget gate as one, i = 1 - f (Greff et al. 2017, "LSTM: a search space odyssey", CIFG)."""

from __future__ import annotations

from typing import Any

import keras
from keras import initializers, ops

from kerasforecast.layers.lstm import LSTM, LSTMCell


@keras.saving.register_keras_serializable(package="kerasforecast")
class CoupledLSTMCell(LSTMCell):
    """One step of an LSTM with coupled gates; weights as `LSTMCell`'s with three gates f, g, o in place of four."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create kernel `(F, 3H)`, recurrent_kernel `(H, 3H)`, bias `(3H,)` and, where asked for, recurrent_bias."""
        gates = 3 * self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], gates),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, gates),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = self._add_bias("bias", self._start_bias) if self.use_bias else None
        if self.use_recurrent_bias:
            self.recurrent_bias = self._add_bias("recurrent_bias", self.recurrent_bias_initializer)
        self.built = True

    def _add_bias(self, name: str, initializer: Any) -> Any:
        return self.add_weight(
            shape=(3 * self.units,),
            name=name,
            initializer=initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def _start_bias(self, shape: tuple[int, ...], dtype: Any = None, **options: Any) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype=dtype, **options)
        ones = initializers.Ones()((self.units,), dtype=dtype)
        return ops.concatenate([ones, self.bias_initializer((2 * self.units,), dtype=dtype, **options)])

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:
        """One step: inputs `(B, F)`, states [h, c] -> h' `(B, H)`, [h', c']."""
        h, c = states
        z_f, z_g, z_o = self.preactivations(inputs, h, training)
        f = self.recurrent_activation(z_f)
        c = f * c + (1 - f) * self.activation(z_g)
        h = self.recurrent_activation(z_o) * self.activation(c)
        return h, [h, c]


@keras.saving.register_keras_serializable(package="kerasforecast")
class CoupledLSTM(LSTM):
    """LSTM that forgets exactly as much as it takes in; arguments and calls as `LSTM`'s. Gates in the order f, g, o:

        f, o = sigmoid(W x + U h + b)    g = tanh(W x + U h + b)    c' = f * c + (1 - f) * g    h' = o * tanh(c')

    Where no kernel fits Keras' loop runs; cuDNN has no such cell.
    """

    cell_class = CoupledLSTMCell
    keras_has_it = False

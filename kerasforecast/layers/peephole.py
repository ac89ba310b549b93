"""PeepholeLSTM: the gates also see the cell state (Gers & Schmidhuber 2000, "Recurrent nets that time and count")."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerasforecast.layers.lstm import LSTM, LSTMCell


@keras.saving.register_keras_serializable(package="kerasforecast")
class PeepholeLSTMCell(LSTMCell):
    """One step of a peephole LSTM: `LSTMCell` plus `peephole_kernel` `(3, H)`, one weight a unit for i, f and o."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the LSTM's weights, then the peepholes, which start at zero: at first the cell is a plain LSTM."""
        super().build(input_shape)
        self.peephole_kernel = self.add_weight(
            shape=(3, self.units),
            name="peephole_kernel",
            initializer="zeros",
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:
        """One step: inputs `(B, F)`, states [h, c] -> h' `(B, H)`, [h', c']."""
        h, c = states
        z_i, z_f, z_g, z_o = self.preactivations(inputs, h, training)
        peephole = ops.convert_to_tensor(self.peephole_kernel)
        i = self.recurrent_activation(z_i + peephole[0] * c)
        f = self.recurrent_activation(z_f + peephole[1] * c)
        c = f * c + i * self.activation(z_g)
        h = self.recurrent_activation(z_o + peephole[2] * c) * self.activation(c)
        return h, [h, c]


@keras.saving.register_keras_serializable(package="kerasforecast")
class PeepholeLSTM(LSTM):
    """LSTM whose gates see the cell state; arguments and calls as `LSTM`'s. With p = peephole_kernel `(3, H)`:

        i = sigmoid(W x + U h + p_0 * c + b)    f = sigmoid(W x + U h + p_1 * c + b)    g = tanh(W x + U h + b)
        c' = f * c + i * g                      o = sigmoid(W x + U h + p_2 * c' + b)   h' = o * tanh(c')

    Where no kernel fits Keras' loop runs; cuDNN has no such cell.
    """

    cell_class = PeepholeLSTMCell
    keras_has_it = False

    def kernel_options(self) -> dict[str, Any]:
        """The peepholes, `(3, H)`."""
        return {"peepholes": ops.convert_to_tensor(self.cell.peephole_kernel)}

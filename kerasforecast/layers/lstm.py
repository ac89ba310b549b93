"""LSTM: `keras.layers.LSTM` with an optional second bias vector.

Layers and models (weights of one LSTM with F input channels and H units, gates in the order i, f, g, o):

    kernel            (F, 4H)
    recurrent_kernel  (H, 4H)
    bias              (4H,)
    recurrent_bias    (4H,)     only with recurrent_bias=True
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
from keras import initializers, ops

from kerasforecast.errors import OptionError
from kerasforecast.layers.dispatch import loop


@keras.saving.register_keras_serializable(package="kerasforecast")
class LSTMCell(keras.layers.LSTMCell):
    """One step of an LSTM: `keras.layers.LSTMCell` plus PyTorch's second bias vector `b_hh`.

    The two vectors only ever act as their sum, so `bias` reads as that sum and every computation of Keras that uses it
    (its scan, its cuDNN paths) is right without knowing of the second one. The variables themselves are `input_bias`
    and `recurrent_bias`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        recurrent_bias: bool = False,
        recurrent_bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
        if recurrent_bias and not use_bias:
            raise OptionError(
                "`recurrent_bias=True` adds a vector to the bias and needs `use_bias=True`. "
                "Received: use_bias=False. Drop one of the two."
            )
        self.use_recurrent_bias = bool(recurrent_bias)
        self.recurrent_bias_initializer = initializers.get(recurrent_bias_initializer)
        self.input_bias: Any = None
        self.recurrent_bias: Any = None

    @property
    def bias(self) -> Any:
        """The bias the gates see, `(4H,)`: a variable, the sum of two, or None without `use_bias`."""
        if self.recurrent_bias is None:
            return self.input_bias
        return ops.add(self.input_bias, self.recurrent_bias)

    @bias.setter
    def bias(self, variable: Any) -> None:
        self.input_bias = variable  # Keras' own build() assigns `self.bias`

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create Keras' weights, then the second bias, so that the first three keep Keras' order."""
        super().build(input_shape)
        if self.use_recurrent_bias:
            self.recurrent_bias = self.add_weight(
                shape=tuple(self.input_bias.shape),
                name="recurrent_bias",
                initializer=self.recurrent_bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def preactivations(self, inputs: Any, h: Any, training: bool) -> list[Any]:
        """W x + U h + b gate by gate, each `(B, H)`, under the cell's dropout: for cells with gates of their own.

        Args:
            inputs: `(B, F)`.
            h: `(B, H)`.
            training: Whether dropout acts.
        """
        of_x = self._projected(inputs, self.kernel, self.get_dropout_mask(inputs) if training else None)
        of_h = self._projected(h, self.recurrent_kernel, self.get_recurrent_dropout_mask(h) if training else None)
        z = of_x + of_h if self.bias is None else of_x + of_h + self.bias
        return ops.split(z, z.shape[1] // self.units, axis=1)

    def _projected(self, values: Any, weights: Any, mask: Any) -> Any:
        """`values @ weights` under one dropout mask, or under one for each gate, or under none."""
        if mask is None:
            return ops.matmul(values, weights)
        if not isinstance(mask, list):
            return ops.matmul(values * mask, weights)
        parts = ops.split(ops.convert_to_tensor(weights), weights.shape[1] // self.units, axis=1)
        # Keras draws four masks, one for each gate of a plain LSTM: a cell of three gates does not need the last.
        gates = zip(mask[: len(parts)], parts, strict=True)
        return ops.concatenate([ops.matmul(values * dropped, part) for dropped, part in gates], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Keras' config, plus the two options of the second bias where it is on."""
        return {**super().get_config(), **recurrent_bias_config(self)}


def recurrent_bias_config(cell: LSTMCell) -> dict[str, Any]:
    """The config entries of the second bias: none where it is off, so that the config stays Keras' own."""
    if not cell.use_recurrent_bias:
        return {}
    return {
        "recurrent_bias": True,
        "recurrent_bias_initializer": initializers.serialize(cell.recurrent_bias_initializer),
    }


@keras.saving.register_keras_serializable(package="kerasforecast")
class LSTM(keras.layers.LSTM):
    """Long short-term memory, drop-in for `keras.layers.LSTM` (same arguments, config, weights and results).

    With W = kernel, U = recurrent_kernel, b = bias (+ recurrent_bias), for each step x `(B, F)`:

        i, f, o = sigmoid(W x + U h + b)    g = tanh(W x + U h + b)
        c' = f * c + i * g                  h' = o * tanh(c')

    Args (beyond those of `keras.layers.LSTM`):
        recurrent_bias: Add PyTorch's second bias vector b_hh, `(4H,)`, trained beside the first. The function class is
            the same; with Adam the effective bias moves twice as far a step, as it does in `torch.nn.LSTM`.
        recurrent_bias_initializer: How that vector starts. `bias_regularizer` and `bias_constraint` hold for it too.

        **kwargs: `name`, `dtype`, `trainable` and the like, which every Keras layer takes; an unknown one is an error.

    Call arguments: inputs `(B, T, F)`; `initial_state` [h, c], each `(B, H)`; `mask` `(B, T)`; `training`.
    Returns `(B, H)`, or `(B, T, H)` with `return_sequences`; with `return_state` a tuple of that, h and c.
    """

    cell_class = LSTMCell
    kernel_name = "lstm"
    keras_has_it = True  # whether `keras.layers.LSTM` computes the same, and so cuDNN

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        recurrent_bias: bool = False,
        recurrent_bias_initializer: Any = "zeros",
        zero_output_for_mask: bool = False,
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        cell = self.cell_class(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            recurrent_bias, recurrent_bias_initializer, implementation=implementation,
            dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True),
            name="lstm_cell",  # Keras' name for it, so that weight paths stay Keras' own
        )  # fmt: skip
        # Past keras.layers.LSTM.__init__, which would make (and track) a cell of its own.
        keras.layers.RNN.__init__(
            self, cell, return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards,
            stateful=stateful, unroll=unroll, zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.use_cudnn = self._checked_cudnn(use_cudnn)

    def _checked_cudnn(self, use_cudnn: bool | str) -> bool | str:
        """`use_cudnn` as Keras' LSTM is to see it."""
        if use_cudnn not in ("auto", True, False):
            raise OptionError(
                f"`use_cudnn` must be 'auto', True or False. Received: {use_cudnn!r}. Use 'auto' to let Keras choose."
            )
        if self.keras_has_it:
            return use_cudnn
        if use_cudnn is True:
            raise OptionError(
                f"cuDNN has no {type(self).__name__}. Received: use_cudnn=True. Leave `use_cudnn` at 'auto'."
            )
        return False  # also keeps Keras' fused bidirectional LSTM away

    @property
    def recurrent_bias(self) -> bool:
        """Whether the second bias vector is there."""
        return self.cell.use_recurrent_bias

    @property
    def recurrent_bias_initializer(self) -> Any:
        """How the second bias vector starts."""
        return self.cell.recurrent_bias_initializer

    def inner_loop(
        self, sequences: Any, initial_state: list[Any], mask: Any, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        """Keras' hook for the loop over time: a kernel of ours where one fits, else Keras' computation."""
        # A cell of our own goes past keras.layers.LSTM, whose fast paths know its own formula only.
        keras_loop = super().inner_loop if self.keras_has_it else partial(keras.layers.RNN.inner_loop, self)
        return loop(self, keras_loop, sequences, initial_state, mask, training, **self.kernel_options())

    def kernel_options(self) -> dict[str, Any]:
        """Further arguments of the kernel, beyond those of a plain LSTM."""
        return {}

    def keras_weights(self) -> list[np.ndarray]:
        """The weights of a stock `keras.layers.LSTM` that computes the same, for its `set_weights`.

        Returns:
            [kernel `(F, 4H)`, recurrent_kernel `(H, 4H)`, bias `(4H,)`], the last one the sum of both bias vectors and
            absent without `use_bias`.
        """
        if not self.keras_has_it:
            raise OptionError(
                f"`keras_weights` needs a layer that keras.layers.LSTM can stand in for. "
                f"Received: {type(self).__name__}. Save it with registered layers instead."
            )
        cell = self.cell
        merged = [cell.kernel, cell.recurrent_kernel]
        if cell.use_bias:
            merged.append(cell.bias)
        return [ops.convert_to_numpy(weight) for weight in merged]

    def get_config(self) -> dict[str, Any]:
        """Keras' config, plus the two options of the second bias where it is on."""
        return {**super().get_config(), **recurrent_bias_config(self.cell)}

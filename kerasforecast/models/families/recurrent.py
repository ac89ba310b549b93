"""Recurrent networks: stacked cells, dropout after each, a linear head (the specification's StockLSTM and its kin).

x (B, L, C) -> LSTM (B, L, U) -> dropout -> LSTM, last step (B, U) -> dropout -> Dense (B, H)

Between layers a normalisation may stand before the dropout. Bidirectional layers read the window both ways, which
reveals nothing: all of it is past. Their outputs are joined, `(B, L, 2U)`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import KerasTensor

from kerasforecast import layers
from kerasforecast.config import NetworkConfig
from kerasforecast.layers.dropout import Dropout, SampledDropout
from kerasforecast.models.heads import head
from kerasforecast.models.role import Role

_OURS = {
    "lstm": layers.LSTM,
    "gru": layers.GRU,
    "rnn": layers.SimpleRNN,
    "peephole": layers.PeepholeLSTM,
    "coupled": layers.CoupledLSTM,
}
# What a file holds. Keras has no peephole or coupled-gate cell: those stay ours, and plain Keras opens such a file
# after `from kerasforecast.layers import PeepholeLSTM, CoupledLSTM`.
_EXPORTED = _OURS | {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
_NORMS = {"layer": keras.layers.LayerNormalization, "batch": keras.layers.BatchNormalization}


_DROPOUTS: dict[Role, type[keras.layers.Dropout]] = {"training": Dropout, "sampling": SampledDropout}


def recurrent(
    scaled: KerasTensor, config: NetworkConfig, role: Role, seed: int
) -> tuple[KerasTensor, list[KerasTensor]]:
    """Stack `config.layers` recurrent layers and the head on scaled inputs.

    Args:
        scaled: `(B, L, C)`.
        config: Cell, units, layers, direction, normalisation, dropout, horizon.
        role: Which layers to build from.
        seed: Of the dropout masks.

    Returns:
        Forecasts `(B, H)`, or quantiles `(B, H, K)`, scaled; and the final states of every layer and direction, each
        `(B, U)`, in the order h_1, c_1, h_2, c_2, ... (h alone for cells that have no c).
    """
    seeds = np.random.SeedSequence([seed, 1]).generate_state(config.layers)
    states: list[KerasTensor] = []
    hidden = scaled
    for number in range(1, config.layers + 1):
        last = number == config.layers
        layer = _layer(config, role, number, return_sequences=not last)
        hidden, *layer_states = layer(hidden)
        states += layer_states
        if role == "export":
            _name_initializers(layer)
        if config.norm != "none" and not last:
            hidden = _NORMS[config.norm](name=f"norm_{number}")(hidden)
        if config.dropout:
            dropout_seed = int(seeds[number - 1] >> 1)  # Keras wants a signed 32-bit seed
            kind = _DROPOUTS.get(role, keras.layers.Dropout)
            hidden = kind(config.dropout, seed=dropout_seed, name=f"dropout_{number}")(hidden)
    return head(hidden, config), states


def states_per_cell(config: NetworkConfig) -> int:
    """2 for cells with a long-term state c beside h, else 1."""
    return 1 if config.model in ("gru", "rnn") else 2


def _layer(config: NetworkConfig, role: Role, number: int, *, return_sequences: bool) -> keras.layers.Layer:
    arguments: dict[str, Any] = {
        "name": f"{config.model}_{number}",
        "return_sequences": return_sequences,
        "return_state": True,
        # Weights are always assigned after building: to draw them here would be work thrown away.
        "kernel_initializer": "zeros",
        "recurrent_initializer": "zeros",
    }
    if config.model == "lstm" and role == "training":
        arguments["recurrent_bias"] = config.recurrent_bias
    layer = (_EXPORTED if role == "export" else _OURS)[config.model](config.units, **arguments)
    return keras.layers.Bidirectional(layer, name=f"{config.model}_{number}_both") if config.bidirectional else layer


def _name_initializers(layer: keras.layers.Layer) -> None:
    """Have the file's configuration name the initialisers that someone who trains it anew would start from."""
    both = isinstance(layer, keras.layers.Bidirectional)
    for single in (layer.forward_layer, layer.backward_layer) if both else (layer,):
        single.cell.kernel_initializer = keras.initializers.GlorotUniform()
        single.cell.recurrent_initializer = keras.initializers.Orthogonal()

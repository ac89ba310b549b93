"""Recurrent networks: stacked cells, dropout after each, a linear head (the specification's StockLSTM).

x (B, L, C) -> LSTM (B, L, U) -> dropout -> LSTM, last step (B, U) -> dropout -> Dense (B, H)
"""

from __future__ import annotations

import keras
import numpy as np
from keras import KerasTensor

from kerasforecast.config import NetworkConfig
from kerasforecast.layers import LSTM
from kerasforecast.models.role import Role


def recurrent(
    scaled: KerasTensor, config: NetworkConfig, role: Role, seed: int
) -> tuple[KerasTensor, list[KerasTensor]]:
    """Stack `config.layers` recurrent layers and the head on scaled inputs.

    Args:
        scaled: `(B, L, C)`.
        config: Units, layers, dropout, horizon.
        role: Which layers to build from.
        seed: Of the dropout masks.

    Returns:
        Forecasts `(B, H)`, scaled, and the final states h and c of every layer, each `(B, U)`, in the order
        h_1, c_1, h_2, c_2, ...
    """
    seeds = np.random.SeedSequence([seed, 1]).generate_state(config.layers)
    states: list[KerasTensor] = []
    hidden = scaled
    for number in range(1, config.layers + 1):
        last = number == config.layers
        hidden, *layer_states = _layer(config, role, number, return_sequences=not last)(hidden)
        states += layer_states
        if config.dropout:
            dropout_seed = int(seeds[number - 1] >> 1)  # Keras wants a signed 32-bit seed
            hidden = keras.layers.Dropout(config.dropout, seed=dropout_seed, name=f"dropout_{number}")(hidden)
    return keras.layers.Dense(config.horizon, kernel_initializer="zeros", name="head")(hidden), states


def _layer(config: NetworkConfig, role: Role, number: int, *, return_sequences: bool) -> keras.layers.Layer:
    arguments = {
        "name": f"{config.model}_{number}",
        "return_sequences": return_sequences,
        "return_state": True,
        # Weights are always assigned after building: to draw them here would be work thrown away.
        "kernel_initializer": "zeros",
        "recurrent_initializer": "zeros",
    }
    if role == "export":
        return keras.layers.LSTM(config.units, **arguments)
    return LSTM(config.units, recurrent_bias=config.recurrent_bias and role == "training", **arguments)


def recurrent_parameters(config: NetworkConfig, channels: int) -> int:
    """Parameters of the saved network: `4 (n U + U U + U)` a layer of n inputs, and the head."""
    units = config.units
    inputs = [channels, *[units] * (config.layers - 1)]
    return sum(4 * units * (count + units + 1) for count in inputs) + (units + 1) * config.horizon

"""Networks by name. Every network takes raw windows `(B, L, F)`; scaling is inside.

A network is built in one of three roles from the same configuration, with layers of the same names and order:

    training   raw windows -> scaled forecasts (B, H)   our layers, with the second bias vector where configured
    inference  raw windows -> raw forecasts (B, H)      our layers, biases merged
    export     raw windows -> raw forecasts (B, H)      plain Keras' layers wherever it has them, what a file holds
"""

from kerasforecast.models.network import (
    build,
    build_states,
    initialise,
    merged_weights,
    set_weights,
    weighted_layers,
)
from kerasforecast.models.recurrent import states_per_cell

__all__ = [
    "build",
    "build_states",
    "initialise",
    "merged_weights",
    "set_weights",
    "states_per_cell",
    "weighted_layers",
]

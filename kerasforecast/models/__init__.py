"""Networks by name. Every network takes raw windows `(B, L, F)`; scaling is inside.

A network is built in one of three roles from the same configuration, with layers of the same names and order:

    training   raw windows -> scaled forecasts (B, H)   our layers, with the second bias vector where configured
    inference  raw windows -> raw forecasts (B, H)      our layers, biases merged
    export     raw windows -> raw forecasts (B, H)      layers of plain Keras only, what a `.keras` file holds
"""

from kerasforecast.models.network import (
    build,
    build_states,
    initialise,
    merged_weights,
    parameter_count,
    set_weights,
    weighted_layers,
)

__all__ = [
    "build",
    "build_states",
    "initialise",
    "merged_weights",
    "parameter_count",
    "set_weights",
    "weighted_layers",
]

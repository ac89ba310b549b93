"""What a network is given at random beside its windows."""

from __future__ import annotations

import keras
from keras import KerasTensor

from kerasforecast.models.families.base import Role, Sizes
from kerasforecast.sections.network import NetworkConfig


def drawn_inputs(config: NetworkConfig, sizes: Sizes, role: Role) -> dict[str, KerasTensor]:
    """Further inputs by name: what training draws, or in the roles of paths the noise `(B, S, H)`."""
    noise = {} if role not in ("paths", "stages") else {"noise": (None, sizes.horizon)}
    found = config.family.drawn(config.options, sizes) if role == "training" else noise
    return {name: keras.Input(shape, name=name, dtype="float32") for name, shape in found.items()}

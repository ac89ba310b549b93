"""Building a network around its scaling, and moving weights between its roles."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.errors import OptionError
from kerasforecast.layers.direct import LeanModel
from kerasforecast.models.families.base import Graph, Inputs, Role
from kerasforecast.models.heads import start_at
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.runtime.forks import about_to_compute
from kerasforecast.sections import NetworkConfig


def build(
    config: NetworkConfig, scaling: FittedScaling, role: Role, seed: int = 0, name: str = "forecaster"
) -> keras.Model:
    """The network `config` names, in the given role; its weights are still to be set.

    Args:
        config: Family and sizes.
        scaling: What turns raw windows into the network's inputs, and its outputs into raw values.
        role: See the package's docstring.
        seed: Seed of the dropout masks.
        name: Of the model, for one that stands in another.

    Returns:
        Functional model from raw windows `past` `(B, L, F)` float32 to `(B, H)`, or `(B, H, K)` where there are
        quantiles: scaled in training, raw otherwise.
    """
    past, graph = _graph(config, scaling, role, seed)
    if role == "training":
        return _trainee()(past, graph.outputs, name=name)
    return keras.Model(past, scaling.restore(past, graph.outputs, ops), name=name)


def build_model(members: Sequence[Member], role: Role) -> keras.Model:
    """The network of a model, in a role other than training: its only member's, or the weighted mean of several.

    Args:
        members: Of one horizon, the same quantile levels and the same columns. Each sees the last rows of the window,
            as many as its own.
        role: See the package's docstring.

    Returns:
        Functional model from raw windows `past` `(B, L, F)`, L the longest of the members' windows, to raw forecasts.
    """
    if len(members) == 1:
        return build(members[0].network, members[0].scaling, role)
    window = max(member.network.window for member in members)
    past = keras.Input((window, len(members[0].scaling.transforms)), name="past", dtype="float32")
    parts = []
    for number, member in enumerate(members, 1):
        own = past if member.network.window == window else past[:, window - member.network.window :]
        network = build(member.network, member.scaling, role, name=f"member_{number}")
        parts.append(network(own) * np.float32(member.weight))
    return keras.Model(past, keras.layers.Add(name="mean")(parts), name="forecaster")


def build_states(config: NetworkConfig, scaling: FittedScaling) -> keras.Model:
    """The inference network with its inner states at the window's end as outputs.

    Raises:
        OptionError: Its family has none.
    """
    past, graph = _graph(config, scaling, "inference", 0)
    if not graph.states:
        raise OptionError(f"Inner states need a recurrent network. Received: {config.describe()}.")
    return keras.Model(past, list(graph.states), name="states")


def initialise(model: keras.Model, config: NetworkConfig, seed: int, targets: np.ndarray | None = None) -> None:
    """Give `model` its starting weights: drawn by NumPy, hence the same on every backend.

    Args:
        model: In the training role.
        config: Its configuration.
        seed: Seed of the draws.
        targets: Scaled targets of the training windows, `(N, H)`: where a quantile head starts.
    """
    for layer in weighted_layers(model):
        random = np.random.default_rng([seed, 2, *layer.name.encode()])
        layer.set_weights(config.family.start(layer, config.options, random))
    if config.quantiles and targets is not None:
        start_at(model.get_layer("head"), config.quantiles, targets)


def merged_weights(model: keras.Model) -> list[np.ndarray]:
    """The weights of a training network as the other roles hold them: both bias vectors of a layer summed."""
    weights: list[np.ndarray] = []
    for layer in weighted_layers(model):
        weights += _merged(layer)
    return weights


def set_weights(model: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Assign `weights`, in the order of `merged_weights`, to a network in another role than training."""
    left = list(weights)
    for layer in weighted_layers(model):
        count = len(layer.weights)
        layer.set_weights(left[:count])
        del left[:count]


def weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers that hold trained numbers, in order (a dropout layer's variable is its random seed)."""
    return [layer for layer in every_layer(model) if layer.weights and not isinstance(layer, keras.layers.Dropout)]


def every_layer(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of `model` in order; in the place of a model within it, that one's."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found += every_layer(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _trainee() -> type[keras.Model]:
    """The class of networks in training."""
    lean = keras.backend.backend() == "torch" and keras.config.dtype_policy().name == "float32"
    return LeanModel if lean else keras.Model


def _graph(config: NetworkConfig, scaling: FittedScaling, role: Role, seed: int) -> tuple[KerasTensor, Graph]:
    about_to_compute()
    past = keras.Input((config.window, len(scaling.transforms)), name="past", dtype="float32")  # (B, L, F)
    inputs = Inputs(scaling.inputs(past, ops))
    return past, config.family.build(config.options, config.sizes(scaling.channels), inputs, role, seed)


def _merged(layer: keras.layers.Layer) -> list[np.ndarray]:
    if isinstance(layer, keras.layers.Bidirectional):
        return _merged(layer.forward_layer) + _merged(layer.backward_layer)
    two_biases = getattr(getattr(layer, "cell", None), "recurrent_bias", None) is not None
    return layer.keras_weights() if two_biases else layer.get_weights()

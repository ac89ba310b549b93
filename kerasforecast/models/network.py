"""Building a network around its scaling, and moving weights between its roles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.errors import OptionError, shown
from kerasforecast.layers.direct import LeanModel
from kerasforecast.models.drawn import drawn_inputs
from kerasforecast.models.families.arithmetic import CATEGORY
from kerasforecast.models.families.base import Graph, Inputs, Role
from kerasforecast.models.heads import middle, side_by_side, start_at
from kerasforecast.models.member import Member, sizes_of
from kerasforecast.preprocessing.covariates import NO_COVARIATES, FittedCovariates
from kerasforecast.preprocessing.paths import restore_paths
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.runtime.forks import about_to_compute
from kerasforecast.sections.network import NetworkConfig


def build(
    config: NetworkConfig,
    scaling: FittedScaling,
    role: Role,
    seed: int = 0,
    name: str = "forecaster",
    covariates: FittedCovariates = NO_COVARIATES,
    points: bool = False,
) -> keras.Model:
    """The network `config` names, in the given role; its weights are still to be set.

    Args:
        config: Family and sizes.
        scaling: What turns raw windows into the network's inputs, and its outputs into raw values.
        role: See the package's docstring.
        seed: Seed of the dropout masks.
        name: Of the model, for one that stands in another.
        covariates: The columns known ahead and the attributes that it takes beside the past.
        points: Whether it answers with the median of its paths, where it draws some.

    Returns:
        Functional model from raw windows `past` `(B, L, F)` float32, or from `past`, `known` `(B, L + H, K)` and
        `static` `(B, S)` by name where it takes more, to `(B, H)`, or `(B, H, K)` where there are quantiles: scaled in
        training, raw otherwise. A family that is sampled answers as the package's docstring says.
    """
    raw = _raw_inputs(config.window, config.horizon, len(scaling.transforms), covariates)
    raw |= drawn_inputs(config, sizes_of(config, scaling, covariates), role)
    graph = _graph(config, scaling, covariates, raw, role, seed)
    if role == "training":
        network = _trainee()(_fed(raw), graph.outputs, name=name)
        if not config.family.trained:
            network.trainable = False
        return network
    restore = partial(restore_paths, scaling.restore) if config.family.sampled else scaling.restore
    found = keras.tree.map_structure(lambda each: restore(raw["past"], each, ops), graph.stages or graph.outputs)
    paths = config.family.paths(config.options) if points else 0
    return keras.Model(_fed(raw), middle(found, paths) if paths else found, name=name)


def build_model(members: Sequence[Member], role: Role) -> keras.Model:
    """The network of a model, in a role other than training: its only member's, or the weighted mean of several.

    Args:
        members: Of one horizon, the same quantile levels and the same columns. Each sees the last rows of the window,
            as many as its own. Of several, one that draws paths has their median in the mean.
        role: See the package's docstring.

    Returns:
        Functional model from raw windows `past` `(B, L, F)`, L the longest of the members' windows, to raw forecasts.
    """
    first = members[0]
    if len(members) == 1:
        return build(first.network, first.scaling, role, covariates=first.covariates)
    window = max(member.network.window for member in members)
    raw = _raw_inputs(window, first.network.horizon, len(first.scaling.transforms), first.covariates)
    parts = []
    for number, member in enumerate(members, 1):
        cut = window - member.network.window
        own = {name: part[:, cut:] if cut and name != "static" else part for name, part in raw.items()}
        name = f"member_{number}"
        network = build(member.network, member.scaling, role, name=name, covariates=member.covariates, points=True)
        parts.append(network(_fed(own)) * np.float32(member.weight))
    return keras.Model(_fed(raw), keras.layers.Add(name="mean")(parts), name="forecaster")


def build_states(
    config: NetworkConfig, scaling: FittedScaling, covariates: FittedCovariates = NO_COVARIATES
) -> keras.Model:
    """The inference network with its inner states at the window's end as outputs.

    Raises:
        OptionError: Its family has none.
    """
    raw = _raw_inputs(config.window, config.horizon, len(scaling.transforms), covariates)
    graph = _graph(config, scaling, covariates, raw, "inference", 0)
    if not graph.states:
        raise OptionError(f"Inner states need a recurrent network. Received: {config.describe()}.")
    return keras.Model(_fed(raw), list(graph.states), name="states")


def build_parts(
    config: NetworkConfig, scaling: FittedScaling, covariates: FittedCovariates = NO_COVARIATES
) -> tuple[keras.Model, tuple[str, ...]]:
    """The inference network with what its forecast is the sum of, each `(B, H)` raw, and the names of these parts.

    The first part is what it forecasts with that alone, each further one what it adds.

    Raises:
        OptionError: Its family has no such parts.
    """
    raw = _raw_inputs(config.window, config.horizon, len(scaling.transforms), covariates)
    graph = _graph(config, scaling, covariates, raw, "inference", 0)
    if not graph.parts:
        raise OptionError(
            f"Parts of a forecast need an N-BEATS with an interpretable basis. Received: {config.describe()}."
        )
    found, sum_, before = {}, None, None
    for name, part in graph.parts.items():
        sum_ = part if sum_ is None else sum_ + part
        so_far = scaling.restore(raw["past"], sum_, ops)
        found[name] = so_far if before is None else so_far - before
        before = so_far
    return keras.Model(_fed(raw), list(found.values()), name="parts"), tuple(found)


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
        start_at(model, config.quantiles, targets)


def merged_weights(model: keras.Model) -> list[np.ndarray]:
    """The weights of a training network as the other roles hold them: both bias vectors of a layer summed."""
    weights: list[np.ndarray] = []
    for layer in weighted_layers(model):
        weights += _merged(layer)
    return weights


def start_from(model: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Give `model` the weights of another of its family and sizes to start from: of two bias vectors the second is 0.

    Args:
        model: In the training role.
        weights: In the order of `merged_weights`.
    """
    left = list(weights)
    for layer in weighted_layers(model):
        layer.set_weights(_parted(layer, left))
    if left:
        raise ValueError(f"A network takes as many arrays as it has. Received: {len(left)} more.")


def freeze(model: keras.Model, names: Sequence[str]) -> tuple[str, ...]:
    """Keep the weights of some layers as they are in training, and return the names of these layers.

    Args:
        model: In the training role, not compiled yet.
        names: Of layers, or what their names begin with.

    Raises:
        OptionError: No layer is called so, or none would be left to train.
    """
    layers = {layer.name: layer for layer in weighted_layers(model)}
    for name in names:
        if not any(each.startswith(name) for each in layers):
            raise OptionError(
                f"--freeze must name layers of the network, or what their names begin with: {', '.join(layers)}. "
                f"Received: {shown(name)}."
            )
    frozen = tuple(each for each in layers if each.startswith(tuple(names)))
    if frozen and len(frozen) == len(layers):
        raise OptionError(
            f"--freeze must leave a layer to train: {', '.join(layers)}. Received: {shown(', '.join(names))}, which is "
            "all of them. Leave one out."
        )
    for each in frozen:
        layers[each].trainable = False
    return frozen


def trained_parameters(model: keras.Model) -> int:
    """Numbers that training changes; moving statistics of a normalisation count as such."""
    frozen = sum(layer.count_params() for layer in weighted_layers(model) if not layer.trainable)
    return int(model.count_params() - frozen)


def set_weights(model: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Assign `weights`, in the order of `merged_weights`, to a network in another role than training.

    One that ends before the head takes the first of them.
    """
    left = list(weights)
    for layer in weighted_layers(model):
        count = len(layer.weights)
        layer.set_weights(left[:count])
        del left[:count]


def weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers that hold trained numbers, in order (a dropout layer's variable is its random seed)."""
    return [layer for layer in every_layer(model) if layer.weights and not isinstance(layer, keras.layers.Dropout)]


def every_layer(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of `model` in order; in the place of a model within it, that one's.

    The vectors of categories come first: where Keras lists them depends on how deep the rest of the network is.
    """
    found: list[keras.layers.Layer] = []
    for layer in sorted(model.layers, key=lambda layer: not layer.name.startswith(CATEGORY)):
        found += every_layer(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _trainee() -> type[keras.Model]:
    """The class of networks in training."""
    lean = keras.backend.backend() == "torch" and keras.config.dtype_policy().name == "float32"
    return LeanModel if lean else keras.Model


def _raw_inputs(window: int, horizon: int, columns: int, covariates: FittedCovariates) -> dict[str, KerasTensor]:
    """What a model is given, by name: `past`, and `known` and `static` where there are some."""
    shapes = {
        "past": (window, columns),
        "known": (window + horizon, len(covariates.known)),
        "static": (len(covariates.static),),
    }
    return {name: keras.Input(shape, name=name, dtype="float32") for name, shape in shapes.items() if shape[-1]}


def _fed(raw: dict[str, KerasTensor]) -> KerasTensor | dict[str, KerasTensor]:
    """The inputs as `kerasforecast.preprocessing.batch.WindowBatch.fed` gives them: a bare `past` where it is alone."""
    return raw if len(raw) > 1 else raw["past"]


def _graph(
    config: NetworkConfig,
    scaling: FittedScaling,
    covariates: FittedCovariates,
    raw: dict[str, KerasTensor],
    role: Role,
    seed: int,
) -> Graph:
    about_to_compute()
    known = static = None
    if not config.family.alone:
        known = covariates.known_inputs(raw["known"], raw["past"], scaling, ops) if covariates.known else None
        static = _attributes(covariates, raw["static"]) if covariates.static else None
    drawn = {name: symbol for name, symbol in raw.items() if name not in ("past", "known", "static")}
    inputs = Inputs(scaling.inputs(raw["past"], ops), known, static, drawn)
    return config.family.build(config.options, sizes_of(config, scaling, covariates), inputs, role, seed)


def _attributes(covariates: FittedCovariates, static: KerasTensor) -> KerasTensor:
    """Raw attributes `(B, S)` as numbers a network can compute with, `(B, S')`: vectors in place of categories."""
    scaled = covariates.static_inputs(static)
    parts = [scaled[:, place : place + 1] for place in covariates.numeric]
    for place, each in covariates.embedded.items():
        # From zeros: categories start alike, and part as far as training tells them apart.
        sizes = len(each.names), each.width
        lookup = keras.layers.Embedding(*sizes, embeddings_initializer="zeros", name=f"{CATEGORY}{place}")
        parts.append(lookup(scaled[:, place]))  # (B, E)
    return side_by_side(parts)


def _merged(layer: keras.layers.Layer) -> list[np.ndarray]:
    if isinstance(layer, keras.layers.Bidirectional):
        return _merged(layer.forward_layer) + _merged(layer.backward_layer)
    return layer.keras_weights() if _two_biases(layer) else layer.get_weights()


def _parted(layer: keras.layers.Layer, left: list[np.ndarray]) -> list[np.ndarray]:
    """What `layer.set_weights` takes, of what `_merged` gave; taken away from the front of `left`."""
    if isinstance(layer, keras.layers.Bidirectional):
        return _parted(layer.forward_layer, left) + _parted(layer.backward_layer, left)
    second = 1 if _two_biases(layer) else 0
    count = len(layer.weights) - second
    own = [left.pop(0) for _ in range(count)]
    return [*own, *([np.zeros_like(own[-1])] if second else [])]


def _two_biases(layer: keras.layers.Layer) -> bool:
    return getattr(getattr(layer, "cell", None), "recurrent_bias", None) is not None

"""Building a network around its scaling, and moving weights between its roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.config import NetworkConfig
from kerasforecast.layers.direct import LeanModel
from kerasforecast.models.families.recurrent import recurrent
from kerasforecast.models.heads import start_at
from kerasforecast.models.initializers import draw
from kerasforecast.models.role import Role
from kerasforecast.preprocessing.scaling import FittedScaling

Builder = Callable[[KerasTensor, NetworkConfig, Role, int], tuple[KerasTensor, list[KerasTensor]]]

FAMILIES: dict[str, Builder] = dict.fromkeys(("lstm", "gru", "rnn", "peephole", "coupled"), recurrent)


def build(config: NetworkConfig, scaling: FittedScaling, role: Role, seed: int = 0) -> keras.Model:
    """The network `config` names, in the given role; its weights are still to be set.

    Args:
        config: Family and sizes.
        scaling: What turns raw windows into the network's inputs, and its outputs into prices.
        role: See the package's docstring.
        seed: Of the dropout masks.

    Returns:
        Functional model from raw windows `(B, L, F)` float32 to `(B, H)`, or `(B, H, K)` where there are quantiles:
        scaled in training, raw otherwise.
    """
    prices, scaled, _ = _graph(config, scaling, role, seed)
    if role == "training":
        return _trainee()(prices, scaled, name="forecaster")
    return keras.Model(prices, scaling.restore(prices, scaled, ops), name="forecaster")


def build_states(config: NetworkConfig, scaling: FittedScaling) -> keras.Model:
    """The inference network with the final states of every recurrent layer as outputs, each `(B, U)`."""
    prices, _, states = _graph(config, scaling, "inference", 0)
    return keras.Model(prices, states, name="states")


def initialise(model: keras.Model, config: NetworkConfig, seed: int, targets: np.ndarray | None = None) -> None:
    """Give `model` its starting weights: drawn by NumPy, hence the same on every backend.

    Args:
        model: In the training role.
        config: Its configuration.
        seed: Of the draws.
        targets: Scaled targets of the training windows, `(N, H)`: where a quantile head starts.
    """
    for layer in weighted_layers(model):
        layer.set_weights(draw(layer, config.initializer, np.random.default_rng([seed, 2, *layer.name.encode()])))
    if config.quantiles and targets is not None:
        start_at(model.get_layer("head"), config, targets)


def merged_weights(model: keras.Model) -> list[np.ndarray]:
    """The weights of a training network as the other roles hold them: both bias vectors of a layer summed."""
    weights: list[np.ndarray] = []
    for layer in weighted_layers(model):
        weights += _merged(layer)
    return weights


def set_weights(model: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Assign `weights`, in the order of `merged_weights`, to a network in the inference or export role."""
    left = list(weights)
    for layer in weighted_layers(model):
        count = len(layer.weights)
        layer.set_weights(left[:count])
        del left[:count]


def weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers that hold trained numbers, in order (a dropout layer's variable is its random seed)."""
    return [layer for layer in model.layers if layer.weights and not isinstance(layer, keras.layers.Dropout)]


def _trainee() -> type[keras.Model]:
    """The class of networks in training."""
    lean = keras.backend.backend() == "torch" and keras.config.dtype_policy().name == "float32"
    return LeanModel if lean else keras.Model


def _graph(
    config: NetworkConfig, scaling: FittedScaling, role: Role, seed: int
) -> tuple[KerasTensor, KerasTensor, list[KerasTensor]]:
    prices = keras.Input((config.window, len(scaling.transforms)), name="prices", dtype="float32")  # (B, L, F)
    scaled, states = FAMILIES[config.model](scaling.inputs(prices, ops), config, role, seed)  # (B, H)
    return prices, scaled, states


def _merged(layer: keras.layers.Layer) -> list[np.ndarray]:
    if isinstance(layer, keras.layers.Bidirectional):
        return _merged(layer.forward_layer) + _merged(layer.backward_layer)
    two_biases = getattr(getattr(layer, "cell", None), "recurrent_bias", None) is not None
    return layer.keras_weights() if two_biases else layer.get_weights()

"""A plain Keras model that its holder trusts, as one of ours: the only place where Keras itself reads a file.

Keras' safe mode refuses code inside the file, and nothing else: the file still decides which layers are made, how large
they are and which files they read, and a fault in Keras or in the HDF5 library would be open to it.

Accepted is what our own networks are: an input of raw or scaled windows `(L, 1)`, a stack of equal LSTM, GRU or
SimpleRNN layers (also bidirectional, with dropout or normalisation between them), and a linear `Dense` head.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasforecast.artifact.exchange.foreign import foreign_manifest, known_range
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.reader import SIZE_LIMIT
from kerasforecast.config import Config
from kerasforecast.errors import InputError, shown
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.families import registry
from kerasforecast.models.member import Member
from kerasforecast.models.network import weighted_layers

_CELLS = {keras.layers.LSTM: "lstm", keras.layers.GRU: "gru", keras.layers.SimpleRNN: "rnn"}
_NORMS = {keras.layers.LayerNormalization: "layer", keras.layers.BatchNormalization: "batch"}
_PASSED = (keras.layers.InputLayer, keras.layers.Dropout)
_AGREEMENT = 1e-5


def import_keras_model(
    path: Path, *, target: str, low: float | None = None, high: float | None = None
) -> tuple[Manifest, list[np.ndarray]]:
    """The manifest and weights of a plain Keras file, which must come from someone you trust.

    Args:
        path: A `.keras` file of a stack of recurrent layers and a linear head.
        target: Name of the column it forecasts.
        low: Smallest training price, where it was trained on min-max scaled prices; else `None`.
        high: Largest training price, likewise.

    Raises:
        InputError: The file is absent, no Keras model, or of another architecture.
    """
    network = _read(path)
    chain = [layer for layer in network.layers if not isinstance(layer, _PASSED)]
    options, window = _options(chain, path), _window(network, path)
    scaling = known_range(low, high)
    config = Config.from_options(
        target=target, window=window, scaling=scaling.kind, dropout=_dropout(network), **options
    )
    weights = [np.asarray(array, np.float32) for layer in weighted_layers(network) for array in layer.get_weights()]
    member = Member(network=config.network, scaling=scaling)
    shapes = list(member.arrays().values())
    if [array.shape for array in weights] != shapes or not all(np.isfinite(array).all() for array in weights):
        raise _other(path, "weights of other shapes, or not finite")
    manifest = foreign_manifest(path.stem, config, member, weights)
    _check_agreement(member, weights, network, path)
    return manifest, weights


def _read(path: Path) -> keras.Model:
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give what model.save() of Keras wrote.")
    if path.suffix != ".keras" or path.stat().st_size > SIZE_LIMIT:
        raise InputError(f"{path}: must be a .keras file of at most {SIZE_LIMIT:,} bytes. Received: another.")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever a layer's making raises
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: must be a model that Keras opens in safe mode. Received: {shown(reason, 200)}."
        ) from None


def _options(chain: list[keras.layers.Layer], path: Path) -> dict[str, Any]:
    """The network options that make the same stack."""
    cells = [layer for layer in chain[:-1] if type(layer) not in _NORMS]
    norms = {type(layer) for layer in chain[:-1] if type(layer) in _NORMS}
    both = {isinstance(layer, keras.layers.Bidirectional) for layer in cells}
    singles = [getattr(layer, "forward_layer", layer) for layer in cells]
    kinds, units = {type(layer) for layer in singles}, {getattr(layer, "units", None) for layer in singles}
    head = chain[-1] if chain else None
    plain = len(kinds) == len(units) == len(both) == 1 and kinds <= _CELLS.keys() and len(norms) <= 1
    if not plain or not isinstance(head, keras.layers.Dense) or not all(map(_as_ours, [*singles, head])):
        raise _other(path, shown([type(layer).__name__ for layer in chain], 200))
    model = _CELLS[kinds.pop()]
    one_bias = {"recurrent_bias": False} if "recurrent_bias" in registry.family(model).options.model_fields else {}
    return one_bias | {
        "model": model,
        "units": units.pop(),
        "layers": len(cells),
        "bidirectional": both.pop(),
        "norm": _NORMS[norms.pop()] if norms else "none",
        "horizon": head.units,
    }


def _as_ours(layer: keras.layers.Layer) -> bool:
    """Whether a cell or the head computes as ours do; forecasts of small numbers would not tell."""
    config = layer.get_config()
    wanted = {"use_bias": True, "go_backwards": False, "reset_after": True, "recurrent_activation": "sigmoid"}
    wanted["activation"] = "linear" if isinstance(layer, keras.layers.Dense) else "tanh"
    return all(config.get(name, value) == value for name, value in wanted.items())


def _window(network: keras.Model, path: Path) -> int:
    shape = network.input_shape
    if not isinstance(shape, tuple) or len(shape) != 3 or shape[1] is None or shape[2] != 1:
        raise _other(path, f"inputs of shape {shown(shape)}")
    return shape[1]


def _dropout(network: keras.Model) -> float:
    rates = [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    return max(rates, default=0.0)


def _check_agreement(member: Member, weights: list[np.ndarray], network: keras.Model, path: Path) -> None:
    """Prove by forecasting that nothing of the network was left behind, e.g. another activation or another order."""
    window, scaling = member.network.window, member.scaling
    scaled = np.random.default_rng(0).uniform(size=(4, window, 1)).astype(np.float32)  # (B, L, 1)
    prices = scaled * np.float32(scaling.scale[0]) + np.float32(scaling.offset[0])
    theirs = np.asarray(network.predict_on_batch(scaled)) * scaling.scale[0] + scaling.offset[0]
    error = np.max(np.abs(Predictor([member], weights).predict(prices) - theirs)) / scaling.scale[0]
    level = 1 + np.max(np.abs(prices)) / scaling.scale[0]
    if not error <= _AGREEMENT * level:
        raise _other(path, f"forecasts that differ by {error:.2g} scaled units when it is rebuilt")


def _other(path: Path, received: str) -> InputError:
    return InputError(
        f"{path}: must be a stack of equal LSTM, GRU or SimpleRNN layers over windows (L, 1) and a linear Dense. "
        f"Received: {received}."
    )

"""Weights to and from the PyTorch StockLSTM (`nn.LSTM`, dropout, `nn.Linear`); PyTorch is needed, on any backend.

PyTorch keeps, for layer k, `lstm.weight_ih_l<k>` `(4U, n)`, `lstm.weight_hh_l<k>` `(4U, U)`, `lstm.bias_ih_l<k>` and
`lstm.bias_hh_l<k>` `(4U,)`, gates in the order i, f, g, o, which is Keras' order too. Kernels are transposed; the two
biases only act as their sum.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from kerasforecast.artifact.exchange.foreign import foreign_manifest, known_range
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.config import Config
from kerasforecast.errors import BackendError, InputError, shown
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch

STOCK_LSTM = "lstm"  # the family that it is
LINEAR_NAMES = ("linear", "fc", "head", "dense", "output", "out")


def import_state_dict(
    path: Path, *, window: int, target: str, low: float | None, high: float | None
) -> tuple[Manifest, list[np.ndarray]]:
    """The manifest and weights of a StockLSTM's `state_dict` file.

    Args:
        path: What `torch.save(model.state_dict(), path)` wrote; read with `weights_only=True`.
        window: Rows of history it was trained on (a state dict does not say).
        target: Name of the column it forecasts.
        low: Smallest training price, where it was trained on min-max scaled prices; else `None`.
        high: Largest training price, likewise.

    Raises:
        InputError: The file is absent, no state dict, or of another architecture.
        BackendError: PyTorch is not installed.
    """
    arrays = _read(path)
    prefix = _lstm_prefix(arrays, path)
    linear = _linear_name(arrays, prefix, path)
    layers = sum(name.startswith(f"{prefix}weight_ih_l") for name in arrays)
    weights: list[np.ndarray] = []
    for layer in range(layers):
        weights += _layer(arrays, prefix, layer, path)
    weights += [arrays[f"{linear}.weight"].T, arrays[f"{linear}.bias"]]
    _check_shapes(weights, path)
    manifest = _manifest(weights, layers, window=window, target=target, low=low, high=high, name=path.stem)
    return manifest, weights


def state_dict(member: Member, weights: Sequence[np.ndarray], linear: str = "linear") -> dict[str, np.ndarray]:
    """A network's weights under PyTorch's names; the merged bias is `bias_ih`, and `bias_hh` is zero.

    Args:
        member: What the weights are of.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
        linear: What the linear layer is called there.

    Raises:
        InputError: The model is not an LSTM over one channel per column, and nothing beside.
    """
    network, beside = member.network, member.covariates
    options: Any = network.options
    plain = network.model == STOCK_LSTM and not (
        options.bidirectional or options.norm != "none" or options.readout != "last" or network.quantiles
    )
    if not plain:
        kind = f"{network.describe()}{', with quantiles' if network.quantiles else ''}"
        raise InputError(f"Only a plain LSTM of point forecasts has the StockLSTM's layout. Received: {kind}.")
    if beside.known or beside.static:
        kind = "known ahead" if beside.known else "of one value a series"
        raise InputError(
            f"The StockLSTM's layout has no place for other columns than those of the past. Received: columns {kind}. "
            "Use --to onnx."
        )
    *recurrent, head_kernel, head_bias = weights
    arrays: dict[str, np.ndarray] = {}
    for layer in range(options.layers):
        kernel, recurrent_kernel, bias = recurrent[3 * layer : 3 * layer + 3]
        arrays[f"lstm.weight_ih_l{layer}"] = kernel.T
        arrays[f"lstm.weight_hh_l{layer}"] = recurrent_kernel.T
        arrays[f"lstm.bias_ih_l{layer}"] = bias
        arrays[f"lstm.bias_hh_l{layer}"] = np.zeros_like(bias)
    return arrays | {f"{linear}.weight": head_kernel.T, f"{linear}.bias": head_bias}


def write_state_dict(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write `arrays` as a file that `StockLSTM().load_state_dict(torch.load(path))` takes."""
    torch = torch_package()
    tensors = {name: torch.from_numpy(np.array(array, order="C")) for name, array in arrays.items()}
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    path.write_bytes(buffer.getvalue())


class TorchAnswers:
    """A state dict in PyTorch's own layers, asked about raw windows.

    Args:
        member: What it is of: PyTorch's network takes and gives scaled values.
        path: What `write_state_dict` wrote.
        linear: What the linear layer is called there.
    """

    def __init__(self, member: Member, path: Path, linear: str) -> None:
        torch = torch_package()
        arrays = torch.load(path, map_location="cpu", weights_only=True)
        options: Any = member.network.options
        channels = arrays["lstm.weight_ih_l0"].shape[1]
        self._lstm = torch.nn.LSTM(channels, options.units, options.layers, batch_first=True)
        self._linear = torch.nn.Linear(options.units, member.network.horizon)
        for part, name in ((self._lstm, "lstm"), (self._linear, linear)):
            own = {key.removeprefix(f"{name}."): value for key, value in arrays.items() if key.startswith(f"{name}.")}
            part.load_state_dict(own)
        self._scaling = member.scaling

    def outputs(self, windows: WindowBatch) -> np.ndarray:
        """Raw forecasts `(B, H)` of raw windows."""
        torch = torch_package()
        scaled = self._scaling.inputs(windows.past.astype(np.float64)).astype(np.float32)
        with torch.no_grad():
            rows, _ = self._lstm(torch.from_numpy(np.ascontiguousarray(scaled)))
            answers = self._linear(rows[:, -1]).numpy()
        found: np.ndarray = self._scaling.restore(windows.past.astype(np.float64), answers)
        return found


def torch_package() -> ModuleType:
    """The package `torch`.

    Raises:
        BackendError: It is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise BackendError(
            'Exchange with PyTorch needs it. Received: it is not installed. Run: pip install "kerasforecast[torch]"'
        ) from None
    return torch


def _read(path: Path) -> dict[str, np.ndarray]:
    torch = torch_package()
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give what torch.save(model.state_dict(), ...) wrote.")
    try:
        with warnings.catch_warnings(action="ignore"):  # of an odd pickle protocol, before it is refused
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises pickle, zip, runtime and value errors alike
        reason = str(error).split(". ")[0]
        raise InputError(
            f"{path}: must be a state_dict saved by PyTorch. Received: {shown(reason)}. "
            "Save model.state_dict(), not the model."
        ) from None
    if not isinstance(found, dict) or not found or not all(torch.is_tensor(value) for value in found.values()):
        raise InputError(f"{path}: must be a state_dict, names to tensors. Received: {type(found).__name__}.")
    return {str(name): value.detach().to(torch.float32).numpy() for name, value in found.items()}


def _lstm_prefix(arrays: dict[str, Any], path: Path) -> str:
    firsts = [name for name in arrays if name.endswith("weight_ih_l0")]
    if len(firsts) != 1 or any(name.endswith("_reverse") for name in arrays):
        raise InputError(
            f"{path}: must hold one LSTM that runs forward (weight_ih_l0, ...). Received: {shown(sorted(arrays))}."
        )
    return firsts[0].removesuffix("weight_ih_l0")


def _linear_name(arrays: dict[str, np.ndarray], prefix: str, path: Path) -> str:
    names = [
        name.removesuffix(".weight")
        for name, array in arrays.items()
        if name.endswith(".weight") and array.ndim == 2 and not name.startswith(prefix or "weight_")
    ]
    if len(names) != 1 or f"{names[0]}.bias" not in arrays:
        raise InputError(
            f"{path}: must hold one linear layer with a bias ({', '.join(LINEAR_NAMES[:2])}, ...). "
            f"Received: {shown(sorted(arrays))}."
        )
    return names[0]


def _layer(arrays: dict[str, np.ndarray], prefix: str, layer: int, path: Path) -> list[np.ndarray]:
    wanted = [f"{prefix}{kind}_l{layer}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise InputError(f"{path}: its LSTM must have biases in every layer. Received: no {', '.join(missing)}.")
    kernel, recurrent_kernel, input_bias, recurrent_bias = (arrays[name] for name in wanted)
    return [kernel.T, recurrent_kernel.T, input_bias + recurrent_bias]


def _check_shapes(weights: list[np.ndarray], path: Path) -> None:
    units, width = weights[1].shape[0], weights[0].shape[0]
    expected: list[tuple[int, ...]] = []
    for _ in range((len(weights) - 2) // 3):
        expected += [(width, 4 * units), (units, 4 * units), (4 * units,)]
        width = units
    expected += [(units, weights[-1].shape[0]), (weights[-1].shape[0],)]
    for array, shape in zip(weights, expected, strict=True):
        if array.shape != shape or not np.isfinite(array).all():
            raise InputError(
                f"{path}: must be a stack of equal LSTM layers and a linear layer, all finite. "
                f"Received: {array.shape} where {shape} fits."
            )


def _manifest(
    weights: list[np.ndarray],
    layers: int,
    *,
    window: int,
    target: str,
    low: float | None,
    high: float | None,
    name: str,
) -> Manifest:
    columns, units, horizon = weights[0].shape[0], weights[1].shape[0], len(weights[-1])
    if columns != 1:
        raise InputError(f"A StockLSTM reads one column, the closing price. Received: input_size {columns}.")
    scaling = known_range(low, high)
    config = Config.from_options(
        target=target, window=window, units=units, layers=layers, horizon=horizon, scaling=scaling.kind
    )
    member = Member(network=config.network, scaling=scaling)
    return foreign_manifest(name, config, member, weights, member.parameters_saved + 4 * units * layers)

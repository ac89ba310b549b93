"""Every array of a saved network, by arithmetic from its configuration: what a file must hold, before any is made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from kerasforecast.config import NetworkConfig
from kerasforecast.errors import InputError

# What a stranger's file may cost whoever opens it: 5 seconds and 1 GiB beyond the backend's own (RESULTS.md of
# tests/reliability has what networks at these limits take).
PARAMETER_LIMIT = 2**25  # 128 MiB of float32
STEP_LIMIT = 2**32  # multiplications for one window
CELL_LIMIT = 16  # recurrent layers, a bidirectional one counted twice: each is a graph to trace
ROW_LIMIT = 2**15  # steps of a cell for one window
WINDOW_LIMIT = 200_000  # values of one window, which a model file holds as text

Shape = tuple[int, ...]

_GATES = {"lstm": 4, "gru": 3, "rnn": 1, "peephole": 4, "coupled": 3}
_FOLDERS = {
    "lstm": "lstm",
    "gru": "gru",
    "rnn": "simple_rnn",
    "peephole": "peephole_lstm",
    "coupled": "coupled_lstm",
}
_NORMS = {"none": ("", 0), "layer": ("layer_normalization", 2), "batch": ("batch_normalization", 4)}


def weight_shapes(config: NetworkConfig, channels: int) -> dict[str, Shape]:
    """The arrays of a saved network, in the order of `kerasforecast.models.network.merged_weights`.

    Args:
        config: Its configuration.
        channels: Inputs of its first layer.

    Returns:
        Shape by path in `model.weights.h5`, where Keras puts the arrays of the n-th layer of a class in
        `layers/<class in snake case>[_<n>]`.
    """
    seen: Counter[str] = Counter()
    return {
        f"layers/{kind}{f'_{number}' if number else ''}/{place}": shape
        for kind, arrays in _layers(config, channels)
        for number in [_count(seen, kind)]
        for place, shape in arrays
    }


def parameter_count(config: NetworkConfig, channels: int) -> int:
    """Parameters of the saved network."""
    return sum(math.prod(shape) for shape in weight_shapes(config, channels).values())


def head_width(config: NetworkConfig) -> int:
    """Outputs of the last dense layer: one a step, or one a step and level."""
    return config.horizon * max(1, len(config.quantiles))


def check_size(config: NetworkConfig, columns: int, channels: int) -> None:
    """Refuse networks that no loader could open in a bounded time and memory.

    Args:
        config: The network's configuration.
        columns: Columns of its windows.
        channels: Inputs of its first layer.

    Raises:
        InputError: Too many parameters, layers, rows times either, or too large a window.
    """
    count = parameter_count(config, channels)
    cells = config.layers * (1 + config.bidirectional)
    for what, received, limit, smaller in (
        ("parameters", count, PARAMETER_LIMIT, "--units or --layers"),
        ("parameters times rows of its window", count * config.window, STEP_LIMIT, "--window, --units or --layers"),
        ("layers, bidirectional ones counted twice", cells, CELL_LIMIT, "--layers"),
        ("rows times layers", cells * config.window, ROW_LIMIT, "--window or --layers"),
        ("values in a window", config.window * columns, WINDOW_LIMIT, "--window or --features"),
    ):
        if received > limit:
            raise InputError(
                f"A network must have at most {limit:,} {what}. Received: {received:,}. Use fewer {smaller}."
            )


def _layers(config: NetworkConfig, channels: int) -> Iterator[tuple[str, list[tuple[str, Shape]]]]:
    """Class and arrays of each layer that has any, in order."""
    width = config.units * (1 + config.bidirectional)
    norm, vectors = _NORMS[config.norm]
    for number in range(config.layers):
        cell = _cell(config.model, width if number else channels, config.units)
        if config.bidirectional:
            both = [(f"{side}_layer/{place}", shape) for side in ("forward", "backward") for place, shape in cell]
            yield "bidirectional", both
        else:
            yield _FOLDERS[config.model], cell
        if norm and number < config.layers - 1:
            yield norm, [(f"vars/{place}", (width,)) for place in range(vectors)]
    outputs = head_width(config)
    yield "dense", [("vars/0", (width, outputs)), ("vars/1", (outputs,))]


def _cell(model: str, inputs: int, units: int) -> list[tuple[str, Shape]]:
    """Kernel, recurrent kernel, bias; a GRU has two bias vectors in Keras too, a peephole cell three weights more."""
    gates = _GATES[model] * units
    shapes: list[Shape] = [(inputs, gates), (units, gates), (2, gates) if model == "gru" else (gates,)]
    if model == "peephole":
        shapes.append((3, units))
    return [(f"cell/vars/{place}", shape) for place, shape in enumerate(shapes)]


def _count(seen: Counter[str], kind: str) -> int:
    seen[kind] += 1
    return seen[kind] - 1

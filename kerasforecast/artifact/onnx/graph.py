"""A saved network, its `config.json` and its arrays, as the nodes of an ONNX graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from kerasforecast.artifact.onnx.layers import LAYERS
from kerasforecast.artifact.onnx.operations import OPERATIONS
from kerasforecast.artifact.onnx.tensors import Nodes, Tensor
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.models.member import numbered

Values: TypeAlias = dict[tuple[str, int, int], Tensor]  # by layer, which call of it, and which of what it gave


def converted(
    graph: Mapping[str, Any], arrays: Mapping[str, np.ndarray], inputs: Mapping[str, Tensor]
) -> tuple[Nodes, Tensor]:
    """The nodes of a network, and the one of them that is its answer.

    Args:
        graph: Of a file's `config.json`, checked (`kerasforecast.artifact.format.graph.check_graph`).
        arrays: Of its `model.weights.h5`, by path.
        inputs: What it is given, by name.

    Raises:
        ArtifactError: It names a layer or an operation that nobody has written in ONNX's yet.
    """
    nodes = Nodes()
    return nodes, _network(nodes, graph["config"], arrays, inputs)


def _network(
    nodes: Nodes, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray], inputs: Mapping[str, Tensor]
) -> Tensor:
    values: Values = {}
    waiting = [
        (layer, own, number) for layer, own in _with_arrays(config["layers"], arrays) for number in _calls(layer)
    ]
    while waiting:
        left = []
        for layer, own, number in waiting:
            if not _known(layer, number, values):
                left.append((layer, own, number))
                continue
            found = _called(nodes, layer, own, number, values, inputs)
            for place, value in enumerate(found if isinstance(found, tuple) else (found,)):
                values[layer["name"], number, place] = value
        if len(left) == len(waiting):
            raise ArtifactError("A network must compute in one direction. Received: layers that wait for one another.")
        waiting = left
    (output,) = _histories(config["output_layers"])
    return values[output]


def _with_arrays(layers: list[Any], arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[Any, dict[str, np.ndarray]]]:
    """Each layer with its own arrays, by their path within it: Keras counts the layers of each class."""
    seen: Counter[str] = Counter()
    for layer in layers:
        folder = f"layers/{numbered(layer['class_name'], seen)}/"
        yield layer, {path.removeprefix(folder): array for path, array in arrays.items() if path.startswith(folder)}


def _calls(layer: Mapping[str, Any]) -> range:
    return range(max(1, len(layer["inbound_nodes"])))


def _known(layer: Mapping[str, Any], number: int, values: Values) -> bool:
    return not layer["inbound_nodes"] or all(key in values for key in _needed(layer["inbound_nodes"][number]))


def _needed(node: Any) -> Iterator[tuple[str, int, int]]:
    """The values that a call takes."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            name, number, place = node["config"]["keras_history"]
            yield name, number, place
            return
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _needed(part)


def _histories(outputs: Any) -> list[tuple[str, int, int]]:
    if isinstance(outputs, dict):
        return [key for part in outputs.values() for key in _histories(part)]
    if outputs and isinstance(outputs[0], str):
        name, number, place = outputs
        return [(name, number, place)]
    return [key for part in outputs for key in _histories(part)]


def _called(
    nodes: Nodes,
    layer: Mapping[str, Any],
    arrays: dict[str, np.ndarray],
    number: int,
    values: Values,
    inputs: Mapping[str, Tensor],
) -> Any:
    """What one call of a layer gives."""
    kind, config = layer["class_name"], layer["config"]
    if kind == "InputLayer":
        return inputs[layer["name"]]
    call = layer["inbound_nodes"][number]
    given, named = _argument(call["args"], values), _argument(call["kwargs"], values)
    if kind == "Functional":
        return _network(nodes, config, arrays, _fed(config, given[0]))
    if layer["module"] and "ops" in layer["module"].split("."):
        if kind in OPERATIONS:
            return OPERATIONS[kind](nodes, config, *given, **named)
    elif kind in LAYERS:
        return LAYERS[kind](nodes, config, arrays, *given)
    raise ArtifactError(
        f"ONNX is not written yet of every part that a network may have. Received: {shown(kind)} of "
        f"{shown(layer['module'])}. Keep the .keras file for this model."
    )


def _fed(config: Mapping[str, Any], given: Any) -> Mapping[str, Tensor]:
    """What a network within another is given, by the names of its inputs."""
    if isinstance(given, dict):
        return given
    return {name: value for (name, *_), value in zip(_histories(config["input_layers"]), [given], strict=True)}


def _argument(node: Any, values: Values) -> Any:
    """An argument of a call, tensors and constants in the place of what stands for them."""
    if isinstance(node, list):
        return [_argument(part, values) for part in node]
    if not isinstance(node, dict):
        return node
    kind, config = node.get("class_name"), node.get("config")
    if kind == "__keras_tensor__" and config is not None:
        name, number, place = config["keras_history"]
        return Tensor(values[name, number, place].name, tuple(config["shape"]))
    if kind == "__numpy__" and config is not None:
        return np.asarray(config["value"], config["dtype"])
    if kind == "__slice__" and config is not None:
        return slice(*(_argument(config[end], values) for end in ("start", "stop", "step")))
    if kind == "__ellipsis__":
        return Ellipsis
    return {name: _argument(part, values) for name, part in node.items()}

"""`config.json`, the network as plain Keras reads it. We never build from it; it may name only what ours are made of.

A file that passes here is opened by `keras.models.load_model` elsewhere, by people who were told it is sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from kerasforecast.artifact.format.strict_json import parse_json
from kerasforecast.errors import ArtifactError, shown

# What every network may be made of, whatever its family: inputs, scaling, vectors of categories, heads, the mean of
# several networks.
_NAMES = {
    "keras": "DTypePolicy",
    "keras.initializers": "GlorotUniform Ones Orthogonal Zeros",
    "keras.layers": "Add Dropout Embedding InputLayer Reshape",
    "keras.src.models.functional": "Functional",
    "keras.src.ops.nn": "Softplus",
    "keras.src.ops.numpy": "Add Concatenate Cumsum Expm1 Flip GetItem Log Log1p Maximum Multiply Negative Pad "
    "Sqrt Subtract Sum TrueDivide ZerosLike",
    None: "__ellipsis__ __keras_tensor__ __numpy__ __slice__",
}
_COMMON: frozenset[tuple[str | None, str]] = frozenset(
    (module, name) for module, names in _NAMES.items() for name in names.split()
)
# What Keras allocates by; the last may be of several inputs.
_SIZES = ("units", "n", "input_dim", "output_dim", "batch_shape", "shape", "input_shape")
_FUNCTIONS = ("tanh", "sigmoid", "relu", "linear")


def check_graph(
    text: bytes | memoryview,
    classes: Set[tuple[str, str]],
    largest: int,
    where: str,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
) -> None:
    """Check that the network is made of known layers and operations, none larger than the manifest implies.

    Args:
        text: Content of `config.json`.
        classes: `(module, class)` of the layers that the manifest implies, beyond what every network has.
        largest: The largest size that any layer or tensor may have.
        where: The file's path, for messages.
        inputs: What the network is given by name, shapes without that of the batch, where that is to be checked.

    Raises:
        ArtifactError: It names something else, a larger size, or other inputs.
    """
    allowed = _COMMON | classes
    left = [parse_json(text, f"{where}: config.json")]
    if inputs is not None:
        _check_inputs(left[0], inputs, where)
    while left:
        node = left.pop()
        if isinstance(node, dict):
            _check_names(node, allowed, where)
            _check_sizes(node, largest, where)
            left += node.values()
        elif isinstance(node, list):
            left += node


def _check_inputs(graph: Any, inputs: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Refuse a network that is given something else, or two things by one name."""
    try:
        layers = [layer["config"] for layer in graph["config"]["layers"] if layer["class_name"] == "InputLayer"]
        found = sorted((layer["name"], tuple(layer["batch_shape"])) for layer in layers)
    except (TypeError, KeyError):
        found = []
    if found != sorted((name, (None, *shape)) for name, shape in inputs.items()):
        raise ArtifactError(
            f"{where}: config.json must take the inputs of its manifest, {shown(dict(inputs))}. "
            f"Received: {shown(found)}."
        )


def _check_names(node: dict[str, Any], allowed: Set[tuple[str | None, str]], where: str) -> None:
    if node.keys() & {"class_name", "module", "registered_name"}:
        name, module, registered = (node.get(key) for key in ("class_name", "module", "registered_name"))
        known = isinstance(name, str) and (module is None or isinstance(module, str)) and (module, name) in allowed
        if not known or registered not in (None, name, f"kerasforecast>{name}"):
            raise ArtifactError(
                f"{where}: config.json must name layers and operations of the networks in its manifest only. "
                f"Received: {shown(name)} of {shown(module)}."
            )
    for key in ("activation", "recurrent_activation"):
        if node.get(key, "linear") not in _FUNCTIONS:
            raise ArtifactError(f"{where}: config.json must name plain activations. Received: {shown(node[key])}.")


def _check_sizes(node: dict[str, Any], largest: int, where: str) -> None:
    for key in _SIZES:
        value = node.get(key)
        shapes = value if key == "input_shape" and value and all(isinstance(part, list) for part in value) else [value]
        for size in (size for shape in shapes for size in (shape if isinstance(shape, list) else [shape])):
            if size is not None and not (isinstance(size, int) and 0 <= size <= largest):
                raise ArtifactError(f"{where}: config.json must hold sizes up to {largest}. Received: {shown(size)}.")

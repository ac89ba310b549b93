"""A stranger's ONNX file: checked byte by byte before ONNX Runtime sees it, and without the package `onnx`.

The format has subgraphs, functions, custom operations and tensors that lie in other files; ours have none of these. A
file is taken where it holds nothing but operations of the list below over plain arrays, none larger than what its
manifest implies, and answers the golden batch. What the manifest says is validated as that of a `.keras` file is.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from kerasforecast.artifact.format.protobuf import Fields, Found, fields, signed
from kerasforecast.artifact.format.strict_json import parse_json
from kerasforecast.artifact.implied import implied_arrays, largest_size, network_inputs
from kerasforecast.artifact.manifest import Manifest, parse
from kerasforecast.artifact.onnx.packing import MANIFEST, unpacked
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.models.member import answer_shape

SIZE_LIMIT = 192 * 2**20

_PLAIN = frozenset(
    {
        *("Abs", "Add", "AveragePool", "Cast", "Concat", "Cos", "CumSum", "Div", "Einsum", "Equal", "Exp", "Expand"),
        *("GRU", "Gather", "Identity", "LSTM", "LayerNormalization", "Log", "MatMul", "Max", "MaxPool", "Min"),
        *("Mul", "Neg", "Pad", "Pow", "RNN", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Sigmoid", "Sin"),
        *("Slice", "Softmax", "Softplus", "Sqrt", "Squeeze", "Sub", "Tanh", "TopK", "Transpose", "Unsqueeze", "Where"),
        *(),
    }
)
# What ONNX Runtime's quantisation writes in the place of matrices.
_QUANTISED = frozenset({"DynamicQuantizeLinear", "MatMulInteger", "DequantizeLinear"})
_MICROSOFT = frozenset({"DynamicQuantizeLSTM", "DynamicQuantizeMatMul"})

_MODEL: Fields = {
    **{1: ("number", False), 2: ("bytes", False), 3: ("bytes", False), 5: ("number", False), 7: ("bytes", False)},
    **{8: ("bytes", True), 14: ("bytes", True)},
}
_GRAPH: Fields = {
    **{1: ("bytes", True), 2: ("bytes", False), 5: ("bytes", True), 11: ("bytes", True), 12: ("bytes", True)},
}
_NODE: Fields = {
    **{1: ("bytes", True), 2: ("bytes", True), 3: ("bytes", False), 4: ("bytes", False), 5: ("bytes", True)},
    **{7: ("bytes", False)},
}
_ATTRIBUTE: Fields = {
    **{1: ("bytes", False), 2: ("four", False), 3: ("number", False), 4: ("bytes", False), 8: ("number", True)},
    **{20: ("number", False)},
}
_TENSOR: Fields = {1: ("number", True), 2: ("number", False), 8: ("bytes", False), 9: ("bytes", False)}
_PAIR: Fields = {1: ("bytes", False), 2: ("bytes", False)}
_OPSET: Fields = {1: ("bytes", False), 2: ("number", False)}
_VALUE: Fields = _PAIR  # a name, and a type
_TYPE: Fields = {1: ("bytes", False)}
_TENSOR_TYPE: Fields = {1: ("number", False), 2: ("bytes", False)}
_SHAPE: Fields = {1: ("bytes", True)}
_SIZE: Fields = {1: ("number", False), 2: ("bytes", False)}
_DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64}  # of ONNX' numbers
_FLOAT = 1


def read_onnx(path: Path) -> tuple[Manifest, bytes]:
    """The manifest in an ONNX file, and the file's content, which is what we could have written.

    Raises:
        ArtifactError: The file is absent, damaged, or not one of ours.
    """
    where, content = str(path), _content(path)
    view = memoryview(content)
    model = fields(view, _MODEL, f"{where}: the model")
    manifest = _manifest(model, where)
    graph = fields(_messages(model, 7)[0], _GRAPH, f"{where}: its graph")
    shapes = implied_arrays(manifest, where)
    _check_nodes(graph, where)
    # ONNX joins two bias vectors, and has four gates where three are coupled.
    _check_arrays(graph, 4 * largest_size(manifest, shapes), where)
    _check_values(graph, 11, network_inputs(manifest), where)
    _check_values(graph, 12, {"forecast": answer_shape(manifest.members)}, where)
    return manifest, content


def read_onnx_manifest(path: Path) -> Manifest:
    """What an ONNX file says of itself, for those who do not run it; raises as `read_onnx` does."""
    return read_onnx(path)[0]


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ArtifactError(f"{path}: no such model file. `kerasforecast export MODEL --to onnx` writes one.")
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ArtifactError(f"{path}: must be a file that can be read. Received: {error.strerror}.") from None
    if not 0 < len(content) <= SIZE_LIMIT:
        size = "more" if content else "none"
        raise ArtifactError(f"{path}: a model file has 1 to {SIZE_LIMIT:,} bytes. Received: {size}.")
    return content


def _manifest(model: Found, where: str) -> Manifest:
    found: dict[str, bytes] = {}
    for part in _messages(model, 14):
        pair = fields(part, _PAIR, f"{where}: its metadata")
        name = _text(pair, 1)
        if name in found:
            raise ArtifactError(f"{where}: its metadata must name each entry once. Received: {shown(name)} twice.")
        found[name] = b"".join(map(bytes, _messages(pair, 2)))
    if MANIFEST not in found or not _messages(model, 7):
        raise ArtifactError(
            f"{where}: an ONNX file without {MANIFEST} in its metadata is not one of ours. "
            "`kerasforecast export MODEL --to onnx` writes one from a .keras file."
        )
    text = unpacked(found[MANIFEST], where)
    parse_json(text, f"{where}: its manifest")
    return parse(text, where)


def _check_nodes(graph: Found, where: str) -> None:
    """Refuse operations that no network of ours has, and what may lie in attributes: graphs and tensors."""
    for part in _messages(graph, 1):
        node = fields(part, _NODE, f"{where}: a node")
        kind, domain = _text(node, 4), _text(node, 7)
        allowed = {"": _PLAIN | _QUANTISED, "com.microsoft": _MICROSOFT}.get(domain, frozenset())
        if kind not in allowed:
            raise ArtifactError(
                f"{where}: its graph must be of operations of networks of ours. Received: {shown(kind)} "
                f"of {shown(domain or 'ai.onnx')}."
            )
        for attribute in _messages(node, 5):
            fields(attribute, _ATTRIBUTE, f"{where}: an attribute of {kind}")


def _check_arrays(graph: Found, largest: int, where: str) -> None:
    """Refuse arrays that lie elsewhere, are too large, not whole, or not finite, and whole numbers beyond any size."""
    for part in _messages(graph, 5):
        tensor = fields(part, _TENSOR, f"{where}: an array")
        shape = [signed(size) for size in tensor.get(1, []) if isinstance(size, int)]
        (kind,), data = tensor.get(2, [0]), b"".join(_messages(tensor, 9))
        dtype = _DTYPES.get(kind) if isinstance(kind, int) else None
        if dtype is None or not all(0 <= size <= largest for size in shape) or len(shape) > 5:
            raise ArtifactError(
                f"{where}: its arrays must have sizes up to {largest}. Received: {shown(shape)}, kind {kind}."
            )
        if len(data) != math.prod(shape) * np.dtype(dtype).itemsize:
            raise ArtifactError(f"{where}: an array of shape {shape} must be whole. Received: {len(data)} bytes.")
        values = np.frombuffer(data, dtype)
        ends = np.abs(values.astype(np.float64)) >= 2**62  # as far as there is something
        if not np.isfinite(values).all() or (dtype == np.int64 and (np.abs(values[~ends]) > largest).any()):
            raise ArtifactError(f"{where}: its arrays must hold finite numbers and sizes up to {largest}.")


def _check_values(graph: Found, number: int, wanted: dict[str, tuple[int, ...]], where: str) -> None:
    """Refuse inputs or outputs other than those of the manifest."""
    found: dict[str, tuple[int, ...]] = {}
    for part in _messages(graph, number):
        value = fields(part, _VALUE, f"{where}: an input or output")
        kind = _inner(value, 2, _TYPE, where)
        tensor = _inner(kind, 1, _TENSOR_TYPE, where)
        sizes = [fields(size, _SIZE, where) for size in _messages(_inner(tensor, 2, _SHAPE, where), 1)]
        shape = tuple(int(next(iter(size.get(1, [0])))) for size in sizes)  # type: ignore[arg-type]
        if tensor.get(1) != [_FLOAT] or _text(value, 1) in found or not shape or shape[0]:
            found = {}
            break
        found[_text(value, 1)] = shape[1:]
    if found != wanted:
        raise ArtifactError(f"{where}: it must take and give what its manifest says, {shown(wanted)}.")


def _inner(message: Found, number: int, allowed: Fields, where: str) -> Found:
    parts = _messages(message, number)
    return fields(parts[0], allowed, where) if parts else {}


def _messages(message: Found, number: int) -> list[memoryview]:
    return [part for part in message.get(number, []) if isinstance(part, memoryview)]


def _text(message: Found, number: int) -> str:
    return b"".join(_messages(message, number)).decode("utf-8", "replace")

"""The operations of Keras that a saved network may name, each in those of ONNX.

`log(1 + x)` and `exp(x) - 1` have no node of their own there. Written down so they lose all digits of a small x, and a
move of a price is small. With u = 1 + x rounded, `log(u) x / (u - 1)` has them again (Kahan; Higham 2002, section
1.14); `exp(x) - 1` is `tanh(x / 2) (exp(x) + 1)`, where nothing is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np

from kerasforecast.artifact.onnx.tensors import Nodes, Tensor
from kerasforecast.errors import ArtifactError, shown

Convert: TypeAlias = Callable[..., Tensor | tuple[Tensor, ...]]
OPERATIONS: dict[str, Convert] = {}
_END = np.iinfo(np.int64).max


def operation(*names: str) -> Callable[[Convert], Convert]:
    """Register the function that writes the operations of these names.

    It takes the nodes, the operation's own config, and its arguments in Keras' order; and gives a tensor, or several.
    """

    def register(function: Convert) -> Convert:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return register


_ALIKE = {
    "Add": "Add",
    "Subtract": "Sub",
    "Multiply": "Mul",
    "TrueDivide": "Div",
    "Divide": "Div",
    "Maximum": "Max",
    "Minimum": "Min",
    "Power": "Pow",
    "Matmul": "MatMul",
    "Sqrt": "Sqrt",
    "Log": "Log",
    "Exp": "Exp",
    "Negative": "Neg",
    "Absolute": "Abs",
    "Abs": "Abs",
    "Sin": "Sin",
    "Cos": "Cos",
    "Tanh": "Tanh",
    "Sigmoid": "Sigmoid",
    "Relu": "Relu",
    "Softplus": "Softplus",
}


def _alike(kind: str) -> Convert:
    def convert(nodes: Nodes, config: Mapping[str, Any], *values: Any) -> Tensor:
        return nodes.add(kind, *(_tensor(nodes, value) for value in values))

    return convert


OPERATIONS |= {name: _alike(kind) for name, kind in _ALIKE.items()}


@operation("Log1p")
def log1p(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """`log(1 + x)`."""
    one = nodes.constant(1.0)
    up = nodes.add("Add", x, one)
    exact = nodes.add("Div", nodes.add("Mul", nodes.add("Log", up), x), nodes.add("Sub", up, one))
    return nodes.add("Where", nodes.add("Equal", up, one), x, exact)


@operation("Expm1")
def expm1(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """`exp(x) - 1`."""
    half = nodes.add("Tanh", nodes.add("Mul", x, nodes.constant(0.5)))
    return nodes.add("Mul", half, nodes.add("Add", nodes.add("Exp", x), nodes.constant(1.0)))


@operation("Square")
def square(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """`x x`."""
    return nodes.add("Mul", x, x)


@operation("Silu")
def silu(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """`x sigmoid(x)`."""
    return nodes.add("Mul", x, nodes.add("Sigmoid", x))


@operation("ZerosLike")
def zeros_like(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """Zeros in the shape of `x`, which is finite."""
    return nodes.add("Mul", x, nodes.constant(0.0))


@operation("Sum", "Mean")
def reduced(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """The sum or mean over one axis or several."""
    axes, keep = _axes(config["axis"]), int(config["keepdims"])
    if "mean" in str(config["name"]):
        return nodes.add("ReduceMean", x, axes=axes, keepdims=keep)
    return nodes.add("ReduceSum", x, nodes.sizes(*axes), keepdims=keep)


@operation("Concatenate")
def concatenate(nodes: Nodes, config: Mapping[str, Any], parts: Sequence[Any]) -> Tensor:
    """Parts side by side."""
    return nodes.add("Concat", *(_tensor(nodes, part) for part in parts), axis=config["axis"])


@operation("Cumsum")
def cumsum(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """Sums up to each place."""
    return nodes.add("CumSum", x, nodes.constant(config["axis"], np.int64))


@operation("Flip")
def flip(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """The other way round."""
    return _sliced(nodes, x, [(axis, -1, -_END, -1) for axis in _axes(config["axis"])])


@operation("Pad")
def pad(nodes: Nodes, config: Mapping[str, Any], x: Tensor, constant_values: float | None = None) -> Tensor:
    """Zeros, or another constant, before and behind."""
    if config["mode"] != "constant":
        raise ArtifactError(f"ONNX is written of padding by a constant only. Received: {shown(config['mode'])}.")
    before, after = zip(*config["pad_width"], strict=True)
    filled = nodes.constant(constant_values or 0.0)
    return nodes.add("Pad", x, nodes.sizes(*before, *after), filled)


@operation("Reshape")
def reshape(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """Another shape, the batch first."""
    return nodes.reshape(x, [0, *config["newshape"][1:]])


@operation("Transpose")
def transpose(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """Axes in another order."""
    return nodes.transpose(x, *config["axes"])


@operation("TopK")
def top(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> tuple[Tensor, ...]:
    """The largest along the last axis, in order, and where they lie."""
    return nodes.add_several("TopK", x, nodes.sizes(config["k"]), outputs=2)


@operation("ExpandDims")
def expand_dims(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """One axis more, of length one."""
    return nodes.add("Unsqueeze", x, nodes.sizes(*_axes(config["axis"])))


@operation("Squeeze")
def squeeze(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """One axis of length one less."""
    return nodes.add("Squeeze", x, nodes.sizes(*_axes(config["axis"])))


@operation("Softmax")
def softmax(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    """Positive shares that sum to one."""
    return nodes.add("Softmax", x, axis=config["axis"])


@operation("Einsum")
def einsum(nodes: Nodes, config: Mapping[str, Any], *values: Any) -> Tensor:
    """A sum of products, by its letters."""
    return nodes.add("Einsum", *(_tensor(nodes, value) for value in values), equation=config["subscripts"])


@operation("DotProductAttention")
def attention(
    nodes: Nodes,
    config: Mapping[str, Any],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: None = None,
    mask: None = None,
    scale: float | None = None,
) -> Tensor:
    """What each of the queries `(B, T, heads, D)` makes of all keys and values, of the same shape (Vaswani 2017)."""
    if config["is_causal"] or config.get("attn_logits_soft_cap") or bias is not None or mask is not None:
        raise ArtifactError(
            "ONNX is written of plain attention only. Received: one with a mask, a bias, or a cap of its scores."
        )
    scale = scale or 1 / math.sqrt(query.shape[-1] or 1)
    asked = nodes.add("Mul", nodes.transpose(query, 0, 2, 1, 3), nodes.constant(scale))
    scores = nodes.add("MatMul", asked, nodes.transpose(key, 0, 2, 3, 1))  # (B, heads, T, T)
    shares = nodes.add("Softmax", scores, axis=-1)
    return nodes.transpose(nodes.add("MatMul", shares, nodes.transpose(value, 0, 2, 1, 3)), 0, 2, 1, 3)


@operation("GetItem")
def get_item(nodes: Nodes, config: Mapping[str, Any], x: Tensor, key: Any) -> Tensor:
    """`x[key]`, of slices, whole numbers, new axes and an ellipsis."""
    parts = list(key) if isinstance(key, list | tuple) else [key]
    if any(part is Ellipsis for part in parts):
        place = next(number for number, part in enumerate(parts) if part is Ellipsis)
        taken = sum(part is not None and not isinstance(part, EllipsisType) for part in parts)
        parts[place : place + 1] = [slice(None)] * (len(x.shape) - taken)
    cuts: list[tuple[int, int, int, int]] = []
    gone: list[int] = []
    new: list[int] = []
    axis = 0
    for part in parts:
        if part is None:
            new.append(axis - len(gone) + len(new))
            continue
        if isinstance(part, slice):
            step = 1 if part.step is None else part.step
            start = (0 if step > 0 else -1) if part.start is None else part.start
            stop = (_END if step > 0 else -_END) if part.stop is None else part.stop
            if (start, stop, step) != (0, _END, 1):
                cuts.append((axis, start, stop, step))
        else:
            cuts.append((axis, part, part + 1 if part != -1 else _END, 1))
            gone.append(axis)
        axis += 1
    found = _sliced(nodes, x, cuts) if cuts else x
    if gone:
        found = nodes.add("Squeeze", found, nodes.sizes(*gone))
    return nodes.add("Unsqueeze", found, nodes.sizes(*new)) if new else found


def _sliced(nodes: Nodes, x: Tensor, cuts: Sequence[tuple[int, int, int, int]]) -> Tensor:
    """`x` from start to stop in steps along each axis; each cut is axis, start, stop, step."""
    axes, starts, stops, steps = zip(*cuts, strict=True)
    places = [nodes.sizes(*part) for part in (starts, stops, axes, steps)]
    return nodes.add("Slice", x, *places)


def _tensor(nodes: Nodes, value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else nodes.constant(value)


def _axes(axis: Any) -> list[int]:
    return list(axis) if isinstance(axis, list | tuple) else [axis]

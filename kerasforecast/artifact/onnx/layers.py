"""The layers that a saved network may name, each in the operations of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from kerasforecast.artifact.onnx.recurrent import RECURRENT, Arrays, bidirectional, recurrent
from kerasforecast.artifact.onnx.tensors import Nodes, Tensor
from kerasforecast.errors import ArtifactError, shown

Convert: TypeAlias = Callable[[Nodes, Mapping[str, Any], Arrays, Any], Any]
LAYERS: dict[str, Convert] = {}
_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softplus": "Softplus"}


def layer(*names: str) -> Callable[[Convert], Convert]:
    """Register the function that writes the layers of these classes.

    It takes the nodes, the layer's config, its arrays by their place in the file, and what it is called with.
    """

    def register(function: Convert) -> Convert:
        LAYERS.update(dict.fromkeys(names, function))
        return function

    return register


def _recurrent(kind: str) -> Convert:
    return lambda nodes, config, arrays, x: recurrent(nodes, kind, config, arrays, x)


LAYERS |= {kind: _recurrent(kind) for kind in RECURRENT} | {"Bidirectional": bidirectional}


@layer("Dropout", "Identity")
def same(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """Nothing is done when forecasting."""
    return x


@layer("Dense")
def dense(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """`x W + b`, and what it is activated by."""
    found = nodes.add("MatMul", x, nodes.constant(arrays["vars/0"]))
    if config["use_bias"]:
        found = nodes.add("Add", found, nodes.constant(arrays["vars/1"]))
    return _activated(nodes, config, found)


@layer("EinsumDense")
def einsum_dense(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """A sum of products, by its letters, and a bias along some of its axes."""
    equation, kernel = config["equation"], nodes.constant(arrays["vars/0"])
    inputs, weights, outputs = equation.replace("->", ",").split(",")
    if len(weights) == 2 and inputs[-1] == weights[0] and outputs == inputs[:-1] + weights[1]:
        found = nodes.add("MatMul", x, kernel)
    else:
        found = nodes.add("Einsum", x, kernel, equation=equation)
    if config["bias_axes"]:
        bias = arrays["vars/1"]
        sizes = dict(zip((axis for axis in outputs if axis in config["bias_axes"]), bias.shape, strict=True))
        found = nodes.add("Add", found, nodes.constant(bias.reshape([sizes.get(axis, 1) for axis in outputs[1:]])))
    return _activated(nodes, config, found)


@layer("Embedding")
def embedding(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """A row of its table for each number of `x`."""
    import onnx

    places = nodes.add("Cast", x, to=onnx.TensorProto.INT32)
    return nodes.add("Gather", nodes.constant(arrays["vars/0"]), places)


@layer("BatchNormalization")
def batch_normalization(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """By what training has seen: a factor and a term for each channel."""
    scale, centre, mean, variance = (arrays[f"vars/{place}"].astype(np.float64) for place in range(4))
    factor = scale / np.sqrt(variance + config["epsilon"])
    centred = nodes.add("Sub", x, nodes.constant(mean))
    return nodes.add("Add", nodes.add("Mul", centred, nodes.constant(factor)), nodes.constant(centre))


@layer("LayerNormalization")
def layer_normalization(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """By the mean and spread of each row."""
    vectors = (nodes.constant(arrays[f"vars/{place}"]) for place in range(2))
    return nodes.add("LayerNormalization", x, *vectors, axis=-1, epsilon=config["epsilon"])


def _pooled(nodes: Nodes, config: Mapping[str, Any], x: Tensor, kind: str) -> Tensor:
    """The mean or the largest of neighbouring rows."""
    padding = "SAME_UPPER" if config["padding"] == "same" else "VALID"
    attributes = {"kernel_shape": config["pool_size"], "strides": config["strides"], "auto_pad": padding}
    return nodes.transpose(nodes.add(kind, nodes.transpose(x, 0, 2, 1), **attributes), 0, 2, 1)


def _pooling(kind: str) -> Convert:
    return lambda nodes, config, arrays, x: _pooled(nodes, config, x, kind)


LAYERS |= {"AveragePooling1D": _pooling("AveragePool"), "MaxPooling1D": _pooling("MaxPool")}


@layer("Flatten")
def flatten(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """All of a window in one row."""
    return nodes.reshape(x, [0, -1])


@layer("Reshape")
def reshape(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """Another shape, that of the batch stays."""
    return nodes.reshape(x, [0, *config["target_shape"]])


@layer("RepeatVector")
def repeat_vector(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> Tensor:
    """`(B, U)` as so many equal rows."""
    return nodes.add("Expand", nodes.add("Unsqueeze", x, nodes.sizes(1)), nodes.sizes(1, config["n"], 1))


@layer("Add")
def add(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, parts: Sequence[Tensor]) -> Tensor:
    """The sum of several."""
    first, *others = parts
    for part in others:
        first = nodes.add("Add", first, part)
    return first


def _activated(nodes: Nodes, config: Mapping[str, Any], x: Tensor) -> Tensor:
    name = config["activation"]
    if name == "linear":
        return x
    if name not in _ACTIVATIONS:
        raise ArtifactError(
            f"ONNX is written of the activations {', '.join(_ACTIVATIONS)}. Received: {shown(name)}. "
            "Keep the .keras file for this model."
        )
    return nodes.add(_ACTIVATIONS[name], x)

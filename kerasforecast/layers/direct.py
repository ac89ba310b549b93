"""Networks run without Keras' bookkeeping around every call, which takes longer than so small a network's arithmetic.

PyTorch computes eagerly, so Keras checks, casts and names anew in every step what JAX and TensorFlow trace once; and
its predict loop is made for many batches, not for one window. Here a functional model becomes a list of calls, which
reads the graph by what Keras does not promise to keep. So each such list is compared once with what Keras answers;
where it cannot be made or the two differ Keras computes, and the log says so at debug level. Nothing here imports a
backend: the tensors are its own, and what only PyTorch has stands in `kernels/torch/`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.layers import kernels
from kerasforecast.layers.dispatch import log

Values = dict[int, Any]  # tensors by the symbols (their ids) that they stand for

_PROOF_ROWS = 2
_MEANS = ("mean_with_sample_weight", "sum_over_batch_size", "mean")


class DirectGraph:
    """A functional model as a list of calls, each straight to an operation's computation.

    For networks in float32 without masks: `direct_graph` makes one and proves it.

    Args:
        model: Its weights are read anew at every call. Functional models within it become such lists too.
        training: Whether dropout acts.
    """

    def __init__(self, model: keras.Model, training: bool) -> None:
        self._names = [tensor.name for tensor in model.inputs]
        self._dtypes = [tensor.dtype for tensor in model.inputs]
        self._inputs = [id(tensor) for tensor in model.inputs]
        self._outputs = [id(tensor) for tensor in model.outputs]
        self._calls = [_Call(node, training) for node in _nodes(model)]
        self._structure = getattr(model, "output", None)  # a sequential model has no such thing, and one answer

    def __call__(self, x: Any) -> Any:
        """What the model answers to `x`: tensors of the backend, single, in a list, or by the inputs' names."""
        found = self.flat(x)
        single = len(found) == 1 and not isinstance(self._structure, dict)
        return found[0] if single else keras.tree.pack_sequence_as(self._structure, found)

    def flat(self, x: Any) -> list[Any]:
        """The answer as a list of tensors, whatever its structure."""
        values = dict(zip(self._inputs, self._given(x), strict=True))
        for call in self._calls:
            call(values)
        return [values[key] for key in self._outputs]

    def _given(self, x: Any) -> list[Any]:
        """The inputs in the model's order, in its dtypes."""
        if isinstance(x, dict):
            x = [x[name] for name in self._names]
        parts = keras.tree.flatten(x) if isinstance(x, list | tuple) else [x]
        return [
            part if keras.backend.standardize_dtype(part.dtype) == dtype else ops.cast(part, dtype)
            for part, dtype in zip(parts, self._dtypes, strict=True)
        ]


class _Call:
    """One node of a graph: what it computes with, its arguments, and where its outputs are known by."""

    def __init__(self, node: Any, training: bool) -> None:
        operation, args, kwargs = node.operation, node.arguments.args, dict(node.arguments.kwargs)
        if "training" in inspect.signature(operation.call).parameters:
            kwargs["training"] = training
        self._compute = _computation(operation, args, kwargs, training)
        self._args = [_filler(argument) for argument in args]
        self._kwargs = {name: _filler(argument) for name, argument in kwargs.items()}
        self._outputs = [id(tensor) for tensor in node.outputs]

    def __call__(self, values: Values) -> None:
        """Compute, and add the outputs to `values`."""
        found = self._compute(
            *[fill(values) for fill in self._args], **{name: fill(values) for name, fill in self._kwargs.items()}
        )
        if isinstance(found, list | tuple | dict):
            values.update(zip(self._outputs, keras.tree.flatten(found), strict=True))
        else:
            (output,) = self._outputs
            values[output] = found


class LeanModel(keras.Model):
    """A functional model on PyTorch whose training step runs its `DirectGraph`; everything else is Keras' own.

    So is the step where no such graph fits, or where it was compiled with more than one `keras.losses.Loss`, with
    metrics or with regularisers.
    """

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As any Keras model; what the training step may leave out is decided anew at the first one."""
        self.__dict__.pop("_direct", None)
        super().compile(*args, **kwargs)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Forward, backward, update; the logs hold this batch's loss, and Keras reports the epoch's mean."""
        x, y, weights = (_tensors(part) for part in keras.utils.unpack_x_y_sample_weight(data))
        if "_direct" not in self.__dict__:  # past Keras' tracking and PyTorch's, which are for layers and variables
            graph = direct_graph(self, x, training=True)
            plain = graph is not None and self._is_plain(y, weights)
            self.__dict__["_direct"] = (graph, self.trainable_variables, self.metrics[0]) if plain else None
        if self.__dict__["_direct"] is None:
            return super().train_step(data)
        forward, trained, mean = self.__dict__["_direct"]
        return {"loss": kernels.load("torch").train_step(self, forward, x, y, weights, trained, mean)}

    def _is_plain(self, y: Any, weights: Any) -> bool:
        """Whether the training is one that our step knows: a mean of one loss over windows, and nothing beside it."""
        checks = {
            "no single loss": not isinstance(self.loss, keras.losses.Loss) or len(self.outputs) > 1,
            "a loss that is no mean": getattr(self.loss, "reduction", None) not in _MEANS,
            "metrics": any(metric.name != "loss" for metric in self.metrics),
            "regularisers": bool(self.losses),  # those of outputs too, since Keras has just computed some
            "weights not by the window": weights is not None and len(weights.shape) != 1,
            "targets that Keras reshapes": keras.tree.is_nested(y) or _reshaped(y.shape, self.outputs[0].shape),
        }
        reason = next((reason for reason, true in checks.items() if true), None)
        if reason:
            log.debug("%s: Keras' training step (%s)", self.name, reason)
        return reason is None


def direct_graph(model: keras.Model, example: Any, training: bool) -> DirectGraph | None:
    """`model` as a list of calls, proven on the first rows of `example`; None, and a line in the log, where it is none.

    The proof is in inference: two runs in training would draw other masks. Seeds and other states stay as they were.

    Args:
        model: A functional model with its weights.
        example: Inputs of the kind it will be called with: tensors of the backend.
        training: Whether dropout acts in the graph that is returned.
    """
    try:
        tried, wanted = DirectGraph(model, training=False), DirectGraph(model, training)
        few = keras.tree.map_structure(lambda part: part[:_PROOF_ROWS], example)
        expected = _undisturbed(model, lambda: model(few, training=False))
        found = _undisturbed(model, lambda: tried(few))
        if not _equal(expected, found):
            log.debug("%s: Keras' computation (a direct one answers otherwise)", model.name)
            return None
    except Exception as error:  # whatever the reason, Keras still computes
        log.debug("%s: Keras' computation (no direct one: %s: %s)", model.name, type(error).__name__, error)
        return None
    return wanted


def answering(network: keras.Model) -> Callable[[Any], Any]:
    """A function that answers as `network` does in inference, compiled once per shape of its inputs.

    Arrays in, arrays out, in the structures that the network takes and gives: `(B, L, F)`, a list, or a dict by name.
    """
    backend = keras.backend.backend()
    module = kernels.load(backend)
    if module is None or keras.config.dtype_policy().name != "float32":
        return network.predict_on_batch
    answer = _ProvenAtFirst(network) if backend == "torch" else module.inference(network)
    return lambda arrays: keras.tree.map_structure(ops.convert_to_numpy, answer(_tensors(arrays)))


class _ProvenAtFirst:
    """What `network` answers in inference, by a direct graph that is proven on what it is first asked."""

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        self._answer: Callable[[Any], Any] | None = None

    def __call__(self, x: Any) -> Any:
        if self._answer is None:
            graph = direct_graph(self._network, x, training=False)
            self._answer = _inference(graph or (lambda given: self._network(given, training=False)))
        return self._answer(x)


def _nodes(model: keras.Model) -> list[Any]:
    """The calls that `model` is made of, in the order in which they can be computed.

    Keras has no public name for them. An AttributeError here, or nodes of another make, leave the work to Keras.
    """
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs, model.outputs)  # of the same layers and symbols
    by_depth = model._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth] if not node.is_input]


def _computation(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool) -> Callable[..., Any]:
    """What `operation` computes with, as directly as its kind and its arguments allow.

    Raises:
        NotImplementedError: It makes a mask, which Keras hands on beside the tensors.
    """
    if not isinstance(operation, keras.layers.Layer):
        return operation.call
    _refuse_masks(operation)
    if operation.compute_dtype != "float32":
        return operation  # Keras casts around it
    alone = len(args) == 1 and all(value is None for name, value in kwargs.items() if name != "training")
    if isinstance(operation, keras.Model):
        return _within(operation, training) if alone else operation
    return _loop(operation, training) if alone and hasattr(operation, "kernel_name") else operation.call


def _within(model: keras.Model, training: bool) -> Callable[..., Any]:
    """What a model within the model computes: its own list of calls, or where it is not functional all of it."""
    try:
        graph = DirectGraph(model, training)
    except AttributeError:
        return model
    return lambda x, **_: graph.flat(x)


def _refuse_masks(layer: Any) -> None:
    """Raise NotImplementedError where `layer`, or one within it, makes a mask."""
    if isinstance(layer, keras.layers.Masking) or getattr(layer, "mask_zero", False):
        raise NotImplementedError(f"{layer.name} makes a mask")
    for inner in (*getattr(layer, "layers", ()), getattr(layer, "layer", None)):
        if inner is not None:
            _refuse_masks(inner)


def _loop(layer: keras.layers.RNN, training: bool) -> Callable[..., Any]:
    """`layer.call` of one of our layers, straight to its loop over time where nothing else stands in it."""
    if layer.stateful or layer.cell.dropout or layer.cell.recurrent_dropout:
        return layer.call

    def compute(x: Any, **_: Any) -> Any:
        last, outputs, states = layer.inner_loop(x, layer.get_initial_state(len(x)), mask=None, training=training)
        output = outputs if layer.return_sequences else last
        return (output, *states) if layer.return_state else output

    return compute


def _filler(argument: Any) -> Callable[[Values], Any]:
    """A function of the values known so far: `argument` of a call with tensors in place of the symbols for them."""
    if isinstance(argument, KerasTensor):
        return itemgetter(id(argument))
    if isinstance(argument, np.ndarray):
        constant = ops.convert_to_tensor(argument)
        return lambda _: constant
    if not any(isinstance(leaf, KerasTensor | np.ndarray) for leaf in keras.tree.flatten(argument)):
        return lambda _: argument
    if isinstance(argument, dict):
        named = {name: _filler(part) for name, part in argument.items()}
        return lambda values: {name: fill(values) for name, fill in named.items()}
    parts, kind = [_filler(part) for part in argument], tuple if isinstance(argument, tuple) else list
    return lambda values: kind([fill(values) for fill in parts])


def _undisturbed(model: keras.Model, compute: Callable[[], Any]) -> Any:
    """What `compute` answers, with the seeds and other states of `model` afterwards as they were."""
    before = [(variable, np.array(ops.convert_to_numpy(variable))) for variable in model.non_trainable_variables]
    try:
        return _inference(lambda _: compute())(None)
    finally:
        for variable, value in before:
            variable.assign(value)


def _inference(compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`compute` with nothing kept for a gradient."""
    return kernels.load(keras.backend.backend()).inference(compute)


def _equal(expected: Any, found: Any) -> bool:
    """Whether two answers hold the same finite numbers, but for the order in which sums were added."""
    keras.tree.assert_same_structure(expected, found)
    arrays = ([ops.convert_to_numpy(part) for part in keras.tree.flatten(answer)] for answer in (expected, found))
    pairs = zip(*arrays, strict=True)
    return all(
        one.shape == other.shape
        and one.dtype == other.dtype
        and bool(np.isfinite(one).all())
        and np.allclose(other, one, rtol=1e-5, atol=1e-6 * np.abs(one).max(initial=0))
        for one, other in pairs
    )


def _reshaped(*shapes: tuple[int | None, ...]) -> bool:
    """Whether Keras takes an axis of length one away before it compares targets and forecasts of these shapes."""
    shorter, longer = sorted(shapes, key=len)
    return len(longer) == len(shorter) + 1 and longer[-1] == 1


def _tensors(arrays: Any) -> Any:
    """Arrays in any structure, or None, as tensors of the backend."""
    return None if arrays is None else keras.tree.map_structure(ops.convert_to_tensor, arrays)

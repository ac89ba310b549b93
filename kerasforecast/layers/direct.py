"""Networks run without Keras' bookkeeping around every call, which takes longer than so small a network's arithmetic.

PyTorch computes eagerly, so Keras checks, casts and names anew in every step what JAX and TensorFlow trace once; and
its predict loop is made for many batches, not for one window. Nothing here imports a backend: the tensors are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.layers import kernels


class DirectGraph:
    """A functional model of one input and one output as a list of calls, each straight to an operation's computation.

    For networks in float32 without masks.

    Args:
        model: Its weights are read anew at every call.
        training: Whether dropout acts.
    """

    def __init__(self, model: keras.Model, training: bool) -> None:
        self._input, self._output = id(model.inputs[0]), id(model.outputs[0])
        nodes = [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]
        self._calls = [_call(node, training) for node in nodes if not node.is_input]

    def __call__(self, x: Any) -> Any:
        """What the model answers to `x`, both tensors of the backend."""
        values = {self._input: x}
        for compute, args, kwargs, outputs in self._calls:
            found = compute(*[_filled(argument, values) for argument in args], **kwargs)
            values.update(zip(outputs, found if len(outputs) > 1 else (found,), strict=True))
        return values[self._output]


class LeanModel(keras.Model):
    """A functional model on PyTorch whose training step runs its `DirectGraph`; everything else is Keras' own.

    Compiled with one `keras.losses.Loss` and no metrics.
    """

    @cached_property
    def _direct(self) -> DirectGraph:
        return DirectGraph(self, training=True)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Forward, backward, update; the logs hold this batch's loss, and Keras reports the epoch's mean."""
        x, y, weights = (
            None if part is None else ops.convert_to_tensor(part) for part in keras.utils.unpack_x_y_sample_weight(data)
        )
        values = self.loss.call(y, self._direct(x))  # (B, ...)
        values = values.reshape(len(values), -1).mean(1)
        loss = values.mean() if weights is None else (values * weights).sum() / weights.sum()
        self.zero_grad()
        loss.backward()
        variables = self.trainable_variables
        self.optimizer.apply([variable.value.grad for variable in variables], variables)
        loss = loss.detach()
        tracker = self._loss_tracker  # its `update_state` takes as long as Adam
        tracker.total.value.add_(loss, alpha=len(values))
        tracker.count.value.add_(len(values))
        return {"loss": loss}


def answering(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A function that answers as `network` does in inference, compiled once per shape of its windows `(B, L, F)`."""
    backend = keras.backend.backend()
    module = kernels.load(backend)
    if module is None or keras.config.dtype_policy().name != "float32":
        return network.predict_on_batch
    answer = module.inference(DirectGraph(network, training=False) if backend == "torch" else network)
    return lambda windows: ops.convert_to_numpy(answer(ops.convert_to_tensor(windows)))


def _call(node: Any, training: bool) -> tuple[Callable[..., Any], list[Any], dict[str, Any], list[int]]:
    """What `node` computes with, its arguments, and where its outputs are known by."""
    operation, kwargs = node.operation, dict(node.arguments.kwargs)
    if getattr(operation, "_call_has_training_arg", False):
        kwargs["training"] = training
    compute = _loop(operation, training) if isinstance(operation, keras.layers.RNN) else operation.call
    constants = [ops.convert_to_tensor(a) if isinstance(a, np.ndarray) else a for a in node.arguments.args]
    return compute, constants, kwargs, [id(tensor) for tensor in node.outputs]


def _loop(layer: keras.layers.RNN, training: bool) -> Callable[..., Any]:
    """`layer.call`, straight to its loop over time where nothing else stands in it."""
    if layer.stateful or getattr(layer.cell, "dropout", 0) or getattr(layer.cell, "recurrent_dropout", 0):
        return layer.call

    def compute(x: Any, **_: Any) -> Any:
        last, outputs, states = layer.inner_loop(x, layer.get_initial_state(len(x)), mask=None, training=training)
        output = outputs if layer.return_sequences else last
        return (output, *states) if layer.return_state else output

    return compute


def _filled(argument: Any, values: dict[int, Any]) -> Any:
    """`argument` of a call with tensors in place of the symbols for them."""
    if isinstance(argument, KerasTensor):
        return values[id(argument)]
    if isinstance(argument, list):
        return [_filled(part, values) for part in argument]
    return argument

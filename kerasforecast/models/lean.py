"""Training on PyTorch without Keras' bookkeeping around every layer of every step.

Keras runs eagerly on PyTorch: each step it checks, casts and names anew what JAX and TensorFlow trace once. On a
network this small that is a third of the time. Nothing here imports PyTorch; the tensors and the model are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from kerasforecast.layers import kernels


class LeanModel(keras.Model):
    """A functional model whose training step calls each layer's computation directly; everything else is Keras' own.

    For networks in float32, without masks, compiled with one `keras.losses.Loss` and no metrics.
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        """Forward, backward, update; the logs hold this batch's loss, and Keras reports the epoch's mean."""
        x, y, weights = (
            None if part is None else keras.ops.convert_to_tensor(part)
            for part in keras.utils.unpack_x_y_sample_weight(data)
        )
        values = self.loss.call(y, self._run_through_graph(x, operation_fn=_direct))  # (B, ...)
        values = values.reshape(len(values), -1).mean(1)
        loss = values.mean() if weights is None else (values * weights).sum() / weights.sum()
        self.zero_grad()
        loss.backward()
        variables = self.trainable_variables
        self.optimizer.apply([variable.value.grad for variable in variables], variables)
        self._loss_tracker.update_state(loss.detach(), sample_weight=len(values))
        return {"loss": loss.detach()}


def _direct(operation: keras.Operation) -> Callable[..., Any]:
    """What `operation` computes in training."""
    if type(operation) is keras.layers.Dropout:
        return lambda x, training=True: kernels.load("torch").dropout(
            x, operation.rate, operation.seed_generator.next()
        )
    if getattr(operation, "_call_has_training_arg", False):
        return lambda *args, **options: operation.call(*args, **{**options, "training": True})
    return operation.call

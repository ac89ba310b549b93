"""TensorFlow beside the loops: where a computation runs, training, inference."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = tf.Tensor


def on_cpu(x: Tensor | None) -> bool:
    """Whether `x`, perhaps symbolic, is computed on a CPU: TensorFlow takes a GPU wherever there is one."""
    del x
    return not tf.config.list_logical_devices("GPU")


def while_training() -> AbstractContextManager[None]:
    """Nothing to do: TensorFlow flushes denormal numbers and takes its arrays one by one."""
    return nullcontext()


def inference(network: Any) -> Callable[[Tensor], Tensor]:
    """What the Keras model `network` answers in inference, compiled once per shape; its weights are read every call."""
    return tf.function(lambda x: network(x, training=False), jit_compile=True if on_cpu(None) else None)


def gradient(network: Any) -> Callable[[Any, Tensor], Any]:
    """How the sum of what the Keras model `network` answers in inference, times weights, changes with its inputs."""

    def slopes(x: Any, weights: Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(network(x, training=False) * weights)
        return tape.gradient(total, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return tf.function(slopes, jit_compile=True if on_cpu(None) else None)

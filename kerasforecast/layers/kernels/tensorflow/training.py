"""Steps of training in blocks on TensorFlow: windows are gathered, and steps made, within one call of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = tf.Tensor


def blocks(network: Any, arrays: Mapping[str, Any], window: int, ahead: int) -> Callable[..., Any]:
    """A `train_function` for Keras' `fit` that makes a block of steps at once; the package above says of what."""
    held = {name: tf.constant(array) for name, array in arrays.items()}

    @tf.function(jit_compile=True if network.jit_compile else None)
    def run(held: dict[str, Tensor], block: dict[str, Any], count: Tensor) -> dict[str, Tensor]:
        def one(step: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
            at = tf.nest.map_structure(lambda part: part[step], block)
            return step + 1, network.train_step(_batch(held, at, window, ahead))["loss"]

        start = tf.constant(0), tf.zeros(())
        return {"loss": tf.while_loop(lambda step, _: step < count, one, start)[1]}

    def train(iterator: Iterator[Any]) -> dict[str, Tensor]:
        (block,) = next(iterator)
        return run(held, {name: part for name, part in block.items() if name != "count"}, block["count"][0])

    return train


def _batch(held: dict[str, Tensor], at: dict[str, Any], window: int, ahead: int) -> tuple[Any, ...]:
    """What Keras' step is given of the windows that one step takes: inputs, answers, and weights where there are."""
    rows = at["rows"] if "rows" in at else at["begins"][:, None] + tf.range(window + ahead)  # (B, L + H)
    inputs = {"past": tf.gather(held["past"], rows[:, :window])}
    if "known" in held:
        inputs["known"] = tf.gather(held["known"], rows)
    if "static" in held:
        inputs["static"] = tf.gather(held["static"], at["owners"])
    inputs |= at.get("drawn", {})
    answers = at["answers"] if "answers" in at else tf.gather(held["targets"], at["indices"])
    x = inputs if len(inputs) > 1 else inputs["past"]
    return (x, answers, at["weights"]) if "weights" in at else (x, answers)

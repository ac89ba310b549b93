"""Steps of training in blocks on JAX: windows are gathered, and steps made, within one call of XLA."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

Array: TypeAlias = jax.Array


def blocks(network: Any, arrays: Mapping[str, Any], window: int, ahead: int) -> Callable[..., Any]:
    """A `train_function` for Keras' `fit` that makes a block of steps at once; the package above says of what."""
    held = {name: jnp.asarray(array) for name, array in arrays.items()}

    # How many steps is a number, no part of the shape: however a training is cut, each step is the same.
    @partial(jax.jit, donate_argnums=0)
    def run(state: Any, held: dict[str, Array], block: dict[str, Any], count: Array) -> Any:
        def one(step: Array, carried: Any) -> Any:
            at = jax.tree_util.tree_map(lambda part: part[step], block)
            logs, state = network.train_step(carried[0], _batch(held, at, window, ahead))
            return tuple(list(part) for part in state), {"loss": logs["loss"]}

        start = tuple(list(part) for part in state), {"loss": jnp.zeros(())}
        return lax.fori_loop(0, count, one, start)

    def train(state: Any, iterator: Iterator[Any]) -> Any:
        (block,) = next(iterator)
        steps = {name: part for name, part in block.items() if name != "count"}
        state, logs = run(state, held, steps, block["count"][0])
        return logs, state

    return train


def _batch(held: dict[str, Array], at: dict[str, Any], window: int, ahead: int) -> tuple[Any, ...]:
    """What Keras' step is given of the windows that one step takes: inputs, answers, and weights where there are."""
    rows = at["rows"] if "rows" in at else at["begins"][:, None] + jnp.arange(window + ahead)  # (B, L + H)
    inputs = {"past": held["past"][rows[:, :window]]}
    if "known" in held:
        inputs["known"] = held["known"][rows]
    if "static" in held:
        inputs["static"] = held["static"][at["owners"]]
    inputs |= at.get("drawn", {})
    answers = at["answers"] if "answers" in at else held["targets"][at["indices"]]
    x = inputs if len(inputs) > 1 else inputs["past"]
    return (x, answers, at["weights"]) if "weights" in at else (x, answers)

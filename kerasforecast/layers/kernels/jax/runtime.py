"""JAX beside the loops: where a computation runs, training, inference, dropout."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from kerasforecast.runtime import memory

Array: TypeAlias = jax.Array


def on_cpu(x: Array) -> bool:
    """Whether `x`, perhaps a tracer, is computed on a CPU."""
    del x  # a tracer knows no device; JAX indices by its default backend
    return jax.default_backend() == "cpu"


def while_training() -> AbstractContextManager[None]:
    """Keep memory from step to step: XLA takes and frees all arrays of a step in one piece."""
    return memory.kept()


def inference(network: Any) -> Callable[[Array], Array]:
    """What the Keras model `network` answers in inference, compiled once per shape; its weights are read every call."""

    @jax.jit
    def answer(trainable: list[Array], fixed: list[Array], x: Array) -> Array:
        return network.stateless_call(trainable, fixed, x, training=False)[0]

    def run(x: Array) -> Array:
        trainable, fixed = network.trainable_variables, network.non_trainable_variables
        return answer([variable.value for variable in trainable], [variable.value for variable in fixed], x)

    return run


def gradient(network: Any) -> Callable[[Any, Array], Any]:
    """How the sum of what the Keras model `network` answers in inference, times weights, changes with its inputs."""

    @jax.jit
    def slopes(trainable: list[Array], fixed: list[Array], x: Any, weights: Array) -> Any:
        def total(x: Any) -> Array:
            return jnp.sum(network.stateless_call(trainable, fixed, x, training=False)[0] * weights)

        return jax.grad(total)(x)

    def run(x: Any, weights: Array) -> Any:
        trainable, fixed = network.trainable_variables, network.non_trainable_variables
        return slopes([variable.value for variable in trainable], [variable.value for variable in fixed], x, weights)

    return run


def dropout(x: Array, rate: float, seeds: Any) -> Array:
    """`x` with a share `rate` of zeros and the rest scaled up.

    Which ones is a hash of their place and the seed: elementwise, so XLA fuses it with what comes before and after.
    JAX' own bits, by the Threefry cipher, take five times as long for 32 windows and twelve or more for 1,024.

    Args:
        x: `(B, T, H)` or `(B, H)`. rate: In [0, 1). seeds: A `keras.random.SeedGenerator`, moved on.
    """
    seed = seeds.next()  # two uint32
    first = _hash(seed[0].astype(jnp.uint32) + jnp.uint32(0x9E3779B9))
    second = _hash(seed[1].astype(jnp.uint32) ^ first)
    indices = lax.iota(jnp.uint32, x.size).reshape(*x.shape[1:], x.shape[0])  # as the kernels have it, windows last
    drawn = _hash(_hash(jnp.moveaxis(indices, -1, 0) ^ first) + second)
    return jnp.where(drawn >= jnp.uint32(rate * 2**32), x / (1 - rate), 0)


def _hash(a: Array) -> Array:
    """A permutation of the 32-bit integers that looks random (C. Wellons' lowbias32, 2018)."""
    a = (a ^ (a >> 16)) * jnp.uint32(0x7FEB352D)
    a = (a ^ (a >> 15)) * jnp.uint32(0x846CA68B)
    return a ^ (a >> 16)

"""What the recurrent loops for TensorFlow share: XLA compiles them.

The arithmetic is that of JAX (`jax/loops.py` says why it looks as it does); `scan` stands in for JAX's. Every loop is a
`tf.function(jit_compile=True)`: compiled alone where Keras runs the train step as a graph, as it does on a CPU, and
inlined where the whole step is compiled. Alone, because TensorFlow's own products after the loop take half the time of
those its XLA makes.

What the shapes mean: T steps, B windows, F features, H units, G gate rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = tf.Tensor


def untracked(*tensors: Tensor) -> list[Tensor]:
    """`tensors`, hidden from a gradient tape, which would else look into loops that have their own gradient."""
    return [tf.stop_gradient(tensor) for tensor in tensors]


def scan(
    step: Callable[..., tuple[tuple[Tensor, ...], tuple[Tensor, ...]]],
    state: tuple[Tensor, ...],
    sequences: tuple[Tensor, ...],
    outputs: int,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """Run `step(*sequences[t], *state)` over time; returns the last state and the `outputs` stacked over time."""
    steps = tf.shape(sequences[0])[0]
    arrays = tuple(tf.TensorArray(state[0].dtype, steps) for _ in range(outputs))

    def body(count: Tensor, state: tuple[Tensor, ...], arrays: Any) -> tuple[Any, ...]:
        t = steps - 1 - count if reverse else count
        state, out = step(*(sequence[t] for sequence in sequences), *state)
        return count + 1, state, tuple(array.write(t, value) for array, value in zip(arrays, out, strict=True))

    _, state, arrays = tf.while_loop(
        lambda count, *_: count < steps, body, (tf.constant(0), tuple(state), arrays), maximum_iterations=steps
    )
    return *state, *(array.stack() for array in arrays)


def after_loop(d_zs: Tensor, weights: Tensor, xs: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of `weights` `(G, H+F+1)` and `xs` `(T, F, B)` from those of the pre-activations `(T, G, B)`."""
    units, shape = previous.shape[1], tf.shape(xs)
    seen = tf.concat([previous, xs, tf.ones_like(xs[:, :1])], 1)  # (T, H+F+1, B)
    d_z = flat(d_zs)  # (G, T*B)
    d_xs = tf.reshape(tf.matmul(weights[:, units:-1], d_z, transpose_a=True), (shape[1], shape[0], shape[2]))
    return tf.matmul(d_z, flat(seen), transpose_b=True), tf.transpose(d_xs, (1, 0, 2))


def flat(a: Tensor) -> Tensor:
    """`(T, R, B)` as `(R, T*B)`."""
    return tf.reshape(tf.transpose(a, (1, 0, 2)), (tf.shape(a)[1], -1))


def previous(h0: Tensor, hs: Tensor) -> Tensor:
    """The state each step began with, `(T, H, B)`."""
    return tf.concat([h0[None], hs[:-1]], 0)


def slope(t: Tensor) -> Tensor:
    """The derivative of 0.5 tanh + 0.5, from the tanh."""
    return 0.5 - 0.5 * t * t


def joined(kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor | None) -> Tensor:
    """The rows that `[h; x; 1]` meets: `(H+F+1, G)`."""
    last = tf.zeros_like(recurrent_kernel[:1]) if bias is None else bias[None]
    return tf.concat([recurrent_kernel, kernel, last], 0)


def halves(factors: tuple[float, ...], units: int, dtype: Any) -> Tensor:
    """One factor a gate as a column `(G, 1)`: 0.5 makes a tanh of the pre-activation into that gate's sigmoid."""
    return tf.repeat(tf.constant(factors, dtype), units)[:, None]


def time_major(x: Tensor) -> Tensor:
    """`(B, T, F)` as `(T, F, B)`."""
    return tf.transpose(x, (1, 2, 0))


def batch_major(hs: Tensor, x: Tensor) -> Tensor:
    """`(T, H, B)` as `(B, T, H)`, with the sizes that `x` is known to have."""
    outputs = tf.transpose(hs, (2, 0, 1))
    return tf.ensure_shape(outputs, (x.shape[0], x.shape[1], hs.shape[1]))

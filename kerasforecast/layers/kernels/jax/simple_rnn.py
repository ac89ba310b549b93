"""Plain RNN for JAX; `loops.py` says why it looks as it does."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from kerasforecast.layers.kernels.jax.loops import after_loop, batch_major, joined, previous, scan_back, time_major

Array: TypeAlias = jax.Array


def simple_rnn(
    x: Array,
    states: tuple[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    *,
    return_sequences: bool,
) -> tuple[Array, tuple[Array]]:
    """h' = tanh(W x + U h + b) over a whole window.

    Args:
        x: `(B, T, F)`; states: h `(B, H)`; kernel: `(F, H)`; recurrent_kernel: `(H, H)`; bias: `(H,)`.
        return_sequences: Whether the output of every step is wanted, or the last one's only.

    Returns:
        `(B, T, H)` or `(B, H)`, and the final (h,).
    """
    hs, h = _rnn(return_sequences, joined(kernel, recurrent_kernel, bias).T, time_major(x), states[0].T)
    return batch_major(hs) if return_sequences else h.T, (h.T,)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _rnn(every_step: bool, weights: Array, xs: Array, h0: Array) -> tuple[Array | None, Array]:
    ones = jnp.ones((1, h0.shape[1]), h0.dtype)

    def step(h: Array, x_t: Array) -> tuple[Array, Array | None]:
        h = jnp.tanh(weights @ jnp.concatenate([h, x_t, ones]))
        return h, h if every_step else None

    h, hs = lax.scan(step, h0, xs)
    return hs, h


def _rnn_forward(every_step: bool, weights: Array, xs: Array, h0: Array) -> tuple[Any, Any]:
    hs, h = _rnn(True, weights, xs, h0)
    return (hs if every_step else None, h), (weights, xs, h0, hs)


def _rnn_backward(every_step: bool, kept: Any, gradients: Any) -> tuple[Array, ...]:
    weights, xs, h0, hs = kept
    back = weights[:, : h0.shape[0]].T

    def step(d_h: Array, h: Array) -> tuple[tuple[Array], Array]:
        d_a = d_h * (1 - h * h)
        return (back @ d_a,), d_a

    (d_h,), d_as = scan_back(step, gradients[1:], gradients[0], hs)
    return *after_loop(d_as, weights, xs, previous(h0, hs)), d_h


_rnn.defvjp(_rnn_forward, _rnn_backward)

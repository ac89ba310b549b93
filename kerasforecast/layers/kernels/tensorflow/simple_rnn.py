"""Plain RNN for TensorFlow; `loops.py` says why it looks as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

from kerasforecast.layers.kernels.tensorflow.loops import (
    after_loop,
    batch_major,
    joined,
    previous,
    scan,
    time_major,
    untracked,
)

Tensor: TypeAlias = tf.Tensor


def simple_rnn(
    x: Tensor,
    states: tuple[Tensor],
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor | None,
    *,
    return_sequences: bool,
) -> tuple[Tensor, tuple[Tensor]]:
    """h' = tanh(W x + U h + b) over a whole window.

    Args:
        x: `(B, T, F)`; states: h `(B, H)`; kernel: `(F, H)`; recurrent_kernel: `(H, H)`; bias: `(H,)`.
        return_sequences: Whether the output of every step is wanted, or the last one's only.

    Returns:
        `(B, T, H)` or `(B, H)`, and the final (h,).
    """
    weights = tf.transpose(joined(kernel, recurrent_kernel, bias))  # (H, H+F+1)
    hs, h = _rnn(weights, time_major(x), tf.transpose(states[0]))
    h = tf.transpose(h)
    return batch_major(hs, x) if return_sequences else h, (h,)


@tf.custom_gradient
def _rnn(weights: Tensor, xs: Tensor, h0: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[..., Any]]:
    h, hs = _rnn_forward(*untracked(weights, xs, h0))

    def backward(d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
        d_h, d_as = _rnn_backward(*untracked(weights), hs, d_hs, d_h)
        return *after_loop(d_as, weights, xs, previous(h0, hs)), d_h

    return (hs, h), backward


@tf.function(jit_compile=True)
def _rnn_forward(weights: Tensor, xs: Tensor, h0: Tensor) -> tuple[Tensor, ...]:
    ones = tf.ones_like(h0[:1])

    def step(x_t: Tensor, h: Tensor) -> tuple[tuple[Tensor], tuple[Tensor]]:
        h = tf.tanh(weights @ tf.concat([h, x_t, ones], 0))
        return (h,), (h,)

    return scan(step, (h0,), (xs,), 1)


@tf.function(jit_compile=True)
def _rnn_backward(weights: Tensor, hs: Tensor, d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
    back = tf.transpose(weights[:, : d_h.shape[0]])

    def step(d_h_t: Tensor, h: Tensor, d_h: Tensor) -> tuple[tuple[Tensor], tuple[Tensor]]:
        d_a = (d_h + d_h_t) * (1 - h * h)
        return (back @ d_a,), (d_a,)

    return scan(step, (d_h,), (d_hs, hs), 1, reverse=True)

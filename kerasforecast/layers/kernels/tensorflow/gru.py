"""GRU for TensorFlow, the reset after or before the recurrent product; see `loops.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

from kerasforecast.layers.kernels.tensorflow.loops import (
    after_loop,
    batch_major,
    halves,
    joined,
    previous,
    scan,
    slope,
    time_major,
    untracked,
)

Tensor: TypeAlias = tf.Tensor


def gru(
    x: Tensor,
    states: tuple[Tensor],
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor | None,
    *,
    reset_after: bool,
    return_sequences: bool,
) -> tuple[Tensor, tuple[Tensor]]:
    """Gated recurrent unit over a whole window; weights as Keras lays them out, gates z, r, n.

    Args:
        x: `(B, T, F)`; states: h `(B, H)`; kernel: `(F, 3H)`; recurrent_kernel: `(H, 3H)`;
            bias: `(2, 3H)` with `reset_after` (inputs', then state's), else `(3H,)`.
        reset_after: Whether r multiplies the state after the recurrent product, as in PyTorch and cuDNN.
        return_sequences: Whether the output of every step is wanted, or the last one's only.

    Returns:
        `(B, T, H)` or `(B, H)`, and the final (h,).
    """
    units = recurrent_kernel.shape[0]
    xs, h0 = time_major(x), tf.transpose(states[0])
    if reset_after:
        parted = _parted(kernel, recurrent_kernel, bias, units)
        hs, h = _gru(tf.transpose(parted) * halves((0.5, 0.5, 1.0, 1.0), units, x.dtype), xs, h0)
    else:
        weights = tf.transpose(joined(kernel, recurrent_kernel, bias)) * halves((0.5, 0.5, 1.0), units, x.dtype)
        hs, h = _gru_before(weights[: 2 * units], weights[2 * units :], xs, h0)
    h = tf.transpose(h)
    return batch_major(hs, x) if return_sequences else h, (h,)


def _parted(kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor | None, units: int) -> Tensor:
    """The rows that `[h; x; 1]` meets for z, r, a_n = U_n h + b and x_n = W_n x + b, which r keeps apart."""
    if bias is None:
        bias = tf.zeros((2, 3 * units), kernel.dtype)
    of_h = tf.pad(recurrent_kernel, ((0, 0), (0, units)))
    gates, candidate = kernel[:, : 2 * units], kernel[:, 2 * units :]
    of_x = tf.concat([gates, tf.zeros_like(candidate), candidate], 1)
    of_1 = tf.concat([bias[0, : 2 * units] + bias[1, : 2 * units], bias[1, 2 * units :], bias[0, 2 * units :]], 0)
    return tf.concat([of_h, of_x, of_1[None]], 0)  # (H+F+1, 4H)


@tf.custom_gradient
def _gru(weights: Tensor, xs: Tensor, h0: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[..., Any]]:
    h, hs, *factors = _gru_forward(*untracked(weights, xs, h0))

    def backward(d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
        d_h, d_as = _gru_backward(*untracked(weights), factors, d_hs, d_h)
        return *after_loop(d_as, weights, xs, previous(h0, hs)), d_h

    return (hs, h), backward


@tf.function(jit_compile=True)
def _gru_forward(weights: Tensor, xs: Tensor, h0: Tensor) -> tuple[Tensor, ...]:
    ones = tf.ones_like(h0[:1])

    def step(x_t: Tensor, h: Tensor) -> tuple[tuple[Tensor], tuple[Tensor, ...]]:
        z, r, a_n, x_n = tf.split(weights @ tf.concat([h, x_t, ones], 0), 4)  # each (H, B)
        t_z, t_r = tf.tanh(z), tf.tanh(r)
        z, r = 0.5 * t_z + 0.5, 0.5 * t_r + 0.5
        n = tf.tanh(x_n + r * a_n)
        h_next = n + z * (h - n)
        to_n = (1 - z) * (1 - n * n)
        return (h_next,), (h_next, z, slope(t_z) * (h - n), slope(t_r) * to_n * a_n, to_n * r, to_n)

    return scan(step, (h0,), (xs,), 6)


@tf.function(jit_compile=True)
def _gru_backward(weights: Tensor, factors: list[Tensor], d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
    back = tf.transpose(weights[:, : d_h.shape[0]])  # (H, 4H)

    def step(*at_t: Tensor) -> tuple[tuple[Tensor], tuple[Tensor]]:
        d_h_t, z, *to_gates, d_h = at_t
        d_h = d_h + d_h_t
        d_a = tf.concat([d_h * to_gate for to_gate in to_gates], 0)  # (4H, B)
        return (z * d_h + back @ d_a,), (d_a,)

    return scan(step, (d_h,), (d_hs, *factors), 1, reverse=True)


@tf.custom_gradient
def _gru_before(
    gates: Tensor, candidate: Tensor, xs: Tensor, h0: Tensor
) -> tuple[tuple[Tensor, Tensor], Callable[..., Any]]:
    h, hs, resets, *factors = _gru_before_forward(*untracked(gates, candidate, xs, h0))

    def backward(d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
        d_h, d_gates, d_ns = _gru_before_backward(*untracked(gates, candidate), factors, d_hs, d_h)
        d_gate_weights, d_xs = after_loop(d_gates, gates, xs, previous(h0, hs))
        d_candidate, d_xs_n = after_loop(d_ns, candidate, xs, resets)
        return d_gate_weights, d_candidate, d_xs + d_xs_n, d_h

    return (hs, h), backward


@tf.function(jit_compile=True)
def _gru_before_forward(gates: Tensor, candidate: Tensor, xs: Tensor, h0: Tensor) -> tuple[Tensor, ...]:
    ones = tf.ones_like(h0[:1])

    def step(x_t: Tensor, h: Tensor) -> tuple[tuple[Tensor], tuple[Tensor, ...]]:
        t_z, t_r = tf.split(tf.tanh(gates @ tf.concat([h, x_t, ones], 0)), 2)
        z, r = 0.5 * t_z + 0.5, 0.5 * t_r + 0.5
        reset = r * h
        n = tf.tanh(candidate @ tf.concat([reset, x_t, ones], 0))
        h_next = n + z * (h - n)
        return (h_next,), (h_next, reset, z, r, slope(t_z) * (h - n), slope(t_r) * h, (1 - z) * (1 - n * n))

    return scan(step, (h0,), (xs,), 7)


@tf.function(jit_compile=True)
def _gru_before_backward(
    gates: Tensor, candidate: Tensor, factors: list[Tensor], d_hs: Tensor, d_h: Tensor
) -> tuple[Tensor, ...]:
    units = d_h.shape[0]
    back_gates, back_candidate = tf.transpose(gates[:, :units]), tf.transpose(candidate[:, :units])

    def step(*at_t: Tensor) -> tuple[tuple[Tensor], tuple[Tensor, Tensor]]:
        d_h_t, z, r, to_z, to_r, to_n, d_h = at_t
        d_h = d_h + d_h_t
        d_n = d_h * to_n
        d_reset = back_candidate @ d_n
        d_gates = tf.concat([d_h * to_z, d_reset * to_r], 0)  # (2H, B)
        return (z * d_h + r * d_reset + back_gates @ d_gates,), (d_gates, d_n)

    return scan(step, (d_h,), (d_hs, *factors), 2, reverse=True)

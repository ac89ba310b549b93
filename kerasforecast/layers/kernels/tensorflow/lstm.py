"""LSTM for TensorFlow, with peepholes or coupled gates too; `loops.py` says why it looks as it does."""

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


def lstm(
    x: Tensor,
    states: tuple[Tensor, Tensor],
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor | None,
    *,
    return_sequences: bool,
    peepholes: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Long short-term memory over a whole window; weights as Keras lays them out, gates i, f, g, o.

    Args:
        x: `(B, T, F)`; states: h and c, each `(B, H)`; kernel: `(F, 4H)`; recurrent_kernel: `(H, 4H)`; bias: `(4H,)`.
            With 3H for 4H the gates are f, g, o, and i = 1 - f.
        return_sequences: Whether the output of every step is wanted, or the last one's only.
        peepholes: `(3, H)`, the weights by which i and f see the cell before the step, and o the one after it, or None.

    Returns:
        `(B, T, H)` or `(B, H)`, and the final (h, c).
    """
    units = recurrent_kernel.shape[0]
    per_gate = (0.5, 0.5, 1.0, 0.5) if kernel.shape[1] == 4 * units else (0.5, 1.0, 0.5)
    weights = tf.transpose(joined(kernel, recurrent_kernel, bias)) * halves(per_gate, units, x.dtype)  # (4H, H+F+1)
    seen = () if peepholes is None else (0.5 * peepholes[:, :, None],)  # a gradient of ours takes no None
    hs, h, c = _lstm(weights, time_major(x), tf.transpose(states[0]), tf.transpose(states[1]), *seen)
    h = tf.transpose(h)
    return batch_major(hs, x) if return_sequences else h, (h, tf.transpose(c))


@tf.custom_gradient
def _lstm(
    weights: Tensor, xs: Tensor, h0: Tensor, c0: Tensor, *peepholes: Tensor
) -> tuple[tuple[Tensor, ...], Callable[..., Any]]:
    """xs `(T, F, B)`, states `(H, B)`, perhaps peepholes `(3, H, 1)` -> hs `(T, H, B)`, h, c."""
    h, c, hs, *kept = _lstm_forward(*untracked(weights, xs, h0, c0, *peepholes))
    cs, factors = (kept[0], kept[1:]) if peepholes else (None, kept)

    def backward(d_hs: Tensor, d_h: Tensor, d_c: Tensor) -> tuple[Tensor, ...]:
        d_h, d_c, d_zs = _lstm_backward(*untracked(weights), factors, d_hs, d_h, d_c)
        d_peepholes = (_of_peepholes(d_zs, previous(c0, cs), cs),) if peepholes else ()
        return *after_loop(d_zs, weights, xs, previous(h0, hs)), d_h, d_c, *d_peepholes

    return (hs, h, c), backward


@tf.function(jit_compile=True)
def _lstm_forward(weights: Tensor, xs: Tensor, h0: Tensor, c0: Tensor, *peepholes: Tensor) -> tuple[Tensor, ...]:
    """The last h and c, every h, every c if there are peepholes, and what the loop backward multiplies with."""
    ones = tf.ones_like(h0[:1])
    gates = weights.shape[0] // h0.shape[0]
    p_i, p_f, p_o = tf.unstack(peepholes[0]) if peepholes else (None, None, None)  # each (H, 1)

    def step(x_t: Tensor, h: Tensor, c: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        a = weights @ tf.concat([h, x_t, ones], 0)  # (4H, B)
        if not peepholes:
            *t_in, g, t_o = tf.split(tf.tanh(a), gates)
        else:
            a_i, a_f, a_g, a_o = tf.split(a, gates)
            t_in, g = [tf.tanh(a_i + p_i * c), tf.tanh(a_f + p_f * c)], tf.tanh(a_g)
        f = 0.5 * t_in[-1] + 0.5
        i = 0.5 * t_in[0] + 0.5 if len(t_in) == 2 else 1 - f
        c_next = f * c + i * g
        if peepholes:
            t_o = tf.tanh(a_o + p_o * c_next)
        o, tanh_c = 0.5 * t_o + 0.5, tf.tanh(c_next)
        h = o * tanh_c
        by_gate = (g, c) if len(t_in) == 2 else (c - g,)  # d c / d (gates i, f)
        to_gates = [by * slope(t) for by, t in zip(by_gate, t_in, strict=True)]
        to_gates += [i * (1 - g * g), tanh_c * slope(t_o)]
        to_cell, carry = o * (1 - tanh_c * tanh_c), f
        if not peepholes:
            return (h, c_next), (h, to_cell, carry, *to_gates)
        to_cell += p_o * to_gates[3]
        carry += p_i * to_gates[0] + p_f * to_gates[1]
        return (h, c_next), (h, c_next, to_cell, carry, *to_gates)

    return scan(step, (h0, c0), (xs,), 3 + gates + len(peepholes))


@tf.function(jit_compile=True)
def _lstm_backward(
    weights: Tensor, factors: list[Tensor], d_hs: Tensor, d_h: Tensor, d_c: Tensor
) -> tuple[Tensor, ...]:
    back = tf.transpose(weights[:, : d_h.shape[0]])  # (H, 4H)

    def step(*at_t: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor]]:
        d_h_t, to_cell, carry, *to_gates, to_o, d_h, d_c = at_t
        d_h = d_h + d_h_t
        d_c = d_c + d_h * to_cell
        d_z = tf.concat([*(d_c * to_gate for to_gate in to_gates), d_h * to_o], 0)
        return (back @ d_z, d_c * carry), (d_z,)

    return scan(step, (d_h, d_c), (d_hs, *factors), 1, reverse=True)


def _of_peepholes(d_zs: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """The peepholes' gradient `(3, H, 1)`: gates `(T, 4H, B)` times the cells `(T, H, B)` they saw."""
    d_i, d_f, _, d_o = tf.split(d_zs, 4, 1)
    seen = ((d_i, before), (d_f, before), (d_o, after))
    return tf.stack([tf.reduce_sum(d * c, (0, 2)) for d, c in seen])[:, :, None]

"""LSTM for JAX, with peepholes or coupled gates too; `loops.py` says why it looks as it does."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from kerasforecast.layers.kernels.jax.loops import (
    after_loop,
    batch_major,
    halves,
    joined,
    previous,
    scan_back,
    select,
    slope,
    time_major,
)

Array: TypeAlias = jax.Array


def lstm(
    x: Array,
    states: tuple[Array, Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    *,
    return_sequences: bool,
    peepholes: Array | None = None,
) -> tuple[Array, tuple[Array, Array]]:
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
    weights = joined(kernel, recurrent_kernel, bias).T * halves(per_gate, units, x.dtype)  # (4H, H+F+1)
    if peepholes is not None:
        peepholes = 0.5 * peepholes[:, :, None]
    hs, h, c = _lstm(return_sequences, weights, peepholes, time_major(x), states[0].T, states[1].T)
    return batch_major(hs) if return_sequences else h.T, (h.T, c.T)


def _lstm_step(
    weights: Array, peepholes: Array | None, ones: Array, state: tuple[Array, Array], x_t: Array
) -> tuple[Any, ...]:
    """One step: the tanh of every gate, the gates i, f, o, the new cell, its tanh."""
    h, c = state
    a = (weights @ jnp.concatenate([h, x_t, ones])).reshape(-1, *h.shape)  # (4, H, B)
    if peepholes is None:
        t = jnp.tanh(a)
        *t_in, g, t_o = (t[gate] for gate in range(len(t)))
    else:
        t_in, g = [jnp.tanh(a[gate] + peepholes[gate] * c) for gate in (0, 1)], jnp.tanh(a[2])
    f = 0.5 * t_in[-1] + 0.5
    i = 0.5 * t_in[0] + 0.5 if len(t_in) == 2 else 1 - f
    c_next = f * c + i * g
    if peepholes is not None:
        t_o = jnp.tanh(a[3] + peepholes[2] * c_next)
    return (*t_in, g, t_o), i, f, 0.5 * t_o + 0.5, c_next, jnp.tanh(c_next)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _lstm(
    every_step: bool, weights: Array, peepholes: Array | None, xs: Array, h0: Array, c0: Array
) -> tuple[Array | None, Array, Array]:
    """Inference: nothing is stored. xs `(T, F, B)`, states `(H, B)` -> hs `(T, H, B)` or None, h, c."""
    ones = jnp.ones((1, h0.shape[1]), h0.dtype)

    def step(state: tuple[Array, Array], x_t: Array) -> tuple[tuple[Array, Array], Array | None]:
        *_, o, c, tanh_c = _lstm_step(weights, peepholes, ones, state, x_t)
        h = o * tanh_c
        return (h, c), h if every_step else None

    (h, c), hs = lax.scan(step, (h0, c0), xs)
    return hs, h, c


def _lstm_forward(
    every_step: bool, weights: Array, peepholes: Array | None, xs: Array, h0: Array, c0: Array
) -> tuple[Any, Any]:
    """Training: also keeps, for each step, what the loop backward multiplies with (each `(T, H, B)`)."""
    ones = jnp.ones((1, h0.shape[1]), h0.dtype)

    def step(state: tuple[Array, Array], x_t: Array) -> tuple[tuple[Array, Array], Any]:
        (*t_in, g, t_o), i, f, o, c, tanh_c = _lstm_step(weights, peepholes, ones, state, x_t)
        before, h = state[1], o * tanh_c
        by_gate = (g, before) if len(t_in) == 2 else (before - g,)  # d c / d (gates i, f)
        to_gates = (
            *(by * slope(t) for by, t in zip(by_gate, t_in, strict=True)),  # d c / d (pre-activations of i, f)
            i * (1 - g * g),
            tanh_c * slope(t_o),  # d h / d (pre-activation of o)
        )
        to_cell, carry = o * (1 - tanh_c * tanh_c), f  # d h / d c, d c / d (c before)
        if peepholes is None:
            return (h, c), (h, None, (to_cell, carry, *to_gates))
        to_cell += peepholes[2] * to_gates[3]
        carry += peepholes[0] * to_gates[0] + peepholes[1] * to_gates[1]
        return (h, c), (h, c, (to_cell, carry, *to_gates))

    (h, c), (hs, cs, factors) = lax.scan(step, (h0, c0), xs)
    return (hs if every_step else None, h, c), (weights, xs, h0, c0, hs, cs, factors)


def _lstm_backward(every_step: bool, kept: Any, gradients: Any) -> tuple[Array | None, ...]:
    weights, xs, h0, c0, hs, cs, factors = kept
    d_hs, d_h, d_c = gradients
    units = h0.shape[0]
    back = weights[:, :units].T  # (H, 4H)
    gate = lax.broadcasted_iota(jnp.int32, (len(weights) // units, 1, 1), 0)

    def step(d_h: Array, d_c: Array, factors: Any) -> tuple[tuple[Array, Array], Array]:
        to_cell, carry, *to_gates = factors
        d_c = d_c + d_h * to_cell
        d_z = (jnp.where(gate < len(gate) - 1, d_c, d_h) * select(gate, to_gates)).reshape(len(weights), -1)  # (4H, B)
        return (back @ d_z, d_c * carry), d_z

    (d_h, d_c), d_zs = scan_back(step, (d_h, d_c), d_hs, factors)
    d_weights, d_xs = after_loop(d_zs, weights, xs, previous(h0, hs))
    d_peepholes = None if cs is None else _of_peepholes(d_zs, previous(c0, cs), cs)
    return d_weights, d_peepholes, d_xs, d_h, d_c


def _of_peepholes(d_zs: Array, before: Array, after: Array) -> Array:
    """The peepholes' gradient `(3, H, 1)`: gates `(T, 4H, B)` times the cells `(T, H, B)` they saw."""
    d_i, d_f, _, d_o = jnp.split(d_zs, 4, axis=1)
    return jnp.stack([(d * c).sum((0, 2)) for d, c in ((d_i, before), (d_f, before), (d_o, after))])[:, :, None]


_lstm.defvjp(_lstm_forward, _lstm_backward)

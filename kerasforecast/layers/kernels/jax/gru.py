"""GRU for JAX, the reset after or before the recurrent product; `loops.py` says why it looks as it does."""

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


def gru(
    x: Array,
    states: tuple[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    *,
    reset_after: bool,
    return_sequences: bool,
) -> tuple[Array, tuple[Array]]:
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
    xs, h0 = time_major(x), states[0].T
    if reset_after:
        weights = _parted(kernel, recurrent_kernel, bias, units).T * halves((0.5, 0.5, 1.0, 1.0), units, x.dtype)
        hs, h = _gru(return_sequences, weights, xs, h0)
    else:
        weights = joined(kernel, recurrent_kernel, bias).T * halves((0.5, 0.5, 1.0), units, x.dtype)
        hs, h = _gru_before(return_sequences, weights[: 2 * units], weights[2 * units :], xs, h0)
    return batch_major(hs) if return_sequences else h.T, (h.T,)


def _parted(kernel: Array, recurrent_kernel: Array, bias: Array | None, units: int) -> Array:
    """The rows that `[h; x; 1]` meets for z, r, a_n = U_n h + b and x_n = W_n x + b, which r keeps apart."""
    if bias is None:
        bias = jnp.zeros((2, 3 * units), kernel.dtype)
    of_h = jnp.pad(recurrent_kernel, ((0, 0), (0, units)))
    of_x = jnp.insert(kernel, jnp.full(units, 2 * units), 0, axis=1)
    of_1 = jnp.concatenate([bias[0, : 2 * units] + bias[1, : 2 * units], bias[1, 2 * units :], bias[0, 2 * units :]])
    return jnp.concatenate([of_h, of_x, of_1[None]])  # (H+F+1, 4H)


def _gru_step(weights: Array, ones: Array, h: Array, x_t: Array) -> tuple[Array, ...]:
    """One step with the reset after the product: the tanhs behind z and r, z, r, a_n, n, the new state."""
    a = (weights @ jnp.concatenate([h, x_t, ones])).reshape(4, *h.shape)  # (4, H, B)
    t = jnp.tanh(a[:2])
    z, r = 0.5 * t[0] + 0.5, 0.5 * t[1] + 0.5
    n = jnp.tanh(a[3] + r * a[2])
    return t, z, r, a[2], n, n + z * (h - n)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gru(every_step: bool, weights: Array, xs: Array, h0: Array) -> tuple[Array | None, Array]:
    ones = jnp.ones((1, h0.shape[1]), h0.dtype)

    def step(h: Array, x_t: Array) -> tuple[Array, Array | None]:
        h = _gru_step(weights, ones, h, x_t)[-1]
        return h, h if every_step else None

    h, hs = lax.scan(step, h0, xs)
    return hs, h


def _gru_forward(every_step: bool, weights: Array, xs: Array, h0: Array) -> tuple[Any, Any]:
    ones = jnp.ones((1, h0.shape[1]), h0.dtype)

    def step(h: Array, x_t: Array) -> tuple[Array, Any]:
        t, z, r, a_n, n, h_next = _gru_step(weights, ones, h, x_t)
        to_n = (1 - z) * (1 - n * n)
        to_a = to_n * r
        return h_next, (h_next, (z, slope(t[0]) * (h - n), slope(t[1]) * to_n * a_n, to_a, to_n))

    h, (hs, factors) = lax.scan(step, h0, xs)
    return (hs if every_step else None, h), (weights, xs, h0, hs, factors)


def _gru_backward(every_step: bool, kept: Any, gradients: Any) -> tuple[Array, ...]:
    weights, xs, h0, hs, factors = kept
    units = h0.shape[0]
    back = weights[:, :units].T  # (H, 4H)
    gate = lax.broadcasted_iota(jnp.int32, (4, 1, 1), 0)

    def step(d_h: Array, factors: Any) -> tuple[tuple[Array], Array]:
        z, *to_gates = factors
        d_a = (d_h * select(gate, to_gates)).reshape(4 * units, -1)  # (4H, B)
        return (z * d_h + back @ d_a,), d_a

    (d_h,), d_as = scan_back(step, gradients[1:], gradients[0], factors)
    return *after_loop(d_as, weights, xs, previous(h0, hs)), d_h


_gru.defvjp(_gru_forward, _gru_backward)


def _gru_before_step(gates: Array, candidate: Array, ones: Array, h: Array, x_t: Array) -> tuple[Array, ...]:
    """One step with the reset before the product: the tanhs behind z and r, z, r, r * h, n, the new state."""
    t = jnp.tanh(gates @ jnp.concatenate([h, x_t, ones])).reshape(2, *h.shape)  # (2, H, B)
    z, r = 0.5 * t[0] + 0.5, 0.5 * t[1] + 0.5
    reset = r * h
    n = jnp.tanh(candidate @ jnp.concatenate([reset, x_t, ones]))
    return t, z, r, reset, n, n + z * (h - n)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gru_before(every_step: bool, gates: Array, candidate: Array, xs: Array, h0: Array) -> tuple[Array | None, Array]:
    ones = jnp.ones((1, h0.shape[1]), h0.dtype)

    def step(h: Array, x_t: Array) -> tuple[Array, Array | None]:
        h = _gru_before_step(gates, candidate, ones, h, x_t)[-1]
        return h, h if every_step else None

    h, hs = lax.scan(step, h0, xs)
    return hs, h


def _gru_before_forward(every_step: bool, gates: Array, candidate: Array, xs: Array, h0: Array) -> tuple[Any, Any]:
    ones = jnp.ones((1, h0.shape[1]), h0.dtype)

    def step(h: Array, x_t: Array) -> tuple[Array, Any]:
        t, z, r, reset, n, h_next = _gru_before_step(gates, candidate, ones, h, x_t)
        factors = (z, r, slope(t[0]) * (h - n), slope(t[1]) * h, (1 - z) * (1 - n * n))
        return h_next, (h_next, reset, factors)

    h, (hs, resets, factors) = lax.scan(step, h0, xs)
    return (hs if every_step else None, h), (gates, candidate, xs, h0, hs, resets, factors)


def _gru_before_backward(every_step: bool, kept: Any, gradients: Any) -> tuple[Array, ...]:
    gates, candidate, xs, h0, hs, resets, factors = kept
    units = h0.shape[0]
    back_gates, back_candidate = gates[:, :units].T, candidate[:, :units].T  # (H, 2H), (H, H)
    gate = lax.broadcasted_iota(jnp.int32, (2, 1, 1), 0)

    def step(d_h: Array, factors: Any) -> tuple[tuple[Array], Any]:
        z, r, to_z, to_r, to_n = factors
        d_n = d_h * to_n
        d_reset = back_candidate @ d_n
        d_gates = jnp.where(gate == 0, d_h * to_z, d_reset * to_r).reshape(2 * units, -1)  # (2H, B)
        return (z * d_h + r * d_reset + back_gates @ d_gates,), (d_gates, d_n)

    (d_h,), (d_gates, d_ns) = scan_back(step, gradients[1:], gradients[0], factors)
    d_gate_weights, d_xs = after_loop(d_gates, gates, xs, previous(h0, hs))
    d_candidate, d_xs_n = after_loop(d_ns, candidate, xs, resets)
    return d_gate_weights, d_candidate, d_xs + d_xs_n, d_h


_gru_before.defvjp(_gru_before_forward, _gru_before_backward)

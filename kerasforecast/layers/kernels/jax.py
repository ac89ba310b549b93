"""Recurrent kernels for JAX: one scan forward, one scan backward, each with a single matrix product a step.

What the shapes mean: T steps, B windows, F features, H units, G gate rows (4H for LSTM and GRU, H for the plain RNN).

Measured on a CPU (XLA, 50 units, batch 32), and why the code looks as it does:
- The state lies hidden-major, `(H, B)`, so that one gate is one contiguous block and the elementwise code vectorises.
- Inputs and bias ride in the recurrent product, `[U W b] @ [h; x; 1]`. Projecting all inputs beforehand costs more in
  memory traffic, `(T, 4H, B)` written and read again, than it saves in products.
- sigmoid(a) = 0.5 tanh(0.5 a) + 0.5: with the factor 0.5 inside the weights one tanh serves all gates.
- Forward stores the local derivatives, not the gates, so the loop backward only multiplies. They are separate arrays:
  joined by `concatenate` inside a loop they would be copied element by element; `where` on the gate index is not.
- The gradient of the weights is one product over all steps after the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kerasforecast.layers.kernels import memory

Array = jax.Array


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
    halves = (0.5, 0.5, 1.0, 0.5) if kernel.shape[1] == 4 * units else (0.5, 1.0, 0.5)
    weights = _joined(kernel, recurrent_kernel, bias).T * _halves(halves, units, x.dtype)  # (4H, H+F+1)
    if peepholes is not None:
        peepholes = 0.5 * peepholes[:, :, None]
    hs, h, c = _lstm(return_sequences, weights, peepholes, _time_major(x), states[0].T, states[1].T)
    return _batch_major(hs) if return_sequences else h.T, (h.T, c.T)


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
            *(by * _slope(t) for by, t in zip(by_gate, t_in, strict=True)),  # d c / d (pre-activations of i, f)
            i * (1 - g * g),
            tanh_c * _slope(t_o),  # d h / d (pre-activation of o)
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
        d_z = (jnp.where(gate < len(gate) - 1, d_c, d_h) * _select(gate, to_gates)).reshape(len(weights), -1)  # (4H, B)
        return (back @ d_z, d_c * carry), d_z

    (d_h, d_c), d_zs = _scan_back(step, (d_h, d_c), d_hs, factors)
    d_weights, d_xs = _after_loop(d_zs, weights, xs, _previous(h0, hs))
    d_peepholes = None if cs is None else _of_peepholes(d_zs, _previous(c0, cs), cs)
    return d_weights, d_peepholes, d_xs, d_h, d_c


def _of_peepholes(d_zs: Array, before: Array, after: Array) -> Array:
    """The peepholes' gradient `(3, H, 1)`: gates `(T, 4H, B)` times the cells `(T, H, B)` they saw."""
    d_i, d_f, _, d_o = jnp.split(d_zs, 4, axis=1)
    return jnp.stack([(d * c).sum((0, 2)) for d, c in ((d_i, before), (d_f, before), (d_o, after))])[:, :, None]


_lstm.defvjp(_lstm_forward, _lstm_backward)


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
    xs, h0 = _time_major(x), states[0].T
    if reset_after:
        weights = _parted(kernel, recurrent_kernel, bias, units).T * _halves((0.5, 0.5, 1.0, 1.0), units, x.dtype)
        hs, h = _gru(return_sequences, weights, xs, h0)
    else:
        weights = _joined(kernel, recurrent_kernel, bias).T * _halves((0.5, 0.5, 1.0), units, x.dtype)
        hs, h = _gru_before(return_sequences, weights[: 2 * units], weights[2 * units :], xs, h0)
    return _batch_major(hs) if return_sequences else h.T, (h.T,)


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
        return h_next, (h_next, (z, _slope(t[0]) * (h - n), _slope(t[1]) * to_n * a_n, to_a, to_n))

    h, (hs, factors) = lax.scan(step, h0, xs)
    return (hs if every_step else None, h), (weights, xs, h0, hs, factors)


def _gru_backward(every_step: bool, kept: Any, gradients: Any) -> tuple[Array, ...]:
    weights, xs, h0, hs, factors = kept
    units = h0.shape[0]
    back = weights[:, :units].T  # (H, 4H)
    gate = lax.broadcasted_iota(jnp.int32, (4, 1, 1), 0)

    def step(d_h: Array, factors: Any) -> tuple[tuple[Array], Array]:
        z, *to_gates = factors
        d_a = (d_h * _select(gate, to_gates)).reshape(4 * units, -1)  # (4H, B)
        return (z * d_h + back @ d_a,), d_a

    (d_h,), d_as = _scan_back(step, gradients[1:], gradients[0], factors)
    return *_after_loop(d_as, weights, xs, _previous(h0, hs)), d_h


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
        factors = (z, r, _slope(t[0]) * (h - n), _slope(t[1]) * h, (1 - z) * (1 - n * n))
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

    (d_h,), (d_gates, d_ns) = _scan_back(step, gradients[1:], gradients[0], factors)
    d_gate_weights, d_xs = _after_loop(d_gates, gates, xs, _previous(h0, hs))
    d_candidate, d_xs_n = _after_loop(d_ns, candidate, xs, resets)
    return d_gate_weights, d_candidate, d_xs + d_xs_n, d_h


_gru_before.defvjp(_gru_before_forward, _gru_before_backward)


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
    hs, h = _rnn(return_sequences, _joined(kernel, recurrent_kernel, bias).T, _time_major(x), states[0].T)
    return _batch_major(hs) if return_sequences else h.T, (h.T,)


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

    (d_h,), d_as = _scan_back(step, gradients[1:], gradients[0], hs)
    return *_after_loop(d_as, weights, xs, _previous(h0, hs)), d_h


_rnn.defvjp(_rnn_forward, _rnn_backward)


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
    places = lax.iota(jnp.uint32, x.size).reshape(*x.shape[1:], x.shape[0])  # as the kernels have it, windows last
    drawn = _hash(_hash(jnp.moveaxis(places, -1, 0) ^ first) + second)
    return jnp.where(drawn >= jnp.uint32(rate * 2**32), x / (1 - rate), 0)


def _hash(a: Array) -> Array:
    """A permutation of the 32-bit integers that looks random (C. Wellons' lowbias32, 2018)."""
    a = (a ^ (a >> 16)) * jnp.uint32(0x7FEB352D)
    a = (a ^ (a >> 15)) * jnp.uint32(0x846CA68B)
    return a ^ (a >> 16)


def _scan_back(
    step: Callable[..., tuple[Any, Any]], state: tuple[Array, ...], d_hs: Array | None, factors: Any
) -> tuple[Any, Any]:
    """Run `step(*state, factors)` from the last time to the first, adding the outputs' gradients, if any, to d_h."""

    def body(state: tuple[Array, ...], at_t: Any) -> tuple[Any, Any]:
        if d_hs is None:
            return step(*state, at_t)
        d_h, *rest = state
        return step(d_h + at_t[0], *rest, at_t[1])

    return lax.scan(body, tuple(state), factors if d_hs is None else (d_hs, factors), reverse=True)


def _previous(h0: Array, hs: Array) -> Array:
    """The state each step began with, `(T, H, B)`."""
    return jnp.concatenate([h0[None], hs[:-1]])


def _slope(t: Array) -> Array:
    """The derivative of 0.5 tanh + 0.5, from the tanh."""
    return 0.5 - 0.5 * t * t


def _after_loop(d_zs: Array, weights: Array, xs: Array, previous: Array) -> tuple[Array, Array]:
    """The gradients of `weights` `(G, H+F+1)` and `xs` `(T, F, B)` from those of the pre-activations `(T, G, B)`."""
    steps, features, batch = xs.shape
    units = previous.shape[1]
    seen = jnp.concatenate([previous, xs, jnp.ones((steps, 1, batch), xs.dtype)], axis=1)  # (T, H+F+1, B)
    d_z = _flat(d_zs)  # (G, T*B)
    d_xs = (weights[:, units:-1].T @ d_z).reshape(features, steps, batch).transpose(1, 0, 2)
    return d_z @ _flat(seen).T, d_xs


def _select(gate: Array, parts: list[Array]) -> Array:
    """Three or four arrays `(H, B)` as one `(3 or 4, H, B)`, without a concatenation."""
    last = jnp.where(gate == 2, *parts[2:]) if len(parts) == 4 else parts[2]
    return jnp.where(gate < 2, jnp.where(gate == 0, *parts[:2]), last)


def _flat(a: Array) -> Array:
    """`(T, R, B)` as `(R, T*B)`."""
    return a.transpose(1, 0, 2).reshape(a.shape[1], -1)


def _joined(kernel: Array, recurrent_kernel: Array, bias: Array | None) -> Array:
    """The rows that `[h; x; 1]` meets: `(H+F+1, G)`."""
    last = jnp.zeros_like(kernel, shape=(1, kernel.shape[1])) if bias is None else bias[None]
    return jnp.concatenate([recurrent_kernel, kernel, last])


def _halves(factors: tuple[float, ...], units: int, dtype: Any) -> Array:
    """One factor a gate as a column `(G, 1)`: 0.5 makes a tanh of the pre-activation into that gate's sigmoid."""
    return jnp.repeat(jnp.asarray(factors, dtype), units)[:, None]


def _time_major(x: Array) -> Array:
    return x.transpose(1, 2, 0)  # (B, T, F) -> (T, F, B)


def _batch_major(hs: Array) -> Array:
    return hs.transpose(2, 0, 1)  # (T, H, B) -> (B, T, H)


def on_cpu(x: Array) -> bool:
    """Whether `x`, perhaps a tracer, is computed on a CPU."""
    del x  # a tracer knows no device; JAX places by its default backend
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

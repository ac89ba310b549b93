"""Recurrent kernels for TensorFlow on a CPU, compiled by XLA.

The arithmetic is that of `jax.py` (which says why it looks as it does); `_scan` stands in for JAX's scan. Every loop is
a `tf.function(jit_compile=True)`: compiled alone where Keras runs the train step as a graph, as it does on a CPU, and
inlined where the whole step is compiled. Alone, because TensorFlow's own products after the loop take half the time of
those its XLA makes.

What the shapes mean: T steps, B windows, F features, H units, G gate rows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

Tensor = tf.Tensor


def on_cpu(x: Tensor | None) -> bool:
    """Whether `x`, perhaps symbolic, is computed on a CPU: TensorFlow takes a GPU wherever there is one."""
    del x
    return not tf.config.list_logical_devices("GPU")


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
    halves = (0.5, 0.5, 1.0, 0.5) if kernel.shape[1] == 4 * units else (0.5, 1.0, 0.5)
    weights = tf.transpose(_joined(kernel, recurrent_kernel, bias)) * _halves(halves, units, x.dtype)  # (4H, H+F+1)
    seen = () if peepholes is None else (0.5 * peepholes[:, :, None],)  # a gradient of ours takes no None
    hs, h, c = _lstm(weights, _time_major(x), tf.transpose(states[0]), tf.transpose(states[1]), *seen)
    h = tf.transpose(h)
    return _batch_major(hs, x) if return_sequences else h, (h, tf.transpose(c))


@tf.custom_gradient
def _lstm(
    weights: Tensor, xs: Tensor, h0: Tensor, c0: Tensor, *peepholes: Tensor
) -> tuple[tuple[Tensor, ...], Callable[..., Any]]:
    """xs `(T, F, B)`, states `(H, B)`, perhaps peepholes `(3, H, 1)` -> hs `(T, H, B)`, h, c."""
    h, c, hs, *kept = _lstm_forward(*_untracked(weights, xs, h0, c0, *peepholes))
    cs, factors = (kept[0], kept[1:]) if peepholes else (None, kept)

    def backward(d_hs: Tensor, d_h: Tensor, d_c: Tensor) -> tuple[Tensor, ...]:
        d_h, d_c, d_zs = _lstm_backward(*_untracked(weights), factors, d_hs, d_h, d_c)
        d_peepholes = (_of_peepholes(d_zs, _previous(c0, cs), cs),) if peepholes else ()
        return *_after_loop(d_zs, weights, xs, _previous(h0, hs)), d_h, d_c, *d_peepholes

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
        to_gates = [by * _slope(t) for by, t in zip(by_gate, t_in, strict=True)]
        to_gates += [i * (1 - g * g), tanh_c * _slope(t_o)]
        to_cell, carry = o * (1 - tanh_c * tanh_c), f
        if not peepholes:
            return (h, c_next), (h, to_cell, carry, *to_gates)
        to_cell += p_o * to_gates[3]
        carry += p_i * to_gates[0] + p_f * to_gates[1]
        return (h, c_next), (h, c_next, to_cell, carry, *to_gates)

    return _scan(step, (h0, c0), (xs,), 3 + gates + len(peepholes))


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

    return _scan(step, (d_h, d_c), (d_hs, *factors), 1, reverse=True)


def _of_peepholes(d_zs: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """The peepholes' gradient `(3, H, 1)`: gates `(T, 4H, B)` times the cells `(T, H, B)` they saw."""
    d_i, d_f, _, d_o = tf.split(d_zs, 4, 1)
    seen = ((d_i, before), (d_f, before), (d_o, after))
    return tf.stack([tf.reduce_sum(d * c, (0, 2)) for d, c in seen])[:, :, None]


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
    xs, h0 = _time_major(x), tf.transpose(states[0])
    if reset_after:
        joined = _parted(kernel, recurrent_kernel, bias, units)
        hs, h = _gru(tf.transpose(joined) * _halves((0.5, 0.5, 1.0, 1.0), units, x.dtype), xs, h0)
    else:
        weights = tf.transpose(_joined(kernel, recurrent_kernel, bias)) * _halves((0.5, 0.5, 1.0), units, x.dtype)
        hs, h = _gru_before(weights[: 2 * units], weights[2 * units :], xs, h0)
    h = tf.transpose(h)
    return _batch_major(hs, x) if return_sequences else h, (h,)


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
    h, hs, *factors = _gru_forward(*_untracked(weights, xs, h0))

    def backward(d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
        d_h, d_as = _gru_backward(*_untracked(weights), factors, d_hs, d_h)
        return *_after_loop(d_as, weights, xs, _previous(h0, hs)), d_h

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
        return (h_next,), (h_next, z, _slope(t_z) * (h - n), _slope(t_r) * to_n * a_n, to_n * r, to_n)

    return _scan(step, (h0,), (xs,), 6)


@tf.function(jit_compile=True)
def _gru_backward(weights: Tensor, factors: list[Tensor], d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
    back = tf.transpose(weights[:, : d_h.shape[0]])  # (H, 4H)

    def step(*at_t: Tensor) -> tuple[tuple[Tensor], tuple[Tensor]]:
        d_h_t, z, *to_gates, d_h = at_t
        d_h = d_h + d_h_t
        d_a = tf.concat([d_h * to_gate for to_gate in to_gates], 0)  # (4H, B)
        return (z * d_h + back @ d_a,), (d_a,)

    return _scan(step, (d_h,), (d_hs, *factors), 1, reverse=True)


@tf.custom_gradient
def _gru_before(
    gates: Tensor, candidate: Tensor, xs: Tensor, h0: Tensor
) -> tuple[tuple[Tensor, Tensor], Callable[..., Any]]:
    h, hs, resets, *factors = _gru_before_forward(*_untracked(gates, candidate, xs, h0))

    def backward(d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
        d_h, d_gates, d_ns = _gru_before_backward(*_untracked(gates, candidate), factors, d_hs, d_h)
        d_gate_weights, d_xs = _after_loop(d_gates, gates, xs, _previous(h0, hs))
        d_candidate, d_xs_n = _after_loop(d_ns, candidate, xs, resets)
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
        return (h_next,), (h_next, reset, z, r, _slope(t_z) * (h - n), _slope(t_r) * h, (1 - z) * (1 - n * n))

    return _scan(step, (h0,), (xs,), 7)


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

    return _scan(step, (d_h,), (d_hs, *factors), 2, reverse=True)


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
    weights = tf.transpose(_joined(kernel, recurrent_kernel, bias))  # (H, H+F+1)
    hs, h = _rnn(weights, _time_major(x), tf.transpose(states[0]))
    h = tf.transpose(h)
    return _batch_major(hs, x) if return_sequences else h, (h,)


@tf.custom_gradient
def _rnn(weights: Tensor, xs: Tensor, h0: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[..., Any]]:
    h, hs = _rnn_forward(*_untracked(weights, xs, h0))

    def backward(d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
        d_h, d_as = _rnn_backward(*_untracked(weights), hs, d_hs, d_h)
        return *_after_loop(d_as, weights, xs, _previous(h0, hs)), d_h

    return (hs, h), backward


@tf.function(jit_compile=True)
def _rnn_forward(weights: Tensor, xs: Tensor, h0: Tensor) -> tuple[Tensor, ...]:
    ones = tf.ones_like(h0[:1])

    def step(x_t: Tensor, h: Tensor) -> tuple[tuple[Tensor], tuple[Tensor]]:
        h = tf.tanh(weights @ tf.concat([h, x_t, ones], 0))
        return (h,), (h,)

    return _scan(step, (h0,), (xs,), 1)


@tf.function(jit_compile=True)
def _rnn_backward(weights: Tensor, hs: Tensor, d_hs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
    back = tf.transpose(weights[:, : d_h.shape[0]])

    def step(d_h_t: Tensor, h: Tensor, d_h: Tensor) -> tuple[tuple[Tensor], tuple[Tensor]]:
        d_a = (d_h + d_h_t) * (1 - h * h)
        return (back @ d_a,), (d_a,)

    return _scan(step, (d_h,), (d_hs, hs), 1, reverse=True)


def _untracked(*tensors: Tensor) -> list[Tensor]:
    """`tensors`, hidden from a gradient tape, which would else look into loops that have their own gradient."""
    return [tf.stop_gradient(tensor) for tensor in tensors]


def _scan(
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


def _after_loop(d_zs: Tensor, weights: Tensor, xs: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of `weights` `(G, H+F+1)` and `xs` `(T, F, B)` from those of the pre-activations `(T, G, B)`."""
    units, shape = previous.shape[1], tf.shape(xs)
    seen = tf.concat([previous, xs, tf.ones_like(xs[:, :1])], 1)  # (T, H+F+1, B)
    d_z = _flat(d_zs)  # (G, T*B)
    d_xs = tf.reshape(tf.matmul(weights[:, units:-1], d_z, transpose_a=True), (shape[1], shape[0], shape[2]))
    return tf.matmul(d_z, _flat(seen), transpose_b=True), tf.transpose(d_xs, (1, 0, 2))


def _flat(a: Tensor) -> Tensor:
    """`(T, R, B)` as `(R, T*B)`."""
    return tf.reshape(tf.transpose(a, (1, 0, 2)), (tf.shape(a)[1], -1))


def _previous(h0: Tensor, hs: Tensor) -> Tensor:
    """The state each step began with, `(T, H, B)`."""
    return tf.concat([h0[None], hs[:-1]], 0)


def _slope(t: Tensor) -> Tensor:
    """The derivative of 0.5 tanh + 0.5, from the tanh."""
    return 0.5 - 0.5 * t * t


def _joined(kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor | None) -> Tensor:
    """The rows that `[h; x; 1]` meets: `(H+F+1, G)`."""
    last = tf.zeros_like(recurrent_kernel[:1]) if bias is None else bias[None]
    return tf.concat([recurrent_kernel, kernel, last], 0)


def _halves(factors: tuple[float, ...], units: int, dtype: Any) -> Tensor:
    """One factor a gate as a column `(G, 1)`: 0.5 makes a tanh of the pre-activation into that gate's sigmoid."""
    return tf.repeat(tf.constant(factors, dtype), units)[:, None]


def _time_major(x: Tensor) -> Tensor:
    return tf.transpose(x, (1, 2, 0))  # (B, T, F) -> (T, F, B)


def _batch_major(hs: Tensor, x: Tensor) -> Tensor:
    outputs = tf.transpose(hs, (2, 0, 1))  # (T, H, B) -> (B, T, H)
    return tf.ensure_shape(outputs, (x.shape[0], x.shape[1], hs.shape[1]))


def while_training() -> AbstractContextManager[None]:
    """Nothing to do: TensorFlow flushes denormal numbers and takes its arrays one by one."""
    return nullcontext()


def inference(network: Any) -> Callable[[Tensor], Tensor]:
    """What the Keras model `network` answers in inference, compiled once per shape; its weights are read every call."""
    return tf.function(lambda x: network(x, training=False), jit_compile=True if on_cpu(None) else None)

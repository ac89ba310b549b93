"""What the recurrent loops for JAX share, and why they look as they do: one scan forward and one backward.

What the shapes mean: T steps, B windows, F features, H units, G gate rows (4H for LSTM and GRU, H for the plain RNN).

Measured on a CPU (XLA, 50 units, batch 32):
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
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

Array: TypeAlias = jax.Array


def scan_back(
    step: Callable[..., tuple[Any, Any]], state: tuple[Array, ...], d_hs: Array | None, factors: Any
) -> tuple[Any, Any]:
    """Run `step(*state, factors)` from the last time to the first, adding the outputs' gradients, if any, to d_h."""

    def body(state: tuple[Array, ...], at_t: Any) -> tuple[Any, Any]:
        if d_hs is None:
            return step(*state, at_t)
        d_h, *rest = state
        return step(d_h + at_t[0], *rest, at_t[1])

    return lax.scan(body, tuple(state), factors if d_hs is None else (d_hs, factors), reverse=True)


def previous(h0: Array, hs: Array) -> Array:
    """The state each step began with, `(T, H, B)`."""
    return jnp.concatenate([h0[None], hs[:-1]])


def slope(t: Array) -> Array:
    """The derivative of 0.5 tanh + 0.5, from the tanh."""
    return 0.5 - 0.5 * t * t


def after_loop(d_zs: Array, weights: Array, xs: Array, previous: Array) -> tuple[Array, Array]:
    """The gradients of `weights` `(G, H+F+1)` and `xs` `(T, F, B)` from those of the pre-activations `(T, G, B)`."""
    steps, features, batch = xs.shape
    units = previous.shape[1]
    seen = jnp.concatenate([previous, xs, jnp.ones((steps, 1, batch), xs.dtype)], axis=1)  # (T, H+F+1, B)
    d_z = flat(d_zs)  # (G, T*B)
    d_xs = (weights[:, units:-1].T @ d_z).reshape(features, steps, batch).transpose(1, 0, 2)
    return d_z @ flat(seen).T, d_xs


def select(gate: Array, parts: list[Array]) -> Array:
    """Three or four arrays `(H, B)` as one `(3 or 4, H, B)`, without a concatenation."""
    last = jnp.where(gate == 2, *parts[2:]) if len(parts) == 4 else parts[2]
    return jnp.where(gate < 2, jnp.where(gate == 0, *parts[:2]), last)


def flat(a: Array) -> Array:
    """`(T, R, B)` as `(R, T*B)`."""
    return a.transpose(1, 0, 2).reshape(a.shape[1], -1)


def joined(kernel: Array, recurrent_kernel: Array, bias: Array | None) -> Array:
    """The rows that `[h; x; 1]` meets: `(H+F+1, G)`."""
    last = jnp.zeros_like(kernel, shape=(1, kernel.shape[1])) if bias is None else bias[None]
    return jnp.concatenate([recurrent_kernel, kernel, last])


def halves(factors: tuple[float, ...], units: int, dtype: Any) -> Array:
    """One factor a gate as a column `(G, 1)`: 0.5 makes a tanh of the pre-activation into that gate's sigmoid."""
    return jnp.repeat(jnp.asarray(factors, dtype), units)[:, None]


def time_major(x: Array) -> Array:
    """`(B, T, F)` as `(T, F, B)`."""
    return x.transpose(1, 2, 0)


def batch_major(hs: Array) -> Array:
    """`(T, H, B)` as `(B, T, H)`."""
    return hs.transpose(2, 0, 1)

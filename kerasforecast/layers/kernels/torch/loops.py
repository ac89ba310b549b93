"""What the recurrent loops for PyTorch share, and why they look as they do.

LSTM goes to oneDNN through `torch.lstm`, as `torch.nn.LSTM` does. For the other cells PyTorch has no such path: its
`nn.GRU` runs many small operations under autograd. Here each is one autograd function whose loops only call in-place or
`out=` operations, with the local derivatives computed outside the loop and the gradients of the weights formed once
after it. The state lies hidden-major, `(H, B)`, so that each gate is one contiguous block: PyTorch's elementwise
operations are three times slower on strided ones.

What the shapes mean: T steps, B windows, F features, H units, G gate rows.
"""

from __future__ import annotations

from typing import TypeAlias

import torch

Tensor: TypeAlias = torch.Tensor


def project(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """W x + b for all steps: `(B, T, F)` -> `(T, G, B)`."""
    products = torch.matmul(kernel.T, x.permute(1, 2, 0))
    return products if bias is None else products + bias[:, None]


def by_step(a: Tensor, *rows: int) -> list[tuple[Tensor, ...]]:
    """`(T, R, B)` cut into blocks of `rows`, each as a tuple over time: views made at once cost less than in a loop."""
    return [block.unbind() for block in a.split(rows, 1)]


def flat(a: Tensor) -> Tensor:
    """`(T, R, B)` as `(R, T*B)`."""
    return a.transpose(0, 1).flatten(1)


def through_time(d_hs: Tensor, factors: Tensor, carry: Tensor | None, back: Tensor) -> Tensor:
    """Run the loop backward, turning `factors` into gradients in place; returns that of the initial state.

    Each step: d_h += d_hs[t]; factors[t] *= d_h, gate by gate; d_h = carry[t] * d_h + back @ factors[t][:G].

    Args:
        d_hs: `(T, H, B)`; factors: `(T, gates * H, B)`; carry: `(T, H, B)` or None for zero; back: `(H, G)`.
    """
    d_h = torch.zeros_like(d_hs[0], memory_format=torch.contiguous_format)
    gates = factors.unflatten(1, (-1, len(d_h)))
    if carry is None:
        carry = torch.zeros((), dtype=d_h.dtype).expand(len(d_hs))
    at = zip(d_hs.unbind(), gates.unbind(), factors[:, : back.shape[1]].unbind(), carry.unbind(), strict=True)
    for d_h_t, factor, d_a, kept in reversed(list(at)):
        d_h += d_h_t
        factor.mul_(d_h)
        d_h.mul_(kept).addmm_(back, d_a)
    return d_h

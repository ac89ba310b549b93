"""Plain RNN for PyTorch; `loops.py` says why it looks as it does."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch

from kerasforecast.layers.kernels.torch.loops import flat, project, through_time

Tensor: TypeAlias = torch.Tensor


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
    hs = _SimpleRNN.apply(project(x, kernel, bias), states[0].T.contiguous(), recurrent_kernel.contiguous())
    return hs.permute(2, 0, 1) if return_sequences else hs[-1].T, (hs[-1].T,)


class _SimpleRNN(torch.autograd.Function):
    """h' = tanh(x + U h)."""

    @staticmethod
    def forward(ctx: Any, xs: Tensor, h0: Tensor, recurrent_kernel: Tensor) -> Tensor:
        """xs `(T, H, B)`, h0 `(H, B)`, recurrent_kernel `(H, H)` -> hs `(T, H, B)`."""
        weights, hs, h = recurrent_kernel.T.contiguous(), torch.empty_like(xs), h0
        for x, h_next in zip(xs.unbind(), hs.unbind(), strict=True):
            h = torch.addmm(x, weights, h, out=h_next).tanh_()
        ctx.save_for_backward(h0, recurrent_kernel, hs)
        return hs

    @staticmethod
    def backward(ctx: Any, d_hs: Tensor) -> tuple[Tensor, ...]:
        """The gradients of forward's three arguments."""
        h0, recurrent_kernel, hs = ctx.saved_tensors
        d_x = 1 - hs * hs
        d_h = through_time(d_hs, d_x, None, recurrent_kernel)
        return d_x, d_h, flat(torch.cat([h0[None], hs[:-1]])) @ flat(d_x).T

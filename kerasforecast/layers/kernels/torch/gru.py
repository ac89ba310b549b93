"""GRU for PyTorch, the reset after or before the recurrent product; `loops.py` says why it looks as it does."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch

from kerasforecast.layers.kernels.torch.loops import by_step, flat, project, through_time

Tensor: TypeAlias = torch.Tensor


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
    if bias is None:
        bias = kernel.new_zeros((2, kernel.shape[1]) if reset_after else kernel.shape[1])
    at_inputs, at_state = (bias[0], bias[1]) if reset_after else (bias, None)
    projected = project(x, kernel, at_inputs)  # (T, 3H, B)
    h0, back = states[0].T.contiguous(), recurrent_kernel.contiguous()
    hs = _GRU.apply(projected, h0, back, at_state) if reset_after else _GRUResetBefore.apply(projected, h0, back)
    return hs.permute(2, 0, 1) if return_sequences else hs[-1].T, (hs[-1].T,)


class _GRU(torch.autograd.Function):
    """z, r = sigmoid(x_zr + a_zr), n = tanh(x_n + r a_n), h' = n + z (h - n), with a = U h + b."""

    @staticmethod
    def forward(ctx: Any, xs: Tensor, h0: Tensor, recurrent_kernel: Tensor, bias: Tensor) -> Tensor:
        """xs `(T, 3H, B)`, h0 `(H, B)`, recurrent_kernel `(H, 3H)`, bias `(3H,)` -> hs `(T, H, B)`."""
        units = len(h0)
        weights, bias = recurrent_kernel.T.contiguous(), bias[:, None]
        hs, zrs, inner = xs.new_empty(len(xs), *h0.shape), torch.empty_like(xs[:, : 2 * units]), torch.empty_like(xs)
        ns, h = torch.empty_like(hs), h0
        for x_zr, x_n, zr, z, r, a, a_zr, a_n, n, h_next in zip(
            *by_step(xs, 2 * units, units),
            zrs.unbind(),
            *by_step(zrs, units, units),
            inner.unbind(),
            *by_step(inner, 2 * units, units),
            ns.unbind(),
            hs.unbind(),
            strict=True,
        ):
            torch.addmm(bias, weights, h, out=a)
            torch.add(x_zr, a_zr, out=zr).sigmoid_()
            torch.addcmul(x_n, r, a_n, out=n).tanh_()
            h = torch.lerp(n, h, z, out=h_next)
        ctx.save_for_backward(h0, recurrent_kernel, hs, zrs, inner, ns)
        return hs

    @staticmethod
    def backward(ctx: Any, d_hs: Tensor) -> tuple[Tensor, ...]:
        """The gradients of forward's four arguments."""
        h0, recurrent_kernel, hs, zrs, inner, ns = ctx.saved_tensors
        units = len(h0)
        previous = torch.cat([h0[None], hs[:-1]])
        (z, r), a_n = zrs.split(units, 1), inner[:, 2 * units :]
        d_all = hs.new_empty(len(hs), 4 * units, h0.shape[1])  # what d_h is multiplied with for z, r, a_n, x_n
        to_z, to_r, to_a, to_n = d_all.split(units, 1)
        torch.mul(1 - z, 1 - ns * ns, out=to_n)
        torch.mul(to_n, r, out=to_a)
        torch.mul(to_a * a_n, 1 - r, out=to_r)
        torch.mul((previous - ns) * z, 1 - z, out=to_z)
        d_h = through_time(d_hs, d_all, z, recurrent_kernel)
        d_a = flat(d_all[:, : 3 * units])
        d_kernel = flat(previous) @ d_a.T  # (H, 3H)
        return torch.cat([d_all[:, : 2 * units], d_all[:, 3 * units :]], 1), d_h, d_kernel, d_a.sum(1)


class _GRUResetBefore(torch.autograd.Function):
    """z, r = sigmoid(x_zr + U_zr h), n = tanh(x_n + U_n (r h)), h' = n + z (h - n)."""

    @staticmethod
    def forward(ctx: Any, xs: Tensor, h0: Tensor, recurrent_kernel: Tensor) -> Tensor:
        """xs `(T, 3H, B)`, h0 `(H, B)`, recurrent_kernel `(H, 3H)` -> hs `(T, H, B)`."""
        units = len(h0)
        gates, candidate = recurrent_kernel.T.contiguous().split((2 * units, units))
        hs, zrs = xs.new_empty(len(xs), *h0.shape), torch.empty_like(xs[:, : 2 * units])
        ns, resets, h = torch.empty_like(hs), torch.empty_like(hs), h0
        for x_zr, x_n, zr, z, r, n, reset, h_next in zip(
            *by_step(xs, 2 * units, units),
            zrs.unbind(),
            *by_step(zrs, units, units),
            ns.unbind(),
            resets.unbind(),
            hs.unbind(),
            strict=True,
        ):
            torch.addmm(x_zr, gates, h, out=zr).sigmoid_()
            torch.mul(r, h, out=reset)
            torch.addmm(x_n, candidate, reset, out=n).tanh_()
            h = torch.lerp(n, h, z, out=h_next)
        ctx.save_for_backward(h0, recurrent_kernel, hs, zrs, ns, resets)
        return hs

    @staticmethod
    def backward(ctx: Any, d_hs: Tensor) -> tuple[Tensor, ...]:
        """The gradients of forward's three arguments."""
        h0, recurrent_kernel, hs, zrs, ns, resets = ctx.saved_tensors
        units = len(h0)
        previous = torch.cat([h0[None], hs[:-1]])
        z, r = zrs.split(units, 1)
        d_x = torch.cat([(previous - ns) * z * (1 - z), previous * r * (1 - r), (1 - z) * (1 - ns * ns)], 1)
        back_gates, back_candidate = (part.contiguous() for part in recurrent_kernel.split((2 * units, units), 1))
        d_h = torch.zeros_like(h0)
        blocks = (*by_step(d_x, units, units, units), d_x[:, : 2 * units].unbind())
        at = zip(d_hs.unbind(), *blocks, z.unbind(), r.unbind(), strict=True)
        for d_h_t, d_z, d_r, d_n, d_zr, z_t, r_t in reversed(list(at)):
            d_h += d_h_t
            d_z *= d_h
            d_n *= d_h
            d_reset = back_candidate @ d_n
            d_r *= d_reset
            d_h.mul_(z_t).addcmul_(d_reset, r_t).addmm_(back_gates, d_zr)
        d_gates = flat(previous) @ flat(d_x[:, : 2 * units]).T
        d_candidate = flat(resets) @ flat(d_x[:, 2 * units :]).T
        return d_x, d_h, torch.cat([d_gates, d_candidate], 1)

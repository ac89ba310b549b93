"""LSTM for PyTorch: oneDNN's, and loops for the cells with peepholes or coupled gates (`loops.py` says why)."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch

from kerasforecast.layers.kernels.torch.loops import by_step, flat, project

Tensor: TypeAlias = torch.Tensor


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
    """Long short-term memory over a whole window; weights as Keras lays them out, gates i, f, g, o as PyTorch has them.

    Args:
        x: `(B, T, F)`; states: h and c, each `(B, H)`; kernel: `(F, 4H)`; recurrent_kernel: `(H, 4H)`; bias: `(4H,)`.
            With 3H for 4H the gates are f, g, o, and i = 1 - f.
        return_sequences: Whether the output of every step is wanted, or the last one's only.
        peepholes: `(3, H)`, the weights by which i and f see the cell before the step, and o the one after it, or None.

    Returns:
        `(B, T, H)` or `(B, H)`, and the final (h, c).
    """
    if peepholes is None and kernel.shape[1] == 4 * recurrent_kernel.shape[0]:
        return _onednn_lstm(x, states, kernel, recurrent_kernel, bias, return_sequences)
    started = (state.T.contiguous() for state in states)
    hs, c = _LSTM.apply(project(x, kernel, bias), *started, recurrent_kernel.contiguous(), peepholes)
    return hs.permute(2, 0, 1) if return_sequences else hs[-1].T, (hs[-1].T, c.T)


def _onednn_lstm(
    x: Tensor,
    states: tuple[Tensor, Tensor],
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor | None,
    return_sequences: bool,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The cell that oneDNN has: four gates, no peepholes."""
    weights = [kernel.T.contiguous(), recurrent_kernel.T.contiguous()]
    if bias is not None:
        weights += [bias, torch.zeros_like(bias)]
    hs, h, c = torch.lstm(
        x,
        tuple(state.unsqueeze(0).contiguous() for state in states),
        weights,
        bias is not None,
        1,  # layers
        0.0,  # dropout between them
        torch.is_grad_enabled(),
        False,  # bidirectional
        True,  # batch first
    )
    return hs if return_sequences else h[0], (h[0], c[0])


class _LSTM(torch.autograd.Function):
    """The cells that oneDNN has not: with peepholes for i, f and o, or without them and with i = 1 - f."""

    @staticmethod
    def forward(
        ctx: Any, xs: Tensor, h0: Tensor, c0: Tensor, recurrent_kernel: Tensor, peepholes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """xs `(T, G, B)`, h0, c0 `(H, B)`, recurrent_kernel `(H, G)`, peepholes `(3, H)` -> hs `(T, H, B)`, last c."""
        units, weights = len(h0), recurrent_kernel.T.contiguous()
        zs, (hs, cs, tanhs) = torch.empty_like(xs), (xs.new_empty(len(xs), *h0.shape) for _ in range(3))
        p_i, p_f, p_o = (None,) * 3 if peepholes is None else peepholes[:, :, None].unbind()  # each (H, 1)
        h, c = h0, c0
        blocks = by_step(zs, *[units] * (zs.shape[1] // units))
        for x, z, *gates, c_next, tanh_c, h_next in zip(
            xs.unbind(), zs.unbind(), *blocks, cs.unbind(), tanhs.unbind(), hs.unbind(), strict=True
        ):
            torch.addmm(x, weights, h, out=z)
            *entering, g, o = gates
            g.tanh_()
            if p_o is None:
                torch.lerp(g, c, entering[0].sigmoid_(), out=c_next)
            else:
                i, f = (gate.addcmul_(p, c).sigmoid_() for gate, p in zip(entering, (p_i, p_f), strict=True))
                torch.mul(f, c, out=c_next).addcmul_(i, g)
                o.addcmul_(p_o, c_next)
            torch.tanh(c_next, out=tanh_c)
            h, c = torch.mul(o.sigmoid_(), tanh_c, out=h_next), c_next
        ctx.save_for_backward(h0, c0, recurrent_kernel, peepholes, hs, cs, tanhs, zs)
        return hs, cs[-1].clone()

    @staticmethod
    def backward(ctx: Any, d_hs: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of forward's five arguments."""
        h0, c0, recurrent_kernel, peepholes, hs, cs, tanhs, zs = ctx.saved_tensors
        units, before = len(h0), torch.cat([c0[None], cs[:-1]])
        *entering, g, o = zs.split(units, 1)
        d_zs = torch.empty_like(zs)  # at first what d_c (d_h for o) is multiplied with for each gate
        *to_entering, to_g, to_o = d_zs.split(units, 1)
        f, to_cell = entering[-1], o * (1 - tanhs * tanhs)
        torch.mul(tanhs * o, 1 - o, out=to_o)
        if peepholes is None:
            torch.mul((before - g) * f, 1 - f, out=to_entering[0])
            torch.mul(1 - f, 1 - g * g, out=to_g)
            carry = f
        else:
            (p_i, p_f, p_o), i, (to_i, to_f) = peepholes[:, :, None], entering[0], to_entering
            torch.mul(g * i, 1 - i, out=to_i)
            torch.mul(before * f, 1 - f, out=to_f)
            torch.mul(i, 1 - g * g, out=to_g)
            carry = f + p_i * to_i + p_f * to_f
            to_cell.addcmul_(p_o, to_o)
        d_h, d_c = torch.zeros_like(h0), d_c.clone(memory_format=torch.contiguous_format)
        by_cell = d_zs[:, :-units].unflatten(1, (-1, units))
        at = zip(
            d_hs.unbind(), by_cell.unbind(), to_o.unbind(), d_zs.unbind(), to_cell.unbind(), carry.unbind(), strict=True
        )
        for d_h_t, by_c, by_h, d_z, to_c, kept in reversed(list(at)):
            d_h += d_h_t
            d_c.addcmul_(d_h, to_c)
            by_c.mul_(d_c)
            by_h.mul_(d_h)
            d_c.mul_(kept)
            torch.mm(recurrent_kernel, d_z, out=d_h)
        d_kernel = flat(torch.cat([h0[None], hs[:-1]])) @ flat(d_zs).T  # (H, G)
        if peepholes is None:
            return d_zs, d_h, d_c, d_kernel, None
        seen = ((to_i, before), (to_f, before), (to_o, cs))
        return d_zs, d_h, d_c, d_kernel, torch.stack([(d * cell).sum((0, 2)) for d, cell in seen])

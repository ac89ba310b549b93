"""Recurrent kernels for PyTorch on a CPU.

LSTM goes to oneDNN through `torch._VF.lstm`, as `torch.nn.LSTM` does. For the other cells PyTorch has no such path: its
`nn.GRU` runs many small operations under autograd. Here each is one autograd function whose loops only call
in-place or `out=` operations, with the local derivatives computed outside the loop and the gradients of the weights
formed once after it. The state lies hidden-major, `(H, B)`, so that each gate is one contiguous block: PyTorch's
elementwise operations are three times slower on strided ones.

What the shapes mean: T steps, B windows, F features, H units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from kerasforecast.layers.kernels import memory

Tensor = torch.Tensor


def on_cpu(x: Tensor) -> bool:
    """Whether `x` lies in a CPU's memory, or nowhere: Keras traces shapes with tensors of the device "meta"."""
    return x.device.type in ("cpu", "meta")


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
    hs, c = _LSTM.apply(_projected(x, kernel, bias), *started, recurrent_kernel.contiguous(), peepholes)
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
    hs, h, c = torch._VF.lstm(
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
    projected = _projected(x, kernel, at_inputs)  # (T, 3H, B)
    h0, back = states[0].T.contiguous(), recurrent_kernel.contiguous()
    hs = _GRU.apply(projected, h0, back, at_state) if reset_after else _GRUResetBefore.apply(projected, h0, back)
    return hs.permute(2, 0, 1) if return_sequences else hs[-1].T, (hs[-1].T,)


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
    hs = _SimpleRNN.apply(_projected(x, kernel, bias), states[0].T.contiguous(), recurrent_kernel.contiguous())
    return hs.permute(2, 0, 1) if return_sequences else hs[-1].T, (hs[-1].T,)


def dropout(x: Tensor, rate: float, seeds: Any) -> Tensor:
    """`x` with a share `rate` of zeros and the rest scaled up.

    One draw of 64 bits decides on four elements: PyTorch draws them one after the other, and this is most of the cost.

    Args:
        x: Any shape. rate: In [0, 1), rounded to a multiple of 2^-16. seeds: A `keras.random.SeedGenerator`, moved on
            as its `next` does, without the dozen operations that Keras makes of it.
    """
    state = seeds.state.value
    generator = torch.Generator(x.device).manual_seed(sum(state.tolist()) & 0xFFFFFFFF)
    state[1] += 1
    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
    drawn = words.random_(-(2**63), None, generator=generator).view(torch.int16)[: x.numel()].view(x.shape)
    dropped = min(round(rate * 2**16), 2**16 - 1)
    # A tensor, for `where` takes two numbers as float32 whatever x is.
    kept = torch.full((), 2**16 / (2**16 - dropped), dtype=x.dtype, device=x.device)
    return x * torch.where(drawn >= dropped - 2**15, kept, 0.0)


@torch.no_grad()
def adam(
    weights: list[Tensor],
    gradients: list[Tensor],
    momentums: list[Tensor],
    velocities: list[Tensor],
    *,
    step: int,
    learning_rate: float,
    betas: tuple[float, float],
    epsilon: float,
) -> None:
    """One step of Adam (Kingma & Ba 2015, Algorithm 1), in place: `torch.optim.Adam(fused=True)`'s own kernel.

    Args:
        weights, gradients, momentums, velocities: Equally many tensors, shapes alike. step: From 1.
    """
    at = torch.full((), float(step), device=weights[0].device)
    torch._fused_adam_(
        weights, gradients, momentums, velocities, [], [at] * len(weights),
        lr=learning_rate, beta1=betas[0], beta2=betas[1], eps=epsilon, weight_decay=0.0, amsgrad=False, maximize=False,
    )  # fmt: skip


def _projected(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """W x + b for all steps: `(B, T, F)` -> `(T, G, B)`."""
    products = torch.matmul(kernel.T, x.permute(1, 2, 0))
    return products if bias is None else products + bias[:, None]


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
        blocks = _steps(zs, *[units] * (zs.shape[1] // units))
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
        d_kernel = _flat(torch.cat([h0[None], hs[:-1]])) @ _flat(d_zs).T  # (H, G)
        if peepholes is None:
            return d_zs, d_h, d_c, d_kernel, None
        seen = ((to_i, before), (to_f, before), (to_o, cs))
        return d_zs, d_h, d_c, d_kernel, torch.stack([(d * cell).sum((0, 2)) for d, cell in seen])


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
            *_steps(xs, 2 * units, units),
            zrs.unbind(),
            *_steps(zrs, units, units),
            inner.unbind(),
            *_steps(inner, 2 * units, units),
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
        d_h = _through_time(d_hs, d_all, z, recurrent_kernel)
        d_a = _flat(d_all[:, : 3 * units])
        d_kernel = _flat(previous) @ d_a.T  # (H, 3H)
        return torch.cat([d_all[:, : 2 * units], d_all[:, 3 * units :]], 1), d_h, d_kernel, d_a.sum(1)


def _steps(a: Tensor, *rows: int) -> list[tuple[Tensor, ...]]:
    """`(T, R, B)` cut into blocks of `rows`, each as a tuple over time: views made at once cost less than in a loop."""
    return [block.unbind() for block in a.split(rows, 1)]


def _flat(a: Tensor) -> Tensor:
    """`(T, R, B)` as `(R, T*B)`."""
    return a.transpose(0, 1).flatten(1)


def _through_time(d_hs: Tensor, factors: Tensor, carry: Tensor | None, back: Tensor) -> Tensor:
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
            *_steps(xs, 2 * units, units),
            zrs.unbind(),
            *_steps(zrs, units, units),
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
        blocks = (*_steps(d_x, units, units, units), d_x[:, : 2 * units].unbind())
        at = zip(d_hs.unbind(), *blocks, z.unbind(), r.unbind(), strict=True)
        for d_h_t, d_z, d_r, d_n, d_zr, z_t, r_t in reversed(list(at)):
            d_h += d_h_t
            d_z *= d_h
            d_n *= d_h
            d_reset = back_candidate @ d_n
            d_r *= d_reset
            d_h.mul_(z_t).addcmul_(d_reset, r_t).addmm_(back_gates, d_zr)
        d_gates = _flat(previous) @ _flat(d_x[:, : 2 * units]).T
        d_candidate = _flat(resets) @ _flat(d_x[:, 2 * units :]).T
        return d_x, d_h, torch.cat([d_gates, d_candidate], 1)


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
        d_h = _through_time(d_hs, d_x, None, recurrent_kernel)
        return d_x, d_h, _flat(torch.cat([h0[None], hs[:-1]])) @ _flat(d_x).T


@contextmanager
def while_training() -> Iterator[None]:
    """Keep memory from step to step, and have numbers too small for full precision count as zero.

    Gradients through hundreds of rows are made of such denormal numbers, at which a processor is far slower: an epoch
    of 240-row windows took 1.3 to 2.5 times as long.
    """
    flushed = bool(torch.tensor([1e-310], dtype=torch.float64) * 1 == 0)
    torch.set_flush_denormal(True)
    try:
        with memory.kept():
            yield
    finally:
        torch.set_flush_denormal(flushed)


def inference(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """What `network` answers, nothing kept for a gradient."""
    return torch.inference_mode()(network.__call__)

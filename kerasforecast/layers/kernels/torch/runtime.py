"""PyTorch beside the loops: where a computation runs, settings of a training, inference, dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch

from kerasforecast.runtime import memory

Tensor: TypeAlias = torch.Tensor


def on_cpu(x: Tensor) -> bool:
    """Whether `x` lies in a CPU's memory, or nowhere: Keras traces shapes with tensors of the device "meta"."""
    return x.device.type in ("cpu", "meta")


def threads() -> int:
    """How many threads an operation is cut into."""
    return torch.get_num_threads()


def set_threads(count: int) -> None:
    """Cut the operations to come into pieces for `count` threads."""
    torch.set_num_threads(count)


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
    return torch.inference_mode()(lambda x: network(x))


def gradient(network: Any) -> Callable[[Any, Tensor], Any]:
    """How the sum of what the Keras model `network` answers in inference, times weights, changes with its inputs."""

    def slopes(x: Any, weights: Tensor) -> Any:
        named = x if isinstance(x, dict) else {"": x}
        leaves = {name: part.detach().clone().requires_grad_() for name, part in named.items()}
        with torch.enable_grad():
            total = (network(leaves if isinstance(x, dict) else leaves[""], training=False) * weights).sum()
            found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True, materialize_grads=True)
        slopes = dict(zip(leaves, found, strict=True))
        return slopes if isinstance(x, dict) else slopes[""]

    return slopes


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

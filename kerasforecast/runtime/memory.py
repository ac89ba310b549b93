"""The C library's memory (glibc's; elsewhere nothing happens), which every training step takes and frees anew."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
_KEEPING = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1}
# What glibc's own thresholds grow to in a program that has freed large arrays: once set they no longer move.
_USUAL = {_TRIM_THRESHOLD: 64 << 20, _MMAP_THRESHOLD: 32 << 20, _MMAP_MAX: 65_536}


def one_arena() -> None:
    """Have all threads that start from now on take memory from the heap of the first, for the rest of the process.

    In a heap of its own a thread can keep no array above 64 MB. XLA's threads take all arrays of a step in one piece,
    300 MB for 1,024 windows of the reference model: with one heap for all, `kept` spares JAX 75,000 page faults a step.
    """
    if mallopt := _mallopt():
        mallopt(_ARENA_MAX, 1)


@contextmanager
def kept() -> Iterator[None]:
    """Have the C library (glibc) keep what one step frees for the next, in place of giving it back to the system.

    What is given back comes again page by page, each a fault that takes the processor one to three microseconds:
    2,500 a step of the reference model on PyTorch, a quarter of its time, and 10,000 to 100,000 a step on PyTorch and
    JAX at batches of 128 to 1,024.
    """
    mallopt = _mallopt()
    if mallopt is None:
        yield
        return
    for option, value in _KEEPING.items():
        mallopt(option, value)
    try:
        yield
    finally:
        for option, value in _USUAL.items():
            mallopt(option, value)
        ctypes.CDLL(None).malloc_trim(0)


def _mallopt() -> Callable[[int, int], int] | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return getattr(libc, "mallopt", None)

"""The C library's memory, which every training step takes and frees anew."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Of <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_KEEPING = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1}
# What glibc's own thresholds grow to in a program that has freed large arrays: once set they no longer move.
_USUAL = {_TRIM_THRESHOLD: 64 << 20, _MMAP_THRESHOLD: 32 << 20, _MMAP_MAX: 65_536}


@contextmanager
def kept() -> Iterator[None]:
    """Have the C library (glibc) keep what one step frees for the next, in place of giving it back to the system.

    What is given back comes again page by page, each a fault that takes the processor one to three microseconds:
    2,500 a step of the reference model on PyTorch, a quarter of its time, and 10,000 to 100,000 a step on PyTorch and
    JAX at batches of 128 to 1,024.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(libc, "mallopt"):
        yield
        return
    for option, value in _KEEPING.items():
        libc.mallopt(option, value)
    try:
        yield
    finally:
        for option, value in _USUAL.items():
            libc.mallopt(option, value)
        libc.malloc_trim(0)

"""The C library's memory (glibc's; elsewhere nothing happens), which every training step takes and frees anew."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
_KEEPING = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1}
# How far glibc's own adjustment goes, DEFAULT_MMAP_THRESHOLD_MAX of mallopt(3), and its default for _MMAP_MAX.
_LARGEST = 512 << 10 if ctypes.sizeof(ctypes.c_void_p) == 4 else (4 << 20) * ctypes.sizeof(ctypes.c_long)
_ADJUSTED = {_MMAP_THRESHOLD: _LARGEST, _TRIM_THRESHOLD: 2 * _LARGEST, _MMAP_MAX: 65_536}
# What whoever started the process may have asked of the C library instead: mallopt(3), and glibc's manual on tunables.
_ASKED = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_")
_TUNABLES = ("glibc.malloc.trim_threshold", "glibc.malloc.mmap_threshold", "glibc.malloc.mmap_max")

_trainings = 0  # under way in this process
_lock = threading.Lock()


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

    Afterwards free memory goes back to the system at once, and large arrays when they are freed. The settings are then
    not those from before, which glibc does not tell: until someone sets them it raises two of them itself, up to a
    limit, with the size of the arrays that a program frees, and once they are set it never does so again. So they are
    left at that documented limit, where a program that has freed arrays of 32 MB finds itself without us. To leave
    the memory kept would suit a process of our own, but not a notebook that goes on for days. Where the environment
    sets any of them nothing happens at all; trainings within or beside one another count as one.
    """
    global _trainings
    mallopt = None if _asked_otherwise() else _mallopt()
    if mallopt is None:
        yield
        return
    with _lock:
        _trainings += 1
        _set(mallopt, _KEEPING)
    try:
        yield
    finally:
        with _lock:
            _trainings -= 1
            if not _trainings:
                _set(mallopt, _ADJUSTED)
                ctypes.CDLL(None).malloc_trim(0)


def _set(mallopt: Callable[[int, int], int], options: dict[int, int]) -> None:
    for option, value in options.items():
        mallopt(option, value)


def _asked_otherwise() -> bool:
    """Whether the environment sets what `kept` would."""
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return any(name in os.environ for name in _ASKED) or any(name in tunables for name in _TUNABLES)


def _mallopt() -> Callable[[int, int], int] | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return getattr(libc, "mallopt", None)

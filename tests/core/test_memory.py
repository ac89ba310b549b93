"""Memory that one step frees and the next one takes again, seen by the pages that the system has to hand out."""

import platform

import pytest

from tests.core.helpers import run_python

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

FAULTS = """
import resource, threading
import numpy as np
from kerasforecast.runtime import memory

def faults(megabytes):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        np.ones(megabytes << 20, np.int8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def kept(megabytes):
    with memory.kept():
        faults(megabytes)
        return faults(megabytes)
"""


SETTINGS = (
    "MALLOC_ARENA_MAX",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_MMAP_MAX_",
    "GLIBC_TUNABLES",
)


def run(code, **environment):
    done = run_python(code, **{**dict.fromkeys(SETTINGS), **environment})
    assert done.code == 0, done.err
    return [int(count) for count in done.out.split()]


def test_memory_that_a_step_frees_is_there_for_the_next():
    anew, kept, after = run(FAULTS + "print(faults(48), kept(48), faults(48))")
    assert kept < anew / 10
    assert after > anew / 10


def test_so_it_is_where_a_thread_frees_more_than_its_own_heap_can_hold():
    in_a_thread = """
found = []
thread = threading.Thread(target=lambda: found.extend([faults(96), kept(96)]))
thread.start()
thread.join()
print(*found)
"""
    anew, kept = run(FAULTS + in_a_thread)
    assert kept > anew / 10
    anew, kept = run(FAULTS + "memory.one_arena()" + in_a_thread)
    assert kept < anew / 10


def test_a_training_within_another_or_beside_it_does_not_end_it():
    anew, between, after = run(
        FAULTS
        + """
with memory.kept():
    kept(48)
    between = faults(48)
print(faults(48), between, faults(48))
"""
    )
    assert between < anew / 10
    assert after > anew / 10


def test_afterwards_small_arrays_are_kept_as_in_any_program_and_large_ones_are_not():
    """The limit of glibc's own adjustment: 32 MB on a 64-bit system."""
    anew, small, large = run(FAULTS + "print(faults(40), kept(40) * 0 + faults(8) * 0 + faults(8), faults(40))")
    assert small < anew / 20  # were they given back too, it would be a fifth
    assert large > anew / 10


@pytest.mark.parametrize(
    "setting",
    [{"MALLOC_MMAP_MAX_": "1000"}, {"GLIBC_TUNABLES": "glibc.malloc.check=0:glibc.malloc.trim_threshold=131072"}],
    ids=lambda setting: next(iter(setting)),
)
def test_what_the_environment_asks_of_the_c_library_stands(setting):
    anew, kept = run(FAULTS + "print(faults(48), kept(48))", **setting)
    assert kept > anew / 10

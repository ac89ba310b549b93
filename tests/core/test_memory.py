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


def run(code):
    done = run_python(code, MALLOC_ARENA_MAX=None)
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

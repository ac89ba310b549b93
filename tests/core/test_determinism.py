"""How many threads compute: settings that each backend reads when it loads, so none has to be installed here."""

import pytest

from kerasforecast.runtime import determinism
from kerasforecast.runtime.determinism import limit_threads


@pytest.fixture
def environment(monkeypatch):
    """An empty environment in place of the process' own."""
    found = {}
    monkeypatch.setattr(determinism.os, "environ", found)
    return found


def test_limiting_threads_reaches_every_backend(environment):
    environment["XLA_FLAGS"] = "--xla_dump_to=/tmp/x"
    limit_threads(1)
    counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    assert [environment[name] for name in counts] == ["1"] * 4
    assert environment["XLA_FLAGS"].split() == [
        "--xla_dump_to=/tmp/x",
        "--xla_cpu_multi_thread_eigen=false",
        "intra_op_parallelism_threads=1",
    ]


def test_several_threads_leave_xla_alone(environment):
    limit_threads(4)
    assert environment["OMP_NUM_THREADS"] == "4"
    assert "XLA_FLAGS" not in environment

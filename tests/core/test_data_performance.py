"""Five million rows: at most twice pandas' time to read them, at most three times the memory of its frame."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

ROWS = 5_000_000
MEASURE = """
import json, sys, time
import pandas, pyarrow
from kerasforecast.config import DataConfig
from kerasforecast.data.load import load_series
path, ways = sys.argv[1], sys.argv[2].split()
def peak():
    status = open("/proc/self/status").read()  # not getrusage, which starts from the parent's size
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
before, seconds = peak(), {}
for way in ways:
    began = time.process_time()
    if way == "pandas":
        rows = len(pandas.read_csv(path, parse_dates=["Date"]))
    else:
        rows = len(load_series(DataConfig(file=path)))
    assert rows == 5_000_000
    seconds[way] = min(seconds.get(way, 1e9), time.process_time() - began)
print(json.dumps({"seconds": seconds, "bytes": peak() - before}))
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import csv

    path = tmp_path_factory.mktemp("big") / "big.csv"
    dates = np.datetime64("1990-01-01T00:00:00") + np.arange(ROWS) * np.timedelta64(60, "s")
    close = np.round(100 + np.random.default_rng(0).normal(size=ROWS), 4)
    csv.write_csv(pyarrow.table({"Date": dates, "Close": close}), path)
    return path


def measure(path, ways):
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), ways], capture_output=True, text=True, check=True
    )
    return json.loads(result.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_time_and_memory(table):
    memory = measure(table, "ours")["bytes"] / (ROWS * 16)  # a frame's row is a date and a float
    seconds = measure(table, "ours pandas ours pandas")["seconds"]
    ratio = seconds["ours"] / seconds["pandas"]
    print(f"time {ratio:.2f} times pandas' read, memory {memory:.2f} times its frame")
    assert ratio <= 2
    assert memory <= 3


def test_a_fault_in_the_last_row_is_found_soon(table):
    import time

    from kerasforecast.config import DataConfig
    from kerasforecast.data.load import load_series
    from kerasforecast.errors import DataError

    with table.open("ab") as stream:
        stream.write(b"2030-01-01 00:00:00,abc\n")
    began = time.process_time()
    pd.read_csv(table, parse_dates=["Date"])
    reading = time.process_time() - began
    began = time.process_time()
    with pytest.raises(DataError, match=f"row {ROWS + 2}, column Close: expected a number"):
        load_series(DataConfig(file=str(table)))
    assert time.process_time() - began < 6 * reading

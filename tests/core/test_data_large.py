"""Five million rows: bounded memory, and a fault in the last of them still gets its address."""

import subprocess
import sys

import numpy as np
import pytest

from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

ROWS = 5_000_000
MEASURE = """
import sys
import pandas, pyarrow
from kerasforecast.sections.data import DataConfig
from kerasforecast.data.load import load_series
def peak():
    status = open("/proc/self/status").read()  # not getrusage, which starts from the parent's size
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
before = peak()
assert len(load_series(DataConfig(file=sys.argv[1]))) == int(sys.argv[2])
print(peak() - before)
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


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_stays_within_three_times_pandas_frame(table):
    command = [sys.executable, "-c", MEASURE, str(table), str(ROWS)]
    taken = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    frame = ROWS * 16  # a row is a date and a float
    assert taken <= 3 * frame


def test_a_fault_in_the_last_row_gets_its_address(table):
    with table.open("ab") as stream:
        stream.write(b"2030-01-01 00:00:00,abc\n")
    with pytest.raises(DataError, match=f"row {ROWS + 2}, column Close: expected a number"):
        load_series(DataConfig(file=str(table)))

"""Reading and checking a CSV of five million rows, against pandas' own read of it, turn by turn in one process.

    python benchmarks/data.py [--rows 5000000] [--rounds 5]

Printed: medians of the processor time of `pandas.read_csv` with and without parsing the dates, and of `load_series`,
which also checks every row; and the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from kerasforecast.data.load import load_series
from kerasforecast.sections.data import DataConfig


def write(path: Path, rows: int) -> None:
    """A table of minutes and prices."""
    dates = pd.date_range("1990-01-01", periods=rows, freq="min").astype(str)
    close = np.round(100 + np.random.default_rng(0).normal(size=rows), 4)
    pd.DataFrame({"Date": dates, "Close": close}).to_csv(path, index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write(path, arguments.rows)
        ways: dict[str, Callable[[], object]] = {
            "pandas": lambda: pd.read_csv(path),
            "pandas, dates parsed": lambda: pd.read_csv(path, parse_dates=["Date"]),
            "load_series": lambda: load_series(DataConfig(file=str(path))),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, read in ways.items():
                began = time.process_time()
                read()
                seconds[name].append(time.process_time() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<22}{median:>8.2f} s{medians['load_series'] / median:>8.2f} times as long here")


if __name__ == "__main__":
    main()

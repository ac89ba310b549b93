"""Reading and checking a table of five million rows, against pandas' own read of it, turn by turn in one process.

    python benchmarks/data.py [--rows 5000000] [--rounds 5] [--series 0] [--parquet]

Without `--series` the table is one series of minutes, otherwise a long one of so many with an id and a date in each
row. Printed: medians of the processor time of pandas' read, of a CSV with and without parsing the dates, and of
`load_panel`, which also checks every row; the ratios; and the most memory that each took beyond what was there before.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from kerasforecast.data.load import load_panel
from kerasforecast.sections.data import DataConfig

MIB = 2**20


def table(rows: int, series: int) -> pd.DataFrame:
    """Minutes and prices, of one series or of `series` one after another."""
    each = rows // max(series, 1)
    close = np.round(100 + np.random.default_rng(0).normal(size=each * max(series, 1)), 4)
    dates = pd.date_range("1990-01-01", periods=each, freq="min")
    if not series:
        return pd.DataFrame({"Date": dates, "Close": close})
    ids = np.repeat([f"S{place:06}" for place in range(series)], each)
    return pd.DataFrame({"unique_id": ids, "ds": np.tile(dates, series), "y": close})


def seconds(read: Callable[[], object]) -> float:
    """Of processor time."""
    began = time.process_time()
    read()
    return time.process_time() - began


def memory(read: Callable[[], object]) -> float:
    """MiB of resident memory at most beyond what there was."""
    before, most, over = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            most[0] = max(most[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    read()
    over.set()
    watcher.join()
    return most[0] - before


def resident() -> float:
    """MiB of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / MIB


def ways(folder: Path, frame: pd.DataFrame, parquet: bool) -> dict[str, Callable[[], object]]:
    """Each way to read `frame` from a file, by what it is called; the first is what ratios are to."""
    path, date = folder / ("table.parquet" if parquet else "table.csv"), str(frame.columns[-2])
    ours = DataConfig(file=str(path), id="unique_id" if len(frame.columns) == 3 else None)
    if parquet:
        frame.to_parquet(path, index=False)
        return {"pandas": lambda: pd.read_parquet(path), "load_panel": lambda: load_panel(ours)}
    frame.assign(**{date: frame[date].astype(str)}).to_csv(path, index=False)
    return {
        "pandas": lambda: pd.read_csv(path),
        "pandas, dates parsed": lambda: pd.read_csv(path, parse_dates=[date]),
        "load_panel": lambda: load_panel(ours),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--series", type=int, default=0, help="how many; none: one series, without ids")
    parser.add_argument("--parquet", action="store_true", help="a Parquet file instead of a CSV")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reads = ways(Path(folder), table(arguments.rows, arguments.series), arguments.parquet)
        found: dict[str, list[float]] = {name: [] for name in reads}
        for _ in range(arguments.rounds):
            for name, read in reads.items():
                found[name].append(seconds(read))
        most = {name: memory(read) for name, read in reads.items()}  # apart: to watch takes time
    medians = {name: statistics.median(times) for name, times in found.items()}
    for name, median in medians.items():
        ratio = medians["load_panel"] / median
        print(f"{name:<22}{median:>8.2f} s{most[name]:>8.0f} MiB{ratio:>8.2f} times as long here")


if __name__ == "__main__":
    main()

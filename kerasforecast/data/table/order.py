"""Rows in time: their order, the range asked for, dates that repeat or have not come yet."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import iso_texts
from kerasforecast.data.table.clock import times_hint
from kerasforecast.data.table.table import Table, counted, listed, refusal
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

HOUR = pd.Timedelta(hours=1)


def ordered(table: Table, frame: pd.DataFrame, column: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows of `frame` (indexed by date, positions in its column `POSITION`) in rising order of date.

    A table that runs from the newest to the oldest row throughout is turned; any other disorder is refused.

    Raises:
        DataError: A date lies before the row above it.
    """
    index = frame.index
    if index.is_monotonic_increasing:
        return frame, []
    if index.is_monotonic_decreasing:
        return frame.iloc[::-1], ["Rows ran from newest to oldest and were turned."]
    steps = np.diff(index.asi8)
    early = np.flatnonzero(steps < 0) + 1
    remedy = "Sort the rows by date."
    if _one_hour_back(index, early):
        remedy = "The end of daylight saving repeats an hour: give times with their UTC offset, or in UTC."
    raise refusal(table, positions(frame)[early].tolist(), column, "dates must not go back", remedy)


def _one_hour_back(index: pd.DatetimeIndex, early: np.ndarray) -> bool:
    back = index[early - 1] - index[early]
    return bool((back <= HOUR).all() and (index[early].hour <= 3).all() and len(early) <= 2 + len(index) // 1000)


POSITION = "\x00position"  # no column of a user's table can be called so


def positions(frame: pd.DataFrame) -> np.ndarray:
    """Positions in the table of the rows of `frame`."""
    return frame[POSITION].to_numpy()


def row_positions(index: pd.Index) -> np.ndarray:
    """The positions that `index` holds, in as few bytes as hold them."""
    kind = np.uint32 if not len(index) or index[-1] < 2**32 else np.int64
    if isinstance(index, pd.RangeIndex):
        return np.arange(index.start, index.stop, index.step, dtype=kind)  # pandas would make 64 bits of each first
    return index.to_numpy(dtype=kind)


def in_range(table: Table, frame: pd.DataFrame, column: str, config: DataConfig) -> pd.DataFrame:
    """Rows from `--start` to `--end`, both included. Without `--end`, rows dated after tomorrow are refused.

    Raises:
        DataError: A date lies in the future, or no row lies in the range.
    """
    if config.end is None:
        latest = pd.Timestamp(dt.date.today() + dt.timedelta(days=2))
        future = np.arange(frame.index.searchsorted(latest), len(frame))
        if len(future):
            raise refusal(
                table,
                positions(frame)[future].tolist(),
                column,
                "dates must not lie in the future",
                f"Use --end {frame.index[-1].date()} to accept such rows.",
            )
    first = pd.Timestamp(config.start) if config.start else None
    last = pd.Timestamp(config.end + dt.timedelta(days=1)) if config.end else None
    if first is None and last is None:
        return frame
    kept = np.ones(len(frame), dtype=bool)
    if first is not None:
        kept &= frame.index >= first
    if last is not None:
        kept &= frame.index < last
    if not kept.any():
        raise DataError(
            f"{table.name}: no rows from {config.start or 'the first'} to {config.end or 'the last'}. "
            f"Received: rows from {frame.index[0].date()} to {frame.index[-1].date()}. Change --start or --end."
        )
    return frame[kept]


def single(table: Table, frame: pd.DataFrame, column: str, policy: str) -> tuple[pd.DataFrame, list[str]]:
    """One row per date, by `--duplicates`.

    Raises:
        DataError: A date repeats and the policy is `error`.
    """
    if frame.index.is_unique:
        return frame, []
    repeated = np.flatnonzero(frame.index.duplicated(keep="first"))
    if policy == "error":
        remedy = "Use --duplicates last (or first, mean) to keep one row of each date."
        if _looks_like_fold(frame.index, repeated):
            remedy = f"If daylight saving ends there, give times with their UTC offset. {remedy}"
        remedy = times_hint(table, column) or remedy
        raise refusal(table, positions(frame)[repeated].tolist(), column, "dates must not repeat", remedy)
    dates = listed([str(date) for date in iso_texts(frame.index[repeated].unique(), frame.index)], 5)
    note = f"{counted(len(repeated))} of repeated dates merged by --duplicates {policy}: {dates}."
    if policy == "mean":
        means = frame.groupby(level=0).mean()
        means[POSITION] = frame[~frame.index.duplicated(keep="first")][POSITION]
        return means, [note]
    return frame[~frame.index.duplicated(keep=policy)], [note]  # type: ignore[arg-type]


def _looks_like_fold(index: pd.DatetimeIndex, repeated: np.ndarray) -> bool:
    times = index[repeated]
    return bool((times.hour <= 2).all() and (times != times.normalize()).any() and len(times) <= 8)

"""Rows in time: their order, the range asked for, dates that repeat or have not come yet, in each series."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import extent, iso_texts
from kerasforecast.data.table.clock import times_hint
from kerasforecast.data.table.several import shared_dates
from kerasforecast.data.table.stack import Stack
from kerasforecast.data.table.table import counted, listed
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

HOUR = pd.Timedelta(hours=1)


def ordered(stack: Stack, column: str) -> tuple[Stack, list[str]]:
    """Rows in rising order of date within each series.

    A series that runs from the newest to the oldest row throughout is turned; any other disorder is refused.

    Raises:
        DataError: A date lies before the one above it of the same series.
    """
    if stack.steps[0] >= 0:
        return stack, []
    falls, disordered = falling(stack)
    if disordered.any():
        remedy = "Sort the rows by date."
        if _one_hour_back(pd.DatetimeIndex(stack.index), np.flatnonzero(disordered)):
            remedy = "The end of daylight saving repeats an hour: give times with their UTC offset, or in UTC."
        raise shared_dates(stack, column) or stack.refusal(disordered, column, "dates must not go back", remedy)
    return turned(stack, falls, "from newest to oldest")


def turned(stack: Stack, falls: np.ndarray, way: str) -> tuple[Stack, list[str]]:
    """The series of which `falls` `(N,)` is true from their last row to their first, and what to say."""
    if not falls.any():
        return stack, []
    rows = np.arange(len(stack))
    back = falls[stack.owner]
    of = stack.owner[back]
    rows[back] = stack.starts[of] + stack.starts[of + 1] - 1 - rows[back]
    several = falls.any() and not falls[np.diff(stack.starts) > 1].all()
    which = f" of {int(falls.sum()):,} series ({stack.named(np.flatnonzero(falls))})" if several else ""
    return stack.taking(rows), [f"Rows{which} ran {way} and were turned."]


def falling(stack: Stack) -> tuple[np.ndarray, np.ndarray]:
    """Which series `(N,)` run backwards, and which rows `(R,)` go back where their series also goes forward."""
    falls, rises = np.zeros((2, len(stack.ids)), dtype=bool)
    back, on = np.zeros((2, len(stack)), dtype=bool)
    np.less(stack.stamps[1:], stack.stamps[:-1], out=back[1:])
    back[stack.first] = False
    if not back.any():
        return falls, back
    np.greater(stack.stamps[1:], stack.stamps[:-1], out=on[1:])
    on[stack.first] = False
    falls[stack.owner[back]] = True
    rises[stack.owner[on]] = True
    return falls, back & (falls & rises)[stack.owner]


def _one_hour_back(index: pd.DatetimeIndex, early: np.ndarray) -> bool:
    back = index[early - 1] - index[early]
    return bool((back <= HOUR).all() and (index[early].hour <= 3).all() and len(early) <= 2 + len(index) // 1000)


def row_positions(index: pd.Index) -> np.ndarray:
    """The positions that `index` holds, in as few bytes as hold them."""
    kind = np.uint32 if not len(index) or index[-1] < 2**32 else np.int64
    if isinstance(index, pd.RangeIndex):
        return np.arange(index.start, index.stop, index.step, dtype=kind)  # pandas would make 64 bits of each first
    return index.to_numpy(dtype=kind)


def in_range(stack: Stack, column: str, config: DataConfig) -> Stack:
    """Rows from `--start` to `--end`, both included. Without `--end`, values dated after tomorrow are refused.

    Raises:
        DataError: A date lies in the future, or no row lies in the range.
    """
    index = pd.DatetimeIndex(stack.index)
    if config.end is None:
        latest = index[-1] if stack.lone else extent(index)[1]
        if latest >= (tomorrow := pd.Timestamp(dt.date.today() + dt.timedelta(days=2))):
            future = np.asarray(index >= tomorrow) & stack.open
            if future.any():
                remedy = f"Use --end {latest.date()} to accept such rows."
                raise stack.refusal(future, column, "dates must not lie in the future", remedy)
    first = pd.Timestamp(config.start) if config.start else None
    last = pd.Timestamp(config.end + dt.timedelta(days=1)) if config.end else None
    if first is None and last is None:
        return stack
    kept = np.ones(len(stack), dtype=bool)
    if first is not None:
        kept &= np.asarray(index >= first)
    if last is not None:
        kept &= np.asarray(index < last)
    if not kept.any():
        raise DataError(
            f"{stack.table.name}: no rows from {config.start or 'the first'} to {config.end or 'the last'}. "
            f"Received: rows from {index.min().date()} to {index.max().date()}. Change --start or --end."
        )
    return stack.where(kept)


def single(stack: Stack, column: str, policy: str) -> tuple[Stack, int, list[str]]:
    """One row per date in each series, by `--duplicates`; and how many rows there were too many.

    Raises:
        DataError: A date repeats and the policy is `error`.
    """
    if stack.steps[0] > 0:
        return stack, 0, []
    repeated = np.zeros(len(stack), dtype=bool)
    np.equal(stack.stamps[1:], stack.stamps[:-1], out=repeated[1:])
    repeated[stack.first] = False
    if not repeated.any():
        return stack, 0, []
    index, count = pd.DatetimeIndex(stack.index), int(repeated.sum())
    if policy == "error":
        remedy = "Use --duplicates last (or first, mean) to keep one row of each date."
        if _looks_like_fold(index, np.flatnonzero(repeated)):
            remedy = f"If daylight saving ends there, give times with their UTC offset. {remedy}"
        remedy = times_hint(stack.table, column) or remedy
        raise shared_dates(stack, column) or stack.refusal(repeated, column, "dates must not repeat", remedy)
    dates = listed([str(date) for date in iso_texts(index[repeated].unique(), index)], 5)
    note = f"{counted(count)} of repeated dates merged by --duplicates {policy}: {dates}."
    if policy == "mean":
        return _means(stack, repeated), count, [note]
    kept = ~repeated if policy == "first" else ~np.append(repeated[1:], False)
    return stack.where(kept), count, [note]


def _means(stack: Stack, repeated: np.ndarray) -> Stack:
    dates = np.cumsum(~repeated) - 1
    means = pd.DataFrame(stack.values).groupby(dates).mean().to_numpy()
    ahead = None if stack.ahead is None else np.logical_and.reduceat(stack.ahead, np.flatnonzero(~repeated))
    return replace(stack.where(~repeated), values=means, ahead=ahead)


def _looks_like_fold(index: pd.DatetimeIndex, repeated: np.ndarray) -> bool:
    times = index[repeated]
    return bool((times.hour <= 2).all() and (times != times.normalize()).any() and len(times) <= 8)

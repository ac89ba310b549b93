"""Signs that some series of a panel are not what their user thinks, told of all of them in a few lines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerasforecast.data.months import days_of
from kerasforecast.data.sanity import STALE_ROWS, StockSplit, find_splits, large_steps, suspicions
from kerasforecast.data.table.stack import Stack

_SPLITS = 100
_FEW = 4  # repeated values of a series that are looked at, and its rows on weekends


def panel_splits(stack: Stack, besides: tuple[np.ndarray | None, np.ndarray | None]) -> list[tuple[int, StockSplit]]:
    """Days on which prices jump as an unadjusted split makes them, with the place of the series.

    Args:
        stack: Its target holds prices.
        besides: Adjusted prices and volume `(R,)`, where the table has them.
    """
    if stack.lone and stack.ahead is None:
        return [(0, split) for split in find_splits(pd.DatetimeIndex(stack.index), stack.target, *besides)]
    at = large_steps(stack.target)
    at = at[~stack.first[at + 1]][:_SPLITS]
    found: list[tuple[int, StockSplit]] = []
    for place in np.unique(stack.owner[at]).tolist():
        rows = np.arange(stack.starts[place], stack.starts[place + 1])
        rows = rows[stack.open[rows]]
        adjusted, volume = (None if each is None else each[rows] for each in besides)
        splits = find_splits(pd.DatetimeIndex(stack.index[rows]), stack.target[rows], adjusted, volume)
        found += [(place, split) for split in splits]
    return found


def panel_suspicions(stack: Stack) -> list[str]:
    """What else looks wrong, one sentence each; of several series one sentence for all that look so."""
    if stack.lone:
        rows = stack.open
        whole = bool(rows.all())
        return suspicions(stack.index if whole else stack.index[rows], stack.target if whole else stack.target[rows])
    stack = stack if stack.ahead is None else stack.where(stack.open)
    still = stack.constant & (np.diff(stack.starts) > 1)
    same = _repeats(stack)
    stale, filled = _stale(stack, same) & ~still, _filled_weekends(stack, same) & ~still
    found = {
        f"hold one value of {stack.columns[0]} throughout": still,
        f"end in {STALE_ROWS} equal values or more: their tails look stale": stale,
        "repeat the value before on most Saturdays and Sundays: they look filled": filled,
    }
    return [
        f"{int(which.sum()):,} series {what}: {stack.named(np.flatnonzero(which))}."
        for what, which in found.items()
        if which.any()
    ]


def _repeats(stack: Stack) -> np.ndarray:
    """Whether each row `(R,)` repeats the value before it."""
    same = np.zeros(len(stack), dtype=bool)
    np.equal(stack.target[1:], stack.target[:-1], out=same[1:])
    same[stack.first] = False
    return same


def _stale(stack: Stack, same: np.ndarray) -> np.ndarray:
    tail = np.maximum(stack.starts[1:, None] - np.arange(1, STALE_ROWS), 0)  # (N, n), in the series where all repeat
    if not same[tail].all(axis=1).any():
        return np.zeros(len(stack.ids), dtype=bool)
    moved = np.flatnonzero(~same)  # the first row of each series among them
    first, after = np.searchsorted(moved, stack.starts[:-1]), np.searchsorted(moved, stack.starts[1:])
    since = moved[after - 1]  # the last row of each series that moved
    rows = since - stack.starts[:-1]
    usual = (rows - (after - 1 - first)) / np.maximum(rows, 1)
    stale: np.ndarray = (stack.starts[1:] - since >= STALE_ROWS) & (usual <= 0.2)
    return stale


def _filled_weekends(stack: Stack, same: np.ndarray) -> np.ndarray:
    nowhere = np.zeros(len(stack.ids), dtype=bool)
    if not isinstance(stack.index, pd.DatetimeIndex) or stack.counted(same).max() < _FEW:
        return nowhere
    days = days_of(stack.index)
    weekend = ((days + 3) % 7 >= 5) & ~stack.first
    if not weekend.any():
        return nowhere
    rows = np.diff(stack.starts)
    ends, filled, others = stack.counted(weekend), stack.counted(weekend & same), stack.counted(~weekend & same)
    span = days[stack.starts[1:] - 1] - days[stack.starts[:-1]]
    many: np.ndarray = (ends >= _FEW) & (span >= 14) & (filled >= 0.9 * ends) & (others <= 0.3 * (rows - ends))
    return many

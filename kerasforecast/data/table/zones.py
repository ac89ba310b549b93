"""Times that carry their offset from UTC, to tz-naive ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

UTC_NAMES = ("Z", "UTC", "GMT")


def minutes_of(offset: str) -> int:
    """Minutes ahead of UTC of `Z`, `+01`, `-05:30`, `GMT+0100`."""
    bare = offset.upper()
    if bare in UTC_NAMES:
        return 0
    bare = bare.removeprefix("UTC").removeprefix("GMT")
    digits = bare[1:].replace(":", "").ljust(4, "0")
    return (1 if bare[0] == "+" else -1) * (int(digits[:2]) * 60 + int(digits[2:4]))


def of_one_place(minutes: pd.Series) -> bool:
    """Whether the offsets are one, or two as summer and winter have them; Lord Howe Island shifts by 30."""
    kinds = sorted(minutes.unique())
    return len(kinds) == 1 or (len(kinds) == 2 and kinds[1] - kinds[0] in (30, 60))


def without_zone(
    utc: pd.DatetimeIndex, wall: pd.DatetimeIndex, owner: np.ndarray | None = None
) -> tuple[pd.DatetimeIndex, str]:
    """Local time, unless local time repeats or skips an hour that the instants do not: then UTC; and what to say.

    Exchanges keep local hours, so their bars are regular by the wall clock; what is observed around the clock is
    regular in UTC only.

    Args:
        utc: The instants, tz-aware.
        wall: The same as clocks on the wall show them, tz-naive.
        owner: `(rows,)` which of several series each row belongs to; the rule holds for all.
    """
    instants = utc.tz_localize(None)
    if instants.equals(wall):
        return wall, "Time zone dropped; dates are UTC."
    steps, of = steps_within(instants.asi8, owner)
    shown, _ = steps_within(wall.asi8, owner)
    day = pd.Timedelta(days=1) // pd.Timedelta(1, unit=instants.unit)
    round_the_clock = len(steps) > 0 and (np.abs(steps) == abs(steps[0])).all() and abs(steps[0]) < day
    shifted = round_the_clock and len(np.unique(np.abs(shown))) > 1
    disordered = np.intersect1d(of[shown >= 0], of[shown <= 0])
    if not len(disordered) and not shifted:
        return wall, "Time zone dropped; dates are local time."
    return instants, "Dates converted to UTC, since local time repeats or skips an hour."


def steps_within(stamps: np.ndarray, owner: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The steps from row to row of `stamps` `(T,)` within each series, and which series each is in.

    Args:
        stamps: int64.
        owner: `(T,)` which series each row belongs to, in any order; `None` for one.
    """
    if owner is None:
        return np.diff(stamps), np.zeros(max(len(stamps) - 1, 0), np.int64)
    order = np.argsort(owner, kind="stable")
    inner = np.diff(owner[order]) == 0
    return np.diff(stamps[order])[inner], owner[order][1:][inner]

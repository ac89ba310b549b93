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


def without_zone(utc: pd.DatetimeIndex, wall: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, str]:
    """Local time, unless local time repeats or skips an hour that the instants do not: then UTC; and what to say.

    Exchanges keep local hours, so their bars are regular by the wall clock; what is observed around the clock is
    regular in UTC only.

    Args:
        utc: The instants, tz-aware.
        wall: The same as clocks on the wall show them, tz-naive.
    """
    instants = utc.tz_localize(None)
    if instants.equals(wall):
        return wall, "Time zone dropped; dates are UTC."
    steps = np.diff(instants.asi8)
    round_the_clock = len(steps) > 0 and (steps == steps[0]).all() and instants[1] - instants[0] < pd.Timedelta(days=1)
    shifted = round_the_clock and len(set(np.diff(wall.asi8))) > 1
    rising, falling = wall.is_monotonic_increasing and not shifted, wall.is_monotonic_decreasing
    if wall.is_unique and (rising or falling):
        return wall, "Time zone dropped; dates are local time."
    return instants, "Dates converted to UTC, since local time repeats or skips an hour."

"""Dates that name a stretch of a year, `1990Q1`, `2000M01`, `2019-W02`, to its first day."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from kerasforecast.data.table.layout import instants

WEEK = "ISO week"
# Each period: how it is written, the year being `y` and its number `n`, and how many months one has.
_WRITTEN = {
    "quarter": (r"(?P<y>\d{4})[ :/-]?[QqTtKk](?P<n>[1-4])|[QqTt](?P<n2>[1-4])[ :/-]?(?P<y2>\d{4})", 3),
    "half year": (r"(?P<y>\d{4})[ -]?[HhSs](?P<n>[12])|[HhSs](?P<n2>[12])[ -]?(?P<y2>\d{4})", 6),
    "month": (r"(?P<y>\d{4})[ -]?[Mm](?P<n>0?[1-9]|1[0-2])|[Mm](?P<n2>0[1-9]|1[0-2])[ -]?(?P<y2>\d{4})", 1),
}
PERIODS = tuple(_WRITTEN)
_PATTERNS = {kind: re.compile(rf"\A(?:{written})\Z", re.ASCII) for kind, (written, _) in _WRITTEN.items()}
_PATTERNS[WEEK] = re.compile(r"\A(\d{4})[ -]?[Ww](\d{2})(?:-?([1-7]))?\Z", re.ASCII)


def is_period(cell: str, kind: str) -> bool:
    """Whether `cell` is written as a period of that kind, `WEEK` or one of `PERIODS`."""
    return _PATTERNS[kind].match(cell) is not None


def weekday_given(cell: str) -> bool:
    """Whether a cell that names a week names its day too."""
    match = _PATTERNS[WEEK].match(cell)
    return match is not None and match[3] is not None


def first_days(cells: pd.Series, kind: str) -> np.ndarray:
    """The first days of the periods of one kind that `cells` name, `(n,)` datetime64[us], NaT where one names none."""
    parts = cells.str.extract(_PATTERNS[kind])
    if kind == WEEK:
        return _days_of_weeks(*(_numbers(parts[place], 1 if place == 2 else 0) for place in range(3)))
    year, place = _numbers(parts["y"].fillna(parts["y2"])), _numbers(parts["n"].fillna(parts["n2"]))
    days = instants({"Y": year, "m": (place - 1) * _WRITTEN[kind][1] + 1})
    days[year == 0] = np.datetime64("NaT")
    return days


def _numbers(cells: pd.Series, absent: int = 0) -> np.ndarray:
    return cells.fillna(str(absent)).to_numpy(dtype=np.int64)


def _days_of_weeks(year: np.ndarray, week: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The first week of a year holds its first Thursday, so the 4th of January lies in it."""
    fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3
    weekday = (fourth.astype(np.int64) + 3) % 7  # from Monday: the 1st of January 1970 was a Thursday
    monday = fourth - weekday + 7 * (week - 1)
    of_year = (monday + 3).astype("datetime64[Y]").astype(np.int64) + 1970
    days = (monday + day - 1).astype("datetime64[us]")
    days[(of_year != year) | (week < 1)] = np.datetime64("NaT")
    return days

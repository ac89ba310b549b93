"""Dates that the step or calendar of a series has and its rows have not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.calendars import trading_calendar
from kerasforecast.data.common_step import ordinals
from kerasforecast.data.frequency import between, is_daily, step_within_day
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.data.week import open_hours

SHOWN = 5


@dataclass(frozen=True)
class Gap:
    """Dates in a row that the step or calendar has and the table has not.

    Attributes:
        first: First absent date.
        last: Last absent date.
        rows: How many.
        series: The id of the series, in a panel.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    rows: int
    series: str = ""


def gaps_of_each(panel: Panel, frequency: str | None) -> np.ndarray:
    """How many rows each series `(N,)` lacks between its first and its last."""
    none = np.zeros(len(panel), np.int64)
    index = panel.index
    if not isinstance(index, pd.DatetimeIndex) or (frequency is None and panel.calendar is None):
        return none
    numbers = _numbers(panel, index, frequency)
    if numbers is None:
        return none
    absent = np.diff(numbers, prepend=0) - 1
    absent[panel.starts[:-1]] = 0
    return np.add.reduceat(np.maximum(absent, 0), panel.starts[:-1])


def _numbers(panel: Panel, index: pd.DatetimeIndex, frequency: str | None) -> np.ndarray | None:
    """Which session or step each row lies in; `None` where some rest at hours of the week, or nothing is known."""
    if panel.calendar is not None and (frequency is None or is_daily(frequency)):
        if (index != index.normalize()).any():
            return None
        sessions = trading_calendar(panel.calendar, index.min().year, index.max().year).sessions
        return np.searchsorted(sessions.as_unit(index.unit).asi8, index.asi8)
    if frequency is None:
        return None
    step = step_within_day(frequency)
    longest = pd.DatetimeIndex(panel[int(np.diff(panel.starts).argmax())].index)
    if step is not None and open_hours(longest, int(step.total_seconds())) is not None:
        return None
    found = ordinals(index, frequency)
    return None if found is None else found[0]


def longest_gaps(panel: Panel, frequency: str | None, absent: np.ndarray) -> list[Gap]:
    """The longest gap of each of the few series that lack most, `absent` `(N,)` rows each, longest first."""
    few = [place for place in np.argsort(-absent, kind="stable")[:SHOWN].tolist() if absent[place]]
    found = [(panel[place], gap) for place in few for gap in gaps_of(panel[place], frequency)[:1]]
    gaps = [Gap(gap.first, gap.last, gap.rows, series.name) for series, gap in found]
    return sorted(gaps, key=lambda gap: -gap.rows)


def gaps_of(series: Series, frequency: str | None) -> list[Gap]:
    """The gaps of one series, longest first; none where no step is known."""
    if not series.dated or (frequency is None and series.calendar is None):
        return []
    index = pd.DatetimeIndex(series.index)
    expected = _expected(index, frequency, series.calendar)
    if expected is None:
        return []
    absent = np.flatnonzero(~expected.isin(index))
    if not len(absent):
        return []
    runs = np.split(absent, np.flatnonzero(np.diff(absent) > 1) + 1)
    gaps = [Gap(expected[run[0]], expected[run[-1]], len(run)) for run in runs]
    return sorted(gaps, key=lambda gap: -gap.rows)


def _expected(index: pd.DatetimeIndex, frequency: str | None, calendar: str | None) -> pd.DatetimeIndex | None:
    """All dates from the first to the last that the step or calendar has."""
    if frequency is None and (index != index.normalize()).any():
        return None
    if calendar is not None and (frequency is None or is_daily(frequency)):
        sessions = trading_calendar(calendar, index[0].year, index[-1].year).sessions
        return sessions[(sessions >= index[0]) & (sessions <= index[-1])]
    return between(index, str(frequency))

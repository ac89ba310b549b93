"""The one step and calendar of a panel: found from its longest series, and kept by all others or refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.calendars import check_code, recognised_calendar, trading_calendar
from kerasforecast.data.frequency import in_words, infer_frequency, is_daily, rests
from kerasforecast.data.months import WEEKDAYS, days_of, days_of_month, months_of
from kerasforecast.data.table.stack import Stack
from kerasforecast.errors import DataError

_TRIED = 10  # of the longest series, where the longest keeps no step
_JUDGED = 200  # of the series that seem to keep another step, each by itself
_SURE_STEPS = 4  # in which the step of the others comes once, where it is a series' own
_EARLY = 14  # rows of each series that are looked at before all are
_SURE_WEEKS = 3  # without a row on a weekend, where other series have such


@dataclass(frozen=True)
class Step:
    """How dates go on.

    Attributes:
        frequency: Alias of the step; `None` where a calendar rules, or there is none.
        calendar: Trading calendar code, or `None`.
        notes: What was found, one sentence each.
    """

    frequency: str | None = None
    calendar: str | None = None
    notes: tuple[str, ...] = ()


def common_step(stack: Stack, calendar: str | None) -> Step:
    """The step of all series in `stack`.

    Args:
        stack: In rising order of date, or of steps without dates.
        calendar: Code that was given.

    Raises:
        OptionError: There is no such calendar.
        DataError: A series keeps another step than the longest.
    """
    calendar = check_code(calendar) if calendar is not None else None
    if not stack.dated:
        return Step(None, calendar)
    longest, frequency = _longest(stack)
    index, notes = _index(stack, longest), []
    if not stack.lone and frequency is not None and (calendar is None or not is_daily(frequency)):
        notes += _require_one(stack, frequency, longest)
    if calendar is None and frequency == "B":
        calendar = _recognised(stack, index)
        notes += [f"The dates are exactly the sessions of calendar {calendar}."] if calendar else []
    if calendar is not None and is_daily(frequency):
        frequency = None
    return Step(frequency, calendar, (*notes, *rests(index, frequency)))


def _longest(stack: Stack) -> tuple[int, str | None]:
    """The longest series that keeps a step, and that step; the longest of all where none does."""
    lengths = np.diff(stack.starts)
    few = np.argsort(-lengths, kind="stable")[:_TRIED]
    for place in few:
        if frequency := infer_frequency(_index(stack, int(place))):
            return int(place), frequency
    return int(few[0]), None


def _index(stack: Stack, place: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(stack.index[stack.starts[place] : stack.starts[place + 1]])


def _recognised(stack: Stack, longest: pd.DatetimeIndex) -> str | None:
    """The calendar whose sessions are exactly the dates of every series."""
    code = recognised_calendar(longest)
    if code is None or stack.lone:
        return code
    index = pd.DatetimeIndex(stack.index)
    try:
        sessions = trading_calendar(code, index.min().year, index.max().year).sessions.as_unit(index.unit).asi8
    except DataError:
        return None
    stamps = index.asi8
    places = np.minimum(np.searchsorted(sessions, stamps), len(sessions) - 1)
    exact = (sessions[places] == stamps).all() and (np.diff(places)[~stack.first[1:]] == 1).all()
    return code if exact else None


def _require_one(stack: Stack, frequency: str, longest: int) -> list[str]:
    """Refuse series of another step than `frequency`; say which lack most of their rows."""
    if set(stack.steps) == {_fixed(frequency, pd.DatetimeIndex(stack.index).unit)}:
        return []  # all rows lie one step apart
    found = ordinals(pd.DatetimeIndex(stack.index), frequency)
    if found is None:
        return []
    numbers, off = found
    steps = np.zeros(len(numbers), numbers.dtype)
    np.subtract(numbers[1:], numbers[:-1], out=steps[1:])
    rows, inner = np.diff(stack.starts), ~stack.first
    total = np.maximum(rows - 1, 0)
    ones, none = (stack.counted(inner & each) for each in (steps == 1, steps <= 0))
    finer = (none > ones) | (stack.counted(off) > 0.1 * rows)
    coarser = (ones == 0) & (total >= _SURE_STEPS)
    odd = np.flatnonzero((total > 0) & (finer | coarser | _weekdays_alone(stack, frequency, rows)))[:_JUDGED].tolist()
    other = [place for place in odd if infer_frequency(_index(stack, place)) != frequency]
    if other:
        own = infer_frequency(_index(stack, other[0]))
        raise DataError(
            f"{stack.table.name}: the series of a panel must keep one step, {in_words(frequency)} as in "
            f"{stack.named([longest])}. Received: {in_words(own) if own else 'another one'} in {stack.named(other)}. "
            "Resample them, or leave them out: a panel of each step is a model of its own."
        )
    sparse = np.flatnonzero((ones + 1) / (total + 1) < 0.5)
    if not len(sparse):
        return []
    return [f"{len(sparse):,} series lack rows at most steps of {in_words(frequency)}: {stack.named(sparse)}."]


def _weekdays_alone(stack: Stack, frequency: str, rows: np.ndarray) -> np.ndarray:
    """Which series `(N,)` never have a row on a weekend, though others have, and are long enough to tell."""
    if frequency != "D":
        return np.zeros(len(rows), dtype=bool)
    early = np.minimum(stack.starts[:-1, None] + np.arange(_EARLY), stack.starts[1:, None] - 1)  # (N, n)
    if (_weekend(days_of(pd.DatetimeIndex(stack.index[early.ravel()]))).reshape(early.shape).any(axis=1)).all():
        return np.zeros(len(rows), dtype=bool)  # nothing more to be looked at
    days = days_of(pd.DatetimeIndex(stack.index))
    weekend = stack.counted(_weekend(days))
    span = days[stack.starts[1:] - 1] - days[stack.starts[:-1]]
    return (weekend == 0) & (span >= 7 * _SURE_WEEKS) & (rows >= 5 * (_SURE_WEEKS - 1))


def _weekend(days: np.ndarray) -> np.ndarray:
    return (days + 3) % 7 >= 5


def _fixed(frequency: str, unit: str) -> int | None:
    """How many of `unit` a step is long; `None` where steps differ in length."""
    if frequency.startswith(("SM-", "C-")):
        return None
    offset = pd.tseries.frequencies.to_offset(frequency)
    if isinstance(offset, pd.offsets.Week | pd.offsets.Day):
        length = pd.Timedelta(days=offset.n * (7 if isinstance(offset, pd.offsets.Week) else 1))
    elif isinstance(offset, pd.offsets.Tick):
        length = pd.Timedelta(offset)
    else:
        return None
    return int(length // pd.Timedelta(1, unit=unit))


def ordinals(index: pd.DatetimeIndex, frequency: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The number of the step that each row `(R,)` lies in, and whether it lies on none; `None` where that is unknown.

    Args:
        index: `(R,)` in any order.
        frequency: As `kerasforecast.data.frequency.infer_frequency` gives it.
    """
    dates, nowhere = index.to_numpy(), np.zeros(len(index), dtype=bool)
    if frequency.startswith("SM-"):
        months = dates.astype("datetime64[M]")
        day = days_of(index) - months.astype("datetime64[D]").astype(np.int64) + 1
        return 2 * months.astype(np.int64) + (day > sum(days_of_month(frequency)) / 2), nowhere
    if (apart := months_of(frequency)) is not None or "WOM-" in frequency:
        numbers = dates.astype("datetime64[M]").astype(np.int64)
        return (numbers - numbers[-1]) // (apart or 1), nowhere
    if frequency == "B" or frequency.startswith("C-"):
        due = WEEKDAYS[:5] if frequency == "B" else frequency.removeprefix("C-").split(",")
        mask, days = [day in due for day in WEEKDAYS], dates.astype("datetime64[D]")
        return np.busday_count(days[0], days, weekmask=mask), ~np.is_busday(days, weekmask=mask)
    offset = pd.tseries.frequencies.to_offset(frequency)
    if isinstance(offset, pd.offsets.Week | pd.offsets.Day):
        return days_of(index) // (offset.n * (7 if isinstance(offset, pd.offsets.Week) else 1)), nowhere
    if not isinstance(offset, pd.offsets.Tick):
        return None
    return index.asi8 // max(pd.Timedelta(offset) // pd.Timedelta(1, unit=index.unit), 1), nowhere

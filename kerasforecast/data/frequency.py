"""The regular step of a series of dates, found from the dates themselves, and the dates that follow.

A step is claimed only where the dates keep it: at least half of the steps between the last rows must be that one step,
gaps counted as what they are. Everything else is irregular, and said to be.

Steps are written as pandas' offset aliases (`"B"`, `"W-SAT"`, `"2ME"`, `"15min"`), and two that pandas has no alias for
as aliases of this package: `"C-MON,TUE,WED,THU,FRI,SAT"`, one row on each of these days of the week, and `"SM-1,15"`,
two rows a month on these days, where 31 is the last day.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from kerasforecast.data.months import (
    NEARLY_ALL,
    WEEKDAYS,
    days_of_month,
    keeps_day,
    month_step,
    months_between,
    months_of,
    most_common,
    prevails,
    same_day_of_month,
    twice_a_month,
)
from kerasforecast.data.week import due_weekdays, open_hours, within
from kerasforecast.errors import DataError, shown

DAY = pd.Timedelta(days=1)
_DAY = 86_400  # seconds
_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LATEST = 60  # rows that show the step of days and more; what came before may have been another one
_RECENT = 20_000  # rows that show a shorter step
_MANY_DATES = 3_000_000


def infer_frequency(index: pd.DatetimeIndex) -> str | None:
    """The alias of the step that the dates keep, or `None` where they keep none.

    Gaps (holidays, missing weeks) do not matter as long as half of the steps, at least, are the step.

    Args:
        index: `(T,)` strictly increasing.

    Returns:
        `"B"`, `"D"`, `"C-SUN,MON,TUE,WED,THU"`, `"W-SAT"`, `"ME"`, `"QS-OCT"`, `"6MS"`, `"SM-1,15"`, `"YS-JAN"`,
        `"h"`, `"15min"`, ...
    """
    if len(index) < 2:
        return None
    recent = index[-_RECENT:]
    if most_common(_seconds_between(recent)) < _DAY:
        return _clock_step(recent)
    latest = index[-_LATEST:]
    return month_step(latest) or _day_step(latest)


def is_daily(frequency: str | None) -> bool:
    """Whether there is one row a day, on all days or on some of the week: a trading calendar can say on which."""
    return frequency is not None and (frequency in ("B", "D") or frequency.startswith("C-"))


def days_a_week(frequency: str) -> int | None:
    """How many days of the week have a row, where those are not all; `None` for another step."""
    if frequency == "B":
        return 5
    return len(_weekdays_of(frequency)) if frequency.startswith("C-") else None


def in_words(frequency: str) -> str:
    """A step as `data check` says it: `"B"`, `"Monday to Saturday"`, `"twice a month, on days 15 and last"`."""
    if frequency.startswith("SM-"):
        first, second = days_of_month(frequency)
        return f"twice a month, on days {first} and {'last' if second == 31 else second}"
    if not frequency.startswith("C-"):
        return frequency
    due = _weekdays_of(frequency)
    in_a_row = len(due) > 2 and all((after - before) % 7 == 1 for before, after in pairwise(due))
    names = [_WEEKDAY_NAMES[day] for day in due]
    return f"{names[0]} to {names[-1]}" if in_a_row else ", ".join(names)


def rests(index: pd.DatetimeIndex, frequency: str | None) -> list[str]:
    """That forecasts skip days or hours of the week at which no row comes, as a note; none where there is no rest."""
    if frequency is None:
        return []
    if frequency.startswith("C-"):
        return [f"Rows come {in_words(frequency)}: forecasts skip the other days."]
    step = step_within_day(frequency)
    slots = open_hours(index, int(step.total_seconds())) if step is not None else None
    if slots is None:
        return []
    return [f"Rows come at {len(slots):,} times of the week (last 8 weeks): forecasts skip the others."]


def check_frequency(frequency: str | None) -> None:
    """Refuse a step that no dates can follow from.

    Raises:
        DataError: It is none of pandas' aliases, nor one of this package.
    """
    if frequency is None:
        return
    try:
        if frequency.startswith("SM-"):
            fine = min(days_of_month(frequency)) >= 1 and max(days_of_month(frequency)) <= 31
        else:
            fine = bool(_offset(frequency).n > 0)
    except (AttributeError, KeyError, TypeError, ValueError):
        fine = False
    if not fine:
        raise DataError(
            f"frequency must be the alias of a step of time. Received: {shown(frequency)}. "
            "Use D, B, h, 15min, W-SUN, MS, QS or another alias of pandas, or None."
        )


def step_within_day(frequency: str) -> pd.Timedelta | None:
    """The length of a step shorter than a day; `None` for another."""
    offset = None if frequency.startswith(("SM-", "C-")) else pd.tseries.frequencies.to_offset(frequency)
    if isinstance(offset, pd.offsets.Tick) and pd.Timedelta(offset) < DAY:
        return pd.Timedelta(offset)
    return None


def following(index: pd.DatetimeIndex, frequency: str, steps: int) -> pd.DatetimeIndex:
    """The `steps` dates after the last of `index` at `frequency`, in the days and hours the series keeps.

    Args:
        index: `(T,)` dates of the series.
        frequency: As `infer_frequency` gives it.
        steps: How many dates, at least 1.
    """
    last = index[-1]
    if frequency.startswith("SM-"):
        return twice_a_month(last, days_of_month(frequency), steps)
    if (months := months_of(frequency)) is not None:
        offset = _offset(frequency)
        if offset.is_on_offset(last) and keeps_day(index, offset):
            return pd.date_range(last, periods=steps + 1, freq=offset)[1:]
        return same_day_of_month(index, months, steps)
    if (step := step_within_day(frequency)) is not None:
        return _bars(index, step, steps)
    offset = _offset(frequency)
    if isinstance(offset, pd.offsets.Week) and not offset.is_on_offset(last):
        offset = pd.Timedelta(weeks=offset.n)
    after = pd.date_range(last, periods=steps + 2, freq=offset)
    return after[after > last][:steps]


def between(index: pd.DatetimeIndex, frequency: str) -> pd.DatetimeIndex | None:
    """All dates from the first to the last of `index` that a step has.

    Returns:
        `None` where rows rest at some hours, for nights between sessions are no gaps, and for too many dates.
    """
    if frequency.startswith("SM-"):
        dates = twice_a_month(index[0] - DAY, days_of_month(frequency), 2 * ((index[-1] - index[0]).days // 28 + 2))
        return dates[(dates >= index[0]) & (dates <= index[-1])]
    if (months := months_of(frequency)) is not None and not keeps_day(index, _offset(frequency)):
        return months_between(index, months)
    offset = _offset(frequency)
    if isinstance(offset, pd.offsets.Tick):
        step = pd.Timedelta(offset)
        rests = step < DAY and open_hours(index, int(step.total_seconds())) is not None
        if rests or (index[-1] - index[0]) / step > _MANY_DATES:
            return None
    return pd.date_range(index[0], index[-1], freq=offset)


def _offset(frequency: str) -> pd.offsets.BaseOffset:
    if frequency.startswith("C-"):
        mask = " ".join(WEEKDAYS[day].capitalize() for day in _weekdays_of(frequency))
        return pd.offsets.CustomBusinessDay(weekmask=mask)
    return pd.tseries.frequencies.to_offset(frequency)


def _weekdays_of(frequency: str) -> list[int]:
    return [WEEKDAYS.index(day) for day in frequency.removeprefix("C-").split(",")]


def _seconds_between(index: pd.DatetimeIndex) -> np.ndarray:
    return np.diff(index.as_unit("s").asi8)


def _clock_step(index: pd.DatetimeIndex) -> str | None:
    """Alias of a step shorter than a day: most rows keep it, or they come at the same hours each week."""
    unit = "s" if most_common(_seconds_between(index)) > 0 else "ms"
    steps = np.diff(index.as_unit(unit).asi8)
    usual = most_common(steps)
    if usual <= 0:
        return None
    if not prevails(steps == usual) and (unit == "ms" or not _same_hours(index, usual)):
        return None
    return _clock_alias(usual, unit)


def _same_hours(index: pd.DatetimeIndex, step: int) -> bool:
    """Whether rows come at the same hours of the week, as two bars a day do, six and eighteen hours apart."""
    slots = open_hours(index, step)
    if slots is None:
        return False
    places, on = within(index, slots)
    return bool(on.mean() >= NEARLY_ALL) and prevails(np.diff(places) == 1)


def _clock_alias(length: int, unit: str = "s") -> str:
    for size, name in ((3600, "h"), (60, "min")) if unit == "s" else ():
        if length % size == 0:
            length, unit = length // size, name
            break
    return unit if length == 1 else f"{length}{unit}"


def _day_step(index: pd.DatetimeIndex) -> str | None:
    """Alias of a step of days or weeks; what is neither is a number of hours."""
    steps = _seconds_between(index)
    usual = most_common(steps)
    days, rest = divmod(usual, _DAY)
    share = (steps == usual).mean()
    if rest:
        return _clock_alias(usual) if prevails(steps == usual) else None
    if days < 7 and (days == 1 or share < NEARLY_ALL):
        due = _due_weekdays(index)
        if len(due) < 7:
            return _week_alias(index, due)
    if not prevails(steps == usual):
        return None
    if days % 7:
        return "D" if days == 1 else f"{days}D"
    anchor = WEEKDAYS[most_common(np.asarray(index.day_of_week))]
    return f"W-{anchor}" if days == 7 else f"{days // 7}W-{anchor}"


def _week_alias(index: pd.DatetimeIndex, due: list[int]) -> str | None:
    """Alias of one row on each of the days `due`, if the rows keep to them."""
    slots = np.array(due) * _DAY
    places, on = within(_midnights(index), slots)
    if on.mean() < NEARLY_ALL or not prevails(np.diff(places) == 1):
        return None
    if due == [0, 1, 2, 3, 4]:
        return "B"
    # A week begins after its rest: Sunday to Thursday, not Monday, ..., Thursday, Sunday.
    start = next(place for place, day in enumerate(due) if (day - 1) % 7 not in due)
    return "C-" + ",".join(WEEKDAYS[day] for day in [*due[start:], *due[:start]])


def _midnights(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """As `index.normalize()`, which also looks for a step of all of them."""
    return pd.DatetimeIndex((index.as_unit("s").asi8 // _DAY * _DAY).view("datetime64[s]"))


def _due_weekdays(index: pd.DatetimeIndex) -> list[int]:
    if len(index) <= 5 and not (index.day_of_week >= 5).any() and index[-1].day_of_week == 4:
        return [0, 1, 2, 3, 4]  # a few rows up to a Friday say nothing of weekends; a market's week is the likelier one
    return due_weekdays(index)


def _bars(index: pd.DatetimeIndex, step: pd.Timedelta, steps: int) -> pd.DatetimeIndex:
    slots = open_hours(index, int(step.total_seconds()))
    if slots is None:
        return pd.date_range(index[-1] + step, periods=steps, freq=step)
    return slots_after(slots, index[-1], steps)


def slots_after(slots: np.ndarray, last: pd.Timestamp, steps: int) -> pd.DatetimeIndex:
    """The first `steps` times after `last` that lie so many seconds, `slots` `(S,)`, after the start of a week."""
    monday = last.normalize() - last.day_of_week * DAY
    weeks = pd.date_range(monday, periods=steps // len(slots) + 2, freq=7 * DAY)
    times = weeks.to_numpy()[:, None] + slots.astype("timedelta64[s]")[None, :]
    found = pd.DatetimeIndex(times.ravel())
    return found[found > last][:steps]

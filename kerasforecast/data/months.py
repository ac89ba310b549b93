"""Steps of months, and of two dates a month: calendar months have no fixed length in days."""

from __future__ import annotations

import numpy as np
import pandas as pd

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
NEARLY_ALL = 0.9
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY = 86_400  # seconds
_USUAL = 0.5  # of all steps, the least share that a step must have


def month_step(index: pd.DatetimeIndex) -> str | None:
    """Alias of a step of months; calendar months have no fixed length in days."""
    days = np.diff(index.as_unit("s").asi8 // _DAY)
    usual_days = most_common(days)
    constant = (days == usual_days).mean() >= NEARLY_ALL  # thirty days, four weeks: no months
    if usual_days < 27:
        return _half_month_alias(index) if usual_days > 1 and not constant else None
    steps = np.diff(_month_numbers(index))
    usual = most_common(steps)
    share = (steps == usual).mean()
    if usual < 1 or not prevails(steps == usual) or (steps == 0).mean() > 0.05:
        return None
    pattern = _month_day(index)
    if pattern is None and usual == 1 and (weekday := _weekday_of_month(index)):
        return weekday
    if pattern is None and (constant or share < NEARLY_ALL):
        return None
    pattern = pattern or "{}S"  # a day that wanders within its month, as a release does
    years, rest = divmod(usual, 12)
    count, letter = (years, "Y") if not rest else (1, "Q") if usual == 3 else (usual, "M")
    alias = f"{'' if count == 1 else count}{pattern.format(letter)}"
    return alias if letter == "M" else f"{alias}-{_anchor(index, usual)}"


def days_of(index: pd.DatetimeIndex) -> np.ndarray:
    """The day of each date `(R,)`, int64 counted from 1970: by one division, where NumPy's own units take many."""
    return index.asi8 // (_DAY * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[index.unit])


def _half_month_alias(index: pd.DatetimeIndex) -> str | None:
    """Alias of two rows a month, on the same two days."""
    days = np.asarray(index.day)
    if index.is_month_end.mean() > 0.3:
        days = np.where(index.is_month_end, 31, days)
    found, counts = np.unique(days, return_counts=True)
    if len(found) < 2:
        return None
    first, second = sorted(int(day) for day in found[np.argsort(-counts, kind="stable")[:2]])
    halves = 2 * _month_numbers(index) + (days == second)
    on = np.isin(days, (first, second)).mean()
    return f"SM-{first},{second}" if on > 0.85 and prevails(np.diff(halves) == 1) else None


def days_of_month(frequency: str) -> tuple[int, int]:
    """The two days of `"SM-1,15"`."""
    first, second = frequency.removeprefix("SM-").split(",")
    return int(first), int(second)


def months_of(frequency: str) -> int | None:
    """Months of a step of months, quarters or years; `None` for another step."""
    letters = frequency.split("-")[0].lstrip("0123456789")
    if letters not in {f"{business}{letter}{end}" for business in ("", "B") for letter in "MQY" for end in "SE"}:
        return None
    count = int(frequency.split("-")[0].removesuffix(letters) or 1)
    return count * {"M": 1, "Q": 3, "Y": 12}[letters.removeprefix("B")[0]]


def keeps_day(index: pd.DatetimeIndex, offset: pd.DateOffset) -> bool:
    """Whether the last rows lie on `offset`, such as the ends of months."""
    return _share_on(index[-24:], offset) > 0.8


def same_day_of_month(index: pd.DatetimeIndex, months: int, steps: int) -> pd.DatetimeIndex:
    """The next dates, so many months apart, on the day of the month that the rows keep."""
    last = index[-1]
    day = int(index[-24:].day.max()) if last.is_month_end else last.day  # the 30th becomes the 28th in February only
    firsts = [last.replace(day=1) + pd.DateOffset(months=months * step) for step in range(1, steps + 1)]
    return pd.DatetimeIndex([first.replace(day=min(day, first.days_in_month)) for first in firsts])


def months_between(index: pd.DatetimeIndex, months: int) -> pd.DatetimeIndex:
    """One date a month, or so many months: that of the row, where there is one, for its day may wander."""
    numbers = _month_numbers(index)
    rows = dict(zip(numbers.tolist(), index, strict=True))
    due = np.arange(numbers[0], numbers[-1] + 1, months).tolist()
    day = int(index[-24:].day.max())
    firsts = {number: pd.Timestamp(year=(number - 1) // 12, month=(number - 1) % 12 + 1, day=1) for number in due}
    dates = [rows.get(each, first.replace(day=min(day, first.days_in_month))) for each, first in firsts.items()]
    return pd.DatetimeIndex(dates)


def twice_a_month(last: pd.Timestamp, days: tuple[int, int], steps: int) -> pd.DatetimeIndex:
    """The next dates after `last` that lie on one of two days of the month, 31 for the last."""
    firsts = [last.replace(day=1) + pd.DateOffset(months=month) for month in range(steps // 2 + 2)]
    dates = [first.replace(day=min(day, first.days_in_month)) for first in firsts for day in days]
    found = pd.DatetimeIndex(dates)
    return found[found > last][:steps]


def most_common(values: np.ndarray) -> int:
    """The value that is there most often, the least of several."""
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])


def prevails(kept: np.ndarray) -> bool:
    """Whether enough steps are the usual one; a few rows are given the benefit of one step more."""
    return bool((kept.sum() + 1) / (len(kept) + 1) >= _USUAL)


def _month_day(index: pd.DatetimeIndex) -> str | None:
    """Which day of its month each date is, as the pattern of an alias: `"{}E"`, `"B{}S"`, ...; `None` for no day."""
    ends, starts = _share_on(index, pd.offsets.MonthEnd()), _share_on(index, pd.offsets.MonthBegin())
    business_ends, business_starts = (
        _share_on(index, pd.offsets.BMonthEnd()),
        _share_on(index, pd.offsets.BMonthBegin()),
    )
    if max(ends, business_ends) > NEARLY_ALL:
        return "B{}E" if business_ends > ends else "{}E"
    if max(starts, business_starts) > NEARLY_ALL:
        return "B{}S" if business_starts > starts else "{}S"
    same = np.asarray(index.day) == np.minimum(int(index.day.max()), np.asarray(index.days_in_month))
    return "{}S" if same.mean() > NEARLY_ALL else None  # another day of the month: `following` keeps that day


def _weekday_of_month(index: pd.DatetimeIndex) -> str | None:
    """Alias of the third Friday of each month, or of another such day."""
    day = WEEKDAYS[most_common(np.asarray(index.day_of_week))]
    week = most_common((np.asarray(index.day) - 1) // 7) + 1
    for alias in (f"WOM-{min(week, 4)}{day}", f"LWOM-{day}"):
        if _share_on(index, pd.tseries.frequencies.to_offset(alias)) > NEARLY_ALL:
            return alias
    return None


def on_offset(index: pd.DatetimeIndex, offset: pd.DateOffset) -> np.ndarray:
    """Which dates lie on `offset`, `(T,)`."""
    return np.array([offset.is_on_offset(date) for date in index], bool)


def _share_on(index: pd.DatetimeIndex, offset: pd.DateOffset) -> float:
    return float(np.mean(on_offset(index, offset)))


def _anchor(index: pd.DatetimeIndex, step: int) -> str:
    month = int(index[-1].month)
    if step == 3:  # pandas names quarters by the latest equivalent month of the year
        month = (month - 1) % 3 + 10
    return _MONTHS[month - 1]


def _month_numbers(index: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray(index.year, np.int64) * 12 + np.asarray(index.month)

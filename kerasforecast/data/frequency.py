"""The regular step of a series of dates, found from the dates themselves, and the dates that follow."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH_STEPS = {1: "M", 3: "Q", 12: "Y"}
_WEEKS = 60  # days that show whether a series rests at weekends
_RECENT = 100_000  # rows that the step is found from; a year of minutes' trading


def infer_frequency(index: pd.DatetimeIndex) -> str | None:
    """pandas' alias of the step most rows keep, or `None` where there is none.

    Gaps (holidays, missing weeks) do not matter as long as the usual step prevails.

    Args:
        index: `(T,)` strictly increasing.

    Returns:
        `"B"`, `"D"`, `"W-SAT"`, `"ME"`, `"QS-OCT"`, `"YS-JAN"`, `"h"`, `"15min"`, ...
    """
    if len(index) < 2:
        return None
    index = index[-_RECENT:]
    steps = np.diff(index.as_unit("s").asi8)
    usual = int(_most_common(steps))
    if usual <= 0:
        return None
    if usual < 86_400:
        return _clock_alias(usual)
    months = _month_alias(index)
    if months is not None:
        return months
    days, rest = divmod(usual, 86_400)
    if rest:
        return _clock_alias(usual)
    if days == 1:
        recent = index[-_WEEKS:]  # what came before may have been quarters, or filled weekends
        weekends = (recent.day_of_week >= 5).any()
        return "B" if not weekends and (steps[-_WEEKS:] > 86_400).any() else _daily(index)
    if days % 7 == 0:
        anchor = _WEEKDAYS[int(_most_common(np.asarray(index.day_of_week)))]
        return f"W-{anchor}" if days == 7 else f"{days // 7}W-{anchor}"
    return f"{days}D"


def _daily(index: pd.DatetimeIndex) -> str:
    # Five rows from Monday to Friday say nothing about weekends; a market's week is the likelier one.
    return "B" if len(index) <= 5 and (index.day_of_week < 5).all() and index[-1].day_of_week == 4 else "D"


def _most_common(values: np.ndarray) -> np.generic:
    found, counts = np.unique(values, return_counts=True)
    return found[counts.argmax()]


def _clock_alias(seconds: int) -> str:
    if seconds % 3600 == 0:
        hours = seconds // 3600
        return "h" if hours == 1 else f"{hours}h"
    if seconds % 60 == 0:
        minutes = seconds // 60
        return "min" if minutes == 1 else f"{minutes}min"
    return "s" if seconds == 1 else f"{seconds}s"


def _month_alias(index: pd.DatetimeIndex) -> str | None:
    """Alias of a monthly, quarterly or yearly step; calendar months have no fixed length in days."""
    steps = np.diff(np.asarray(index.year) * 12 + np.asarray(index.month))
    usual = int(_most_common(steps))
    if usual not in _MONTH_STEPS or (steps == usual).mean() < 0.5 or (steps == 0).mean() > 0.05:
        return None
    code = _month_day(index).format(_MONTH_STEPS[usual])
    return code if usual == 1 else f"{code}-{_anchor(index, usual)}"


def _month_day(index: pd.DatetimeIndex) -> str:
    """Which day of its month each date is, as the pattern of an alias: `"{}E"`, `"B{}S"`, ..."""
    recent = index[-60:]
    ends, starts = _share_on(recent, pd.offsets.MonthEnd()), _share_on(recent, pd.offsets.MonthBegin())
    business_ends, business_starts = (
        _share_on(recent, pd.offsets.BMonthEnd()),
        _share_on(recent, pd.offsets.BMonthBegin()),
    )
    if max(ends, business_ends) > 0.9:
        return "B{}E" if business_ends > ends else "{}E"
    if max(starts, business_starts) > 0.9:
        return "B{}S" if business_starts > starts else "{}S"
    return "{}S"  # another day of the month: `following` keeps that day


def _share_on(index: pd.DatetimeIndex, offset: pd.DateOffset) -> float:
    return float(np.mean([offset.is_on_offset(date) for date in index]))


def _anchor(index: pd.DatetimeIndex, step: int) -> str:
    month = int(index[-1].month)
    if step == 3:  # pandas names quarters by the latest equivalent month of the year
        month = (month - 1) % 3 + 10
    return _MONTHS[month - 1]


def following(index: pd.DatetimeIndex, frequency: str, steps: int) -> pd.DatetimeIndex:
    """The `steps` dates after the last of `index` at `frequency`, in the days and hours the series keeps.

    Args:
        index: `(T,)` dates of the series.
        frequency: pandas alias.
        steps: How many dates, at least 1.
    """
    offset = pd.tseries.frequencies.to_offset(frequency)
    last = index[-1]
    if _stepped_by_months(frequency):
        if offset.is_on_offset(last) and _on_offset(index, offset):
            return pd.date_range(last, periods=steps + 1, freq=offset)[1:]
        return _same_day_of_month(index, _months_of(frequency), steps)
    if frequency.startswith(("W-", "B")) and offset.is_on_offset(last):
        return pd.date_range(last, periods=steps + 1, freq=offset)[1:]
    if isinstance(offset, pd.offsets.Tick) and pd.Timedelta(offset) < DAY:
        return _bars(index, pd.Timedelta(offset), steps)
    if isinstance(offset, pd.offsets.Week):
        return pd.date_range(last, periods=steps + 1, freq=pd.Timedelta(weeks=offset.n))[1:]
    after = pd.date_range(last, periods=steps + 2, freq=offset)
    return after[after > last][:steps]


def _on_offset(index: pd.DatetimeIndex, offset: pd.DateOffset) -> bool:
    tail = index[-24:]
    return sum(offset.is_on_offset(date) for date in tail) > 0.8 * len(tail)


def _stepped_by_months(frequency: str) -> bool:
    return frequency.split("-")[0] in {f"{b}{m}{c}" for b in ("", "B") for m in "MQY" for c in "SE"}


def _months_of(frequency: str) -> int:
    letter = frequency.removeprefix("B")[0]
    return next(months for months, code in _MONTH_STEPS.items() if code == letter)


def _same_day_of_month(index: pd.DatetimeIndex, months: int, steps: int) -> pd.DatetimeIndex:
    last = index[-1]
    day = int(index[-24:].day.max()) if last.is_month_end else last.day  # the 30th becomes the 28th in February only
    firsts = [last.replace(day=1) + pd.DateOffset(months=months * step) for step in range(1, steps + 1)]
    return pd.DatetimeIndex([first.replace(day=min(day, first.days_in_month)) for first in firsts])


def session_slots(index: pd.DatetimeIndex) -> pd.TimedeltaIndex | None:
    """Times of day at which bars start, where bars keep to sessions; `None` where they run around the clock."""
    recent = index[-min(len(index), 20_000) :]
    clock = recent - recent.normalize()
    slots = pd.TimedeltaIndex(np.unique(clock))
    step = pd.Timedelta(int(_most_common(np.diff(recent.as_unit("s").asi8))), unit="s")
    if len(slots) * step * 24 > 22 * DAY * 1 or recent[-1] - recent[0] < DAY:  # nearly all 24 hours, or one day seen
        return None
    counts = pd.Series(clock).value_counts()
    days = recent.normalize().nunique()
    usual = counts.index[counts * 5 >= days]  # a bar out of hours now and then is no slot
    return pd.TimedeltaIndex(sorted(usual)) if len(usual) else None


def _bars(index: pd.DatetimeIndex, step: pd.Timedelta, steps: int) -> pd.DatetimeIndex:
    slots = session_slots(index)
    last = index[-1]
    if slots is None:
        return pd.date_range(last + step, periods=steps, freq=step)
    weekend = bool((index.day_of_week >= 5).any())
    days = pd.date_range(last.normalize(), periods=2 + 2 * (steps // max(len(slots), 1) + 4), freq="D")
    days = days if weekend else days[days.day_of_week < 5]
    return after_last(days, slots, last, steps)


def after_last(days: pd.DatetimeIndex, slots: pd.TimedeltaIndex, last: pd.Timestamp, steps: int) -> pd.DatetimeIndex:
    """The first `steps` of every slot on every one of `days` that come after `last`."""
    bars = pd.DatetimeIndex((days.to_numpy()[:, None] + slots.to_numpy()[None, :]).ravel())
    return bars[bars > last][:steps]

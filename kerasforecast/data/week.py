"""The days and hours of the week at which rows of a table come, so that no row is expected while it rests.

A day, or a time, of the week is closed where it has rows in less than a quarter of the weeks seen, and so few by no
luck, given how often the others have theirs. A time that was seen too seldom to tell is judged by the same time of
other days; a weekend without any row needs no proof.

Local clocks change twice a year: the rows of earlier days are put to the clock of the last, by an hour earlier or later
where that makes a day agree with the same day of the last week, so that no time is there twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_DAY = 86_400  # seconds
_WEEKS = 8
_RARE = 0.25  # of the weeks: seen less often, a time of the week may be closed
_CHANCE = 0.01  # how likely absent days may be by luck, to be days of rest
_CHANCE_OF_ALL = 1e-4  # the same of one time among the many of a week
_SURE_DAYS = 10  # with fewer, one or two hours in a row that were never seen may just be missing
_NEARLY_ALL_HOURS = 22 * 3600
_HOUR = 3600


def due_weekdays(index: pd.DatetimeIndex) -> list[int]:
    """The days of the week, 0 for Monday, on which rows are due: all, unless the absence of some is no chance."""
    days = np.unique(_seconds(index) // _DAY)
    seen, there = np.bincount(_weekday(days), minlength=7), _days_of_each_weekday(days[0], days[-1])
    rare = (there > 1) & (seen < _RARE * there)  # of one week alone nothing follows
    due = np.flatnonzero(~rare)
    if rare.any() and len(due) and _no_luck(seen[rare].sum(), there[rare].sum(), _rate(seen[due], there[due]), _CHANCE):
        return due.tolist()
    weekend = (there > 0) & (seen < _RARE * there)
    return [0, 1, 2, 3, 4] if weekend[5:].all() else list(range(7))  # everybody's days of rest need no proof


def within(index: pd.DatetimeIndex, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rows stand among the times of all weeks: their places, one after another, and whether they are on one.

    Args:
        index: `(T,)`.
        slots: `(S,)` seconds from the start of a week, Monday, ascending.
    """
    weeks, since = np.divmod(_seconds(index) + 3 * _DAY, 7 * _DAY)
    place = np.searchsorted(slots, since)
    on = slots[np.minimum(place, len(slots) - 1)] == since
    return weeks * len(slots) + place, on


def week_seconds(index: pd.DatetimeIndex) -> np.ndarray:
    """Seconds of each row from the start of its week, Monday, `(T,)`."""
    return (_seconds(index) + 3 * _DAY) % (7 * _DAY)  # 1970-01-01 was a Thursday


def open_hours(index: pd.DatetimeIndex, step: int) -> np.ndarray | None:
    """Times of the week at which rows come, where there are times at which none do.

    Args:
        index: `(T,)` dates with times, strictly increasing.
        step: Their usual step in seconds, less than a day.

    Returns:
        `(S,)` int64, seconds from the start of a week, Monday, ascending, by the clock of the last rows; `None` where
        rows come around the clock, or too little is seen.
    """
    recent = index[index > index[-1] - pd.Timedelta(weeks=_WEEKS)]
    seconds = _seconds(recent)
    if step <= 0 or seconds[-1] - seconds[0] < _DAY:
        return None
    if _DAY % step and (np.diff(seconds) == step).mean() > 0.9:
        return None  # every five hours, say: each week has other times
    days, clock = np.divmod(_to_the_last_clock(seconds), _DAY)
    times = _times_of_day(clock, step, len(np.unique(days)))
    if len(times) > 2 * _DAY // step:
        return None  # no two days are alike
    seen, there = _counts(days, clock, times, seconds)
    around_the_clock = len(times) * step >= _NEARLY_ALL_HOURS
    is_open = ~_closed(seen, there)
    is_open[np.setdiff1d(np.arange(7), due_weekdays(recent))] = False
    passed = there.min(axis=1) > 0
    is_open[[day for day in (5, 6) if not seen[day].any() and (passed[day] or not around_the_clock)]] = False
    is_open = _without_edges(is_open, (seen == 0) & (there > 0))
    if (is_open.all() and around_the_clock) or not is_open.any():
        return None
    weekday, place = np.nonzero(is_open)
    return weekday * _DAY + times[place]


def _closed(seen: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Which times `(7, S)` of the week are closed, by how often there were rows, and how often there could be some."""
    rare = seen < _RARE * there
    by_time = seen.sum(axis=0), there.sum(axis=0)  # (S,) over the days
    due = ~rare
    if there.max() < 3:  # of so few weeks those with a row say nothing of how many lack one
        due = (seen.sum(axis=1, keepdims=True) > 0) & (by_time[0] >= _RARE * by_time[1])
    rate = _rate(seen[due], there[due])
    closed = (by_time[0] < _RARE * by_time[1]) & _no_luck(*by_time, rate, _CHANCE_OF_ALL)
    return (rare & _no_luck(seen, there, rate, _CHANCE_OF_ALL)) | ((rare | (there == 0)) & closed)


def _without_edges(is_open: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """`is_open` less the `absent` times next to a closed one: a weekend begins on a Friday evening."""
    closed, absent = ~is_open.ravel(), absent.ravel()
    while True:
        grown = closed | (absent & (np.roll(closed, 1) | np.roll(closed, -1)))
        if np.array_equal(grown, closed):
            return ~closed.reshape(is_open.shape)
        closed = grown


def _rate(seen: np.ndarray, there: np.ndarray) -> float:
    return float((seen.sum() + 1) / (there.sum() + 2))


def _no_luck(seen: Any, there: Any, rate: float, chance: float) -> Any:
    """Whether so few rows of so many are less likely than `chance`, at the rate of others: Chernoff's bound."""
    share = seen / np.maximum(there, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        some = np.where(seen > 0, share * np.log(share / rate), 0.0)
    distance = some + (1 - share) * np.log((1 - share) / (1 - rate), where=share < 1, out=np.zeros_like(share))
    return (share < rate) & (np.exp(-there * distance) < chance)


def _times_of_day(clock: np.ndarray, step: int, days: int) -> np.ndarray:
    """Times of day `(S,)` at which rows come; of few days also those beside them that may be missing by chance."""
    times, counts = np.unique(clock, return_counts=True)
    if days >= _SURE_DAYS or _DAY % step:
        return times
    grid = np.arange(times[counts.argmax()] % step, _DAY, step)
    seen = np.isin(grid, times)
    hole = ~seen & np.roll(seen, 1) & (np.roll(seen, -1) | np.roll(seen, -2))
    hole |= ~seen & np.roll(seen, -1) & np.roll(seen, 2)
    return np.union1d(times, grid[hole])


def _counts(
    days: np.ndarray, clock: np.ndarray, times: np.ndarray, seconds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows at each time of the week, and how often it came between the first and the last row: `(7, S)` each."""
    place = np.minimum(np.searchsorted(times, clock), len(times) - 1)
    on = times[place] == clock
    seen = np.zeros((7, len(times)), np.int64)
    np.add.at(seen, (_weekday(days[on]), place[on]), 1)
    first, last = seconds[0] // _DAY, seconds[-1] // _DAY
    there = np.repeat(_days_of_each_weekday(first, last)[:, None], len(times), axis=1)
    there[_weekday(first)] -= times < seconds[0] % _DAY
    there[_weekday(last)] -= times > seconds[-1] % _DAY
    return np.minimum(seen, there), there


def _to_the_last_clock(seconds: np.ndarray) -> np.ndarray:
    """The rows by the clock of the last: days are shifted so as to agree with the last one of their weekday."""
    days, place = np.unique(seconds // _DAY, return_inverse=True)
    clocks = np.split(seconds % _DAY, np.searchsorted(seconds // _DAY, days[1:]))
    latest = {int(_weekday(day)): clock for day, clock in zip(days, clocks, strict=True)}
    earlier = days <= days[-1] - 7
    raw = np.array([_best_shift(clock, latest[int(_weekday(day))]) for day, clock in zip(days, clocks, strict=True)])
    week_before = {int(_weekday(day)): int(shift) for day, shift in zip(days[earlier], raw[earlier], strict=True)}
    order = [int(_weekday(day)) for day in days[~earlier][::-1]]  # from the last day backwards
    moved = _agreed(days, raw) + _changed_this_week(order, week_before)[_weekday(days)]
    clock = seconds % _DAY + moved[place]
    return np.where((clock >= 0) & (clock < _DAY), seconds + moved[place], seconds)


def _agreed(days: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """The shifts of days `(D,)`, where a week earlier or later has the same: one day alone may lack its first row."""
    known = dict(zip(days.tolist(), shifts.tolist(), strict=True))
    alone = [known.get(day - 7, shift) != shift != known.get(day + 7, 0) for day, shift in known.items()]
    return np.where(alone, 0, shifts)


def _changed_this_week(order: list[int], shifts: dict[int, int]) -> np.ndarray:
    """What puts each weekday `(7,)` to the last clock, where that changed since the weekday was last there.

    It did where the last days, from a Sunday or Monday on, came an hour earlier or later than a week before, and those
    before them did not.

    Args:
        order: The weekdays of the last week that have rows, from the last backwards.
        shifts: What put the day a week before each to the same clock.
    """
    found = np.zeros(7, np.int64)
    change = next((shifts[day] for day in order if day in shifts), 0)
    since = next((place for place, day in enumerate(order) if shifts.get(day, change) != change), len(order))
    if since and order[since - 1] in (6, 0):
        found[order[since:]] = change
    return found


def _best_shift(clock: np.ndarray, wanted: np.ndarray) -> int:
    """Seconds that put the times of a day to the clock of another, where they plainly belong to another clock."""

    def agreement(shift: int) -> float:
        both = len(np.intersect1d(clock + shift, wanted, assume_unique=True))
        return both / (len(clock) + len(wanted) - both)

    best = max((0, -_HOUR, _HOUR), key=agreement)
    return best if agreement(best) > 0.9 and agreement(best) > agreement(0) + 0.1 else 0


def _seconds(index: pd.DatetimeIndex) -> np.ndarray:
    return index.as_unit("s").asi8


def _weekday(days: np.ndarray | int) -> np.ndarray:
    return (np.asarray(days) + 3) % 7


def _days_of_each_weekday(first: int, last: int) -> np.ndarray:
    whole, rest = divmod(int(last - first) + 1, 7)
    counts = np.full(7, whole)
    counts[_weekday(np.arange(first, first + rest))] += 1
    return counts

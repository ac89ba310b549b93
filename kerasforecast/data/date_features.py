"""Numbers that follow from a date, by name: the hour, its sine, whether the day is a holiday."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import pandas as pd

from kerasforecast.data.holiday_days import KINDS, holiday_kind, holiday_numbers
from kerasforecast.data.zone_clocks import ZONE_NAME, by_clock

_DAY = 86_400  # seconds
_ZONED = "@"  # between a feature and the zone by whose clocks it is


@dataclass(frozen=True)
class CalendarFeature:
    """A number that follows from a date.

    Attributes:
        of: From dates `(T,)` to numbers `(T,)`.
        low: The least it can be.
        high: The largest it can be; of counts of holidays the most that is usual.
        rare: Whether it is 0 of any ordinary date.
    """

    of: Callable[[pd.DatetimeIndex], np.ndarray]
    low: float
    high: float
    rare: bool = False


def _iso_week(index: pd.DatetimeIndex) -> np.ndarray:
    return index.isocalendar()["week"].to_numpy()


# A column of a table may be any of these.
FEATURES = {
    "weekday": CalendarFeature(lambda index: index.day_of_week, 0, 6),
    "month": CalendarFeature(lambda index: index.month, 1, 12),
    "day_of_year": CalendarFeature(lambda index: index.day_of_year, 1, 366),
    "hour": CalendarFeature(lambda index: index.hour, 0, 23),
    "minute": CalendarFeature(lambda index: index.minute, 0, 59),
    "day": CalendarFeature(lambda index: index.day, 1, 31),
    "week": CalendarFeature(_iso_week, 1, 53),
    "quarter": CalendarFeature(lambda index: index.quarter, 1, 4),
    "year": CalendarFeature(lambda index: index.year, 1900, 2100),
    "weekday_from_monday_1": CalendarFeature(lambda index: index.day_of_week + 1, 1, 7),
    "weekday_from_sunday_0": CalendarFeature(lambda index: (index.day_of_week + 1) % 7, 0, 6),
    "weekday_from_sunday_1": CalendarFeature(lambda index: (index.day_of_week + 1) % 7 + 1, 1, 7),
    "weekend": CalendarFeature(lambda index: index.day_of_week >= 5, 0, 1, rare=True),
}


def _seconds_of_day(index: pd.DatetimeIndex) -> np.ndarray:
    return index.as_unit("s").asi8 % _DAY


def _weeks_of_iso_year(index: pd.DatetimeIndex) -> np.ndarray:
    """52, or 53: the week of the 28th of December is the last of its year."""
    following = (index.isocalendar()["year"].to_numpy(np.int64) - 1969).astype("datetime64[Y]")
    return _iso_week(pd.DatetimeIndex(following.astype("datetime64[s]") - np.timedelta64(4 * _DAY, "s")))


# Where in its cycle a date stands, from 0 to below 1: the last day of a year is next to the first of the following.
CYCLES: dict[str, Callable[[pd.DatetimeIndex], np.ndarray]] = {
    "minute": lambda index: _seconds_of_day(index) % 3_600 / 3_600,
    "hour": lambda index: _seconds_of_day(index) / _DAY,  # with its minutes
    "weekday": lambda index: index.day_of_week / 7,
    "day": lambda index: (index.day - 1) / index.days_in_month,
    "day_of_year": lambda index: (index.day_of_year - 1) / np.where(index.is_leap_year, 366, 365),
    "week": lambda index: (_iso_week(index) - 1) / _weeks_of_iso_year(index),
    "month": lambda index: (index.month - 1) / 12,
    "quarter": lambda index: (index.quarter - 1) / 4,
}
_WAVES = {"sin": np.sin, "cos": np.cos}


def _wave(name: str, wave: str, index: pd.DatetimeIndex) -> np.ndarray:
    return _WAVES[wave](2 * np.pi * np.asarray(CYCLES[name](index), np.float64))


PAIRS = {f"{name}_{wave}": CalendarFeature(partial(_wave, name, wave), -1, 1) for name in CYCLES for wave in _WAVES}


def _holidays(kind: str, place: str, index: pd.DatetimeIndex) -> np.ndarray:
    return holiday_numbers(kind, place, index.as_unit("s").asi8 // _DAY)


def in_zone(name: str, zone: str | None) -> str:
    """The name of a feature by the clocks of a zone, `"hour_sin@Australia/Melbourne"`; as it is, where `None`."""
    return name if zone is None else f"{name}{_ZONED}{zone}"


def apart(name: str) -> tuple[str, str | None]:
    """A feature and the zone by whose clocks it is; `None` where it is by the dates as they stand."""
    plain, marked, zone = name.partition(_ZONED)
    return plain, zone if marked else None


def described(name: str) -> str:
    """A feature in words: `"hour in Australia/Melbourne"`."""
    plain, zone = apart(name)
    return plain if zone is None else f"{plain} in {zone}"


@lru_cache(maxsize=256)
def feature(name: str) -> CalendarFeature | None:
    """The feature of dates of this name, `"hour"`, `"hour_sin"`, `"holiday:AU-VIC"`, or one of these by the clocks of a
    zone, `"hour@Australia/Melbourne"`; `None` where there is none."""
    plain, zone = apart(name)
    if zone is not None:
        found = feature(plain) if ZONE_NAME.fullmatch(zone) else None
        return found and replace(found, of=partial(_by_clock, found.of, zone))
    if (holiday := holiday_kind(name)) is not None:
        return CalendarFeature(partial(_holidays, *holiday), 0, KINDS[holiday[0]][1], rare=True)
    return FEATURES.get(name) or PAIRS.get(name)


def _by_clock(of: Callable[[pd.DatetimeIndex], np.ndarray], zone: str, index: pd.DatetimeIndex) -> np.ndarray:
    return of(by_clock(index, zone))


def calendar_values(name: str, index: pd.DatetimeIndex) -> np.ndarray:
    """A feature of dates, `(T,)` float64.

    Raises:
        KeyError: There is none of that name.
        DataError: It is of holidays that the library at hand does not know, or of an unknown zone.
    """
    found = feature(name)
    if found is None:
        raise KeyError(name)
    return np.asarray(found.of(index), np.float64)


def calendar_table(names: Sequence[str], index: pd.DatetimeIndex) -> np.ndarray:
    """Features of dates side by side, `(T, K)` float64: each computed once for a date that many series have."""
    stamps, places = index, None
    if len(names) and not index.is_monotonic_increasing:  # of several series
        codes, found = pd.factorize(index.asi8)
        if 2 * len(found) < len(index):
            stamps, places = pd.DatetimeIndex(found.view(f"datetime64[{index.unit}]")), codes
    table = np.empty((len(index), len(names)))
    for column, name in enumerate(names):
        values = calendar_values(name, stamps)
        table[:, column] = values if places is None else values[places]
    return table

"""Columns that the dates give, such as the hour of the day: what they are is known for every row to be forecast too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.errors import DataError, shown


@dataclass(frozen=True)
class CalendarFeature:
    """A number that follows from a date.

    Attributes:
        of: From dates `(T,)` to numbers `(T,)`.
        low: The least it can be.
        high: The largest it can be.
    """

    of: Callable[[pd.DatetimeIndex], np.ndarray]
    low: float
    high: float


def _iso_week(index: pd.DatetimeIndex) -> np.ndarray:
    return index.isocalendar()["week"].to_numpy()


NAMED = ("weekday", "month", "day_of_year", "hour")  # what `--past` may name beside columns
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
    "weekend": CalendarFeature(lambda index: index.day_of_week >= 5, 0, 1),
}


def calendar_values(feature: str, index: pd.DatetimeIndex) -> np.ndarray:
    """A calendar feature of dates, `(T,)` float64."""
    return np.asarray(FEATURES[feature].of(index), np.float64)


def calendar_columns(values: np.ndarray, index: pd.Index, columns: Sequence[str]) -> dict[str, str]:
    """The columns, but for the first, that are a calendar feature of the dates in every row, and which it is.

    A column that only rises is left out, unless it is the year: a count of the rows may look like a month.

    Args:
        values: `(T, F)`, column 0 the target.
        index: `(T,)`.
        columns: The F names.
    """
    found: dict[str, str] = {}
    if not isinstance(index, pd.DatetimeIndex) or len(columns) < 2:
        return found
    few = slice(0, 50)  # enough to tell most columns that are none
    for place, column in enumerate(columns[1:], 1):
        own = values[:, place]
        for name in FEATURES:
            if np.array_equal(calendar_values(name, index[few]), own[few]) and _is(name, own, index):
                found[column] = name
                break
    return found


def _is(name: str, values: np.ndarray, index: pd.DatetimeIndex) -> bool:
    steps = np.diff(values)
    turns = (steps > 0).any() if name == "year" else (steps < 0).any()
    return bool(turns) and np.array_equal(calendar_values(name, index), values)


def calendar_rows(columns: Sequence[str], known: Mapping[str, str], index: pd.Index) -> np.ndarray:
    """What is known of rows to be forecast, `(S, F)` float64: the calendar features of their dates; NaN elsewhere."""
    rows = np.full((len(index), len(columns)), np.nan)
    for place, column in enumerate(columns):
        if column in known and isinstance(index, pd.DatetimeIndex):
            rows[:, place] = calendar_values(known[column], index)
    return rows


def check_calendar_columns(
    values: np.ndarray, index: pd.Index, columns: Sequence[str], known: Mapping[str, str]
) -> None:
    """Refuse rows in which a column is not the calendar feature of the dates that it was in training.

    Raises:
        DataError: One is not, or there are no dates.
    """
    for column, name in known.items():
        if not isinstance(index, pd.DatetimeIndex):
            raise DataError(f"Column {column} was the {name} of the dates in training. Received: rows without dates.")
        own, wanted = values[:, list(columns).index(column)], calendar_values(name, index)
        wrong = np.flatnonzero(own != wanted)
        if len(wrong):
            received = f"{shown(float(own[wrong[0]]))} at {index[wrong[0]]}, not {wanted[wrong[0]]:g}"
            raise DataError(
                f"Column {column} must be the {name} of the dates, as in training. Received: {received}. "
                "Give dates by the same clock, or train again."
            )


def held_beyond(columns: Sequence[str], known: Mapping[str, str], horizon: int, steps: int) -> list[str]:
    """A sentence that says which columns are held while a forecast rolls; none where nothing is."""
    held = [column for column in columns[1:] if column not in known]
    if steps <= horizon or not held:
        return []
    few = ", ".join(held[:5]) + (f" and {len(held) - 5} more" if len(held) > 5 else "")
    return [f"Beyond the horizon of {horizon}, {few} {'is' if len(held) == 1 else 'are'} held at the last value."]

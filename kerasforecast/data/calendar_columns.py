"""Columns that the dates give, such as the hour of the day: what they are is known for every row to be forecast too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from kerasforecast.data.date_features import FEATURES, apart, calendar_table, calendar_values, described, in_zone
from kerasforecast.errors import DataError, shown


def calendar_columns(
    values: np.ndarray,
    index: pd.Index,
    columns: Sequence[str],
    starts: np.ndarray | None = None,
    zone: str | None = None,
) -> dict[str, str]:
    """The columns, but for the first, that are a calendar feature of the dates in every row, and which it is.

    A column that only rises is left out, unless it is the year: a count of the rows may look like a month.

    Args:
        values: `(T, F)`, column 0 the target.
        index: `(T,)`.
        columns: The F names.
        starts: `(N + 1,)` the first row of each series and T, where the rows are of several.
        zone: By whose clocks a column may be one too.
    """
    found: dict[str, str] = {}
    if not isinstance(index, pd.DatetimeIndex) or len(columns) < 2:
        return found
    inner = np.ones(max(len(index) - 1, 0), bool)  # steps within a series
    inner[[] if starts is None else np.unique(starts[(starts > 0) & (starts < len(index))]) - 1] = False
    few = slice(0, 50)  # enough to tell most columns that are none
    names = [*FEATURES, *(in_zone(name, zone) for name in FEATURES if zone is not None)]
    for place, column in enumerate(columns[1:], 1):
        own = values[:, place]
        for name in names:
            if np.array_equal(calendar_values(name, index[few]), own[few]) and _is(name, own, index, inner):
                found[column] = name
                break
    return found


def _is(name: str, values: np.ndarray, index: pd.DatetimeIndex, inner: np.ndarray) -> bool:
    steps = np.diff(values)[inner]
    turns = (steps > 0).any() if apart(name)[0] == "year" else (steps < 0).any()
    return bool(turns) and np.array_equal(calendar_values(name, index), values)


def check_calendar_columns(
    values: np.ndarray, index: pd.Index, columns: Sequence[str], known: Mapping[str, str]
) -> None:
    """Refuse rows in which a column is not the calendar feature of the dates that it was in training.

    Raises:
        DataError: One is not, or there are no dates.
    """
    if known and not isinstance(index, pd.DatetimeIndex):
        column, name = next(iter(known.items()))
        raise DataError(
            f"Column {column} was the {described(name)} of the dates in training. Received: rows without dates."
        )
    for column, name in known.items():
        own, wanted = values[:, list(columns).index(column)], calendar_table([name], index)[:, 0]
        wrong = np.flatnonzero(own != wanted)
        if len(wrong):
            received = f"{shown(float(own[wrong[0]]))} at {index[wrong[0]]}, not {wanted[wrong[0]]:g}"
            raise DataError(
                f"Column {column} must be the {described(name)} of the dates, as in training. Received: {received}. "
                "Give dates by the same clock, or train again."
            )


def held_beyond(past: Sequence[str], horizon: int, steps: int) -> list[str]:
    """A sentence that says which columns are held while a forecast rolls; none where nothing is.

    Args:
        past: The target, and the columns known until now: those known ahead are known beyond the horizon too.
        horizon: Rows ahead that are forecast at once.
        steps: Rows ahead that are asked for.
    """
    held = past[1:]
    if steps <= horizon or not held:
        return []
    few = ", ".join(held[:5]) + (f" and {len(held) - 5} more" if len(held) > 5 else "")
    return [f"Beyond the horizon of {horizon}, {few} {'is' if len(held) == 1 else 'are'} held at the last value."]

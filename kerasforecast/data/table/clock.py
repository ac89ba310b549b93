"""Times of day in a column of their own beside the dates, as many exports of intraday prices have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from kerasforecast.data.table.columns import date_column, find, same
from kerasforecast.data.table.dates import stripped
from kerasforecast.data.table.table import Table
from kerasforecast.sections import DataConfig

TIME_NAME = "time"
_BESIDE = ("date", "day")  # a column called otherwise holds the time itself, or needs none
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?")
_CLOCK_DIRECTIVE = re.compile(r"%[HIMcXT]")
_SAMPLE = 100


def date_columns(
    names: Sequence[str], config: DataConfig, place: str, sample: Callable[[str], list[str]]
) -> tuple[str, ...]:
    """The column of dates; with it the one of times, where the option names two, or names and cells show them.

    Args:
        names: All columns.
        config: `date_column`, one name or two with a comma between, and `date_format`.
        place: The table, for messages.
        sample: Gives the first cells of a column as text.

    Returns:
        No, one or two names.

    Raises:
        DataError: `--date-column` names no column.
    """
    parts = (config.date_column or "").split(",")
    if len(parts) == 2 and find(names, str(config.date_column)) is None:
        dates, times = (
            date_column(names, config.model_copy(update={"date_column": part.strip()}), place) for part in parts
        )
        return (str(dates), str(times)) if dates != times else (str(dates),)
    dates = date_column(names, config, place)
    if dates is None:
        return ()
    times = find(names, TIME_NAME)
    if config.date_column is not None or times is None or same(dates) not in _BESIDE:
        return (dates,)
    if config.date_format is not None and not _CLOCK_DIRECTIVE.search(config.date_format):
        return (dates,)
    clocks = sample(times)
    beside = bool(clocks) and all(map(_CLOCK.fullmatch, clocks)) and not any(":" in cell for cell in sample(dates))
    return (dates, times) if beside else (dates,)


def with_times(table: Table, config: DataConfig) -> tuple[Table, str | None]:
    """The table with dates and times of day in one column, where they stood in two, and the name of that column.

    Raises:
        DataError: `--date-column` names no column.
    """
    frame = table.frame

    def sample(column: str) -> list[str]:
        cells = _as_text(frame[column].iloc[:_SAMPLE].dropna())
        return [cell for cell in cells if cell]

    found = date_columns(list(frame.columns), config, table.name, sample)
    if len(found) < 2:
        return table, found[0] if found else None
    dates, times = found
    days, clocks = _as_text(frame[dates]), _as_text(frame[times])
    text = days + " " + clocks
    if (lacking := (days == "") | (clocks == "")).any():
        text = text.mask(lacking, "")  # a day alone would pass for its midnight
    note = f"Dates are columns {dates} and {times} together; --date-column {dates} takes the first alone."
    said = () if config.date_column else (note,)
    joined = frame.assign(**{dates: text}).drop(columns=times)
    return replace(table, frame=joined, joined=found, notes=(*table.notes, *said)), dates


def _as_text(cells: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return cells.dt.strftime("%Y-%m-%d").fillna("")
    if not isinstance(cells.dtype, pd.StringDtype):
        cells = cells.astype("str").where(cells.notna(), "")
    return stripped(cells)

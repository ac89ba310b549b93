"""Dates that stand in several columns, to one: times of day beside days, as many exports have them, or other parts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import find, given_date_column, named_columns, same
from kerasforecast.data.table.date_columns import SURE_NAMES, Sample, Whole, chosen_column
from kerasforecast.data.table.dates import SAMPLE, as_text
from kerasforecast.data.table.parts import joined_parts, parts_of, plainly
from kerasforecast.data.table.table import Table, listed
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

# What a column of times of day is called; compared without accents.
_TIMES = (
    "time",
    "time of day",
    "zeit",
    "uhrzeit",
    "hora",
    "heure",
    "ora",
    "tijd",
    "tid",
    "hour",
    "stunde",
    "uur",
    "hr",
)
_HAVE_TIMES = tuple(name for name in SURE_NAMES if name != "date")  # a column called so needs none beside it
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?")
_BARE_CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)?")
_HOUR = re.compile(r"[01]?\d|2[0-3]")
_CLOCK_DIRECTIVE = re.compile(r"%[HIMcXT]")
_OPTIONS = ("start", "end", "date_format", "calendar")


@dataclass(frozen=True)
class _Found:
    """The columns that make the dates, and how: one, a day and its `"time"`, or `"parts"` of a date."""

    columns: tuple[str, ...] = ()
    kind: str = ""
    note: str = ""


def date_columns(names: Sequence[str], config: DataConfig, place: str, sample: Sample) -> tuple[str, ...]:
    """The columns to be read with dates in mind, as far as the first cells of a table show them.

    Args:
        names: All columns.
        config: `date_column`, one name or several with commas between, and `date_format`.
        place: The table, for messages.
        sample: Gives the first cells of a column as text.

    Returns:
        One or two names; none where there are no dates, or where all rows are needed to tell.

    Raises:
        DataError: `--date-column` names no column.
    """
    try:
        found = _found(names, config, place, sample, lambda column: None)
    except DataError:
        if config.date_column is not None:
            raise
        return ()
    return found.columns if found.kind != "parts" else ()


def with_times(
    table: Table, config: DataConfig, longest: np.ndarray | slice = slice(None), *, required: bool = True
) -> tuple[Table, str | None]:
    """The table with its dates in one column, where they stood in several, and the name of that column, if any.

    Args:
        table: As it was read.
        config: See `date_columns`.
        longest: The rows of one series, by which the columns of dates are known.
        required: Whether the columns that `--date-column` names must exist; otherwise a table without is read anew.

    Raises:
        DataError: `--date-column` names no column, several could be meant, or an option needs dates and there are none.
    """
    frame = table.frame
    if not required and config.date_column is not None and not _has(list(frame.columns), config.date_column):
        config = config.model_copy(update={"date_column": None})

    def cells_of(column: str) -> pd.Series:
        return frame[column] if isinstance(longest, slice) else frame[column].iloc[longest]

    def sample(column: str) -> list[str]:
        cells = cells_of(column)
        found = [cell for cell in as_text(cells.iloc[:SAMPLE].dropna()) if cell]
        if len(set(found)) == 1 and len(cells) > SAMPLE:  # many series may have a row of the first date
            found = [cell for cell in as_text(cells.iloc[:: len(cells) // SAMPLE].dropna()) if cell]
        return found

    def whole(column: str) -> np.ndarray | None:
        cells = cells_of(column)
        if not pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_bool_dtype(cells.dtype):
            return None
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)

    found = _found(list(frame.columns), config, table.name, sample, whole)
    if not found.columns:
        return replace(table, notes=(*table.notes, _undated(table, config))), None
    said = (found.note,) if found.note and config.date_column is None else ()
    table = replace(table, notes=(*table.notes, *said))
    first, *others = found.columns
    if not others:
        return table, first
    text = _with_clock(frame, first, others[0], config) if found.kind == "time" else joined_parts(frame, found.columns)
    spare = [name for name in others if not {name, same(name)}.intersection(named_columns(config))]
    return replace(table, frame=frame.assign(**{first: text}).drop(columns=spare), joined=found.columns), first


def _has(names: Sequence[str], wanted: str) -> bool:
    return find(names, wanted) is not None or all(find(names, part.strip()) for part in wanted.split(","))


def _undated(table: Table, config: DataConfig) -> str:
    """What to say about a table without dates, whose rows no option can place in time."""
    for option in _OPTIONS:
        if (value := getattr(config, option)) is not None:
            flag = f"--{option.replace('_', '-')}"
            raise DataError(
                f"{table.name}: {flag} needs dates. Received: {shown(str(value))}; no column of dates. "
                f"Give --date-column NAME, or leave {flag} out."
            )
    return "No column of dates: rows are taken in the order they stand, oldest first."


def _found(names: Sequence[str], config: DataConfig, place: str, sample: Sample, whole: Whole) -> _Found:
    given = (config.date_column or "").split(",")
    if len(given) > 1 and find(names, str(config.date_column)) is None:
        columns = tuple(dict.fromkeys(given_date_column(names, part.strip(), place) for part in given))
        return _given(columns, place, sample)
    choice = chosen_column(names, config, place, sample, whole)
    plain = config.date_column is None and config.date_format is None
    if plain and not (choice.column and choice.reads) and (parts := parts_of(names, sample)):
        return _Found(parts, "parts", f"Dates are columns {_and(parts)} together.")
    if choice.column is None:
        return _Found()
    times = _times_beside(names, choice.column, config, sample)
    if times is None:
        return _Found((choice.column,), "one", choice.note)
    note = f"Dates are columns {choice.column} and {times} together"
    return _Found(
        (choice.column, times), "time", f"{note}; --date-column {shlex.quote(choice.column)} takes the first alone."
    )


def _given(columns: tuple[str, ...], place: str, sample: Sample) -> _Found:
    if len(columns) == 1:
        return _Found(columns, "one")
    if set(parts := parts_of(columns, sample)) == set(columns):
        return _Found(parts, "parts")
    if len(columns) == 2:
        return _Found(columns, "time")
    raise DataError(
        f"{place}: --date-column takes one column, Date,Time or Year,Month,Day. Received: {listed(columns)}. "
        "Name the columns that hold the parts of the date."
    )


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _times_beside(names: Sequence[str], dates: str, config: DataConfig, sample: Sample) -> str | None:
    """The column of times of day that belongs to a column of days, where name and cells show one."""
    if config.date_column is not None or same(dates) in _HAVE_TIMES:
        return None
    if config.date_format is not None and not _CLOCK_DIRECTIVE.search(config.date_format):
        return None
    days = sample(dates)
    if any(":" in cell for cell in days) or any(cell.isdecimal() and len(cell) > 8 for cell in days):
        return None
    repeat = len(set(days)) < len(days)
    called = [name for name in names if name != dates and plainly(name) in _TIMES and _are_times(sample(name), repeat)]
    if called:
        return called[0]
    if not repeat:
        return None
    clocks = [name for name in names if name != dates and _all(_CLOCK, sample(name))]
    return clocks[0] if len(clocks) == 1 else None


def _are_times(cells: list[str], repeat: bool) -> bool:
    """Whether cells are times of day; bare numbers are some only beside days that `repeat`."""
    if _all(_CLOCK, cells):
        return True
    width = _width(max(map(len, cells), default=0))
    return repeat and (_all(_HOUR, cells) or _all(_BARE_CLOCK, [cell.zfill(width) for cell in cells]))


def _width(longest: int) -> int:
    """Digits of times such as 93000, which was 093000 before it was taken for a number; 0 where they are too few."""
    return 0 if longest < 3 else 4 if longest < 5 else 6


def _all(pattern: re.Pattern[str], cells: list[str]) -> bool:
    return bool(cells) and all(map(pattern.fullmatch, cells))


def _with_clock(frame: pd.DataFrame, dates: str, times: str, config: DataConfig) -> pd.Series:
    days, clocks = as_text(frame[dates]), as_text(frame[times])
    lacking = (days == "") | (clocks == "")
    if config.date_format is None:  # which would say how they are written
        clocks = _spelled_out(clocks)
    text = days + " " + clocks
    return text.mask(lacking, "") if lacking.any() else text  # a day alone would pass for its midnight


def _spelled_out(clocks: pd.Series) -> pd.Series:
    """Hours and bare times with colons, where all are of one kind; others stay."""
    some = clocks[clocks != ""]
    if not len(some) or not some.iloc[:SAMPLE].str.isdecimal().all():
        return clocks
    if some.str.fullmatch(_HOUR.pattern).all():
        return (clocks.str.zfill(2) + ":00").where(clocks != "", "")
    bare = clocks.str.zfill(_width(int(some.str.len().max())))
    return bare.str.replace(rf"\A{_BARE_CLOCK.pattern}\Z", _colons, regex=True).where(clocks != "", "")


def _colons(match: re.Match[str]) -> str:
    return ":".join(part for part in match.groups() if part)


def times_hint(table: Table, dates: str) -> str:
    """What to do about dates that repeat where a column of times of day stands apart from them, or `""`."""
    hints = times_apart(table, dates)
    return next(iter(hints.values()), "")


def times_apart(table: Table, dates: str) -> dict[str, str]:
    """The columns that hold times of day apart from `dates`, and for each how to have them read together."""
    hints: dict[str, str] = {}
    if dates in table.joined:
        return hints
    for name in table.frame.columns:
        cells = [cell for cell in as_text(table.frame[name].iloc[:SAMPLE].dropna()) if cell] if name != dates else []
        if _all(_CLOCK, cells) or (plainly(name) in _TIMES and _are_times(cells, True)):
            hints[name] = f"Use --date-column {shlex.quote(f'{dates},{name}')} to join the times to their dates."
        elif plainly(name) in _TIMES and {"1", "24"} <= set(cells) and all(map(str.isdecimal, cells)):
            hints[name] = f"If {name} counts the hours of a day, write them into the dates, e.g. 2024-01-31 23:00."
    return hints

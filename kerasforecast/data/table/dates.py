"""A column of dates, however written, to a tz-naive index: one format for all rows, or a refusal with an address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.table.layout import iso_layout, read_layout
from kerasforecast.data.table.table import Table, refusal
from kerasforecast.errors import DataError, shown

_ISO = "ISO8601"
_DAYS: tuple[str, ...] = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
_DAYS += ("%d-%b-%y", "%b %d %Y", "%Y%m%d")
_EITHER = tuple((f"%d{m}%m{m}{y}", f"%m{m}%d{m}{y}") for m in "/-" for y in ("%Y", "%y"))  # day first or month first
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_OTHERS = ("%Y", "%b %Y", "%B %Y", "%m/%Y", "%b-%y", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S")
_QUARTER = re.compile(r"(\d{4})[ -]?[Qq]([1-4])")
_OFFSET = re.compile(r"[T ]\d{2}:?\d{2}.*?(Z|[+-]\d{2}:?\d{2})$")
_EPOCH_UNITS = {9: "s", 10: "s", 13: "ms", 16: "us", 19: "ns"}
_OTHER_FORMAT = "Correct the row, or give --date-format."
_ABSENT = "Give it a date, or remove the row."
_ONE_ZONE = "Write all times with their offset from UTC, of one place, or all in UTC."
FIRST_YEAR, LAST_YEAR = 1678, 2261  # what 64 bits of nanoseconds hold
_SAMPLE = 100


@dataclass(frozen=True)
class Dates:
    """Dates of a table's rows.

    Attributes:
        index: tz-naive, one entry per row, in the table's order.
        notes: What was detected, one sentence each.
    """

    index: pd.DatetimeIndex
    notes: tuple[str, ...] = ()


def read_dates(table: Table, cells: pd.Series, date_format: str | None) -> Dates:
    """The dates in `cells`.

    Args:
        table: Where the rows came from, for messages.
        cells: The date column; its index holds the rows' positions in the table.
        date_format: strptime format, or `None` to find one that fits every row.

    Raises:
        DataError: A row has no date, another format, another time zone, or a year outside 1678..2261.
    """
    column = str(cells.name)
    if isinstance(cells.dtype, pd.PeriodDtype):
        dates = Dates(pd.DatetimeIndex(cells.dt.to_timestamp()))
    elif pd.api.types.is_datetime64_any_dtype(cells.dtype):
        _refuse_rows(table, cells, column, cells.isna().to_numpy(), "expected a date", _ABSENT)
        index = pd.DatetimeIndex(cells)
        dates = Dates(index) if index.tz is None else without_zone(index.tz_convert("UTC"), index.tz_localize(None))
    elif date_format is None and (unit := epoch_unit(cells.iloc[:_SAMPLE])) and not pd.api.types.is_object_dtype(cells):
        dates = _from_epoch(table, cells, column, unit)
    else:
        dates = _from_text(table, _as_text(cells), column, date_format)
    first, last = dates.index.min(), dates.index.max()
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        outside = np.asarray((dates.index.year < FIRST_YEAR) | (dates.index.year > LAST_YEAR))
        rule = f"expected a year from {FIRST_YEAR} to {LAST_YEAR}"
        raise refusal(table, list(cells.index[outside]), column, rule, "Correct the date, or remove the row.")
    return Dates(dates.index.rename(None), dates.notes)


def epoch_unit(sample: Iterable[object]) -> str | None:
    """The unit of Unix times in which the cells of `sample` are written, or `None` where they are none."""
    text = [str(cell) for cell in sample]
    return _EPOCH_UNITS.get(len(text[0])) if text and all(cell.isdecimal() for cell in text) else None


def _as_text(cells: pd.Series) -> pd.Series:
    if isinstance(cells.dtype, pd.StringDtype):
        return stripped(cells)
    if pd.api.types.is_float_dtype(cells.dtype) and (cells.dropna() % 1 == 0).all():
        cells = cells.astype("Int64")  # a gap had turned whole numbers into floats
    return cells.astype(object).map(lambda cell: "" if pd.isna(cell) else str(cell).strip())


def stripped(cells: pd.Series) -> pd.Series:
    """Text without spaces around it, empty where it is missing; a long column is copied only where it must be."""
    cells = cells.fillna("") if cells.hasnans else cells
    blank = (" ", "\t")
    padded = cells.str.startswith(blank).any() or cells.str.endswith(blank).any()
    return cells.str.strip() if padded else cells


def _from_text(table: Table, cells: pd.Series, column: str, date_format: str | None) -> Dates:
    _refuse_rows(table, cells, column, (cells == "").to_numpy(), "expected a date", _ABSENT)
    if date_format is not None:
        return Dates(pd.DatetimeIndex(_parsed(table, cells, column, date_format, "as --date-format says")))
    sample = cells.iloc[:_SAMPLE]
    if sample.map(lambda cell: bool(_OFFSET.search(cell))).any():
        return _with_offsets(table, cells, column)
    if unit := epoch_unit(sample):
        return _from_epoch(table, cells, column, unit)
    if sample.map(lambda cell: bool(_QUARTER.fullmatch(cell))).all():
        return _from_quarters(table, cells, column)
    for pair in _EITHER:
        for clock in _CLOCKS:
            if _fits(sample, pair[0] + clock) or _fits(sample, pair[1] + clock):
                return _day_or_month_first(table, cells, column, (pair[0] + clock, pair[1] + clock))
    single = [_ISO, *(day + clock for day in _DAYS for clock in _CLOCKS), *_OTHERS]
    scores = {form: share for form in single if (share := _share(sample, form)) > 0}
    if not scores:
        raise refusal(table, list(cells.index), column, "expected a date", "Give --date-format, or --date-column.")
    best = max(scores, key=lambda form: scores[form])  # the first of equals
    notes = () if best == _ISO else (f"Date format {best} detected.",)
    return Dates(pd.DatetimeIndex(_parsed(table, cells, column, best)), notes)


def _share(sample: pd.Series, form: str) -> float:
    return float(pd.to_datetime(sample, format=form, errors="coerce").notna().mean())


def _fits(sample: pd.Series, form: str) -> bool:
    return _share(sample, form) > 0.5


def _parsed(table: Table, cells: pd.Series, column: str, form: str, why: str = "as in other rows") -> pd.Series:
    try:
        (found,) = _converted(cells, form)
    except ValueError as error:
        raise DataError(
            f"--date-format must be a strptime format. Received: {shown(form)} ({error}). Use e.g. %Y-%m-%d."
        ) from None
    if pd.api.types.is_object_dtype(found) or getattr(found.dt, "tz", None) is not None:
        return _with_offsets(table, cells, column).index.to_series(cells.index)
    written = "YYYY-MM-DD" if form == _ISO else form
    _refuse_rows(table, cells, column, found.isna().to_numpy(), f"expected a date ({written}, {why})")
    return found


def _converted(cells: pd.Series, *forms: str) -> list[pd.Series]:
    """Dates of `cells` by each of `forms`, NaT where one is not written so."""
    layouts = [iso_layout(cells.iloc[0]) if form == _ISO else form for form in forms]
    found = read_layout(cells, [layout or "" for layout in layouts])
    if found is not None:
        return [pd.Series(dates, index=cells.index) for dates in found]
    return [pd.to_datetime(cells, format=form, errors="coerce") for form in forms]


def _day_or_month_first(table: Table, cells: pd.Series, column: str, forms: tuple[str, str]) -> Dates:
    parsed = dict(zip(forms, _converted(cells, *forms), strict=True))
    whole = [form for form in forms if parsed[form].notna().all()]
    if not whole:
        best = max(forms, key=lambda form: parsed[form].notna().sum())
        _parsed(table, cells, column, best)  # raises with the rows that do not fit
    if len(whole) == 2:
        whole = [form for form in whole if _one_way(parsed[form])] or whole
    if len(whole) == 2 and not parsed[forms[0]].equals(parsed[forms[1]]):
        rule = "the day and the month cannot be told apart"
        raise refusal(table, list(cells.index[:1]), column, rule, f"Use --date-format {forms[0]!r} or {forms[1]!r}.")
    return Dates(pd.DatetimeIndex(parsed[whole[0]]), (f"Date format {whole[0]} detected.",))


def _one_way(dates: pd.Series) -> bool:
    return bool(dates.is_monotonic_increasing or dates.is_monotonic_decreasing)


def _from_epoch(table: Table, cells: pd.Series, column: str, unit: str) -> Dates:
    numbers = pd.to_numeric(cells, errors="coerce")
    _refuse_rows(table, cells, column, numbers.isna().to_numpy(), f"expected a Unix time in {unit}")
    index = pd.DatetimeIndex(pd.to_datetime(numbers.astype("int64"), unit=unit))
    return Dates(index, (f"Dates are Unix times in {unit}, taken as UTC.",))


def _from_quarters(table: Table, cells: pd.Series, column: str) -> Dates:
    parts = cells.str.extract(_QUARTER)
    _refuse_rows(table, cells, column, parts[0].isna().to_numpy(), "expected a quarter, as in other rows")
    periods = pd.PeriodIndex(parts[0] + "Q" + parts[1], freq="Q")
    return Dates(periods.to_timestamp(), ("Quarters are dated by their first day.",))


def _with_offsets(table: Table, cells: pd.Series, column: str) -> Dates:
    offsets = cells.str.extract(_OFFSET)[0]
    rule = "expected one time zone in all rows"
    _refuse_rows(table, cells, column, offsets.isna().to_numpy(), rule, _ONE_ZONE)
    instants = pd.to_datetime(cells, format=_ISO, utc=True, errors="coerce")
    _refuse_rows(table, cells, column, instants.isna().to_numpy(), "expected a date and time with its offset")
    minutes = offsets.map({text: _minutes(text) for text in offsets.unique()})
    kinds = sorted(minutes.unique())
    if len(kinds) > 2 or (len(kinds) == 2 and kinds[1] - kinds[0] not in (30, 60)):  # Lord Howe Island shifts by 30
        _refuse_rows(table, cells, column, (minutes != minutes.iloc[0]).to_numpy(), rule, _ONE_ZONE)
    wall = (instants.dt.tz_localize(None) + pd.to_timedelta(minutes, unit="min")).set_axis(cells.index)
    return without_zone(pd.DatetimeIndex(instants), pd.DatetimeIndex(wall))


def _minutes(offset: str) -> int:
    if offset == "Z":
        return 0
    digits = offset[1:].replace(":", "")
    return (1 if offset[0] == "+" else -1) * (int(digits[:2]) * 60 + int(digits[2:]))


def without_zone(utc: pd.DatetimeIndex, wall: pd.DatetimeIndex) -> Dates:
    """Local time, unless local time repeats or skips an hour that the instants do not: then UTC.

    Exchanges keep local hours, so their bars are regular by the wall clock; what is observed around the clock is
    regular in UTC only.
    """
    instants = utc.tz_localize(None)
    steps = np.diff(instants.asi8)
    round_the_clock = len(steps) > 0 and (steps == steps[0]).all() and instants[1] - instants[0] < pd.Timedelta(days=1)
    if wall.is_monotonic_increasing and wall.is_unique and not (round_the_clock and len(set(np.diff(wall.asi8))) > 1):
        return Dates(wall, ("Time zone dropped; dates are local time.",))
    if instants.equals(wall):
        return Dates(wall, ("Time zone dropped; dates are UTC.",))
    if wall.is_monotonic_decreasing and wall.is_unique:
        return Dates(wall, ("Time zone dropped; dates are local time.",))
    return Dates(instants, ("Dates converted to UTC, since local time repeats or skips an hour.",))


def _refuse_rows(
    table: Table, cells: pd.Series, column: str, faulty: np.ndarray, rule: str, remedy: str = _OTHER_FORMAT
) -> None:
    if faulty.any():
        raise refusal(table, list(cells.index[faulty]), column, rule, remedy)

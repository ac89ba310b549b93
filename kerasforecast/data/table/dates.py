"""A column of dates, however written, to a tz-naive index: one format for all rows, or a refusal with an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import extent
from kerasforecast.data.table import words
from kerasforecast.data.table.formats import ISO, ZONE, Way, pattern, unit_of, way_of
from kerasforecast.data.table.layout import FIRST_YEAR, LAST_YEAR, instants, iso_layout, read_layout
from kerasforecast.data.table.periods import PERIODS, WEEK, first_days, weekday_given
from kerasforecast.data.table.table import Table, refusal
from kerasforecast.data.table.zones import minutes_of, of_one_place, steps_within, without_zone
from kerasforecast.errors import DataError, shown

_OTHER_FORMAT = "Correct the row, or give --date-format."
_NO_FORMAT = "Give --date-format or --date-column, or rename the column if it holds no dates."
_EXCEL = "If these are days as Excel counts them, format the cells as dates before the export."
_ABSENT = "Give it a date, or remove the row."
_ONE_ZONE = "Write all times with their offset from UTC, of one place, or all in UTC."
_PLAIN = {"%Y": "Y", "%Y%m": "Ym", "%Y%m%d": "Ymd"}  # whole numbers that arithmetic takes apart
SAMPLE = 100
_UNITS, _NEXT_UNIT = ("s", "ms", "us", "ns"), (10**11, 10**14, 10**17)  # as many of a unit make centuries


@dataclass(frozen=True)
class Dates:
    """Dates of a table's rows.

    Attributes:
        index: tz-naive, one entry per row, in the table's order.
        notes: What was detected, one sentence each.
    """

    index: pd.DatetimeIndex
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    """The cells to read and where they stand, for refusals."""

    table: Table
    cells: pd.Series
    name: str
    owner: np.ndarray | None = None
    utc: bool = False

    def of(self, cells: pd.Series) -> _Column:
        return replace(self, cells=cells)

    def refuse(self, faulty: np.ndarray | pd.Series, rule: str, remedy: str = _OTHER_FORMAT) -> None:
        """Raise where a row is faulty."""
        faulty = np.asarray(faulty, dtype=bool)
        if faulty.any():
            raise refusal(self.table, list(self.cells.index[faulty]), self.name, rule, remedy)


def read_dates(
    table: Table, cells: pd.Series, date_format: str | None, owner: np.ndarray | None = None, *, utc: bool = False
) -> Dates:
    """The dates in `cells`.

    Args:
        table: Where the rows came from, for messages.
        cells: The date column; its index holds the rows' positions in the table.
        date_format: strptime format, or `None` to find one that fits every row.
        owner: `(rows,)` which of several series each belongs to.
        utc: Whether times that carry their offset become UTC in any case.

    Raises:
        DataError: A row has no date, another format, another time zone, or a year outside 1678..2261.
    """
    column = _Column(table, cells, str(cells.name), owner, utc)
    if isinstance(cells.dtype, pd.PeriodDtype):
        dates = Dates(pd.DatetimeIndex(cells.dt.to_timestamp()))
    elif pd.api.types.is_datetime64_any_dtype(cells.dtype):
        index = pd.DatetimeIndex(cells)
        if index.hasnans:
            column.refuse(cells.isna(), "expected a date", _ABSENT)
        dates = Dates(index) if index.tz is None else _zoned(index.tz_convert("UTC"), index.tz_localize(None), column)
    else:
        dates = (_from_numbers(column) if date_format is None else None) or _from_text(column, date_format)
    first, last = extent(dates.index)
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        outside = (dates.index.year < FIRST_YEAR) | (dates.index.year > LAST_YEAR)
        rule = f"expected a year from {FIRST_YEAR} to {LAST_YEAR}"
        column.refuse(outside, rule, "Correct the date, or remove the row.")
    return Dates(dates.index.rename(None), dates.notes)


def epoch_unit(sample: Iterable[object]) -> str | None:
    """The unit of Unix times in which the cells of `sample` are written, or `None` where they are none."""
    way = way_of([str(cell) for cell in sample])
    return unit_of(str(next(iter(sample)))) if way is not None and way.kind == "epoch" else None


def as_text(cells: pd.Series) -> pd.Series:
    """Cells as text without spaces around it, empty where one is missing."""
    if isinstance(cells.dtype, pd.StringDtype):
        return stripped(cells)
    if isinstance(cells.dtype, pd.PeriodDtype):
        cells = cells.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        midnight = (cells.dropna() == cells.dropna().dt.normalize()).all()
        return cells.dt.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S").fillna("")
    if pd.api.types.is_float_dtype(cells.dtype) and _whole(cells.dropna()):
        cells = cells.astype("Int64")  # a gap had turned whole numbers into floats
    return cells.astype(object).map(lambda cell: "" if _is_missing(cell) else str(cell).strip())


def _is_missing(cell: object) -> bool:
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))


def _whole(numbers: pd.Series) -> bool:
    return bool(((numbers % 1 == 0) & (numbers.abs() < 2**53)).all())


def stripped(cells: pd.Series) -> pd.Series:
    """Text without spaces around it, empty where it is missing; a long column is copied only where it must be."""
    cells = cells.fillna("") if cells.hasnans else cells
    blank = (" ", "\t")
    padded = cells.str.startswith(blank).any() or cells.str.endswith(blank).any()
    return cells.str.strip() if padded else cells


def _from_numbers(column: _Column) -> Dates | None:
    """Unix times and dates as whole numbers by arithmetic; `None` where the cells are neither."""
    cells = column.cells
    if not pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_bool_dtype(cells.dtype):
        return None
    way = way_of(as_text(cells.iloc[:SAMPLE].dropna()).tolist())
    if way is None or not (way.width or way.kind == "epoch"):
        return None
    column.refuse(cells.isna(), "expected a date", _ABSENT)
    if way.kind == "epoch":
        return _from_epoch(column)
    if len(way.forms) > 1 or way.forms[0] not in _PLAIN or not pd.api.types.is_integer_dtype(cells.dtype):
        return None
    number, parts = cells.to_numpy(dtype=np.int64), {}
    wrong = (number < 10 ** (way.width - 1)) | (number >= 10**way.width)
    for code in reversed(_PLAIN[way.forms[0]]):
        number, parts[code] = np.divmod(number, 10_000 if code == "Y" else 100)
    found = instants(parts)
    column.refuse(np.isnat(found) | wrong, f"expected a date ({way.forms[0]}, as in other rows)")
    return Dates(pd.DatetimeIndex(found), (f"Date format {way.forms[0]} detected.",))


def _from_text(column: _Column, date_format: str | None) -> Dates:
    column = column.of(as_text(column.cells))
    column.refuse(column.cells == "", "expected a date", _ABSENT)
    if date_format is not None:
        return _as_given(column, date_format)
    way = way_of(column.cells.iloc[:SAMPLE].tolist())
    if way is None:
        remedy = _EXCEL if column.cells.iloc[:SAMPLE].str.fullmatch(r"[2-7]\d{4}").all() else _NO_FORMAT
        raise refusal(column.table, list(column.cells.index), column.name, "expected a date", remedy)
    return _by(column, way)


def _by(column: _Column, way: Way) -> Dates:
    if way.zoned:
        return _with_offsets(column)
    if way.kind == "epoch":
        return _from_epoch(column)
    if way.kind in (WEEK, *PERIODS):
        return _from_periods(column, way.kind)
    if way.named:
        column = column.of(column.cells.map(words.in_english))
    return _by_form(column, way)


def _as_given(column: _Column, form: str) -> Dates:
    if "%b" in form.casefold() and column.cells.iloc[:SAMPLE].map(words.foreign).any():
        column, form = column.of(column.cells.map(words.in_english)), form.replace("%B", "%b")
    try:
        if "%z" in form:
            return _with_given_offsets(column, form)
        (found,) = _converted(column.cells, form)
    except ValueError as error:
        raise DataError(
            f"--date-format must be a strptime format. Received: {shown(form)} ({error}). Use e.g. %Y-%m-%d."
        ) from None
    if pd.api.types.is_object_dtype(found) or getattr(found.dt, "tz", None) is not None:
        raise DataError(f"--date-format takes offsets from UTC as %z. Received: {shown(form)}. Write them as +0100.")
    column.refuse(found.isna(), f"expected a date ({form}, as --date-format says)")
    return Dates(pd.DatetimeIndex(found))


def _by_form(column: _Column, way: Way) -> Dates:
    parsed = dict(zip(way.forms, _converted(column.cells, *way.forms), strict=True))
    if way.width:  # strptime would read 196012 as the 2nd of January
        strange = column.cells.str.len() != way.width
        parsed = {form: found.mask(strange) for form, found in parsed.items()}
    whole = [form for form in way.forms if parsed[form].notna().all()]
    if not whole:
        best = max(way.forms, key=lambda form: parsed[form].notna().sum())
        written = "YYYY-MM-DD" if best == ISO else best
        column.refuse(parsed[best].isna(), f"expected a date ({written}, as in other rows)")
    if len(whole) > 1:
        whole = [form for form in whole if _one_way(parsed[form], column.owner)] or whole
    if any(not parsed[form].equals(parsed[whole[0]]) for form in whole[1:]):
        raise refusal(column.table, list(column.cells.index[:1]), column.name, _rule(whole), _either(whole))
    return Dates(pd.DatetimeIndex(parsed[whole[0]]), () if whole[0] == ISO else (f"Date format {whole[0]} detected.",))


def _converted(cells: pd.Series, *forms: str) -> list[pd.Series]:
    """Dates of `cells` by each of `forms`, NaT where one is not written so."""
    layouts = [iso_layout(cells.iloc[0]) if form == ISO else form for form in forms]
    found = read_layout(cells, [layout or "" for layout in layouts])
    if found is not None:
        return [pd.Series(dates, index=cells.index) for dates in found]
    return [pd.to_datetime(cells, format=form, errors="coerce") for form in forms]


def _one_way(dates: pd.Series, owner: np.ndarray | None) -> bool:
    if owner is None:
        return bool(dates.is_monotonic_increasing or dates.is_monotonic_decreasing)
    steps, of = steps_within(dates.to_numpy(dtype="datetime64[us]").astype(np.int64), owner)
    return not len(np.intersect1d(of[steps > 0], of[steps < 0]))


def _rule(forms: Sequence[str]) -> str:
    years = {(form.upper().index("%Y"), "%d" in form) for form in forms}
    return f"{'the day and the month' if len(years) == 1 else 'the year, the month and the day'} cannot be told apart"


def _either(forms: Sequence[str]) -> str:
    return f"Use --date-format {' or '.join(map(repr, forms))}."


def _from_epoch(column: _Column) -> Dates:
    """Unix times; the digits of each tell its unit: what is a date in one lies centuries away in the others."""
    cells = column.cells
    numbers = cells if pd.api.types.is_numeric_dtype(cells.dtype) else pd.to_numeric(cells, errors="coerce")
    faulty = (numbers.isna() | (numbers < 0) | (numbers >= 2**63)).to_numpy(dtype=bool)
    known = numbers[~faulty]
    first, last = (int(np.searchsorted(_NEXT_UNIT, edge, side="right")) for edge in (known.min(), known.max()))
    column.refuse(faulty, f"expected a Unix time in {_UNITS[first]}")
    given = numbers.to_numpy(dtype=np.int64 if pd.api.types.is_integer_dtype(numbers.dtype) else np.float64)
    if first == last and given.dtype.kind == "i":
        return _unix(given.view(f"datetime64[{_UNITS[first]}]"), _UNITS[first])
    units = np.searchsorted(_NEXT_UNIT, given, side="right")
    per_us = np.array([10**6, 10**3, 1, 1])[units]
    micros = given // np.where(units == 3, 1_000, 1) * per_us if given.dtype.kind == "i" else np.round(given * per_us)
    return _unix(micros.astype("datetime64[us]"), *(_UNITS[unit] for unit in np.unique(units)))


def _unix(times: np.ndarray, *units: str) -> Dates:
    return Dates(pd.DatetimeIndex(times), (f"Dates are Unix times in {' and '.join(units)}, taken as UTC.",))


def _from_periods(column: _Column, kind: str) -> Dates:
    found = first_days(column.cells, kind)
    column.refuse(np.isnat(found), f"expected {'an' if kind == WEEK else 'a'} {kind}, as in other rows")
    if kind == WEEK:
        whole = not column.cells.iloc[:SAMPLE].map(weekday_given).any()
        return Dates(pd.DatetimeIndex(found), ("ISO weeks are dated by their Monday.",) if whole else ())
    return Dates(pd.DatetimeIndex(found), (f"{kind.capitalize()}s are dated by their first day.",))


def _with_offsets(column: _Column) -> Dates:
    parts = column.cells.str.extract(ZONE)
    minutes = _offsets(column, parts[1])
    local = _from_text(column.of(parts[0]), None)
    utc = (local.index - pd.to_timedelta(minutes, unit="min")).tz_localize("UTC")
    read = _zoned(utc, local.index, column)
    return replace(read, notes=(*local.notes, *read.notes))


def _with_given_offsets(column: _Column, form: str) -> Dates:
    utc = pd.to_datetime(column.cells, format=form, errors="coerce", utc=True)
    column.refuse(utc.isna(), f"expected a date ({form}, as --date-format says)")
    minutes = _offsets(column, column.cells.str.extract(pattern(form))[0])
    moments = pd.DatetimeIndex(utc)
    return _zoned(moments, moments.tz_localize(None) + pd.to_timedelta(minutes, unit="min"), column)


def _offsets(column: _Column, offsets: pd.Series) -> np.ndarray:
    """Minutes ahead of UTC in each row; all of one place."""
    rule = "expected one time zone in all rows"
    column.refuse(offsets.isna(), rule, _ONE_ZONE)
    minutes = offsets.map({text: minutes_of(text) for text in offsets.unique()})
    if not of_one_place(minutes):
        column.refuse(minutes != minutes.iloc[0], rule, _ONE_ZONE)
    return minutes.to_numpy(dtype=np.int64)


def _zoned(utc: pd.DatetimeIndex, wall: pd.DatetimeIndex, column: _Column) -> Dates:
    if column.utc and not (wall == wall.normalize()).all():  # days alone are no instants
        return Dates(utc.tz_localize(None), ("Dates converted to UTC.",))
    index, note = without_zone(utc, wall, column.owner)
    return Dates(index, (note,))

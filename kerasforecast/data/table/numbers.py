"""Columns of numbers: what is text, written in marks or infinite, each with its address."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from kerasforecast.data.finite import all_finite
from kerasforecast.data.numerals import digits
from kerasforecast.data.table.table import SHOWN_FAULTS, Table, counted, refusal
from kerasforecast.data.table.text import is_text
from kerasforecast.data.table.written import Written, groups_of_thousand, is_missing, read_written
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

_CORRECT = "Correct the value."
_CORRECT_OR_DROP = "Correct the value, or empty the cell and use --missing drop."
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.' ])\d{3}(\1\d{3})*([.,]\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_TRUTH = {"true": 1.0, "false": 0.0}
_SAMPLE = 10_000  # rows that show how a table writes fractions
_FEW = 1_000


def without_blank_rows(
    table: Table, columns: list[str], dates: str | None, policy: str, labels: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """The table's rows less those that hold no value at all, as data sources write holidays.

    Where `--missing` says how to fill, rows that have a date are kept for it. A table of one value column loses only
    rows whose cell is really empty: a written `NaN` is a missing value.

    Args:
        table: As it was read.
        columns: Those that are used.
        dates: The column of dates, if any.
        policy: `--missing`.
        labels: Columns that say which series a row belongs to, or what that is like: no values of a row.

    Raises:
        DataError: No row holds a value.
    """
    values = [name for name in table.frame.columns if name != dates and name not in labels]
    frame = table.frame
    if not any(_has_gaps(frame[name]) for name in columns):
        return frame, []
    blank = frame[values].isna().all(axis=1).to_numpy(copy=True)
    if len(values) == 1:
        blank &= table.locator.empty(values[0])
    undated = np.zeros_like(blank) if dates is None else frame[dates].isna().to_numpy()
    if policy in ("ffill", "interpolate") and dates is not None:
        blank &= undated
    if blank.all():
        raise DataError(
            f"{table.name}: expected values in {', '.join(map(str, values))}. Received: only empty cells. Give data."
        )
    return frame[~blank], _dropped(blank, undated)


def _dropped(blank: np.ndarray, undated: np.ndarray) -> list[str]:
    """What to say of the rows `(rows,)` that hold no value: those without a date, as spreadsheets end in, are none."""
    empty, holidays = int((blank & undated).sum()), int((blank & ~undated).sum())
    said = [f"{counted(holidays)} without any value dropped (holidays of the source)."] if holidays else []
    return [*said, f"{counted(empty)} without a date or any value dropped."] if empty else said


def _has_gaps(cells: pd.Series) -> bool:
    """Whether a cell is missing; plain numbers without any are told by their sum."""
    if cells.dtype == np.float64 and all_finite(cells.to_numpy()):
        return False
    return bool(cells.isna().any())


def as_numbers(
    table: Table, rows: pd.DataFrame, columns: Sequence[str], config: DataConfig, *, droppable: bool = True
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The columns of `rows` as float64 `(rows,)`, NaN where a value is missing, and what was decided about them.

    Args:
        table: Where the rows came from, for messages.
        rows: Rows of its frame.
        columns: Those to read.
        config: The marks in numbers, where they were given.
        droppable: Whether rows may be missing, so that a message may say so.

    Raises:
        DataError: A cell holds text that is no number, or may be two; or an infinite number.
    """
    found: dict[str, np.ndarray] = {}
    notes: list[str] = []
    correct = _CORRECT_OR_DROP if droppable else _CORRECT
    for column in columns:
        found[column], said = _column(table, rows[column], config, correct)
        notes += said
    return found, notes


def _column(table: Table, cells: pd.Series, config: DataConfig, correct: str) -> tuple[np.ndarray, list[str]]:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(cells.cat.categories.dtype)
    notes: list[str] = []
    if pd.api.types.is_bool_dtype(cells.dtype) or _says_true_or_false(cells):
        numbers, notes = _from_truth(cells), [f"Column {cells.name}: True counts as 1, False as 0."]
    elif pd.api.types.is_numeric_dtype(cells.dtype):
        numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers, notes = _from_text(table, cells, config, correct)
    if pd.api.types.is_integer_dtype(cells.dtype):
        return numbers, notes  # neither infinite, nor in fractions that may be thousands
    if not all_finite(numbers) and (infinite := np.isinf(numbers)).any():
        raise refusal(table, cells.index[infinite].tolist(), str(cells.name), "expected a finite number", correct)
    as_text = table.decimal is not None or is_text(cells.dtype)
    if as_text and config.decimal is None and config.thousands is None:
        _refuse_thousands(table, cells, numbers, table.decimal or ".")
    return numbers, notes


def _says_true_or_false(cells: pd.Series) -> bool:
    if not is_text(cells.dtype):
        return False
    words = (str(cell).strip().casefold() for cell in cells if not (is_missing(cell) or pd.isna(cell)))
    return next(words, "") in _TRUTH and all(word in _TRUTH for word in words)


def _from_truth(cells: pd.Series) -> np.ndarray:
    found = [np.nan if pd.isna(cell) else _TRUTH.get(str(cell).strip().casefold(), np.nan) for cell in cells]
    return np.array(found, dtype=np.float64)


def _from_text(table: Table, cells: pd.Series, config: DataConfig, correct: str) -> tuple[np.ndarray, list[str]]:
    column = str(cells.name)
    if not is_text(cells.dtype):
        raise refusal(table, cells.index.tolist(), column, "expected a number", "Choose another column.")
    if config.thousands is None and "," not in (config.decimal, table.decimal):  # pandas takes points alone
        numbers = pd.to_numeric(cells, errors="coerce")
        odd = cells[numbers.isna() & cells.notna()]
        if all(map(is_missing, odd)):
            return numbers.to_numpy(dtype=np.float64, na_value=np.nan), []
    usual = _usual_decimal(table, column)
    texts = [None if blank else cell for cell, blank in zip(cells.tolist(), cells.isna(), strict=True)]
    written = read_written(texts, config.decimal, config.thousands, usual)
    if written.faulty.any():
        rows = cells.index[written.faulty].tolist()
        others = bool(np.isfinite(written.numbers).any())  # then a mark in all cells is not the fault
        remedy = correct if others else _text_remedy(table.raw(rows[:SHOWN_FAULTS], column)[0], correct)
        raise refusal(table, rows, column, _rule(written), remedy)
    if written.ambiguous:
        raise _two_readings(table, cells, written)
    return written.numbers, _reading_notes(column, written, plain=_COMMA if table.decimal == "," else None)


def _rule(written: Written) -> str:
    """What a cell of the column must be."""
    like = written.examples[0][0] if written.examples else None
    return f"expected a number written as in other rows, {shown(like, 30)}" if like else "expected a number"


def _usual_decimal(table: Table, beside: str) -> str | None:
    """The mark before fractions in the plain numbers of a text table's other columns; `None` where they show none."""
    for name, dtype in table.frame.dtypes.items() if table.decimal else ():
        if name != beside and pd.api.types.is_float_dtype(dtype):
            values = table.frame[name].to_numpy()[:_SAMPLE]
            with np.errstate(all="ignore"):  # a table may hold numbers of any size
                short = np.abs(values * 100 - np.rint(values * 100)) < 1e-6
                three = np.abs(values * 1000 - np.rint(values * 1000)) < 1e-6
                fractions = values % 1 != 0
            if ((short & fractions) | (np.isfinite(values) & ~three)).any():
                return table.decimal  # three digits alone could be a thousand
    return None


def _two_readings(table: Table, cells: pd.Series, written: Written) -> DataError:
    """The refusal of a column whose marks may stand before thousands or before fractions."""
    decimals, thousands = sorted(written.ambiguous, key=lambda marks: marks.thousands is not None)
    rows = [row for row, cell in cells.items() if isinstance(cell, str) and decimals.decimal in cell]
    first = next((str(cells[row]) for row in rows), "")
    readings = [read_written([first], marks.decimal, marks.thousands, None) for marks in (thousands, decimals)]
    one, other = (float(reading.numbers[0]) for reading in readings)
    return _one_reading(table, rows or cells.index.tolist(), str(cells.name), (one, other), decimals.decimal)


def _one_reading(table: Table, rows: list[int], column: str, both: tuple[float, float], mark: str) -> DataError:
    return refusal(
        table,
        rows,
        column,
        f"expected a number with one reading, not {digits(both[0])} or {digits(both[1])}",
        f"Use --thousands {shown(mark)} for the first, --decimal {shown(mark)} for the other.",
    )


def _reading_notes(column: str, written: Written, plain: re.Pattern[str] | None) -> list[str]:
    """One sentence that shows how a column was read by what became of some cells, other than `plain` ones."""
    odd = [(cell, number) for cell, number in written.examples if not (plain and plain.fullmatch(cell))]
    shows = ", ".join(f"{shown(cell, 30)} is {digits(number)}" for cell, number in odd)
    return [f"Column {column}: {shows}."] if shows else []


def _refuse_thousands(table: Table, cells: pd.Series, numbers: np.ndarray, mark: str) -> None:
    """Refuse `977` before `1.022`, where the mark taken for a decimal one stands between thousands.

    Three digits after every mark, whole numbers beside them, and a series that runs on more evenly so, leave no doubt
    that it may be; which it is only the user knows. Where no whole number stands beside them, a point is a decimal
    point, as in prices of petrol, and a comma may be either.
    """
    column, few = str(cells.name), numbers[:_FEW]
    if not _may_hold_thousands(few):
        return
    first_broken = cells.index[:_FEW][np.isfinite(few) & (few % 1 != 0)][:SHOWN_FAULTS].tolist()
    if not all(groups_of_thousand(text, mark) for text in table.raw(first_broken, column)):
        return  # as nearly all do: two decimals somewhere in the first rows, before all are looked at
    if not _may_hold_thousands(numbers):
        return
    rows, sizes = cells.index[np.isfinite(numbers)], numbers[np.isfinite(numbers)]
    broken = rows[sizes % 1 != 0][:SHOWN_FAULTS].tolist()
    if not broken or not all(groups_of_thousand(text, mark) for text in table.raw(broken, column)):
        return
    grouped = [groups_of_thousand(text, mark) for text in table.raw(rows.tolist(), column)]
    if None in grouped or _usual_decimal(table, column) == mark:
        return
    held = np.array(grouped, dtype=bool)
    thousands = np.where(held, sizes * 1000, sizes)
    if _unevenness(thousands) < _unevenness(sizes) / 2 or (held.all() and mark == ","):
        first = int(np.argmax(held))
        raise _one_reading(table, rows[held].tolist(), column, (thousands[first], sizes[first]), mark)


def _may_hold_thousands(numbers: np.ndarray) -> bool:
    """Whether all numbers are below 1,000 and have three decimals at most."""
    for first in range(0, len(numbers), _SAMPLE):  # most columns are known by their first rows
        part = numbers[first : first + _SAMPLE]
        size = np.abs(part[np.isfinite(part)])
        if not (size < 1000).all():
            return False
        size *= 1000
        if not (np.abs(size - np.rint(size)) < 1e-6).all():
            return False
    return True


def _unevenness(values: np.ndarray) -> float:
    """How far a series runs up and down on a scale of ratios."""
    return float(np.abs(np.diff(np.log1p(np.abs(values)))).sum())


def _text_remedy(text: str, correct: str) -> str:
    mark = _THOUSANDS.fullmatch(text)
    if mark:
        return f"Use --thousands {shown(mark.group(1))} if that is a mark between thousands."
    if _COMMA.fullmatch(text):
        return "Use --decimal ',' if that is a decimal comma."
    return correct

"""Columns of numbers: what is text, missing, infinite, not positive or constant, each with its address."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import is_price
from kerasforecast.data.table.order import positions
from kerasforecast.data.table.table import SHOWN_FAULTS, Table, counted, refusal
from kerasforecast.errors import DataError, shown

_FILL = "Use --missing drop to skip such rows (or ffill, interpolate)."
_CORRECT = "Correct the value, or empty the cell and use --missing drop."
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.' ])\d{3}(\1\d{3})*([.,]\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_MONEY = re.compile(r"[$€£¥%]")


def without_blank_rows(
    table: Table, columns: list[str], dates: str | None, policy: str
) -> tuple[pd.DataFrame, list[str]]:
    """The table's rows less those that hold no value at all, as data sources write holidays.

    Where `--missing` says how to fill, rows that have a date are kept for it. A table of one value column loses only
    rows whose cell is really empty: a written `NaN` is a missing value.
    """
    values = [name for name in table.frame.columns if name != dates]
    frame = table.frame
    if not frame[columns].isna().any(axis=None):
        return frame, []
    blank = frame[values].isna().all(axis=1).to_numpy(copy=True)
    if len(values) == 1:
        blank &= table.locator.empty(values[0])
    if policy in ("ffill", "interpolate") and dates is not None:
        blank &= frame[dates].isna().to_numpy()
    if blank.all():
        raise DataError(
            f"{table.name}: expected values in {', '.join(map(str, values))}. Received: only empty cells. Give data."
        )
    dropped = int(blank.sum())
    return frame[~blank], [f"{counted(dropped)} without any value dropped (holidays of the source)."] if dropped else []


def as_numbers(table: Table, cells: pd.Series, thousands: str | None = None) -> np.ndarray:
    """`cells` as `(n,)` float64, NaN where a value is missing.

    Args:
        table: Where the rows came from, for messages.
        cells: One column; its index holds the rows' positions in the table.
        thousands: Mark between thousands to take out of text.

    Raises:
        DataError: A cell holds text or an infinite number.
    """
    if pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype):
        numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers = _from_text(table, cells, thousands)
    infinite = np.isinf(numbers)
    if infinite.any():
        rows = cells.index[infinite].tolist()
        raise refusal(table, rows, str(cells.name), "expected a finite number", _CORRECT)
    return numbers


def _from_text(table: Table, cells: pd.Series, thousands: str | None) -> np.ndarray:
    text = cells
    if thousands is not None and not pd.api.types.is_bool_dtype(cells.dtype):  # pandas' reader takes commas and points
        text = cells.astype("str").str.replace(thousands, "", regex=False).str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(text, errors="coerce")
    faulty = (numbers.isna() & cells.notna()).to_numpy()
    if pd.api.types.is_bool_dtype(cells.dtype):
        faulty = cells.notna().to_numpy()
    if faulty.any():
        rows = cells.index[faulty].tolist()
        text = table.raw(rows[:SHOWN_FAULTS], str(cells.name))[0]
        raise refusal(table, rows, str(cells.name), "expected a number", _text_remedy(text))
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def _text_remedy(text: str) -> str:
    mark = _THOUSANDS.fullmatch(text)
    if mark:
        return f"Use --thousands {shown(mark.group(1))} if that is a mark between thousands."
    if _COMMA.fullmatch(text):
        return "Use --decimal ',' if that is a decimal comma."
    if _MONEY.search(text):
        return "Remove the sign; a column holds bare numbers."
    return _CORRECT


def filled(table: Table, frame: pd.DataFrame, columns: list[str], policy: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows of `frame` without missing values, by `--missing`.

    Raises:
        DataError: A value is missing and the policy is `error`, or nothing is left.
    """
    missing = frame[columns].isna()
    lacking = missing.any(axis=1).to_numpy()
    if not lacking.any():
        return frame, []
    if policy == "error":
        column = next(name for name in columns if missing[name].any())
        rows = positions(frame)[missing[column].to_numpy()].tolist()
        raise refusal(table, rows, column, "expected a number", _FILL)
    if policy != "drop":
        way = "time" if isinstance(frame.index, pd.DatetimeIndex) and frame.index.is_unique else "linear"
        values = frame[columns]
        values = values.ffill() if policy == "ffill" else values.interpolate(way, limit_area="inside")
        frame = frame.assign(**{name: values[name] for name in columns})
    kept = frame[columns].notna().all(axis=1).to_numpy()
    if not kept.any():
        raise DataError(f"{table.name}: no complete row is left. Received: --missing {policy}. Fill the columns first.")
    return frame[kept], _filled_notes(int(lacking.sum()), int((~kept).sum()), policy)


def _filled_notes(lacking: int, dropped: int, policy: str) -> list[str]:
    notes = []
    if lacking > dropped:
        seen = ", which looks at the row after the gap" if policy == "interpolate" else ""
        notes.append(f"{counted(lacking - dropped)} with missing values filled by --missing {policy}{seen}.")
    if dropped:
        notes.append(f"{counted(dropped)} with missing values dropped.")
    return notes


def check_values(table: Table, frame: pd.DataFrame, columns: list[str], positive_prices: bool) -> None:
    """Refuse what no forecast can be made from: too few rows, prices at or below zero, a constant target.

    Raises:
        DataError: One of these holds.
    """
    if len(frame) < 2:
        raise DataError(f"{table.name}: expected at least 2 rows. Received: {len(frame)}. Give a longer table.")
    for column in columns if positive_prices else ():
        if is_price(column) and (low := frame[column].to_numpy() <= 0).any():
            raise refusal(
                table,
                positions(frame)[low].tolist(),
                column,
                "prices must be positive for log returns",
                "Use --scaling difference (or minmax, standard) to accept such values.",
            )
    target = frame[columns[0]].to_numpy()
    if (target == target[0]).all():
        raise DataError(
            f"{table.name}: column {columns[0]}: expected values that change. Received: {float(target[0])!r} in all "
            f"{len(frame)} rows. Choose another column with --target."
        )

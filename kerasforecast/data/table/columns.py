"""Names of columns: how they are compared, and which is forecast, by name unless given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

import pandas as pd

from kerasforecast.data.table.table import Table, listed
from kerasforecast.data.table.written import is_missing, looks_like_numbers
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

DATE_NAMES = (
    "date",
    "datetime",
    "date time",
    "ds",
    "timestamp",
    "time",
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "period",
)
TARGET_NAMES = ("close", "close last", "adj close", "y", "value", "target")
PRICE_NAMES = ("open", "high", "low", "close", "close last", "adj close", "price")
_COUNTS = {"volume", "vol", "vol.", "volumes", "count", "counts", "trades"}
_LABELS = {"id", "index"}
_SAMPLE = 100


def same(name: object) -> str:
    """`name` as compared: no case, `_`, `/` and spaces alike, without the brackets of MetaTrader's `<CLOSE>`."""
    return " ".join(re.sub(r"[_/]|^<|>$", " ", str(name)).split()).casefold()


def find(names: Sequence[str], wanted: str) -> str | None:
    """The column called `wanted`: exactly, else in any case where only one fits."""
    if wanted in names:
        return wanted
    alike = [name for name in names if same(name) == same(wanted)]
    return alike[0] if len(alike) == 1 else None


def named_columns(config: DataConfig) -> tuple[str, ...]:
    """The columns that options name, none of which holds the dates or the order of rows."""
    return (config.target or "", *config.targets, *config.past, *config.known, *config.static)


def is_price(name: str) -> bool:
    """Whether a column's name says that it holds prices."""
    return same(name) in PRICE_NAMES


def is_count(name: str) -> bool:
    """Whether a column's name says that it holds a volume or another count, which may be zero."""
    return not _COUNTS.isdisjoint(re.split(r"[^\w.]+", same(name)))


def given_date_column(names: Sequence[str], wanted: str, place: str) -> str:
    """The column of dates that `--date-column` names.

    Raises:
        DataError: There is none of that name.
    """
    return named_column(names, wanted, "--date-column", place)


def target_column(table: Table, dates: str | None, config: DataConfig) -> tuple[str, list[str]]:
    """The column to forecast and what to say about the choice.

    Raises:
        DataError: It is absent, or none can be found by name.
    """
    names = [name for name in table.frame.columns if name != dates]
    if config.target is not None:
        return named_column(names, config.target, "--target", table.name), []
    for candidate in TARGET_NAMES:
        found = find(names, candidate)
        if found is not None:
            return found, _adjusted_hint(names, found)
    claimed = {same(name) for name in (*config.past, *config.known, *config.static)}
    numeric = [name for name in names if same(name) not in claimed and holds_numbers(table.frame[name])]
    remedy = _remedy(names)
    if len(numeric) == 1:
        only = numeric[0]
        if not _never_meant(only):
            return only, [f"Target column {only}: the only column of numbers."]
        remedy = f"{only}, the only column of numbers, is taken only if named: give --target {shown(only)}."
    elif len(numeric) > 1 and config.id is None and (dates is None or table.frame[dates].is_unique):
        remedy = f"{remedy} Or --targets all, where each column is a series."
    raise DataError(
        f"{table.name}: no column Close (or Adj Close, y, value) to forecast. "
        f"Received: {listed(names) or 'no columns beside the dates'}. {remedy}"
    )


def holds_numbers(cells: pd.Series) -> bool:
    """Whether a column holds numbers, be it as text that is money, percent or the like, readable or not."""
    if pd.api.types.is_bool_dtype(cells.dtype):
        return False
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return True
    sample = (cell for cell in cells if isinstance(cell, str) and not is_missing(cell))
    return looks_like_numbers(list(islice(sample, _SAMPLE)))


def is_label(name: str) -> bool:
    """Whether a column's name says that it tells rows apart."""
    return same(name) in _LABELS


def _never_meant(name: str) -> bool:
    """Whether a column is one that nobody forecasts without saying so: a count, or what tells rows apart."""
    return is_count(name) or is_label(name)


def named_column(names: Sequence[str], wanted: str, option: str, place: str) -> str:
    """The column that an option names.

    Raises:
        DataError: There is none of that name.
    """
    found = find(names, wanted)
    if found is None:
        raise DataError(
            f"{place}: {option} must name a column. Received: {shown(wanted)}. Columns: {listed(names)}. "
            f"{_remedy(names, option)}"
        )
    return found


def _remedy(names: Sequence[str], option: str = "--target") -> str:
    if len(names) == 1:
        for separator in (";", "\t", "|", ",", ":", " "):
            if separator in names[0]:
                return f"There is one column; give --separator {separator!r} to cut it."
    return f"Give {option} NAME."


def _adjusted_hint(names: Sequence[str], found: str) -> list[str]:
    if same(found) == "close" and find(names, "adj close") is not None:
        return [f"Target column {found}; --target '{find(names, 'adj close')}' takes adjusted prices."]
    return []

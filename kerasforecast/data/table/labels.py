"""What numbers the rows: a DataFrame's index, or the column that one becomes when it is reset or written."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import DATE_NAMES, named_columns, same
from kerasforecast.data.table.dates import FIRST_YEAR, LAST_YEAR, epoch_unit, read_dates
from kerasforecast.data.table.order import falling, turned
from kerasforecast.data.table.stack import Stack
from kerasforecast.data.table.table import Table, counted
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

# What an index is called that was written without its name (by pandas, by others), or by reset_index().
_LEFT_OVER = ("unnamed: 0", "column 1", "level 0", "index")
_STEPS = ("ds", "time", "timestamp", "period")  # names of dates under which some number their steps instead
_DATE_FORMATS = {6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_SAMPLE = 100


@dataclass(frozen=True)
class RowLabels:
    """What is known of the order of rows before any date is read.

    Attributes:
        called: What the user knows the labels as, e.g. `"the index"`.
        numbers: `(rows,)` int64 by position; `None` where the labels are no whole numbers.
        remedy: How to put the rows into order, a sentence.
        steps: Whether they are steps in time, and so of each of several series, or number all rows of a table.
    """

    called: str
    numbers: np.ndarray | None
    remedy: str
    steps: bool = False


def with_labels(
    table: Table, config: DataConfig, codes: np.ndarray | None = None
) -> tuple[Table, DataConfig, RowLabels | None]:
    """Settle what the labels of rows are: dates to be read, or numbers that show the order, which are no column then.

    Args:
        table: Whose index, or a column that was one, holds labels.
        config: An index of dates becomes its `date_column`, where it names no other.
        codes: `(rows,)` which of several series each row belongs to.

    Returns:
        The table without labels that are only numbers, the configuration, and the labels that are no dates.
    """
    column = table.index or _left_over(table.frame)
    if column is None or same(column) in _named(config):
        return table, config, None
    cells = table.frame[column]
    numbers = _whole_numbers(cells)
    if numbers is not None and not _like_dates(numbers, column) and epoch_unit(cells.iloc[:_SAMPLE]) is None:
        if table.index is None and not _surely_left_over(table.frame, column, numbers, codes):
            return table, config, None
        labels = replace(_labels(table, column, numbers), steps=_are_steps(table, column, numbers))
        table, config, inner = with_labels(table.without([column]), config, codes)
        return table, config, inner or labels
    if _hold_dates(table, cells, config):
        return *_dated(table, column, config), None
    return table, config, None if table.index is None else _labels(table, column, None)


def in_order(stack: Stack, labels: RowLabels | None) -> tuple[Stack, list[str]]:
    """Rows of a table without dates in the order of their labels, which become their index.

    Args:
        stack: Its rows as they stand, series by series.
        labels: Of all rows of the table; `None` takes them as they stand.

    Raises:
        DataError: The labels show that the rows are not in order, or say nothing.
    """
    if labels is None:
        return stack, []
    if labels.numbers is None:
        raise _not_in_order(stack, labels)
    stack = replace(stack, index=pd.Index(labels.numbers[stack.positions]))
    return _each_in_order(stack, labels) if stack.key is not None else _one_in_order(stack, labels)


def _one_in_order(stack: Stack, labels: RowLabels) -> tuple[Stack, list[str]]:
    numbers = stack.index.to_numpy()
    steps = np.diff(numbers)
    if not ((steps > 0).all() or (steps < 0).all()) or not _mostly_one(np.abs(steps)):
        raise _not_in_order(stack, labels)
    absent = int(np.abs(steps).sum() // np.abs(steps).min()) - len(steps) if len(steps) else 0
    falls = np.array([len(steps) > 0 and bool(steps[0] < 0)])
    stack, notes = turned(stack, falls, f"from last to first by {labels.called}")
    if absent:
        first = numbers[int(np.argmax(np.abs(steps) > np.abs(steps).min()))]
        notes.append(
            f"{labels.called.capitalize()} leaves out {counted(absent, 'step')}, first after {first}: "
            "rows are taken as one after another."
        )
    return stack, notes


def _each_in_order(stack: Stack, labels: RowLabels) -> tuple[Stack, list[str]]:
    """As `in_order`, where labels run in each of several series: by steps in time, or only the one way."""
    falls, disordered = falling(stack)
    steps = np.diff(stack.stamps, prepend=0)
    steps[stack.first] = 1
    if (disordered | (steps == 0)).any():
        raise _not_in_order(stack, labels, int(np.argmax(disordered | (steps == 0))))
    stack, notes = turned(stack, falls, f"from last to first by {labels.called}")
    inner = np.abs(steps[~stack.first]) if labels.steps else np.empty(0, int)
    gaps = inner > inner.min() if len(inner) else np.zeros(0, bool)
    if gaps.any():
        notes.append(f"{labels.called.capitalize()} leaves out steps in {counted(int(gaps.sum()), 'place')}.")
    return stack, notes


def step_index(stack: Stack, labels: RowLabels | None) -> pd.Index:
    """The integer steps of rows without dates: their own numbers where these rise by one step, else 0, 1, 2, ..."""
    index = stack.index
    if stack.key is not None:
        own = labels is not None and labels.steps
        return index if own else pd.Index(np.arange(len(stack)) - stack.starts[:-1][stack.owner])
    steps = np.diff(index.to_numpy(dtype=np.int64)) if labels is not None else np.empty(0)
    if not len(steps) or (steps != steps[0]).any():
        return pd.RangeIndex(len(index))
    step = int(steps[0])
    return pd.RangeIndex(int(index[0]), int(index[-1]) + step, step)


def _named(config: DataConfig) -> set[str]:
    """Columns that an option names, as compared."""
    return {same(name) for name in (*(config.date_column or "").split(","), *named_columns(config))}


def _left_over(frame: pd.DataFrame) -> str | None:
    first = str(frame.columns[0])
    if len(frame.columns) < 2 or same(first) not in (*_LEFT_OVER, *_STEPS):
        return None
    return first


def _surely_left_over(frame: pd.DataFrame, column: str, numbers: np.ndarray, codes: np.ndarray | None) -> bool:
    """Whether a column numbers the rows: an `index` may as well hold the points of a share index."""
    if codes is not None and (same(column) in _STEPS or len(np.unique(numbers)) < len(numbers)):
        order = np.argsort(codes, kind="stable")
        steps, inner = np.diff(numbers[order]), np.diff(codes[order]) == 0
        back = np.unique(codes[order][1:][inner & (steps <= 0)])
        return not len(back) or bool((steps[inner & np.isin(codes[order][1:], back)] < 0).all())
    if same(column) in _STEPS:
        steps = np.diff(numbers)
        return bool(len(steps) and (steps == steps[0]).all() and steps[0] != 0)
    if len(np.unique(numbers)) < len(numbers):
        return False
    if same(column) != "index":
        return True
    others = frame.drop(columns=column).select_dtypes("number")
    return bool(len(others.columns)) and int(numbers.max() - numbers.min()) == len(numbers) - 1


def _whole_numbers(cells: pd.Series) -> np.ndarray | None:
    """`cells` as int64 where all are whole numbers, also those written as text."""
    if pd.api.types.is_bool_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return None
    if pd.api.types.is_timedelta64_dtype(cells.dtype):
        return None if cells.isna().any() else _evenly(cells.astype("int64").to_numpy(dtype=np.float64))
    if not pd.api.types.is_numeric_dtype(cells.dtype):
        sample = cells.iloc[:_SAMPLE]
        if not sample.map(lambda cell: isinstance(cell, str | int) and str(cell).strip().isdecimal()).all():
            return None
        cells = pd.to_numeric(cells, errors="coerce")
    numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    if not (np.isfinite(numbers) & (np.abs(numbers) < 2.0**63)).all():
        return None
    return _evenly(numbers) if (numbers % 1 != 0).any() else cells.to_numpy(dtype=np.int64)


def _evenly(numbers: np.ndarray) -> np.ndarray | None:
    """0, 1, 2, ... (or back) for fractions that rise (or fall) by one step, such as seconds; `None` for others."""
    steps = np.diff(numbers)
    if not len(steps) or not steps[0] or not np.allclose(steps, steps[0], rtol=1e-6, atol=0):
        return None
    return np.arange(len(numbers)) if steps[0] > 0 else np.arange(len(numbers))[::-1]


def _like_dates(numbers: np.ndarray, column: str) -> bool:
    """Whether whole numbers are dates: Unix times, yyyymmdd and the like; years, where the name says so."""
    low, high = int(numbers.min()), int(numbers.max())
    sample = [str(number) for number in numbers[:_SAMPLE]]
    if low < 0 or len({len(cell) for cell in (str(low), str(high), *sample)}) > 1:
        return False
    if len(sample[0]) == 4:
        return same(column) in DATE_NAMES and low >= FIRST_YEAR and high <= LAST_YEAR
    if form := _DATE_FORMATS.get(len(sample[0])):
        return not pd.to_datetime(pd.Series(sample), format=form, errors="coerce").isna().any()
    return epoch_unit(sample) is not None


def _hold_dates(table: Table, cells: pd.Series, config: DataConfig) -> bool:
    """Whether labels are dates, perhaps with faults, which are then refused by their address."""
    if isinstance(cells.dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return True
    sample = cells.iloc[:_SAMPLE]
    if pd.api.types.is_float_dtype(cells.dtype) and not (sample.fillna(0).abs() < 2.0**63).all():
        return False
    try:
        read_dates(table, sample, config.date_format)
    except DataError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = pd.to_datetime(sample.astype("str"), format="mixed", errors="coerce", utc=True)
        return bool(parsed.notna().mean() > 0.5)
    return True


def _dated(table: Table, column: str, config: DataConfig) -> tuple[Table, DataConfig]:
    """Labels as the column of dates: an index comes before columns called so, one that was written after them."""
    others = [name for name in table.frame.columns if name != column and same(name) in DATE_NAMES]
    if table.index is None and others:
        return table, config
    cells = table.frame[column]
    if table.index and not (isinstance(cells.dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(cells)):
        table = table.noted("Dates are read from the index.")
    if config.date_column is None and (others or same(column) not in DATE_NAMES):
        config = config.model_copy(update={"date_column": column})
    return table, config


def _are_steps(table: Table, column: str, numbers: np.ndarray) -> bool:
    """Whether labels are steps in time, and not the numbers of all rows: they repeat, or are called so."""
    return bool(table.keys) or same(column) in _STEPS or len(np.unique(numbers)) < len(numbers)


def _labels(table: Table, column: str, numbers: np.ndarray | None) -> RowLabels:
    if table.index is not None:
        remedy = "Sort the rows (frame.sort_index()), or renumber them if they are in order (reset_index(drop=True))."
        return RowLabels("the index", numbers, f"Give a column of dates. {remedy}")
    called = "the unnamed column" if same(column) == "column 1" else f"column {column}"
    return RowLabels(called, numbers, f"Sort the rows by {called}, or remove it where they are in order.")


def _mostly_one(steps: np.ndarray) -> bool:
    """Whether most steps are alike, and the others a multiple of them."""
    if not len(steps):
        return True
    smallest = steps.min()
    return bool((steps % smallest == 0).all() and (steps == smallest).mean() > 0.5)


def _not_in_order(stack: Stack, labels: RowLabels, at: int | None = None) -> DataError:
    if labels.numbers is not None:
        steps = np.diff(stack.stamps)
        if at is None:
            at = int(np.argmax(steps <= 0)) if (steps <= 0).any() and (steps > 0).any() else 0
        few = [str(number) for number in stack.stamps[max(at - 1, 0) if stack.key is not None else at :][:3]]
    else:
        names = stack.table.locator.row_names(range(min(len(stack.table.frame), 3)))
        few = [name.removeprefix("row ") for name in names]
    of = f" of each {stack.key}" if stack.key is not None else ""
    inside = f" in {stack.id_of(at)}" if stack.key is not None and at is not None else ""
    return DataError(
        f"{stack.table.name}: without dates, {labels.called} must rise by one step from row to row{of}. "
        f"Received: {', '.join(few)}, ...{inside}. {labels.remedy}"
    )

"""Columns of one value a series: numbers stay numbers, what is text becomes a category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import holds_numbers
from kerasforecast.data.table.grouping import Grouping
from kerasforecast.data.table.ids import LONGEST_ID, text_of
from kerasforecast.data.table.numbers import as_numbers
from kerasforecast.data.table.stack import Stack, cut
from kerasforecast.data.table.table import Table
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig


@dataclass(frozen=True)
class Static:
    """What is known of each series as a whole.

    Attributes:
        values: `(N, S)` float64, numbers or numbers of categories; `None` where there are no such columns.
        columns: The S names.
        categories: Of each of them the names of its categories, in order; none of a number.
        notes: What was decided, one sentence each.
    """

    values: np.ndarray | None = None
    columns: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


def static_of(table: Table, columns: tuple[str, ...], grouping: Grouping, stack: Stack, config: DataConfig) -> Static:
    """The static columns of the series in `stack`.

    Args:
        table: With all its rows.
        columns: Those of one value a series.
        grouping: Which series its rows belong to.
        stack: Of the series that are left.
        config: The marks in numbers.

    Raises:
        DataError: A column changes within a series, or says nothing of one.
    """
    if not columns:
        return Static()
    order, starts = grouping.order(np.arange(len(table.frame)))
    place = pd.Index(grouping.ids).get_indexer(stack.ids) if len(stack.ids) < len(grouping.ids) else None
    values, categories, notes = np.empty((len(stack.ids), len(columns))), [], []
    for at, name in enumerate(columns):
        numbers, names, said = _numbers(table, name, config)
        notes += said
        own = numbers if order is None else numbers[order]
        low, high = np.fmin.reduceat(own, starts[:-1]), np.fmax.reduceat(own, starts[:-1])
        if (low < high).any():
            raise _changes(table, name, grouping, own, order, starts, int(np.argmax(low < high)))
        values[:, at] = low if place is None else low[place]
        if (absent := np.isnan(values[:, at])).any():
            raise DataError(
                f"{table.name}: column {name}: expected a value for every {stack.key or 'series'}, since --static says "
                f"so. Received: none for {stack.named(np.flatnonzero(absent))}. Fill it, or leave it out."
            )
        categories.append(names)
    return Static(values, columns, tuple(categories), tuple(notes))


def _numbers(table: Table, name: str, config: DataConfig) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """A column as numbers, NaN where it is empty, the names of its categories where it has such, and what to say."""
    cells = table.frame[name]
    category = isinstance(cells.dtype, pd.CategoricalDtype)
    if not category and (pd.api.types.is_bool_dtype(cells.dtype) or holds_numbers(cells)):
        found, notes = as_numbers(table, table.frame, [name], config)
        return found[name], (), notes
    codes, kinds = pd.factorize(cells)
    texts = np.array([text_of(kind) for kind in kinds], dtype=object)
    if len(texts) and (longest := max(map(len, texts))) > LONGEST_ID:
        raise DataError(
            f"{table.name}: column {name}: categories must have {LONGEST_ID} characters at most. "
            f"Received: one of {longest:,}. Leave it out of --static."
        )
    names = sorted({text for text in texts if text})
    numbers = np.append(pd.Index(names).get_indexer(texts), -1).astype(np.float64)
    numbers[numbers < 0] = np.nan
    said = "1 category" if len(names) == 1 else f"{len(names):,} categories"
    return numbers[codes], tuple(names), [f"Column {name}: {said}."]


def _changes(
    table: Table,
    name: str,
    grouping: Grouping,
    own: np.ndarray,
    order: np.ndarray | None,
    starts: np.ndarray,
    series: int,
) -> DataError:
    rows = np.arange(starts[series], starts[series + 1])
    rows = rows[~np.isnan(own[rows])]
    pair = [rows[0], rows[int(np.argmax(own[rows] != own[rows[0]]))]]
    lines = [int(row if order is None else order[row]) for row in pair]
    before, received = table.raw(lines, name)
    at = f" ({cut(str(grouping.ids[series]))})" if grouping.key is not None else ""
    return DataError(
        f"{table.name}: {table.locator.row_names(lines)[1]}{at}, column {name}: expected one value a series, since "
        f"--static says so. Received: {shown(received, 40)} after {shown(before, 40)}. "
        "Correct it, or name the column in --past or --known."
    )

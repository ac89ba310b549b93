"""From a raw table to arrays of numbers and dates, series by series: which rows, which columns, what they mean."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kerasforecast.data.series import Source
from kerasforecast.data.table.clock import times_apart, with_times
from kerasforecast.data.table.dates import read_dates
from kerasforecast.data.table.grouping import Grouping, grouped
from kerasforecast.data.table.ids import Ids
from kerasforecast.data.table.labels import RowLabels, with_labels
from kerasforecast.data.table.numbers import as_numbers, without_blank_rows
from kerasforecast.data.table.order import row_positions
from kerasforecast.data.table.roles import Roles, choice_notes, roles_in
from kerasforecast.data.table.several import like_text, several_in
from kerasforecast.data.table.stack import Stack
from kerasforecast.data.table.table import Table
from kerasforecast.sections.data import DataConfig


@dataclass(frozen=True)
class Found:
    """A raw table and what is known of it.

    Attributes:
        table: As it was read.
        config: How to go on with it.
        name: Of the series.
        source: Where it came from.
        told: Columns of ids that were found in it.
    """

    table: Table
    config: DataConfig
    name: str
    source: Source
    told: Ids | None = None


@dataclass(frozen=True)
class Reading:
    """The rows of a table that hold a value, and all that was decided on the way to them.

    Attributes:
        found: The raw table.
        config: How to go on.
        stack: The rows as they stand, series by series.
        grouping: Which series each row of the table belongs to.
        roles: Of its columns.
        dates: The column of dates, if any.
        labels: Of rows without dates.
        notes: What was decided, one sentence each.
        blank: Rows without any value, dropped.
        choice: The options that take one of the series that repeated dates belong to, `""` where they are none.
    """

    found: Found
    config: DataConfig
    stack: Stack
    grouping: Grouping
    roles: Roles
    dates: str | None
    labels: RowLabels | None
    notes: tuple[str, ...]
    blank: int
    choice: str


def reading(found: Found, inherited: Collection[str] = ()) -> Reading:
    """Read a raw table: the series asked for, columns, numbers, dates, in that order.

    Args:
        found: The table.
        inherited: Fields of its configuration that name columns which it may lack.

    Raises:
        DataError: The rows cannot be trusted; the message gives the address and the remedy.
    """
    table, grouping = grouped(found.table, found.config, found.told, required="id" not in inherited)
    table, config, labels = with_labels(table, found.config, grouping.codes)
    table, dates = with_times(table, config, grouping.longest, required="date_column" not in inherited)
    roles = roles_in(table, dates, config, required="targets" not in inherited)
    columns, lone = roles.read(table), grouping.key is None

    def used() -> list[str]:
        return [*columns, *roles.static, *((dates, *times_apart(table, dates)) if dates is not None else ())]

    if lone and config.series is None and (told := _plain_ids(table, dates, used)):
        return reading(replace(found, told=told), inherited)
    rows, dropped = without_blank_rows(table, columns, dates, config.missing, roles.static)
    numbers, understood = as_numbers(table, rows, columns, config)
    notes = [*table.notes, *choice_notes(table, dates, roles), *understood, *dropped]
    index, choice = None, ""
    if dates is not None:
        owner = None if grouping.codes is None else grouping.codes[rows.index]
        read = read_dates(table, rows[dates], config.date_format, owner, utc=config.time_zone is not None)
        index, notes = read.index, [*notes, *read.notes]
    if lone and (several := several_in(table, rows, index, used)):
        if several.plain and config.series is None:
            return reading(replace(found, told=several.ids), inherited)
        if several.sure or config.duplicates == "error":
            raise several.refusal()
        choice = several.one
    stack = _stacked(table, rows.index, numbers, index, grouping)
    blank = len(table.frame) - len(rows)
    return Reading(found, config, stack, grouping, roles, dates, labels, tuple(notes), blank, choice)


def _plain_ids(table: Table, dates: str | None, used: Callable[[], list[str]]) -> Ids | None:
    """The column that tells series apart, where dates show it before they are read; `None` where none does."""
    texts = [name for name, kind in table.frame.dtypes.items() if like_text(kind) and name != dates]
    if dates is None or not texts or table.frame[dates].hasnans:
        return None
    several = several_in(table, table.frame, pd.Index(table.frame[dates]), used)
    return several.ids if several and several.plain else None


def _stacked(
    table: Table, rows: pd.Index, numbers: dict[str, np.ndarray], index: pd.DatetimeIndex | None, grouping: Grouping
) -> Stack:
    """The columns as one array, series by series; each goes as it is copied, for tables are large."""
    positions = row_positions(rows)
    order, starts = grouping.order(positions)
    columns = tuple(numbers)
    values = np.empty((len(rows), len(columns)))
    for place, name in enumerate(columns):
        own = numbers.pop(name)
        values[:, place] = own if order is None else own[order]
    stamps = index if index is not None else rows
    return Stack(
        table,
        columns,
        values,
        stamps if order is None else stamps[order],
        positions if order is None else positions[order],
        starts,
        grouping.ids,
        grouping.key,
    )

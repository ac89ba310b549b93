"""From arrays of rows to a valid `Panel`: order, range, gaps and doubles, what is known ahead, step and calendar."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kerasforecast.data.calendar_columns import calendar_columns, calendar_values
from kerasforecast.data.common_step import common_step
from kerasforecast.data.date_features import described
from kerasforecast.data.panel import ColumnRole, Panel
from kerasforecast.data.panel_sanity import panel_splits, panel_suspicions
from kerasforecast.data.reading import Reading
from kerasforecast.data.sanity import StockSplit
from kerasforecast.data.table.columns import find, is_price, same
from kerasforecast.data.table.labels import in_order, step_index
from kerasforecast.data.table.missing import check_values, filled, marked
from kerasforecast.data.table.order import in_range, ordered, single
from kerasforecast.data.table.roles import Roles
from kerasforecast.data.table.stack import Stack
from kerasforecast.data.table.static import static_of
from kerasforecast.data.table.wide import series_of_columns
from kerasforecast.data.zone_clocks import check_zone


@dataclass(frozen=True)
class Rows:
    """The rows of a table that are left after every rule, and what the rules met.

    Attributes:
        panel: The valid panel made of them.
        blank: Rows without any value, dropped.
        missing: Rows that lacked a value of a used column.
        duplicates: Rows whose date had been seen.
        splits: Suspected unadjusted splits of the target.
        choice: The options that take one of the series that the duplicates belong to, `""` where they are none.
    """

    panel: Panel
    blank: int
    missing: int
    duplicates: int
    splits: tuple[StockSplit, ...]
    choice: str = ""


def assembled(read: Reading, *, positive_prices: bool = True) -> Rows:
    """A table's rows to a valid panel.

    Args:
        read: The table as it was read.
        positive_prices: Whether price columns must be above zero, as log returns need.

    Raises:
        DataError: The rows cannot be trusted; the message gives the address and the remedy.
    """
    config, roles, dates = read.config, read.roles, read.dates
    stack, notes = ordered(read.stack, dates) if dates is not None else in_order(read.stack, read.labels)
    if roles.targets:  # whose rows are steps that all series share
        stack = stack if stack.dated else replace(stack, index=step_index(stack, read.labels))
        stack, said = series_of_columns(stack, roles)
        notes = [*notes, *said]
    stack, ahead = marked(stack, roles.known)
    stack = in_range(stack, dates, config) if dates is not None else stack
    stack, missing, fills = filled(stack, config.missing)
    duplicates, merged = 0, list[str]()
    if dates is not None:
        stack, duplicates, merged = single(stack, dates, config.duplicates)
    stack, left_out = stack.without_empty()
    check_values(stack, positive_prices)
    splits = _splits(stack)
    notes = [*read.notes, *notes, *ahead, *fills, *merged, *left_out]
    notes += [*_split_notes(splits, stack), *panel_suspicions(stack)]
    if not stack.dated and not stack.wide:
        stack = replace(stack, index=step_index(stack, read.labels))
    return Rows(_described(stack, read, notes), read.blank, missing, duplicates, tuple(splits), read.choice)


def _splits(stack: Stack) -> list[StockSplit]:
    target = stack.columns[0]
    if not is_price(target) or same(target) == "adj close" or not stack.dated:
        return []
    found = panel_splits(stack, (_beside(stack, "adj close"), _beside(stack, "volume")))
    return [split if stack.key is None else replace(split, series=str(stack.ids[place])) for place, split in found]


def _beside(stack: Stack, wanted: str) -> np.ndarray | None:
    """Another column of the table at the same rows, where it exists and holds numbers."""
    frame = stack.table.frame
    column = find(list(frame.columns), wanted)
    if column is None or not pd.api.types.is_numeric_dtype(frame[column]):
        return None
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)[stack.positions]


def _split_notes(splits: list[StockSplit], stack: Stack) -> list[str]:
    adjusted = find(list(stack.table.frame.columns), "adj close")
    remedy = f"use --target '{adjusted}'" if adjusted else "use prices adjusted for splits"
    return [
        f"Split suspected on {split.date.date()} ({split.words}){f' in {split.series}' if split.series else ''}: "
        f"{stack.columns[0]} looks unadjusted; {remedy}."
        for split in splits[:5]
    ]


def _described(stack: Stack, read: Reading, notes: list[str]) -> Panel:
    config, roles, found = read.config, read.roles, read.found
    step = common_step(stack, config.calendar)
    columns, values = stack.columns, stack.values
    observed = np.diff(stack.starts) if stack.ahead is None else stack.counted(stack.open)
    open_rows, starts = slice(None) if stack.ahead is None else stack.open, np.append(0, np.cumsum(observed))
    zone = None if config.time_zone is None else check_zone(config.time_zone)
    own = calendar_columns(values[open_rows], stack.index[open_rows], columns, starts, zone)
    order = sorted(range(len(columns)), key=lambda place: _rank(columns[place], roles, own))
    if order != list(range(len(columns))):
        values = values[:, order]
    names = tuple(columns[place] for place in order)
    calendar = {column: feature for column, feature in own.items() if column in names}
    if stack.ahead is not None:  # what the dates say is known there too
        for column in own:
            values[stack.ahead, names.index(column)] = calendar_values(own[column], stack.index[stack.ahead])
    static = static_of(stack.table, roles.static, read.grouping, stack, config)
    said = [f"Column {column} is the {described(feature)} of the dates." for column, feature in own.items()]
    notes += [*step.notes, *said]
    name = found.name if config.series is None else f"{found.name}-{config.series}"
    values.setflags(write=False)
    return Panel(
        values=values,
        index=stack.index,
        starts=stack.starts,
        ids=np.array([name] if stack.key is None else stack.ids, dtype=np.str_),
        columns=names,
        roles=tuple(_role(column, roles, calendar) for column in names),
        observed=observed,
        key=stack.key,
        static=static.values,
        static_columns=static.columns,
        categories=static.categories,
        frequency=step.frequency,
        calendar=step.calendar,
        name=name,
        source=found.source,
        notes=(*notes, *static.notes),
        calendar_columns=calendar,
    )


def _rank(column: str, roles: Roles, calendar: dict[str, str]) -> int:
    """Where a column stands: the target, those known until now, those known ahead, those that the dates give."""
    if column == roles.target:
        return 0
    return 3 if column in calendar else 2 if column in roles.known else 1


def _role(column: str, roles: Roles, calendar: dict[str, str]) -> ColumnRole:
    names: tuple[ColumnRole, ...] = ("target", "past", "known", "known")
    return names[_rank(column, roles, calendar)]

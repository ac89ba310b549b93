"""Which series each row of a table belongs to: by columns of ids, named or known, or all of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kerasforecast.data.table.columns import find, same
from kerasforecast.data.table.ids import LONGEST_ID, Ids, choice, quoted, run_starts
from kerasforecast.data.table.stack import named
from kerasforecast.data.table.table import Table, counted, listed
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

KEY_NAMES = ("unique id", "item id", "series id")  # which nobody calls a column that is not one of ids


@dataclass(frozen=True)
class Grouping:
    """Which series each row of a table belongs to.

    Attributes:
        ids: `(N,)` what they are called, in the order of their first rows.
        key: What the ids are ids of; `None` for a lone series without.
        codes: `(rows,)` the place of each row's series; `None` where all rows are of one.
    """

    ids: np.ndarray
    key: str | None = None
    codes: np.ndarray | None = None

    @cached_property
    def longest(self) -> np.ndarray | slice:
        """The rows of the series that has most, in order: what a step and a format are found by."""
        if self.codes is None:
            return slice(None)
        runs = run_starts(self.codes)
        rows = np.bincount(self.codes[runs], weights=np.diff(runs, append=len(self.codes)))
        return np.flatnonzero(self.codes == int(rows.argmax()))

    def order(self, rows: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """How to sort `rows` `(n,)` of the table by series, `None` for not at all; and where each begins, `(N+1,)`."""
        if self.codes is None:
            return None, np.array([0, len(rows)])
        codes = self.codes if len(rows) == len(self.codes) else self.codes[rows]
        runs = run_starts(codes)
        if (np.diff(codes[runs].astype(np.int64)) > 0).all():  # each series in one stretch, in order
            starts = np.searchsorted(codes[runs], np.arange(len(self.ids) + 1))
            return None, np.append(runs, len(codes))[starts]
        starts = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(self.ids)))])
        order = codes.astype(np.int64) * len(rows) + np.arange(len(rows))
        order.sort()  # of numbers that differ: many times as fast as a stable sort of the codes
        return order % len(rows), starts


def grouped(
    table: Table, config: DataConfig, told: Ids | None = None, *, required: bool = True
) -> tuple[Table, Grouping]:
    """The rows that are asked for, without the columns of ids: of the series that `--series` names, or of all.

    Args:
        table: Of one or of several series.
        config: `id`, one column or several with commas between, and `series`; `static` may name one of several.
        told: Columns of ids that were found, where none are named.
        required: Whether the columns of `id` must exist; otherwise a table without them is read anew.

    Raises:
        DataError: No such column, no such series, or ids that nobody can have meant.
    """
    columns = _columns_of(table, config.id) if config.id is not None else None
    if columns is None and config.id is not None:
        if required:
            raise DataError(
                f"{table.name}: --id must name a column. Received: {shown(config.id)}. "
                f"Columns: {listed(list(table.frame.columns))}."
            )
        taken = "one series" if config.series is None else f"series {config.series}"
        table = table.noted(f"No column {config.id}: all rows are taken as {taken}.") if not _keys(table) else table
    elif config.id is None and config.series is not None:
        raise DataError(
            f"{table.name}: --series needs --id, the column that names the series. Received: --series "
            f"{config.series} alone. Columns: {listed(list(table.frame.columns))}."
        )
    if columns is None:
        return _by_keys(table, config, told)
    ids = Ids.of(table.frame, columns)
    if config.series is None:
        return _all(table, config, ids)
    place = _place(table, ids, str(config.series))
    rows = np.flatnonzero(ids.codes == place)
    note = f"Series {ids.names[place]} of column {', '.join(columns)}: {len(rows):,} of {counted(len(table.frame))}."
    table = table.taking(rows)
    return _without(table, columns, config).noted(note + _nameless(ids.codes)), Grouping(np.array([""], dtype=object))


def _by_keys(table: Table, config: DataConfig, told: Ids | None) -> tuple[Table, Grouping]:
    """As `grouped`, where no columns of ids are named: by those that the source has, or that were found."""
    keys = list(told.columns) if told else _keys(table)
    fresh = told is None or len(told.codes) != len(table.frame)
    ids = Ids.of(table.frame, keys) if keys and fresh else told
    if ids is not None and len(ids.names) > 1:
        if config.targets:
            raise DataError(
                f"{table.name}: --targets takes columns of one row per date. Received: {len(ids.names):,} series in "
                f"column {', '.join(keys)}. Use --target NAME instead."
            )
        apart = ", which tells repeated dates apart" if told else ""
        return _all(table, config, ids, apart, f"; give {choice(keys, ids.names)} to take one of them")
    if keys and len(keys) < len(table.frame.columns):
        table = _without(table, keys, config)
    return table, Grouping(np.array([""], dtype=object))


def _keys(table: Table) -> list[str]:
    return [name for name in table.frame.columns if name in table.keys or same(name) in KEY_NAMES]


def _all(table: Table, config: DataConfig, ids: Ids, apart: str = "", how: str = "") -> tuple[Table, Grouping]:
    columns, names, codes = ids.columns, ids.names, ids.codes
    if not names:
        raise DataError(f"{table.name}: --id {quoted(columns)} must hold ids. Received: only empty cells.")
    if (longest := max(map(len, names))) > LONGEST_ID:
        raise DataError(
            f"{table.name}: ids must have {LONGEST_ID} characters at most. Received: one of {longest:,} in column "
            f"{', '.join(columns)}. Choose another column with --id."
        )
    note = f"{len(names):,} series of column {', '.join(columns)}{apart}: {named(names)}{how}.{_nameless(codes)}"
    if codes.min() < 0:
        rows = np.flatnonzero(codes >= 0)
        table, codes = table.taking(rows), codes[rows]
    return _without(table, columns, config).noted(note), Grouping(np.array(names, object), ",".join(columns), codes)


def _nameless(codes: np.ndarray) -> str:
    rows = int((codes < 0).sum()) if len(codes) and codes.min() < 0 else 0
    return f" {counted(rows)} without an id left out." if rows else ""


def _without(table: Table, columns: Sequence[str], config: DataConfig) -> Table:
    """`table` less its columns of ids; where several make an id, one of them may also be static."""
    static = {same(name) for name in config.static} if len(columns) > 1 else set()
    return table.without([name for name in columns if same(name) not in static])


def _columns_of(table: Table, wanted: str) -> list[str] | None:
    names = list(table.frame.columns)
    whole = find(names, wanted)
    if whole is not None:
        return [whole]
    parts = [find(names, part.strip()) for part in wanted.split(",")]
    found = [part for part in parts if part is not None]
    return found if len(found) == len(parts) == len(set(found)) else None


def _place(table: Table, ids: Ids, wanted: str) -> int:
    alike = [place for place, each in enumerate(ids.names) if each == wanted] or [
        place for place, each in enumerate(ids.names) if same(each) == same(wanted)
    ]
    if len(alike) != 1:
        raise DataError(
            f"{table.name}: --series must name a series of column {', '.join(ids.columns)}. Received: {shown(wanted)}. "
            f"It holds: {named(ids.names)}."
        )
    return alike[0]

"""Rows that are to be forecast: their dates, what is known of them, and what a user must still say of them.

A panel *reaches* so many rows when each of its series has them after its last observed row, with all known columns:
those that the dates give are computed, the others stand in the user's table after the last target, or in a table of
their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike

import numpy as np
import pandas as pd

from kerasforecast.data.future_dates import future_dates
from kerasforecast.data.future_table import FutureTable, read_future
from kerasforecast.data.panel import Panel
from kerasforecast.data.stamps import iso_text, iso_texts
from kerasforecast.data.table.given import Given
from kerasforecast.data.table.table import counted
from kerasforecast.errors import DataError, OptionError, shown
from kerasforecast.sections.data import DataConfig

_NAMED = 3  # dates or columns that a message names


def reaching(panel: Panel, index: pd.Index, *, hold: bool = False) -> Panel:
    """`panel` with rows at the dates `index` after the last observed one of each series, and all that is known of them.

    A panel without known columns stays itself, for nothing is known of such rows.

    Args:
        panel: It may hold rows after the last target; those at dates that are no rows to be forecast are left out.
        index: `(N * S,)` of `future_dates(panel, S)`: as many as are forecast, and not fewer than the horizon, for a
            network reads all of its rows.
        hold: Whether to repeat the last known value where nobody has said one: for windows of which some outcomes have
            not come, and which are forecast for those that have.

    Raises:
        DataError: Columns are known ahead, and nobody has said what they are in such a row.
    """
    if not panel.known_columns:
        return panel
    ahead = _Ahead.at(panel, index)
    return panel.reaching(index, ahead.held() if hold else ahead.complete())


def wanted(panel: Panel, steps: int, date: str = "") -> pd.DataFrame:
    """The frame that says what is known of the rows to be forecast, as `--future` takes it.

    Args:
        panel: With known columns.
        steps: Rows ahead, as many as are forecast, and not fewer than the horizon.
        date: What to call the column of dates; date, or step, where not given.

    Returns:
        `N * steps` rows: the column of ids where there is one, dates, and the known columns that the dates do not give:
        filled where the panel holds them, else NaN.

    Raises:
        OptionError: The dates give all known columns, or there are none.
    """
    _require_given(panel, "--print-future")
    ahead = _Ahead.at(panel, future_dates(panel, steps))
    frame = pd.DataFrame(ahead.known, columns=list(panel.given_columns))
    name = date or ("date" if panel.dated else "step")
    frame.insert(0, name if name != panel.key else f"{name} of row", ahead.index)
    if panel.key is not None:
        frame.insert(0, panel.key, np.repeat(panel.ids, steps))
    return frame


def as_csv(frame: pd.DataFrame) -> str:
    """What `wanted` gives as CSV, dates as ISO 8601."""
    dates = [name for name in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[name].dtype)]
    return frame.assign(**{name: iso_texts(pd.DatetimeIndex(frame[name])) for name in dates}).to_csv(index=False)


def with_future(panel: Panel, future: str | PathLike | Given, steps: int, config: DataConfig | None = None) -> Panel:
    """`panel` with its `steps` rows ahead, of which `future` says what is known.

    Args:
        panel: With known columns; what it holds of the rows ahead serves where `future` has no such row.
        future: A path, or rows at hand: ids, dates and known columns, as `wanted` gives them. Without ids every row is
            of all series.
        steps: Rows ahead, as many as are forecast, and not fewer than the horizon.
        config: How the table of `panel` was read: another one is read alike.

    Returns:
        As `reaching`. Rows of `future` that are none of those to be forecast, or of other series, are left out, and
        that is said.

    Raises:
        DataError: It cannot be read; a row is missing, or there twice; a cell is empty; no id is one of `panel`.
        OptionError: The model is given nothing that the dates do not give.
    """
    _require_given(panel, "--future")
    ahead = _Ahead.at(panel, future_dates(panel, steps))
    table = read_future(future, panel, config or DataConfig())
    notes = ahead.take(table)
    found = panel.reaching(ahead.index, ahead.complete())
    return replace(found, notes=(*panel.notes, *table.notes, *notes))


def _require_given(panel: Panel, option: str) -> None:
    if not panel.given_columns:
        found = f"the dates give all of {shown(panel.known_columns)}" if panel.known_columns else "no known columns"
        raise OptionError(
            f"{option} needs known columns that do not follow from the dates. Received: {panel.name}, {found}. "
            "Leave it out."
        )


@dataclass(frozen=True, eq=False)
class _Ahead:
    """The rows to be forecast, and what is known of them so far.

    Attributes:
        panel: Whose they are.
        steps: Of each series.
        index: `(N * steps,)` their dates.
        known: `(N * steps, G)` of the known columns that the dates do not give, NaN where nobody has said; filled in.
    """

    panel: Panel
    steps: int
    index: pd.Index
    known: np.ndarray

    @classmethod
    def at(cls, panel: Panel, index: pd.Index) -> _Ahead:
        """The rows at `index`, with what the panel holds of them."""
        ahead = cls(panel, len(index) // len(panel), index, np.full((len(index), len(panel.given_columns)), np.nan))
        rows = np.flatnonzero(np.arange(len(panel.index)) >= np.repeat(panel.ends, np.diff(panel.starts)))
        if len(rows) and panel.given_columns:
            places = ahead.places(panel.places(rows), panel.index[rows])
            columns = [panel.columns.index(column) for column in panel.given_columns]
            ahead.known[places[places >= 0]] = panel.values[rows[places >= 0]][:, columns]
        return ahead

    def places(self, owners: np.ndarray, index: pd.Index) -> np.ndarray:
        """Which of the rows to be forecast those of `owners` `(n,)` at `index` `(n,)` are, `(n,)`; -1 for none."""
        own, asked = _stamps(self.index, self.index), _stamps(index, self.index)
        stamps = np.unique(own)
        codes = np.searchsorted(stamps, asked)
        there = stamps[np.minimum(codes, len(stamps) - 1)] == asked
        each = np.repeat(np.arange(len(self.panel)), self.steps)
        keys = each * len(stamps) + np.searchsorted(stamps, own)  # ascending, as dates within a series are
        wanted = owners * len(stamps) + np.where(there, codes, 0)
        found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(there & (keys[found] == wanted), found, -1)

    def take(self, table: FutureTable) -> list[str]:
        """Take over what a table says; what is to be said of rows that are not used.

        Raises:
            DataError: A row is there twice, or a cell of a row that is wanted is empty.
        """
        rows, owners = np.arange(len(table.index)), table.owners
        if owners is None:
            rows = np.flatnonzero(np.isin(_stamps(table.index, self.index), _stamps(self.index, self.index)))
            count = len(self.panel)
            owners, rows = np.repeat(np.arange(count), len(rows)), np.tile(rows, count)
        places = self.places(owners, table.index[rows])
        rows, places = rows[places >= 0], places[places >= 0]
        if len(np.unique(places)) < len(places):
            self._refuse_twice(table, int(rows[np.argmax(pd.Index(places).duplicated())]))
        empty = np.isnan(table.values[rows])
        if empty.any():
            row, column = np.argwhere(empty)[0]
            raise DataError(
                f"{table.table.name}: {self._called(int(places[row]))}: known columns must hold a number. "
                f"Received: nothing in {self.panel.given_columns[column]}; {int(empty.sum()):,} such cells in all. "
                "Fill them in."
            )
        self.known[places] = table.values[rows]
        return self._unused(table, np.setdiff1d(np.arange(len(table.index)), rows))

    def complete(self) -> np.ndarray:
        """What is known of all rows.

        Raises:
            DataError: Something is not.
        """
        unknown = np.isnan(self.known)
        if not unknown.any():
            return self.known
        panel, columns = self.panel, self.panel.given_columns
        named = ", ".join(columns[:_NAMED]) + (f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else "")
        lacking = np.flatnonzero(unknown.any(axis=1))
        rows = f"{self.steps:,} rows ahead" + (f" of each of {len(panel):,} series" if len(panel) > 1 else "")
        found = "none" if unknown.all() else f"{len(lacking):,} of {len(self.index):,} missing"
        raise DataError(
            f"{panel.name}: what is known of the {rows} must be given: {named}. Received: {found}, the first for "
            f"{self._called(int(lacking[0]))}. Give --future with a table of them, or rows after the last "
            f"{panel.target} with nothing in it; --print-future writes the frame that is wanted."
        )

    def held(self) -> np.ndarray:
        """What is known of all rows, the last value repeated where nobody has said one."""
        columns = [self.panel.columns.index(column) for column in self.panel.given_columns]
        last = self.panel.values[self.panel.ends - 1][:, None, columns]  # (N, 1, G)
        said = np.concatenate([last, self.known.reshape(len(self.panel), self.steps, len(columns))], axis=1)
        rows = np.where(np.isnan(said), 0, np.arange(self.steps + 1)[None, :, None])
        filled = np.take_along_axis(said, np.maximum.accumulate(rows, axis=1), axis=1)
        return filled[:, 1:].reshape(self.known.shape)

    def _called(self, place: int) -> str:
        """A row as a message names it: its date, and its id where there are several series."""
        date = iso_text(self.index[place], self.panel.index)
        return f"{date} ({self.panel.ids[place // self.steps]})" if self.panel.key is not None else str(date)

    def _refuse_twice(self, table: FutureTable, row: int) -> None:
        key = self.panel.key
        remedy = "Remove one." if table.owners is not None or key is None else f"Give a column {key}, or remove one."
        raise DataError(
            f"{table.table.name}: {table.table.locator.row_names([row])[0]}: a row to be forecast must be there once. "
            f"Received: {self._said_of(table, row)} again. {remedy}"
        )

    def _unused(self, table: FutureTable, rows: np.ndarray) -> list[str]:
        """What is said of rows that are none to be forecast: beyond the steps, or at dates at which no row is due."""
        own, stamps = _stamps(self.index, self.index), _stamps(table.index, self.index)[rows]
        first, last = own.min(), own.max()
        if table.owners is not None:
            first, last = (own[start :: self.steps][table.owners[rows]] for start in (0, self.steps - 1))
        within = (stamps > first) & (stamps < last)
        name, notes, between = table.table.name, [], rows[within]
        if len(between):
            few = ", ".join(self._said_of(table, row) for row in between[:_NAMED].tolist())
            end = ", ..." if len(between) > _NAMED else "."
            notes.append(f"{name}: {counted(len(between))} not used, at dates of no row to be forecast: {few}{end}")
        if len(beyond := rows[~within]):
            first_one = self._said_of(table, int(beyond[0]))
            end = f": {first_one}{', ...' if len(beyond) > 1 else '.'}"
            notes.append(f"{name}: {counted(len(beyond))} not used, before or beyond those to be forecast{end}")
        return notes

    def _said_of(self, table: FutureTable, row: int) -> str:
        """A row of the user's table as a message names it: its date, and its id where it has one."""
        series = "" if table.owners is None else f" ({self.panel.ids[table.owners[row]]})"
        return f"{iso_text(table.index[row], self.panel.index)}{series}"


def _stamps(index: pd.Index, like: pd.Index) -> np.ndarray:
    """Dates as integers, in the unit of `like`; steps as they are."""
    if isinstance(index, pd.DatetimeIndex) and isinstance(like, pd.DatetimeIndex):
        return index.as_unit(like.unit).asi8
    return np.asarray(index, np.int64)

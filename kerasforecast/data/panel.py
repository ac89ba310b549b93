"""The form in which data travels through the package: one or more series of the same columns, in flat arrays.

One series is a panel of one. The rows of all series stand one after another in one array, so 100,000 series take no
100,000 objects; a `Series` of the panel is a view, made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from kerasforecast.data.date_features import calendar_table
from kerasforecast.data.panel_checks import check_panel
from kerasforecast.data.series import Series, Source, rows_digest, unwritable
from kerasforecast.errors import DataError, shown

_FRAME = Source("frame")
ColumnRole = Literal["target", "past", "known"]


@dataclass(frozen=True, eq=False)
class Panel:
    """One or more regularly observed series of the same columns. Everything after construction may trust it.

    Every column has one declared role: `"target"` (the first, and no other), `"past"` (known until now), `"known"`
    (known for the rows to be forecast too), in this order; the columns of `static` have one value a series. A series
    may end in rows that carry the known columns alone, the others NaN; `observed` counts the rows before them.

    Attributes:
        values: `(R, C)` float64, read-only, the rows of all series one after another. Column 0 is the target.
        index: `(R,)` strictly increasing within each series: a tz-naive `DatetimeIndex` or an integer index.
        starts: `(N + 1,)` int64, the first row of each series, and R.
        ids: `(N,)` strings, what each series is called; they differ.
        columns: The `C` column names; `columns[0]` is the target.
        roles: Of each column.
        observed: `(N,)` int64, the rows of each series that have a target.
        key: Name of the column that the ids stood in; `None` for a lone series, which has none.
        static: `(N, S)` float64, finite, read-only, or `None`.
        static_columns: Names of its S columns.
        categories: Of each of them the names of its categories, whose numbers (from 0) it holds; none of a number.
        frequency: Alias of the step as a `Series` has it, `None` where a calendar or integer steps rule.
        calendar: Trading calendar code of exchange-calendars (`"XNYS"`), or `None`.
        name: Short name for files and titles, e.g. `"ibm"`.
        source: Where the rows came from.
        notes: What was detected or changed on the way in, one sentence each.
        calendar_columns: As a `Series` has them; their role is `"known"`.

    Example:
        >>> import kerasforecast as kf
        >>> import numpy as np
        >>> import pandas as pd
        >>> shops = [kf.Series(np.arange(3.0)[:, None] + 1, pd.RangeIndex(3), ("sales",)) for _ in range(2)]
        >>> panel = kf.Panel.joined(shops, ["north", "south"])
        >>> len(panel), panel.target, len(panel["south"])
        (2, 'sales', 3)
    """

    values: np.ndarray
    index: pd.Index
    starts: np.ndarray
    ids: np.ndarray
    columns: tuple[str, ...]
    roles: tuple[ColumnRole, ...]
    observed: np.ndarray
    key: str | None = None
    static: np.ndarray | None = None
    static_columns: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    frequency: str | None = None
    calendar: str | None = None
    name: str = "series"
    source: Source = _FRAME
    notes: tuple[str, ...] = ()
    calendar_columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fields = {
            "values": unwritable(self.values),
            "starts": _fixed(np.array(self.starts, np.int64)),
            "ids": _fixed(np.array(self.ids, np.str_)),
            "observed": _fixed(np.array(self.observed, np.int64)),
            "static": None if self.static is None else unwritable(self.static),
            "categories": self.categories or ((),) * len(self.static_columns),
        }
        self.__dict__.update(fields)
        check_panel(self)

    @classmethod
    def of(cls, data: Panel | Series) -> Panel:
        """The panel of one that a series is; a panel stays itself."""
        if isinstance(data, Panel):
            return data
        return cls(
            values=data.values,
            index=data.index,
            starts=np.array([0, len(data)]),
            ids=np.array([data.name]),
            columns=data.columns,
            roles=_roles(data.columns, data.calendar_columns),
            observed=np.array([len(data)]),
            frequency=data.frequency,
            calendar=data.calendar,
            name=data.name,
            source=data.source,
            notes=data.notes,
            calendar_columns=data.calendar_columns,
        )

    @classmethod
    def joined(cls, series: Sequence[Series], ids: Sequence[str], *, key: str = "id", name: str = "panel") -> Panel:
        """Several series as one panel.

        Args:
            series: At least one, of the same columns, step and calendar.
            ids: What each is called.
            key: What the ids are ids of, e.g. `"shop"`.
            name: The panel's.

        Raises:
            DataError: The series do not go together, or two have the same id.
        """
        kinds = {
            (each.columns, each.dated, each.frequency, each.calendar, *sorted(each.calendar_columns.items()))
            for each in series
        }
        if len(kinds) != 1:
            raise DataError(
                "The series of a panel must have the same columns, step and calendar. "
                f"Received: {len(series)} series of {len(kinds)} kinds. Make a panel of each kind."
            )
        first, lengths = series[0], [len(each) for each in series]
        return cls(
            values=np.concatenate([each.values for each in series]),
            index=first.index.append([each.index for each in series[1:]]),
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            ids=np.array(ids),
            columns=first.columns,
            roles=_roles(first.columns, first.calendar_columns),
            observed=np.array(lengths),
            key=key,
            frequency=first.frequency,
            calendar=first.calendar,
            name=name,
            calendar_columns=first.calendar_columns,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, which: int | str) -> Series:
        """The observed rows of one series, by place or by id: a view.

        Raises:
            IndexError: There is no such place.
            KeyError: There is no such id.
        """
        if isinstance(which, str):
            found = np.flatnonzero(self.ids == which)
            if not len(found):
                raise KeyError(which)
            which = int(found[0])
        place = range(len(self))[which]
        rows = slice(self.starts[place], self.ends[place])
        return Series.of_checked(
            values=self.values[rows],
            index=self.index[rows],
            columns=self.columns,
            frequency=self.frequency,
            calendar=self.calendar,
            name=str(self.ids[place]),
            source=self.source,
            notes=self.notes,
            calendar_columns=self.calendar_columns,
        )

    def __iter__(self) -> Iterator[Series]:
        return (self[place] for place in range(len(self)))

    def reaching(self, index: pd.Index, given: np.ndarray | None = None) -> Panel:
        """This panel with S rows after the last observed one of each series, in place of those that it has.

        Args:
            index: `(N S,)` their dates, as `kerasforecast.data.future_dates` has them.
            given: `(N S, G)` of the known columns that do not follow from the dates. Without any it stays itself.
        """
        if not self.known_columns:
            return self
        ahead = np.full((len(index), len(self.columns)), np.nan)
        if isinstance(index, pd.DatetimeIndex) and (features := self.calendar_columns):
            ahead[:, list(map(self.columns.index, features))] = calendar_table([*features.values()], index)
        if given is not None:
            ahead[:, list(map(self.columns.index, self.given_columns))] = given
        rows, lengths = len(self.index), self.observed + len(index) // len(self)
        starts = np.append(0, np.cumsum(lengths))
        added = np.arange(starts[-1]) >= np.repeat(starts[:-1] + self.observed, lengths)
        order = np.empty(len(added), np.int64)
        order[added] = np.arange(rows, rows + len(index))
        order[~added] = np.flatnonzero(np.arange(rows) < np.repeat(self.ends, np.diff(self.starts)))
        values = _fixed(np.concatenate([self.values, ahead])[order])
        return replace(self, values=values, index=self.index.append(index)[order], starts=starts)

    def revalued(self, values: np.ndarray) -> Panel:
        """The same rows with other `values` of the same shape: finite, float64, read-only, which nothing checks."""
        panel = object.__new__(Panel)
        panel.__dict__.update({each.name: self.__dict__[each.name] for each in _FIELDS} | {"values": values})
        return panel

    @property
    def target(self) -> str:
        """Name of the forecast column."""
        return self.columns[0]

    @property
    def dated(self) -> bool:
        """Whether rows carry dates (otherwise integer steps)."""
        return isinstance(self.index, pd.DatetimeIndex)

    @property
    def past_columns(self) -> tuple[str, ...]:
        """The target and the columns known until now: what a window's `past` holds."""
        return self.columns[: len(self.columns) - self.roles.count("known")]

    @property
    def known_columns(self) -> tuple[str, ...]:
        """The columns known for the rows to be forecast too."""
        return self.columns[len(self.past_columns) :]

    @property
    def given_columns(self) -> tuple[str, ...]:
        """The known columns that do not follow from the dates: of rows ahead somebody must say what they are."""
        return tuple(column for column in self.known_columns if column not in self.calendar_columns)

    @cached_property
    def ends(self) -> np.ndarray:
        """`(N,)` one past the last observed row of each series."""
        return self.starts[:-1] + self.observed

    @cached_property
    def float32(self) -> np.ndarray:
        """The values `(R, C)` as networks are fed, one read-only copy for all windows."""
        return _fixed(self.values.astype(np.float32))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all that is known of the series; that of a lone one without ids is the hash of its `Series`."""
        digest = rows_digest(self.columns, self.index, self.values)
        if self.key is not None:
            digest.update("\x1f".join((self.key, *map(str, self.ids), *self.roles, *self.static_columns)).encode())
            digest.update(repr(self.categories).encode())
            for numbers in (self.starts, self.observed):
                digest.update(numbers.astype("<i8").tobytes())
            if self.static is not None:
                digest.update(self.static.astype("<f8").tobytes())
        return digest.hexdigest()

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Which series each of `rows` `(n,)` belongs to, `(n,)`."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def id_of(self, row: int) -> str:
        """The id of the series that a row belongs to."""
        return str(self.ids[self.places(np.array([row]))[0]])

    def single(self, user: str) -> Series:
        """The one series, for what takes no more.

        Args:
            user: Who cannot, for the message.

        Raises:
            DataError: There are several, or columns that a series does not have.
        """
        if more := [*self.given_columns, *self.static_columns]:
            raise DataError(f"Known and static columns are none of {user}'s. Received: {shown(more)}. Leave them out.")
        if len(self) != 1:
            raise DataError(f"{self.name}: {user} takes one series. Received: {len(self):,}. Give one of them.")
        return self[0]

    def __repr__(self) -> str:
        series = f"{len(self):,} series, " if len(self) > 1 else ""
        return f"<Panel {self.name}: {series}{self.observed.sum():,} rows of {', '.join(self.columns)}>"


_FIELDS = fields(Panel)


def _roles(columns: tuple[str, ...], known: Mapping[str, str]) -> tuple[ColumnRole, ...]:
    return ("target", *("known" if column in known else "past" for column in columns[1:]))


def _fixed(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array

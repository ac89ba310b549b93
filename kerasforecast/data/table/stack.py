"""The rows of one or more series on their way from a table to a panel, in flat arrays: one series after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import iso_text
from kerasforecast.data.table.table import Table, listed, refusal
from kerasforecast.errors import DataError, printable

_SHOWN_IDS = 5
_BLOCK = 100_000  # rows whose steps are looked at together


@dataclass(frozen=True)
class Stack:
    """Rows of the columns that are used, those of a series together, and the way back to the table.

    Attributes:
        table: Where they came from, for messages.
        columns: Names of the columns; the first is the target.
        values: `(R, C)` float64, NaN where a value is missing.
        index: `(R,)` dates or integer steps; in rising order within each series once `ordered` has seen them.
        positions: `(R,)` of the rows in the table.
        starts: `(N + 1,)` the first row of each series, and R.
        ids: `(N,)` what each series is called.
        key: What the ids are ids of; `None` for a lone series without.
        wide: Whether the values of a series stood in a column of its own, called as its id.
        ahead: `(R,)` whether a row lies after the last target of its series; `None` where none does.
    """

    table: Table
    columns: tuple[str, ...]
    values: np.ndarray
    index: pd.Index
    positions: np.ndarray
    starts: np.ndarray
    ids: np.ndarray
    key: str | None = None
    wide: bool = False
    ahead: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def lone(self) -> bool:
        """Whether there is one series."""
        return len(self.ids) == 1

    @property
    def dated(self) -> bool:
        """Whether the index holds dates."""
        return isinstance(self.index, pd.DatetimeIndex)

    @property
    def stamps(self) -> np.ndarray:
        """The index as int64 `(R,)`, in its own unit."""
        return self.index.asi8 if isinstance(self.index, pd.DatetimeIndex) else self.index.to_numpy(dtype=np.int64)

    @cached_property
    def owner(self) -> np.ndarray:
        """Which series each row belongs to, `(R,)`."""
        return np.repeat(np.arange(len(self.ids), dtype=np.int32), np.diff(self.starts))

    @property
    def target(self) -> np.ndarray:
        """The values to forecast, `(R,)`."""
        found: np.ndarray = self.values[:, 0]
        return found

    @cached_property
    def first(self) -> np.ndarray:
        """Whether each row is the first of its series, `(R,)`."""
        found = np.zeros(len(self), dtype=bool)
        found[self.starts[:-1][np.diff(self.starts) > 0]] = True
        return found

    @cached_property
    def steps(self) -> tuple[int, int]:
        """The least and the greatest difference between the stamps of rows that follow each other in a series.

        Above zero, the dates of every series rise and none repeats; where both are one number, none is absent either.
        Without two rows of a series, the first is above the other.
        """
        stamps, found = self.stamps, []
        breaks = np.flatnonzero(self.first[1:])
        for start in range(0, len(stamps) - 1, _BLOCK):
            steps = np.diff(stamps[start : start + _BLOCK + 1])
            if len(borders := breaks[slice(*np.searchsorted(breaks, (start, start + _BLOCK)))]):
                steps = np.delete(steps, borders - start)
            found += [(int(steps.min()), int(steps.max()))] if len(steps) else []
        lowest, highest = zip(*found, strict=True) if found else ((1,), (0,))
        return min(lowest), max(highest)

    @cached_property
    def constant(self) -> np.ndarray:
        """Which series `(N,)` hold one value throughout, whatever is missing."""
        starts, target = self.starts[:-1], self.target
        if (np.diff(self.starts) > 1).all():
            first, second = target[starts], target[starts + 1]
            if ((first < second) | (first > second)).all():
                return np.zeros(len(starts), dtype=bool)  # nothing more to be looked at
        same: np.ndarray = np.fmin.reduceat(target, starts) == np.fmax.reduceat(target, starts)
        return same

    @property
    def open(self) -> np.ndarray:
        """`(R,)` whether a row has, or should have, a target."""
        return np.ones(len(self), dtype=bool) if self.ahead is None else ~self.ahead

    def where(self, kept: np.ndarray) -> Stack:
        """The rows of which `kept` `(R,)` is true."""
        if kept.all():
            return self
        before = np.concatenate([[0], np.cumsum(kept)])
        return replace(
            self,
            values=self.values[kept],
            index=self.index[kept],
            positions=self.positions[kept],
            starts=before[self.starts],
            ahead=None if self.ahead is None else self.ahead[kept],
        )

    def taking(self, rows: np.ndarray) -> Stack:
        """The rows at `rows` `(R,)`, as many of each series as before."""
        return replace(
            self,
            values=self.values[rows],
            index=self.index[rows],
            positions=self.positions[rows],
            ahead=None if self.ahead is None else self.ahead[rows],
        )

    def counted(self, rows: np.ndarray) -> np.ndarray:
        """How many rows of each series `(N,)` are among those marked `(R,)`."""
        counts: np.ndarray = np.diff(np.searchsorted(np.flatnonzero(rows), self.starts))
        return counts

    def without_empty(self) -> tuple[Stack, list[str]]:
        """Less the series that have no target at all, and which those are, as a note."""
        rows = self.counted(self.open) if not self.lone else np.array([len(self)])
        if rows.all() or not rows.any():
            return self, []
        lost = np.flatnonzero(rows == 0)
        stack = self.where((rows > 0)[self.owner])
        kept = np.flatnonzero(rows > 0)
        starts = np.append(stack.starts[:-1][kept], len(stack))
        note = f"{len(lost):,} series without rows of {self.columns[0]} left out: {self.named(lost)}."
        return replace(stack, starts=starts, ids=self.ids[kept]), [note]

    def named(self, places: Sequence[int] | np.ndarray) -> str:
        """The ids at `places`, for a message: few, and cut."""
        return named(self.ids[np.asarray(places)])

    def column(self, row: int, name: str) -> str:
        """What the user calls column `name` in the table."""
        return str(self.ids[self.owner[row]]) if self.wide and name == self.columns[0] else name

    def refusal(self, faulty: np.ndarray, name: str, rule: str, remedy: str) -> DataError:
        """One line for faults in column `name`, as `refusal` says it; in a panel with the id and date of the first.

        Args:
            faulty: `(R,)` whether a row is.
            name: The column.
            rule: What a value must be.
            remedy: What the user can do, a sentence.
        """
        rows = np.flatnonzero(faulty)
        if self.wide:
            rows = rows[self.owner[rows] == self.owner[rows[0]]]
        at = "" if self.key is None else f" ({self.id_of(rows[0])}, {self.stamp(rows[0])})"
        return refusal(self.table, self.positions[rows].tolist(), self.column(rows[0], name), rule, remedy, at=at)

    def id_of(self, row: int) -> str:
        """The id of a row's series, cut."""
        return cut(str(self.ids[self.owner[row]]))

    def stamp(self, row: int) -> str | int:
        """The date of a row, or its step."""
        return iso_text(self.index[row], self.index)


def cut(text: str) -> str:
    """A long id for a message."""
    text = printable(text)
    return text if len(text) <= 30 else f"{text[:27]}..."


def named(ids: Sequence[str] | np.ndarray, most: int = _SHOWN_IDS) -> str:
    """A few of `ids`, for a message."""
    few = [cut(str(each)) for each in ids[:most]]
    return listed([*few, *[""] * (len(ids) - len(few))], most)

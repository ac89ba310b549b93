"""A raw table and the way back from each of its rows to the place where the user sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from kerasforecast.errors import DataError, shown

SHOWN_FAULTS = 5


class Locator(Protocol):
    """Finds rows of a table again in what it was read from."""

    @property
    def name(self) -> str:
        """How messages call the source."""

    def row_names(self, rows: Sequence[int]) -> list[str]:
        """What the user calls the rows at these positions, e.g. `["row 118"]`."""

    def raw(self, rows: Sequence[int], column: str) -> list[str]:
        """The text that stands in `column` at these positions, as the user wrote it."""

    def empty(self, column: str) -> np.ndarray:
        """`(rows,)` whether nothing stands in `column`, not even a word for a missing value."""


@dataclass(frozen=True)
class Table:
    """Columns as they were read, before anything is known about what they mean.

    Attributes:
        frame: One row per record, positions `0..n-1` as index; text stays text.
        locator: Names rows and raw cells in messages.
        notes: What was detected on the way, one sentence each.
        joined: Columns of the source whose cells stand together in the first of them, or none.
        index: The column that was the index of a DataFrame; `None` where there was none that says anything.
        keys: Columns that are known to name the series a row belongs to, by how the source is built.
        decimal: The mark before fractions that the plain numbers of a text were read by; `None` where they were no
            text.
    """

    frame: pd.DataFrame
    locator: Locator
    notes: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    index: str | None = None
    keys: tuple[str, ...] = ()
    decimal: str | None = None

    @property
    def name(self) -> str:
        """How messages call the table."""
        return self.locator.name

    def raw(self, rows: Sequence[int], column: str) -> list[str]:
        """The text that stands in `column` at these positions, as the user wrote it."""
        parts = self.joined if column in self.joined else (column,)
        cells = [self.locator.raw(rows, part) for part in parts]
        return [" ".join(words) for words in zip(*cells, strict=True)]

    def taking(self, rows: np.ndarray) -> Table:
        """The table of the rows at these positions alone, `(n,)` in rising order."""
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return replace(self, frame=frame, locator=ChosenLocator(self.locator, rows))

    def without(self, columns: Sequence[str]) -> Table:
        """The table less these columns."""
        index = None if self.index in columns else self.index
        return replace(self, frame=self.frame.drop(columns=list(columns)), index=index)

    def noted(self, note: str) -> Table:
        """The table with one more thing said of it."""
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True)
class FrameLocator:
    """Rows of a DataFrame, called by their index labels.

    Attributes:
        frame: The table's columns, those that were the index among them.
        labels: `(rows,)` what the user calls the rows.
        name: How messages call it.
    """

    frame: pd.DataFrame
    labels: pd.Index
    name: str = "DataFrame"

    def row_names(self, rows: Sequence[int]) -> list[str]:
        """`"row 2020-01-03"`, by index label."""
        return [f"row {self.labels[row]}" for row in rows]

    def raw(self, rows: Sequence[int], column: str) -> list[str]:
        """Cells as `str`."""
        cells = self.frame[column]
        return [str(cells.iloc[row]) for row in rows]

    def empty(self, column: str) -> np.ndarray:
        """Nowhere: a cell of a DataFrame holds at least a NaN."""
        return np.zeros(len(self.frame), dtype=bool)


@dataclass(frozen=True)
class ChosenLocator:
    """Some rows of a table, found again in all of it.

    Attributes:
        whole: Finds any row of the source.
        chosen: `(n,)` positions there, in rising order.
    """

    whole: Locator
    chosen: np.ndarray

    @property
    def name(self) -> str:
        """How messages call the source."""
        return self.whole.name

    def row_names(self, rows: Sequence[int]) -> list[str]:
        """What the user calls the rows, in the whole table."""
        return self.whole.row_names(self.chosen[list(rows)].tolist())

    def raw(self, rows: Sequence[int], column: str) -> list[str]:
        """The text that stands in `column`, as the user wrote it."""
        return self.whole.raw(self.chosen[list(rows)].tolist(), column)

    def empty(self, column: str) -> np.ndarray:
        """`(n,)` whether nothing stands in `column`, not even a word for a missing value."""
        return self.whole.empty(column)[self.chosen]


def refusal(table: Table, rows: Sequence[int], column: str, rule: str, remedy: str, *, at: str = "") -> DataError:
    """One line for faults in `column`: where the first is, the rule, its value, some of the others, what to do.

    Args:
        table: Where the faults lie.
        rows: Positions of all faulty rows, in order; at least one.
        column: Column they are in.
        rule: What a value must be, e.g. `"expected a number"`.
        remedy: What the user can do, a sentence.
        at: What else tells where the first is, such as the series that it belongs to.
    """
    few = list(rows[:SHOWN_FAULTS])
    names = table.locator.row_names(few)
    values = [shown(value, 60 if place == 0 else 30) for place, value in enumerate(table.raw(few, column))]
    return DataError(
        f"{table.name}: {names[0]}{at}, column {column}: {rule}. {received(names, values, len(rows))} {remedy}"
    )


def received(names: Sequence[str], values: Sequence[str], total: int) -> str:
    """`"Received: 'a'; also row 5: 'b', row 9: 'c'; 37 in all."`; the first row has been named before.

    Args:
        names: Rows of the faults to show, e.g. `"row 118"`.
        values: What stands there.
        total: How many faults there are.
    """
    rest = ", ".join(f"{name}: {value}" for name, value in zip(names[1:], values[1:], strict=True))
    return f"Received: {values[0]}" + (f"; also {rest}; {total:,} in all." if total > 1 else ".")


def listed(names: Sequence[object], most: int = 12) -> str:
    """`names` for a message, comma separated, cut after `most`."""
    words = [str(name) for name in names]
    return ", ".join(words[:most]) + (f", ... ({len(words)} in all)" if len(words) > most else "")


def counted(number: int, thing: str = "row") -> str:
    """`"1 row"`, `"2 rows"`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"

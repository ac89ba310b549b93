"""A table of JSON that leaves nothing to guess, straight to a panel: plain numbers, and ISO dates that rise.

What a table may hold otherwise (ids, dates written in any way, gaps, marks in numbers) takes the reader of all tables
some 10 ms to find out. Here there is nothing to find out; what must hold of rows is asked as it is of any others. What
dates alone decide (step, calendar, what is said of them) is found out once for all tables of the same dates.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.artifact.inputs import reading_options
from kerasforecast.data.assemble import assembled
from kerasforecast.data.calendars import require_step
from kerasforecast.data.reading import Found, Reading
from kerasforecast.data.sanity import STALE_ROWS, large_steps
from kerasforecast.data.series import Source
from kerasforecast.data.table.columns import DATE_NAMES, same
from kerasforecast.data.table.grouping import KEY_NAMES, Grouping
from kerasforecast.data.table.layout import FIRST_YEAR, LAST_YEAR
from kerasforecast.data.table.roles import roles_in
from kerasforecast.data.table.stack import Stack
from kerasforecast.data.table.table import FrameLocator, Table
from kerasforecast.errors import DataError

if TYPE_CHECKING:
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel

Columns = dict[str, list[int | float | str | None]]

_ISO = re.compile(r"(?:\d{4}-\d\d-\d\d\n)+|(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?\n)+", re.ASCII)
_FEWEST = 3  # rows that show a step
_KEPT = 128  # runs of dates that are remembered
_LONGEST = 2_000  # rows of them: what is remembered must stay small, whatever is sent
_REPEATS = 4  # of values, with fewer of which no weekends are filled
_LARGEST = 10_000  # beyond any feature of a date: no year, no day of one


class PlainTables:
    """The plain tables that are sent for one model, which takes one column of dates and exactly its own others.

    Args:
        manifest: The model's.
    """

    def __init__(self, manifest: Manifest) -> None:
        trained, roles = manifest.config.data, manifest.roles
        self._config, self._date_column = reading_options(manifest), trained.date_column
        self._wanted = {name for name in manifest.columns if name not in roles.calendar}
        named = any(same(name) in KEY_NAMES for name in self._wanted)
        self._none = bool(trained.id or trained.series or trained.targets or roles.static or named)
        self._like = lru_cache(_KEPT)(self._of_dates)

    def take(self, columns: Columns) -> bool:
        """Whether `panel` reads `columns`, found out in a hundredth of a millisecond a row at most."""
        return self._template(columns) is not None

    def panel(self, columns: Columns) -> Panel | None:
        """The series in `columns`.

        Args:
            columns: Cells by name, all of one length; each all numbers or all texts, or lacking.

        Returns:
            The panel that the reader of all tables would make of them, less the columns that the model itself computes
            from dates; `None` where anything is to be found out first, or to be refused: that reader says it best.
        """
        template = self._template(columns)
        if template is None:
            return None
        values = np.array([columns[name] for name in template.columns], np.float64).T.copy()  # (R, C)
        if _remarkable(values):
            dates = next(name for name in columns if name not in self._wanted)
            names = tuple(name for name in columns if name != dates)
            return self._read(dates, names, np.array([columns[name] for name in names], np.float64).T, template.index)
        values.setflags(write=False)
        return template.revalued(values)

    def _template(self, columns: Columns) -> Panel | None:
        """The panel of other values at the same dates; `None` where `columns` are no plain table."""
        dates = None if self._none else self._dates_among(columns)
        if dates is None or not all(type(cell) is str for cell in columns[dates]):
            return None
        text = "\n".join(columns[dates]) + "\n"  # type: ignore[arg-type]
        found = self._like if len(columns[dates]) <= _LONGEST else self._of_dates
        return found(dates, tuple(name for name in columns if name != dates), text)

    def _dates_among(self, columns: Columns) -> str | None:
        """The one column of texts, where it can be nothing but that of dates and the others are the model's numbers."""
        texts = [name for name in columns if name not in self._wanted]
        if len(texts) != 1 or len(columns) != 1 + len(self._wanted):
            return None
        called = same(texts[0]) in DATE_NAMES if self._date_column is None else texts[0] == self._date_column
        numbers = all(set(map(type, cells)) <= {int, float} for name, cells in columns.items() if name in self._wanted)
        return texts[0] if called and numbers else None

    def _of_dates(self, dates: str, names: tuple[str, ...], text: str) -> Panel | None:
        """The panel of a table of such dates, with values of which there is nothing to say."""
        index = _rising(text)
        if index is None:
            return None
        values = np.repeat(1 + np.arange(len(index))[:, None] / len(index), len(names), axis=1)
        return self._read(dates, names, values, index)

    def _read(self, dates: str, names: tuple[str, ...], values: np.ndarray, index: pd.Index) -> Panel | None:
        frame = pd.DataFrame(values, columns=list(names))
        frame.insert(len(names), dates, index)  # which messages name
        table = Table(frame, FrameLocator(frame, pd.RangeIndex(len(frame)), "DataFrame"))
        roles = roles_in(table, dates, self._config)
        used = tuple(roles.read(table))
        rows = np.arange(len(frame), dtype=np.uint32)
        one = np.array([""], dtype=object)
        own = values[:, [names.index(name) for name in used]]
        stack = Stack(table, used, own, index, rows, np.array([0, len(rows)]), one)
        found = Found(table, self._config, "series", Source("frame"))
        read = Reading(found, self._config, stack, Grouping(one), roles, dates, None, (), 0, "")
        try:
            panel = assembled(read, positive_prices=False).panel
            require_step(panel[0])
        except DataError:
            return None
        return panel


def _rising(text: str) -> pd.DatetimeIndex | None:
    """Dates of ISO 8601 that rise, all written alike, one a line; `None` where they are anything else."""
    cells = text.split("\n")[:-1]
    if len(cells) < _FEWEST or not _ISO.fullmatch(text) or len(set(map(len, cells))) > 1:
        return None
    try:
        stamps = np.array(cells, "datetime64[us]")
    except ValueError:  # a month 13
        return None
    years = stamps[[0, -1]].astype("datetime64[Y]").astype(np.int64) + 1970
    if not (stamps[1:] > stamps[:-1]).all() or years[0] < FIRST_YEAR or years[1] > LAST_YEAR:
        return None
    return pd.DatetimeIndex(stamps)


def _remarkable(values: np.ndarray) -> bool:
    """Whether there may be anything to say, or to refuse, of values `(R, C)`, the target first, but by their dates.

    That is a leap, a still tail, filled weekends, or a column that is a feature of the dates.
    """
    target, few = values[:, 0], values[:50, 1:]
    still = not (target[-STALE_ROWS:] != target[-1]).any()
    repeats = int((target[1:] == target[:-1]).sum())
    feature = ((few == np.rint(few)) & (np.abs(few) < _LARGEST)).all(axis=0).any()
    return bool(not np.isfinite(values).all() or still or repeats >= _REPEATS or feature or len(large_steps(target)))

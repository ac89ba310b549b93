"""Tables of several series whose ids nobody named: the columns that tell apart what would be read as one series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import same
from kerasforecast.data.table.ids import Ids, choice, identified, quoted
from kerasforecast.data.table.stack import Stack, named
from kerasforecast.data.table.table import Table, listed
from kerasforecast.errors import DataError

SYMBOL_NAMES = ("ticker", "symbol")  # which change in one series too, when a company is renamed or a contract rolled
_ROWS_EACH = 3  # what a series has at least, on average: a measurement takes more values than that
_DOUBLED = 0.02  # of the rows, at most, may repeat both date and id
_TRIED = 100_000  # rows of repeated dates that mostly settle it, so that of a long table few columns are read whole


@dataclass(frozen=True)
class Several:
    """Columns that tell series apart whose dates are the same.

    Attributes:
        table: Where they are.
        ids: The fewest columns that do.
        plain: Whether nothing else could be meant: most dates repeat, and one column of text tells them apart.
        sure: Whether `--duplicates` could not be meant: most dates repeat.
    """

    table: Table
    ids: Ids
    plain: bool
    sure: bool

    @property
    def one(self) -> str:
        """The options that take one of them."""
        return choice(self.ids.columns, self.ids.names)

    def refusal(self) -> DataError:
        """That they would be read as one series."""
        columns, names = self.ids.columns, self.ids.names
        return DataError(
            f"{self.table.name}: expected the rows of one series. Received: {len(names):,} series in "
            f"column{'' if len(columns) == 1 else 's'} {', '.join(columns)}: {named(names)}. "
            f"Use --id {quoted(columns)} to take all of them, or {self.one} to take one of them."
        )


def several_in(
    table: Table, rows: pd.DataFrame, dates: pd.Index | None, used: Callable[[], Sequence[str]]
) -> Several | None:
    """The series that would be read as one, where another column tells repeated dates apart; `None` for one series.

    Args:
        table: Where the rows came from.
        rows: Those that hold a value.
        dates: Of `rows`, as dates or as they were read; `None` in a table without.
        used: Gives the columns that cannot be ids: dates and times of day, target, covariates.
    """
    if dates is not None and _differ(dates):
        return None
    without = set(used())
    frame = rows[[name for name in rows.columns if name not in without]]
    if dates is None:
        symbols = (Ids.of(frame, [name]) for name in frame.columns if same(name) in SYMBOL_NAMES)
        found = next((ids for ids in symbols if len(ids.names) > 1), None)
        return Several(table, found, plain=False, sure=True) if found else None
    days = pd.factorize(dates)[0]
    repeated = np.bincount(days)[days] > 1
    most = bool(repeated.mean() >= 0.5)
    found = _telling_apart(frame, days, repeated, most)
    if found is None or (not most and not _in_runs(found, int(repeated.sum()))):
        return None
    plain = most and len(found.columns) == 1 and like_text(frame[found.columns[0]].dtype)
    return Several(table, found, plain, most)


def shared_dates(stack: Stack, dates: str) -> DataError | None:
    """That `--id` names too little, where several rows of one id share a date and another column tells them apart.

    Args:
        stack: The rows of every id, in any order.
        dates: The column of dates.
    """
    days = pd.factorize(stack.owner * np.int64(len(stack) + 1) + pd.factorize(stack.stamps)[0])[0]
    repeated = np.bincount(days)[days] > 1
    if stack.key is None or stack.wide or repeated.mean() < 0.5:
        return None
    without = {*stack.columns, dates}
    frame = stack.table.frame.iloc[stack.positions]
    found = _telling_apart(frame[[name for name in frame.columns if name not in without]], days, repeated, most=True)
    if found is None:
        return None
    row, names = int(np.argmax(repeated)), ",".join(found.columns)
    same_date, of_several = np.flatnonzero(days == days[row]), "s" if len(found.columns) > 1 else ""
    return DataError(
        f"{stack.table.name}: --id must name each series. Received: column {stack.key}, where {stack.id_of(row)} has "
        f"{len(same_date)} rows of {stack.stamp(row)}, told apart by column{of_several} {listed(found.columns)}. "
        f"Use --id {quoted([stack.key, *found.columns])} to take them as series, or --id {quoted([names])} to take "
        f"{'that column' if not of_several else 'those columns'} alone."
    )


def _differ(dates: pd.Index) -> bool:
    """Whether no date is there twice; of dates that rise pandas then knows it without a table of them all."""
    _ = dates.is_monotonic_increasing
    return bool(dates.is_unique)


def _telling_apart(frame: pd.DataFrame, days: np.ndarray, repeated: np.ndarray, most: bool) -> Ids | None:
    """The fewest columns that name series: no date occurs twice in one of them. None where there are no such columns.

    Args:
        frame: Columns that may be ids.
        days: `(rows,)` numbers of the dates.
        repeated: `(rows,)` whether a row's date occurs again.
        most: Whether most do. Whole numbers are ids only then, as counts take few values too.
    """
    texts = [name for name in frame.columns if like_text(frame[name].dtype)]
    wholes = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)] if most else []
    frame = frame[[*texts, *wholes]]
    rows = np.flatnonzero(repeated)
    if len(rows) > _TRIED:
        some = np.zeros(int(days.max()) + 1, dtype=bool)
        some[days[rows[: _TRIED // 100]]] = True  # whole dates
        few = np.flatnonzero(some[days])[:_TRIED]
        codes = {name: identified(frame[[name]].iloc[few])[0] for name in frame.columns}
        tried = _fewest(codes, days[few])
        ids = Ids.of(frame, tried) if tried else None
        if ids and _are_ids(ids, days, wholes):
            return ids
        if not tried and not any(_nearly_distinct(days[few], each) for each in codes.values()):
            return None
    codes = {name: identified(frame[[name]])[0] for name in frame.columns}
    kept = {name: each for name, each in codes.items() if _few(each, name in wholes)}
    found = _fewest(kept, days)
    together = Ids.of(frame, found) if found else None
    if together and _are_ids(together, days, wholes):
        return together
    close = [name for name in texts if most and name in kept and _nearly_distinct(days, kept[name])]
    return Ids.of(frame, close[:1]) if close else None


def _fewest(codes: dict[str, np.ndarray], days: np.ndarray) -> list[str]:
    """The first column that tells all dates apart, else the fewest together; none where all together do not."""
    for name, each in codes.items():
        if _distinct(days, [each]):
            return [name]
    if not _distinct(days, codes.values()):
        return []
    chosen = list(codes)
    for name in reversed(list(codes)):
        if _distinct(days, [codes[left] for left in chosen if left != name]):
            chosen.remove(name)
    return chosen


def _are_ids(ids: Ids, days: np.ndarray, wholes: Sequence[str]) -> bool:
    strictly = len(ids.columns) > 1 or ids.columns[0] in wholes
    return _few(ids.codes, strictly) and _distinct(days, [ids.codes])


def _few(codes: np.ndarray, strictly: bool) -> bool:
    """Whether there are several ids, each of several rows, as no measurement has."""
    ids = int(codes.max()) + 1
    return 1 < ids <= len(codes) // (_ROWS_EACH if strictly else 2)


def _in_runs(ids: Ids, repeated: int) -> bool:
    """Whether ids keep from row to row but where dates repeat, as those of contracts do that follow one another."""
    return int((np.diff(ids.codes) != 0).sum()) <= 2 * repeated + len(ids.names)


def _distinct(days: np.ndarray, codes: Iterable[np.ndarray]) -> bool:
    """Whether no date occurs twice with the same ids, where there are ids, as there must be in most rows."""
    columns = list(codes)
    if len(days) and any(each.min() < 0 for each in columns):
        with_id = np.logical_and.reduce([each >= 0 for each in columns])
        if with_id.sum() * 2 <= len(days):
            return False
        days, columns = days[with_id], [each[with_id] for each in columns]
    if not len(days):
        return False
    key = days.astype(np.int64)
    for each in columns:
        key = key * (int(each.max()) + 1) + each
        if each is not columns[-1]:
            key = pd.factorize(key)[0]  # or the products would outgrow 64 bits
    if key.max() < 10 * len(key):
        return int(np.bincount(key).max()) == 1  # a tenth of the time
    return pd.Index(key).is_unique


def _nearly_distinct(days: np.ndarray, codes: np.ndarray) -> bool:
    """Whether hardly a date occurs twice with the same id, as where a few rows of a panel are doubled."""
    if (codes < 0).any():
        return False
    key = days.astype(np.int64) * (int(codes.max()) + 1) + codes
    return len(key) - len(pd.unique(key)) <= _DOUBLED * len(key)


def like_text(kind: object) -> bool:
    """Whether a column of this type may hold names: text or categories."""
    return isinstance(kind, pd.StringDtype | pd.CategoricalDtype) or pd.api.types.is_object_dtype(kind)

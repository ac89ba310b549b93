"""Tables that hold several series: which column names them, and the rows of the one that is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import find, same
from kerasforecast.data.table.table import Table, counted, listed
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

KEY_NAMES = ("unique id", "item id", "series id")  # which nobody calls a column that is not one of ids
SYMBOL_NAMES = ("ticker", "symbol")  # which change in one series too, when a company is renamed or a contract rolled
_SHOWN_IDS = 5
_ROWS_EACH = 3  # what a series has at least, on average: a measurement takes more values than that
_TRIED = 100_000  # rows of repeated dates that mostly settle it, so that of a long table few columns are read whole


def of_one_series(table: Table, config: DataConfig, *, required: bool = True) -> Table:
    """The rows of the one series that `--id` and `--series` name, without the column of ids.

    Args:
        table: Of one or of several series.
        config: `id`, one column or several with commas between, and `series`.
        required: Whether the column must exist; otherwise a table without it is taken to be the series.

    Raises:
        DataError: There are several series and none is chosen; no such column, no such series.
    """
    if config.id is None:
        if config.series is not None:
            raise DataError(
                f"{table.name}: --series needs --id, the column that names the series. Received: --series "
                f"{config.series} alone. Columns: {listed(list(table.frame.columns))}."
            )
        keys = [name for name in table.frame.columns if name in table.keys or same(name) in KEY_NAMES]
        for key in keys:
            _, ids = identified(table.frame[[key]])
            if len(ids) > 1:
                raise _several(table, keys, identified(table.frame[keys])[1])
        return table.without(keys) if len(keys) < len(table.frame.columns) else table
    columns = _columns_of(table, config.id)
    if columns is None:
        if not required and config.series is not None:
            return table.noted(f"No column {config.id}: all rows are taken as series {config.series}.")
        raise DataError(
            f"{table.name}: --id must name a column. Received: {shown(config.id)}. "
            f"Columns: {listed(list(table.frame.columns))}."
        )
    codes, ids = identified(table.frame[columns])
    if config.series is None and len(ids) > 1:
        raise _several(table, columns, ids)
    place = 0 if config.series is None else _place(table, columns, ids, str(config.series))
    rows = np.flatnonzero(codes == place)
    if not len(rows):
        raise DataError(f"{table.name}: --id {config.id} must hold ids. Received: only empty cells.")
    note = f"Series {ids[place]} of column {', '.join(columns)}: {len(rows):,} of {counted(len(table.frame))}."
    nameless = int((codes < 0).sum())
    lost = f" {counted(nameless)} without an id left out." if nameless else ""
    return table.taking(rows).without(columns).noted(note + lost)


def refuse_several(
    table: Table, rows: pd.DataFrame, dates: pd.DatetimeIndex | None, used: Sequence[str], policy: str = "error"
) -> str:
    """Refuse rows of several series that would be read as one, where another column tells repeated dates apart.

    Args:
        table: Where the rows came from, for messages.
        rows: Those that hold a value.
        dates: Of `rows`; `None` in a table without.
        used: Columns that cannot be ids: dates and times of day, target, features.
        policy: `--duplicates`, which is heeded where few dates repeat: a preliminary value beside the final one.

    Returns:
        How to take one series where the policy is heeded all the same, else `""`.

    Raises:
        DataError: There are several.
    """
    frame = rows.drop(columns=[name for name in used if name in rows.columns])
    if dates is None:
        symbols = [name for name in frame.columns if same(name) in SYMBOL_NAMES]
        several = [name for name in symbols if len(identified(frame[[name]])[1]) > 1][:1]
        policy = "error"
    elif dates.is_unique:
        return ""
    else:
        days = pd.factorize(dates)[0]
        repeated = np.bincount(days)[days] > 1
        most = bool(repeated.mean() >= 0.5)
        several = _telling_apart(frame, days, repeated, most)
        if several and not most and not _in_runs(frame[several], int(repeated.sum())):
            return ""
        policy = "error" if most else policy
    if not several:
        return ""
    ids = identified(frame[several])[1]
    if policy == "error":
        raise _several(table, several, ids)
    return _choice(several, ids)


def identified(columns: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Which series each row belongs to.

    Args:
        columns: `(rows, K)` of ids; those of several columns are joined by commas.

    Returns:
        Places `(rows,)` in the list of ids, -1 where a row has none, and the ids in the order of their first rows.
    """
    codes, ids = _identified(columns.iloc[:, 0])
    for place in range(1, columns.shape[1]):
        more, others = _identified(columns.iloc[:, place])
        both = np.where((codes < 0) | (more < 0), -1, codes * len(others) + more)
        codes, pairs = pd.factorize(both)
        absent = np.flatnonzero(pairs < 0)
        if len(absent):  # rows without an id are no series of their own
            codes = np.where(codes == absent[0], -1, codes - (codes > absent[0]))
            pairs = np.delete(pairs, absent[0])
        ids = [f"{ids[pair // len(others)]},{others[pair % len(others)]}" for pair in pairs]
    return codes, ids


def _identified(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    try:
        codes, found = pd.factorize(cells)
    except TypeError:  # lists and the like
        codes, found = pd.factorize(cells.map(repr))
    texts = [_text_of(each) for each in found]
    if len(set(texts)) < len(texts):  # ids that differ by spaces around them alone
        again, texts = pd.factorize(np.array(texts, dtype=object))
        codes = np.where(codes < 0, -1, again[codes])
    return codes, list(texts)


def _text_of(value: object) -> str:
    if isinstance(value, float | np.floating) and value % 1 == 0:
        return str(int(value))  # a gap had turned whole numbers into floats
    return str(value).strip()


def _columns_of(table: Table, wanted: str) -> list[str] | None:
    names = list(table.frame.columns)
    whole = find(names, wanted)
    if whole is not None:
        return [whole]
    parts = [find(names, part.strip()) for part in wanted.split(",")]
    found = [part for part in parts if part is not None]
    return found if len(found) == len(parts) == len(set(found)) else None


def _place(table: Table, columns: Sequence[str], ids: list[str], wanted: str) -> int:
    alike = [place for place, each in enumerate(ids) if each == wanted] or [
        place for place, each in enumerate(ids) if same(each) == same(wanted)
    ]
    if len(alike) != 1:
        raise DataError(
            f"{table.name}: --series must name a series of column {', '.join(columns)}. Received: {shown(wanted)}. "
            f"It holds: {listed(list(map(_cut, ids)), _SHOWN_IDS)}."
        )
    return alike[0]


def _telling_apart(frame: pd.DataFrame, days: np.ndarray, repeated: np.ndarray, most: bool) -> list[str]:
    """The fewest columns that name series: no date occurs twice in one of them. None where there are no such columns.

    Args:
        frame: Columns that may be ids.
        days: `(rows,)` numbers of the dates.
        repeated: `(rows,)` whether a row's date occurs again.
        most: Whether most do. Whole numbers are ids only then, as counts take few values too.
    """
    texts = [name for name in frame.columns if _like_text(frame[name])]
    wholes = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)] if most else []
    frame = frame[[*texts, *wholes]]
    rows = np.flatnonzero(repeated)
    if len(rows) > _TRIED:
        some = np.isin(days, days[rows[: _TRIED // 100]])  # whole dates
        few = np.flatnonzero(some)[:_TRIED]
        tried = _fewest({name: identified(frame.iloc[few][[name]])[0] for name in frame.columns}, days[few])
        if not tried or _are_ids(frame, tried, days, wholes):
            return tried
    codes = {name: identified(frame[[name]])[0] for name in frame.columns}
    kept = {name: each for name, each in codes.items() if _few(each, name in wholes)}
    found = _fewest(kept, days)
    return found if found and _are_ids(frame, found, days, wholes) else []


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


def _are_ids(frame: pd.DataFrame, columns: list[str], days: np.ndarray, wholes: Sequence[str]) -> bool:
    codes, _ = identified(frame[columns])
    return _distinct(days, [codes]) and _few(codes, len(columns) > 1 or columns[0] in wholes)


def _few(codes: np.ndarray, strictly: bool) -> bool:
    """Whether there are several ids, each of several rows, as no measurement has."""
    ids = int(codes.max()) + 1
    return 1 < ids <= len(codes) // (_ROWS_EACH if strictly else 2)


def _in_runs(columns: pd.DataFrame, repeated: int) -> bool:
    """Whether ids keep from row to row but where dates repeat, as those of contracts do that follow one another."""
    codes, ids = identified(columns)
    return int((np.diff(codes) != 0).sum()) <= 2 * repeated + len(ids)


def _distinct(days: np.ndarray, codes: Iterable[np.ndarray]) -> bool:
    """Whether no date occurs twice with the same ids, where there are ids, as there must be in most rows."""
    columns = list(codes)
    named = np.logical_and.reduce([each >= 0 for each in columns]) if columns else np.ones(len(days), dtype=bool)
    if named.sum() * 2 <= len(days):
        return False
    key = days[named].astype(np.int64)
    for each in columns:
        key = key * (int(each.max()) + 1) + each[named]
        if each is not columns[-1]:
            key = pd.factorize(key)[0]  # or the products would outgrow 64 bits
    if key.max() < 10 * len(key):
        return int(np.bincount(key).max()) == 1  # a tenth of the time
    return pd.Index(key).is_unique


def _like_text(cells: pd.Series) -> bool:
    kind = cells.dtype
    return isinstance(kind, pd.StringDtype | pd.CategoricalDtype) or pd.api.types.is_object_dtype(kind)


def _several(table: Table, columns: Sequence[str], ids: list[str]) -> DataError:
    return DataError(
        f"{table.name}: expected the rows of one series. Received: {len(ids):,} series in "
        f"column{'' if len(columns) == 1 else 's'} {', '.join(columns)}: "
        f"{listed(list(map(_cut, ids)), _SHOWN_IDS)}. Use {_choice(columns, ids)} to take one of them."
    )


def _choice(columns: Sequence[str], ids: list[str]) -> str:
    return f"--id {shlex.quote(','.join(columns))} --series {shlex.quote(ids[0])}"


def _cut(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:27]}..."

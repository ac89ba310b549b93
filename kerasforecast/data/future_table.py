"""What is known of the rows to be forecast, as a table of the user's: ids, dates and the known columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.data.table.bytestream import open_blob
from kerasforecast.data.table.clock import with_times
from kerasforecast.data.table.columns import find, same
from kerasforecast.data.table.dates import read_dates
from kerasforecast.data.table.frames import read_parquet
from kerasforecast.data.table.given import Given, from_data
from kerasforecast.data.table.ids import identified
from kerasforecast.data.table.numbers import as_numbers
from kerasforecast.data.table.stack import named
from kerasforecast.data.table.table import Table, counted, listed
from kerasforecast.data.table.text import read_text
from kerasforecast.errors import DataError, shown
from kerasforecast.runtime.files import user_path
from kerasforecast.sections.data import DataConfig

_STEPS = ("step", "date", "index")  # what the column of integer steps may be called
_NAMELESS = ("index", "level_0")  # what an index without a name is read as
_RETRY = "--print-future writes the frame that is wanted."


@dataclass(frozen=True, eq=False)
class FutureTable:
    """Rows of a future frame, each of one series, or of all.

    Attributes:
        table: Where they came from, for messages.
        owners: `(n,)` the place of each row's series in the panel; `None` where a row is of every series.
        index: `(n,)` dates, or integer steps.
        values: `(n, G)` float64, NaN where a cell is empty.
        notes: What was decided, one sentence each.
    """

    table: Table
    owners: np.ndarray | None
    index: pd.Index
    values: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Named:
    """What the series that are forecast are called in a table of several.

    Attributes:
        key: The columns of ids; `None` where there are none.
        ids: `(N,)` of each series of the panel.
    """

    key: str | None
    ids: np.ndarray

    @classmethod
    def of(cls, panel: Panel, config: DataConfig) -> _Named:
        """Those of `panel`, which may be the one series that `--series` took of a table."""
        if panel.key is None and config.series is not None and config.id is not None:
            return cls(config.id, np.array([str(config.series)]))
        return cls(panel.key, panel.ids)

    def places(self, ids: Sequence[str]) -> np.ndarray:
        """The place of the series that each of `ids` names, -1 for none: by its very letters, or else by like ones."""
        places = pd.Index(self.ids).get_indexer(pd.Index(ids, dtype=object))
        if len(self.ids) == 1 and (places < 0).all():  # as --series is understood
            places = np.array([0 if same(each) == same(str(self.ids[0])) else -1 for each in ids], np.int64)
        return places


def read_future(data: str | PathLike | Given, panel: Panel, config: DataConfig) -> FutureTable:
    """Read a future frame for `panel`, as its own table is read.

    Args:
        data: A path, or rows at hand.
        panel: Whose ids and known columns it is to have.
        config: How the table of `panel` was read: marks of numbers, form of dates, their column.

    Raises:
        DataError: It cannot be read, lacks a column, or names no series that is there.
    """
    cleared = ("ticker", "start", "end", "target", "series", "calendar", "holidays")
    update = dict.fromkeys(cleared) | dict.fromkeys(("targets", "past", "known", "static", "calendar_features"), ())
    wanted = _Named.of(panel, config)
    config = config.model_copy(update=update | {"file": None, "id": wanted.key})
    failed: DataError | None = None
    for way in _ways(config):
        try:
            return _read(_table(data, way), panel, way, wanted)
        except DataError as error:
            failed = failed or error
    raise failed or DataError("A table must be read in some way.")


def _table(data: str | PathLike | Given, config: DataConfig) -> Table:
    if not isinstance(data, str | PathLike):
        return from_data(data, "future")
    if str(data) != "-" and not user_path(data).is_file():
        raise DataError(f"--future must name a table. Received: {shown(str(data))}, no such file. Check the path.")
    blob = open_blob(str(data))
    return read_parquet(blob) if blob.is_parquet else read_text(blob, config)


def _ways(config: DataConfig) -> list[DataConfig]:
    """How to read it: as the table of the panel; else as the frame that was printed, which has names of its own."""
    plain = config.model_copy(update={"date_format": None, "date_column": None})
    return [config] if plain == config else [config, plain]


def _read(table: Table, panel: Panel, config: DataConfig, wanted: _Named) -> FutureTable:
    columns = [_column(table, name) for name in panel.given_columns]
    keys = _keys(table, wanted.key)
    table, owners, notes = _own_rows(table, keys, wanted, panel.name)
    if panel.dated:
        table, dates = with_times(table, config, required=False)
        if dates is None:
            raise DataError(f"{table.name}: a column of dates is needed. Received: none. {_RETRY}")
    else:
        found = [find(list(table.frame.columns), name) for name in (config.date_column or "", *_STEPS)]
        dates = next(filter(None, found), None)
    index, said = _index(table, dates, panel, config)
    numbers, understood = as_numbers(table, table.frame, columns, config, droppable=False)
    used = {*columns, *keys, dates, *_NAMELESS}
    unused = [name for name in table.frame.columns if name not in used]
    notes += [*said, *understood, *([f"{table.name}: not used: {listed(unused)}."] if unused else [])]
    if panel.key is not None and owners is None:
        notes.append(f"{table.name}: without a column {panel.key}, its rows are taken for every series.")
    return FutureTable(table, owners, index, np.stack([numbers[name] for name in columns], axis=1), tuple(notes))


def _column(table: Table, wanted: str) -> str:
    found = find(list(table.frame.columns), wanted)
    if found is None:
        raise DataError(
            f"{table.name}: a known column of the model is needed, {wanted}. "
            f"Received: {listed(list(table.frame.columns))}. {_RETRY}"
        )
    return found


def _keys(table: Table, key: str | None) -> list[str]:
    """The columns of ids, one or several; none where the table has none."""
    if key is None:
        return []
    names = list(table.frame.columns)
    parts = [key] if find(names, key) is not None else key.split(",")
    found = [find(names, part.strip()) for part in parts]
    return [name for name in found if name is not None] if all(found) else []


def _index(table: Table, dates: str | None, panel: Panel, config: DataConfig) -> tuple[pd.Index, tuple[str, ...]]:
    if isinstance(panel.index, pd.DatetimeIndex):
        read = read_dates(table, table.frame[dates], config.date_format, utc=config.time_zone is not None)
        return read.index, read.notes
    if dates is None:
        raise DataError(f"{table.name}: a column step of integer steps is needed. Received: none. {_RETRY}")
    steps, _ = as_numbers(table, table.frame, [dates], config, droppable=False)
    numbers = steps[dates]
    if not np.isfinite(numbers).all() or (numbers % 1).any():
        raise DataError(f"{table.name}: column {dates} must hold whole numbers. Received: others. {_RETRY}")
    return pd.Index(numbers.astype(np.int64)), ()


def _own_rows(
    table: Table, keys: Sequence[str], wanted: _Named, name: str
) -> tuple[Table, np.ndarray | None, list[str]]:
    """The rows of series that are forecast, the place of each one's series, and what is said of the others.

    Raises:
        DataError: A row has no id, or none has that of a series which is forecast.
    """
    if not keys:
        return table, None, []
    codes, ids = identified(table.frame[list(keys)])
    places = wanted.places(ids)
    absent = np.flatnonzero(places < 0)
    if len(absent) and len(keys) == 1 and pd.api.types.is_numeric_dtype(table.frame[keys[0]].dtype):
        _, first = np.unique(codes[codes >= 0], return_index=True)
        rows = np.flatnonzero(codes >= 0)[first[absent]]  # of numbers pandas drops the zeros at their front: 007
        places[absent] = wanted.places([text.strip() for text in table.raw(rows.tolist(), keys[0])])
        absent = np.flatnonzero(places < 0)
    if (codes < 0).any() or (len(absent) == len(ids) and len(ids)):
        row = int(np.argmax(codes < 0))
        found = "no id" if codes[row] < 0 else named(ids)
        raise DataError(
            f"{table.name}: {table.locator.row_names([row])[0]}: {wanted.key} must name a series of {name}. "
            f"Received: {found}. Leave such rows out; {_RETRY}"
        )
    owners = places[codes]
    if not len(absent):
        return table, owners, []
    own = np.flatnonzero(owners >= 0)
    others = (
        f"{counted(len(owners) - len(own))} not used, of series that are not forecast: {named(np.take(ids, absent))}"
    )
    return table.taking(own), owners[own], [f"{table.name}: {others}{'' if others.endswith('.') else '.'}"]

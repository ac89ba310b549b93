"""DataFrames and Parquet files to raw tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from kerasforecast.data.table.bytestream import BOMB_FLOOR, BOMB_RATIO, Blob
from kerasforecast.data.table.columns import DATE_NAMES, PRICE_NAMES, TARGET_NAMES, same
from kerasforecast.data.table.table import FrameLocator, Table
from kerasforecast.errors import DataError, InputError, shown

_TEXT_TYPES = ("string", "large_string", "binary", "large_binary")  # as Arrow calls them
DATE_INDEX = "Date"  # what an unnamed index of dates is called
ID_LEVEL = "id"  # what an unnamed row of names, or the keys of a dict, are called as a column


def from_frame(frame: pd.DataFrame | pd.Series, name: str = "DataFrame", keys: tuple[str, ...] = ()) -> Table:
    """A DataFrame, or a pandas Series of values, as a raw table; an index that says anything becomes the first column.

    Args:
        frame: The rows. It is not changed.
        name: How messages call it.
        keys: Levels of the index that are known to name the series a row belongs to.

    Raises:
        DataError: It has no rows, repeats a column's name, or has several rows of names that say too little.
    """
    if isinstance(frame, pd.Series):
        frame = frame.to_frame("value" if frame.name in (None, "") else str(frame.name))
    if isinstance(frame.columns, pd.MultiIndex):
        frame, more = _one_row_of_names(frame, name)
        keys += more
    if not len(frame) or not len(frame.columns):
        raise DataError(f"{name}: expected rows and columns. Received: shape {frame.shape}. Give at least 2 rows.")
    rows = frame.set_axis([str(column) for column in frame.columns], axis=1).reset_index(drop=True)
    if not rows.columns.is_unique:
        twice = rows.columns[rows.columns.duplicated()][0]
        raise DataError(f"{name}: column names must differ. Received: {shown(twice)} twice. Rename one of them.")
    levels = _levels(frame.index)
    rows = rows.drop(columns=list(levels), errors="ignore")
    for place, (level, cells) in enumerate(levels.items()):
        rows.insert(place, level, cells)
    labels, apart = _labels_and_keys(levels)
    return Table(rows, FrameLocator(rows, frame.index, name), index=labels, keys=(*keys, *apart))


def _levels(index: pd.Index) -> dict[str, pd.Index]:
    """The index as columns, by name; none where it only counts the rows."""
    if isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1):
        return {}
    several = isinstance(index, pd.MultiIndex)
    found = {}
    for place in range(index.nlevels):
        cells = _plain(index.get_level_values(place))
        unnamed = DATE_INDEX if _dated(cells) else f"level_{place}" if several else "index"
        found[str(unnamed if cells.name is None else cells.name)] = cells
    return found


def _plain(index: pd.Index) -> pd.Index:
    """`index` by what it holds: categories and objects may all be dates or numbers."""
    if isinstance(index.dtype, pd.CategoricalDtype):
        index = index.astype(index.categories.dtype)
    return index.infer_objects() if pd.api.types.is_object_dtype(index.dtype) else index


def _dated(index: pd.Index) -> bool:
    return isinstance(index, pd.DatetimeIndex | pd.PeriodIndex)


def _labels_and_keys(levels: dict[str, pd.Index]) -> tuple[str | None, tuple[str, ...]]:
    """The level that orders the rows, and those that name series: the others, where the first repeats."""
    if not levels:
        return None, ()
    dated = [name for name, cells in levels.items() if _dated(cells)]
    named = [name for name in levels if same(name) in DATE_NAMES]
    labels = (dated or named or list(levels))[0 if dated or named else -1]
    others = tuple(name for name in levels if name != labels)
    return labels, others if not levels[labels].is_unique else ()


def _one_row_of_names(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`frame` with one row of column names, as yfinance writes one for prices and one for tickers: those become rows.

    Returns:
        The frame, its index with a level for each of the other rows of names, and what those are called.
    """
    names = frame.columns
    values = [names.get_level_values(level) for level in range(names.nlevels)]
    known = (*TARGET_NAMES, *PRICE_NAMES)
    telling = [level for level, cells in enumerate(values) if any(same(cell) in known for cell in cells.unique())]
    varied = [level for level, cells in enumerate(values) if cells.nunique() > 1]
    if len(telling) != 1 and len(varied) > 1:
        raise DataError(
            f"{name}: expected one row of column names. Received: {names.nlevels} levels, first {shown(names[0])}. "
            f"Select one series, e.g. frame[{names[0][0]!r}]."
        )
    kept = telling[0] if len(telling) == 1 else varied[0] if varied else 0
    others = [level for level in varied if level != kept]
    called = tuple(str(names.names[level] or ID_LEVEL) for level in others)
    frame = frame.set_axis(pd.MultiIndex.from_arrays([values[level] for level in (kept, *others)]), axis=1)
    if not others:
        return frame.set_axis(values[kept], axis=1), ()
    stacked = frame.stack(level=list(range(1, 1 + len(others))), future_stack=True)
    dates = frame.index.names if frame.index.names != [None] else [DATE_INDEX if _dated(frame.index) else None]
    return stacked.rename_axis(index=[*dates, *called]), called


def read_parquet(blob: Blob, ids: str | None = None) -> Table:
    """Read a Parquet file whole; rows count from 1.

    Args:
        blob: The file.
        ids: Columns of ids, as `--id` takes them: a text that repeats stays one there.

    Raises:
        InputError: pyarrow is not installed.
        DataError: The file is damaged, or unpacks to more than it may.
    """
    try:
        import pyarrow.parquet as parquet  # optional: the `parquet` extra
        from pyarrow import ArrowException, BufferReader
    except ImportError:
        raise InputError(
            f"{blob.name}: reading Parquet needs pyarrow. Received: an installation without it. "
            "Install kerasforecast[parquet], or give a CSV file."
        ) from None
    try:
        with blob.open_raw() as stream:
            # From memory and in this thread: Arrow's own, which reads any other stream, may outlive a process that ends
            # at once, which then aborts.
            stored = BufferReader(stream.read())
            text = [field.name for field in parquet.ParquetFile(stored).schema_arrow if str(field.type) in _TEXT_TYPES]
            file = parquet.ParquetFile(stored, read_dictionary=text)  # a text that repeats stays one until it is sized
            _refuse_bomb(blob, file.metadata.num_rows * max(file.metadata.num_columns, 1) * 8)
            kept = {same(name) for name in (ids or "").split(",")}
            whole = file.read(use_threads=False)
            spelled = _spelled_out(blob, whole, text, [name for name in text if same(name) in kept])
            del stored, file, whole
            # Each column is a copy of its own at most.
            frame = spelled.to_pandas(split_blocks=True, self_destruct=True, use_threads=False)
            del spelled
    except (ArrowException, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{blob.name}: expected a whole Parquet file. Received: {shown(str(error), 80)}. "
            "Copy or download the file again."
        ) from None
    table = from_frame(frame, blob.name)
    if table.index is not None:
        return table
    return replace(table, locator=FrameLocator(table.frame, pd.RangeIndex(1, len(frame) + 1), blob.name))


def _spelled_out(blob: Blob, table: Any, columns: list[str], kept: list[str]) -> Any:
    """An Arrow table whose dictionaries of text in `columns` are written out but for `kept`; none may be too much."""
    import pyarrow.compute as compute

    for name in columns:
        place, chunks = table.schema.get_field_index(name), table[name].chunks
        lengths = [compute.binary_length(part.dictionary) for part in chunks]
        if max((compute.max(each).as_py() or 0 for each in lengths), default=0) * len(table) > BOMB_FLOOR:
            indices = (part.indices for part in chunks)
            sizes = [compute.sum(compute.take(*each)) for each in zip(lengths, indices, strict=True)]
            _refuse_bomb(blob, sum(size.as_py() or 0 for size in sizes))
        if name in kept:
            continue
        table = table.set_column(place, name, compute.cast(table[name], table.schema.field(place).type.value_type))
    return table


def _refuse_bomb(blob: Blob, size: int) -> None:
    if size > BOMB_FLOOR and size > BOMB_RATIO * blob.stored_size:
        raise DataError(
            f"{blob.name}: must not unpack to more than {BOMB_RATIO} times its {blob.stored_size:,} bytes. "
            f"Received: {size:,} bytes of cells. Write it again without compression, or as CSV."
        )

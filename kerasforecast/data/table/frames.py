"""DataFrames and Parquet files to raw tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kerasforecast.data.table.bytestream import BOMB_FLOOR, BOMB_RATIO, Blob
from kerasforecast.data.table.table import FrameLocator, Table
from kerasforecast.errors import DataError, InputError, shown

_TEXT_TYPES = ("string", "large_string", "binary", "large_binary")  # as Arrow calls them
DATE_INDEX = "Date"  # what an unnamed index of dates is called


def from_frame(frame: pd.DataFrame | pd.Series, name: str = "DataFrame") -> Table:
    """A DataFrame, or a pandas Series of values, as a raw table; dates in the index become the first column.

    Args:
        frame: The rows. It is not changed.
        name: How messages call it.

    Raises:
        DataError: It is neither, has no rows, or repeats a column's name.
    """
    if isinstance(frame, pd.Series):
        frame = frame.to_frame("value" if frame.name is None else str(frame.name))
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"Data must be a pandas DataFrame or Series. Received: {type(frame).__name__}. Convert it first."
        )
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError(
            f"{name}: expected one row of column names. Received: {frame.columns.nlevels} levels, first "
            f"{shown(frame.columns[0])}. Select one ticker, e.g. frame.xs('AAPL', axis=1, level='Ticker')."
        )
    if not len(frame) or not len(frame.columns):
        raise DataError(f"{name}: expected rows and columns. Received: shape {frame.shape}. Give at least 2 rows.")
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{name}: column names must differ. Received: {shown(twice)} twice. Rename one of them.")
    rows = frame.reset_index(drop=True)
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex):
        column = str(frame.index.name or DATE_INDEX)
        rows = rows.drop(columns=column, errors="ignore")
        rows.insert(0, column, frame.index)
    return Table(rows, FrameLocator(frame, name))


def index_column(frame: pd.DataFrame) -> str | None:
    """What `from_frame` calls the column it makes of `frame`'s dates; `None` where the index holds none."""
    dated = isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex)
    return str(frame.index.name or DATE_INDEX) if dated else None


def read_parquet(blob: Blob) -> Table:
    """Read a Parquet file whole; rows count from 1.

    Raises:
        InputError: pyarrow is not installed.
        DataError: The file is damaged, or unpacks to more than it may.
    """
    try:
        import pyarrow.parquet as parquet  # optional: the `parquet` extra
        from pyarrow import ArrowException
    except ImportError:
        raise InputError(
            f"{blob.name}: reading Parquet needs pyarrow. Received: an installation without it. "
            "Install kerasforecast[parquet], or give a CSV file."
        ) from None
    try:
        with blob.open_raw() as stream:
            text = [field.name for field in parquet.ParquetFile(stream).schema_arrow if str(field.type) in _TEXT_TYPES]
            file = parquet.ParquetFile(stream, read_dictionary=text)  # a text that repeats stays one until it is sized
            _refuse_bomb(blob, file.metadata.num_rows * max(file.metadata.num_columns, 1) * 8)
            frame = _spelled_out(blob, file.read(), text).to_pandas()
    except (ArrowException, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{blob.name}: expected a whole Parquet file. Received: {shown(str(error), 80)}. "
            "Copy or download the file again."
        ) from None
    if isinstance(frame.index, pd.RangeIndex):
        frame.index = pd.RangeIndex(1, len(frame) + 1)
    return from_frame(frame, blob.name)


def _spelled_out(blob: Blob, table: Any, columns: list[str]) -> Any:
    """An Arrow table whose dictionaries of text in `columns` are written out, which must not be too much."""
    import pyarrow.compute as compute

    for name in columns:
        place, chunks = table.schema.get_field_index(name), table[name].chunks
        sizes = (compute.sum(compute.take(compute.binary_length(part.dictionary), part.indices)) for part in chunks)
        _refuse_bomb(blob, sum(size.as_py() or 0 for size in sizes))
        table = table.set_column(place, name, compute.cast(table[name], table.schema.field(place).type.value_type))
    return table


def _refuse_bomb(blob: Blob, size: int) -> None:
    if size > BOMB_FLOOR and size > BOMB_RATIO * blob.stored_size:
        raise DataError(
            f"{blob.name}: must not unpack to more than {BOMB_RATIO} times its {blob.stored_size:,} bytes. "
            f"Received: {size:,} bytes of cells. Write it again without compression, or as CSV."
        )

"""What Python users hand over, to raw tables: DataFrames of any library, arrays, lists, dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

from kerasforecast.data.table.frames import DATE_INDEX, ID_LEVEL, from_frame
from kerasforecast.data.table.table import Table
from kerasforecast.errors import DataError, InputError, shown


class NativeFrame(Protocol):
    """A DataFrame of another library that narwhals knows, e.g. polars or pyarrow."""

    @property
    def columns(self) -> Any:
        """Its columns."""


Given: TypeAlias = pd.DataFrame | pd.Series | np.ndarray | Sequence | Mapping | NativeFrame

_KINDS = "a DataFrame (pandas, polars, pyarrow, ...), an array, a list, a dict of columns, or a path"


def from_data(data: Given, name: str = "DataFrame") -> Table:
    """Rows at hand as a raw table.

    Args:
        data: A DataFrame or series of pandas or of another library; an array or list `(T,)` of values or
            `(T, columns)`; a dict of columns, or of DataFrames, each of which is a series.
        name: How messages call it.

    Raises:
        DataError: It is none of these, or no table.
        InputError: It needs a package that is not installed.
    """
    if isinstance(data, pd.DataFrame | pd.Series):
        return from_frame(data, name)
    if isinstance(data, str | bytes):
        raise _no_table(data)
    if isinstance(data, Mapping):
        return _from_mapping(data, name)
    if not isinstance(data, np.ndarray | Sequence):
        frame = _through_narwhals(data)
        if frame is not None:
            return from_frame(frame, name)
    return from_frame(_from_array(data), name)


def _from_mapping(data: Mapping, name: str) -> Table:
    frames = [isinstance(each, pd.DataFrame) for each in data.values()]
    if frames and all(frames):
        stacked = pd.concat(dict(data), names=[ID_LEVEL])
        return from_frame(stacked, name, keys=(ID_LEVEL,))
    try:
        return from_frame(pd.DataFrame(dict(data)), name)
    except (TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"A dict must hold columns of one length. Received: {shown(str(error), 80)}. Give {_KINDS}."
        ) from None


def _through_narwhals(data: Any) -> pd.DataFrame | pd.Series | None:
    """`data` as pandas has it, where narwhals knows it; else `None`."""
    import narwhals  # only where the rows are not pandas'

    known = narwhals.from_native(data, pass_through=True, allow_series=True)
    if known is data:
        return None
    if isinstance(known, narwhals.LazyFrame):
        known = known.collect()
    try:
        return known.to_pandas()
    except ImportError as error:
        raise InputError(
            f"A table of {type(data).__module__.partition('.')[0]} is read through pyarrow. Received: {error}. "
            "Install kerasforecast[parquet], or give a pandas DataFrame."
        ) from None


def _from_array(data: Any) -> pd.DataFrame:
    """Arrays, lists and what turns into an array: values alone, or rows of columns that have no names."""
    if isinstance(data, Sequence) and len(data) and isinstance(data[0], Mapping):
        return pd.DataFrame(list(data))
    if not isinstance(data, np.ndarray | Sequence) and not hasattr(data, "__array__"):
        raise _no_table(data)
    try:
        if isinstance(data, Sequence):
            frame = pd.DataFrame(list(data))
        else:
            array = np.asarray(data)
            frame = pd.DataFrame(array[:, None] if array.ndim == 1 and array.dtype.names is None else array)
    except (TypeError, ValueError) as error:
        raise DataError(
            "An array must have shape (rows,) or (rows, columns). "
            f"Received: {shown(getattr(data, 'shape', str(error)), 80)}. Give {_KINDS}."
        ) from None
    frame = frame.infer_objects()
    return frame.set_axis(_names_for(frame), axis=1) if isinstance(frame.columns, pd.RangeIndex) else frame


def _names_for(frame: pd.DataFrame) -> list[str]:
    dated = [pd.api.types.is_datetime64_any_dtype(kind) for kind in frame.dtypes]
    names = [DATE_INDEX if is_date else f"value {place + 1}" for place, is_date in enumerate(dated)]
    return ["value"] if names == ["value 1"] else [DATE_INDEX, "value"] if names == [DATE_INDEX, "value 2"] else names


def _no_table(data: object) -> DataError:
    return DataError(f"Data must be {_KINDS}. Received: {type(data).__name__}. Convert it first.")

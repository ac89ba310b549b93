"""The one form in which a table travels through the package, valid from the moment it exists."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.data.finite import all_finite
from kerasforecast.data.frequency import check_frequency
from kerasforecast.errors import DataError, shown


@dataclass(frozen=True)
class Source:
    """Where a series came from.

    Attributes:
        kind: `"sample"`, `"file"`, `"yahoo"` or `"frame"`.
        location: Path, ticker, sample name, or `""` for a DataFrame.
        sha256: Hash of the snapshot that downloaded rows came from, `""` for other kinds.
        retrieved: When it was downloaded, ISO 8601 in UTC, `""` for other kinds.
    """

    kind: str
    location: str = ""
    sha256: str = ""
    retrieved: str = ""


@dataclass(frozen=True, eq=False)
class Series:
    """A regularly observed quantity and its covariates. Everything after construction may trust it.

    Attributes:
        values: `(T, F)` float64, finite, read-only. Column 0 is the target.
        index: `(T,)` strictly increasing: a tz-naive `DatetimeIndex` or an integer index.
        columns: The `F` column names; `columns[0]` is the target.
        frequency: Alias of the step as `kerasforecast.data.frequency` has it (`"B"`, `"W-SAT"`, `"15min"`); `None`
            where a calendar or integer steps rule, or the dates keep none.
        calendar: Trading calendar code of exchange-calendars (`"XNYS"`), or `None`.
        name: Short name for files and titles, e.g. `"ibm"`.
        source: Where the rows came from.
        notes: What was detected or changed on the way in, one sentence each.
        calendar_columns: Columns that follow from the dates, and the feature of `kerasforecast.data.calendar_columns`
            that each is: known for the rows to be forecast too. They are the last ones.

    Example:
        >>> import kerasforecast as kf
        >>> import numpy as np
        >>> import pandas as pd
        >>> series = kf.Series(np.array([[1.0], [2.0], [4.0]]), pd.RangeIndex(3), ("sales",), name="shop")
        >>> len(series), series.target, series.dated
        (3, 'sales', False)
    """

    values: np.ndarray
    index: pd.Index
    columns: tuple[str, ...]
    frequency: str | None = None
    calendar: str | None = None
    name: str = "series"
    source: Source = Source("frame")
    notes: tuple[str, ...] = ()
    calendar_columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = unwritable(self.values)
        if values.ndim != 2 or values.shape != (len(self.index), len(self.columns)) or not len(self.columns):
            raise DataError(
                "Series values must have shape (rows, columns). "
                f"Received: values {values.shape}, {len(self.index)} index entries, {len(self.columns)} columns."
            )
        if len(set(self.columns)) != len(self.columns):
            raise DataError(f"Series columns must differ. Received: {shown(self.columns)}. Rename one of them.")
        if set(self.columns[len(self.columns) - len(self.calendar_columns) :]) != set(self.calendar_columns):
            raise DataError(f"Series calendar columns must be the last. Received: {shown(self.columns)}. Move them.")
        if not all_finite(values):
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise DataError(
                f"Series values must be finite. Received: {values[row, column]} at {self.index[row]}, "
                f"column {self.columns[column]}. Drop or fill such rows first."
            )
        if getattr(self.index, "tz", None) is not None or self.index.hasnans:
            raise DataError("Series index must be tz-naive and complete. Remove the time zone and missing dates first.")
        if not (self.index.is_monotonic_increasing and self.index.is_unique):
            raise DataError("Series index must be strictly increasing. Sort the rows and remove doubled dates first.")
        check_frequency(self.frequency)
        object.__setattr__(self, "values", values)

    @classmethod
    def of_checked(cls, **fields: Any) -> Series:
        """A series of rows that were checked when the panel that holds them was made; `fields` are all attributes."""
        series = object.__new__(cls)
        series.__dict__.update(fields)
        return series

    def __len__(self) -> int:
        return len(self.values)

    @property
    def target(self) -> str:
        """Name of the forecast column."""
        return self.columns[0]

    @property
    def dated(self) -> bool:
        """Whether rows carry dates (otherwise integer steps)."""
        return isinstance(self.index, pd.DatetimeIndex)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of columns, index and values: the same rows give the same hash whatever file they stood in."""
        return rows_digest(self.columns, self.index, self.values).hexdigest()


def unwritable(values: np.ndarray) -> np.ndarray:
    """`values` as a C-ordered float64 array that nobody can change: itself where it is one, else a copy."""
    owner = values
    while isinstance(owner, np.ndarray) and not owner.flags.writeable and owner.base is not None:
        owner = owner.base
    fixed = isinstance(owner, np.ndarray) and not owner.flags.writeable
    if fixed and values.dtype == np.float64 and values.flags.c_contiguous:
        return values
    copy = np.array(values, dtype=np.float64, order="C")
    copy.setflags(write=False)
    return copy


def rows_digest(columns: tuple[str, ...], index: pd.Index, values: np.ndarray) -> Any:
    """SHA-256 of columns, index and values, which more may be added to."""
    digest = hashlib.sha256("\x1f".join(columns).encode())
    dated = isinstance(index, pd.DatetimeIndex)
    stamps = index.as_unit("ns").asi8 if dated else np.asarray(index, dtype=np.int64)
    digest.update(np.ascontiguousarray(stamps, dtype="<i8").tobytes())
    digest.update(values.astype("<f8", copy=False).tobytes())
    return digest

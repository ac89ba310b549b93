"""Tables of forecasts in the form of their CSV files, so that those just made and those read back are the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from kerasforecast.data.precision import short_decimals
from kerasforecast.data.stamps import iso_texts

_AT_ONCE = 200_000  # rows of a file that are held as text at a time


def csv_parts(table: pd.DataFrame) -> Iterator[bytes]:
    """The CSV file of a table of forecasts, a part at a time: as text it is many times as large."""
    dates = pd.Index(table["date"].unique())
    for first in range(0, max(1, len(table)), _AT_ONCE):
        part = as_written(table.iloc[first : first + _AT_ONCE], dates)
        yield part.to_csv(index=False, header=first == 0).encode()


def as_written(table: pd.DataFrame, among: pd.Index | None = None) -> pd.DataFrame:
    """A table of forecasts as its CSV file gives it back.

    Args:
        table: A column `date` of dates or integer steps, and columns of numbers; ids where series have some.
        among: All dates of the file, where these are some of its rows.

    Returns:
        The same rows: dates as `kerasforecast.data.stamps.iso_texts` writes them, and the float32 numbers of a network
        as float64 with the short decimals that stand in the file (0.1, not 0.10000000149). A table already in this form
        stays as it is.
    """
    written = table.copy()
    dates = pd.Index(table["date"])
    if isinstance(dates, pd.DatetimeIndex):
        codes, unique = pd.factorize(dates)  # many series share their dates
        written["date"] = pd.Series(iso_texts(unique, among)).array.take(codes)
    for name in table.columns[table.dtypes == np.float32]:
        written[name] = short_decimals(table[name].to_numpy())
    return written

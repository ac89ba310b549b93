"""Tables of forecasts in the form of their CSV files, so that those just made and those read back are the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import iso_texts


def as_written(table: pd.DataFrame) -> pd.DataFrame:
    """A table of forecasts as its CSV file gives it back.

    Args:
        table: A column `date` of dates or integer steps, and columns of numbers.

    Returns:
        The same rows: dates as `kerasforecast.data.stamps.iso_texts` writes them, and the float32 numbers of a network
        as float64 with the short decimals that stand in the file (0.1, not 0.10000000149). A table already in this form
        stays as it is.
    """
    written = table.copy()
    dates = pd.Index(table["date"])
    if isinstance(dates, pd.DatetimeIndex):
        codes, unique = pd.factorize(dates)  # many series share their dates
        written["date"] = pd.Series(iso_texts(unique)).array.take(codes)
    for name in table.columns[table.dtypes == np.float32]:
        written[name] = table[name].to_numpy().astype(str).astype(np.float64)
    return written

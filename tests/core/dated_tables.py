"""Dates and values that tests of tables share."""

import numpy as np
import pandas as pd

ROWS = 60
DAYS = pd.bdate_range("2023-01-02", periods=ROWS)
MONTHS = pd.date_range("1990-01-01", periods=ROWS, freq="MS")
QUARTERS = pd.date_range("1990-01-01", periods=ROWS, freq="QS")
HOURS = pd.date_range("2024-01-29", periods=ROWS, freq="h")
WEEKS = pd.date_range("2018-01-01", periods=ROWS, freq="7D")
LEVEL = np.round(100 + np.random.default_rng(0).normal(size=ROWS).cumsum(), 2)
UNDATED = "No column of dates: rows are taken in the order they stand, oldest first."


def written(dates, form):
    """`dates` as text."""
    return dates.strftime(form).tolist()

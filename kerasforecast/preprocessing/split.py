"""The chronological split. A window belongs to the part its targets lie in; its inputs may reach further back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.config import NetworkConfig, SplitConfig
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Row boundaries: training is `[0, train_end)`, validation `[train_end, validation_end)`, test `[.., rows)`.

    Attributes:
        train_end: First row of validation. Everything fitted sees rows before it only.
        validation_end: First row of test.
        rows: Number of rows of the series.
        window: Rows of input of each window.
        horizon: Rows of target of each window.
    """

    train_end: int
    validation_end: int
    rows: int
    window: int
    horizon: int

    def rows_of(self, part: str) -> range:
        """Rows of `"train"`, `"validation"` or `"test"`."""
        ends = (0, self.train_end, self.validation_end, self.rows)
        place = PARTS.index(part)
        return range(ends[place], ends[place + 1])

    def origins(self, part: str, horizon: int | None = None) -> np.ndarray:
        """Rows of the last input of every window whose targets all lie in `part`, `(N,)` int32.

        `horizon`, where given, is how many rows of target to ask for instead of the split's own.
        """
        rows = self.rows_of(part)
        first = max(rows.start - 1, self.window - 1)
        return np.arange(first, rows.stop - (horizon or self.horizon), dtype=np.int32)


def split_series(series: Series, config: SplitConfig, network: NetworkConfig) -> Split:
    """Divide `series` by shares or by dates and check that every part holds at least one window.

    Raises:
        DataError: A date lies outside the series, or a part is too short for the window and horizon.
    """
    rows = len(series)
    if config.validation_start is not None and config.test_start is not None:
        train_end = _row_of(series, config.validation_start, "--validation-start")
        validation_end = _row_of(series, config.test_start, "--test-start")
    else:
        # The sum before the product, and a hair for binary fractions: 0.7 + 0.15 of 3,270 rows is 2,779.
        train_end = math.floor(rows * config.train_fraction + 1e-9)
        validation_end = math.floor(rows * (config.train_fraction + config.validation_fraction) + 1e-9)
    split = Split(train_end, validation_end, rows, network.window, network.horizon)
    for part in PARTS:
        if not len(split.origins(part)):
            raise DataError(
                f"{series.name}: each part needs a window of {network.window} rows and {network.horizon} to forecast. "
                f"Received: {rows} rows, of which {len(split.rows_of(part))} for {part}. "
                "Give more rows, a smaller --window or another split."
            )
    return split


def _row_of(series: Series, date: object, flag: str) -> int:
    if not series.dated:
        raise DataError(f"{flag} needs a series with dates. Received: integer steps. Use --train-fraction instead.")
    row = int(series.index.searchsorted(pd.Timestamp(date)))
    if not 0 < row < len(series):
        raise DataError(
            f"{flag} must lie within the series. Received: {date}; {series.name} runs from "
            f"{series.index[0]:%Y-%m-%d} to {series.index[-1]:%Y-%m-%d}."
        )
    return row

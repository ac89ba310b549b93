"""The chronological split. A window belongs to the part its targets lie in; its inputs may reach further back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.split import SplitConfig

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Where the parts of each series begin: training, validation, test, one after another.

    Attributes:
        edges: `(N, 4)` int64 for each series, in rows of the panel: its first row, the first of validation, the first
            of test, one past the last. Everything fitted sees rows of the first of these stretches only.
        window: Rows of input of each window, L.
        horizon: Rows of target of each window in training, H.
    """

    edges: np.ndarray
    window: int
    horizon: int

    @classmethod
    def of_one(cls, train_end: int, validation_end: int, rows: int, window: int, horizon: int) -> Split:
        """The split of a panel of one."""
        return cls(np.array([[0, train_end, validation_end, rows]], np.int64), window, horizon)

    @property
    def train_end(self) -> int:
        """First row of validation of the one series."""
        return self._edge(1)

    @property
    def validation_end(self) -> int:
        """First row of test of the one series."""
        return self._edge(2)

    @property
    def rows(self) -> int:
        """Number of rows of the one series."""
        return self._edge(3)

    def rows_of(self, part: str) -> range:
        """Rows of `"train"`, `"validation"` or `"test"` of the one series."""
        place = PARTS.index(part)
        return range(self._edge(place), self._edge(place + 1))

    def origins(self, part: str, steps: int | None = None) -> np.ndarray:
        """Rows of the last input of every window whose targets all lie in `part`, `(N,)` int32, ascending.

        Args:
            part: `"train"`, `"validation"` or `"test"`.
            steps: Rows of target to ask for, where other than the horizon.
        """
        first, stop = self._origins(part, steps or self.horizon)
        return _stretches(first, stop)

    def windows_in(self, part: str, steps: int | None = None) -> np.ndarray:
        """How many windows each series has in `part`, `(N,)`; arguments as of `origins`."""
        first, stop = self._origins(part, steps or self.horizon)
        return np.maximum(stop - first, 0)

    def rows_in(self, part: str) -> np.ndarray:
        """How many rows each series has in `part`, `(N,)`."""
        place = PARTS.index(part)
        return self.edges[:, place + 1] - self.edges[:, place]

    def training_rows(self, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """The training rows of all series one after another, `(R, C)` float64, and the first of each, `(N,)`."""
        first, stop = self.edges[:, 0], self.edges[:, 1]
        if (stop[:-1] == first[1:]).all():  # one stretch: a view, no copy
            return panel.values[first[0] : stop[-1]], first - first[0]
        return panel.values[_stretches(first, stop)], np.cumsum(stop - first) - (stop - first)

    def _origins(self, part: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """First origin of each series, and one past the last."""
        place = PARTS.index(part)
        first = np.maximum(self.edges[:, place] - 1, self.edges[:, 0] + self.window - 1)
        return first, self.edges[:, place + 1] - steps

    def _edge(self, place: int) -> int:
        if len(self.edges) != 1:
            raise DataError(
                f"Several series have no one boundary between their parts. Received: {len(self.edges):,} series. "
                "Give one of them."
            )
        return int(self.edges[0, place])


def split_panel(panel: Panel, config: SplitConfig, network: NetworkConfig) -> Split:
    """Divide each series by shares or by dates and check that every part holds at least one window.

    Raises:
        DataError: A date lies outside a series, or a part is too short for the window and horizon.
    """
    starts, rows = panel.starts[:-1], panel.observed
    if config.validation_start is not None and config.test_start is not None:
        ends = [
            np.array([_row_of(series, date, flag) for series in panel])
            for date, flag in ((config.validation_start, "--validation-start"), (config.test_start, "--test-start"))
        ]
    else:
        # The sum before the product, and a hair for binary fractions: 0.7 + 0.15 of 3,270 rows is 2,779.
        shares = config.train_fraction, config.train_fraction + config.validation_fraction
        ends = [np.floor(rows * share + 1e-9).astype(np.int64) for share in shares]
    edges = np.stack([starts, *(starts + end for end in ends), panel.ends], axis=1)
    split = Split(edges, network.window, network.horizon)
    for part in PARTS:
        short = np.flatnonzero(split.windows_in(part) == 0)
        if len(short):
            raise DataError(
                f"{panel.ids[short[0]]}: each part needs a window of {network.window} rows and {network.horizon} to "
                f"forecast. Received: {rows[short[0]]} rows, of which {split.rows_in(part)[short[0]]} for {part}. "
                "Give more rows, a smaller --window or another split."
            )
    return split


def _stretches(first: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The rows from each of `first` `(N,)` up to the `stop` `(N,)` beside it, one after another, int32."""
    lengths = np.maximum(stop - first, 0)
    begins = np.cumsum(lengths) - lengths  # where each stretch begins in the answer
    rows = np.arange(lengths.sum(), dtype=np.int32)
    rows += np.repeat((first - begins).astype(np.int32), lengths)
    return rows


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

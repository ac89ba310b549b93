"""Where a walk cuts the rows of one or more series: what each fold may know, and what it forecasts.

Where the test part begins at one date in all series, the dates of all series together are one axis, and every fold is a
stretch of it: what a fold learns from ends at one date everywhere, so that nothing later of any series can reach it.
Elsewhere each series is cut by its own rows: fold k forecasts the k-th piece of each one's test part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from kerasforecast.config import Config
from kerasforecast.data.cut import between
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.split import Split, held_out, split_panel
from kerasforecast.preprocessing.windows import stretches
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.split import BacktestConfig

_NAMED = 5  # series that a sentence names


@dataclass(frozen=True, eq=False)
class Fold:
    """One step of the walk; `(N,)` rows of the whole panel, of each series.

    Attributes:
        number: From 1.
        first: First row that is known.
        train_end: First row of its validation part.
        known_end: One past the last row it learns or validates on. A series held out has no known rows.
        start: First row forecast.
        stop: One past the last row that is the first step of a forecast.
        context: Rows of its own series that a window needs at least.
    """

    number: int
    first: np.ndarray
    train_end: np.ndarray
    known_end: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    context: int

    @cached_property
    def origins(self) -> np.ndarray:
        """The rows that it forecasts from, of one series after another."""
        return stretches(self.start - 1, self.stop - 1)

    @property
    def forecast(self) -> np.ndarray:
        """`(N,)` how many forecasts it has of each series."""
        return np.maximum(self.stop - self.start, 0)

    def known(self, panel: Panel) -> Panel:
        """What it learns from, cut off: nothing later of any series is in it."""
        return between(panel, self.first, self.known_end)

    def split(self, sizes: NetworkConfig) -> Split:
        """That of its known rows, which has no test part; `sizes` are those of window and horizon."""
        lengths = np.maximum(self.known_end - self.first, 0)
        ends = np.cumsum(lengths)
        starts = ends - lengths
        edges = np.stack([starts, starts + np.clip(self.train_end - self.first, 0, lengths), ends, ends], axis=1)
        return Split(edges, starts, sizes.window, sizes.horizon, self.context)

    def split_of_all(self, panel: Panel, sizes: NetworkConfig) -> Split:
        """The same in rows of the whole panel."""
        edges = np.stack([self.first, self.train_end, self.known_end, self.known_end], axis=1)
        return Split(edges, panel.starts[:-1], sizes.window, sizes.horizon, self.context)


def folds_of(data: Panel | Series, config: Config, walk: BacktestConfig) -> tuple[Fold, ...]:
    """Cut the test part into folds of even length, each with what it may know.

    The validation part of every fold has as many dates, or rows, as the first one's.

    Raises:
        DataError: The data is too short for the split, the folds or the gap.
    """
    panel = Panel.of(data)
    split = split_panel(panel, config.split, config.network, config.steps)
    axis: _Dates | _Rows = (_Dates if common_dates(panel, split) else _Rows)(panel, split, config.steps, walk.folds)
    if walk.folds > axis.count:
        what = "forecasts" if len(panel) == 1 else axis.counted
        raise DataError(
            f"{_who(panel)}: each fold needs a row to forecast. Received: {walk.folds} folds for {axis.count:,} {what} "
            "of the test part. Give fewer --folds or a larger test part."
        )
    unseen = held_out(panel, config.split)
    folds = tuple(_fold(number, axis, walk, unseen) for number in range(1, walk.folds + 1))
    for fold in folds:
        _check(fold, panel, config)
    return folds


def common_dates(panel: Panel, split: Split) -> bool:
    """Whether one date, or step, parts the test rows of all series from the rows before them."""
    first = split.edges[:, 2]
    before, after = first > panel.starts[:-1], first < panel.ends
    if not before.any() or not after.any():
        return True
    return bool(panel.index[first[before] - 1].max() < panel.index[first[after]].min())


@dataclass(frozen=True, eq=False)
class _Rows:
    """Borders between folds by each series' own rows.

    Attributes:
        steps: Rows ahead that are scored.
        folds: How many.
    """

    panel: Panel
    split: Split
    steps: int
    folds: int
    counted = "forecasts of the longest series"

    @property
    def count(self) -> int:
        """How many forecasts the series with the most of them has."""
        return int(self.forecasts.max())

    @cached_property
    def forecasts(self) -> np.ndarray:
        """`(N,)` of each series."""
        return self.split.windows_in("test", self.steps)

    @cached_property
    def begin(self) -> np.ndarray:
        """`(N,)` first row that is forecast."""
        return self.split.edges[:, 3] - self.steps + 1 - self.forecasts

    def border(self, number: int, earlier: int = 0) -> np.ndarray:
        """`(N,)` the first row after fold `number`, or so many earlier."""
        return self._within(self.begin + self._after(number) - earlier)

    def validation(self, number: int, earlier: int) -> np.ndarray:
        """`(N,)` the first row of the validation part that ends so many rows before a border."""
        edges = self.split.edges
        return self._within(self.begin + self._after(number) - earlier - (edges[:, 2] - edges[:, 1]))

    def oldest(self, number: int) -> np.ndarray:
        """`(N,)` the first row of a part that has moved on to the border after fold `number`."""
        return self._within(self.panel.starts[:-1] + self._after(number))

    def _after(self, number: int) -> np.ndarray:
        return np.rint(number * self.forecasts / self.folds).astype(np.int64)

    def _within(self, rows: np.ndarray) -> np.ndarray:
        return np.clip(rows, self.panel.starts[:-1], self.panel.ends)


@dataclass(frozen=True, eq=False)
class _Dates(_Rows):
    """Borders between folds by the dates of all series together, which one series has by its rows."""

    counted = "dates"

    @property
    def count(self) -> int:
        """On how many dates there are forecasts."""
        return len(self._ahead)

    def border(self, number: int, earlier: int = 0) -> np.ndarray:
        return self._rows(self._after_dates(number) - earlier)

    def validation(self, number: int, earlier: int) -> np.ndarray:
        edges, slots = self.split.edges, self._slots
        begins = [slots[edges[:, part][edges[:, part] < self.panel.ends]].min() for part in (1, 2)]
        return self._rows(self._after_dates(number) - earlier - (begins[1] - begins[0]))

    def oldest(self, number: int) -> np.ndarray:
        return self._rows(self._after_dates(number) - self._after_dates(0))

    @cached_property
    def _slots(self) -> np.ndarray:
        """`(R,)` the place of each row's date among those of all series."""
        index = self.panel.index
        stamps = index.asi8 if isinstance(index, pd.DatetimeIndex) else index.to_numpy(np.int64)
        return np.unique(stamps, return_inverse=True)[1]

    @cached_property
    def _ahead(self) -> np.ndarray:
        """The places of the dates with forecasts, ascending."""
        return np.unique(self._slots[self.split.origins("test", self.steps) + 1])

    @cached_property
    def _keys(self) -> np.ndarray:
        """`(R,)` ascending numbers of series and date."""
        rows = np.arange(len(self._slots))
        return self.panel.places(rows) * self._stride + self._slots

    @cached_property
    def _stride(self) -> int:
        return int(self._slots.max()) + 2

    def _after_dates(self, number: int) -> int:
        place = round(number * self.count / self.folds)
        return int(self._ahead[place] if place < self.count else self._ahead[-1] + 1)

    def _rows(self, slot: int) -> np.ndarray:
        """The first row of each series at or after a date."""
        wanted = np.arange(len(self.panel)) * self._stride + min(max(slot, 0), self._stride - 1)
        return self._within(np.searchsorted(self._keys, wanted))


def _fold(number: int, axis: _Rows, walk: BacktestConfig, unseen: np.ndarray) -> Fold:
    """Fold `number`; the series that are `unseen` `(N,)` are held out."""
    lowest, highest = axis.begin, axis.begin + axis.forecasts
    start, stop = (np.clip(axis.border(border), lowest, highest) for border in (number - 1, number))
    before = number - 1 if walk.refit else 0
    known_end, train_end = axis.border(before, walk.gap), axis.validation(before, walk.gap)
    first = axis.oldest(before if walk.scheme == "sliding" else 0)
    known_end = np.maximum(known_end, first)
    train_end = np.clip(train_end, first, known_end)
    first, train_end, known_end = (np.where(unseen, start, rows) for rows in (first, train_end, known_end))
    return Fold(number, first, train_end, known_end, start, stop, axis.split.context)


def _check(fold: Fold, panel: Panel, config: Config) -> None:
    split, steps = fold.split(config.network), config.steps
    which = "the first fold" if fold.number == 1 else f"fold {fold.number}"
    if not split.windows_in("train").any():
        raise DataError(
            f"{_who(panel)}: {which} needs a window of {fold.context} rows and {split.horizon} to learn from. "
            f"Received: {split.rows_in('train').max()} training rows before the gap. Give a smaller --gap or --window."
        )
    if not split.windows_in("validation", steps).any():
        raise DataError(
            f"{_who(panel)}: prediction intervals need a validation part of at least {steps} rows. "
            f"Received: {split.rows_in('validation').max()}. Give fewer --steps or a larger --validation-fraction."
        )


def left_out_of(folds: Sequence[Fold], panel: Panel) -> list[str]:
    """Which series are forecast in no fold, and how many in some alone, a sentence each."""
    forecast = np.array([fold.forecast > 0 for fold in folds])  # (K, N)
    never, some = ~forecast.any(axis=0), forecast.any(axis=0) & ~forecast.all(axis=0)
    notes = []
    for places, what in (
        (np.flatnonzero(never), "have no row of the test part to forecast, and are in no fold"),
        (np.flatnonzero(some), "begin or end within the walk, and are forecast in some of its folds"),
    ):
        if len(places):
            few = ", ".join(map(str, panel.ids[places[:_NAMED]])) + (", ..." if len(places) > _NAMED else "")
            notes.append(f"{len(places):,} of {len(panel):,} series {what}: {few}.")
    return notes


def _who(panel: Panel) -> str:
    return str(panel.ids[0]) if len(panel) == 1 else panel.name

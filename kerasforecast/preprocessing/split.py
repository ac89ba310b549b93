"""The chronological split. A window belongs to the part its targets lie in; its inputs may reach further back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.data.stamps import span
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.sums import evenly, parts_of
from kerasforecast.preprocessing.windows import stretches
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.split import SplitConfig

PARTS: tuple[Literal["train"], Literal["validation"], Literal["test"]] = ("train", "validation", "test")
_MOST_WATCHED = 100_000  # more say no more of when to stop
_FEW_ROWS = 4  # of its own that a series among several needs before a forecast, where nothing else is asked for


@dataclass(frozen=True, eq=False)
class Split:
    """Where the parts of each series begin: training, validation, test, one after another.

    Attributes:
        edges: `(N, 4)` int64 for each series, in rows of the panel: the first row of training, of validation, of test,
            and one past the last. Everything fitted sees rows of the first of these stretches only.
        starts: `(N,)` the first row of each series, which windows may reach back to: a series that is held out, or is
            too short for the parts before its test, has rows that no part holds.
        window: Rows of input of each window, L.
        horizon: Rows of target of each window in training, H.
        context: Rows of its own series that a window needs at least; they are mirrored into those before. A series
            trains on such windows only where most of its own would be so: a season that is mirrored is none.
    """

    edges: np.ndarray
    starts: np.ndarray
    window: int
    horizon: int
    context: int

    @classmethod
    def of_one(cls, train_end: int, validation_end: int, rows: int, window: int, horizon: int) -> Split:
        """The split of a panel of one."""
        edges = np.array([[0, train_end, validation_end, rows]], np.int64)
        return cls(edges, np.zeros(1, np.int64), window, horizon, window)

    @property
    def whole(self) -> Split:
        """The same rows with all of each series, one that is held out included, in training."""
        ends = self.edges[:, 3]
        return replace(self, edges=np.stack([self.starts, ends, ends, ends], axis=1))

    def of_window(self, window: int) -> Split:
        """The same parts for a network that sees so many rows, at most as many as `window`."""
        return replace(self, window=window, context=min(self.context, window))

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

    def origins(self, part: str, steps: int | None = None) -> np.ndarray:
        """Rows of the last input of every window whose targets all lie in `part`, `(N,)` int32, ascending.

        Args:
            part: `"train"`, `"validation"` or `"test"`.
            steps: Rows of target to ask for, where other than the horizon.
        """
        first, stop = self._origins(part, steps or self.horizon)
        return stretches(first, stop)

    @property
    def watched(self) -> np.ndarray:
        """Origins of the validation windows that each epoch of training forecasts: of very many some, evenly spread."""
        origins = self.origins("validation")
        return origins[evenly(len(origins), _MOST_WATCHED)]

    def windows_in(self, part: str, steps: int | None = None) -> np.ndarray:
        """How many windows each series has in `part`, `(N,)`; arguments as of `origins`."""
        first, stop = self._origins(part, steps or self.horizon)
        return np.maximum(stop - first, 0)

    def rows_in(self, part: str) -> np.ndarray:
        """How many rows each series has in `part`, `(N,)`."""
        place = PARTS.index(part)
        return self.edges[:, place + 1] - self.edges[:, place]

    @property
    def trained(self) -> np.ndarray:
        """`(N,)` one past the last training row of each series; its first row where it has none."""
        return np.where(self.edges[:, 1] > self.edges[:, 0], self.edges[:, 1], self.starts)

    def training_rows(self, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """The training rows of all series one after another, `(R, C)` float64, and the first of each that has some."""
        first, stop = self.edges[:, 0], self.edges[:, 1]
        some = stop > first
        first, stop = first[some], stop[some]
        if (stop[:-1] == first[1:]).all():  # one stretch: a view, no copy
            return panel.values[first[0] : stop[-1]], first - first[0]
        rows = [panel.values[begin:end] for begin, end in zip(first, stop, strict=True)]  # no place of each is needed
        return np.concatenate(rows), np.cumsum(stop - first) - (stop - first)

    def _origins(self, part: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """First origin of each series, and one past the last."""
        place = PARTS.index(part)
        stop = self.edges[:, place + 1] - steps
        first = np.maximum(self.edges[:, place] - 1, self.starts + self.context - 1)
        if part == "train":
            whole = np.maximum(first, self.starts + self.window - 1)  # (N,) where windows begin to have all their rows
            first = np.where(stop - whole >= whole - first, whole, first)
        return first, stop

    def _edge(self, place: int) -> int:
        if len(self.edges) != 1:
            raise DataError(
                f"Several series have no one boundary between their parts. Received: {len(self.edges):,} series. "
                "Give one of them."
            )
        return int(self.edges[0, place])


def least_context(config: SplitConfig, window: int, *, several: bool) -> int:
    """Rows of its own series that a window of `window` rows needs at least."""
    return min(window, config.min_rows or (_FEW_ROWS if several else window))


def split_panel(panel: Panel, config: SplitConfig, network: NetworkConfig, steps: int | None = None) -> Split:
    """Divide each series by shares, by numbers of rows or by dates.

    Where most of several series end on one date, shares are those of one of median length, and its dates cut all: what
    is known of one series tells of the others. Elsewhere they are of each series. A series too short for its parts
    loses the earlier ones: it is tested, or only forecast. One that is held out has a test part alone.

    Args:
        panel: The series.
        config: Where to cut.
        network: Its window and horizon.
        steps: Rows that are scored, where more than the horizon.

    Raises:
        DataError: A date lies outside every series; or no series has a window in each part.
    """
    context = least_context(config, network.window, several=len(panel) > 1)
    starts, stops = panel.starts[:-1], panel.ends
    cuts = _cuts(panel, config, max(steps or 0, network.horizon))
    edges = np.stack([starts, *(np.clip(cut, starts, stops) for cut in cuts), stops], axis=1)
    edges[held_out(panel, config), 0:2] = edges[held_out(panel, config), 2:3]
    split = Split(edges, starts, network.window, network.horizon, context)
    for part in PARTS:
        require_windows(panel, split, part)
    return split


def too_short(split: Split, steps: int | None = None) -> np.ndarray:
    """`(N,)` which series have no window in any part: they are forecast, and neither learned from nor scored."""
    return np.sum([split.windows_in(part, steps if part == "test" else None) for part in PARTS], axis=0) == 0


def _cuts(panel: Panel, config: SplitConfig, steps: int) -> list[np.ndarray]:
    """First rows `(N,)` of validation and of test."""
    if config.validation_start is not None and config.test_start is not None:
        return _at_dates(panel, config.validation_start, config.test_start)
    if config.validation_rows is not None and config.test_rows is not None:
        test = panel.ends - config.test_rows
        return [test - config.validation_rows, test]
    # The sum before the product, and a hair for binary fractions: 0.7 + 0.15 of 3,270 rows is 2,779.
    shares = config.train_fraction, config.train_fraction + config.validation_fraction
    validation, test = (
        panel.starts[:-1] + np.floor(panel.observed * share + 1e-9).astype(np.int64) for share in shares
    )
    if len(panel) == 1:
        return [validation, test]
    test = np.minimum(test, panel.ends - steps)
    validation = np.minimum(validation, test - steps)
    typical = _typical(panel)
    if typical is None or validation[typical] <= panel.starts[typical]:
        return [validation, test]
    return _at_dates(panel, panel.index[validation[typical]], panel.index[test[typical]])


def _typical(panel: Panel) -> int | None:
    """A series of median length among those that end last; `None` where most end earlier, or steps are no dates."""
    last = panel.index[panel.ends - 1]
    together = np.flatnonzero(last == last.max())
    if not panel.dated or 2 * len(together) < len(panel):
        return None
    by_length = together[np.argsort(panel.observed[together], kind="stable")]
    return int(by_length[len(by_length) // 2])


def _at_dates(panel: Panel, validation: object, test: object) -> list[np.ndarray]:
    """The same by dates common to all; a series that ends before one has no rows after it."""
    cuts = []
    for date, flag in ((validation, "--validation-start"), (test, "--test-start")):
        if not panel.dated:
            raise DataError(f"{flag} needs dates. Received: integer steps. Use --train-fraction instead.")
        rows = _before(panel, pd.Timestamp(date))
        if not ((rows > 0) & (rows < panel.observed)).any():
            start, end = span(panel.index, panel.starts[:-1], panel.ends)
            raise DataError(
                f"{flag} must lie within the series. Received: {date}; {panel.name} runs from {start} to {end}."
            )
        cuts.append(panel.starts[:-1] + rows)
    return cuts


def _before(panel: Panel, date: pd.Timestamp) -> np.ndarray:
    """`(N,)` the observed rows of each series before `date`: no sum over all rows is made, which are many."""
    before = np.zeros(len(panel), np.int64)
    some = np.flatnonzero(panel.observed)
    first, stop = panel.starts[:-1][some], panel.ends[some]
    for part in parts_of(stop - first):
        rows = slice(first[part][0], stop[part][-1])
        marked = np.append(panel.index[rows] < date, False)  # the row behind ends the last series
        edges = np.stack([first[part], stop[part]], axis=1).ravel() - first[part][0]
        before[some[part]] = np.add.reduceat(marked, edges, dtype=np.int64)[::2]
    return before


def held_out(panel: Panel, config: SplitConfig) -> np.ndarray:
    """`(N,)` which series are held out: by their ids alone, so that more series change none of them."""
    none = np.zeros(len(panel), bool)
    if not config.holdout_series:
        return none
    if len(panel) == 1:
        raise DataError(
            f"--holdout-series needs several series. Received: {config.holdout_series:g} of one. Leave it out."
        )
    places = np.array([int.from_bytes(hashlib.sha256(str(each).encode()).digest()[:8]) for each in panel.ids])
    count = min(len(panel) - 1, max(1, round(config.holdout_series * len(panel))))
    none[np.argsort(places)[:count]] = True
    return none


def require_windows(panel: Panel, split: Split, part: str) -> None:
    """Refuse a split by which no series has a window in a part."""
    windows = split.windows_in(part)
    if windows.any():
        return
    longest = int(np.argmax(panel.observed))
    own = int(split.rows_in(part)[longest])
    needs = split.context if split.context < split.window else split.window
    raise DataError(
        f"{panel.ids[longest]}: each part needs a window of {needs} rows and {split.horizon} to "
        f"forecast. Received: {panel.observed[longest]} rows, of which {own} for {part}. "
        f"Give more rows, a smaller --{'horizon' if own < split.horizon else 'window'} or another split."
    )

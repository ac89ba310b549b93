"""How far each baseline was off in the past: quantiles of its errors by step, of one series or of several together.

Errors are moves (log-ratios or differences). Those of several series are in units of what each has moved by until then
(`own_units`), so that one series counts as another; those of a lone series are in units of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kerasforecast.baselines.seasonal import RULES, Histories, Origins, seasonal_name
from kerasforecast.baselines.simple import SHARES, ewma_table, smoothing, window_points
from kerasforecast.baselines.units import own_units
from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.volatility import Volatility
from kerasforecast.preprocessing.windows import Windows, windows_of

_MOST = 200_000  # rows of several series that errors are taken at; those of a lone series all count
_SHARED = 20_000  # windows of several series that the share of smoothing is chosen on
_SETTLED = 10  # changes of a series, from which on their size is known well enough to measure errors by
_USABLE = 0.95  # of the forecasts of a rule for several series, which must be positive where logs are taken of them


@dataclass(frozen=True, eq=False)
class Past:
    """The rows before the test part of one or more series, which baselines learn from.

    Attributes:
        panel: The series.
        split: Its parts.
        volatility: How moves are measured.
        steps: Steps ahead H.
        levels: The K levels, ascending.
    """

    panel: Panel
    split: Split
    volatility: Volatility
    steps: int
    levels: Sequence[float]

    @property
    def target(self) -> np.ndarray:
        """`(R,)` of all series."""
        return self.panel.values[:, 0]

    @cached_property
    def everywhere(self) -> Spots:
        """All rows with one after them; of several series at most some of them."""
        first, stop = self.split.edges[:, 0], self.split.edges[:, 2] - 1
        lengths = np.maximum(stop - first, 0)
        ends = np.cumsum(lengths)
        chosen = self.some(int(lengths.sum()), _MOST)
        places = np.searchsorted(ends, chosen, side="right")
        return self._settled(chosen - (ends - lengths)[places] + first[places])

    @cached_property
    def windowed(self) -> Spots:
        """The same with a window before them."""
        return self._settled(self.origins(2, 1, _MOST))

    def origins(self, until: int, steps: int, most: int) -> np.ndarray:
        """Origins of windows with `steps` rows after them in training (`until` 1), or before the test part (2)."""
        first, stop = self.split.edges[:, 0], self.split.edges[:, until]
        whole = replace(self.split, edges=np.stack([first, stop, stop, stop], axis=1))
        origins = whole.origins("train", steps).astype(np.int64)
        return origins[self.some(len(origins), most)]

    def some(self, count: int, most: int) -> np.ndarray:
        """Places of all of `count`, for a lone series; of at most so many, evenly spread, for several."""
        return evenly(count, most if len(self.panel) > 1 else count)

    def errors(self, spots: Spots, step: int, points: np.ndarray | None = None) -> np.ndarray:
        """Of forecasts `points` `(n,)` made at `spots`, the last value where not given, in units."""
        points = self.target[spots.rows] if points is None else points
        return self.volatility.moves(points, self.target[spots.rows + step]) / spots.units

    def windows(self, spots: Spots) -> Windows:
        """The windows that end at `spots`."""
        return windows_of(self.panel, spots.rows, self.split.window, 1)

    def spots(self, rows: np.ndarray) -> Spots:
        """Those at `rows` `(n,)`."""
        several = len(self.panel) > 1
        units = own_units(self.panel, rows, self.volatility) if several else np.ones(len(rows))
        return Spots(rows, units, self.split.edges[self.panel.places(rows), 2])

    def _settled(self, rows: np.ndarray) -> Spots:
        """Those of several series at the rows where enough are known for a unit, or at the later half."""
        if len(self.panel) > 1 and len(rows):
            known = rows - self.panel.starts[self.panel.places(rows)]
            rows = rows[known >= min(_SETTLED, np.median(known))]
        return self.spots(rows)


@dataclass(frozen=True, eq=False)
class Spots:
    """Rows that forecasts are made at.

    Attributes:
        rows: `(n,)` of the panel, ascending.
        units: `(n,)` of errors there.
        ends: `(n,)` one past the last row before the test part of its series.
    """

    rows: np.ndarray
    units: np.ndarray
    ends: np.ndarray

    def at(self, chosen: np.ndarray) -> Spots:
        """Those chosen."""
        return Spots(self.rows[chosen], self.units[chosen], self.ends[chosen])

    def reaching(self, step: int) -> Spots:
        """Those with so many rows after them."""
        return self.at(self.rows + step < self.ends)


def error_tables(past: Past, share: float | None, periods: Sequence[int]) -> dict[str, np.ndarray]:
    """Quantiles `(H, K)` of the errors of each baseline, by name; of those that have some at every step.

    Args:
        past: What they learn from.
        share: Of exponential smoothing.
        periods: Rows of each season.
    """
    tables = {
        "naive": _table(past, [past.errors(past.everywhere.reaching(step), step) for step in _steps(past)]),
        "ewma": ewma_table(past.steps, past.levels),
        "ewma_fhs": _filtered(past),
        **{name: _windowed(past, name, share) for name in ("drift", "moving_average", "smoothing")},
    }
    histories = Histories.of(past.panel)
    for period in periods:
        for kind in RULES:
            tables[seasonal_name(kind, period)] = _seasonal(past, histories, kind, period)
    return {name: table for name, table in tables.items() if table is not None}


def shared_share(past: Past) -> float:
    """The weight of the newest value with which smoothing has the least squared error on training, in units."""
    steps = past.steps if len(past.origins(1, past.steps, 1)) else past.split.horizon
    spots = past.spots(rows := past.origins(1, steps, _SHARED))
    if not len(rows):
        return SHARES[-1]
    ahead = sorted({1, (steps + 1) // 2, steps})
    windows, sums = past.windows(spots), dict.fromkeys(SHARES, 0.0)
    for chunk in windows.chunks():
        context, part = windows.context(chunk), spots.at(np.arange(len(rows))[chunk])
        for share in SHARES:
            point = smoothing(context, 1, share)[:, 0]
            sums[share] += sum(float(np.sum(past.errors(part, step, point) ** 2)) for step in ahead)
    return min(reversed(SHARES), key=lambda share: sums[share])


def _steps(past: Past) -> range:
    return range(1, past.steps + 1)


def _table(past: Past, errors: Sequence[np.ndarray]) -> np.ndarray | None:
    """Quantiles `(H, K)` of errors `(n,)` for each step; `None` where a step has none."""
    if not all(map(len, errors)):
        return None
    return np.array([np.quantile(each, past.levels) for each in errors])


def _filtered(past: Past) -> np.ndarray | None:
    """Of moves in units of the volatility of the window before them, which every series has of its own."""
    spots = past.windowed
    windows = past.windows(spots)
    if not len(spots.rows):
        return None
    spread = np.concatenate([past.volatility.of_windows(_contexts(windows, chunk)) for chunk in windows.chunks()])
    spots = replace(spots, units=spread)
    return _table(past, [past.errors(spots.reaching(step), step) for step in _steps(past)])


def _windowed(past: Past, name: str, share: float | None) -> np.ndarray | None:
    """Of a rule with a window of its own; `None` where logs are taken and its forecasts are not positive."""
    spots = past.windowed.reaching(past.steps)
    windows = past.windows(spots)
    if not len(spots.rows):
        return None
    point = np.concatenate(
        [window_points(name, _contexts(windows, chunk), past.steps, share) for chunk in windows.chunks()]
    )
    # A steep line may cross zero far ahead, where logs are taken.
    usable = np.all(point > 0, axis=1) if past.volatility.logarithmic else np.ones(len(point), bool)
    if usable.mean() < (_USABLE if len(past.panel) > 1 else 1):
        return None
    spots, point = spots.at(usable), point[usable]
    return _table(past, [past.errors(spots, step, point[:, step - 1]) for step in _steps(past)])


def _seasonal(past: Past, histories: Histories, kind: str, period: int) -> np.ndarray | None:
    """Of a rule with a season, a step at a time: memory grows with the rows of the history."""
    needed = period if kind == "naive" else 2 * period
    first = past.split.edges[:, 0][past.panel.places(past.everywhere.rows)]
    spots = past.everywhere.at(past.everywhere.rows - first >= needed - 1)
    errors = []
    for step in _steps(past):
        reaching = spots.reaching(step)
        point = RULES[kind](Origins(histories, reaching.rows), [step], period)[:, 0]
        if past.volatility.logarithmic:
            usable = point > 0
            if len(point) and usable.mean() < (_USABLE if len(past.panel) > 1 else 1):
                return None
            reaching, point = reaching.at(usable), point[usable]
        errors.append(past.errors(reaching, step, point))
    return _table(past, errors)


def _contexts(windows: Windows, chunk: slice) -> np.ndarray:
    """The target's past in a chunk of windows, `(n, L)`: a view where they are consecutive ones of one series."""
    origins = windows.origins[chunk]
    panel, first = windows.panel, int(origins[0]) - windows.window + 1
    place = int(panel.places(origins[:1])[0])
    consecutive = int(origins[-1]) - int(origins[0]) == len(origins) - 1
    if not consecutive or first < panel.starts[place] or origins[-1] >= panel.ends[place]:
        return windows.context(chunk)
    return sliding_window_view(panel.values[:, 0], windows.window)[first : first + len(origins)]

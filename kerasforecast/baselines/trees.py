"""Boosted trees and a ridge regression as baselines: what wins competitions, and what costs nothing.

Both forecast from the rows before an origin: the trees from lags, the same places of earlier seasons, rolling means,
the date and what is known of the row to be forecast, all series together; the ridge from the window alone, each step
directly. Trees do so too, or forecast one step after another with their own forecasts as inputs, whichever misses the
last part of what is known by less. Values are distances from the last one in units of the window's own changes, so that
neither trend nor the size of a series is anything to learn.

Nothing is fitted on rows from `known` on, which is where the test part of each series begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.models.ridge import ridge
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.windows import Windows, stretches

LEARNED = ("trees", "linear")
_LAGS = 14  # single rows before the origin that the trees see
_MEANS = (3, 7, 28)  # rows of the rolling means
_BACK = 2  # earlier seasons of a step's own place
_ROWS = 60_000  # windows times steps that trees learn from, evenly spread
_WINDOWS = 20_000  # that a ridge regression learns from
_LONGEST = 512  # rows of its window
_HELD = 5  # the last one of so many parts of what is known teaches the intervals
_LEAST = 20  # windows with which anything is learned
_CHUNK = 4_096  # windows forecast at once


@dataclass(frozen=True, eq=False)
class _Frame:
    """Windows as distances from their last row, in units of their changes.

    Attributes:
        values: `(n, L)`.
        last: `(n, 1)` raw.
        unit: `(n, 1)` raw.
    """

    values: np.ndarray
    last: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, windows: Windows) -> _Frame:
        """Those of `windows`."""
        raw = windows.context()
        unit = np.abs(np.diff(raw, axis=1)).mean(axis=1, keepdims=True)
        return cls.of_rows(raw, np.where(unit > 0, unit, 1.0))

    @classmethod
    def of_rows(cls, raw: np.ndarray, unit: np.ndarray) -> _Frame:
        """Those of `raw` rows `(n, L)` in units `(n, 1)`."""
        return cls((raw - raw[:, -1:]) / unit, raw[:, -1:], unit)


def learned_forecast(name: str, windows: Windows, known: np.ndarray, baselines: Baselines) -> Forecast:
    """Forecasts of `windows` by trees or by a ridge regression.

    Where too little is known to learn from they are those of the naive rule.

    Args:
        name: `trees` or `linear`.
        windows: Of one or more series.
        known: `(N,)` one past the last row of each series, in rows of the panel, that may be learned from.
        baselines: The simple ones, for the seasons and the levels.
    """
    panel, steps = windows.panel, windows.steps
    shortest = int((known - panel.starts[:-1]).max())
    rows = min(_window(name, steps, baselines.periods), max(2, shortest - steps - _LEAST))
    first = np.minimum(panel.starts[:-1] + rows - 1, known)
    origins = stretches(first, known - steps)
    chosen = replace(windows, origins=origins, window=rows)
    tested = replace(windows, window=rows)
    if len(chosen) < _LEAST:
        return next(forecast for _, forecast in baselines.each(windows))
    learner, table = _tried(_learners(name, steps, baselines.periods), chosen, known, baselines.levels)
    learner.fit(chosen)
    points, units = [], []
    for part in tested.chunks():
        own = replace(tested, origins=tested.origins[part])
        points.append(learner.points(own))
        units.append(_Frame.of(own).unit)
    point = np.concatenate(points)
    if table is None:
        return Forecast(point)
    return Forecast(point, point[:, :, None] + np.concatenate(units)[:, :, None] * table[None])


def _learners(name: str, steps: int, periods: Sequence[int]) -> list[_Learner]:
    if name == "linear":
        return [_Ridge()]
    return [_Trees(periods), *([_Recursive(periods)] if steps > 1 else [])]


def _tried(
    learners: Sequence[_Learner], windows: Windows, known: np.ndarray, levels: Sequence[float]
) -> tuple[_Learner, np.ndarray | None]:
    """The learner that misses the last part of what is known by least, having learned from the parts before.

    Returns:
        It, and quantiles `(H, K)` of what it misses, in units; the first, and `None`, where there is too little.
    """
    panel, origins = windows.panel, windows.origins
    places = panel.places(origins)
    begins = panel.starts[:-1] + ((known - panel.starts[:-1]) * (_HELD - 1)) // _HELD  # (N,) of that part
    early, late = origins[origins + windows.steps < begins[places]], origins[origins + 1 >= begins[places]]
    if len(early) < _LEAST or not len(late):
        return learners[0], None
    held = replace(windows, origins=late[:: -(-len(late) // _CHUNK)])
    best, least, missed = learners[0], np.inf, np.empty(0)
    for learner in learners:
        learner.fit(replace(windows, origins=early))
        errors = (held.targets() - learner.points(held)) / _Frame.of(held).unit
        if (size := float(np.abs(errors).mean())) < least:
            best, least, missed = learner, size, errors
    return best, np.quantile(missed, levels, axis=0).T


def _window(name: str, steps: int, periods: Sequence[int]) -> int:
    """Rows that a learner looks back over."""
    longest = max(periods, default=1)
    if name == "trees":
        return max(_LAGS, *_MEANS, (_BACK + -(-steps // longest)) * longest if longest > 1 else 0) + 1
    return min(max(3 * longest + 1, 3 * steps, 24), _LONGEST)


class _Learner(Protocol):
    """What learns from windows and forecasts others."""

    def fit(self, windows: Windows) -> None:
        """Learn."""

    def points(self, windows: Windows) -> np.ndarray:
        """`(n, H)` raw."""


class _Ridge:
    """From the window to every step at once, in closed form; its penalty chosen on the last part of what is known."""

    def fit(self, windows: Windows) -> None:
        """Solve for the weights."""
        chosen = replace(windows, origins=windows.origins[:: -(-len(windows) // _WINDOWS)])
        frame = _Frame.of(chosen)
        x, y = frame.values[:, :-1], (chosen.targets() - frame.last) / frame.unit
        order = np.argsort(_place_in_series(chosen), kind="stable")
        cut = max(2, len(order) * (_HELD - 1) // _HELD)
        parts = [TrainingSet[Any](x[rows], y[rows]) for rows in (order[:cut], order[cut:], order)]
        width = x.shape[1]
        found = ridge(lambda rows, part: rows.windows[part], parts[0], parts[1], width, width, parts[2])
        if found is None:
            raise ValueError("A ridge regression of as many columns as there may be has a solution.")
        self._found = found

    def points(self, windows: Windows) -> np.ndarray:
        """`(n, H)` raw."""
        frame = _Frame.of(windows)
        return frame.last + frame.unit * (frame.values[:, :-1] @ self._found.weights + self._found.bias)


class _Trees:
    """One set of trees for all steps and series: which step it is, they are told."""

    def __init__(self, periods: Sequence[int]) -> None:
        self._periods = tuple(periods)

    def fit(self, windows: Windows) -> None:
        """Grow them."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        chosen = replace(windows, origins=windows.origins[:: -(-len(windows) * windows.steps // _ROWS)])
        frame = _Frame.of(chosen)
        features, base = self._features(chosen, frame)
        targets = (chosen.targets() - frame.last) / frame.unit - base
        self._trees = HistGradientBoostingRegressor(
            max_iter=150, learning_rate=0.08, l2_regularization=1.0, random_state=0
        )
        self._trees.fit(features, targets.ravel())

    def points(self, windows: Windows) -> np.ndarray:
        """`(n, H)` raw."""
        return self._of(windows, _Frame.of(windows))

    def _of(self, windows: Windows, frame: _Frame, gone: int = 0) -> np.ndarray:
        """`(n, H)` raw, of windows that `gone` forecasts have been added to."""
        features, base = self._features(windows, frame, gone)
        return frame.last + frame.unit * (self._trees.predict(features).reshape(base.shape) + base)

    def _features(self, windows: Windows, frame: _Frame, gone: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """`(n H, D)`, and what the trees forecast the distance from, `(n, H)`: the longest season's last value."""
        values, steps, rows = frame.values, windows.steps, frame.values.shape[1]
        each = np.arange(1, steps + 1)
        count = len(values)
        alike = [values[:, [rows - 1 - lag]] for lag in range(1, min(_LAGS, rows - 1) + 1)]
        alike += [values[:, -length:].mean(axis=1, keepdims=True) for length in _MEANS if length <= rows]
        own: list[np.ndarray] = [np.broadcast_to(each, (count, steps))]
        base: np.ndarray = np.zeros((count, steps))
        for period in self._periods:
            for back in range(_BACK):
                places = rows - 1 + each - period * (-(-each // period) + back)
                if places.min() >= 0:
                    own.append(values[:, places])
                    base = own[-1] if back == 0 else base
        ahead = windows.origins[:, None] + gone + each  # (n, H) rows of the panel
        own += _known(windows.panel, ahead)
        static = windows.panel.static
        if static is not None:
            alike += [column[:, None] for column in static[windows.panel.places(windows.origins)].T]
        wide = [np.broadcast_to(column, (count, steps)) for column in alike]
        return np.stack([*own, *wide], axis=-1).reshape(count * steps, -1), base


class _Recursive(_Trees):
    """Trees for the next step alone, which then see their own forecasts."""

    def fit(self, windows: Windows) -> None:
        """Grow them."""
        super().fit(replace(windows, steps=1))

    def points(self, windows: Windows) -> np.ndarray:
        """`(n, H)` raw."""
        rows, unit, single = windows.context(), _Frame.of(windows).unit, replace(windows, steps=1)
        found: list[np.ndarray] = []
        for gone in range(windows.steps):
            found.append(self._of(single, _Frame.of_rows(rows, unit), gone))  # (n, 1)
            rows = np.concatenate([rows[:, 1:], found[-1]], axis=1)
        return np.concatenate(found, axis=1)


def _known(panel: Panel, ahead: np.ndarray) -> list[np.ndarray]:
    """What is known of the rows `ahead` `(n, H)`: columns, and the month, weekday and hour of dates."""
    rows = np.minimum(ahead, len(panel.index) - 1)
    found = [panel.values[:, place][rows] for place in range(len(panel.past_columns), len(panel.columns))]
    if isinstance(panel.index, pd.DatetimeIndex):
        parts: Any = (panel.index.month, panel.index.dayofweek, panel.index.hour)
        found += [np.asarray(part)[rows] for part in parts]
    return found


def _place_in_series(windows: Windows) -> np.ndarray:
    panel = windows.panel
    places = panel.places(windows.origins)
    return (windows.origins - panel.starts[places]) / np.maximum(panel.observed[places], 1)

"""The season over again: alone, with what it has changed by since (drift), or with what it has grown by (growth).

These look farther back than a network's window, so they read the series itself, row by row, and never gather windows:
memory grows with forecasts, whatever the season. Where an origin has too little history of its own series for a rule,
a simpler one takes its place: without drift or growth before two whole seasons, the last value before one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.sums import running_sums
from kerasforecast.preprocessing.windows import Windows

_LARGEST_GROWTH = 5.0  # of the log: no rule may overflow, however steep its last two seasons and far its horizon


@dataclass(frozen=True, eq=False)
class Histories:
    """The target of one or more series.

    Attributes:
        values: `(R,)` float64, the rows of all series one after another.
        starts: `(N + 1,)` the first row of each, and R.
    """

    values: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, panel: Panel) -> Histories:
        """Those of `panel`."""
        return cls(panel.values[:, 0], panel.starts)

    @cached_property
    def firsts(self) -> np.ndarray:
        """`(N,)` the first value of each series."""
        return self.values[np.minimum(self.starts[:-1], len(self.values) - 1)]

    @cached_property
    def sums(self) -> np.ndarray:
        """`(R,)` sums from the first row of a series to each of its rows, of what exceeds its first value.

        What comes after a row changes none of them, nor what stands in another series, not by a bit.
        """
        values = np.where(np.isfinite(self.values), self.values, 0.0)  # rows after the end of a series
        return running_sums(values - np.repeat(self.firsts, np.diff(self.starts)), self.starts)


@dataclass(frozen=True, eq=False)
class Origins:
    """N origins in one or more series, and the target before them.

    Attributes:
        histories: The series.
        rows: `(N,)` the row of each origin.
    """

    histories: Histories
    rows: np.ndarray

    @classmethod
    def of(cls, windows: Windows) -> Origins:
        """Those of `windows`."""
        return cls(Histories.of(windows.panel), np.asarray(windows.origins, np.int64))

    @classmethod
    def of_one(cls, values: np.ndarray, rows: np.ndarray) -> Origins:
        """Origins in one series `(T,)`."""
        return cls(Histories(np.asarray(values, np.float64), np.array([0, len(values)])), rows)

    @cached_property
    def places(self) -> np.ndarray:
        """`(N,)` which series each origin belongs to."""
        return np.searchsorted(self.histories.starts, self.rows, side="right") - 1

    @property
    def known(self) -> np.ndarray:
        """`(N,)` rows of its own series known at each origin."""
        return self.rows - self.histories.starts[self.places] + 1


def seasonal_name(kind: str, period: int) -> str:
    """What a rule is called in scores and files, e.g. `seasonal_growth_12`."""
    return f"seasonal_{kind}_{period}"


def season_of(name: str) -> tuple[str, int] | None:
    """Kind and period of a rule by its name; `None` of any other name."""
    found = re.fullmatch(r"seasonal_(naive|drift|growth)_(\d+)", name)
    return (found[1], int(found[2])) if found else None


def seasonal_naive(origins: Origins, steps: Sequence[int], period: int) -> np.ndarray:
    """The last season over again (Hyndman & Athanasopoulos, FPP3, section 5.2).

    Args:
        origins: N of them.
        steps: H steps ahead, each from 1.
        period: Rows of one season.

    Returns:
        `(N, H)`, price units.
    """
    ahead = np.asarray(steps)
    back = ahead - period * -(-ahead // period)  # (H,) the same place of the season, from the origin back
    rows = origins.rows[:, None] + back  # (N, H)
    enough = origins.known >= period
    return origins.histories.values[np.where(enough[:, None], rows, origins.rows[:, None])]


def seasonal_drift(origins: Origins, steps: Sequence[int], period: int) -> np.ndarray:
    """The last season plus, for every season ahead, what its mean exceeds that of the season before by.

    The seasonal naive forecast with drift, whose slope is that of the last two seasons. Arguments as `seasonal_naive`.
    """
    recent, before = _means(origins, period)
    return seasonal_naive(origins, steps, period) + (recent - before)[:, None] * _seasons(steps, period)


def seasonal_growth(origins: Origins, steps: Sequence[int], period: int) -> np.ndarray:
    """The last season times, for every season ahead, the ratio of its mean to that of the season before.

    Where both means are positive; elsewhere without growth. Arguments as `seasonal_naive`.
    """
    recent, before = _means(origins, period)
    positive = (recent > 0) & (before > 0)
    rate = np.log(np.where(positive, recent, 1.0)) - np.log(np.where(positive, before, 1.0))  # (N,)
    grown = np.clip(rate[:, None] * _seasons(steps, period), -_LARGEST_GROWTH, _LARGEST_GROWTH)
    return seasonal_naive(origins, steps, period) * np.exp(grown)


RULES = {"naive": seasonal_naive, "drift": seasonal_drift, "growth": seasonal_growth}


def _seasons(steps: Sequence[int], period: int) -> np.ndarray:
    """Seasons from the one repeated to the one forecast, `(H,)`."""
    return -(-np.asarray(steps) // period)


def _means(origins: Origins, period: int) -> tuple[np.ndarray, ...]:
    """Means of the last season and of the one before, `(N,)` each; both the same where the history is too short."""
    histories, known = origins.histories, origins.known
    enough = known >= 2 * period
    total = [
        np.where(enough & (known > back), histories.sums[np.maximum(origins.rows - back, 0)], 0.0)
        for back in (0, period, 2 * period)
    ]
    first = histories.firsts[origins.places]
    return tuple((later - earlier) / period + first for later, earlier in pairwise(total))

"""The season over again: alone, with what it has changed by since (drift), or with what it has grown by (growth).

These look farther back than a network's window, so they read the series itself, row by row, and never gather windows:
memory grows with forecasts, whatever the season. Where an origin has too little history of its own series for a rule,
a simpler one takes its place: without drift or growth before two whole seasons, the last value before one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kerasforecast.preprocessing.windows import Windows

_LARGEST_GROWTH = 5.0  # of the log: no rule may overflow, however steep its last two seasons and far its horizon


@dataclass(frozen=True, eq=False)
class Origins:
    """N origins in one or more series, and the target before them.

    Attributes:
        values: `(R,)` float64, the target of all series one after another.
        rows: `(N,)` the row of each origin.
        firsts: `(N,)` the first row of each origin's series.
    """

    values: np.ndarray
    rows: np.ndarray
    firsts: np.ndarray

    @classmethod
    def of(cls, windows: Windows) -> Origins:
        """Those of `windows`."""
        panel, rows = windows.panel, np.asarray(windows.origins, np.int64)
        return cls(panel.values[:, 0], rows, panel.starts[panel.places(rows)])

    @classmethod
    def of_one(cls, values: np.ndarray, rows: np.ndarray) -> Origins:
        """Origins in one series `(T,)`."""
        return cls(np.asarray(values, np.float64), rows, np.zeros(len(rows), np.int64))


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
    enough = _lengths(origins) >= period
    return origins.values[np.where(enough[:, None], rows, origins.rows[:, None])]


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


def _lengths(origins: Origins) -> np.ndarray:
    """Rows known at each origin, `(N,)`."""
    return origins.rows - origins.firsts + 1


def _means(origins: Origins, period: int) -> tuple[np.ndarray, ...]:
    """Means of the last season and of the one before, `(N,)` each; both the same where the history is too short."""
    values = np.where(np.isfinite(origins.values), origins.values, 0.0)  # rows after the end of a series
    # Sums from the first row on: what comes after an origin changes none of them, not by a bit.
    sums = np.concatenate([[0.0], np.cumsum(values - values[0])])
    enough = _lengths(origins) >= 2 * period
    total = [sums[np.where(enough, origins.rows + 1 - back, 0)] for back in (0, period, 2 * period)]
    return tuple((later - earlier) / period + values[0] for later, earlier in pairwise(total))

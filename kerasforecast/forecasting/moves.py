"""In what errors of forecasts are counted: one standard move of each window, as large as what is forecast.

A move that is a ratio is one of the forecast. Only where that is the last value, as of a random walk, is it one of the
last value too: after a December of half as much turnover again as any other month, January is not half as uncertain
again. Where moves are differences errors may yet grow with what is forecast, as those of counts do with its root: at
noon a street is harder to foresee than at night. The errors themselves say whether.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerasforecast.forecasting.pace import Pace, learned_pace
from kerasforecast.metrics.probabilistic import crps
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.volatility import Volatility
from kerasforecast.preprocessing.windows import Windows

ROOT = 0.5  # the power of what is forecast that errors of counts grow with
_CLEARLY = 0.97  # of the CRPS of intervals that do not grow with the forecast, below which they are to
_MOST = 4_000  # windows that tell
_LEAST = 0.1  # of the mean of its window, as which a forecast counts at least


@dataclass(frozen=True)
class Moves:
    """How standard moves are measured.

    Attributes:
        volatility: Of the windows.
        pace: How far errors keep pace with it; all the way, where `None`.
        growth: The power of the forecast that they grow with, where moves are differences; 0 for not at all.
    """

    volatility: Volatility
    pace: Pace | None = None
    growth: float = 0.0

    def of(self, context: np.ndarray, points: np.ndarray) -> np.ndarray:
        """One standard move of each step, `(N, S)` price units.

        Args:
            context: `(N, C)` targets that the windows see.
            points: `(N, S)` what is forecast after them.
        """
        moves = self.volatility.standard_moves(context, points.shape[1], points)
        if self.pace is not None:
            moves = moves * self.pace.kept(self.volatility.of_windows(context))
        return moves * _sizes(context, points) ** self.growth if self.growth else moves

    def of_windows(self, windows: Windows, points: np.ndarray) -> np.ndarray:
        """The same of windows, some at a time."""
        return np.concatenate([self.of(windows.context(chunk), points[chunk]) for chunk in windows.chunks()])

    def paced(self, training: Windows, points: np.ndarray, apart: float) -> Moves:
        """These at the pace of the errors of forecasts `points` `(N, S)` of training windows.

        So many of them do not overlap.
        """
        found = np.concatenate([self.volatility.of_windows(training.context(each)) for each in training.chunks()])
        moves = self.of_windows(training, points) / np.sqrt(np.arange(1, points.shape[1] + 1))
        return replace(self, pace=learned_pace((training.targets() - points) / moves * found[:, None], found, apart))

    def grown(self, windows: Windows, points: np.ndarray, levels: Sequence[float]) -> Moves:
        """These with the growth that errors of forecasts `points` `(N, S)` ask for: none, or `ROOT`.

        Intervals at the `levels` are put around the forecasts of each step by these very errors, in either unit; their
        CRPS is in moves of the first step, so that no series counts for more than another.
        """
        if self.volatility.logarithmic:
            return self
        few = evenly(len(windows), _MOST)
        context, points = windows.context(few), points[few]
        errors, moves = windows.targets(few) - points, self.of(context, points)
        scores = []
        for unit in (moves, moves * _sizes(context, points) ** ROOT):
            tables = np.quantile(errors / unit, levels, axis=0)  # (K, S)
            around = np.moveaxis(tables[:, None] * unit, 0, 2)  # (N, S, K)
            scores.append(crps(errors / moves[:, :1], around / moves[:, :1, None], levels))
        return replace(self, growth=ROOT) if scores[1] < _CLEARLY * scores[0] else self


def _sizes(context: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How large forecasts `(N, S)` are beside the values of their windows, `(N, S)`; 1 where those are all zero."""
    usual = np.abs(context).mean(axis=1, keepdims=True)
    found = np.divide(np.abs(points), usual, out=np.ones(points.shape), where=usual > 0)
    return np.maximum(found, _LEAST)

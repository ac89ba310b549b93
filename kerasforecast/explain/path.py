"""Integrated gradients (Sundararajan, Taly & Yan 2017): what each input adds to a forecast, on the way to the window.

The way is straight, from the flat window, in which nothing has changed since ever, to the window as it is. What an
input adds is the integral of the gradient along it, times how far the input goes; over all inputs these sum to the
difference of the two forecasts (completeness). Where a network bends sharply, as it does beside the flat window, whose
volatility is at its floor, a fixed rule of integration misses. Here a stretch of the way whose sum differs from what
the network answers at its ends is halved, until all agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kerasforecast.preprocessing.batch import WindowBatch

Answer = Callable[[WindowBatch], np.ndarray]
Slopes = Callable[[WindowBatch, np.ndarray], WindowBatch]

_EDGES = (0.0, 1 / 64, 1 / 16, 1 / 4, 1.0)  # closer to the flat window, where networks bend
_NODES = 6
_TOLERANCE = 0.002  # of the difference that is split
_ROUNDING = 4e-7  # of a forecast: what float32 cannot tell
MOST = 40_000  # gradients
_AT_ONCE = 4_096


@dataclass(frozen=True, eq=False)
class Integrated:
    """What each input adds to a forecast.

    Attributes:
        start: `(H,)` the forecast of the flat window.
        end: `(H,)` that of the window.
        past: `(H, L, F)` what each row of each column adds, raw units.
        known: `(H, L + H, K)` the same of the columns known ahead, or `None`.
        gradients: How many were taken.
    """

    start: np.ndarray
    end: np.ndarray
    past: np.ndarray
    known: np.ndarray | None
    gradients: int

    @property
    def residual(self) -> np.ndarray:
        """`(H,)` what the parts lack of the difference."""
        known = 0.0 if self.known is None else self.known.sum(axis=(1, 2))
        return np.asarray(self.end - self.start - self.past.sum(axis=(1, 2)) - known)


def flat(window: WindowBatch, origin: int) -> WindowBatch:
    """The window `(1, L, F)` in which every row is as its last one; rows known ahead are as row `origin`, the last."""
    past = np.repeat(window.past[:, -1:], window.past.shape[1], axis=1)
    known = window.known
    if known is not None:
        known = np.repeat(known[:, origin : origin + 1], known.shape[1], axis=1)
    return WindowBatch(past, known, window.static)


def integrated(answer: Answer, slopes: Slopes, window: WindowBatch, horizon: int, most: int = MOST) -> Integrated:
    """What each input of one window adds to its forecast, from the flat window on.

    Args:
        answer: Raw windows to forecasts `(B, H)`.
        slopes: Raw windows and weights `(B, H)` to the gradients of the weighted sums.
        window: One, raw, known columns `H` rows ahead.
        horizon: Rows ahead H.
        most: Gradients that may be taken.
    """
    way = _Way(answer, slopes, flat(window, window.past.shape[1] - 1), window, horizon)
    start, end = way.answers(np.array([0.0, 1.0]))
    parts = {name: np.zeros((horizon, *array.shape[1:])) for name, array in way.moves.items()}
    difference = np.abs(end - start)
    allowed = np.maximum(_TOLERANCE * np.maximum(difference, 0.1 * difference.mean()), _ROUNDING * np.abs(end))
    stretches = [(low, high) for low, high in itertools.pairwise(_EDGES)]
    while stretches and any(np.any(move) for move in way.moves.values()):
        found = way.along(stretches)
        last = way.gradients + 2 * len(stretches) * _NODES * horizon > most
        lacking = [np.abs(each.lacking) > allowed * max(high - low, 0.1) for each, (low, high) in found]
        halves = []
        for (each, (low, high)), lacks in zip(found, lacking, strict=True):
            if lacks.any() and not last and high - low > 1e-5:
                middle = (low + high) / 2
                halves += [(low, middle), (middle, high)]
            else:
                for name, part in each.parts.items():
                    parts[name] += part
        stretches = halves
    return Integrated(start, end, parts["past"], parts.get("known"), way.gradients)


@dataclass(frozen=True, eq=False)
class _Stretch:
    parts: dict[str, np.ndarray]  # (H, ...) by the name of the input
    lacking: np.ndarray  # (H,)


class _Way:
    """The straight way between two windows."""

    def __init__(self, answer: Answer, slopes: Slopes, first: WindowBatch, last: WindowBatch, horizon: int) -> None:
        self._answer, self._slopes, self._first, self._horizon = answer, slopes, first, horizon
        moving = [name for name in last.arrays if name != "static"]  # a category has no way to another
        self.moves = {
            name: last.arrays[name].astype(np.float64) - first.arrays[name].astype(np.float64) for name in moving
        }
        self.gradients = 0
        points, weights = np.polynomial.legendre.leggauss(_NODES)
        self._points, self._weights = (points + 1) / 2, weights / 2

    def answers(self, places: np.ndarray) -> np.ndarray:
        """Forecasts `(P, H)` float64 at `places` `(P,)` from 0, the flat window, to 1."""
        return self._answer(self._at(places)).astype(np.float64)

    def along(self, stretches: list[tuple[float, float]]) -> list[tuple[_Stretch, tuple[float, float]]]:
        """What each input adds on each of the stretches, and what the sums lack there."""
        horizon, found = self._horizon, []
        together = max(1, _AT_ONCE // (_NODES * horizon))
        for start in range(0, len(stretches), together):
            part = stretches[start : start + together]
            low, high = np.array(part).T
            places = low[:, None] + (high - low)[:, None] * self._points  # (P, N)
            rows = np.repeat(places.ravel(), horizon)  # (P N H,)
            steps = np.tile(np.eye(horizon, dtype=np.float32), (places.size, 1))
            slopes = self._slopes(self._at(rows), steps)
            self.gradients += len(rows)
            ends = self.answers(np.concatenate([low, high])).reshape(2, len(part), horizon)
            # So near the flat window that float32 cannot tell them apart, a spread has no gradient (0 / 0); what is
            # left out there would show in the residual.
            means = {
                name: self._mean(np.nan_to_num(slopes.arrays[name], posinf=0, neginf=0), len(part))
                for name in self.moves
            }
            for place, (begin, end) in enumerate(part):
                adds = {
                    name: np.where(move, means[name][place] * (end - begin) * move, 0.0)
                    for name, move in self.moves.items()
                }
                total = sum(each.reshape(horizon, -1).sum(1) for each in adds.values())
                found.append((_Stretch(adds, ends[1, place] - ends[0, place] - total), (begin, end)))
        return found

    def _mean(self, slopes: np.ndarray, stretches: int) -> np.ndarray:
        """Gradients `(P N H, ...)` to their means over each stretch, `(P, H, ...)`."""
        each = slopes.reshape(stretches, _NODES, self._horizon, *slopes.shape[1:]).astype(np.float64)
        return np.einsum("n,pnh...->ph...", self._weights, each)

    def _at(self, places: np.ndarray) -> WindowBatch:
        arrays = {
            name: (np.repeat(array, len(places), axis=0) if name not in self.moves else self._between(name, places))
            for name, array in self._first.arrays.items()
        }
        return WindowBatch(**arrays)

    def _between(self, name: str, places: np.ndarray) -> np.ndarray:
        move = self.moves[name]
        shape = (len(places), *(1,) * (move.ndim - 1))
        return np.asarray(self._first.arrays[name] + places.reshape(shape) * move, np.float32)

"""Scores of whole paths: plain functions on arrays, each with its formula and source.

`actual` is `(N, H)`, samples are `(N, S, H)`: S paths of each of N forecasts, each equally likely, price units.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerasforecast.errors import DataError
from kerasforecast.metrics.probabilistic import checked_levels

_AT_ONCE = 2**22  # numbers
_MOST_STEPS = 32  # of a variogram, evenly chosen: it grows with their square


def sample_crps(actual: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """CRPS of each step `(N, H)`, `mean |x - y| - 1/2 mean |x - x'|`, price units (Gneiting & Raftery 2007, eq. 21).

    The mean over all pairs of paths is a sum over paths in order, weighted by their place.
    """
    actual, samples = _checked(actual, samples)
    count = samples.shape[1]
    weights = (2 * np.arange(1, count + 1) - count - 1) / count**2  # (S,)

    def score(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(x - y[:, None]).mean(axis=1) - np.einsum("s,nsh->nh", weights, np.sort(x, axis=1)))

    return _in_parts(score, actual, samples, samples.shape[1] * samples.shape[2])


def energy_scores(actual: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Energy score of each path `(N,)`, `mean ||x - y|| - 1/2 mean ||x - x'||` (Gneiting & Raftery 2007, eq. 22)."""
    actual, samples = _checked(actual, samples)

    def score(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        x = x - y[:, None]  # distances stay, numbers become small
        squares = np.einsum("nsh,nsh->ns", x, x)
        apart = squares[:, :, None] + squares[:, None] - 2 * x @ x.transpose(0, 2, 1)
        place = np.arange(x.shape[1])
        apart[:, place, place] = 0
        return np.asarray(np.sqrt(squares).mean(axis=1) - np.sqrt(np.maximum(apart, 0)).mean(axis=(1, 2)) / 2)

    return _in_parts(score, actual, samples, samples.shape[1] * max(samples.shape[1:]))


def variogram_scores(actual: np.ndarray, samples: np.ndarray, power: float = 0.5) -> np.ndarray:
    """Variogram score of each path `(N,)`, the mean over pairs of steps of `(|y_i - y_j|^p - mean |x_i - x_j|^p)^2`.

    Scheuerer & Hamill (2015), all pairs alike: blind to the level, it sees how steps hang together. Of more than 32
    steps so many are taken, evenly. A single step has no pairs: 0.
    """
    actual, samples = _checked(actual, samples)
    chosen = np.unique(np.linspace(0, actual.shape[1] - 1, min(actual.shape[1], _MOST_STEPS)).round().astype(int))
    first, second = np.triu_indices(len(chosen), 1)
    first, second = chosen[first], chosen[second]
    if not len(first):
        return np.zeros(len(actual))

    def score(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        seen = np.abs(y[:, first] - y[:, second]) ** power
        said = (np.abs(x[:, :, first] - x[:, :, second]) ** power).mean(axis=1)
        return np.asarray(((seen - said) ** 2).mean(axis=1))

    return _in_parts(score, actual, samples, samples.shape[1] * len(first))


def path_coverage(actual: np.ndarray, samples: np.ndarray, nominal: float) -> float:
    """Share of actual paths that are among the share `nominal` of the most central, sampled ones beside them.

    How central a path is, says the rank at its farthest step among all of them, the actual one included; so right
    paths are covered as often as they say, whatever their number (band depth of whole curves; Thorarinsdottir,
    Scheuerer & Heinz 2016 rank multivariate outcomes so). Of equally central ones a half counts.
    """
    checked_levels([nominal])
    actual, samples = _checked(actual, samples)

    def score(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        pool = np.concatenate([y[:, None], x], axis=1)  # (n, S + 1, H)
        order = np.argsort(np.argsort(pool, axis=1, kind="stable"), axis=1)
        farthest = np.abs(order - (pool.shape[1] - 1) / 2).max(axis=2)  # (n, S + 1)
        ours, theirs = farthest[:, :1], farthest[:, 1:]
        return np.asarray((theirs < ours).mean(axis=1) + (theirs == ours).mean(axis=1) / 2 <= nominal)

    return float(_in_parts(score, actual, samples, samples.shape[1] * samples.shape[2]).mean())


def ranks(actual: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Rank of what happened among the sampled values of each step, `(N, H)` in 0..1: even where samples are right."""
    actual, samples = _checked(actual, samples)
    below = (samples < actual[:, None]).mean(axis=1)
    equal = (samples == actual[:, None]).mean(axis=1)
    return np.asarray((below + equal / 2) * samples.shape[1] / (samples.shape[1] + 1) + 0.5 / (samples.shape[1] + 1))


def rank_histogram(actual: np.ndarray, samples: np.ndarray, bins: int = 10) -> list[float]:
    """Shares of `ranks` in so many equal parts of 0..1, over all steps: each `1 / bins` where samples are right.

    A valley says that samples lie too close together, a hill too far apart, a slope that they are too high or too low
    (Hamill 2001).
    """
    found = np.histogram(ranks(actual, samples), bins=bins, range=(0, 1))[0]
    return [float(count) for count in found / found.sum()]


def _in_parts(
    score: Callable[[np.ndarray, np.ndarray], np.ndarray], actual: np.ndarray, samples: np.ndarray, size: int
) -> np.ndarray:
    """Scores of some forecasts at a time, each of which takes an array of so many numbers."""
    count = max(1, _AT_ONCE // size)
    starts = range(0, len(actual), count)
    return np.concatenate(
        [score(actual[at : at + count], samples[at : at + count].astype(np.float64)) for at in starts]
    )


def _checked(actual: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.asarray(actual, np.float64), np.asarray(samples)
    if y.ndim != 2 or x.ndim != 3 or x.shape[::2] != y.shape or not x.size:
        raise DataError(f"Paths must have shape (N, S, H) beside outcomes (N, H). Received: {x.shape}, {y.shape}.")
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise DataError("Paths and outcomes must be finite. Received: NaN or infinity.")
    return y, x

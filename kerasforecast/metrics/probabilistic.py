"""Scores of predictive distributions given by quantiles: plain functions on arrays, each with its formula and source.

`actual` is `(N,)`, or `(N, H)` for H steps ahead, in price units; quantiles have one more axis, of K levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasforecast.errors import DataError, shown
from kerasforecast.metrics.point import checked_pair, finite

NO_INTERVALS: dict[str, Any] = {"crps": None, "coverage": {}, "pinball": {}, "winkler": {}}  # the scores where none are


def quantile_scores(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> dict[str, Any]:
    """The scores of a predictive distribution, ready for JSON.

    Args:
        actual: `(N,)` or `(N, H)`, price units.
        quantiles: `(N, K)` or `(N, H, K)`, price units.
        levels: The K levels, ascending, each in 0..1.

    Returns:
        `crps` in price units; for each central interval that `levels` holds (0.1 with 0.9 makes `"0.8"`) `coverage`,
        the share of actual values inside, and `winkler`; for each level `pinball`.

    Raises:
        DataError: Shapes do not agree, levels are not ascending in 0..1, or a value is not finite.
    """
    covered, width = {}, {}
    for nominal, low, high in central_intervals(levels):
        interval = quantiles[..., low], quantiles[..., high]
        covered[f"{nominal:g}"] = coverage(actual, *interval)
        width[f"{nominal:g}"] = finite(winkler(actual, *interval, nominal))
    losses = {f"{level:g}": finite(pinball(actual, quantiles[..., k], level)) for k, level in enumerate(levels)}
    return {"crps": finite(crps(actual, quantiles, levels)), "coverage": covered, "pinball": losses, "winkler": width}


def pinball(actual: np.ndarray, quantile: np.ndarray, level: float) -> float:
    """Pinball loss of one quantile, `mean(max(t (y - q), (t - 1)(y - q)))`, price units (Koenker & Bassett 1978).

    `level` is t, inside 0..1; `quantile` is the forecast quantile, of the shape of `actual`.
    """
    from sklearn.metrics import mean_pinball_loss  # half a second: only where something is scored

    checked_levels([level])
    return float(mean_pinball_loss(*checked_pair(actual, quantile), alpha=level))


def crps(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float:
    """Continuous ranked probability score from quantiles, `2 sum_k w_k pinball_k`, price units.

    The CRPS is twice the integral of the pinball loss over all levels (Laio & Tamea 2007, eq. 9; Gneiting & Ranjan
    2011). Here each level stands for the cell that reaches half way to its neighbours, the outermost for all beyond
    them, so `w` sums to 1 and with symmetric levels the score of a forecast without spread is its absolute error.
    Comparable only between forecasts of the same levels.

    Args:
        actual: `(N,)` or `(N, H)`.
        quantiles: `(N, K)` or `(N, H, K)`.
        levels: The K levels, ascending, each in 0..1.
    """
    return float(np.mean(crps_losses(actual, quantiles, levels)))


def crps_losses(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """The CRPS of every single forecast, of the shape of `actual`, price units; arguments as in `crps`."""
    tau = checked_levels(levels)
    q = np.asarray(quantiles, dtype=np.float64)
    if q.shape != (*np.shape(actual), len(tau)):
        raise DataError(f"Quantiles must have shape {(*np.shape(actual), len(tau))}. Received: {q.shape}.")
    for k in range(len(tau)):
        checked_pair(actual, q[..., k])
    error = np.asarray(actual, dtype=np.float64)[..., None] - q
    return 2 * np.maximum(tau * error, (tau - 1) * error) @ level_weights(levels)


def level_weights(levels: Sequence[float]) -> np.ndarray:
    """How much of 0..1 each of the K levels stands for, `(K,)`, as in `crps`."""
    tau = checked_levels(levels)
    return np.diff(np.concatenate([[0.0], (tau[1:] + tau[:-1]) / 2, [1.0]]))


def coverage(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Share in 0..1 of actual values with `lower <= y <= upper` (Christoffersen 1998, the unconditional coverage)."""
    y, low = checked_pair(actual, lower)
    _, high = checked_pair(actual, upper)
    return float(np.mean((low <= y) & (y <= high)))


def winkler(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray, nominal: float) -> float:
    """Winkler's interval score, `mean((u - l) + 2/a (l - y)+ + 2/a (y - u)+)` with `a = 1 - nominal`, price units.

    Winkler (1972); Gneiting & Raftery (2007), eq. 43. Smaller is better: narrow, and rarely missed.
    `lower` and `upper`, of the shape of `actual`, are the ends of an interval meant to cover the share `nominal`.
    """
    checked_levels([nominal])
    y, low = checked_pair(actual, lower)
    _, high = checked_pair(actual, upper)
    missed = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return float(np.mean(high - low + 2 / (1 - nominal) * missed))


def central_intervals(levels: Sequence[float]) -> list[tuple[float, int, int]]:
    """The central intervals that `levels` holds, widest first.

    Returns:
        `(nominal, index of the lower level, index of the upper one)`; 0.1 with 0.9 makes nominal 0.8.
    """
    tau = checked_levels(levels)
    pairs = ((low, high) for low in range(len(tau)) for high in range(low + 1, len(tau)))
    return [(round(float(tau[b] - tau[a]), 9), a, b) for a, b in pairs if math.isclose(tau[a] + tau[b], 1)]


def checked_levels(levels: Sequence[float]) -> np.ndarray:
    """Quantile levels as float64 `(K,)`, ascending and inside 0..1, else a `DataError`."""
    tau = np.asarray(levels, dtype=np.float64)
    if tau.ndim != 1 or not tau.size or not np.all((tau > 0) & (tau < 1)) or np.any(np.diff(tau) <= 0):
        raise DataError(f"Levels must be ascending and inside 0..1. Received: {shown(list(levels))}.")
    return tau

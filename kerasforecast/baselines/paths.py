"""The simple rivals as whole paths: what they missed by in the past, path by path, put on what they say now.

So errors of neighbouring steps go together as they did. Each gives as many paths as it is asked for, from past windows
evenly spread over the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from kerasforecast.baselines.seasonal import Origins, seasonal_naive, seasonal_name
from kerasforecast.models.noise import bank
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.volatility import Volatility
from kerasforecast.preprocessing.windows import Windows


def rival_paths(
    windows: Windows, history: Windows, volatility: Volatility, periods: tuple[int, ...], paths: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Rivals by name, and their paths `(N, S, H)` of `windows`, price units.

    `ewma_fhs` is filtered historical simulation (Barone-Adesi et al. 1999): past moves of whole paths in units of the
    volatility of then, in those of now. `seasonal_naive_<period>` bootstraps the errors of the seasonal naive forecast.

    Args:
        windows: To be forecast.
        history: Those before, with their outcomes.
        volatility: How moves are measured.
        periods: Rows of each season.
        paths: Of each window.
    """
    past = replace(history, origins=history.origins[evenly(len(history), paths)])
    unit, units = (volatility.of_windows(each.context()) for each in (past, windows))
    last = np.repeat(past.last()[:, None], past.steps, axis=1)
    moves = volatility.moves(last, past.targets()) / unit[:, None]  # (S, H)
    point = np.repeat(windows.last()[:, None], windows.steps, axis=1)
    yield "ewma_fhs", _around(volatility, point, units[:, None, None] * moves.T)
    ahead, several = range(1, windows.steps + 1), len(windows.panel) > 1
    for period in periods:
        then, now = (seasonal_naive(Origins.of(each), ahead, period) for each in (past, windows))
        moves = volatility.moves(then, past.targets())
        own = units[:, None, None] if several else np.ones((1, 1, 1))
        missed = moves / unit[:, None] if several else moves
        yield seasonal_name("naive", period), _around(volatility, now, own * missed.T)


def gaussian_paths(
    points: np.ndarray, moves: np.ndarray, errors: np.ndarray, paths: int, random: np.random.Generator
) -> np.ndarray:
    """Paths `(N, S, H)` of a point forecast with the normal distribution of its validation errors.

    Args:
        points: `(N, H)` forecasts, price units.
        moves: `(N, H)` one standard move at each step, price units.
        errors: `(M, H)` on validation, in standard moves.
        paths: Of each window.
        random: Draws them.
    """
    horizon = errors.shape[1]
    covariance = errors.T @ errors / len(errors) + 1e-9 * np.mean(errors**2) * np.eye(horizon)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return np.asarray(points[:, None] + moves[:, None] * (bank(paths, horizon, random) @ root.T))


def copula_paths(
    quantiles: np.ndarray, known: np.ndarray, outcomes: np.ndarray, levels: np.ndarray, paths: int
) -> np.ndarray:
    """Paths `(N, S, H)` of quantiles of single steps, which hang together as outcomes before did in their ranks.

    The Gaussian copula: ranks of outcomes among their quantiles, as normal scores, have a correlation between steps;
    normal noise of that correlation gives the ranks of paths. Of each step the k-th of S paths is at level
    (k - 1/2) / S.
    Between levels, and beyond the outermost, quantiles go straight on over normal scores.

    Args:
        quantiles: `(N, H, K)`, price units.
        known: `(M, H, K)` of windows before.
        outcomes: `(M, H)` what came of them.
        levels: `(K,)` ascending, within 0..1.
        paths: Of each window.
    """
    places, horizon = ndtri(levels), quantiles.shape[1]
    scores = _normal_ranks(outcomes, np.sort(known, axis=-1), places)
    centred = (scores - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-6)
    share = 1e-4 + horizon / (horizon + 20 * len(scores))  # of no correlation, where outcomes are few
    correlation = (1 - share) * centred.T @ centred / len(scores) + share * np.eye(horizon)
    drawn = bank(paths, horizon, np.random.default_rng(10)) @ np.linalg.cholesky(correlation).T
    asked = ndtri((np.argsort(np.argsort(drawn, axis=0), axis=0) + 0.5) / paths)  # (S, H)
    above = np.clip(np.searchsorted(places, asked), 1, len(places) - 1)
    along = (asked - places[above - 1]) / (places[above] - places[above - 1])
    steps = np.arange(horizon)
    ordered = np.sort(quantiles, axis=-1)
    below, beyond = ordered[:, steps, above - 1], ordered[:, steps, above]  # (N, S, H)
    return np.asarray(below + along * (beyond - below))


def _normal_ranks(outcomes: np.ndarray, ordered: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where outcomes `(M, H)` lie among quantiles `(M, H, K)`, in normal scores, those of the quantiles `(K,)`."""
    above = np.clip((ordered < outcomes[..., None]).sum(axis=-1), 1, len(places) - 1)
    lower, upper = (np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (above - 1, above))
    along = (outcomes - lower) / np.maximum(upper - lower, 1e-9 * np.maximum(np.abs(upper), 1e-9))
    return np.asarray(np.clip(places[above - 1] + along * (places[above] - places[above - 1]), -4, 4))


def _around(volatility: Volatility, centre: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Paths `(N, S, H)` around `(N, H)` by moves `(N, H, S)`."""
    return volatility.around(centre, np.broadcast_to(moves, (*centre.shape, moves.shape[-1]))).transpose(0, 2, 1)

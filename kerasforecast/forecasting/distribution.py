"""Distributions of errors, kept as their quantiles at the levels of a grid."""

from __future__ import annotations

import numpy as np

GRID = np.linspace(0, 1, 101)  # levels at which a distribution of errors is kept


def table(errors: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Quantiles of errors `(N, C)` at the levels of `GRID`, `(C, G)`.

    By Weibull's plotting positions, k / (n + 1): a new error lies below the k-th of n with just that probability.
    """
    return tuple(map(tuple, np.quantile(errors, GRID, axis=0, method="weibull").T.tolist()))


def pooled_tables(errors: np.ndarray, apart: float) -> list[tuple[tuple[float, ...], ...]]:
    """Tables `(C, G)` of each step from the errors `(N, S, C)` of all, by the power of the step that they grow with.

    Errors of overlapping windows are much the same errors, so their spread is known no better than from the windows
    that do not overlap: quantiles are put as much farther out as Student's t with so many degrees of freedom has them
    beyond the normal. (Simulated with twelve steps over random walks, autoregressions and seasons, intervals of 80 %
    cover 77 to 94 % after 5 windows and 79 to 85 % after 40, where quantiles of each step alone cover 40 to 66 % and 74
    to 81 %.)
    """
    from scipy.special import ndtri, stdtrit  # a quarter of a second: only where intervals are learned

    count, steps, columns = errors.shape
    ahead = np.arange(1.0, steps + 1)
    sizes = np.sqrt(ahead) * np.abs(errors).mean(axis=(0, 2))  # (S,) in moves of one step
    there = sizes > 0
    power = float(np.polyfit(np.log(ahead[there]), np.log(sizes[there]), 1)[0]) if there.sum() > 1 else 0.5
    growth = ahead ** (np.clip(power, 0, 1) - 0.5)  # (S,) of errors in standard moves, which grow with the root
    alike = (errors / growth[:, None]).reshape(count * steps, columns)  # (N S, C)
    levels = np.clip(GRID, 1 / 1_000, 1 - 1 / 1_000)
    usual = np.where(levels == 0.5, 1.0, ndtri(levels))
    farther = np.where(levels == 0.5, 1.0, stdtrit(apart, levels) / usual)  # (G,)
    middle = np.median(alike, axis=0)
    found = middle + (np.quantile(alike, GRID, axis=0, method="weibull") - middle) * farther[:, None]  # (G, C)
    return [tuple(map(tuple, (found.T * factor).tolist())) for factor in growth]


def read_at(tables: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Tables `(..., G)` read at `levels` `(...)` in 0..1, linearly between the levels of `GRID`."""
    place = levels * (len(GRID) - 1)
    low = np.minimum(place.astype(int), len(GRID) - 2)[..., None]
    share = place[..., None] - low
    found = np.take_along_axis(tables, low, -1) * (1 - share) + np.take_along_axis(tables, low + 1, -1) * share
    return found[..., 0]

"""Distributions of errors, kept as their quantiles at the levels of a grid."""

from __future__ import annotations

import numpy as np

GRID = np.linspace(0, 1, 101)  # levels at which a distribution of errors is kept
_MOST = 1_000  # windows that tell how errors hang together


def table(errors: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Quantiles of errors `(N, C)` at the levels of `GRID`, `(C, G)`.

    By Weibull's plotting positions, k / (n + 1): a new error lies below the k-th of n with just that probability.
    """
    return tuple(map(tuple, np.quantile(errors, GRID, axis=0, method="weibull").T.tolist()))


def pooled_tables(errors: np.ndarray, apart: float, *, mirrored: bool = False) -> list[tuple[tuple[float, ...], ...]]:
    """Tables `(C, G)` of each step from the errors `(N, S, C)` of all, by the power of the step that they grow with.

    Errors of overlapping windows are much the same errors, and those of one window hang together, so their spread is
    known no better than from fewer that do not: quantiles are put as much farther out as Student's t with so many
    degrees of freedom has them beyond the normal. (Simulated with 8 to 52 steps over noise, autoregressions and random
    walks, intervals of 80 and 95 % cover 76 to 84 and 95 to 100 % after two to eight windows, where each window counted
    as one error they cover 77 to 94 and 95 to 100 %, and quantiles of each step alone 40 to 66 % of 80. Mirrored errors
    have 0.93 to 1.00 of the CRPS of those that are not.)

    Args:
        errors: In standard moves of their step.
        apart: Windows that do not overlap.
        mirrored: Whether these are errors around a forecast. Then so few windows tell neither on which side of it
            outcomes lie nor which of the tails is the longer: their middle counts as if one more window had had none,
            and errors around it count on both sides.
    """
    from scipy.special import ndtri, stdtrit  # a quarter of a second: only where intervals are learned

    count, steps, columns = errors.shape
    ahead = np.arange(1.0, steps + 1)
    sizes = np.sqrt(ahead) * np.abs(errors).mean(axis=(0, 2))  # (S,) in moves of one step
    there = sizes > 0
    power = float(np.polyfit(np.log(ahead[there]), np.log(sizes[there]), 1)[0]) if there.sum() > 1 else 0.5
    growth = ahead ** (np.clip(power, 0, 1) - 0.5)  # (S,) of errors in standard moves, which grow with the root
    alike = (errors / growth[:, None]).reshape(count * steps, columns)  # (N S, C)
    middle = np.median(alike, axis=0)
    if mirrored:
        middle = middle * apart / (apart + 1)
        alike = np.concatenate([alike, 2 * middle - alike])
    levels = np.clip(GRID, 1 / 1_000, 1 - 1 / 1_000)
    usual = np.where(levels == 0.5, 1.0, ndtri(levels))
    free = apart * _free_within(errors[:, :, columns // 2] / growth)
    farther = np.where(levels == 0.5, 1.0, stdtrit(free, levels) / usual)  # (G,)
    found = middle + (np.quantile(alike, GRID, axis=0, method="weibull") - middle) * farther[:, None]  # (G, C)
    return [tuple(map(tuple, (found.T * factor).tolist())) for factor in growth]


def _free_within(errors: np.ndarray) -> float:
    """As how many that do not hang together the errors `(N, S)` of one window count.

    Squares of normal errors correlate as the squares of these do, and S of them count as S over the sum of that over
    all lags (Bartlett 1946). A third of it is taken, since errors of few windows seem to hang together less than they
    do, and a window counts as one at least.
    """
    few = errors[:: -(-len(errors) // _MOST)]
    size = np.sqrt((few**2).mean(axis=0))
    scaled, steps = few / np.where(size > 0, size, 1.0), errors.shape[1]
    lags = np.arange(1, steps)
    alike = np.array([np.mean(scaled[:, lag:] * scaled[:, :-lag]) for lag in lags])
    return max(1.0, steps / (1 + 2 * float((1 - lags / steps) @ alike**2)) / 3)


def read_at(tables: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Tables `(..., G)` read at `levels` `(...)` in 0..1, linearly between the levels of `GRID`."""
    place = levels * (len(GRID) - 1)
    low = np.minimum(place.astype(int), len(GRID) - 2)  # (...)
    share = place - low
    alike = tables.shape[:-1] == levels.shape  # to broadcast costs more than all the rest, and levels adapt row by row
    every = tables if alike else np.broadcast_to(tables, (*levels.shape, len(GRID)))
    left = np.arange(0, every.size, len(GRID)).reshape(levels.shape) + low  # in the flat table
    flat = every.reshape(-1)
    found: np.ndarray = flat[left] * (1 - share) + flat[left + 1] * share
    return found

"""How much a series moves: changes as ratios or differences, and the volatility of a window's own last rows.

The formula is written once, for the units that a network computes in and for those of the intervals around it:
exponentially weighted, zero mean (RiskMetrics, J.P. Morgan 1996, lambda 0.94), weights normalised over the window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kerasforecast.preprocessing.sums import own_volatility, stretch_means

EWMA_LAMBDA = 0.94
# A window's volatility counts as at least this share of the training volatility: after a flat stretch one ordinary
# day would otherwise be an input hundreds of units large.
VOLATILITY_FLOOR = 0.1
_QUIET = 0.05  # of several series so many may be quieter than what the floor is a share of
_LEAST_SIZE = 0.1  # of the last value, as which a forecast counts at least
_CHUNK = 4_096  # windows at once


def ewma_weights(window: int) -> np.ndarray:
    """Weights `(L,)` float32 of a window's squared changes, newest last; the first row has none, hence 0."""
    ages = np.arange(window - 1, -1, -1)
    weights = EWMA_LAMBDA**ages
    weights[0] = 0.0
    return (weights / weights.sum()).astype(np.float32)


def ewma_volatility(changes: Any, floor: Any, xp: Any = np) -> Any:
    """`(B, 1, F)` volatility of the changes `(B, L, F)` of windows, of which the first row has none; at least `floor`.

    `xp` is NumPy or `keras.ops`.
    """
    weights = ewma_weights(changes.shape[1])[None, :, None]  # (1, L, 1)
    variance = xp.sum(changes * changes * weights, axis=1, keepdims=True)
    return xp.maximum(xp.sqrt(variance), floor)


class Volatility(BaseModel):
    """What a history says about measuring moves; part of the manifest.

    Where moves are log-ratios and a later window or forecast is not positive, a move is a difference in units of `size`
    instead: one negative price takes no interval away.

    Attributes:
        logarithmic: Whether moves are log-ratios, so that a price ten times as high has an interval ten times as wide;
            plain differences where the history is not positive.
        floor: The least volatility of a window. A tenth of that of the training rows (of several series, of the quieter
            ones'), and never zero.
        size: How large the values of the history are, whatever their sign; of several series, of the middle one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    logarithmic: bool
    floor: float = Field(gt=0)
    size: float = Field(1.0, gt=0)

    def moves(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """From `before` to `after`, price units."""
        return np.log(after / before) if self.logarithmic else after - before

    def around(self, centre: np.ndarray, moves: np.ndarray, windows: np.ndarray | None = None) -> np.ndarray:
        """`(N, H)` moved by `(H, K)` or `(N, H, K)`: `(N, H, K)`, price units.

        `windows` `(N, L)` are those that `moves` were measured on, where each was.
        """
        if not self.logarithmic:
            return centre[..., None] + moves
        plain = centre <= 0  # (N, H)
        if windows is not None:
            plain = plain | ~_positive(windows)[:, None]
        if not plain.any():
            return centre[..., None] * np.exp(moves)
        ratios = centre[..., None] * np.exp(np.where(plain[..., None], 0, moves))
        return np.where(plain[..., None], centre[..., None] + self.size * moves, ratios)

    def of_windows(self, windows: np.ndarray) -> np.ndarray:
        """EWMA volatility `(N,)` of windows `(N, L)` in price units: one standard move of one step."""
        found = np.empty(len(windows))
        for start in range(0, len(windows), _CHUNK):
            rows = windows[start : start + _CHUNK]
            changes = np.zeros((*rows.shape, 1))  # (n, L, 1)
            changes[:, 1:, 0] = self._changes(rows)
            found[start : start + _CHUNK] = ewma_volatility(changes, self.floor)[:, 0, 0]
        return found

    def standard_moves(self, windows: np.ndarray, steps: int, points: np.ndarray | None = None) -> np.ndarray:
        """One standard move of each step ahead in price units, `(N, H)`: that of a random walk grows with sqrt(h).

        Where moves are ratios, they are those of the forecasts `points` `(N, H)`; of the last value, where not given.
        """
        size = np.ones((len(windows), 1))
        if self.logarithmic:
            last = np.abs(windows[:, -1:])
            around = last if points is None else np.maximum(np.abs(points), _LEAST_SIZE * last)
            size = np.where(_positive(windows)[:, None], around, self.size)
        return size * self.of_windows(windows)[:, None] * np.sqrt(np.arange(1, steps + 1))

    def _changes(self, windows: np.ndarray) -> np.ndarray:
        """`(N, L - 1)` moves from row to row of windows `(N, L)`."""
        positive = _positive(windows)
        if not self.logarithmic or positive.all():
            return self.moves(windows[:, :-1], windows[:, 1:])
        changes = np.diff(windows, axis=1) / self.size
        changes[positive] = self.moves(windows[positive, :-1], windows[positive, 1:])
        return changes


def _positive(windows: np.ndarray) -> np.ndarray:
    """`(N,)` whether windows `(N, L)` are positive throughout."""
    found: np.ndarray = np.asarray(windows).min(axis=1) > 0
    return found


def volatility_of(
    history: np.ndarray,
    train: np.ndarray | None = None,
    starts: np.ndarray | None = None,
    train_starts: np.ndarray | None = None,
) -> Volatility:
    """Learn how to measure moves.

    Of several series, the floor is a share of the volatility of the quieter among them (`least_volatility`): one of the
    others' would drown whoever counts in small numbers.

    Args:
        history: `(T,)` price units; it says whether moves are ratios.
        train: `(U,)` rows that the floor is learned from, as a network's scaling is; the history, where not given or
            where these do not move.
        starts: `(N,)` first row of each series in `history`; of one series, where not given.
        train_starts: `(M,)` the same in `train`.
    """
    past = np.asarray(history, dtype=np.float64)
    starts = np.zeros(1, np.int64) if starts is None else starts
    logarithmic = bool(past.min() > 0)
    usual = 0.0
    if train is not None and np.ptp(train) > 0:
        first = np.zeros(1, np.int64) if train_starts is None else train_starts
        usual = least_volatility(own_volatility(np.asarray(train, np.float64), first, logarithmic))
    usual = usual or least_volatility(own_volatility(past, starts, logarithmic))
    least = float(np.finfo(np.float64).tiny)
    sizes = stretch_means(np.abs(past), starts, np.append(starts[1:], len(past)))
    return Volatility(
        logarithmic=logarithmic,
        floor=max(VOLATILITY_FLOOR * usual, least),
        size=max(float(np.nanquantile(sizes, 0.5, method="lower")), least),
    )


def least_volatility(own: np.ndarray) -> float:
    """What no ordinary one of several series falls below: a low quantile of their own volatility `(N,)`; one's own."""
    moving = own[own > 0]
    return float(np.quantile(moving, _QUIET, method="lower")) if len(moving) else 0.0

"""How much a series moves: changes as ratios or differences, and the volatility of a window's own last rows."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kerasforecast.preprocessing.scaling import EWMA_LAMBDA, VOLATILITY_FLOOR


class Volatility(BaseModel):
    """What a history says about measuring moves; part of the manifest.

    Attributes:
        logarithmic: Whether moves are log-ratios, so that a price ten times as high has an interval ten times as wide;
            plain differences where the history is not positive.
        floor: The least volatility of a window. A tenth of the history's, and never zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    logarithmic: bool
    floor: float = Field(gt=0)

    def moves(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """From `before` to `after`, price units."""
        return np.log(after / before) if self.logarithmic else after - before

    def around(self, centre: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """`(N, H)` moved by `(H, K)` or `(N, H, K)`: `(N, H, K)`, price units."""
        return centre[..., None] * np.exp(moves) if self.logarithmic else centre[..., None] + moves

    def of_windows(self, windows: np.ndarray) -> np.ndarray:
        """EWMA volatility `(N,)` of windows `(N, L)` in price units: one standard move of one step."""
        return self.of_changes(self.moves(windows[:, :-1], windows[:, 1:]))

    def of_changes(self, changes: np.ndarray) -> np.ndarray:
        """EWMA volatility of changes `(..., L - 1)` over their last axis (RiskMetrics, J.P. Morgan 1996)."""
        weights = EWMA_LAMBDA ** np.arange(changes.shape[-1])[::-1]
        return np.maximum(np.sqrt(changes**2 @ (weights / weights.sum())), self.floor)

    def standard_moves(self, windows: np.ndarray, horizon: int) -> np.ndarray:
        """One standard move of each step ahead in price units, `(N, H)`: that of a random walk grows with sqrt(h)."""
        size = np.abs(windows[:, -1]) if self.logarithmic else np.ones(len(windows))
        steps = np.sqrt(np.arange(1, horizon + 1))
        return (size * self.of_windows(windows))[:, None] * steps


def volatility_of(history: np.ndarray) -> Volatility:
    """Learn how to measure moves from a history `(T,)`, price units."""
    past = np.asarray(history, dtype=np.float64)
    logarithmic = bool(past.min() > 0)
    changes = np.log(past[1:] / past[:-1]) if logarithmic else np.diff(past)
    usual = float(np.sqrt(np.mean(changes**2)))
    return Volatility(logarithmic=logarithmic, floor=max(VOLATILITY_FLOOR * usual, float(np.finfo(np.float64).tiny)))

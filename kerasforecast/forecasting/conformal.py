"""Conformal intervals: what a forecast missed by on validation, in units of volatility, tells how far it may miss.

Every error is measured in standard moves of its own window (`Volatility.standard_moves`), because volatility shifts
between the parts of a split and a fixed correction in price units would not carry over. A network without quantiles
gets split-conformal intervals around its point forecast (Papadopoulos et al. 2002; Lei et al. 2018). A quantile head is
corrected level by level (conformalised quantile regression, Romano, Patterson & Candes 2019) where that pays on a later
piece of validation which the correction has not seen; dropout passes always are. Over consecutive origins the levels
adapt (adaptive conformal inference, Gibbs & Candes 2021) to outcomes known at each origin, never to later ones; where
that had come to at the end of the test part is kept with the model, and goes on with the rows that follow.

Steps beyond the network's horizon are rolled forward on its own forecasts; their intervals are split-conformal around
the rolled forecast, from errors of validation origins rolled in the same way as far as `--steps`; beyond that, from the
errors of its last step, which in standard moves (they grow with the square root of the step) are taken to stay alike.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime

from kerasforecast.metrics.probabilistic import crps

GRID = np.linspace(0, 1, 101)  # levels at which the distribution of errors is kept
RATE = 0.005  # how far one miss moves a level: gamma of Gibbs & Candes (2021), at their value

Basis = Literal["point", "quantiles", "mc_dropout"]
Level = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Errors = Annotated[tuple[float, ...], Field(min_length=len(GRID), max_length=len(GRID))]
StepErrors = Annotated[tuple[Errors, ...], Field(min_length=1, max_length=100)]


class Adapted(BaseModel):
    """Where adapting had come to, so that a loaded model goes on from there; part of the manifest.

    Attributes:
        at: Date (or integer step) of the origin at which the levels are in force: all before it has been counted.
        levels: By step and level of the intervals, `(S, K)`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    at: NaiveDatetime | Annotated[int, Field(ge=-(2**63), lt=2**63)]
    levels: tuple[Annotated[tuple[Share, ...], Field(max_length=100)], ...] = Field(min_length=1, max_length=1_000)

    def place(self, index: pd.Index) -> int | None:
        """The first row of `index` at or after `at`; `None` where there is none, or one has dates and the other not."""
        if isinstance(index, pd.DatetimeIndex) != isinstance(self.at, dt.datetime):
            return None
        found = int((index < self.at).sum())
        return found if found < len(index) else None


class Calibration(BaseModel):
    """What validation taught about a network's errors; part of the manifest.

    Attributes:
        levels: Levels of the intervals, K, ascending.
        basis: What the intervals start from: the point forecast, a quantile head, or dropout passes.
        horizon: Steps that the network forecasts at once; later ones are rolled.
        errors: For each step scored, for each level (or once for all, where the intervals start from the point),
            quantiles of the errors at the levels of `GRID`, in standard moves.
        beyond: The same around the point forecast of the last of these steps, for all later ones: a standard move
            already grows with the square root of the step.
        kept: Whether the correction of a quantile head is applied; if not, only its adaptation over time is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    levels: tuple[Level, ...] = Field(min_length=1, max_length=100)
    basis: Basis
    horizon: int = Field(ge=1, le=1_000)
    errors: tuple[StepErrors, ...] = Field(min_length=1, max_length=1_000)
    beyond: Errors
    kept: bool

    def intervals(self, base: np.ndarray, moves: np.ndarray, levels: np.ndarray | None = None) -> np.ndarray:
        """Calibrated quantiles of windows that stand alone.

        Args:
            base: `(N, S, K)` what the intervals start from, price units.
            moves: `(N, S)` one standard move, price units.
            levels: `(R, K)` as `adapted` leaves them; their last step serves all later ones. As learned, where `None`.

        Returns:
            `(N, S, K)`, price units, ascending over K.
        """
        wanted = np.broadcast_to(self.levels, base.shape[1:])
        if levels is not None:
            wanted = levels[np.minimum(np.arange(base.shape[1]), len(levels) - 1)]
        return self._ordered(base + moves[..., None] * _at(self._tables(base.shape[1]), wanted))

    def adapted(
        self,
        base: np.ndarray,
        moves: np.ndarray,
        actual: np.ndarray,
        start: np.ndarray | None = None,
        rate: float = RATE,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Calibrated quantiles of consecutive origins, each adapted to the outcomes known by then.

        Args:
            base: `(N, S, K)` as in `intervals`, row t the origin after row t - 1.
            moves: `(N, S)`.
            actual: `(N, S)` what happened, price units. Step h of origin t is looked at from origin t + h on.
            start: `(S, K)` levels in force at the first origin; as learned, where `None`.
            rate: How far one miss moves a level; 0 does not adapt.

        Returns:
            The quantiles `(N, S, K)`, price units, ascending over K, and the levels `(S, K)` in force at the origin
            that would come next.
        """
        tables = self._tables(base.shape[1])
        wanted = np.broadcast_to(self.levels, base.shape[1:])  # (S, K)
        used = np.array(wanted if start is None else start)
        indices, intervals = np.arange(base.shape[1]), np.empty(base.shape)
        for origin in range(len(base) + 1):
            known = origin - indices - 1  # the origin whose step h has just become known
            due = indices[known >= 0]
            below = actual[known[due], due][:, None] <= intervals[known[due], due]  # (D, K)
            used[due] = np.clip(used[due] + rate * (wanted[due] - below), 0, 1)
            if origin < len(base):
                intervals[origin] = self._ordered(base[origin] + moves[origin][:, None] * _at(tables, used))
        return intervals, used

    def _tables(self, steps: int) -> np.ndarray:
        """What to add at each level of `GRID`, `(S, K, G)` standard moves."""
        count = len(self.levels)
        tables = np.empty((steps, count, len(GRID)))
        for step in range(steps):
            errors = np.array(self.errors[step]) if step < len(self.errors) else np.array([self.beyond])
            if len(errors) == count > 1:
                if not self.kept:
                    errors = errors - _at(errors, np.array(self.levels))[:, None]
                errors[np.array(self.levels) == 0.5] = 0.0  # the median is the forecast itself
            tables[step] = errors
        return tables

    def _ordered(self, intervals: np.ndarray) -> np.ndarray:
        """Corrections differ by level: put each forecast's quantiles in order without moving its median."""
        if 0.5 not in self.levels:
            return np.sort(intervals, axis=-1)
        middle = self.levels.index(0.5)
        median = intervals[..., middle : middle + 1]
        low = np.minimum(np.sort(intervals[..., :middle], axis=-1), median)
        high = np.maximum(np.sort(intervals[..., middle + 1 :], axis=-1), median)
        return np.concatenate([low, median, high], axis=-1)


def calibrate(
    points: np.ndarray,
    base: np.ndarray,
    moves: np.ndarray,
    actual: np.ndarray,
    levels: tuple[float, ...],
    basis: Basis,
    horizon: int,
) -> Calibration:
    """Learn from the validation part.

    Args:
        points: `(N, S)` forecasts, price units, origins in time order.
        base: `(N, S, K)` what the intervals start from, price units.
        moves: `(N, S)` one standard move, price units.
        actual: `(N, S)` what happened, price units.
        levels: The K levels.
        basis: Where `base` comes from.
        horizon: Steps that the network forecasts at once.
    """
    errors = (actual[..., None] - base) / moves[..., None]  # (N, S, K)

    def learned(rows: slice, kept: bool) -> Calibration:
        steps = range(base.shape[1])
        tables = [_table(errors[rows, step, : 1 if basis == "point" or step >= horizon else None]) for step in steps]
        last = _table(((actual - points) / moves)[rows, -1:])[0]
        return Calibration(levels=levels, basis=basis, horizon=horizon, errors=tuple(tables), beyond=last, kept=kept)

    half = len(base) // 2
    later = slice(half + base.shape[1] - 1, None)  # targets of these do not reach into the first half
    if basis == "quantiles" and half and len(base[later]):
        corrected = learned(slice(0, half), kept=True).intervals(base[later], moves[later])
        within = slice(0, horizon)
        scores = [crps(actual[later, within], intervals[:, within], levels) for intervals in (corrected, base[later])]
        return learned(slice(None), kept=scores[0] < scores[1])
    # The point alone, or dropout's spread alone, leaves out the noise of what is forecast: always corrected.
    return learned(slice(None), kept=basis != "quantiles")


def _table(errors: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Quantiles of errors `(N, C)` at the levels of `GRID`, `(C, G)`.

    By Weibull's plotting positions, k / (n + 1): a new error lies below the k-th of n with just that probability.
    """
    return tuple(map(tuple, np.quantile(errors, GRID, axis=0, method="weibull").T.tolist()))


def _at(tables: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Tables `(..., G)` read at `levels` `(...)` in 0..1, linearly between the levels of `GRID`."""
    place = levels * (len(GRID) - 1)
    low = np.minimum(place.astype(int), len(GRID) - 2)[..., None]
    share = place[..., None] - low
    found = np.take_along_axis(tables, low, -1) * (1 - share) + np.take_along_axis(tables, low + 1, -1) * share
    return found[..., 0]

"""Conformal intervals: what a forecast missed by on validation, in units of volatility, tells how far it may miss.

Every error is measured in standard moves of its own window (`Volatility.standard_moves`), because volatility shifts
between the parts of a split and a fixed correction in price units would not carry over. A network without quantiles
gets split-conformal intervals around its point forecast (Papadopoulos et al. 2002; Lei et al. 2018). A quantile head is
corrected level by level (conformalised quantile regression, Romano, Patterson & Candes 2019) where that pays on a later
piece of validation which the correction has not seen; dropout passes always are. How the levels adapt over consecutive
origins stands in `kerasforecast.forecasting.adaptive`.

A quantile head's median is its point forecast, at every step: what is rolled forward, what is printed as the forecast,
and what stands at level 0.5. Steps beyond the network's horizon are rolled forward on its own forecasts; their
intervals are split-conformal around the rolled forecast, from errors of validation origins rolled in the same way as
far as `--steps`; beyond that, from the errors of its last step, which in standard moves (they grow with the square root
of the step) are taken to stay alike.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from kerasforecast.metrics.probabilistic import crps

GRID = np.linspace(0, 1, 101)  # levels at which the distribution of errors is kept

Basis = Literal["point", "quantiles", "mc_dropout"]
Level = Annotated[float, Field(gt=0, lt=1)]
Errors = Annotated[tuple[float, ...], Field(min_length=len(GRID), max_length=len(GRID))]
StepErrors = Annotated[tuple[Errors, ...], Field(min_length=1, max_length=100)]


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

    @model_validator(mode="after")
    def _errors_for_every_base(self) -> Calibration:
        if len(self.errors) < self.horizon:
            raise ValueError(f"a horizon of {self.horizon} needs errors of as many steps, not of {len(self.errors)}")
        for step, tables in enumerate(self.errors):
            wanted = len(self.levels) if self._by_level(step) else 1
            if len(tables) != wanted:
                raise ValueError(f"step {step + 1} needs errors of {wanted} levels, not of {len(tables)}")
        return self

    def intervals(self, base: np.ndarray, moves: np.ndarray, levels: np.ndarray | None = None) -> np.ndarray:
        """Calibrated quantiles of windows that stand alone.

        Args:
            base: `(N, S, K)` what the intervals start from, price units.
            moves: `(N, S)` one standard move, price units.
            levels: `(R, K)` as `kerasforecast.forecasting.adaptive.adapt` leaves them; their last step serves all later
                ones. As learned, where `None`.

        Returns:
            `(N, S, K)`, price units, ascending over K.
        """
        wanted = np.broadcast_to(self.levels, base.shape[1:])
        if levels is not None:
            wanted = levels[np.minimum(np.arange(base.shape[1]), len(levels) - 1)]
        return self.around(base, moves, self.tables(base.shape[1]), wanted)

    def around(self, base: np.ndarray, moves: np.ndarray, tables: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Quantiles `(..., S, K)` around `base` at the levels `wanted` `(S, K)` of what `tables` gives for S steps."""
        return self._ordered(base + moves[..., None] * _at(tables, wanted))

    def tables(self, steps: int) -> np.ndarray:
        """What to add at each level of `GRID`, `(S, K, G)` standard moves."""
        tables = np.empty((steps, len(self.levels), len(GRID)))
        for step in range(steps):
            errors = np.array(self.errors[step] if step < len(self.errors) else (self.beyond,))  # (K, G) or (1, G)
            if self._by_level(step) and not self.kept:
                errors = errors - _at(errors, np.array(self.levels))[:, None]
            tables[step] = errors
            if self._by_level(step) or self.basis == "quantiles":
                tables[step, np.array(self.levels) == 0.5] = 0.0  # the median is the forecast itself
        return tables

    def _by_level(self, step: int) -> bool:
        return _has_base_of_each_level(self.basis, self.horizon, step)

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
        each = [_has_base_of_each_level(basis, horizon, step) for step in steps]
        tables = [_table(errors[rows, step, : None if each[step] else 1]) for step in steps]
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


def _has_base_of_each_level(basis: Basis, horizon: int, step: int) -> bool:
    """Whether the intervals of a step start from a value for each level, and not all from the point forecast.

    Beyond the horizon there is only the rolled point.
    """
    return basis != "point" and step < horizon


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

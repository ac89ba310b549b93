"""Conformal intervals: what a forecast missed by on validation, in units of volatility, tells how far it may miss.

Every error is measured in standard moves of its own window (`Volatility.standard_moves`), because volatility shifts
between the parts of a split and a fixed correction in price units would not carry over. A network without quantiles
gets split-conformal intervals around its point forecast (Papadopoulos et al. 2002; Lei et al. 2018). A quantile head is
corrected level by level (conformalised quantile regression, Romano, Patterson & Candes 2019) where that pays on a later
piece of validation which the correction has not seen; dropout passes always are. How the levels adapt over consecutive
origins stands in `kerasforecast.forecasting.adaptive`.

With n errors the smallest one lies below a new one with probability 1 / (n + 1), so no level nearer to 0 or 1 than that
can be had from them: `supported` says which can. Where there are fewer validation windows than the levels ask for, or
few that do not overlap, the errors of all steps are taken together, in units that grow with the step as errors do, and
as many count as there are rows that were forecast.

A quantile head's median is its point forecast, at every step: what is rolled forward, what is printed as the forecast,
and what stands at level 0.5. Steps beyond the network's horizon are rolled forward on its own forecasts; their
intervals are split-conformal around the rolled forecast, from errors of validation origins rolled in the same way as
far as `--steps`; beyond that, from the errors of its last step, which in standard moves (they grow with the square root
of the step) are taken to stay alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.stats import norm
from scipy.stats import t as student_t

from kerasforecast.metrics.probabilistic import crps

FEW = 100  # validation windows, below which it is said how many there were
_ENOUGH_APART = 10  # windows that do not overlap, from which on each step has a distribution of its own
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
        windows: Validation windows that all this rests on; `None` in older files.
        pooled: Whether errors of all steps were taken together, because these are few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    levels: tuple[Level, ...] = Field(min_length=1, max_length=100)
    basis: Basis
    horizon: int = Field(ge=1, le=1_000)
    errors: tuple[StepErrors, ...] = Field(min_length=1, max_length=1_000)
    beyond: Errors
    kept: bool
    windows: int | None = Field(None, ge=1)
    pooled: bool = False

    @model_validator(mode="after")
    def _errors_for_every_base(self) -> Calibration:
        if len(self.errors) < self.horizon:
            raise ValueError(f"a horizon of {self.horizon} needs errors of as many steps, not of {len(self.errors)}")
        for step, tables in enumerate(self.errors):
            wanted = len(self.levels) if self._by_level(step) else 1
            if len(tables) != wanted:
                raise ValueError(f"step {step + 1} needs errors of {wanted} levels, not of {len(tables)}")
        return self

    @property
    def note(self) -> str | None:
        """What the intervals rest on, where that is little; `None` where it is enough not to be mentioned."""
        if self.windows is None or (self.windows >= FEW and not self.pooled):
            return None
        pooled = f", the errors of their {len(self.errors)} steps taken together" if self.pooled else ""
        windows = f"{self.windows} validation window{'s' if self.windows > 1 else ''}"
        if self.basis == "quantiles" and not self.kept:
            return f"Prediction intervals are the network's own, not corrected on the {windows}."
        return f"Prediction intervals rest on {windows}{' only' if self.windows < FEW else ''}{pooled}."

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
        levels: The K levels, as `supported` leaves them.
        basis: Where `base` comes from.
        horizon: Steps that the network forecasts at once.
    """
    errors = (actual[..., None] - base) / moves[..., None]  # (N, S, K)
    around = ((actual - points) / moves)[..., None]  # (N, S, 1)
    count, steps = base.shape[:2]
    few = count < max(map(errors_needed, levels))
    pooled = steps > 1 and (few or _apart(count, steps) < _ENOUGH_APART)

    def learned(rows: slice, kept: bool) -> Calibration:
        each = [_has_base_of_each_level(basis, horizon, step) for step in range(steps)]
        if pooled:
            by_level, last = _pooled(errors[rows]), _pooled(around[rows])[-1][0]
            tables = [table if own else table[:1] for table, own in zip(by_level, each, strict=True)]
        else:
            tables = [_table(errors[rows, step, : None if own else 1]) for step, own in enumerate(each)]
            last = _table(around[rows, -1])[0]
        return Calibration(
            levels=levels,
            basis=basis,
            horizon=horizon,
            errors=tuple(tables),
            beyond=last,
            kept=kept,
            windows=count,
            pooled=pooled,
        )

    half = count // 2
    later = slice(half + steps - 1, None)  # targets of these do not reach into the first half
    if basis == "quantiles" and not few and len(base[later]):
        corrected = learned(slice(0, half), kept=True).intervals(base[later], moves[later])
        within = slice(0, horizon)
        scores = [crps(actual[later, within], intervals[:, within], levels) for intervals in (corrected, base[later])]
        return learned(slice(None), kept=scores[0] < scores[1])
    # The point alone, or dropout's spread alone, leaves out the noise of what is forecast: always corrected.
    return learned(slice(None), kept=basis != "quantiles")


def errors_needed(level: float) -> int:
    """How many errors there must be for a quantile level to lie within them; the median needs one."""
    return max(1, math.ceil(1 / min(level, 1 - level) - 1 - 1e-9))


def supported(levels: Sequence[float], windows: int, steps: int) -> tuple[float, ...]:
    """Those of the `levels` that so many validation windows of so many steps can give."""
    return tuple(level for level in levels if errors_needed(level) <= windows + steps - 1)


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


def _pooled(errors: np.ndarray) -> list[tuple[tuple[float, ...], ...]]:
    """Tables `(C, G)` of each step from the errors `(N, S, C)` of all, by the power of the step that they grow with.

    Errors of overlapping windows are much the same errors, so their spread is known no better than from the windows
    that do not overlap: quantiles are put as much farther out as Student's t with so many degrees of freedom has them
    beyond the normal. (Simulated with twelve steps over random walks, autoregressions and seasons, intervals of 80 %
    cover 77 to 94 % after 5 windows and 79 to 85 % after 40, where quantiles of each step alone cover 40 to 66 % and 74
    to 81 %.)
    """
    count, steps, columns = errors.shape
    ahead = np.arange(1.0, steps + 1)
    sizes = np.sqrt(ahead) * np.abs(errors).mean(axis=(0, 2))  # (S,) in moves of one step
    there = sizes > 0
    power = float(np.polyfit(np.log(ahead[there]), np.log(sizes[there]), 1)[0]) if there.sum() > 1 else 0.5
    growth = ahead ** (np.clip(power, 0, 1) - 0.5)  # (S,) of errors in standard moves, which grow with the root
    alike = (errors / growth[:, None]).reshape(count * steps, columns)  # (N S, C)
    levels = np.clip(GRID, 1 / 1_000, 1 - 1 / 1_000)
    usual = np.where(levels == 0.5, 1.0, norm.ppf(levels))
    farther = np.where(levels == 0.5, 1.0, student_t.ppf(levels, _apart(count, steps)) / usual)  # (G,)
    middle = np.median(alike, axis=0)
    table = middle + (np.quantile(alike, GRID, axis=0, method="weibull") - middle) * farther[:, None]  # (G, C)
    return [tuple(map(tuple, (table.T * factor).tolist())) for factor in growth]


def _apart(windows: int, steps: int) -> float:
    """How many windows of `steps` rows fit beside one another into the rows that consecutive `windows` forecast."""
    return (windows + steps - 1) / steps


def _at(tables: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Tables `(..., G)` read at `levels` `(...)` in 0..1, linearly between the levels of `GRID`."""
    place = levels * (len(GRID) - 1)
    low = np.minimum(place.astype(int), len(GRID) - 2)[..., None]
    share = place[..., None] - low
    found = np.take_along_axis(tables, low, -1) * (1 - share) + np.take_along_axis(tables, low + 1, -1) * share
    return found[..., 0]

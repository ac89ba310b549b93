"""Conformal intervals: what a forecast missed by on validation, in units of volatility, tells how far it may miss.

Every error is measured in standard moves of its own window (`kerasforecast.forecasting.moves`), because volatility
shifts between the parts of a split and a fixed correction in price units would not carry over. A network without
quantiles gets split-conformal intervals around its point forecast (Papadopoulos et al. 2002; Lei et al. 2018). A
quantile head is corrected level by level (conformalised quantile regression, Romano, Patterson & Candes 2019) where
that pays on a later piece of validation which the correction has not seen; dropout passes always are. How the levels
adapt over consecutive origins stands in `kerasforecast.forecasting.adaptive`.

With n errors the smallest one lies below a new one with probability 1 / (n + 1), so no level nearer to 0 or 1 than that
can be had from them: `supported` says which can. Where there are fewer validation windows than the levels ask for, or
few that do not overlap, the errors of all steps are taken together, in units that grow with the step as errors do, and
as many count as there are rows that were forecast. Errors of several series are taken together too, each in the moves
of its own windows; `kerasforecast.forecasting.widths` tells which series are to have wider intervals than others.

A quantile head's median is its point forecast, at every step: what is rolled forward, what is printed as the forecast,
and what stands at level 0.5. Steps beyond the network's horizon are rolled forward on its own forecasts; their
intervals are split-conformal around the rolled forecast, from errors of validation origins rolled in the same way as
far as `--steps`; beyond that, from the errors of its last step, which in standard moves (they grow with the square root
of the step) are taken to stay alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from kerasforecast.forecasting.distribution import GRID, pooled_tables, read_at, table
from kerasforecast.forecasting.pace import Pace
from kerasforecast.forecasting.timeline import Timeline
from kerasforecast.forecasting.widths import Widths, learned_widths
from kerasforecast.metrics.probabilistic import crps
from kerasforecast.preprocessing.bound import bounded

FEW = 100  # validation windows, below which it is said how many there were
_ENOUGH_APART = 10  # windows that do not overlap, from which on each step has a distribution of its own

_CLEARLY = 0.99  # of the CRPS of quantiles of paths, below which a correction pays: they begin at what history says

Basis = Literal["point", "quantiles", "mc_dropout", "paths"]
_ABSENT = ("widths", "pace", "growth", "tested")  # from a file, where there is nothing to say of them
_OWN: tuple[Basis, ...] = ("quantiles", "paths")  # a distribution of the network's own, which may need no correction
Level = Annotated[float, Field(gt=0, lt=1)]
Errors = Annotated[tuple[float, ...], Field(min_length=len(GRID), max_length=len(GRID))]
StepErrors = Annotated[tuple[Errors, ...], Field(min_length=1, max_length=100)]


class Calibration(BaseModel):
    """What validation taught about a network's errors; part of the manifest.

    Attributes:
        levels: Levels of the intervals, K, ascending.
        basis: What the intervals start from: the point forecast, a quantile head, dropout passes, or drawn paths.
        horizon: Steps that the network forecasts at once; later ones are rolled.
        errors: For each step scored, for each level (or once for all, where the intervals start from the point),
            quantiles of the errors at the levels of `GRID`, in standard moves.
        beyond: The same around the point forecast of the last of these steps, for all later ones: a standard move
            already grows with the square root of the step.
        kept: Whether the correction of a quantile head is applied; if not, only its adaptation over time is.
        windows: Validation windows that all this rests on; `None` in older files.
        pooled: Whether errors of all steps were taken together, because these are few.
        widths: How wide the intervals of each of several series are; `None` of a lone one.
        pace: How far errors keep pace with volatility; `None` where one standard move is all that it was.
        growth: The power of the forecast that errors grow with, where moves are differences; 0 for not at all.
        lowest: What no quantile lies below; `None` without such a bound.
        tested: Whether errors of the test part are among them: of what was trained once more, on all rows, after it.
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
    widths: Widths | None = None
    pace: Pace | None = None
    growth: float = Field(0.0, ge=0, le=1)
    lowest: float | None = None
    tested: bool = False

    @model_serializer(mode="wrap")
    def _without_what_others_have(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        absent = {name for name in _ABSENT if not fields[name]} | ({"lowest"} if self.lowest is None else set())
        return {name: value for name, value in fields.items() if name not in absent}

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
        if self.windows is None or (self.windows >= FEW and not self.pooled and self.widths is None):
            return None
        pooled = f", the errors of their {len(self.errors)} steps taken together" if self.pooled else ""
        kind = "validation and test" if self.tested else "validation"
        windows = f"{self.windows:,} {kind} window{'s' if self.windows > 1 else ''}"
        if self.widths:
            windows += f" of {self.widths.series:,} series together"
        if self.basis in _OWN and not self.kept:
            return f"Prediction intervals are the network's own, not corrected on the {windows}."
        own = f"; {len(self.widths.own):,} series have a width of their own" if self.widths and self.widths.own else ""
        return f"Prediction intervals rest on {windows}{' only' if self.windows < FEW else ''}{pooled}{own}."

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
        return bounded(self.around(base, moves, self.tables(base.shape[1]), wanted), self.lowest)

    def around(self, base: np.ndarray, moves: np.ndarray, tables: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Quantiles `(..., S, K)` around `base` at the levels `wanted` `(S, K)` of what `tables` gives for S steps."""
        return self._ordered(base + moves[..., None] * read_at(tables, wanted))

    def tables(self, steps: int) -> np.ndarray:
        """What to add at each level of `GRID`, `(S, K, G)` standard moves."""
        tables = np.empty((steps, len(self.levels), len(GRID)))
        for step in range(steps):
            errors = np.array(self.errors[step] if step < len(self.errors) else (self.beyond,))  # (K, G) or (1, G)
            if self._by_level(step) and not self.kept:
                errors = errors - read_at(errors, np.array(self.levels))[:, None]
            tables[step] = errors
            if self._by_level(step) or self.basis in _OWN:
                tables[step, np.array(self.levels) == 0.5] = 0.0  # the median is the forecast itself
        return tables

    def _by_level(self, step: int) -> bool:
        return _has_base_of_each_level(self.basis, self.horizon, step)

    def _ordered(self, intervals: np.ndarray) -> np.ndarray:
        """Corrections differ by level: put each forecast's quantiles in order without moving its median."""
        if (intervals[..., 1:] >= intervals[..., :-1]).all():  # as most are
            return intervals
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
    timeline: Timeline | None = None,
    ids: np.ndarray | None = None,
    lowest: float | None = None,
) -> Calibration:
    """Learn from the validation part.

    Args:
        points: `(N, S)` forecasts, price units.
        base: `(N, S, K)` what the intervals start from, price units.
        moves: `(N, S)` one standard move, price units.
        actual: `(N, S)` what happened, price units.
        levels: The K levels, as `supported` leaves them.
        basis: Where `base` comes from.
        horizon: Steps that the network forecasts at once.
        timeline: When the forecasts are made and known; those of one series in turn, where not given.
        ids: `(M,)` of the series that the timeline numbers, where there are several.
        lowest: What no forecast lies below, if anything.
    """
    count, steps = base.shape[:2]
    timeline = timeline or Timeline.of_one(count, steps)
    widths = None if ids is None else learned_widths((actual - points) / moves, timeline, ids)
    if widths and basis != "point":  # what starts from a spread of its own has the width of its series already
        widths = Widths(series=widths.series)
    if widths and ids is not None:
        moves = moves * widths.of(ids)[timeline.places][:, None]
    past = _Past(
        errors=(actual[..., None] - base) / moves[..., None],
        around=((actual - points) / moves)[..., None],
        timeline=timeline,
        levels=levels,
        basis=basis,
        horizon=horizon,
        widths=widths,
        lowest=lowest,
    )
    earlier, later = timeline.halves()
    if basis in _OWN and not past.few and earlier.any() and later.any():
        corrected = past.learned(earlier, kept=True).intervals(base[later], moves[later])
        unit = moves[later, :1] if widths else np.ones((1, 1))  # so that no series counts for more than another
        scores = [
            crps(actual[later, :horizon] / unit, intervals[:, :horizon] / unit[..., None], levels)
            for intervals in (corrected, base[later])
        ]
        clearly = _CLEARLY if basis == "paths" else 1.0
        return past.learned(slice(None), kept=scores[0] < clearly * scores[1])
    # The point alone, or dropout's spread alone, leaves out the noise of what is forecast: always corrected.
    return past.learned(slice(None), kept=basis not in _OWN)


@dataclass(frozen=True, eq=False)
class _Past:
    """Errors on validation, in standard moves: `(N, S, K)` of each level's base, `(N, S, 1)` around the forecast."""

    errors: np.ndarray
    around: np.ndarray
    timeline: Timeline
    levels: tuple[float, ...]
    basis: Basis
    horizon: int
    widths: Widths | None
    lowest: float | None

    @property
    def few(self) -> bool:
        """Whether there are fewer windows than the levels ask for."""
        return len(self.errors) < max(map(errors_needed, self.levels))

    @property
    def pooled(self) -> bool:
        """Whether there are too few for a distribution of each step."""
        return self.errors.shape[1] > 1 and (self.few or self.timeline.apart().sum() < _ENOUGH_APART)

    def learned(self, rows: slice | np.ndarray, kept: bool) -> Calibration:
        """What the windows of these rows teach."""
        errors, around = self.errors[rows], self.around[rows]
        each = [_has_base_of_each_level(self.basis, self.horizon, step) for step in range(errors.shape[1])]
        if self.pooled:
            apart = float(self.timeline.at(rows).apart().sum())
            alone = pooled_tables(around, apart, mirrored=True)
            by_level = pooled_tables(errors, apart) if any(each) else alone
            tables = [own if has else point for own, point, has in zip(by_level, alone, each, strict=True)]
            last = alone[-1][0]
        else:
            tables = [table(errors[:, step, : None if own else 1]) for step, own in enumerate(each)]
            last = table(around[:, -1])[0]
        return Calibration(
            levels=self.levels,
            basis=self.basis,
            horizon=self.horizon,
            errors=tuple(tables),
            beyond=last,
            kept=kept,
            windows=len(self.errors),
            pooled=self.pooled,
            widths=self.widths,
            lowest=self.lowest,
        )


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

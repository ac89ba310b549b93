"""Conformal bands: what a forecast missed by on the validation part, in units of volatility, tells how far it may miss.

Every error is measured in standard moves of its own window (`Volatility.units`), because volatility shifts between the
parts of a split and a fixed correction in price units would not carry over. A network without quantiles gets
split-conformal bands around its point forecast (Papadopoulos et al. 2002; Lei et al. 2018). A quantile head, or the
spread of dropout passes, is corrected level by level (conformalised quantile regression, Romano, Patterson & Candes
2019), if that pays on a later piece of validation which the correction has not seen. Over consecutive origins the
levels adapt (adaptive conformal inference, Gibbs & Candes 2021) to outcomes known at each origin, never to later ones.

Steps beyond the network's horizon are rolled forward on its own forecasts; their bands are split-conformal around the
rolled forecast, from errors of validation origins rolled in the same way.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kerasforecast.metrics import crps

GRID = np.linspace(0, 1, 101)  # levels at which the distribution of errors is kept
RATE = 0.02  # how far one miss moves a level, gamma in Gibbs & Candes (2021)

Source = Literal["point", "quantiles", "mc_dropout"]
Level = Annotated[float, Field(gt=0, lt=1)]
Errors = Annotated[tuple[float, ...], Field(min_length=len(GRID), max_length=len(GRID))]
StepErrors = Annotated[tuple[Errors, ...], Field(min_length=1, max_length=100)]


class Calibration(BaseModel):
    """What validation taught about a network's errors; part of the manifest.

    Attributes:
        levels: Levels of the bands, K, ascending.
        source: What the bands start from: the point forecast, a quantile head, or dropout passes.
        horizon: Steps that the network forecasts at once; later ones are rolled.
        errors: For each step, for each level (or once for all, where the bands start from the point), quantiles of
            the errors at the levels of `GRID`, in standard moves.
        kept: Whether the correction of a quantile head is applied; if not, only its adaptation over time is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    levels: tuple[Level, ...] = Field(min_length=1, max_length=100)
    source: Source
    horizon: int = Field(ge=1, le=1_000)
    errors: tuple[StepErrors, ...] = Field(min_length=1, max_length=1_000)
    kept: bool

    @property
    def steps(self) -> int:
        """Steps ahead whose errors were measured; for later ones those of the last serve, growing with sqrt(h)."""
        return len(self.errors)

    def bands(self, base: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Calibrated quantiles of windows that stand alone.

        Args:
            base: `(N, S, K)` what the bands start from, price units.
            units: `(N, S)` one standard move, price units.

        Returns:
            `(N, S, K)`, price units, ascending over K.
        """
        levels = np.broadcast_to(self.levels, base.shape[1:])
        return self._ordered(base + units[..., None] * self._shift(levels))

    def adaptive_bands(self, base: np.ndarray, units: np.ndarray, actual: np.ndarray, rate: float = RATE) -> np.ndarray:
        """Calibrated quantiles of consecutive origins, each adapted to the outcomes known by then.

        Args:
            base: `(N, S, K)` as in `bands`, row t the origin after row t - 1.
            units: `(N, S)`.
            actual: `(N, S)` what happened, price units. Step h of origin t is looked at from origin t + h on.
            rate: How far one miss moves a level; 0 does not adapt.

        Returns:
            `(N, S, K)`, price units, ascending over K.
        """
        count, steps, _ = base.shape
        wanted = np.broadcast_to(self.levels, base.shape[1:])  # (S, K)
        used = wanted.copy()
        places = np.arange(steps)
        bands = np.empty(base.shape)
        for origin in range(count):
            known = origin - places - 1  # the origin whose step h has just become known
            due = places[known >= 0]
            below = actual[known[due], due][:, None] <= bands[known[due], due]  # (D, K)
            used[due] = np.clip(used[due] + rate * (wanted[due] - below), 0, 1)
            bands[origin] = self._ordered(base[origin] + units[origin][:, None] * self._shift(used))
        return bands

    def _shift(self, used: np.ndarray) -> np.ndarray:
        """`(S, K)` standard moves to add at the levels `used` `(S, K)`."""
        shift = np.empty(used.shape)
        for step, row in enumerate(used):
            tables = self.errors[min(step, self.steps - 1)]
            for k, level in enumerate(row):
                table = tables[min(k, len(tables) - 1)]
                shift[step, k] = np.interp(level, GRID, table)
                if len(tables) > 1:
                    if self.levels[k] == 0.5:
                        shift[step, k] = 0.0  # the median is the forecast itself
                    elif not self.kept:
                        shift[step, k] -= np.interp(self.levels[k], GRID, table)
        return shift

    def _ordered(self, bands: np.ndarray) -> np.ndarray:
        """Corrections differ by level: put each forecast's quantiles in order without moving its median."""
        if 0.5 not in self.levels:
            return np.sort(bands, axis=-1)
        middle = self.levels.index(0.5)
        median = bands[..., middle : middle + 1]
        low = np.minimum(np.sort(bands[..., :middle], axis=-1), median)
        high = np.maximum(np.sort(bands[..., middle + 1 :], axis=-1), median)
        return np.concatenate([low, median, high], axis=-1)


def calibrate(
    base: np.ndarray, units: np.ndarray, actual: np.ndarray, levels: tuple[float, ...], source: Source, horizon: int
) -> Calibration:
    """Learn from the validation part.

    Args:
        base: `(N, S, K)` what the bands start from, price units, origins in time order.
        units: `(N, S)` one standard move, price units.
        actual: `(N, S)` what happened, price units.
        levels: The K levels.
        source: Where `base` comes from.
        horizon: Steps that the network forecasts at once.
    """
    kept = source == "point" or _pays(base, units, actual, levels, source, horizon)
    return _learned(base, units, actual, levels, source, horizon, kept)


def _learned(
    base: np.ndarray,
    units: np.ndarray,
    actual: np.ndarray,
    levels: tuple[float, ...],
    source: Source,
    horizon: int,
    kept: bool,
) -> Calibration:
    scores = (actual[..., None] - base) / units[..., None]  # (N, S, K)
    tables = []
    for step in range(scores.shape[1]):
        alike = source == "point" or step >= horizon
        columns = scores[:, step, :1] if alike else scores[:, step]
        # Weibull's plotting positions, k / (n + 1): a new error lies below the k-th of n with just that probability.
        table = np.quantile(columns, GRID, axis=0, method="weibull").T
        tables.append(tuple(tuple(row) for row in table.tolist()))
    return Calibration(levels=levels, source=source, horizon=horizon, errors=tuple(tables), kept=kept)


def _pays(
    base: np.ndarray, units: np.ndarray, actual: np.ndarray, levels: tuple[float, ...], source: Source, horizon: int
) -> bool:
    """Whether a correction learned on the first half of validation lowers the CRPS of the second half."""
    half, steps = len(base) // 2, slice(0, horizon)
    later = slice(half + base.shape[1] - 1, None)  # targets of these do not reach into the first half
    if half < 1 or not len(base[later]):
        return source == "mc_dropout"  # passes alone leave out the noise of what they forecast
    first = _learned(base[:half], units[:half], actual[:half], levels, source, horizon, kept=True)
    corrected = first.bands(base[later], units[later])[:, steps]
    return crps(actual[later, steps], corrected, levels) < crps(actual[later, steps], base[later][:, steps], levels)

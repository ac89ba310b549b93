"""What the network sees instead of raw prices, and the way back.

Each formula is written once, over an array namespace `xp` that is NumPy here and `keras.ops` inside the saved network,
so that training targets, saved graph and tests cannot drift apart.

`anchor` (the default) expresses a window relative to itself. With `r_t = log(p_t / p_{t-1})` and `s` the window's own
exponentially weighted volatility (RiskMetrics, J.P. Morgan 1996, lambda 0.94, weights normalised over the window), the
input is `r_t / s` and the target of step h is `log(p_{t+h} / p_t) / (s sqrt(h))`: a random walk has unit variance at
every step. Where values are not positive, plain differences take the place of log-ratios.

A feature that stays about as high as an earlier column, as the day's high does beside its close, says more by its
distance from that column than by its own changes: it enters as `log(f_t / reference_t) / s`.

Logs need positive values. Prices and the target have to be; of any other feature that logs are taken of a value that is
not positive counts as the column's floor, a tenth of its least positive training value: a day without trades, or a
temperature below zero after a warm training part, blocks no forecast.
"""

from __future__ import annotations

from types import ModuleType
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator
from pydantic import SerializerFunctionWrapHandler as Handler

from kerasforecast.preprocessing.level import Level
from kerasforecast.preprocessing.volatility import VOLATILITY_FLOOR, ewma_volatility
from kerasforecast.sections.network import Scaling

FLOAT32_SMALLEST, FLOAT32_LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
_LOGGED = ("log", "ratio")  # transforms that need positive values
_LEAST = 1e-20  # positive values below this, which nothing measured has, count in part as the floor

Transform = Literal["log", "difference", "ratio", "level", "linear"]


class FittedScaling(BaseModel):
    """A scaling with everything it learned from the training rows; part of the manifest.

    Attributes:
        kind: The option that was asked for.
        transforms: Per column: `"log"` or `"difference"` (relative to the window), `"ratio"` (relative to the column
            in `reference`), `"level"`, or `"linear"`.
        offset: Per column, for `"linear"`: subtracted first, in the column's unit.
        scale: Per column: what one scaled unit is. For relative columns the training volatility of `r_t`; of several
            series, that of the middle one.
        reference: Per column, for `"ratio"`: the place of the column it is compared with, an earlier one. May be empty.
        floor: Per column: what a value that is not positive counts as, where logs are taken of a feature; 0 for none.
            Empty where no column has one.
        volatility_channel: Whether a lone relative column, too, brings a channel that says how high volatility is.
        least: Per column: the least volatility of a window, where it was learned from several series: a share of that
            of the quieter ones. Empty where it is that share of `scale`.
        level: How windows are normalised, where every column is `"level"`.
        lowest: What no forecast lies below, raw; `None` where there is no such bound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Scaling
    transforms: tuple[Transform, ...] = Field(min_length=1, max_length=1_000)
    offset: tuple[Annotated[float, Field(ge=-FLOAT32_LARGEST, le=FLOAT32_LARGEST)], ...]
    scale: tuple[Annotated[float, Field(ge=FLOAT32_SMALLEST, le=FLOAT32_LARGEST)], ...]  # so that 1 / scale is finite
    reference: tuple[Annotated[int, Field(ge=0, le=999)], ...] = Field((), max_length=1_000)
    floor: tuple[Annotated[float, Field(ge=0, le=FLOAT32_LARGEST)], ...] = Field((), max_length=1_000)
    volatility_channel: bool = False
    least: tuple[Annotated[float, Field(ge=FLOAT32_SMALLEST, le=FLOAT32_LARGEST)], ...] = Field((), max_length=1_000)
    level: Level | None = None
    lowest: float | None = Field(None, ge=-FLOAT32_LARGEST, le=FLOAT32_LARGEST)

    @model_validator(mode="after")
    def _level_of_all(self) -> FittedScaling:
        levels = {transform == "level" for transform in self.transforms}
        if levels != {self.level is not None} or (self.level and len(self.level.floors) != len(self.transforms)):
            raise ValueError("a scaling by level must be one of all its columns")
        return self

    @model_serializer(mode="wrap")
    def _without_what_others_have(self, handler: Handler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        absent = {name for name in ("least", "level") if not fields[name]} | (
            {"lowest"} if self.lowest is None else set()
        )
        return {name: value for name, value in fields.items() if name not in absent}

    @property
    def per_window(self) -> bool:
        """Whether windows are expressed by their changes (`anchor`, `difference`)."""
        return self.transforms[0] not in ("linear", "level")

    @property
    def logged(self) -> tuple[int, ...]:
        """Places of the columns that logs are taken of and that have no floor, which must hold positive values."""
        if self.level:
            return (0,) if self.level.transform == "log" else ()
        return tuple(
            place
            for place, transform in enumerate(self.transforms)
            if transform in _LOGGED and not (self.floor and self.floor[place])
        )

    @property
    def channels(self) -> int:
        """Channels the network sees: the columns, and how high volatility is where `shows_volatility`."""
        return len(self.transforms) + self.shows_volatility

    @property
    def shows_volatility(self) -> bool:
        """Whether a channel says how high volatility is: several relative columns bring it, or it is asked for."""
        return self.per_window and (self.volatility_channel or len(self.transforms) > 1)

    def inputs(self, windows: Any, xp: ModuleType | Any = np) -> Any:
        """Raw windows `(B, L, F)` to network inputs `(B, L, C)`, scaled."""
        if self.level:
            return self.level.inputs(windows, xp)
        if not self.per_window:
            return (windows - _row(self.offset)) * _row(1 / np.asarray(self.scale))
        changes = self._changes(windows, xp)  # (B, L, F)
        spread = self._spread(changes, xp)  # (B, 1, F)
        scaled = changes / spread
        if not self.shows_volatility:
            return scaled
        height = xp.log(spread[:, :, :1] / np.float32(self.scale[0]))  # (B, 1, 1)
        return xp.concatenate([scaled, height + xp.zeros_like(changes[:, :, :1])], axis=-1)

    def restore(self, windows: Any, scaled: Any, xp: ModuleType | Any = np) -> Any:
        """Scaled network outputs `(B, H)` or `(B, H, K)` to raw forecasts of the target, of the same shape."""
        raw = self.unbounded(windows, scaled, xp)
        return raw if self.lowest is None else xp.maximum(raw, np.float32(self.lowest))

    def unbounded(self, windows: Any, scaled: Any, xp: ModuleType | Any = np) -> Any:
        """The same where nothing keeps them from lying below `lowest`: what a scaled unit is shows here."""
        if self.level:
            return self.level.restore(windows, scaled, xp)
        if not self.per_window:
            return scaled * np.float32(self.scale[0]) + np.float32(self.offset[0])
        last, unit = windows[:, -1, :1], self._unit(windows, scaled.shape[1], xp)  # (B, 1), (B, H)
        if len(scaled.shape) == 3:
            last, unit = last[:, :, None], unit[:, :, None]
        move = scaled * unit
        # expm1, since exp would round the move to the precision of 1 + move before it meets the price
        return last + (last * xp.expm1(move) if self.transforms[0] == "log" else move)

    def scaled_targets(self, windows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """What the network should answer: raw targets `(B, H)` of raw windows `(B, L, F)`, scaled, `(B, H)` float32."""
        if self.level:
            return self.level.scaled_targets(windows, targets)
        if not self.per_window:
            scaled = (targets - self.offset[0]) / self.scale[0]
        else:
            last = windows[:, -1, :1]
            move = _log_ratio(targets, last, np) if self.transforms[0] == "log" else targets - last
            scaled = move / self._unit(windows, targets.shape[-1], np)
        return scaled.astype(np.float32)

    def _changes(self, windows: Any, xp: Any) -> Any:
        """`(B, L, F)` changes from row to row; the first row has none, hence 0."""
        if self.floor:
            windows = self._filled(windows, xp)
        now, before = windows[:, 1:], windows[:, :-1]  # (B, L-1, F)
        kinds = set(self.transforms)
        if kinds == {"log"}:
            changes = _log_ratio(now, before, xp)
        elif kinds == {"difference"}:
            changes = now - before
        else:
            columns = [self._column_change(now, before, place, xp) for place in range(len(self.transforms))]
            changes = xp.concatenate(columns, axis=-1)
        return xp.pad(changes, ((0, 0), (1, 0), (0, 0)))

    def _filled(self, windows: Any, xp: Any) -> Any:
        """`(B, L, F)` windows with the floor for what is not positive; what is positive stays, bit for bit."""
        empty = xp.maximum(1.0 - xp.maximum(windows, 0.0) * np.float32(1 / _LEAST), 0.0)  # 1 where not positive, else 0
        lowest = _row([0.0 if floor else -FLOAT32_LARGEST for floor in self.floor])  # of a column without a floor
        return xp.maximum(windows, empty * _row(self.floor) + lowest)

    def _column_change(self, now: Any, before: Any, place: int, xp: Any) -> Any:
        """`(B, L-1, 1)` of one column among columns of different transforms."""
        column = now[..., place : place + 1]
        if self.transforms[place] == "difference":
            return column - before[..., place : place + 1]
        if self.transforms[place] == "log":
            return _log_ratio(column, before[..., place : place + 1], xp)
        reference = self.reference[place]
        return _log_ratio(column, now[..., reference : reference + 1], xp)

    def _spread(self, changes: Any, xp: Any) -> Any:
        """`(B, 1, F)` exponentially weighted volatility of each window's own changes, floored."""
        spread = ewma_volatility(changes, _row(self.least or VOLATILITY_FLOOR * np.asarray(self.scale)), xp)
        if "ratio" not in self.transforms:
            return spread
        own = [0 if transform == "ratio" else place for place, transform in enumerate(self.transforms)]
        return xp.concatenate([spread[:, :, place : place + 1] for place in own], axis=-1)

    def _unit(self, windows: Any, horizon: int, xp: Any) -> Any:
        """`(B, H)` one scaled unit of the target at each step, in units of `r`."""
        spread = self._spread(self._changes(windows, xp), xp)[:, 0, :1]  # (B, 1)
        return spread * np.sqrt(np.arange(1, horizon + 1, dtype=np.float32))[None, :]


def _log_ratio(now: Any, before: Any, xp: Any) -> Any:
    """`log(now / before)` at full float32 precision: a difference of close numbers is exact, their ratio is not."""
    return xp.log1p((now - before) / before)


def _row(numbers: Any) -> np.ndarray:
    return np.asarray(numbers, dtype=np.float32)[None, None, :]

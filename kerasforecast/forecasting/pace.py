"""How far the errors of a network keep pace with the volatility of its windows.

A random walk errs by what it moves: twice the volatility, twice the error. Where the rows of a series are noise around
a level or a season, most of what a window moves by is that noise, and a forecast of many steps errs by much that has
nothing to do with it: one standard move is then that of usual windows, times a power of how much more this one moves.
The power is the slope of the log of errors on the log of volatility over training windows. Chance alone spreads the
volatility of a few rows, and errors follow none of that, so as much of the slope as chance explains is given back; and
it is drawn towards 1 where windows are few: a series whose noise has never changed tells nothing of the day it does.
Of several series there is no power: between them errors do keep pace.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kerasforecast.preprocessing.volatility import EWMA_LAMBDA

_DRAWN = 10  # windows that do not overlap, as which a power of 1 counts
_CHANCE = (1 - EWMA_LAMBDA) / (1 + EWMA_LAMBDA) / 2  # variance of the log of a volatility that stays the same


class Pace(BaseModel):
    """What training taught about it; part of the manifest.

    Attributes:
        power: Of volatility, that errors grow with; 1 where they keep pace, 0 where they have nothing to do with it.
        usual: The geometric mean of the volatility of training windows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    power: Annotated[float, Field(ge=0, le=1)]
    usual: Annotated[float, Field(gt=0)]

    def kept(self, volatility: np.ndarray) -> np.ndarray:
        """What standard moves of windows of this `volatility` `(N,)` are to be multiplied by, `(N, 1)`."""
        found: np.ndarray = (self.usual / volatility) ** (1 - self.power)
        return found[:, None]


def learned_pace(errors: np.ndarray, volatility: np.ndarray, apart: float) -> Pace:
    """Learn from training windows.

    Args:
        errors: `(N, S)` of forecasts, in moves: logs or price units, as `volatility` is.
        volatility: `(N,)` of the windows, above 0.
        apart: How many of them do not overlap.
    """
    logs, sizes = np.log(volatility), np.abs(errors).mean(axis=1)
    there = sizes > 0
    spread = float(logs[there].var()) if there.any() else 0.0
    power = 1.0
    if spread > _CHANCE:
        away = logs[there] - logs[there].mean()
        slope = float(np.mean(away * np.log(sizes[there])) / spread)
        power = float(np.clip(slope + _CHANCE / spread, 0, 1))  # what chance alone spreads volatility by says nothing
    power = (apart * power + _DRAWN) / (apart + _DRAWN)
    return Pace(power=round(power, 6), usual=float(np.exp(logs.mean())))

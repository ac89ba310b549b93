"""Intervals that learn as time goes on: their levels adapt to what has become known, origin after origin.

Adaptive conformal inference (Gibbs & Candes 2021): a miss widens a little, a hit narrows a little. At each origin only
outcomes known by then count, never later ones. Where that had come to at the end of the test part is kept with the
model, and goes on with the rows that follow.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime

from kerasforecast.forecasting.conformal import Calibration
from kerasforecast.preprocessing.windows import Windows

RATE = 0.005  # how far one miss moves a level: gamma of Gibbs & Candes (2021), at their value

Share = Annotated[float, Field(ge=0, le=1)]


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


def adapt(
    calibration: Calibration,
    base: np.ndarray,
    moves: np.ndarray,
    actual: np.ndarray,
    start: np.ndarray | None = None,
    rate: float = RATE,
) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated quantiles of consecutive origins, each adapted to the outcomes known by then.

    Args:
        calibration: What validation taught.
        base: `(N, S, K)` as in `Calibration.intervals`, row t the origin after row t - 1.
        moves: `(N, S)` one standard move, price units.
        actual: `(N, S)` what happened, price units. Step h of origin t is looked at from origin t + h on.
        start: `(S, K)` levels in force at the first origin; as learned, where `None`.
        rate: How far one miss moves a level; 0 does not adapt.

    Returns:
        The quantiles `(N, S, K)`, price units, ascending over K, and the levels `(S, K)` in force at the origin that
        would come next.
    """
    tables = calibration.tables(base.shape[1])
    wanted = np.broadcast_to(calibration.levels, base.shape[1:])  # (S, K)
    used = np.array(wanted if start is None else start)
    indices, intervals = np.arange(base.shape[1]), np.empty(base.shape)
    for origin in range(len(base) + 1):
        known = origin - indices - 1  # the origin whose step h has just become known
        due = indices[known >= 0]
        below = actual[known[due], due][:, None] <= intervals[known[due], due]  # (D, K)
        used[due] = np.clip(used[due] + rate * (wanted[due] - below), 0, 1)
        if origin < len(base):
            intervals[origin] = calibration.around(base[origin], moves[origin], tables, used)
    return intervals, used


def adapted_after(windows: Windows, levels: np.ndarray | None) -> Adapted | None:
    """The `levels` `(S, K)` in force after consecutive `windows`, to be kept; `None` where there are none."""
    if levels is None:
        return None
    series = windows.panel.single("adapted intervals")
    stamp = series.index[windows.origins[-1] + 1]  # of the origin that comes next
    at = stamp.to_pydatetime() if series.dated else int(stamp)
    return Adapted(at=at, levels=tuple(map(tuple, levels.tolist())))

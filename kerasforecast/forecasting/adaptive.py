"""Intervals that learn as time goes on: their levels adapt to what has become known, date after date.

Adaptive conformal inference (Gibbs & Candes 2021): a miss widens a little, a hit narrows a little. At each origin only
outcomes known by then count, never later ones. Where that had come to at the end of the test part is kept with the
model, and goes on with the rows that follow.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime

from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.conformal import Calibration
from kerasforecast.forecasting.timeline import NEVER, Timeline
from kerasforecast.preprocessing.bound import bounded
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

    def first_rows(self, panel: Panel) -> np.ndarray | None:
        """`(N,)` the first row of each series at or after `at`, or one past its last.

        `None` where no series has such a row, or one has dates and the other not.
        """
        if panel.dated != isinstance(self.at, dt.datetime):
            return None
        at = np.datetime64(self.at) if isinstance(self.at, dt.datetime) else self.at
        before = np.concatenate([[0], np.cumsum(panel.index.to_numpy() < at)])
        rows = panel.starts[:-1] + before[panel.ends] - before[panel.starts[:-1]]
        return rows if (rows < panel.ends).any() else None


def adapt(
    calibration: Calibration,
    base: np.ndarray,
    moves: np.ndarray,
    actual: np.ndarray,
    start: np.ndarray | None = None,
    rate: float = RATE,
    timeline: Timeline | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated quantiles of origins in time, each adapted to the outcomes known by then.

    Several series share their levels, which move by the mean miss over the outcomes that became known at a date.

    Args:
        calibration: What validation taught.
        base: `(N, S, K)` as in `Calibration.intervals`.
        moves: `(N, S)` one standard move, price units.
        actual: `(N, S)` what happened, price units.
        start: `(S, K)` levels in force at the first origin; as learned, where `None`.
        rate: How far one miss moves a level; 0 does not adapt.
        timeline: When forecasts are made and outcomes known; where not given, row t is the origin after row t - 1.

    Returns:
        The quantiles `(N, S, K)`, price units, ascending over K, and the levels `(S, K)` in force at the origin that
        would come next.
    """
    count, steps, _ = base.shape
    timeline = timeline or Timeline.of_one(count, steps)
    tables = calibration.tables(steps)
    wanted = np.broadcast_to(calibration.levels, base.shape[1:])  # (S, K)
    used, levels = np.array(wanted if start is None else start), np.array(calibration.levels)
    intervals = np.empty(base.shape)
    for made, windows, ahead in _dates(timeline):
        if len(windows):
            found = actual[windows, ahead], intervals[windows, ahead]  # (P,), (P, K), the steps ascending
            below = _below(*found, levels, calibration.lowest)
            due, share = (ahead, below) if len(ahead) == 1 else _shares(below, ahead)
            used[due] = np.minimum(np.maximum(used[due] + rate * (wanted[due] - share), 0), 1)
        if len(made):
            intervals[made] = calibration.around(base[made], moves[made], tables, used)
    return bounded(intervals, calibration.lowest), used


def _below(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray, lowest: float | None) -> np.ndarray:
    """Whether outcomes `(P,)` lie at or below their quantiles `(P, K)`.

    Where both lie at the bound it is told by lot, for which the mean stands: of a level by as much as it is of p, the
    share of outcomes there, which lies half way between the last level at the bound and the first above it. Otherwise
    the hours of a night without a soul would wear down the lower levels that those of the day need.
    """
    below: np.ndarray = actual[:, None] <= quantiles
    if lowest is None:
        return below
    low = quantiles <= lowest  # as many of the first as there are
    edges = np.array([0.0, *levels, 1.0])
    count = low.sum(axis=1)
    share = np.where(count > 0, (edges[count] + edges[count + 1]) / 2, 1.0)
    return np.where(low & (actual <= lowest)[:, None], np.minimum(levels / share[:, None], 1.0), below)


def _shares(below: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The steps `(D,)` among `ahead` `(P,)`, which ascends, and the mean over each of what is `below` `(P, K)`."""
    due, first = np.unique(ahead, return_index=True)
    share = np.add.reduceat(below.astype(np.float64), first) / np.diff([*first, len(ahead)])[:, None]  # (D, K)
    return due, share


def _dates(timeline: Timeline) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each date in turn the forecasts made at it, and forecast and step of each outcome known from it on.

    The last date is that of the origin that comes next.
    """
    until = timeline.next
    counted = (timeline.known <= until) & (timeline.known < NEVER)
    steps = timeline.known.shape[1]
    dates, slots = np.unique(np.concatenate([timeline.made, timeline.known[counted]]), return_inverse=True)
    made, known = slots[: len(timeline.made)], slots[len(timeline.made) :]
    windows, ahead = np.nonzero(counted)
    order = np.argsort(known * steps + ahead, kind="stable")
    windows, ahead = windows[order], ahead[order]
    origins = np.argsort(made, kind="stable")
    begun, told = (np.searchsorted(each, np.arange(len(dates) + 1)).tolist() for each in (made[origins], known[order]))
    for slot in range(len(dates)):
        mine, theirs = slice(*begun[slot : slot + 2]), slice(*told[slot : slot + 2])
        yield origins[mine], windows[theirs], ahead[theirs]


def adapted_after(windows: Windows, levels: np.ndarray | None) -> Adapted | None:
    """The `levels` `(S, K)` in force after `windows`, to be kept; `None` where there are none."""
    if levels is None:
        return None
    panel, timeline = windows.panel, Timeline.of(windows)
    place, step = np.argwhere(timeline.known == timeline.next)[0]
    stamp = panel.index[windows.origins[place] + 1 + step]  # of the origin that comes next
    at = stamp.to_pydatetime() if panel.dated else int(stamp)
    return Adapted(at=at, levels=tuple(map(tuple, levels.tolist())))

"""How wide the intervals of each of several series are beside those of all of them together.

Errors of several series are taken together in standard moves, so series of different volatility are alike already. What
is left is that a network may be farther off in one series than in another. How much is read from a series' own errors
where it has enough of them, and drawn towards the others as far as chance alone could have made it (empirical Bayes;
Morris 1983): with noise of variance v around a spread of variance t between series, t / (t + v) of it is believed.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kerasforecast.forecasting.timeline import Timeline

ENOUGH = 2  # forecasts of a series that do not overlap, from which on its own errors count
_MOST = 10_000  # series that a model file holds a width of
_LEAST_NOISE = 0.01  # relative variance; errors all alike are no measured ones
_FARTHEST = 3.0  # of the log of a width
_TOLD = 0.02  # of the log of a width: what is closer to 1 is not kept
_WIDE = 0.88  # share of errors by whose size the series without a width of their own are given theirs

Width = Annotated[float, Field(gt=0, le=1_000)]


class Widths(BaseModel):
    """Of several series; part of the manifest.

    Attributes:
        series: Series that errors were taken of.
        own: Of those with enough errors, by id, the width of their intervals in units of the common one.
        other: That of all others, those never seen among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    series: int = Field(ge=2)
    own: dict[Annotated[str, Field(max_length=1_000)], Width] = Field({}, max_length=_MOST)
    other: Width = 1.0

    def of(self, ids: np.ndarray) -> np.ndarray:
        """`(N,)` of the series with these ids `(N,)`."""
        if not self.own:
            return np.full(len(ids), self.other)
        names = np.array(sorted(self.own))
        widths = np.array([self.own[name] for name in names.tolist()])
        place = np.minimum(np.searchsorted(names, ids), len(names) - 1)
        return np.where(names[place] == ids, widths[place], self.other)


def learned_widths(errors: np.ndarray, timeline: Timeline, ids: np.ndarray) -> Widths | None:
    """Learn from the errors around the forecasts of several series; `None` of one series.

    Args:
        errors: `(N, S)` in standard moves.
        timeline: Of the forecasts.
        ids: `(M,)` of all series that places of the timeline number.
    """
    places = timeline.places
    count = len(np.unique(places))
    if len(ids) < 2 or count < 2:
        return None
    usual = np.abs(errors).mean(axis=0)
    sizes = (np.abs(errors) / np.where(usual > 0, usual, 1)).mean(axis=1)  # (N,) about 1
    counts = np.maximum(np.bincount(places, minlength=len(ids)), 1)
    mean = np.bincount(places, sizes, len(ids)) / counts  # (M,)
    apart = np.zeros(len(ids))
    apart[: places.max() + 1] = timeline.apart()
    chosen = np.flatnonzero((apart >= ENOUGH) & (mean > 0))
    logs = _believed(np.log(mean[chosen]), _chance(apart[chosen] / _noise(sizes, places, mean, apart)))
    told = np.flatnonzero(np.abs(logs) > _TOLD)
    told = np.sort(told[np.argsort(-np.abs(logs[told]), kind="stable")[:_MOST]])
    own = {str(ids[chosen[place]]): round(float(np.exp(logs[place])), 4) for place in told}
    return Widths(series=count, own=own, other=_other(errors, Widths(series=count, own=own).of(ids)[places]))


def _believed(logs: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """What of the `logs` of sizes `(m,)` is not by chance, with `noise` `(m,)` the variance of each."""
    if len(logs) < 2:
        return np.zeros(len(logs))
    logs = np.clip(logs - np.median(logs), -_FARTHEST, _FARTHEST)
    by_chance = noise.mean() * (1 + np.sqrt(2 / (len(logs) - 1)))  # and a standard error of that variance
    between = max(0.0, float(np.var(logs, ddof=1) - by_chance))
    centre = np.average(logs, weights=1 / (between + noise))
    return between / (between + noise) * (logs - centre)


def _chance(counts: np.ndarray) -> np.ndarray:
    """Variance of the log of a mean of errors that counts for so many of relative variance 1: as of a gamma's."""
    return (1 + 1 / (2 * counts) + 1 / (6 * counts**2)) / counts  # the trigamma function, for all but the fewest


def _noise(sizes: np.ndarray, places: np.ndarray, mean: np.ndarray, apart: np.ndarray) -> float:
    """Relative variance of the size of an error within its series.

    Around the mean of few that do not overlap, sizes vary less than they do.
    """
    counted = (apart[places] > 1) & (mean[places] > 0)
    if not counted.any():
        return 1.0
    own = places[counted]
    squares = (sizes[counted] / mean[own] - 1) ** 2
    return max(_LEAST_NOISE, float(squares.sum() / (1 - 1 / apart[own]).sum()))


def _other(errors: np.ndarray, widths: np.ndarray) -> float:
    """The width of a series that is not known: with it as large a share of all errors is inside as with their own."""
    raw, own = (np.quantile(np.abs(each), _WIDE) for each in (errors, errors / widths[:, None]))
    return round(float(raw / own), 4) if own > 0 and raw > 0 else 1.0

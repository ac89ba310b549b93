"""What is kept of one contestant's forecasts: they are scored a stretch of windows at a time, and never all held.

The quantiles of many series are large, so a baseline's are scored as they are made. Scores of stretches are put
together again; where there is one stretch alone, as for most single series, they are the very scores of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import binomtest

from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.metrics.panels import compare_over_series
from kerasforecast.metrics.point import DirectionScore, direction, point_scores, smape_losses
from kerasforecast.metrics.probabilistic import NO_INTERVALS, central_intervals, crps_losses, quantile_scores
from kerasforecast.metrics.significance import compare_origins, squared_losses

_AVERAGED = ("mae", "mape", "smape", "crps")  # means over windows, of which stretches are averaged
_BY_LEVEL = ("coverage", "pinball", "winkler")


@dataclass(frozen=True, eq=False)
class EachSeries:
    """One contestant's mean losses of each series, by step: `(M, H)`; NaN where a series has no window.

    Attributes:
        absolute: Mean absolute error, price units.
        squared: Mean squared error.
        smape: Percent.
        crps: Price units; `None` where it has no intervals.
        covered: By central interval, e.g. `"0.8"`: shares `(M,)` of actual values inside.
    """

    absolute: np.ndarray
    squared: np.ndarray
    smape: np.ndarray
    crps: np.ndarray | None
    covered: dict[str, np.ndarray]

    def scaled(self, scales: np.ndarray, step: int | None = None) -> dict[str, np.ndarray]:
        """MASE, RMSSE, sMAPE and scaled CRPS of each series `(M,)`, of one step or of all; NaN where undefined.

        Args:
            scales: `(M, 2)` mean absolute and root mean squared change of each series in training.
            step: From 0.
        """
        at = slice(None) if step is None else slice(step, step + 1)
        scale = np.where(scales > 0, scales, np.nan)
        found = {
            "mase": self.absolute[:, at].mean(axis=1) / scale[:, 0],
            "rmsse": np.sqrt(self.squared[:, at].mean(axis=1)) / scale[:, 1],
            "smape": self.smape[:, at].mean(axis=1),
        }
        return found if self.crps is None else found | {"scaled_crps": self.crps[:, at].mean(axis=1) / scale[:, 0]}


class Tally:
    """The scores and losses of one contestant, as its forecasts come in.

    Args:
        outcomes: What happened, of all windows.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._parts: list[list[_Part]] = []  # of each stretch: of all steps together, then of each
        self._squared: list[np.ndarray] = []  # (n,) of each stretch
        self._crps: list[np.ndarray | None] = []
        self._sums: EachSeries | None = None

    @classmethod
    def of(cls, outcomes: Outcomes, forecast: Forecast) -> Tally:
        """That of all forecasts at once."""
        tally = cls(outcomes)
        tally.add(slice(0, len(outcomes.actual)), forecast)
        return tally

    def add(self, windows: slice, forecast: Forecast) -> None:
        """Score the next stretch: `forecast` is that of the `windows`, which follow those before."""
        outcomes = self._outcomes.at(windows)
        steps = outcomes.actual.shape[1]
        stretches = [slice(None), *(slice(step, step + 1) for step in range(steps if steps > 1 else 0))]
        self._parts.append([_Part.of(outcomes, forecast, at) for at in stretches])
        squared, crps = squared_losses(outcomes.actual, forecast.point), None
        if forecast.quantiles is not None:
            crps = crps_losses(outcomes.actual, forecast.quantiles, outcomes.levels)
        self._squared.append(squared.mean(axis=1))
        self._crps.append(None if crps is None else crps.mean(axis=1))
        if outcomes.grouped is not None:
            self._keep(outcomes, forecast, squared, crps)

    def scores(self) -> dict[str, Any]:
        """Everything that stands beside the contestant's name, as `kerasforecast.evaluation.scores.scores`."""
        all_steps, *each = [_joined(parts, self._outcomes.pair) for parts in zip(*self._parts, strict=True)]
        if self._outcomes.grouped is not None:
            all_steps |= self._over_series()
            each = [scores | self._over_series(step) for step, scores in enumerate(each)]
        return all_steps | {"steps": each}

    def tests(self, other: Tally) -> list[dict[str, Any]]:
        """The tests of this contestant against another: of squared errors, and of CRPS where both have it."""
        found = [self._test(self._squared, other._squared, "squared", 1)]
        ours, theirs = self._crps, other._crps
        if all(each is not None for each in (*ours, *theirs)):
            found.append(self._test(ours, theirs, "crps", 0))
        if self._outcomes.grouped is not None:
            found[0]["better"] = self.share_better(other)
        return found

    def better(self, other: Tally) -> np.ndarray:
        """On which series `(M,)` its mean absolute error, and so its MASE, is below another contestant's."""
        ours, theirs = (tally.each_series().absolute.mean(axis=1) for tally in (self, other))
        return ours < theirs  # false of NaN

    def share_better(self, other: Tally) -> float:
        """On which share of the series that were scored."""
        grouped = self._outcomes.grouped
        return float(np.mean(self.better(other)[grouped.windows > 0])) if grouped is not None else math.nan

    def each_series(self) -> EachSeries:
        """Its mean losses of each series.

        Raises:
            ValueError: It is of a lone series.
        """
        grouped, sums = self._outcomes.grouped, self._sums
        if grouped is None or sums is None:
            raise ValueError("The losses of each series need several.")
        windows = np.where(grouped.windows, grouped.windows, np.nan)[:, None]
        has_crps = sums.crps is not None and all(each is not None for each in self._crps)
        return EachSeries(
            sums.absolute / windows,
            sums.squared / windows,
            sums.smape / windows,
            sums.crps / windows if has_crps else None,
            {name: inside / windows[:, 0] for name, inside in sums.covered.items()} if has_crps else {},
        )

    def _keep(self, outcomes: Outcomes, forecast: Forecast, squared: np.ndarray, crps: np.ndarray | None) -> None:
        grouped, actual = outcomes.grouped, outcomes.actual
        sums, before, covered = grouped.sums, self._sums, {}
        if forecast.quantiles is not None:
            for nominal, low, high in central_intervals(outcomes.levels):
                inside = (forecast.quantiles[..., low] <= actual) & (actual <= forecast.quantiles[..., high])
                covered[f"{nominal:g}"] = sums(inside.mean(axis=1))
        found = EachSeries(
            sums(np.abs(actual - forecast.point)),
            sums(squared),
            sums(smape_losses(actual, forecast.point)),
            None if crps is None else sums(crps),
            covered,
        )
        self._sums = found if before is None else _summed(before, found)

    def _over_series(self, step: int | None = None) -> dict[str, Any]:
        """The mean over series of each one's own scores, and the medians."""
        found = self.each_series().scaled(self._outcomes.units, step)
        means, medians = {}, {}
        for name, values in found.items():
            known = values[np.isfinite(values)]
            means[name] = float(np.mean(known)) if len(known) else None
            medians[name] = float(np.median(known)) if len(known) else None
        return means | {"median": medians}

    def _test(
        self, ours: list[np.ndarray | None], theirs: list[np.ndarray | None], loss: str, scale: int
    ) -> dict[str, Any]:
        """Of losses in units of each series: of its root mean squared change (1) squared, or mean absolute one (0)."""
        a, b = (np.concatenate([each for each in losses if each is not None]) for losses in (ours, theirs))
        grouped, times = self._outcomes.grouped, self._outcomes.times
        steps = self._outcomes.actual.shape[1]
        if grouped is None or times is None:
            return compare_origins(a, b, loss, steps)
        units = self._outcomes.units[:, scale][grouped.places] ** (2 if scale else 1)
        known = units > 0
        series = replace(grouped, places=grouped.places[known])
        a, b = (losses[known] / units[known] for losses in (a, b))
        return {"loss": loss, **compare_over_series(a, b, series, times[known], steps)}


@dataclass(frozen=True, eq=False)
class _Part:
    """The scores of one stretch of windows, and what they need to be put together with others'."""

    count: int
    scores: dict[str, Any]
    moved: DirectionScore

    @classmethod
    def of(cls, outcomes: Outcomes, forecast: Forecast, steps: slice) -> _Part:
        actual, point = outcomes.actual[:, steps], forecast.point[:, steps]
        intervals = NO_INTERVALS
        if forecast.quantiles is not None:
            intervals = quantile_scores(actual, forecast.quantiles[:, steps], outcomes.levels)
        found = point_scores(actual, point, outcomes.last, outcomes.pair) | intervals
        return cls(len(actual), found, direction(actual, point, outcomes.last))


def _joined(parts: tuple[_Part, ...], scales: tuple[float, float] | None) -> dict[str, Any]:
    """The scores of consecutive stretches as those of all their windows."""
    first = parts[0].scores
    if len(parts) == 1:
        return dict(first)
    weights = np.array([part.count for part in parts]) / sum(part.count for part in parts)

    def mean(values: list[float | None]) -> float | None:
        known = all(value is not None for value in values)
        return float(np.dot(weights, np.array(values, np.float64))) if known else None

    found = dict(first) | {name: mean([part.scores[name] for part in parts]) for name in _AVERAGED}
    squares = mean([None if part.scores["rmse"] is None else part.scores["rmse"] ** 2 for part in parts])
    found["rmse"] = None if squares is None else math.sqrt(squares)
    for name, base, scale in zip(("mase", "rmsse"), ("mae", "rmse"), scales or (0, 0), strict=True):
        found[name] = found[base] / scale if scale and found[base] is not None else None
    whole = all(part.scores["crps"] is not None for part in parts)
    for name in _BY_LEVEL:
        found[name] = {key: mean([part.scores[name][key] for part in parts]) for key in first[name]} if whole else {}
    return found | _directions([part.moved for part in parts])


def _directions(parts: list[DirectionScore]) -> dict[str, Any]:
    n, right = sum(part.n for part in parts), sum(part.right for part in parts)
    if n == 0 or all(part.share is None for part in parts):
        return {"directional_accuracy": None, "directional_interval": None}
    interval = binomtest(right, n).proportion_ci(0.95, method="wilson")
    return {"directional_accuracy": right / n, "directional_interval": [float(interval.low), float(interval.high)]}


def _summed(one: EachSeries, other: EachSeries) -> EachSeries:
    crps = one.crps + other.crps if one.crps is not None and other.crps is not None else None
    covered = {name: one.covered[name] + inside for name, inside in other.covered.items() if name in one.covered}
    return EachSeries(
        one.absolute + other.absolute, one.squared + other.squared, one.smape + other.smape, crps, covered
    )

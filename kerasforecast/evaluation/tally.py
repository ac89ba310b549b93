"""What is kept of one contestant's forecasts of several series, which are scored a stretch of windows at a time.

The quantiles of many series are large: a baseline's are scored as they are made, and never all held. Kept are sums by
step, over all windows and of each series, and a loss for each window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.metrics.panels import BySeries, compare_over_series
from kerasforecast.metrics.point import checked_pair, finite, moves, smape_losses, wilson
from kerasforecast.metrics.probabilistic import NO_INTERVALS, central_intervals, checked_levels, level_weights

_DIRECTIONS = ("moved", "called", "right")


@dataclass(frozen=True, eq=False)
class EachSeries:
    """One contestant's mean losses of each series, by step: `(M, H)`; NaN where a series has no window.

    Attributes:
        absolute: Mean absolute error, price units.
        squared: Mean squared error.
        smape: Percent.
        crps: Price units; `None` where it has no intervals.
        covered: By central interval, e.g. `"0.8"`: shares `(M, H)` of actual values inside.
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
    """The scores and losses of one contestant, as its forecasts of several series come in.

    Args:
        outcomes: What happened, of all windows.
        each: Whether to keep for each series which share of what happened its intervals held.
    """

    def __init__(self, outcomes: Outcomes, *, each: bool = False) -> None:
        self._outcomes, self._grouped, self._each = outcomes, grouping(outcomes), each
        self._sums: dict[str, np.ndarray] = {}  # (H,) over all windows
        self._by_series: dict[str, np.ndarray] = {}  # (M, H)
        self._losses: dict[str, list[np.ndarray]] = {"squared": [], "crps": []}  # (n,) of each stretch
        self._whole = True  # whether every stretch has quantiles

    @classmethod
    def of(cls, outcomes: Outcomes, forecast: Forecast) -> Tally:
        """That of all forecasts at once."""
        tally = cls(outcomes)
        for windows in outcomes.stretches():
            tally.add(windows, forecast.at(windows))
        return tally

    def add(self, windows: slice, forecast: Forecast) -> None:
        """Score the next stretch: `forecast` is that of the `windows`, which follow those before."""
        outcomes = self._outcomes.at(windows)
        grouped = grouping(outcomes)
        actual, point = checked_pair(outcomes.actual, forecast.point)
        error = np.abs(actual - point)
        with np.errstate(divide="ignore", invalid="ignore"):  # a percentage of zero is no score, and said so below
            percent = 100 * error / np.abs(actual)
        losses = {"absolute": error, "squared": error**2, "smape": smape_losses(actual, point), "mape": percent}
        went, called = moves(actual, outcomes.last), moves(point, outcomes.last)
        losses |= dict(zip(_DIRECTIONS, (went != 0, called != 0, (went != 0) & (called == went)), strict=True))
        kept = ["absolute", "squared", "smape"]
        if forecast.quantiles is None:
            self._whole = False
        else:
            crps, covered = self._add_intervals(actual, forecast.quantiles, outcomes.levels)
            losses |= {"crps": crps, **covered}
            kept += ["crps", *(covered if self._each else ())]
            self._losses["crps"].append(crps.mean(axis=1))
        self._losses["squared"].append(losses["squared"].mean(axis=1))
        for name, values in losses.items():
            self._add(name, values)
        for name in kept:
            total = self._by_series.setdefault(name, np.zeros((self._grouped.count, actual.shape[1])))
            grouped.add_to(total, losses[name])

    def scores(self) -> dict[str, Any]:
        """Everything that stands beside the contestant's name, as `kerasforecast.evaluation.scores.scores`."""
        steps, each = self._outcomes.actual.shape[1], self.each_series()
        return self._scores(each, None) | {"steps": [self._scores(each, h) for h in range(steps if steps > 1 else 0)]}

    def tests(self, other: Tally) -> list[dict[str, Any]]:
        """The tests of this contestant against another: of squared errors, and of CRPS where both have it."""
        found = [self._test(other, "squared", self._outcomes.units[:, 1] ** 2)]
        found[0]["better"] = self.share_better(other)
        if self._whole and other._whole:
            found.append(self._test(other, "crps", self._outcomes.units[:, 0]))
        return found

    def better(self, other: Tally) -> np.ndarray:
        """On which series `(M,)` its mean absolute error, and so its MASE, is below another contestant's."""
        ours, theirs = (tally._by_series["absolute"].sum(axis=1) for tally in (self, other))
        return ours < theirs  # of a series without a window both are zero

    def share_better(self, other: Tally) -> float:
        """On which share of the series that were scored."""
        return float(np.mean(self.better(other)[self._grouped.windows > 0]))

    def each_series(self) -> EachSeries:
        """Its mean losses of each series."""
        windows = np.where(self._grouped.windows, self._grouped.windows, np.nan)[:, None]
        found = {name: total / windows for name, total in self._by_series.items()}
        crps, covered = found.pop("crps", None), {}
        if self._whole and self._each:
            shares = [f"{nominal:g}" for nominal, _, _ in central_intervals(self._outcomes.levels)]
            covered = {share: found[f"coverage {share}"] for share in shares}
        return EachSeries(found["absolute"], found["squared"], found["smape"], crps if self._whole else None, covered)

    def _add_intervals(
        self, actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The CRPS `(n, H)`, and by interval what it held; formulas as in `kerasforecast.metrics.probabilistic`."""
        crps, weights = np.zeros(actual.shape), level_weights(levels)
        for k, level in enumerate(checked_levels(levels)):
            error = np.subtract(*checked_pair(actual, quantiles[..., k]))
            loss = np.maximum(level * error, (level - 1) * error)
            crps += 2 * weights[k] * loss
            self._add(f"pinball {level:g}", loss)
        covered = {}
        for nominal, low, high in central_intervals(levels):
            below, above = quantiles[..., low] - actual, actual - quantiles[..., high]
            missed = np.maximum(below, 0) + np.maximum(above, 0)
            covered[f"coverage {nominal:g}"] = missed == 0
            width = quantiles[..., high] - quantiles[..., low]
            self._add(f"winkler {nominal:g}", width + 2 / (1 - nominal) * missed)
        return crps, covered

    def _add(self, name: str, values: np.ndarray) -> None:
        total = self._sums.setdefault(name, np.zeros(values.shape[1]))
        total += values.sum(axis=0)

    def _scores(self, each: EachSeries, step: int | None) -> dict[str, Any]:
        """Of one step, from 0, or of all."""
        n = len(self._outcomes.actual)

        def mean(name: str) -> float | None:
            sums = self._sums[name]
            return finite(float(sums.mean() if step is None else sums[step]) / n)

        squared = mean("squared")
        found = {
            "rmse": None if squared is None else math.sqrt(squared),
            "mae": mean("absolute"),
            "mape": mean("mape"),
            **dict.fromkeys(("smape", "mase", "rmsse")),  # of each series, below
            **self._direction(step),
        }
        if self._whole:
            found["crps"] = mean("crps")
            names = {
                kind: [n for n in self._sums if n.startswith(f"{kind} ")] for kind in NO_INTERVALS if kind != "crps"
            }
            found |= {kind: {name.split(" ")[1]: mean(name) for name in of} for kind, of in names.items()}
        else:
            found |= NO_INTERVALS
        return found | self._over_series(each, step)

    def _direction(self, step: int | None) -> dict[str, Any]:
        moved, called, right = (
            int(self._sums[name].sum() if step is None else self._sums[name][step]) for name in _DIRECTIONS
        )
        if moved == 0 or called == 0:
            return {"directional_accuracy": None, "directional_interval": None}
        return {"directional_accuracy": right / moved, "directional_interval": list(wilson(right, moved))}

    def _over_series(self, each: EachSeries, step: int | None) -> dict[str, Any]:
        """The mean over series of each one's own scores, and the medians."""
        means, medians = {}, {}
        for name, values in each.scaled(self._outcomes.units, step).items():
            known = values[np.isfinite(values)]
            means[name] = float(np.mean(known)) if len(known) else None
            medians[name] = float(np.median(known)) if len(known) else None
        return means | {"median": medians}

    def _test(self, other: Tally, loss: str, units: np.ndarray) -> dict[str, Any]:
        """Of losses in `units` `(M,)` of each series; one without takes no part."""
        places, times = self._grouped.places, np.asarray(self._outcomes.times)
        of_window = units[places]
        known = of_window > 0
        ours, theirs = (np.concatenate(tally._losses[loss])[known] / of_window[known] for tally in (self, other))
        series = BySeries(places[known], self._grouped.count)
        return {"loss": loss} | compare_over_series(ours, theirs, series, times[known], self._outcomes.actual.shape[1])


def grouping(outcomes: Outcomes) -> BySeries:
    """The windows of each series of `outcomes`, which must be of several."""
    if outcomes.grouped is None:
        raise ValueError("A tally is of several series.")
    return outcomes.grouped

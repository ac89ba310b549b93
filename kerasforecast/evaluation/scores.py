"""Contestants side by side on the same origins: every score of each, and the tests of one against another.

The one place where forecasts are scored: a fit, an evaluation, a backtest and a comparison all ask here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.metrics.point import point_scores
from kerasforecast.metrics.probabilistic import NO_INTERVALS, crps_losses, quantile_scores
from kerasforecast.metrics.significance import Verdict, compare_losses, compare_with_naive, squared_losses, verdict_of

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What happened after N origins, and by what it is scored.

    Attributes:
        actual: `(N, H)`, price units, in time order.
        last: `(N,)` last observed value at each origin.
        levels: The K levels of all quantiles.
        scales: Units of MASE and RMSSE, as `kerasforecast.metrics.point.seasonal_scales` gives them.
    """

    actual: np.ndarray
    last: np.ndarray
    levels: tuple[float, ...] = ()
    scales: tuple[float, float] | None = None

    def at(self, indices: slice, scales: tuple[float, float] | None) -> Outcomes:
        """Those of the origins at `indices`, in other units."""
        return replace(self, actual=self.actual[indices], last=self.last[indices], scales=scales)


def scores(outcomes: Outcomes, forecast: Forecast) -> dict[str, Any]:
    """Everything that stands beside one contestant's name, ready for JSON.

    Returns:
        `kerasforecast.metrics.point.point_scores` and `kerasforecast.metrics.probabilistic.quantile_scores`; `steps`,
        the same for each of several steps ahead, else empty.
    """
    count = outcomes.actual.shape[1]
    steps = [_scores(outcomes, forecast, slice(step, step + 1)) for step in range(count if count > 1 else 0)]
    return _scores(outcomes, forecast, slice(None)) | {"steps": steps}


def tests(outcomes: Outcomes, ours: Forecast, theirs: Forecast) -> list[dict[str, Any]]:
    """The Diebold-Mariano tests of one contestant against another: of squared errors, and of CRPS where both have it.

    Returns:
        `{"loss", "statistic", "p_value"}` each.
    """
    squares = [squared_losses(outcomes.actual, each.point) for each in (ours, theirs)]
    found = [compare_losses(squares[0], squares[1], "squared")]
    if ours.quantiles is not None and theirs.quantiles is not None:
        losses = [crps_losses(outcomes.actual, each, outcomes.levels) for each in (ours.quantiles, theirs.quantiles)]
        found.append(compare_losses(losses[0], losses[1], "crps"))
    return found


def verdicts(outcomes: Outcomes, ours: Forecast, baselines: Mapping[str, Forecast]) -> tuple[Verdict, Verdict | None]:
    """Whether a model is worth using.

    Args:
        outcomes: What happened.
        ours: The model's forecast.
        baselines: Everyone else's by name, `naive` among them.

    Returns:
        By squared errors against the naive forecast; by CRPS, where there are intervals, against the baseline whose
        intervals did best, since wide intervals such as the naive forecast's are easily beaten.
    """
    points = compare_with_naive(outcomes.actual, ours.point, baselines["naive"].point)
    losses = {
        name: crps_losses(outcomes.actual, each.quantiles, outcomes.levels)
        for name, each in baselines.items()
        if each.quantiles is not None
    }
    if ours.quantiles is None or not losses:
        return points, None
    best = min(losses, key=lambda name: float(np.mean(losses[name])))
    mine = crps_losses(outcomes.actual, ours.quantiles, outcomes.levels)
    means = float(np.mean(mine)), float(np.mean(losses[best]))
    return points, verdict_of(*means, mine, losses[best], baseline=best)


def score_rows(outcomes: Outcomes, forecasts: Mapping[str, Forecast], fold: int | str) -> list[Row]:
    """A row for every contestant, in the order given.

    Args:
        outcomes: What happened.
        forecasts: By name, `naive` among them.
        fold: Of the walk.

    Returns:
        `{"model", "fold", "n"}`, the scores, and against the naive forecast `relative_rmse` and `relative_crps`, shares
        of its own, with the p-values `p_value` and `crps_p_value` of the Diebold-Mariano tests. `None` where something
        is not defined.
    """
    found = {name: scores(outcomes, forecast) for name, forecast in forecasts.items()}
    return [
        {"model": name, "fold": fold, "n": len(outcomes.actual)}
        | found[name]
        | {f"relative_{score}": _ratio(found[name][score], found["naive"][score]) for score in ("rmse", "crps")}
        | _p_values(outcomes, name, forecasts)
        for name in forecasts
    ]


def _scores(outcomes: Outcomes, forecast: Forecast, steps: slice) -> dict[str, Any]:
    actual = outcomes.actual[:, steps]
    intervals = NO_INTERVALS
    if forecast.quantiles is not None:
        intervals = quantile_scores(actual, forecast.quantiles[:, steps], outcomes.levels)
    return point_scores(actual, forecast.point[:, steps], outcomes.last, outcomes.scales) | intervals


def _p_values(outcomes: Outcomes, name: str, forecasts: Mapping[str, Forecast]) -> dict[str, float | None]:
    found = [] if name == "naive" else tests(outcomes, forecasts[name], forecasts["naive"])
    values = {test["loss"]: test["p_value"] for test in found}
    return {"p_value": values.get("squared"), "crps_p_value": values.get("crps")}


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None

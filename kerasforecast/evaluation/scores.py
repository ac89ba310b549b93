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
from kerasforecast.metrics.significance import compare_losses, squared_losses

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


def dm_tests(outcomes: Outcomes, ours: Forecast, theirs: Forecast) -> list[dict[str, Any]]:
    """The Diebold-Mariano tests of one contestant against another: of squared errors, and of CRPS where both have it.

    Returns:
        `{"loss", "statistic", "p_value"}` each, both figures `None` where there are too few forecasts to test.
    """
    squares = [squared_losses(outcomes.actual, each.point) for each in (ours, theirs)]
    found = [compare_losses(squares[0], squares[1], "squared")]
    if ours.quantiles is not None and theirs.quantiles is not None:
        losses = [crps_losses(outcomes.actual, each, outcomes.levels) for each in (ours.quantiles, theirs.quantiles)]
        found.append(compare_losses(losses[0], losses[1], "crps"))
    return found


def score_rows(
    outcomes: Outcomes,
    forecasts: Mapping[str, Forecast],
    fold: int | str,
    best: str = "naive",
    best_intervals: str | None = None,
) -> list[Row]:
    """A row for every contestant, in the order given.

    Args:
        outcomes: What happened.
        forecasts: By name, `naive` among them.
        fold: Of the walk.
        best: The best simple forecast on validation.
        best_intervals: The baseline with the best intervals there.

    Returns:
        `{"model", "fold", "n"}`, the scores, and against the naive forecast `relative_rmse` and `relative_crps`, shares
        of its own, with the p-values `p_value` and `crps_p_value` of the Diebold-Mariano tests, and those against the
        best, `best_p_value` and `best_crps_p_value`. `None` where something is not defined, or there are too few
        forecasts to test.
    """
    found = {name: scores(outcomes, forecast) for name, forecast in forecasts.items()}
    return [
        {"model": name, "fold": fold, "n": len(outcomes.actual)}
        | found[name]
        | {f"relative_{score}": _ratio(found[name][score], found["naive"][score]) for score in ("rmse", "crps")}
        | _p_values(outcomes, name, forecasts, best, best_intervals)
        for name in forecasts
    ]


def _scores(outcomes: Outcomes, forecast: Forecast, steps: slice) -> dict[str, Any]:
    actual = outcomes.actual[:, steps]
    intervals = NO_INTERVALS
    if forecast.quantiles is not None:
        intervals = quantile_scores(actual, forecast.quantiles[:, steps], outcomes.levels)
    return point_scores(actual, forecast.point[:, steps], outcomes.last, outcomes.scales) | intervals


def _p_values(
    outcomes: Outcomes, name: str, forecasts: Mapping[str, Forecast], best: str, best_intervals: str | None
) -> dict[str, float | None]:
    against = {
        other: {test["loss"]: test["p_value"] for test in dm_tests(outcomes, forecasts[name], forecasts[other])}
        for other in {"naive", best, best_intervals or best} - {name}
    }
    naive, first, sharpest = (against.get(other, {}) for other in ("naive", best, best_intervals or ""))
    return {
        "p_value": naive.get("squared"),
        "crps_p_value": naive.get("crps"),
        "best_p_value": first.get("squared"),
        "best_crps_p_value": sharpest.get("crps"),
    }


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None

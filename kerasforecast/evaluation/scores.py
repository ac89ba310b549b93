"""Contestants side by side on the same origins: every score of each, and the tests of one against another.

The one place where forecasts are scored: a fit, an evaluation, a backtest and a comparison all ask here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.evaluation.tally import Tally
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.metrics.point import point_scores
from kerasforecast.metrics.probabilistic import NO_INTERVALS, crps_losses, quantile_scores
from kerasforecast.metrics.significance import compare_origins, squared_losses

__all__ = [
    "LoneTally",
    "Outcomes",
    "Scored",
    "Tally",
    "add_to",
    "dm_tests",
    "score_rows",
    "scores",
    "side_by_side",
    "stretches_of",
    "tallied_rows",
    "tally_of",
]

Row = dict[str, Any]


class Scored(Protocol):
    """One contestant's scores, and their tests against those of another on the same outcomes."""

    def scores(self) -> dict[str, Any]:
        """Everything that stands beside the contestant's name."""

    def tests(self, other: Any, /) -> list[dict[str, Any]]:
        """The tests of this contestant against another."""


class LoneTally:
    """The scores and losses of one contestant on a lone series, whose windows come all at once.

    Args:
        outcomes: What happened.
        forecast: The contestant's.
    """

    def __init__(self, outcomes: Outcomes, forecast: Forecast) -> None:
        self._steps = outcomes.actual.shape[1]
        steps = [slice(step, step + 1) for step in range(self._steps if self._steps > 1 else 0)]
        each = [_scores(outcomes, forecast, step) for step in steps]
        self._scores = _scores(outcomes, forecast, slice(None)) | {"steps": each}
        self._losses = {"squared": squared_losses(outcomes.actual, forecast.point).mean(axis=1)}
        if forecast.quantiles is not None:
            crps = crps_losses(outcomes.actual, forecast.quantiles, outcomes.levels)
            self._losses["crps"] = crps.mean(axis=1)

    def scores(self) -> dict[str, Any]:
        """Everything that stands beside the contestant's name, as `scores`."""
        return self._scores

    def tests(self, other: LoneTally) -> list[dict[str, Any]]:
        """The tests of this contestant against another, as `dm_tests`."""
        both = [loss for loss in self._losses if loss in other._losses]
        return [compare_origins(self._losses[loss], other._losses[loss], loss, self._steps) for loss in both]


def tally_of(outcomes: Outcomes, forecast: Forecast) -> Scored:
    """One contestant's scores and losses, of several series or of a lone one."""
    return LoneTally(outcomes, forecast) if outcomes.grouped is None else Tally.of(outcomes, forecast)


def stretches_of(outcomes: Outcomes) -> list[slice]:
    """The origins whose forecasts are to be scored together: those of a lone series all at once."""
    return [slice(0, len(outcomes.actual))] if outcomes.grouped is None else list(outcomes.stretches())


def add_to(tallies: dict[str, Scored], name: str, outcomes: Outcomes, windows: slice, forecast: Forecast) -> None:
    """Add to `tallies` what contestant `name` says of the next stretch of `windows`, one of `stretches_of`."""
    if outcomes.grouped is None:
        tallies[name] = LoneTally(outcomes, forecast)
        return
    tally = tallies.setdefault(name, Tally(outcomes))
    if isinstance(tally, Tally):
        tally.add(windows, forecast)


def scores(outcomes: Outcomes, forecast: Forecast) -> dict[str, Any]:
    """Everything that stands beside one contestant's name, ready for JSON.

    Returns:
        `kerasforecast.metrics.point.point_scores` and `kerasforecast.metrics.probabilistic.quantile_scores`; `steps`,
        the same for each of several steps ahead, else empty. Of several series `mase`, `rmsse` and `smape` are the mean
        over series of each one's own score, and so is `scaled_crps`, its CRPS in the unit of MASE; `median` holds the
        medians of these four. A series whose training part never changed has no unit and counts in sMAPE alone.
    """
    return tally_of(outcomes, forecast).scores()


def dm_tests(outcomes: Outcomes, ours: Forecast, theirs: Forecast) -> list[dict[str, Any]]:
    """The tests of one contestant against another: of squared errors, and of CRPS where both have it.

    Returns:
        `{"loss", "statistic", "p_value"}` each, both figures `None` where there are too few forecasts to test; of
        several series also what `kerasforecast.metrics.panels.compare_over_series` says of losses in their own units.
    """
    return tally_of(outcomes, ours).tests(tally_of(outcomes, theirs))


def side_by_side(tallies: Mapping[str, Scored], best: str = "naive", best_intervals: str | None = None) -> Row:
    """The scores of a model and of its baselines as `metrics.json` holds them, the numbers of windows apart.

    Args:
        tallies: By name, `model` first.
        best: The best simple forecast on validation.
        best_intervals: The baseline with the best intervals there.
    """
    ours = tallies["model"]
    against = [
        {"baseline": name, **test} for name, tally in tallies.items() if name != "model" for test in ours.tests(tally)
    ]
    return {
        **{name: tally.scores() for name, tally in tallies.items()},
        "dm": {name: value for name, value in against[0].items() if name != "baseline"},
        "tests": against,
        "best": best,
        "best_intervals": best_intervals,
    }


def score_rows(
    outcomes: Outcomes,
    forecasts: Mapping[str, Forecast],
    fold: int | str,
    best: str = "naive",
    best_intervals: str | None = None,
) -> list[Row]:
    """A row for every contestant, in the order given, as `tallied_rows` makes them.

    Args:
        outcomes: What happened.
        forecasts: By name, `naive` among them.
        fold: Of the walk.
        best: The best simple forecast on validation.
        best_intervals: The baseline with the best intervals there.
    """
    tallies = {name: tally_of(outcomes, forecast) for name, forecast in forecasts.items()}
    return tallied_rows(outcomes, tallies, fold, best, best_intervals)


def tallied_rows(
    outcomes: Outcomes,
    tallies: Mapping[str, Scored],
    fold: int | str,
    best: str = "naive",
    best_intervals: str | None = None,
) -> list[Row]:
    """A row for every contestant, in the order given.

    Args:
        outcomes: What happened.
        tallies: By name, `naive` among them.
        fold: Of the walk.
        best: The best simple forecast on validation.
        best_intervals: The baseline with the best intervals there.

    Returns:
        `{"model", "fold", "n"}`, the scores, and against the naive forecast `relative_rmse` and `relative_crps`, shares
        of its own, with the p-values `p_value` and `crps_p_value` of the Diebold-Mariano tests, and those against the
        best, `best_p_value` and `best_crps_p_value`. `None` where something is not defined, or there are too few
        forecasts to test. Of several series the shares are of RMSSE and of scaled CRPS, and `series` and `tests` say
        how many there are and all that the tests say, as `dm_tests` does, each with its `baseline`.
    """
    found = {name: tally.scores() for name, tally in tallies.items()}
    grouped = outcomes.grouped
    measures = {"rmse": "rmse", "crps": "crps"} if grouped is None else {"rmse": "rmsse", "crps": "scaled_crps"}
    rows = []
    for name, ours in found.items():
        others = {"naive", best, best_intervals or best} & tallies.keys() - {name}
        tests = {other: tallies[name].tests(tallies[other]) for other in sorted(others)}
        ratios = {f"relative_{key}": _ratio(ours.get(m), found["naive"].get(m)) for key, m in measures.items()}
        row = {"model": name, "fold": fold, "n": len(outcomes.actual)} | ours | ratios
        row |= _p_values(tests, best, best_intervals)
        if grouped is not None:
            each = [{"baseline": other, **test} for other, of in tests.items() for test in of]
            row |= {"series": int((grouped.windows > 0).sum()), "tests": each}
        rows.append(row)
    return rows


def _scores(outcomes: Outcomes, forecast: Forecast, steps: slice) -> dict[str, Any]:
    actual = outcomes.actual[:, steps]
    intervals = NO_INTERVALS
    if forecast.quantiles is not None:
        intervals = quantile_scores(actual, forecast.quantiles[:, steps], outcomes.levels)
    return point_scores(actual, forecast.point[:, steps], outcomes.last, outcomes.pair) | intervals


def _p_values(
    tests: Mapping[str, list[dict[str, Any]]], best: str, best_intervals: str | None
) -> dict[str, float | None]:
    against = {other: {test["loss"]: test["p_value"] for test in found} for other, found in tests.items()}
    naive, first, sharpest = (against.get(other, {}) for other in ("naive", best, best_intervals or ""))
    return {
        "p_value": naive.get("squared"),
        "crps_p_value": naive.get("crps"),
        "best_p_value": first.get("squared"),
        "best_crps_p_value": sharpest.get("crps"),
    }


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None

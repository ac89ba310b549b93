"""How good are the forecasts of given windows, and are they better than no model at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kerasforecast.metrics import crps_losses, scores
from kerasforecast.rivals import Forecast, Rivals, joined
from kerasforecast.significance import check_skill, compare_losses, compare_with_naive, squared_losses
from kerasforecast.windows import Windows

if TYPE_CHECKING:
    from kerasforecast.forecaster import Forecaster


@dataclass(frozen=True)
class Evaluation:
    """Scores beside the rivals', from one place for the terminal, `metrics.json`, the manifest and the report.

    Attributes:
        table: Columns `date`, `actual`, `forecast`, `naive` in price units; `step` too where there are several steps,
            and a column `q<level>` for each quantile.
        scores: `{"n", "model": {...}, "naive": {...}, ..., "dm": {...}, "tests": [...]}`; `n` counts windows.
        verdict: One sentence.
        better: Whether the model beats the naive forecast significantly.
    """

    table: pd.DataFrame
    scores: dict[str, Any]
    verdict: str
    better: bool

    def require_skill(self, p_value: float) -> None:
        """Raise `SkillError` unless the model beats the naive forecast with a p-value below `p_value`."""
        ours, naive = self.scores["model"]["rmse"], self.scores["naive"]["rmse"]
        smaller = ours is not None and naive is not None and ours < naive
        check_skill(self.verdict, self.scores["dm"]["p_value"], smaller, p_value)


def evaluate_windows(forecaster: Forecaster, windows: Windows, rivals: Rivals | None) -> Evaluation:
    """Forecast consecutive windows and score the forecasts against what happened and against every rival.

    The bands adapt from origin to origin, each to outcomes known by then.
    """
    actual, last = windows.futures(), windows.last()  # (N, S), (N,)
    ours = forecaster.in_sequence(windows)
    others = rivals_of(windows, rivals)
    levels, scales = (rivals.levels, rivals.scales) if rivals else ((), None)
    found = {
        name: scores(actual, each.point, last, scales, each.quantiles, levels)
        for name, each in ({"model": ours} | others).items()
    }
    verdict = compare_with_naive(actual, ours.point, others["naive"].point, horizon=windows.horizon)
    tests = [row for name, other in others.items() for row in _tests(actual, ours, name, other, levels)]
    summary = {"n": len(windows), **found, "dm": verdict.dm.as_json(), "tests": tests}
    table = _table(windows, actual, ours, others["naive"].point, levels)
    return Evaluation(table, summary, verdict.text, verdict.better)


def rivals_of(windows: Windows, rivals: Rivals | None) -> dict[str, Forecast]:
    """Every rival's forecasts of `windows`; the naive one alone where none has learned (files of older releases)."""
    if rivals is None:
        return {"naive": Forecast(np.repeat(windows.last()[:, None], windows.horizon, axis=1), None)}
    parts = [rivals.forecasts(windows.seen(places)) for places in windows.chunks()]
    return {name: joined([part[name] for part in parts]) for name in parts[0]}


def _tests(
    actual: np.ndarray, ours: Forecast, name: str, rival: Forecast, levels: tuple[float, ...]
) -> list[dict[str, Any]]:
    """The Diebold-Mariano tests of the model against one rival: of squared errors, and of CRPS where both have it."""
    found = [compare_losses(squared_losses(actual, ours.point), squared_losses(actual, rival.point), "squared")]
    if ours.quantiles is not None and rival.quantiles is not None:
        losses = crps_losses(actual, ours.quantiles, levels), crps_losses(actual, rival.quantiles, levels)
        found.append(compare_losses(*losses, "crps"))
    return [{"rival": name, **test} for test in found]


def _table(
    windows: Windows, actual: np.ndarray, ours: Forecast, naive: np.ndarray, levels: tuple[float, ...]
) -> pd.DataFrame:
    steps = np.arange(1, windows.horizon + 1)
    index = windows.series.index[(windows.origins[:, None] + steps).ravel()]
    columns: dict[str, Any] = {
        "date": index,
        "actual": actual.ravel(),
        "forecast": ours.point.ravel().astype(np.float32),  # what the network gave; prints without a float64 tail
        "naive": naive.ravel(),
    }
    if windows.horizon > 1:
        columns["step"] = np.tile(steps, len(windows))
    if ours.quantiles is not None:
        rows = ours.quantiles.reshape(-1, len(levels)).astype(np.float32)
        columns |= {f"q{level:g}": rows[:, k] for k, level in enumerate(levels)}
    return pd.DataFrame(columns)

"""How good are the forecasts of given windows, and are they better than no model at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kerasforecast.metrics import point_scores
from kerasforecast.significance import compare_with_naive
from kerasforecast.windows import Windows

if TYPE_CHECKING:
    from kerasforecast.forecasting import Predictor


@dataclass(frozen=True)
class Evaluation:
    """Scores beside the naive forecast's, from one place for the terminal, `metrics.json` and the manifest.

    Attributes:
        table: Columns `date`, `actual`, `forecast`, `naive` in price units; `step` too where the horizon exceeds 1.
        scores: `{"n", "model": {...}, "naive": {...}, "dm": {...}}`; `n` counts windows.
        verdict: One sentence.
        better: Whether the model beats the naive forecast significantly.
    """

    table: pd.DataFrame
    scores: dict[str, Any]
    verdict: str
    better: bool


def evaluate_windows(predictor: Predictor, windows: Windows) -> Evaluation:
    """Forecast every window and score the forecasts against what happened and against the naive forecast."""
    forecast = np.concatenate([predictor.predict(windows.inputs(places)) for places in _chunks(len(windows))]).astype(
        np.float64
    )  # (N, H)
    actual, last = windows.futures(), windows.last()
    naive = np.repeat(last[:, None], windows.horizon, axis=1)
    verdict = compare_with_naive(actual, forecast, naive, horizon=windows.horizon)
    scores = {
        "n": len(windows),
        "model": point_scores(actual, forecast, last),
        "naive": point_scores(actual, naive, last),
        "dm": verdict.dm.as_json(),
    }
    table = _table(windows, actual, forecast, naive)
    return Evaluation(table, scores, verdict.text, verdict.better)


def _table(windows: Windows, actual: np.ndarray, forecast: np.ndarray, naive: np.ndarray) -> pd.DataFrame:
    steps = np.arange(1, windows.horizon + 1)
    index = windows.series.index[(windows.origins[:, None] + steps).ravel()]
    columns: dict[str, Any] = {
        "date": index,
        "actual": actual.ravel(),
        "forecast": forecast.ravel().astype(np.float32),  # what the network gave; prints without a float64 tail
        "naive": naive.ravel(),
    }
    if windows.horizon > 1:
        columns["step"] = np.tile(steps, len(windows))
    return pd.DataFrame(columns)


def _chunks(count: int, size: int = 4_096) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]

"""Forecasters side by side on the same origins: one row of scores each, with the test against the naive forecast."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasforecast.baselines import point_baselines
from kerasforecast.metrics import direction, mae, mape, rmse
from kerasforecast.significance import diebold_mariano
from kerasforecast.windows import Windows

Row = dict[str, Any]


def scoreboard(actual: np.ndarray, last: np.ndarray, forecasts: Mapping[str, np.ndarray]) -> list[Row]:
    """Scores of every forecaster, in the order given.

    Args:
        actual: `(N, H)`, price units, rows in time order.
        last: `(N,)` last observed value of each window.
        forecasts: Name to forecasts `(N, H)`; `naive` among them.

    Returns:
        `{"model", "n", "rmse", "mae", "mape", "directional_accuracy", "relative_rmse", "p_value"}` each: the RMSE as a
        share of the naive one's, and the p-value of the Diebold-Mariano test on squared errors against it. `None` where
        a score is not defined.
    """
    squares = {name: ((forecast - actual) ** 2).mean(axis=1) for name, forecast in forecasts.items()}
    base = rmse(actual, forecasts["naive"])
    rows = []
    for name, forecast in forecasts.items():
        test = diebold_mariano(squares[name], squares["naive"], horizon=actual.shape[1]) if name != "naive" else None
        rows.append(
            {
                "model": name,
                "n": len(actual),
                "rmse": rmse(actual, forecast),
                "mae": mae(actual, forecast),
                "mape": _json(mape(actual, forecast)),
                "directional_accuracy": direction(actual, forecast, last).share,
                "relative_rmse": rmse(actual, forecast) / base if base else None,
                "p_value": test.p_value if test else None,
            }
        )
    return rows


def baselines_of(windows: Windows, period: int) -> dict[str, np.ndarray]:
    """Every point baseline's forecasts `(N, H)` of the same windows, `naive` first."""
    steps = np.arange(1 - windows.window, 1)
    targets = windows.series.values[:, 0][windows.origins[:, None] + steps]  # (N, L) float64
    return point_baselines(targets, windows.horizon, period)


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Several models and every baseline on the same origins: a leaderboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.baselines import find_period
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.scoreboard import Row, baselines_of, scoreboard
from kerasforecast.significance import compare_with_naive
from kerasforecast.split import Split
from kerasforecast.windows import Windows, windows_of


@dataclass(frozen=True, eq=False)
class Contender:
    """A trained model that takes part.

    Attributes:
        name: On the leaderboard, unlike any other's.
        columns: That it needs, the target first.
        window: Rows of history it sees.
        predict: Raw windows `(B, L, F)` to raw forecasts `(B, H)`.
        fit_seconds: Its training took, where known.
    """

    name: str
    columns: tuple[str, ...]
    window: int
    predict: Callable[[np.ndarray], np.ndarray]
    fit_seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """A finished comparison.

    Attributes:
        rows: One a forecaster, the smallest RMSE first: `fold` (`"all"`) and the scores of `scoreboard`, for models
            `fit_seconds` and `predict_ms` for all origins.
        table: One row a forecast: `date`, `actual`, one column a forecaster; `step` where the horizon exceeds 1.
        verdicts: For each model, against the naive forecast.
    """

    rows: list[Row]
    table: pd.DataFrame
    verdicts: dict[str, str]


def compare(series: Series, split: Split, contenders: Sequence[Contender]) -> Comparison:
    """Forecast every origin of the test part with each contender and each baseline, and rank them.

    Args:
        series: Holds every column that a contender needs.
        split: Its test part is forecast; its training part gives the baselines their season.
        contenders: At least one, all of the split's horizon.

    Raises:
        DataError: A contender needs a column or a longer history than the series has.
    """
    origins = split.origins("test")
    forecasts, costs = {}, {}
    for contender in contenders:
        windows = _windows(series, contender, origins, split.horizon)
        forecasts[contender.name], milliseconds = _timed(contender, windows.inputs())
        costs[contender.name] = {"fit_seconds": contender.fit_seconds, "predict_ms": milliseconds}
    windows = windows_of(series, origins, split.window, split.horizon)
    actual, last = windows.futures(), windows.last()
    period = find_period(series.values[: split.train_end, 0])
    forecasts |= baselines_of(windows, period)
    unknown = {"fit_seconds": None, "predict_ms": None}
    rows = [
        {"model": row["model"], "fold": "all"} | row | costs.get(row["model"], unknown)
        for row in scoreboard(actual, last, forecasts)
    ]
    verdicts = {
        contender.name: compare_with_naive(actual, forecasts[contender.name], forecasts["naive"]).text
        for contender in contenders
    }
    return Comparison(sorted(rows, key=lambda row: row["rmse"]), _table(windows, actual, forecasts), verdicts)


def _windows(series: Series, contender: Contender, origins: np.ndarray, horizon: int) -> Windows:
    absent = [column for column in contender.columns if column not in series.columns]
    if absent or contender.columns[0] != series.target:
        raise DataError(
            f"{contender.name}: needs the columns {', '.join(contender.columns)} and forecasts the first. "
            f"Received: {', '.join(series.columns)}. Give its columns with --target and --features."
        )
    if origins[0] < contender.window - 1:
        raise DataError(
            f"{contender.name}: needs {contender.window} rows before the test part. Received: {origins[0] + 1}. "
            "Give more rows or another split."
        )
    places = [series.columns.index(column) for column in contender.columns]
    if places != list(range(len(series.columns))):
        series = Series(series.values[:, places], series.index, contender.columns, series.frequency, series.calendar)
    return windows_of(series, origins, contender.window, horizon)


def _timed(contender: Contender, inputs: np.ndarray) -> tuple[np.ndarray, float]:
    """Forecasts, and the milliseconds they take once everything is compiled."""
    contender.predict(inputs)
    started = time.perf_counter()
    forecasts = contender.predict(inputs).astype(np.float64)
    return forecasts, 1000 * (time.perf_counter() - started)


def _table(windows: Windows, actual: np.ndarray, forecasts: dict[str, np.ndarray]) -> pd.DataFrame:
    steps = np.arange(1, windows.horizon + 1)
    columns: dict[str, Any] = {
        "date": windows.series.index[(windows.origins[:, None] + steps).ravel()],
        "actual": actual.ravel(),
        **{name: values.ravel().astype(np.float32) for name, values in forecasts.items()},
    }
    if windows.horizon > 1:
        columns["step"] = np.tile(steps, len(windows))
    return pd.DataFrame(columns)

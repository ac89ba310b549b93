"""Several models and every baseline on the same origins: a leaderboard."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.artifact.records import DataRecord
from kerasforecast.baselines.classical import classical_forecasts
from kerasforecast.baselines.fitted import learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.data.table.columns import find
from kerasforecast.errors import DataError
from kerasforecast.evaluation.evaluation import Sequential, baselines_of, ids_and_dates, outcomes_of, scored_windows
from kerasforecast.evaluation.learned import learned_windows
from kerasforecast.evaluation.scores import Row, score_rows
from kerasforecast.evaluation.verdict import Judgement, judged_row
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import Windows, windows_of


@dataclass(frozen=True, eq=False)
class Contender:
    """A trained model that takes part.

    Attributes:
        name: On the leaderboard, unlike any other's.
        columns: That it needs, the target first.
        window: Rows of history it sees.
        forecaster: The model with its intervals.
        levels: Of its intervals; none where it has none.
        fit_seconds: Its training took, where known.
        records: Of the data it has learned from, where known.
    """

    name: str
    columns: tuple[str, ...]
    window: int
    forecaster: Sequential
    levels: tuple[float, ...] = ()
    fit_seconds: float | None = None
    records: tuple[DataRecord, ...] = ()


@dataclass(frozen=True, eq=False)
class Comparison:
    """A finished comparison.

    Attributes:
        rows: One a forecaster, the smallest RMSE first: those of `kerasforecast.evaluation.scores.score_rows` with
            `fold` `"all"`, for models with `fit_seconds` and `predict_ms` for all origins.
        table: One row a forecast: `date`, `actual`, one column a forecaster; `step` where there are several.
        best: The best simple forecast on validation.
        best_intervals: The baseline with the best intervals there.
        judgements: For each model, whether it is worth using.
        levels: Of the intervals that were scored: those which all contenders have.
        learned: What models have learned from these very origins, in a few words; there is no verdict on such.
    """

    rows: list[Row]
    table: pd.DataFrame
    best: str
    best_intervals: str | None
    judgements: dict[str, Judgement]
    levels: tuple[float, ...]
    learned: dict[str, str]


def compare(data: Panel | Series, config: Config, split: Split, contenders: Sequence[Contender]) -> Comparison:
    """Forecast every origin of the test part with each contender and each baseline, and rank them.

    Args:
        data: One series that holds every column that a contender needs.
        config: Steps to score, levels of the intervals, and which baselines.
        split: Its test part is forecast; the baselines learn from the parts before.
        contenders: At least one. Intervals are scored at the levels that all of those with intervals have.

    Raises:
        DataError: There are several series, or a contender needs a column or a longer history than the series has.
    """
    panel = Panel.of(data)
    series = panel.single("compare")
    windows = scored_windows(config, panel, split, "test")
    baselines = learn_baselines(config, panel, split)
    levels = tuple(level for level in config.levels if all(level in each.levels for each in contenders if each.levels))
    forecasts, costs = {}, {}
    for contender in contenders:
        forecast, milliseconds = _timed(contender, _windows(series, contender, windows))
        forecasts[contender.name] = _at_levels(forecast, contender.levels, levels)
        costs[contender.name] = {"fit_seconds": contender.fit_seconds, "predict_ms": milliseconds}
    others = baselines_of(windows, baselines) | classical_forecasts(config, windows, split.edges[:, 2], baselines)
    others = {name: _at_levels(forecast, baselines.levels, levels) for name, forecast in others.items()}
    forecasts |= others
    outcomes = replace(outcomes_of(windows, baselines), levels=levels)
    unknown = {"fit_seconds": None, "predict_ms": None}
    best, learned = (baselines.best, baselines.best_intervals), {}
    for each in contenders:
        if words := learned_windows(each.records, panel, windows.origins, windows.steps).text:
            learned[each.name] = words
    rows = [row | costs.get(row["model"], unknown) for row in score_rows(outcomes, forecasts, "all", *best)]
    return Comparison(
        sorted(rows, key=lambda row: row["rmse"]),
        _table(windows, outcomes.actual, forecasts),
        *best,
        {each.name: judged_row(rows, each.name, *best, learned=learned.get(each.name)) for each in contenders},
        levels,
        learned,
    )


def _windows(series: Series, contender: Contender, windows: Windows) -> Windows:
    """The same origins as `windows`, with the columns and the history that a contender sees."""
    names = [find(series.columns, column) for column in contender.columns]
    indices = [series.columns.index(name) for name in names if name is not None]
    if None in names or names[0] != series.target:
        raise DataError(
            f"{contender.name}: needs the columns {', '.join(contender.columns)} and forecasts the first. "
            f"Received: {', '.join(series.columns)}. Give its columns with --target and --past."
        )
    known = windows.origins[0] + 1
    if known < contender.window:
        raise DataError(
            f"{contender.name}: needs {contender.window} rows before the test part. Received: {known}. "
            "Give more rows or another split."
        )
    if indices != list(range(len(series.columns))):
        known = {name: kind for name, kind in series.calendar_columns.items() if name in contender.columns}
        values = series.values[:, indices]
        series = replace(series, values=values, columns=contender.columns, calendar_columns=known)
    return windows_of(Panel.of(series), windows.origins, contender.window, windows.steps)


def _timed(contender: Contender, windows: Windows) -> tuple[Forecast, float]:
    """Forecasts with their intervals, and the milliseconds they take once everything is compiled."""
    contender.forecaster.in_sequence(windows)
    started = time.perf_counter()
    forecast, _ = contender.forecaster.in_sequence(windows)
    return forecast, 1000 * (time.perf_counter() - started)


def _at_levels(forecast: Forecast, have: tuple[float, ...], wanted: tuple[float, ...]) -> Forecast:
    """A forecast with the quantiles wanted alone; with none where none are."""
    if forecast.quantiles is None or not wanted:
        return replace(forecast, quantiles=None)
    return replace(forecast, quantiles=forecast.quantiles[:, :, [have.index(level) for level in wanted]])


def _table(windows: Windows, actual: np.ndarray, forecasts: dict[str, Forecast]) -> pd.DataFrame:
    columns: dict[str, Any] = {
        **ids_and_dates(windows),
        "actual": actual.ravel(),
        **{name: forecast.point.ravel().astype(np.float32) for name, forecast in forecasts.items()},
    }
    if windows.steps > 1:
        columns["step"] = np.tile(np.arange(1, windows.steps + 1), len(windows))
    return pd.DataFrame(columns)

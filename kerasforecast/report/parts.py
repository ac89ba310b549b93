"""What the pages of a fit and of a walk share: intervals to draw, whether they hold, the scores of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.metrics.probabilistic import central_intervals
from kerasforecast.report import figures
from kerasforecast.report.page import Section, table
from kerasforecast.report.scores import score_cells


def first_step(forecasts: pd.DataFrame) -> pd.DataFrame:
    """The first step ahead of each origin."""
    return forecasts[forecasts["step"] == 1] if "step" in forecasts else forecasts


def intervals_of(first: pd.DataFrame, levels: Sequence[float]) -> list[figures.Interval]:
    """The two widest prediction intervals of a table, to be drawn; its quantiles are those of `levels`, ascending."""
    columns = [first[quantile_column(level)].to_numpy() for level in levels]
    intervals = central_intervals(levels) if levels else []
    return [(_named(nominal), columns[low], columns[high]) for nominal, low, high in intervals[:2]]


def calibration(forecasts: pd.DataFrame, levels: Sequence[float], scores: Mapping[str, Any]) -> list[Section]:
    """Whether prediction intervals hold what they promise.

    Args:
        forecasts: With a column of quantiles for each of `levels`.
        levels: Ascending; where there are none, there is no section.
        scores: The model's, with the coverage of each interval.
    """
    if not levels:
        return []
    actual = forecasts["actual"].to_numpy()
    observed = [float(np.mean(actual <= forecasts[quantile_column(level)].to_numpy())) for level in levels]
    figure = figures.calibration(levels, observed)
    rows = [
        [_named(float(nominal)), f"{float(nominal):.1%}", f"{share:.1%}"]
        for nominal, share in (scores.get("coverage") or {}).items()
    ]
    body = table(["", "meant to cover", "covered"], rows) if rows else ""
    note = "A prediction interval says how sure a forecast is. On the diagonal the intervals cover what they promise."
    title = "Calibration of the prediction intervals"
    return [Section(title, note, body, (("Observed share below each quantile", figure),))]


def steps_ahead(model: Mapping[str, Any], naive: Mapping[str, Any]) -> list[Section]:
    """The scores of each step ahead; nothing where there is one alone."""
    if not model["steps"]:
        return []
    errors = {
        name: np.array([step["rmse"] for step in scores["steps"]], np.float64)
        for name, scores in (("model", model), ("naive", naive))
    }
    figure = figures.step_errors(range(1, len(model["steps"]) + 1), errors)
    header, rows = score_cells(model["steps"])
    body = table(["step", *header], [[str(number), *row] for number, row in enumerate(rows, 1)])
    note = "The model's scores of each step, and the RMSE beside the naive forecast's."
    return [Section("Error by steps ahead", note, body, (("RMSE by steps ahead", figure),), wide=True)]


def _named(nominal: float) -> str:
    return f"{100 * nominal:g}% interval"

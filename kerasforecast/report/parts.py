"""What the pages of a fit and of a walk share: intervals to draw, whether they hold, the scores of each step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.metrics.probabilistic import central_intervals
from kerasforecast.report import figures
from kerasforecast.report.page import Section, table
from kerasforecast.report.scores import score_cells


def first_step(forecasts: pd.DataFrame) -> pd.DataFrame:
    """The first step ahead of each origin."""
    return forecasts[forecasts["step"] == 1] if "step" in forecasts else forecasts


def intervals_of(first: pd.DataFrame) -> list[figures.Interval]:
    """The two widest intervals of a table, to be drawn."""
    levels = _levels(first)
    columns = [first[name].to_numpy() for name in levels.values()]
    intervals = central_intervals(list(levels)) if levels else []
    return [(f"{nominal:.0%} interval", columns[low], columns[high]) for nominal, low, high in intervals[:2]]


def calibration(forecasts: pd.DataFrame, scores: Mapping[str, Any]) -> list[Section]:
    """Share of actual values below each quantile; `scores` hold the coverage. Nothing where there are no intervals."""
    levels = _levels(forecasts)
    if not levels:
        return []
    actual = forecasts["actual"].to_numpy()
    observed = [float(np.mean(actual <= forecasts[name].to_numpy())) for name in levels.values()]
    figure = figures.calibration(list(levels), observed)
    rows = [
        [f"{float(nominal):.0%} interval", f"{float(nominal):.1%}", f"{share:.1%}"]
        for nominal, share in (scores.get("coverage") or {}).items()
    ]
    body = table(["", "meant to cover", "covered"], rows) if rows else ""
    note = "Intervals say how sure a forecast is. On the diagonal they hold what they promise."
    return [Section("Calibration of the intervals", note, body, (("Observed share below each quantile", figure),))]


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


def _levels(forecasts: pd.DataFrame) -> dict[float, str]:
    """Quantile levels, ascending, and their columns: `q0.1` is level 0.1."""
    found = {float(name[1:]): name for name in forecasts.columns if re.fullmatch(r"q0?\.\d+", name)}
    return dict(sorted(found.items()))

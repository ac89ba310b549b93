"""What the pages of a fit and of a walk share: forecasts to draw, whether intervals hold, the scores of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import is_price
from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.report import figures
from kerasforecast.report.outlook import interval_name, intervals_of
from kerasforecast.report.page import Section, folded, table
from kerasforecast.report.scores import score_cells

_PATHS = 4_000  # rows of whole paths that a page keeps


def subject(target: str) -> str:
    """What is forecast, as a heading says it."""
    return "Prices" if is_price(target) else target


def steps_of(forecasts: pd.DataFrame) -> int:
    """How many steps ahead the origins of a table have."""
    return int(forecasts["step"].max()) if "step" in forecasts else 1


def happened(forecasts: pd.DataFrame) -> tuple[list[Any], np.ndarray]:
    """Dates and actual values of the rows that were forecast, each once."""
    once = forecasts.drop_duplicates("date")
    return once["date"].tolist(), once["actual"].to_numpy()


def drawn(forecasts: pd.DataFrame, columns: Mapping[str, str], levels: Sequence[float]) -> figures.Drawn:
    """The forecasts of a table to be drawn: all where they are one step ahead, else whole paths, one after another.

    Args:
        forecasts: One row a forecast, the steps of an origin below one another.
        columns: The column of each forecaster by its name in the legend.
        levels: Of the quantiles in the table.
    """
    steps = steps_of(forecasts)
    if steps > 1:
        begins = np.flatnonzero(forecasts["step"] == 1)[::-1][::steps][: max(1, _PATHS // steps)][::-1]
        rows = begins[:, None] + np.arange(steps)
        rows = np.column_stack([rows, rows[:, -1:]]).ravel()  # a gap after each path
        gap = np.arange(len(rows)) % (steps + 1) == steps
        numbers = forecasts.select_dtypes("number").iloc[rows].astype(np.float64).reset_index(drop=True)
        numbers.loc[gap] = np.nan
        forecasts = numbers.assign(date=forecasts["date"].to_numpy()[rows])
    paths = {name: forecasts[column].to_numpy(np.float64) for name, column in columns.items()}
    return figures.Drawn(forecasts["date"].tolist(), paths, intervals_of(forecasts, levels))


def paths_note(forecasts: pd.DataFrame) -> str:
    """Which of the forecasts a chart of `drawn` shows."""
    steps = steps_of(forecasts)
    if steps == 1:
        return "one step ahead"
    origins = int((forecasts["step"] == 1).sum())
    shown = min(-(-origins // steps), max(1, _PATHS // steps))
    return f"whole paths of {steps} steps from {shown:,} of {origins:,} origins, each where the one before ends"


def leads(forecasts: pd.DataFrame, columns: Mapping[str, str]) -> tuple[list[Any], dict[str, np.ndarray]]:
    """How far each forecaster has come before the naive forecast by each origin.

    Returns:
        The dates of the first steps, and by name `(N,)` the naive forecast's squared errors minus the forecaster's,
        added up over all steps and origins so far, in percent of all of the naive forecast's.
    """
    begins = np.flatnonzero(forecasts["step"] == 1) if "step" in forecasts else np.arange(len(forecasts))
    actual = forecasts["actual"].to_numpy(np.float64)
    errors = {name: forecasts[column].to_numpy(np.float64) - actual for name, column in columns.items()}
    naive = forecasts["naive"].to_numpy(np.float64) - actual
    largest = max((float(np.abs(each).max()) for each in (naive, *errors.values())), default=0.0) or 1.0
    squares = (naive / largest) ** 2  # errors of any size have squares of a size that float64 holds
    total = float(squares.sum()) or 1.0
    gains = {
        name: 100 * np.cumsum(np.add.reduceat(squares - (each / largest) ** 2, begins)) / total
        for name, each in errors.items()
    }
    return forecasts["date"].iloc[begins].tolist(), gains


LEAD_NOTE = (
    "The naive forecast's squared errors minus the model's, added up, in percent of all of the naive forecast's: "
    "rising while the model is the better one."
)


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
        [interval_name(float(nominal)), f"{float(nominal):.1%}", f"{share:.1%}"]
        for nominal, share in (scores.get("coverage") or {}).items()
    ]
    body = table(["", "meant to cover", "covered"], rows) if rows else ""
    note = "A prediction interval says how sure a forecast is. On the diagonal the intervals cover what they promise."
    title = "Calibration of the prediction intervals"
    return [Section(title, note, body, (("Observed share below each quantile", figure),))]


def steps_ahead(model: Mapping[str, Any], naive: Mapping[str, Any], score: str = "rmse") -> list[Section]:
    """The scores of each step ahead, `score` drawn; nothing where there is one alone."""
    if not model["steps"]:
        return []
    errors = {
        name: np.array([step[score] for step in scores["steps"]], np.float64)
        for name, scores in (("model", model), ("naive", naive))
    }
    figure = figures.step_errors(range(1, len(model["steps"]) + 1), errors)
    header, rows = score_cells(model["steps"])
    body = table(["step", *header], [[str(number), *row] for number, row in enumerate(rows, 1)])
    note = f"The model's {score.upper()} of each step beside the naive forecast's."
    label = ((f"{score.upper()} by steps ahead", figure),)
    return [Section("Error by steps ahead", note, "", label, wide=True, after=folded("Every score of each step", body))]

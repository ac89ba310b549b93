"""Scores and verdicts in words and columns, the same on every page and on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kerasforecast.data.numerals import numbers
from kerasforecast.errors import printable
from kerasforecast.evaluation.verdict import Judgement
from kerasforecast.report.page import table

_P = "{:.3f}"
_PRICE = "price"  # in the units of the series, which may be of any size
_FEW_STEPS = 4
_ID = 40  # characters of a series' id that a line has room for
_MEDIAN = "median_"
_COLUMNS = {
    "rmse": ("RMSE", _PRICE),
    "mae": ("MAE", _PRICE),
    "mape": ("MAPE", "{:.3f} %"),
    "smape": ("sMAPE", "{:.3f} %"),
    "mase": ("MASE", "{:.4f}"),
    "rmsse": ("RMSSE", "{:.4f}"),
    "median_mase": ("MASE, median", "{:.4f}"),
    "median_rmsse": ("RMSSE, median", "{:.4f}"),
    "median_smape": ("sMAPE, median", "{:.3f} %"),
    "directional_accuracy": ("direction", "{:.1%}"),
    "relative_rmse": ("of naive", "{:.1%}"),
    "p_value": ("DM p", _P),
    "crps": ("CRPS", _PRICE),
    "relative_crps": ("of naive", "{:.1%}"),
    "crps_p_value": ("DM p", _P),
    "scaled_crps": ("CRPS/scale", "{:.4f}"),
    "median_scaled_crps": ("CRPS/scale, median", "{:.4f}"),
    "coverage": ("in {:g}%", "{:.1%}"),
    "fit_seconds": ("fit s", "{:,.1f}"),
    "predict_ms": ("predict ms", "{:,.1f}"),
}


# What is said of one fold: its model, and that against the naive forecast; of several series in the units of each.
FOLD_KEYS = ("rmse", "relative_rmse", "p_value", "crps", "relative_crps", "coverage")
SCALED_FOLD_KEYS = ("mase", "rmsse", "relative_rmse", "p_value", "scaled_crps", "relative_crps", "coverage")


# What a leaderboard has room for.
BOARD_KEYS = (
    *("rmse", "directional_accuracy", "relative_rmse", "p_value", "crps", "relative_crps", "crps_p_value", "coverage"),
    *("fit_seconds", "predict_ms"),
)
SCALED_BOARD_KEYS = (
    *("mase", "median_mase", "rmsse", "relative_rmse", "p_value", "scaled_crps", "relative_crps", "crps_p_value"),
    *("coverage", "fit_seconds", "predict_ms"),
)


def score_cells(
    scores: Sequence[Mapping[str, Any]], keys: Sequence[str] | None = None
) -> tuple[list[str], list[list[str]]]:
    """Headings, and for each of `scores` a row of texts; what nobody has is left out.

    `keys` says which scores; all where `None`. `coverage` makes a column for each interval.
    """
    header: list[str] = []
    rows: list[list[str]] = [[] for _ in scores]
    for key in keys or _COLUMNS:
        title, form = _COLUMNS[key]
        intervals = list(dict.fromkeys(interval for each in scores for interval in each.get("coverage") or {}))
        for interval in intervals if key == "coverage" else [None]:
            values = [_value(each, key) if interval is None else (each.get(key) or {}).get(interval) for each in scores]
            if any(value is not None for value in values):
                header.append(title.format(100 * float(interval)) if interval is not None else title)
                cells = numbers(values) if form == _PRICE else [_cell(form, value) for value in values]
                for row, cell in zip(rows, cells, strict=True):
                    row.append(cell)
    return header, rows


def score_table(
    scores: Mapping[str, Mapping[str, Any]], strong: int | None = 0, keys: Sequence[str] | None = None
) -> str:
    """Forecasters by name down the side, their scores across, as `score_cells` takes them."""
    header, rows = score_cells(list(scores.values()), keys)
    named = [[name.replace("_", " "), *row] for name, row in zip(scores, rows, strict=True)]
    return table(["", *header], named, strong)


def evidence(judgement: Judgement) -> str:
    """The verdicts with their numbers, in a sentence or two."""
    intervals = f" Prediction intervals, by CRPS: {judgement.interval_text}." if judgement.interval_text else ""
    tested = f" Tested {judgement.tested}." if judgement.tested else ""
    return f"{judgement.text[:1].upper()}{judgement.text[1:]}.{intervals}{tested}"


def contestants(scores: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores by name of the model and of its baselines, of `test` of `metrics.json`."""
    return {name: each for name, each in scores.items() if isinstance(each, Mapping) and "rmse" in each}


def worst_series(per_series: pd.DataFrame, count: int) -> list[tuple[str, float]]:
    """The ids and MASE of the series that went worst, of a table as `Evaluation.per_series`; none where none has one.

    An id from a stranger's table may hold anything: it is cut, and stripped of what a terminal would obey.
    """
    known = per_series[per_series["mase"].notna()].nlargest(count, "mase")
    return [(printable(str(name))[:_ID], mase) for name, mase in zip(known.iloc[:, 0], known["mase"], strict=True)]


def shown_steps(count: int) -> list[int]:
    """The steps ahead that a table has room for: all of a few, else 1, 2, 4, 8, ... and the last."""
    if count <= _FEW_STEPS:
        return list(range(1, count + 1))
    return [*(1 << power for power in range((count - 1).bit_length())), count]


def option_tables(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of options for each section of a configuration."""
    return "".join(
        table([section, ""], [[name.replace("_", " "), _option(value)] for name, value in options.items()])
        for section, options in sections.items()
    )


def _option(value: Any) -> str:
    if value is None or value in ([], ()):
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _value(scores: Mapping[str, Any], key: str) -> Any:
    """A score by its key; those of `median` have a prefix."""
    if key.startswith(_MEDIAN):
        return (scores.get("median") or {}).get(key.removeprefix(_MEDIAN))
    return scores.get(key)


def _cell(form: str, value: Any) -> str:
    if value is None:
        return "-"
    return "< 0.001" if form == _P and value < 0.001 else form.format(value)

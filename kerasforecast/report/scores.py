"""Scores and verdicts in words and columns, the same on every page and on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerasforecast.data.numerals import figures
from kerasforecast.report.page import Tone, table

_P = "{:.3f}"
_PRICE = "price"  # in the units of the series, which may be of any size
_COLUMNS = {
    "rmse": ("RMSE", _PRICE),
    "mae": ("MAE", _PRICE),
    "mape": ("MAPE", "{:.3f} %"),
    "smape": ("sMAPE", "{:.3f} %"),
    "mase": ("MASE", "{:.4f}"),
    "rmsse": ("RMSSE", "{:.4f}"),
    "directional_accuracy": ("direction", "{:.1%}"),
    "relative_rmse": ("of naive", "{:.1%}"),
    "p_value": ("DM p", _P),
    "crps": ("CRPS", _PRICE),
    "relative_crps": ("of naive", "{:.1%}"),
    "crps_p_value": ("DM p", _P),
    "coverage": ("in {:g}%", "{:.1%}"),
    "fit_seconds": ("fit s", "{:,.1f}"),
    "predict_ms": ("predict ms", "{:,.1f}"),
}


# What is said of one fold: its model, and that against the naive forecast.
FOLD_KEYS = ("rmse", "relative_rmse", "p_value", "crps", "relative_crps", "coverage")


# What a leaderboard has room for.
BOARD_KEYS = (
    *("rmse", "directional_accuracy", "relative_rmse", "p_value", "crps", "relative_crps", "crps_p_value", "coverage"),
    *("fit_seconds", "predict_ms"),
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
            values = [each.get(key) if interval is None else (each.get(key) or {}).get(interval) for each in scores]
            if any(value is not None for value in values):
                header.append(title.format(100 * float(interval)) if interval is not None else title)
                cells = figures(values) if form == _PRICE else [_cell(form, value) for value in values]
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


def tone(verdict: str, intervals: str | None = None) -> Tone:
    """Whether the verdicts on a model and on its intervals are good news."""
    good = [each.startswith("better") for each in (verdict, intervals or "")]
    if verdict.startswith("worse"):
        return "neutral" if good[1] else "bad"
    return "good" if any(good) else "neutral"


def worth(verdict: str, intervals: str | None = None) -> str:
    """The verdicts as the sentence that says whether the model is worth using."""
    if intervals and intervals.startswith("better") and not verdict.startswith("better"):
        return f"Worth using for its prediction intervals alone: they are {intervals}; its point forecast is {verdict}."
    advice = {"good": "Worth using", "neutral": "Not worth using", "bad": "Do not use"}[tone(verdict)]
    return f"{advice}: {verdict}{f'; its prediction intervals are {intervals}' if intervals else ''}."


def leaders(test: Mapping[str, Any]) -> str:
    """Model and naive forecast side by side, and what the difference means."""
    model, naive, p = test["model"]["rmse"], test["naive"]["rmse"], test["dm"]["p_value"]
    meaning = "a difference within what chance makes" if p >= 0.05 else "a difference that chance rarely makes"
    ours, theirs = figures([model, naive])
    return f"RMSE {ours} against {theirs} for the last value known (the naive forecast): {meaning}."


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


def _cell(form: str, value: Any) -> str:
    if value is None:
        return "-"
    return "< 0.001" if form == _P and value < 0.001 else form.format(value)

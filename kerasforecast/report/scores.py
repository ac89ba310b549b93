"""Scores and verdicts in words and columns, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasforecast.report.page import Tone, table

_COLUMNS = {
    "rmse": ("RMSE", "{:,.4f}"),
    "mae": ("MAE", "{:,.4f}"),
    "mape": ("MAPE", "{:.3f} %"),
    "smape": ("sMAPE", "{:.3f} %"),
    "mase": ("MASE", "{:.4f}"),
    "rmsse": ("RMSSE", "{:.4f}"),
    "directional_accuracy": ("right direction", "{:.1%}"),
    "crps": ("CRPS", "{:,.4f}"),
    "p_value": ("DM p", "{:.3f}"),
    "fit_seconds": ("fit, s", "{:,.1f}"),
    "predict_ms": ("predict, ms", "{:,.1f}"),
}


def score_table(scores: Mapping[str, Mapping[str, Any]], strong: int | None = 0) -> str:
    """Forecasters by name down the side, their scores across; what nobody has is left out."""
    columns = [key for key in _COLUMNS if any(row.get(key) is not None for row in scores.values())]
    widths = list(dict.fromkeys(width for row in scores.values() for width in row.get("coverage") or {}))
    header = ["", *(_COLUMNS[key][0] for key in columns), *(f"in {float(width):.0%} band" for width in widths)]
    rows = []
    for name, row in scores.items():
        cells = [_cell(_COLUMNS[key][1], row.get(key)) for key in columns]
        covered = [_cell("{:.1%}", (row.get("coverage") or {}).get(width)) for width in widths]
        rows.append([name.replace("_", " "), *cells, *covered])
    return table(header, rows, strong)


def tone(verdict: str) -> Tone:
    """Whether a verdict is good news."""
    return "good" if verdict.startswith("better") else "bad" if verdict.startswith("worse") else "neutral"


def worth(verdict: str) -> str:
    """The verdict as the sentence that says whether the model is worth using."""
    advice = {"good": "Worth using", "neutral": "Not worth using", "bad": "Do not use"}[tone(verdict)]
    return f"{advice}: {verdict}."


def leaders(test: Mapping[str, Any]) -> str:
    """Model and naive forecast side by side, and what the difference means."""
    model, naive, p = test["model"]["rmse"], test["naive"]["rmse"], test["dm"]["p_value"]
    meaning = "a difference within what chance makes" if p >= 0.05 else "a difference that chance rarely makes"
    return f"RMSE {model:,.4f} against {naive:,.4f} for the last value known (the naive forecast): {meaning}."


def _cell(form: str, value: Any) -> str:
    return "-" if value is None else form.format(value)

"""Scores and verdicts in words and columns, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasforecast.report.page import Tone, table

_P = "{:.3f}"
_COLUMNS = {
    "rmse": ("RMSE", "{:,.4f}"),
    "mae": ("MAE", "{:,.4f}"),
    "mape": ("MAPE", "{:.3f} %"),
    "smape": ("sMAPE", "{:.3f} %"),
    "mase": ("MASE", "{:.4f}"),
    "rmsse": ("RMSSE", "{:.4f}"),
    "directional_accuracy": ("right direction", "{:.1%}"),
    "relative_rmse": ("of naive RMSE", "{:.1%}"),
    "crps": ("CRPS", "{:,.4f}"),
    "p_value": ("DM p", _P),
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


def p_cell(value: float | None) -> str:
    """A p-value in a table."""
    return _cell(_P, value)


def _cell(form: str, value: Any) -> str:
    if value is None:
        return "-"
    return "< 0.001" if form == _P and value < 0.001 else form.format(value)

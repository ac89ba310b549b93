"""Results on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasforecast.runtime.terminal import say

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.model import Model

_SCORES = ("rmse", "mae", "mape", "mase", "directional_accuracy", "crps", "coverage")


def print_json(content: Any) -> None:
    """One JSON object on stdout."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # JSON has escapes of its own
        text = json.dumps(content, allow_nan=False)
    click.echo(text)


def print_scores(scores: dict[str, Any], verdict: str, interval_verdict: str | None, title: str) -> None:
    """The model's scores above its baselines', step by step where there are several, and the verdicts."""
    from kerasforecast.report.scores import score_cells

    named = {name: value for name, value in scores.items() if isinstance(value, dict) and "rmse" in value}
    named |= {f"model, step {number}": step for number, step in enumerate(named["model"].get("steps", ()), 1)}
    header, rows = score_cells(list(named.values()), _SCORES)
    click.echo(f"{title}: {scores['n']:,} forecasts")
    print_table(["", *header], [[name, *row] for name, row in zip(named, rows, strict=True)])
    print_verdicts("Verdict", verdict, interval_verdict)


def print_verdicts(title: str, verdict: str, interval_verdict: str | None) -> None:
    """A line for the points, and one for the prediction intervals where there are some."""
    click.echo(f"{title}: {verdict}")
    if interval_verdict:
        click.echo(f"Prediction intervals, by CRPS: {interval_verdict}")


def print_table(header: list[str], rows: list[list[str]]) -> None:
    """Texts in columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = "".join(f"{cell:>{width + 2}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        click.echo(f"  {row[0]:<{widths[0]}}{cells}".rstrip())


def print_fit(model: Model, paths: dict[str, Path], *, quiet: bool) -> None:
    """Scores, verdict, and where everything is."""
    record, parameters = model.manifest.training, model.manifest.parameters
    if model.test is None or record is None:
        raise ValueError("A fit has a test and a training record.")
    reason = "validation stopped improving" if record.stopped_early else "all epochs ran"
    if not quiet:
        say(f"Kept epoch {record.best_epoch} of {record.epochs} ({reason}; {record.seconds:.0f} s)")
        if model.manifest.metrics and (diagnosis := model.manifest.metrics.diagnosis):
            say(f"Loss curves: {diagnosis.line}")
    print_scores(model.test.scores, model.test.verdict, model.test.interval_verdict, f"Test on {model.manifest.target}")
    merged = ""
    if parameters.saved != parameters.trained:
        merged = f", {parameters.saved:,} saved: the two bias vectors of a layer are summed"
    click.echo(f"{paths['model']} ({parameters.trained:,} parameters{merged})")
    click.echo(f"{paths['metrics'].parent}/ (report.html, metrics.json, history.csv, test_forecasts.csv)")


def forecast_rows(forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """`[{"date", "forecast", "quantiles"}, ...]`, dates as `kerasforecast.data.stamps.iso_texts` writes them."""
    from kerasforecast.data.stamps import iso_texts

    intervals = forecasts.drop(columns="forecast").rename(columns=lambda name: name.removeprefix("q"))
    rows = zip(iso_texts(forecasts.index), forecasts["forecast"], intervals.to_dict("records"), strict=True)
    return [
        {"date": date, "forecast": float(value), **({"quantiles": quantiles} if quantiles else {})}
        for date, value, quantiles in rows
    ]

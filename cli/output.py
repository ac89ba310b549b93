"""Results on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.model import Model

_SCORES = (
    ("rmse", "RMSE", "{:,.4f}"),
    ("mae", "MAE", "{:,.4f}"),
    ("mape", "MAPE", "{:.3f} %"),
    ("directional_accuracy", "right direction", "{:.1%}"),
)


def say(line: str) -> None:
    """One line for a person, on stderr. Nobody may be left to read it, which must not end a training."""
    try:
        click.echo(line, err=True)
    except OSError:
        lose(sys.stderr)


def lose(stream: TextIO) -> None:
    """Let what is still to come on `stream` go nowhere: its reader or terminal has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def print_json(content: Any) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(content, allow_nan=False, ensure_ascii=False))


def print_scores(scores: dict[str, Any], verdict: str, title: str) -> None:
    """The model's scores beside the naive forecast's, and the verdict."""
    click.echo(f"{title}: {scores['n']:,} forecasts")
    click.echo(f"  {'':<16}{'model':>14}{'naive':>14}")
    for key, name, form in _SCORES:
        cells = [
            form.format(side[key]) if side[key] is not None else "-" for side in (scores["model"], scores["naive"])
        ]
        click.echo(f"  {name:<16}{cells[0]:>14}{cells[1]:>14}")
    click.echo(f"Verdict: {verdict}")


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
    print_scores(model.test.scores, model.test.verdict, f"Test on {model.manifest.target}")
    merged = ""
    if parameters.saved != parameters.trained:
        merged = f", {parameters.saved:,} saved: the two bias vectors of a layer are summed"
    click.echo(f"{paths['model']} ({parameters.trained:,} parameters{merged})")
    click.echo(f"{paths['metrics'].parent}/ (report.html, metrics.json, history.csv, test_forecasts.csv)")


def forecast_rows(forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """`[{"date", "forecast"}, ...]`; dates in ISO form, without the time where all are at midnight."""
    return [
        {"date": date, "forecast": float(value)}
        for date, value in zip(dates_of(forecasts.index), forecasts["forecast"], strict=True)
    ]


def dates_of(index: pd.Index) -> list[str | int]:
    """An index as ISO dates (with the time where any is not midnight) or integers."""
    if not hasattr(index, "normalize"):
        return [int(step) for step in index]
    form = "%Y-%m-%d" if (index == index.normalize()).all() else "%Y-%m-%dT%H:%M:%S"
    return index.strftime(form).tolist()

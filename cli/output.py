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
    ("mase", "MASE", "{:.4f}"),
    ("directional_accuracy", "direction", "{:.1%}"),
    ("crps", "CRPS", "{:,.4f}"),
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
    """The model's scores above its rivals', step by step where there are several, and the verdict."""
    names = [name for name, value in scores.items() if name == "model" or (isinstance(value, dict) and "rmse" in value)]
    nominal = list(scores["model"].get("coverage", {}))
    columns = [*_SCORES, *((level, f"in {float(level):.0%}", "{:.1%}") for level in nominal)]
    columns = [column for column in columns if any(_score(scores[name], column[0]) is not None for name in names)]
    click.echo(f"{title}: {scores['n']:,} forecasts")
    _print_row("", [heading for _, heading, _ in columns])
    for name in names:
        _print_row(name, [_cell(_score(scores[name], key), form) for key, _, form in columns])
    for number, step in enumerate(scores["model"].get("steps", ()), 1):
        _print_row(f"model, step {number}", [_cell(_score(step, key), form) for key, _, form in columns])
    click.echo(f"Verdict: {verdict}")


def _score(scores: dict[str, Any], key: str) -> float | None:
    """A score by its name, or the share inside the interval that `key` names."""
    value: float | None = scores.get(key, scores.get("coverage", {}).get(key))
    return value


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _print_row(name: str, cells: list[str]) -> None:
    click.echo(f"  {name:<15}" + "".join(f"{cell:>11}" for cell in cells))


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
    """`[{"date", "forecast", "quantiles"}, ...]`; dates in ISO form, without the time where all are at midnight."""
    bands = forecasts.drop(columns="forecast").rename(columns=lambda name: name.removeprefix("q"))
    rows = zip(dates_of(forecasts.index), forecasts["forecast"], bands.to_dict("records"), strict=True)
    return [
        {"date": date, "forecast": float(value), **({"quantiles": quantiles} if quantiles else {})}
        for date, value, quantiles in rows
    ]


def dates_of(index: pd.Index) -> list[str | int]:
    """An index as ISO dates (with the time where any is not midnight) or integers."""
    if not hasattr(index, "normalize"):
        return [int(step) for step in index]
    form = "%Y-%m-%d" if (index == index.normalize()).all() else "%Y-%m-%dT%H:%M:%S"
    return index.strftime(form).tolist()

"""What `backtest` and `compare` print in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .output import columns_of, print_json, print_table, print_verdicts

# What stands side by side; groups below one another where the terminal is too narrow for all.
FOLD_GROUPS = (("rmse", "relative_rmse", "p_value"), ("crps", "relative_crps", "coverage"))
BOARD_GROUPS = (
    ("rmse", "directional_accuracy", "relative_rmse", "p_value", "fit_seconds", "predict_ms"),
    ("crps", "relative_crps", "crps_p_value", "coverage"),
)

# Of several series: each in the units of its own.
SCALED_FOLD_GROUPS = (("mase", "rmsse", "relative_rmse", "p_value"), ("scaled_crps", "relative_crps", "coverage"))
SCALED_BOARD_GROUPS = (
    ("mase", "rmsse", "relative_rmse", "p_value", "fit_seconds", "predict_ms"),
    ("scaled_crps", "relative_crps", "crps_p_value", "coverage"),
)

if TYPE_CHECKING:
    from kerasforecast.api.results import WalkResult
    from kerasforecast.evaluation.walk import WalkRecord


def print_walk(found: WalkResult, as_json: bool, *, quiet: bool = False) -> None:
    """Print the verdicts, the scores, and where everything is."""
    record = found.record
    if as_json:
        print_json(record.model_dump(mode="json")["rows"])
        return
    for model in record.models:
        print_verdicts(f"Verdict on {model}", record.judgement(model))
    if not quiet:
        _print_board(record)
        if record.kind == "backtest":
            _print_folds(record)
    for note in record.notes:
        click.echo(note)
    folder = found.files["report"].parent
    click.echo(f"{folder}/ ({record.kind}.html, {record.kind}.json, {record.kind}.csv)")


def _print_folds(record: WalkRecord) -> None:
    ours = record.of(record.models[0])
    names = [["", *(f"fold {fold.fold}" for fold in record.folds)]]
    names += [["forecast", *(f"{fold.start} to {fold.end}" for fold in record.folds)]]
    names += [["n", *(f"{row['n']:,}" for row in ours)]]
    names += [["series", *(f"{row['series']:,}" for row in ours)]] if record.several else []
    groups = SCALED_FOLD_GROUPS if record.several else FOLD_GROUPS
    print_table(names, *(columns_of(ours, keys) for keys in groups))


def _print_board(record: WalkRecord) -> None:
    board = record.over_all()
    series = f" of {board[0]['series']:,} series, scores are means over series" if record.several else ""
    click.echo(f"{record.kind} on {record.target}: {board[0]['n']:,} forecasts{series}")
    names = [str(row["model"]).replace("_", " ") for row in board]
    groups = SCALED_BOARD_GROUPS if record.several else BOARD_GROUPS
    print_table([["", *names]], *(columns_of(board, keys) for keys in groups))

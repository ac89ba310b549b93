"""What `backtest` and `compare` print in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .output import print_json, print_table, print_verdicts

if TYPE_CHECKING:
    from kerasforecast.api.results import WalkResult
    from kerasforecast.evaluation.walk import WalkRecord


def print_walk(found: WalkResult, as_json: bool) -> None:
    """Print the scores, and where everything is."""
    record = found.record
    if as_json:
        print_json(record.model_dump(mode="json")["rows"])
        return
    if record.kind == "backtest":
        _print_folds(record)
    _print_board(record)
    for note in record.notes:
        click.echo(note)
    folder = found.files["report"].parent
    click.echo(f"{folder}/ ({record.kind}.html, {record.kind}.json, {record.kind}.csv)")


def _print_folds(record: WalkRecord) -> None:
    from kerasforecast.report.scores import FOLD_KEYS, score_cells

    ours = record.of(record.models[0])
    header, cells = score_cells(ours, FOLD_KEYS)
    rows = [
        [f"fold {fold.fold}", f"{fold.start} to {fold.end}", f"{row['n']:,}", *cell]
        for fold, row, cell in zip(record.folds, ours, cells, strict=True)
    ]
    print_table(["", "forecast", "n", *header], rows)


def _print_board(record: WalkRecord) -> None:
    from kerasforecast.report.scores import BOARD_KEYS, score_cells

    board = record.over_all()
    header, cells = score_cells(board, BOARD_KEYS)
    click.echo(f"{record.kind} on {record.target}: {board[0]['n']:,} forecasts")
    names = [str(row["model"]).replace("_", " ") for row in board]
    print_table(["", *header], [[name, *row] for name, row in zip(names, cells, strict=True)])
    for model, verdict in record.verdicts.items():
        print_verdicts(f"Verdict on {model}", verdict, record.interval_verdicts.get(model))

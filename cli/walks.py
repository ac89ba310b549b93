"""How `backtest` and `compare` begin, and what they write and print in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import print_json, print_table, print_verdicts

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.config import Config
    from kerasforecast.data.series import Series
    from kerasforecast.evaluation.walk import WalkRecord
    from kerasforecast.runtime.backend import Choice


def begin(
    config: Config, name: str | None, output_dir: Path, threads: int | None, backend: str | None
) -> tuple[Series, str, Choice]:
    """Choose the backend and load the data, before Keras loads: the series, the folder's name, the choice."""
    from kerasforecast.runtime.determinism import activate_for_training
    from kerasforecast.runtime.files import check_writable
    from kerasforecast.runtime.memory import one_arena
    from kerasforecast.runtime.names import name_from, safe_name

    one_arena()
    choice = activate_for_training(backend, threads)
    if name is not None:
        safe_name(name)
    check_writable(output_dir)

    from kerasforecast.baselines.classical import require_extra
    from kerasforecast.data.load import load_series

    require_extra(config)
    series = load_series(config.data, positive_prices=config.network.wants_logs)
    return series, name or name_from(series.name), choice


def finish(folder: Path, record: WalkRecord, table: pd.DataFrame, as_json: bool) -> None:
    """Write the files and the report, and print the scores."""
    from kerasforecast.evaluation.walk import write_walk
    from kerasforecast.report import write_walk_report

    write_walk(folder, record, table)
    write_walk_report(record, table, folder)
    if as_json:
        print_json(record.model_dump(mode="json")["rows"])
        return
    if record.kind == "backtest":
        _print_folds(record)
    _print_board(record)
    for note in record.notes:
        click.echo(note)
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

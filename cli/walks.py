"""How `backtest` and `compare` begin, and what they write and print in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import print_json

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.backend import Choice
    from kerasforecast.backtest import Backtest
    from kerasforecast.compare import Comparison
    from kerasforecast.config import BacktestConfig, Config
    from kerasforecast.data.series import Series
    from kerasforecast.report import WalkRecord

_P = "{:.3f}"
_COLUMNS = (
    ("rmse", "RMSE", "{:,.4f}"),
    ("mae", "MAE", "{:,.4f}"),
    ("directional_accuracy", "direction", "{:.1%}"),
    ("relative_rmse", "of naive", "{:.1%}"),
    ("p_value", "DM p", _P),
    ("fit_seconds", "fit s", "{:,.1f}"),
    ("predict_ms", "predict ms", "{:,.1f}"),
)


def begin(
    config: Config, name: str | None, output_dir: Path, threads: int | None, backend: str | None
) -> tuple[Series, str, Choice]:
    """Choose the backend and load the data, before Keras loads: the series, the folder's name, the choice."""
    from kerasforecast.backend import activate, limit_threads
    from kerasforecast.files import check_writable, name_from, safe_name

    if threads:
        limit_threads(threads)
    choice = activate(backend)
    if name is not None:
        safe_name(name)
    check_writable(output_dir)

    from kerasforecast.data.load import load_series

    series = load_series(config.data, positive_prices=config.network.wants_logs)
    return series, name or name_from(series.name), choice


def backtest_record(
    found: Backtest, series: Series, config: Config, walk: BacktestConfig, name: str, choice: Choice
) -> WalkRecord:
    """What a backtest leaves besides its forecasts."""
    from kerasforecast.report import FoldRecord, WalkRecord

    from .output import dates_of

    dates = dates_of(series.index)
    folds = [
        FoldRecord(
            fold=fold.number,
            skipped=fold.first,
            train=fold.train_end - fold.first,
            validation=fold.known_end - fold.train_end,
            gap=fold.start - fold.known_end,
            test=fold.stop - fold.start,
            start=str(dates[fold.start]),
            end=str(dates[fold.stop - 1]),
        )
        for fold in found.folds
    ]
    facts = _facts(series, config, name, choice)
    verdicts = {config.network.model: found.verdict.text}
    return WalkRecord(kind="backtest", verdicts=verdicts, rows=found.rows, folds=folds, walk=walk, **facts)


def compare_record(
    found: Comparison, series: Series, config: Config, name: str, choice: Choice, notes: list[str]
) -> WalkRecord:
    """What a comparison leaves besides its forecasts."""
    from kerasforecast.report import WalkRecord

    facts = _facts(series, config, name, choice)
    return WalkRecord(kind="compare", verdicts=found.verdicts, rows=found.rows, notes=notes, **facts)


def finish(folder: Path, record: WalkRecord, table: pd.DataFrame, as_json: bool) -> None:
    """Write the files and the report, and print the scores."""
    from kerasforecast.report import write_walk, write_walk_report

    paths = write_walk(folder, record, table)
    write_walk_report(paths["scores"])
    if as_json:
        print_json(record.model_dump(mode="json")["rows"])
        return
    if record.kind == "backtest":
        _print_folds(record)
    _print_board(record)
    for note in record.notes:
        click.echo(note)
    click.echo(f"{folder}/ ({record.kind}.html, {record.kind}.json, {record.kind}.csv)")


def _facts(series: Series, config: Config, name: str, choice: Choice) -> dict[str, Any]:
    from kerasforecast.backend import provenance

    from .output import dates_of

    dates = dates_of(series.index)
    data = f"{series.source.kind} {series.source.location}".strip()
    return {
        "name": name,
        "target": series.target,
        "config": config,
        "data": f"{data}: {len(series):,} rows, {dates[0]} to {dates[-1]}",
        **provenance(choice.name),
    }


def _print_folds(record: WalkRecord) -> None:
    model = record.models[0]
    rows = {(row["fold"], row["model"]): row for row in record.rows}
    spans = [f"{fold.start} to {fold.end}" for fold in record.folds]
    width = max(map(len, spans))
    click.echo(f"{'fold':>4}  {'forecast':<{width}}{'n':>7}{'RMSE':>12}{'naive':>12}{'of naive':>10}{'DM p':>8}")
    for fold, span in zip(record.folds, spans, strict=True):
        ours, naive = rows[fold.fold, model], rows[fold.fold, "naive"]
        cells = [_cell("{:.1%}", ours["relative_rmse"]), _cell(_P, ours["p_value"])]
        click.echo(
            f"{fold.fold:>4}  {span:<{width}}{ours['n']:>7,}{ours['rmse']:>12,.4f}{naive['rmse']:>12,.4f}"
            f"{cells[0]:>10}{cells[1]:>8}"
        )


def _print_board(record: WalkRecord) -> None:
    board = record.over_all()
    click.echo(f"{record.kind} on {record.target}: {board[0]['n']:,.0f} forecasts")
    width = max(16, *(len(str(row["model"])) + 2 for row in board))
    columns = [column for column in _COLUMNS if any(row.get(column[0]) is not None for row in board)]
    click.echo(f"  {'':<{width}}" + "".join(f"{name:>12}" for _, name, _ in columns))
    for row in board:
        cells = "".join(f"{_cell(form, row.get(key)):>12}" for key, _, form in columns)
        click.echo(f"  {str(row['model']).replace('_', ' '):<{width}}{cells}")
    for model, verdict in record.verdicts.items():
        click.echo(f"Verdict on {model}: {verdict}")


def _cell(form: str, value: Any) -> str:
    if value is None:
        return "-"
    return "< 0.001" if form == _P and value < 0.001 else form.format(value)

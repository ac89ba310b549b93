"""`kerasforecast backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasforecast.config import BacktestConfig

from .options import SectionedCommand, backend_option, fit_options, given, output_options, section, skill_option

if TYPE_CHECKING:
    from kerasforecast.evaluation.backtest import Fold
    from kerasforecast.evaluation.folds import Forecasts


@click.command(
    cls=SectionedCommand,
    epilog="Example: kerasforecast backtest prices.csv --folds 10 --scheme sliding --gap 5",
    short_help="Walk forward over the test part, fold by fold.",
)
@fit_options
@section(BacktestConfig)
@click.option("--name", help="Name of the folder. The ticker, or the file's name, when not given.")
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=Path("saved_models"), show_default=True, help="Where to."
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@skill_option
@backend_option
@output_options
def backtest(
    name: str | None,
    output_dir: Path,
    threads: int | None,
    require_skill: float | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Forecast the test part of FILE, a ticker or the embedded IBM prices in folds, each by a model of earlier rows.

    Every fold has its own scaling and its own validation rows for early stopping. Finished folds are kept in
    OUTPUT_DIR/NAME/backtest/; the same command goes on after an interruption. Scores, forecasts and a report go there.
    """
    from kerasforecast.config import Config, checked
    from kerasforecast.runtime.backend import load_quietly

    from .walks import begin, finish

    chosen = given(options)
    walk = checked(BacktestConfig, {key: chosen.pop(key) for key in BacktestConfig.model_fields if key in chosen})
    config = Config.from_options(**chosen)
    series, name, choice = begin(config, name, output_dir, threads, backend)
    folder = output_dir / name / "backtest"

    from kerasforecast.evaluation.backtest import fingerprint, folds_of, run_backtest
    from kerasforecast.evaluation.folds import FoldStore
    from kerasforecast.evaluation.walk import backtest_record

    folds_of(series, config, walk)  # refuse what cannot be walked before Keras loads
    load_quietly()
    from kerasforecast.evaluation.refit import Refitter

    found = run_backtest(
        series,
        config,
        walk,
        Refitter(config, len(series.columns)),
        FoldStore(folder, fingerprint(series, config, walk)),
        None if quiet else lambda fold, forecasts, kept: _tell(walk.folds, fold, forecasts, kept),
    )
    record = backtest_record(found, series, config, walk, name, choice.name)
    finish(folder, record, found.table, as_json)
    if require_skill is not None:
        found.require_skill(require_skill)


def _tell(count: int, fold: Fold, forecasts: Forecasts, kept: bool) -> None:
    """A line a fold, on stderr."""
    how = "kept from before" if kept else f"{forecasts.epochs} epochs  {forecasts.fit_seconds:.1f} s"
    if not kept and not forecasts.fit_seconds:
        how = "the first fold's model"
    click.echo(f"fold {fold.number:>3}/{count}  {fold.stop - fold.start:>5,} forecasts  {how}", err=True)

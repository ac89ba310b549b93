"""`kerasforecast backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kerasforecast.sections.split import BacktestConfig

from .options import (
    COMMON,
    SectionedCommand,
    backend_option,
    fold_options,
    given,
    output_dir_option,
    output_options,
    ray_option,
    section,
    skill_option,
)


@click.command(
    cls=SectionedCommand,
    common=(*COMMON, "folds"),
    epilog="Example: kerasforecast backtest prices.csv --folds 10 --scheme sliding --gap 5",
    short_help="Walk forward over the test part, fold by fold.",
)
@fold_options
@section(BacktestConfig)
@click.option("--name", help="Name of the folder; replaces results there. The ticker's or file's when not given.")
@output_dir_option
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@skill_option
@ray_option
@backend_option
@output_options
def backtest(
    name: str | None,
    output_dir: Path,
    threads: int | None,
    require_skill: float | None,
    ray: str | None,
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
    import kerasforecast
    from kerasforecast.runtime.memory import one_arena

    from .walks import print_walk

    one_arena()
    found = kerasforecast.backtest(
        options.pop("file"),
        **given(options),
        name=name,
        output_dir=output_dir,
        progress=not quiet,
        backend=backend,
        threads=threads,
        ray=ray,
    )
    print_walk(found, as_json, quiet=quiet)
    if require_skill is not None:
        found.require_skill(require_skill)

"""`kerasforecast fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import SectionedCommand, backend_option, fit_options, given, output_options, skill_option


@click.command(
    cls=SectionedCommand,
    epilog="Example: kerasforecast fit prices.csv --target Close --epochs 30 --name acme",
    short_help="Train a model and write it as a .keras file.",
)
@fit_options
@click.option("--name", help="Name of the model. The ticker, or the file's name, when not given.")
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=Path("saved_models"), show_default=True, help="Where to."
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@skill_option
@backend_option
@output_options
def fit(
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
    """Train a model on FILE, a ticker, or the embedded IBM prices, and score it beside the simple rivals.

    FILE is a table with a date column and a column to forecast (Close, unless --target names another). The model goes
    to OUTPUT_DIR/NAME.keras; its scores, history and test forecasts into OUTPUT_DIR/NAME/.
    """
    from kerasforecast.backend import activate, limit_threads, load_quietly
    from kerasforecast.config import Config
    from kerasforecast.files import check_writable, name_from, safe_name

    config = Config.from_options(**given(options))
    if threads:
        limit_threads(threads)
    choice = activate(backend)
    if name is not None:
        safe_name(name)
    check_writable(output_dir)

    from kerasforecast.data.load import load_series

    series = load_series(config.data, positive_prices=config.network.wants_logs)
    name = name or name_from(series.name)

    load_quietly()
    from kerasforecast.pipeline import fit as train
    from kerasforecast.pipeline import write_run

    from .progress import Progress

    checkpoint = output_dir / name / "checkpoint.keras"
    with Progress(config, choice, quiet=quiet) as progress:
        model = train(
            config, series, name=name, checkpoint=checkpoint, on_start=progress.start, on_epoch=progress.epoch
        )
    paths = write_run(model, output_dir, name)
    checkpoint.unlink(missing_ok=True)

    from .output import print_fit, print_json

    if as_json:
        print_json(
            {
                **model.manifest.model_dump(mode="json")["metrics"],
                "files": {key: str(path) for key, path in paths.items()},
            }
        )
    else:
        print_fit(model, paths, quiet=quiet)
    if require_skill is not None and model.test:
        model.test.require_skill(require_skill)

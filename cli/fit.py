"""`kerasforecast fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import SectionedCommand, backend_option, fit_options, given, output_options, skill_option

if TYPE_CHECKING:
    from kerasforecast.runtime.backend import Choice


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
@click.option("--resume", metavar="NAME", help="Go on with the stopped run of this name, with its options and data.")
@click.option(
    "--checkpoint-every", type=click.IntRange(1), metavar="STEPS", help="Save the state within epochs too. Each epoch."
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@click.option("--deterministic", is_flag=True, help="Bit-equal runs, on a GPU too: one thread, fixed order of sums.")
@skill_option
@backend_option
@output_options
def fit(
    name: str | None,
    output_dir: Path,
    resume: str | None,
    checkpoint_every: int | None,
    threads: int | None,
    deterministic: bool,
    require_skill: float | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Train a model on FILE, a ticker, or the embedded IBM prices, and score it beside the simple baselines.

    FILE is a table with a date column and a column to forecast (Close, unless --target names another). The model goes
    to OUTPUT_DIR/NAME.keras; its report, scores, history and test forecasts into OUTPUT_DIR/NAME/.
    """
    from kerasforecast.config import Config
    from kerasforecast.errors import OptionError, shown
    from kerasforecast.runtime.files import check_writable
    from kerasforecast.runtime.names import name_from, safe_name
    from kerasforecast.training.checkpoint import STATES, newest, resumed_config

    if resume and name not in (None, resume):
        raise OptionError(f"--resume NAME names the model itself. Received: --name {shown(name)} too. Leave it out.")
    name = resume or name
    if name is not None:
        safe_name(name)
    resumed = newest(output_dir / resume / STATES) if resume else None
    config = resumed_config(resumed, given(options)) if resumed else Config.from_options(**given(options))
    machine: dict[str, Any] = {"backend": backend, "threads": threads, "deterministic": deterministic}
    if resumed:
        machine = {key: value or resumed.facts["run"]["machine"][key] for key, value in machine.items()}
    choice = _activate(**machine, seed=config.training.seed)
    check_writable(output_dir)

    from kerasforecast.data.load import load_series

    pinned = {"snapshot": resumed.facts["snapshot"]} if resumed and config.data.ticker else {}
    series = load_series(config.data.model_copy(update=pinned), positive_prices=config.network.wants_logs)
    name = name or name_from(series.name)

    from kerasforecast.runtime.backend import load_quietly
    from kerasforecast.runtime.locks import locked
    from kerasforecast.runtime.signals import Deferred

    load_quietly()
    from kerasforecast.pipeline import fit as train
    from kerasforecast.pipeline import write_run
    from kerasforecast.training.run import Run

    from .progress import Progress

    run = Run(output_dir / name, checkpoint_every, machine | {"backend": choice.name}, resumed)
    with locked(run.folder):
        with Progress(config, choice, quiet=quiet) as progress:
            model = train(
                config,
                series,
                name=name,
                run=run,
                on_start=progress.start,
                on_epoch=progress.epoch,
                on_note=progress.note,
            )
        with Deferred():
            paths = write_run(model, output_dir, name)
            run.clear()

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


def _activate(backend: str | None, threads: int | None, deterministic: bool, seed: int) -> Choice:
    """Choose the backend and how it computes, before it loads."""
    from kerasforecast.runtime.determinism import activate_for_training, make_deterministic

    choice = activate_for_training(backend, threads)
    if deterministic:
        make_deterministic(choice.name, seed)
    return choice

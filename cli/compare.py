"""`kerasforecast compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kerasforecast.models.families import registry
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.evaluation import EvaluationConfig
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.split import SplitConfig
from kerasforecast.sections.training import TrainingConfig

from .models import model_path
from .options import (
    COMMON,
    DATA_FLAGS,
    FOLD_TRAINING,
    SectionedCommand,
    backend_option,
    given,
    output_dir_option,
    output_options,
    ray_option,
    section,
)

NETWORK_FLAGS = tuple(name for name in NetworkConfig.model_fields if name != "model")


@click.command(
    cls=SectionedCommand,
    common=("file", *COMMON),
    epilog="Example: kerasforecast compare lstm gru saved_models/ibm.keras --epochs 30",
    short_help="Rank models and every baseline on the same origins.",
)
@click.argument("models", nargs=-1, required=True)
@section(DataConfig, only=("file", *DATA_FLAGS))
@section(SplitConfig)
@section(NetworkConfig, only=NETWORK_FLAGS)
@section(TrainingConfig, only=FOLD_TRAINING)
@section(EvaluationConfig)
@click.option("--name", help="Name of the folder; replaces results there. The ticker's or file's when not given.")
@output_dir_option
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@ray_option
@backend_option
@output_options
def compare(
    models: tuple[str, ...],
    name: str | None,
    output_dir: Path,
    threads: int | None,
    ray: str | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Rank MODELS, which are model files and names of networks (lstm, gru, rnn, ...), beside every baseline.

    Networks named are trained with the options given; files are taken as they are, and say what the columns of the
    table are where no option does. All forecast the same origins, the test part of --file, a ticker, or the embedded
    IBM prices. The leaderboard, forecasts and a report go to OUTPUT_DIR/NAME/compare/.
    """
    import kerasforecast
    from kerasforecast.runtime.memory import one_arena

    from .walks import print_walk

    one_arena()
    networks = registry.models()
    found = kerasforecast.compare(
        [model if model in networks else str(model_path(Path(model))) for model in models],
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

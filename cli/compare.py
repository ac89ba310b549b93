"""`kerasforecast compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasforecast.config import DataConfig, EvaluationConfig, NetworkConfig, SplitConfig, TrainingConfig, choices

from .options import DATA_FLAGS, SectionedCommand, backend_option, given, output_options, section

if TYPE_CHECKING:
    from kerasforecast.config import Config
    from kerasforecast.data.series import Series
    from kerasforecast.evaluation.compare import Contender
    from kerasforecast.preprocessing.split import Split
    from kerasforecast.runtime.backend import Choice

NETWORK_FLAGS = tuple(name for name in NetworkConfig.model_fields if name != "model")


@click.command(
    cls=SectionedCommand,
    epilog="Example: kerasforecast compare lstm gru saved_models/ibm.keras --epochs 30",
    short_help="Rank models and every baseline on the same origins.",
)
@click.argument("models", nargs=-1, required=True)
@section(DataConfig, only=("file", *DATA_FLAGS))
@section(SplitConfig)
@section(NetworkConfig, only=NETWORK_FLAGS)
@section(TrainingConfig)
@section(EvaluationConfig)
@click.option("--name", help="Name of the folder. The ticker, or the file's name, when not given.")
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=Path("saved_models"), show_default=True, help="Where to."
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@backend_option
@output_options
def compare(
    models: tuple[str, ...],
    name: str | None,
    output_dir: Path,
    threads: int | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Rank MODELS, which are model files and names of networks (lstm, gru, rnn, ...), beside every baseline.

    Networks named are trained with the options given; files are taken as they are. All forecast the same origins, the
    test part of --file, a ticker, or the embedded IBM prices. The leaderboard, forecasts and a report go to
    OUTPUT_DIR/NAME/compare/.
    """
    from kerasforecast.config import Config
    from kerasforecast.runtime.backend import load_quietly

    from .walks import begin, finish

    names = _named(models)
    config = Config.from_options(**given(options))
    series, name, choice = begin(config, name, output_dir, threads, backend)

    from kerasforecast.preprocessing.split import split_series

    split = split_series(series, config.split, config.network)
    load_quietly()

    from kerasforecast.evaluation.compare import compare as compare_on
    from kerasforecast.evaluation.walk import compare_record

    notes: list[str] = []
    contenders = [
        _contender(label, model, config, series, split, notes, choice, quiet) for label, model in names.items()
    ]
    found = compare_on(series, config, split, contenders)
    if found.levels != config.levels:
        kept = ", ".join(map("{:g}".format, found.levels)) or "none"
        notes.append(f"Intervals are scored at the levels that all models have: {kept}.")
    record = compare_record(found, series, config, name, choice.name, notes)
    finish(output_dir / name / "compare", record, found.table, as_json)


def _named(models: tuple[str, ...]) -> dict[str, str]:
    """What stands on the leaderboard, and the model: a network's name, or the path of a file.

    Raises:
        OptionError: A model is neither, or is given twice.
    """
    from kerasforecast.errors import OptionError, shown

    networks = choices(NetworkConfig, "model")
    names: dict[str, str] = {}
    for model in models:
        if model not in networks and not model.endswith(".keras"):
            raise OptionError(
                f"A model to compare must be a .keras file or one of {', '.join(networks)}. Received: {shown(model)}."
            )
        label = model if model in networks else Path(model).stem
        label = model if label in names or (label in networks and label != model) else label
        if label in names:
            raise OptionError(f"Models to compare must differ. Received: {shown(model)} twice.")
        names[label] = model
    return names


def _contender(
    label: str, model: str, config: Config, series: Series, split: Split, notes: list[str], choice: Choice, quiet: bool
) -> Contender:
    from kerasforecast import load
    from kerasforecast.evaluation.compare import Contender

    if model.endswith(".keras"):
        found = load(model)
        if reach := _reach(found.manifest.data, series, split):
            notes.append(f"{label} learned from rows up to {reach}, within the test part: its scores flatter it.")
    else:
        found = _trained(model, config, series, choice, quiet)
    manifest = found.manifest
    return Contender(
        label,
        manifest.columns,
        manifest.config.network.window,
        found.forecaster,
        manifest.calibration.levels if manifest.calibration else (),
        manifest.training.seconds if manifest.training else None,
    )


def _trained(model: str, config: Config, series: Series, choice: Choice, quiet: bool) -> Any:
    from kerasforecast.api.progress import Progress
    from kerasforecast.pipeline import fit

    network = config.network.model_copy(update={"model": model})
    alone = config.evaluation.model_copy(update={"baselines": ()})  # the leaderboard has them, once
    chosen = config.model_copy(update={"network": network, "evaluation": alone})
    with Progress(chosen, choice, not quiet) as progress:
        return fit(chosen, series, name=model, on_start=progress.start, on_epoch=progress.epoch)


def _reach(data: Any, series: Series, split: Split) -> str | None:
    """The last date that a model learned from, where it lies in the test part."""
    from kerasforecast.data.stamps import parsed

    known = data.split.get("validation") if data else None
    end = parsed(known.end) if known and series.dated else None
    return known.end if known and end is not None and end >= series.index[split.validation_end] else None

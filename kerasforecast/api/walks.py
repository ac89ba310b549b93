"""What a backtest and a comparison do on the machine and its disk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kerasforecast.api.agreement import known_of_table
from kerasforecast.api.asked import Request
from kerasforecast.api.naming import check_place, default_walk_name
from kerasforecast.artifact.inputs import INHERITED
from kerasforecast.config import Config
from kerasforecast.errors import OptionError, shown
from kerasforecast.models.families import registry
from kerasforecast.runtime.backend import Choice, load_quietly
from kerasforecast.runtime.determinism import activate_for_training
from kerasforecast.runtime.extras import require_ray
from kerasforecast.runtime.names import name_from
from kerasforecast.runtime.tasks import executor
from kerasforecast.sections.section import checked
from kerasforecast.sections.split import BacktestConfig

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.api.results import BacktestResult, WalkResult
    from kerasforecast.data.panel import Panel
    from kerasforecast.evaluation.compare import Contender
    from kerasforecast.evaluation.walk import WalkRecord
    from kerasforecast.model import Model
    from kerasforecast.sections.network import NetworkConfig

# What else stands in a leaderboard, or in the table of forecasts beside it; and the baselines with a season.
_TAKEN = frozenset(("date", "actual", "step", "naive", "drift", "moving_average", "smoothing", "ewma", "ewma_fhs"))


@dataclass(frozen=True)
class Begun:
    """What a walk has before Keras loads."""

    config: Config
    choice: Choice
    panel: Panel
    name: str
    folder: Path | None
    chosen: str | None  # what to say of a window that was chosen


def carry_out_backtest(request: Request, walk_options: dict[str, Any]) -> BacktestResult:
    """Walk over the test part, going on with the folds that are kept in the folder."""
    walk: BacktestConfig = checked(BacktestConfig, walk_options)
    if request.ray is not None and not walk.refit:
        raise OptionError("--ray has no effect with --no-refit, which trains one model. Received: both. Leave one out.")
    _refuse_final(request)
    begun = _begin(request, "backtest")
    panel, chooses = begun.panel, begun.config.network.family.chooses

    from kerasforecast.api.progress import Progress
    from kerasforecast.api.results import BacktestResult
    from kerasforecast.evaluation.backtest import fingerprint, run_backtest
    from kerasforecast.evaluation.context import with_window_of_rules
    from kerasforecast.evaluation.cuts import folds_of, left_out_of
    from kerasforecast.evaluation.folds import FoldStore
    from kerasforecast.evaluation.walk import backtest_record
    from kerasforecast.forecasting.levels import within_validation

    config = with_window_of_rules(begun.config, panel) if chooses else begun.config
    folds = folds_of(panel, config, walk)  # refuse what cannot be walked before Keras loads
    windows = folds[0].split(config.network).windows_in("validation", config.steps)
    config, absent = within_validation(config, windows)
    load_quietly()
    from kerasforecast.evaluation.refit import Refitter
    from kerasforecast.selection.anew import Chooser

    progress = Progress(config, begun.choice, request.progress)
    left_out, said = left_out_of(folds, panel), [*filter(None, [begun.chosen])]
    if chooses:
        said.append(
            "Every fold chooses its networks anew." if walk.refit else "Networks are chosen before the first fold."
        )
    for note in (*panel.notes, *_held(config, panel), *said, *left_out):
        progress.note(note)
    store = FoldStore(begun.folder, fingerprint(panel, config, walk)) if begun.folder else None
    with executor(request.ray, begun.choice.name, request.threads) as workers:
        found = run_backtest(
            panel,
            config,
            walk,
            (Chooser if chooses else Refitter)(config),
            store,
            lambda fold, forecasts, kept: progress.fold(fold, forecasts, kept, walk.folds),
            workers,
        )
    notes = [*said, *left_out, *filter(None, [absent]), *found.notes]
    record = backtest_record(found, panel, config, walk, begun.name, begun.choice.name, notes)
    return BacktestResult(record, found.table, _written(begun.folder, record, found.table), found=found)


def carry_out_comparison(models: Sequence[str | PathLike | Model], request: Request) -> WalkResult:
    """Rank models on the test part, training those that are named."""
    named = _named(models)
    _refuse_final(request)
    trained = [model for model in named.values() if isinstance(model, str) and model in registry.models()]
    configs = Config.of_families(trained, **request.options)
    known = known_of_table(named, request)
    config = _reading(next(iter(configs.values()), None) or Config.from_options(**request.options), known)
    begun = _begin(request, "compare", config, known.keys() & INHERITED, trains=bool(trained))
    config, panel = begun.config, begun.panel
    configs = {model: _reading(each, known) for model, each in configs.items()}
    _refuse_namesakes(trained, config)

    from kerasforecast.api.results import WalkResult
    from kerasforecast.preprocessing.split import split_panel

    split = split_panel(panel, config.split, _least(config.network), config.steps)
    load_quietly()

    from kerasforecast.api.contestants import trained_elsewhere, trained_here
    from kerasforecast.api.loading import load
    from kerasforecast.evaluation.compare import compare
    from kerasforecast.evaluation.walk import compare_record

    place, elsewhere = (panel, begun.choice, request.progress), request.ray is not None
    ready = trained_elsewhere(configs, *place, request.ray, request.threads) if elsewhere else {}
    contenders = []
    for label, model in named.items():
        if isinstance(model, str) and model in configs:
            found = ready.get(model) or trained_here(model, configs[model], *place)
        else:
            found = load(model) if isinstance(model, str) else model
        contenders.append(_contender(label, found))
        if config.network.family.chooses and label in configs:  # the rules see as much as what was chosen
            config = config.model_copy(update={"network": found.config.network})
            split = split_panel(panel, config.split, config.network, config.steps)
    comparison = compare(panel, config, split, contenders)
    notes = [] if configs else _held(config, panel)  # a fit says it
    notes += comparison.notes
    notes += [
        f"{name} has learned from these forecasts ({words}): its scores flatter it."
        for name, words in comparison.learned.items()
    ]
    if comparison.levels != config.levels:
        kept = ", ".join(map("{:g}".format, comparison.levels)) or "none"
        notes.append(f"Prediction intervals are scored at the levels that all models have: {kept}.")
    record = compare_record(comparison, panel, config, begun.name, begun.choice.name, notes)
    return WalkResult(record, comparison.table, _written(begun.folder, record, comparison.table))


def _reading(config: Config, known: dict[str, Any]) -> Config:
    """`config`, with how the table is read."""
    return config.model_copy(update={"data": config.data.model_copy(update=known)}) if known else config


def _refuse_final(request: Request) -> None:
    """Refuse `--final`, by which weights learn from the rows that a walk is to forecast."""
    if "final" in request.options:
        raise OptionError(
            "--final has no effect where the test part is walked over: no model may learn from it. "
            f"Received: {shown(request.options['final'])}. Leave it out."
        )


def _least(network: NetworkConfig) -> NetworkConfig:
    """The network, or where it is yet to be chosen one with the shortest window."""
    return network.model_copy(update={"window": 2}) if network.family.chooses else network


def _held(config: Config, panel: Panel) -> list[str]:
    from kerasforecast.data.calendar_columns import held_beyond

    return held_beyond(panel.past_columns, config.network.horizon, config.steps)


def _begin(
    request: Request,
    kind: Literal["backtest", "compare"],
    config: Config | None = None,
    inherited: Collection[str] = (),
    *,
    trains: bool = True,
) -> Begun:
    """Choose the backend and load the data, before Keras loads.

    Args:
        request: What was asked for.
        kind: Of walk.
        config: Where the options are sorted already.
        inherited: Fields of it that name columns which a table may lack.
        trains: Whether a network is trained.
    """
    require_ray(request.ray)
    config = config or Config.from_options(**request.options)
    if kind == "backtest":
        _refuse_namesakes([config.network.model], config)
    choice = activate_for_training(request.backend, request.threads)
    check_place(request.name, request.output_dir)

    from kerasforecast.api.runs import ready_panel

    panel, config, chosen = ready_panel(config, request.frame, inherited, trains=trains)
    if request.output_dir is None:
        return Begun(config, choice, panel, request.name or name_from(panel.name), None, chosen)
    name = request.name or default_walk_name(panel, request.output_dir, kind)
    return Begun(config, choice, panel, name, request.output_dir / name / kind, chosen)


def _written(folder: Path | None, record: WalkRecord, table: pd.DataFrame) -> dict[str, Path]:
    from kerasforecast.evaluation.walk_files import write_walk
    from kerasforecast.report import write_walk_report

    if folder is None:
        return {}
    return write_walk(folder, record, table) | {"report": write_walk_report(record, table, folder)}


def _named(models: Sequence[str | PathLike | Model]) -> dict[str, str | Model]:
    """What stands on the leaderboard, and the model: a network's name, the path of a file, or a model at hand.

    Raises:
        OptionError: A model is none of these, or is given twice.
    """
    if isinstance(models, str | PathLike) or not models:
        raise OptionError(f"Models to compare must be a list of at least one. Received: {shown(models)}.")
    networks = registry.models()
    names: dict[str, str | Model] = {}
    for each in models:
        model = str(each) if isinstance(each, str | PathLike) else each
        label = model if isinstance(model, str) else _own(model.manifest.name)
        if isinstance(model, str) and model not in networks:
            if not model.endswith(".keras"):
                raise OptionError(
                    f"A model to compare must be a .keras file or one of {', '.join(networks)}. "
                    f"Received: {shown(model)}. A table is given by --file."
                )
            label = _own(Path(model).stem)
            label = model if label in names or label in networks else label
        if label in names:
            raise OptionError(f"Models to compare must differ. Received: {shown(label)} twice.")
        names[label] = model
    return names


def _refuse_namesakes(networks: Sequence[str], config: Config) -> None:
    """Refuse a network and a baseline that a leaderboard would call the same."""
    for name in networks:
        if name in config.evaluation.baselines:
            raise OptionError(
                f"--baselines must have other names than the networks it stands beside. Received: {name} twice. "
                "Leave one of them out."
            )


def _own(name: str) -> str:
    """The name of a model where no baseline and no other column of the table has it; one like it elsewhere."""
    from kerasforecast.baselines.classical import STATISTICAL
    from kerasforecast.baselines.seasonal import season_of

    return f"{name} (model)" if name in _TAKEN or name in STATISTICAL or season_of(name) else name


def _contender(label: str, model: Model) -> Contender:
    from kerasforecast.evaluation.compare import Contender
    from kerasforecast.evaluation.matching import Wanted
    from kerasforecast.preprocessing.covariates import Categories

    manifest, roles = model.manifest, model.manifest.roles
    static = manifest.members[0].covariates.static
    categories = tuple(each.names if isinstance(each, Categories) else () for each in static)
    return Contender(
        label,
        Wanted((roles.target, *roles.past), roles.known, roles.static, categories, roles.calendar),
        manifest.window,
        model.forecaster,
        manifest.calibration.levels if manifest.calibration else (),
        manifest.fit_seconds,
        manifest.learned_from,
        manifest.context,
        manifest.horizon,
        manifest.config.split.holdout_series,
    )

"""What a study does on the machine and its disk: trials, then the winner and the untuned default, then its files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kerasforecast.api.asked import Request
from kerasforecast.api.naming import check_place, default_model_name
from kerasforecast.config import Config
from kerasforecast.errors import OptionError, shown, whole_number
from kerasforecast.runtime.backend import Choice, load_quietly, provenance
from kerasforecast.runtime.determinism import activate_for_training
from kerasforecast.runtime.extras import require_package, require_ray
from kerasforecast.runtime.locks import locked, locked_in_turn
from kerasforecast.runtime.names import name_from
from kerasforecast.runtime.signals import Deferred
from kerasforecast.runtime.tasks import executor
from kerasforecast.tuning.space import space_of, stages_of

if TYPE_CHECKING:
    from kerasforecast.api.study_progress import Said
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model
    from kerasforecast.training.run import Run
    from kerasforecast.tuning.bench import Bench
    from kerasforecast.tuning.record import Stage, StudyRecord, Trial
    from kerasforecast.tuning.study import Study

_SEARCHED = 30  # trials of a search where nobody says how many
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, kw_only=True)
class StudyRequest(Request):
    """A study as it was asked for; the fields are arguments of `kerasforecast.tune` that are no options of a fit."""

    stages: tuple[str, ...]
    tries: dict[str, Any]
    search: bool
    trials: int | None
    time: str | float | None
    objectives: str
    measure: Literal["rmsse", "mase"]
    seeds: int
    rounds: int

    @property
    def seconds(self) -> float | None:
        """That a study may begin trials.

        Raises:
            OptionError: The time is none.
        """
        if self.time is None:
            return None
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", str(self.time))
        if not found or float(found[1]) <= 0:
            raise OptionError(f"--time must be a time. Received: {shown(self.time)}. Use 90s or 10m.")
        return float(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True, eq=False)
class _Begun:
    """A study before its first trial."""

    request: StudyRequest
    config: Config
    choice: Choice
    panel: Panel
    name: str
    folder: Path | None
    tried: dict[str, Any]
    notes: tuple[str, ...]
    before: bytes | None = None  # the record of an earlier study of this name


def carry_out_study(request: StudyRequest) -> Study:
    """Choose options, train with them, compare, and write what is to be written."""
    begun = _begin(request)
    load_quietly()

    from kerasforecast.api.study_progress import Said
    from kerasforecast.tuning.bench import Bench, data_key
    from kerasforecast.tuning.ground import ground_of
    from kerasforecast.tuning.store import Store

    said = Said(begun.config, begun.choice, request.progress, request.measure)
    said.note(f"{begun.name}: {begun.panel.observed.sum():,} rows; trials see those before the test part alone.")
    for note in begun.notes:
        said.note(note)
    trials = None if begun.folder is None else begun.folder / "trials"
    ground = ground_of(begun.panel, begun.config, request.rounds)
    with executor(request.ray, begun.choice.name, request.threads) as workers:
        if request.ray is not None:
            said.note(f"Ray: {workers.workers} trials at once.")
        bench = Bench(ground, begun.config, request.seeds, data_key(begun.panel), Store(trials), workers)
        best, default, found, stages = _chosen(begun, bench, said)
    return _finished(begun, bench, best, default, found, stages, said)


def _begin(request: StudyRequest) -> _Begun:
    """Refuse what can be wrong as early as it can be known, before Keras loads."""
    for option in ("seeds", "rounds"):
        whole_number(f"--{option}", getattr(request, option))
    _check(request)
    config = Config.from_options(**request.options)
    tried: dict[str, Any] = dict((space_of if request.search else stages_of)(config, request.stages, request.tries))
    choice = activate_for_training(request.backend, request.threads, seed=config.training.seed)
    check_place(request.name, request.output_dir)

    from kerasforecast.api.others_study import record_bytes
    from kerasforecast.api.runs import ready_panel

    panel, config, chosen = ready_panel(config, request.frame)
    notes = (*panel.notes, *filter(None, [chosen]))
    if request.output_dir is None:
        return _Begun(request, config, choice, panel, request.name or name_from(panel.name), None, tried, notes)
    name = request.name or default_model_name(panel, request.output_dir)
    folder = request.output_dir / name / "tune"
    return _Begun(request, config, choice, panel, name, folder, tried, notes, record_bytes(folder))


def _check(request: StudyRequest) -> None:
    """Refuse what would have no effect.

    Raises:
        OptionError: Something would, or what an option needs is not installed.
    """
    if request.measure not in ("rmsse", "mase"):
        raise OptionError(f"--measure must be rmsse or mase. Received: {shown(request.measure)}.")
    if request.objectives not in ("error", "error,seconds"):
        raise OptionError(f"--objectives must be error or error,seconds. Received: {shown(request.objectives)}.")
    _ = request.seconds  # refused here where it is no time
    if request.search:
        if request.ray is not None:
            raise OptionError(
                "--ray makes the trials of a stage, while a search chooses one after another. Received: both. Leave "
                "--ray out, and start the same command several times: they share one study."
            )
        if request.trials is not None:
            whole_number("--trials", request.trials)
        require_package("--search", "optuna", "tune")
        return
    require_ray(request.ray)
    if request.trials is not None:
        raise OptionError(f"--trials has no effect without --search. Received: {request.trials!r}. Leave it out.")
    if request.objectives != "error":
        raise OptionError(
            f"--objectives has no effect without --search. Received: {shown(request.objectives)}. Leave it out."
        )


def _chosen(begun: _Begun, bench: Bench, said: Said) -> tuple[Trial, Trial, list[Trial], list[Stage]]:
    """The winner, the untuned trial, all trials, and the stages where there are some."""
    request = begun.request
    if request.search:
        from kerasforecast.tuning.search import Limits, run_search

        said.note(f"Searching {', '.join(f'{name} {which}' for name, which in begun.tried.items())}.")
        endless = request.trials is None and request.time is not None
        count = None if endless else request.trials or _SEARCHED
        limits = Limits(count, request.seconds, request.objectives == "error,seconds")
        best, default, found = run_search(bench, begun.tried, request.measure, limits, begun.folder, said.trial)
        return best, default, found, []
    from kerasforecast.tuning.bench import deadline
    from kerasforecast.tuning.staged import run_stages

    bench.on_trial = said.trial
    if (seconds := request.seconds) is not None:
        bench.over = deadline(seconds)
    if begun.folder is None:
        best, default, stages = run_stages(bench, begun.tried, request.measure, said.stage, said.end)
        return best, default, bench.trials, stages
    with locked(begun.folder):
        best, default, stages = run_stages(bench, begun.tried, request.measure, said.stage, said.end)
    return best, default, bench.trials, stages


def _finished(
    begun: _Begun,
    bench: Bench,
    best: Trial,
    default: Trial,
    trials: list[Trial],
    stages: list[Stage],
    said: Said,
) -> Study:
    from kerasforecast.tuning.final import compared
    from kerasforecast.tuning.study import Study

    def trained(run: Run | None = None) -> Study:
        same = not best.options
        if not same:
            said.note("Training the untuned default, to be scored on the test part beside the winner.")
        untuned = None if same else _fit(begun, begun.config, f"{begun.name}-untuned")
        said.note(f"Training the winner: {best.told()}.")
        tuned = begun.config if same else bench.config.changed(**best.options)
        model = _fit(begun, tuned, begun.name, run)
        record = _record(begun, best, default, trials, stages, compared(model, untuned, begun.panel))
        return Study(_with_study(model, record), record)

    folder = begun.request.output_dir
    if folder is None:
        return trained()

    from kerasforecast.api.others_study import written_meanwhile
    from kerasforecast.pipeline import write_run
    from kerasforecast.training.run import Run
    from kerasforecast.tuning.kept import write_study

    run = Run(folder / begun.name, None, {"backend": begun.choice.name, "threads": begun.request.threads})
    with locked_in_turn(run.folder, lambda: said.note("Another process ends this study: waiting for it.")):
        if theirs := written_meanwhile(folder, begun.name, begun.before, trials, best):
            said.note("Another process has trained the winner of these trials: taken as it is.")
            return theirs
        study = trained(run)
        with Deferred():
            files = write_study(folder / begun.name / "tune", study.record)
            files |= write_run(study.best, folder, begun.name)
            run.clear()
    study.best.files = files
    return Study(study.best, study.record, files)


def _fit(begun: _Begun, config: Config, name: str, run: Any = None) -> Model:
    from kerasforecast.pipeline import fit

    return fit(config, begun.panel, name=name, run=run)


def _with_study(model: Model, record: StudyRecord) -> Model:
    from kerasforecast.artifact.lineage import StudyLineage

    best = record.trial(record.best)
    lineage = StudyLineage(
        study=record.name,
        kind=record.kind,
        trial=best.number,
        trials=len(record.trials),
        options=best.options,
        tried=record.tried,
        measure=record.measure,
        error=best.error(record.measure) or 0.0,
    )
    model.manifest = model.manifest.updated(study=lineage)
    return model


def _record(
    begun: _Begun, best: Trial, default: Trial, trials: Sequence[Trial], stages: Sequence[Stage], found: Any
) -> StudyRecord:
    from kerasforecast.evaluation.walk import data_text
    from kerasforecast.tuning.record import StudyRecord

    request = begun.request
    begun_with = begun.tried.keys() if request.search else {stage.option for stage in stages}
    tried = {
        name: str(which) if request.search else ", ".join(map(str, which))
        for name, which in begun.tried.items()
        if name in begun_with
    }
    return StudyRecord(
        kind="search" if request.search else "staged",
        name=begun.name,
        target=begun.panel.target,
        measure=request.measure,
        seeds=request.seeds,
        rounds=request.rounds,
        tried=tried,
        stages=tuple(stages),
        trials=tuple(trials),
        best=best.number,
        default=default.number,
        config=begun.config,
        tuned=found.tuned,
        untuned=found.untuned,
        test=found.rival.text if found.rival else None,
        sentence=found.sentence(len(trials)),
        helped=found.helped,
        data=data_text(begun.panel),
        **provenance(begun.choice.name),
    )

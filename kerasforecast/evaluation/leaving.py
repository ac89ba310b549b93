"""Which weights leave a fit: those that were scored, the same trained on once more with all rows, or the parent's."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kerasforecast.artifact.data_record import data_record
from kerasforecast.artifact.lineage import FinalRecord, ParentTest, weights_digest
from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.parent import Parent
from kerasforecast.artifact.recorder import Recorder
from kerasforecast.artifact.records import (
    LONGEST_HISTORY,
    DiagnosisRecord,
    EpochRecord,
    Metrics,
    TestScores,
    TrainingRecord,
)
from kerasforecast.artifact.writer import Exporter
from kerasforecast.baselines.classical import classical_forecasts, require_extra
from kerasforecast.baselines.fitted import Baselines, learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.calendar_columns import held_beyond
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.evaluation.cold_start import Parts, evaluate_parts, seen_and_held_out
from kerasforecast.evaluation.context import with_window
from kerasforecast.evaluation.evaluation import Evaluation, scored_windows
from kerasforecast.evaluation.importance import importance_after
from kerasforecast.evaluation.parent import against_parent, started_from, unlearned
from kerasforecast.forecasting.adaptive import adapted_after
from kerasforecast.forecasting.fitting import Fitting, Trained, scaled_member, training_sets
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.levels import within_validation
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.preprocessing.suitability import fit_notes
from kerasforecast.preprocessing.windows import Windows, windows_of
from kerasforecast.runtime.signals import Deferred
from kerasforecast.training.diagnosis import diagnose
from kerasforecast.training.history import History
from kerasforecast.training.naive_loss import naive_loss
from kerasforecast.training.replay import by_steps
from kerasforecast.training.run import Run


@dataclass(frozen=True, eq=False)
class Leaving:
    """A network with its scores, ready to be a model.

    Attributes:
        manifest: What its file will say.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
        predictor: What forecasts with them.
        exporter: What writes its file.
        test: How it scored on the test part.
        history: Of the training that chose its weights, where it was one of this fit.
        refused: Whether it is to be better than its parent, and is not.
    """

    manifest: Manifest
    weights: list[np.ndarray]
    predictor: Predictor
    exporter: Exporter
    test: Evaluation
    history: History | None = None
    refused: bool = False


@dataclass(frozen=True, eq=False)
class Begun:
    """All of a fit that is known before training, by which every network of it is scored.

    Attributes:
        config: Of the fit, with those levels alone that validation can teach.
        panel: The data.
        split: How that is divided.
        parts: The windows that are scored, those of series held out apart.
        checked: Those that intervals are learned from.
        member: The network and its scaling.
        baselines: What must be beaten.
        sets: Training and validation windows with their scaled targets.
        recorder: What the file will say.
        parent: The model that training starts from, if any.
        said: What to say of levels that cannot be had, and of windows that the parent has learned from.
        learned: What it has learned of all windows that are scored, in a few words; `None` where it has not.
        run: Where the fit keeps itself.
    """

    config: Config
    panel: Panel
    split: Split
    parts: Parts
    checked: Windows
    member: Member
    baselines: Baselines
    sets: tuple[TrainingSet[Windows], TrainingSet[Windows]]
    recorder: Recorder
    parent: Parent | None
    said: tuple[str, ...]
    learned: str | None
    run: Run | None

    @property
    def refits(self) -> bool:
        """Whether the weights that leave are trained on all rows: as asked for, or as the data and family want it."""
        if self.config.network.family.solved:
            return False
        if self.config.training.final is not None:
            return self.config.training.final == "all"
        return len(self.panel) > 1 or self.config.network.family.refitted

    def notes(self, frozen: Sequence[str]) -> list[str]:
        """What a person should know before training."""
        config, panel = self.config, self.panel
        said = fit_notes(self.member.scaling, panel, *self.split.training_rows(panel))
        if self.parent:
            said = [started_from(self.parent, config, frozen)]
        said += held_beyond(panel.past_columns, config.network.horizon, config.steps)
        seasons = self.baselines.note if config.evaluation.period is None else None
        return [*said, *(self.run.notes if self.run else ()), *filter(None, (seasons,)), *self.said]

    def scored(self, fitted: Trained, steps: int, seconds: float) -> Leaving:
        """What training found, with its scores, and those beside its parent's."""
        history = fitted.history
        record = _training_record(history, seconds)
        facts, test = self._judged(fitted.predictor, self._diagnosis(history), len(history.epochs))
        versus = self._beside_parent(fitted.predictor)
        if self.parent:
            lineage = self.parent.lineage(self.recorder.frozen, steps=history.best_epoch * steps, test=versus)
            facts["lineage"] = lineage
        manifest = self.recorder.manifest(fitted.weights, record, **facts)
        refused = bool(self.parent and self.parent.alpha is not None and versus and not versus.better)
        return Leaving(
            manifest, fitted.weights, fitted.predictor, self.recorder.exporter, test, history, refused=refused
        )

    def refitted(self, scored: Leaving, rates: Sequence[float], steps: int, stop: Deferred | None) -> Leaving:
        """The same network trained on all rows from the same start, for the steps and at the rates of before.

        Its scaling learns from all rows too, unless it is the parent's.
        """
        started, panel, whole = time.perf_counter(), self.panel, self.split.whole
        member = scaled_member(self.config.network, panel, whole, self.parent.member if self.parent else None)
        windows = windows_of(panel, whole.origins("train"), whole.window, whole.horizon)
        training = windows.training_set(member.scaling)
        fitting = Fitting(member, self.config.training, training, self.sets[1], **_start(self.parent))
        loss, predictor = fitting.replay(rates, steps, stop)
        final = FinalRecord(
            rows=int(whole.rows_in("train").sum()),
            windows=len(windows),
            steps=len(rates) * steps,
            rates=by_steps(rates, steps),
            loss=loss,
            seconds=round(time.perf_counter() - started, 3),
            scored=weights_digest(scored.weights),
        )
        weights, exporter = list(predictor.weights), Exporter([member])
        golden = exporter.golden(self.recorder.windows, weights)
        manifest = self.recorder.refitted(scored.manifest, member, golden, final)
        return replace(scored, manifest=manifest, weights=weights, predictor=predictor, exporter=exporter)

    def of_parent(self, child: Leaving) -> Leaving:
        """The parent, scored on this data, in the place of a child that is no better."""
        parent, lineage = self._known_parent, child.manifest.lineage
        metrics = parent.manifest.metrics
        record = parent.manifest.training or child.manifest.training
        epochs = record.epochs if record else 1
        facts, test = self._judged(self._theirs, metrics.diagnosis if metrics else None, epochs)
        weights, exporter = list(parent.weights), Exporter([parent.member])
        trained = parent.manifest.members[0].parameters.trained
        manifest = child.manifest.updated(
            members=(MemberRecord.of(parent.member, trained, record),),
            data=data_record(self.panel, self.split, learned=("validation",)),  # its intervals have
            golden=exporter.golden(self.recorder.windows, weights),
            lineage=lineage and lineage.model_copy(update={"kept": "parent", "steps": 0, "frozen": ()}),
            **facts,
        )
        own = record is not None and record.history and parent.manifest.training is not None
        return Leaving(manifest, weights, self._theirs, exporter, test, None if own else child.history)

    @property
    def _known_parent(self) -> Parent:
        if self.parent is None:
            raise ValueError("This fit starts from no parent.")
        return self.parent

    @cached_property
    def _theirs(self) -> Predictor:
        parent = self._known_parent
        return Predictor([parent.member], parent.weights)

    def _classical(self, windows: Windows) -> Mapping[str, Forecast]:
        """Forecasts by the classical models that were asked for, each fitted on all rows before the test part."""
        return classical_forecasts(self.config, windows, self.split.edges[:, 2], self.baselines)

    def _judged(
        self, predictor: Predictor, diagnosis: DiagnosisRecord | None, epochs: int
    ) -> tuple[dict[str, Any], Evaluation]:
        """What a manifest says of how `predictor` forecasts, and its evaluation; training took so many `epochs`."""
        forecaster = Forecaster(predictor, self.config, self.baselines.volatility, context=self.split.context)
        forecaster = forecaster.calibrated(self.checked)
        test = evaluate_parts(forecaster, self.parts, self.baselines, self.split, self._classical)
        steps, size = self.config.training.steps_per_epoch, self.config.training.batch_size
        count = epochs * (steps * size if steps else len(self.sets[0]))
        test = replace(test, importance=importance_after(predictor, self.parts.seen, self.baselines, self.split, count))
        if self.learned:
            test = replace(test, scores=test.scores | {"learned": self.learned})
        return {
            "metrics": metrics_of(test, self.panel.target, diagnosis),
            "baselines": self.baselines,
            "calibration": forecaster.calibration,
            "adapted": adapted_after(self.parts.seen, test.adapted),
        }, test

    def _beside_parent(self, predictor: Predictor) -> ParentTest | None:
        if self.parent is None:
            return None
        return against_parent(predictor, self._theirs, self.parent, self.parts.seen, self.baselines.volatility)

    def _diagnosis(self, history: History) -> DiagnosisRecord | None:
        if not self.config.network.family.trained:
            return None
        training, config = self.config.training, self.config
        naive = naive_loss(*self.sets, self.member.scaling, training, config.network.quantiles)
        losses, val_losses = ([getattr(epoch, name) for epoch in history.epochs] for name in ("loss", "val_loss"))
        return DiagnosisRecord(**asdict(diagnose(losses, val_losses, naive)), naive_val_loss=naive)


def begin(
    config: Config, panel: Panel, name: str, run: Run | None, parent: Parent | None = None
) -> tuple[Begun, Fitting]:
    """All that a fit needs before it trains, and the network with its starting weights.

    Raises:
        InputError: The data or an option is wrong, or not those of the run to be resumed.
    """
    require_extra(config, panel)
    if config.training.sample == "series" and len(panel) == 1:
        raise OptionError("--sample series has no effect on one series. Received: 1 series. Leave it out.")
    config, chosen = with_window(config, panel)
    split = split_panel(panel, config.split, config.network, config.steps)
    tested, checked = (scored_windows(config, panel, split, part) for part in ("test", "validation"))
    config, left_out = within_validation(config, split.windows_in("validation", config.steps))
    parts = seen_and_held_out(tested, config)
    seen, learned, beside = unlearned(parts.seen, parent)
    parts = Parts(seen, parts.apart, parts.held)
    member = scaled_member(config.network, panel, split, parent.member if parent else None)
    check_size([member])
    baselines = learn_baselines(config, panel, split)
    sets = training_sets(member, panel, split)
    fitting = Fitting(member, config.training, *sets, **_start(parent))
    windows = sets[0].batch(np.array([0, len(sets[0]) - 1]))
    recorder = Recorder(name, config, panel, split, member, fitting.trained, windows, run, parent, fitting.frozen)
    said = tuple(filter(None, (chosen, left_out, beside)))
    begun = Begun(config, panel, split, parts, checked, member, baselines, sets, recorder, parent, said, learned, run)
    return begun, fitting


def metrics_of(test: Evaluation, target: str, diagnosis: DiagnosisRecord | None) -> Metrics:
    """The content of `metrics.json`, which the manifest holds too."""
    return Metrics(
        target=target,
        test=TestScores(**test.scores),
        verdict=test.verdict,
        interval_verdict=test.interval_verdict,
        diagnosis=diagnosis,
        importance=test.importance,
        held_out=test.held_out and TestScores(**test.held_out.scores),
    )


def _start(parent: Parent | None) -> dict[str, Any]:
    return {"start": parent.weights, "freeze": parent.freeze} if parent else {}


def _training_record(history: History, seconds: float) -> TrainingRecord:
    shown = len(history.epochs) <= LONGEST_HISTORY
    return TrainingRecord(
        epochs=len(history.epochs),
        best_epoch=history.best_epoch,
        best_loss=history.best.loss,
        best_val_loss=history.best.val_loss,
        stopped_early=history.stopped_early,
        complete=True,
        seconds=round(seconds, 3),
        history=tuple(EpochRecord(**asdict(epoch)) for epoch in history.epochs if shown),
    )

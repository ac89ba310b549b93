"""Which weights leave a fit: those that were scored, the same trained on once more with all rows, or the parent's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from kerasforecast.artifact.data_record import data_record
from kerasforecast.artifact.lineage import ParentTest
from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.parent import Parent
from kerasforecast.artifact.recorder import Recorder
from kerasforecast.artifact.records import DiagnosisRecord
from kerasforecast.artifact.selection import Selection
from kerasforecast.artifact.writer import Exporter
from kerasforecast.baselines.classical import classical_forecasts
from kerasforecast.config import Config
from kerasforecast.data.calendar_columns import held_beyond
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.cold_start import evaluate_parts
from kerasforecast.evaluation.evaluation import Evaluation, metrics_of
from kerasforecast.evaluation.final import AllRows, all_again, final_record, start_of, training_record
from kerasforecast.evaluation.frame import Frame, better_suited, frame_of
from kerasforecast.evaluation.importance import importance_after
from kerasforecast.evaluation.intervals import of_all_rows, outcomes, paced_windows
from kerasforecast.evaluation.parent import against_parent, started_from
from kerasforecast.evaluation.paths import judged_paths
from kerasforecast.forecasting.adaptive import adapted_after
from kerasforecast.forecasting.fitting import Fitting, scaled_member, training_sets
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.parts import Part, predictor_of, weights_of
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.suitability import fit_notes
from kerasforecast.preprocessing.windows import Windows, windows_of
from kerasforecast.runtime.signals import Deferred
from kerasforecast.runtime.tasks import Executor
from kerasforecast.training.diagnosis import diagnose
from kerasforecast.training.history import History
from kerasforecast.training.naive_loss import naive_loss
from kerasforecast.training.run import Kept, Run


@dataclass(frozen=True, eq=False)
class Leaving:
    """A network with its scores, ready to be a model.

    Attributes:
        manifest: What its file will say.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
        predictor: What forecasts with them.
        exporter: What writes its file; `None` of what is no network.
        test: How it scored on the test part.
        history: Of the training that chose its weights, where it was one of this fit.
        refused: Whether it is to be better than its parent, and is not.
    """

    manifest: Manifest
    weights: list[np.ndarray]
    predictor: Predictor
    exporter: Exporter | None
    test: Evaluation
    history: History | None = None
    refused: bool = False


@dataclass(frozen=True, eq=False)
class Begun(Frame):
    """All of a fit that is known before its networks are scored.

    Attributes:
        member: The network and its scaling; of several the one with the largest share.
        sets: Its training and validation windows with their scaled targets.
        recorder: What the file will say.
        run: Where the fit keeps itself.
    """

    member: Member
    sets: tuple[TrainingSet[Windows], TrainingSet[Windows]]
    recorder: Recorder
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
        windows, watched = int(self.split.windows_in("validation").sum()), len(self.sets[1])
        if watched < windows:
            said.append(f"Each epoch is validated on {watched:,} of {windows:,} windows, evenly spread.")
        seasons = self.baselines.note if config.evaluation.period is None else None
        notes = filter(None, (seasons, None if self.parent else better_suited(config, self.baselines.periods)))
        return [*said, *(self.run.notes if self.run else ()), *notes, *self.said]

    def scored(self, parts: Sequence[Part], selection: Selection | None = None, alone: Part | None = None) -> Leaving:
        """What training found, with its scores, and those beside its parent's.

        Args:
            parts: The network, or several whose weighted mean is the forecast.
            selection: How these were chosen, if they were.
            alone: A network to be scored beside the mean of several, as `best_member`.
        """
        history, predictor, weights = parts[0].fitted.history, predictor_of(parts), weights_of(parts)
        records = [training_record(part) for part in parts]
        diagnosis = self._diagnosis(history) if len(parts) == 1 else None  # curves of several losses say nothing
        epochs = sum(record.epochs for record in records)
        facts, test = self._judged(predictor, diagnosis, epochs, alone, parts[0].fitted.departed)
        versus = self._beside_parent(predictor)
        if self.parent:
            facts["lineage"] = self.parent.lineage(self.recorder.frozen, steps=parts[0].replayed, test=versus)
        facts |= {"selection": selection} if selection else {}
        manifest = self.recorder.manifest(weights, records, **facts)
        refused = bool(self.parent and self.parent.alpha is not None and versus and not versus.better)
        return Leaving(manifest, weights, predictor, self.recorder.exporter, test, history, refused=refused)

    def refitted(
        self,
        scored: Leaving,
        parts: Sequence[Part],
        stop: Deferred | None,
        workers: Executor | None = None,
        kept: Kept | None = None,
    ) -> Leaving:
        """The same networks trained on all rows or solved for them, here, where one is `kept`, or by workers."""
        shared = AllRows(self.panel, self.split, self.sets[1], self.parent)
        found = {place: each for place, each in enumerate(all_again(shared, parts, stop, workers, kept)) if each}
        if not found:
            return scored
        rows = int(self.split.whole.rows_in("train").sum())
        final = final_record(scored.weights, list(found.values()), rows)
        leaving = [found[place].part if place in found else part for place, part in enumerate(parts)]
        members, weights = [part.member for part in leaving], weights_of(leaving)
        exporter = Exporter(members)
        golden = exporter.golden(self.recorder.windows, weights)
        intervals = self._of_all_rows(scored.predictor)
        manifest = self.recorder.refitted(scored.manifest, members, golden, final).updated(**intervals)
        return replace(scored, manifest=manifest, weights=weights, predictor=predictor_of(leaving), exporter=exporter)

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

    def _beside(self, windows: Windows, alone: Part | None) -> Mapping[str, Forecast]:
        """Forecasts by the classical models that were asked for, each fitted on all rows before the test part, and by
        a network `alone`."""
        found = dict(classical_forecasts(self.config, windows, self.split.edges[:, 2], self.baselines))
        if alone is not None:
            own = replace(windows, window=alone.member.network.window)
            found["best_member"] = self._forecaster(alone.fitted.predictor).in_sequence(own)[0]
        return found

    def _forecaster(self, predictor: Predictor) -> Forecaster:
        """What forecasts with `predictor`, its intervals learned from validation."""
        windows = replace(self.checked, window=predictor.window)
        return self.forecaster(predictor).calibrated(windows, self._paced(predictor))

    def _of_all_rows(self, scored: Predictor) -> dict[str, Any]:
        later = outcomes(self.config, self.panel, self.split.of_window(scored.window))
        return of_all_rows(self.forecaster(scored), later, self._paced(scored), self.parts.seen)

    def _paced(self, predictor: Predictor) -> Windows | None:
        return paced_windows(self.config, self.panel, self.split.of_window(predictor.window))

    def _judged(
        self,
        predictor: Predictor,
        diagnosis: DiagnosisRecord | None,
        epochs: int,
        alone: Part | None = None,
        departed: float | None = None,
    ) -> tuple[dict[str, Any], Evaluation]:
        """What a manifest says of how `predictor` forecasts, and its evaluation; training took so many `epochs`."""
        forecaster = self._forecaster(predictor)
        beside = partial(self._beside, alone=alone)
        test = evaluate_parts(forecaster, self.parts, self.baselines, self.split, beside)
        steps, size = self.config.training.steps_per_epoch, self.config.training.batch_size
        count = epochs * (steps * size if steps else len(self.sets[0]))
        worth = importance_after(predictor, self.parts.seen, self.baselines, self.split, count)
        paths = judged_paths(predictor, self.parts.seen, self.checked, self.baselines, self.split, departed)
        scores = test.scores | ({"learned": self.learned} if self.learned else {})
        test = replace(test, scores=scores, importance=worth, paths=paths)
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
        config, naive = self.config, None
        if not config.network.family.trained:
            return None
        if not config.network.family.sampled:  # a loss of noise is none of forecasts
            naive = naive_loss(*self.sets, self.member.scaling, config.training, config.network.quantiles)
        losses, val_losses = ([getattr(epoch, name) for epoch in history.epochs] for name in ("loss", "val_loss"))
        return DiagnosisRecord(**asdict(diagnose(losses, val_losses, naive)), naive_val_loss=naive)


def begin(
    config: Config, panel: Panel, name: str, run: Run | None, parent: Parent | None = None
) -> tuple[Begun, Fitting]:
    """All that a fit of one network needs before it trains, and the network with its starting weights.

    Raises:
        InputError: The data or an option is wrong, or not those of the run to be resumed.
    """
    frame = frame_of(config, panel, parent)
    config, split = frame.config, frame.split
    member = scaled_member(config.network, panel, split, parent.member if parent else None)
    check_size([member])
    sets = training_sets(member, panel, split)
    fitting = Fitting(member, config.training, *sets, **start_of(parent))
    windows = sets[0].batch(np.array([0, len(sets[0]) - 1]))
    recorder = Recorder(name, config, panel, split, [member], [fitting.trained], windows, run, parent, fitting.frozen)
    return Begun(**vars(frame), member=member, sets=sets, recorder=recorder, run=run), fitting


def begin_joined(frame: Frame, name: str, run: Run | None, parts: Sequence[Part]) -> Begun:
    """The same of a model of several networks that are trained already.

    Args:
        frame: Its window is the longest of theirs.
        name: The model's.
        run: Where the fit keeps itself.
        parts: The networks, the one with the largest share first; their shares sum to 1.
    """
    members, panel, split = [part.member for part in parts], frame.panel, frame.split
    check_size(members)
    sets = training_sets(members[0], panel, split.of_window(members[0].network.window))
    origins = split.origins("train")[[0, -1]]
    windows = windows_of(panel, origins, split.window, split.horizon).batch()
    trained = [part.trained for part in parts]
    recorder = Recorder(name, frame.config, panel, split, members, trained, windows, run)
    return Begun(**vars(frame), member=members[0], sets=sets, recorder=recorder, run=run)

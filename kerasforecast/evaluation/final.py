"""Weights trained once more, on all rows, for the steps and at the rates that validation had chosen: `--final all`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kerasforecast.artifact.lineage import FinalRecord, weights_digest
from kerasforecast.artifact.parent import Parent
from kerasforecast.artifact.records import LONGEST_HISTORY, EpochRecord, TrainingRecord
from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.fitting import Fitting, Trained, scaled_member, training_sets
from kerasforecast.forecasting.outside import scaled_set
from kerasforecast.forecasting.parts import Part
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.member import Member
from kerasforecast.models.network import build, initialise, merged_weights
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.runtime.signals import Deferred, watching
from kerasforecast.runtime.tasks import Executor, in_order
from kerasforecast.training.replay import by_steps, rates_of
from kerasforecast.training.run import Kept


@dataclass(frozen=True, eq=False)
class Refitted:
    """A network with weights that have learned from all rows.

    Attributes:
        part: The same network, its scaling and weights those of all rows.
        windows: It was trained on.
        loss: Mean training loss of the last steps, scaled units.
    """

    part: Part
    windows: int
    loss: float


@dataclass(frozen=True, eq=False)
class AllRows:
    """What networks are trained on once more.

    Attributes:
        panel: The data.
        split: How that was divided; a network that sees fewer rows than its window looks at its own.
        held_back: Windows that had stopped training; they stop nothing now.
        parent: The model that training starts from, if any.
    """

    panel: Panel
    split: Split
    held_back: TrainingSet[Any]
    parent: Parent | None = None


def all_again(
    rows: AllRows, parts: Sequence[Part], stop: Deferred | None, workers: Executor | None, kept: Kept | None
) -> list[Refitted | None]:
    """What `again` gives for each of `parts`, here, where one training is `kept`, or by workers."""
    if workers is None:
        return [again(rows, part, stop, kept) for part in parts]
    waiting = watching(stop, "Training on all rows was stopped.")
    return list(in_order(workers.map(again, rows, parts, waiting)))


def again(rows: AllRows, part: Part, stop: Deferred | None = None, kept: Kept | None = None) -> Refitted | None:
    """`part` trained on all rows, or solved for them, wherever this runs; `None` where its weights are to stay."""
    if part.member.network.family.solved:
        return _solved(rows, part)
    return _trained(rows, part, stop, kept)


def _trained(rows: AllRows, part: Part, stop: Deferred | None, kept: Kept | None) -> Refitted:
    """The same network trained on all rows from the same start.

    Its scaling learns from all rows too, unless it is the parent's.

    Args:
        rows: It is trained on.
        part: As it was scored.
        stop: Notes the signals that are to end training.
        kept: Where it is saved as it goes on, and what of it was before; `None` for nowhere.
    """
    panel, parent = rows.panel, rows.parent
    network, started = part.member.network, time.perf_counter()
    whole = rows.split.whole.of_window(network.window)
    member = scaled_member(network, panel, whole, parent.member if parent else None)
    member = member.model_copy(update={"weight": part.member.weight})
    windows = windows_of(panel, whole.origins("train"), whole.window, whole.horizon)
    learned = windows.training_set(member.scaling)
    start: dict[str, Any] = start_of(parent)
    if network.family.started and not start:
        start = {"solution": _solution(rows, part.member, member, learned)}
    fitting = Fitting(member, part.training, learned, rows.held_back, **start)
    loss, predictor = fitting.replay(rates_of(part.fitted.history), part.steps, stop=stop, kept=kept)
    fitted = Trained(part.fitted.history, list(predictor.weights), predictor)
    seconds = time.perf_counter() - started
    return Refitted(replace(part, member=member, fitted=fitted, seconds=seconds), len(windows), loss)


def _solved(rows: AllRows, part: Part) -> Refitted | None:
    """The same network solved for all rows, by what validation had chosen; `None` where its weights are to stay."""
    panel, started, network = rows.panel, time.perf_counter(), part.member.network
    whole = rows.split.whole.of_window(network.window)
    member = scaled_member(network, panel, whole).model_copy(update={"weight": part.member.weight})
    everything = windows_of(panel, whole.origins("train"), whole.window, whole.horizon)
    found = _solution(rows, part.member, member, everything.training_set(member.scaling))
    if not found:
        return None
    model = build(network, member.scaling, "training", part.training.seed, covariates=member.covariates)
    initialise(model, network, part.training.seed)
    for name, arrays in found.items():
        model.get_layer(name).set_weights(arrays)
    weights = merged_weights(model)
    fitted = Trained(part.fitted.history, weights, Predictor([member], weights))
    seconds = time.perf_counter() - started
    return Refitted(
        replace(part, member=member, fitted=fitted, seconds=seconds), len(everything), part.fitted.history.best.loss
    )


def _solution(rows: AllRows, before: Member, member: Member, learned: TrainingSet[Any]) -> dict[str, Any] | None:
    """What the family of `member` solves for all rows by what validation chose for it `before`; `None` for nothing."""
    network = member.network
    sets = training_sets(before, rows.panel, rows.split.of_window(network.window))
    training, validation = (scaled_set(each, before) for each in sets)
    on_all = scaled_set(learned, member)
    return network.family.solve_again(network.options, member.sizes, training, validation, on_all)


def start_of(parent: Parent | None) -> dict[str, Any]:
    """What a `Fitting` begins with: the parent's weights, or nothing."""
    return {"start": parent.weights, "freeze": parent.freeze} if parent else {}


def final_record(scored: Sequence[np.ndarray], found: Sequence[Refitted], rows: int) -> FinalRecord:
    """What the manifest says of it.

    Args:
        scored: The weights that were scored.
        found: Every network that was trained anew; of several their steps are summed, and their losses averaged by the
            networks' shares.
        rows: They were trained on.
    """
    shares = np.array([each.part.member.weight for each in found])
    alone = found[0].part if len(found) == 1 else None
    return FinalRecord(
        rows=rows,
        windows=max(each.windows for each in found),
        steps=sum(each.part.replayed for each in found if not each.part.member.network.family.solved),
        rates=by_steps(rates_of(alone.fitted.history), alone.steps) if alone else (),
        loss=found[0].loss if alone else float(shares @ [each.loss for each in found] / shares.sum()),
        seconds=round(sum(each.part.seconds for each in found), 3),
        scored=weights_digest(scored),
    )


def training_record(part: Part) -> TrainingRecord:
    """What a manifest says of the training of `part`."""
    history = part.fitted.history
    shown = len(history.epochs) <= LONGEST_HISTORY
    return TrainingRecord(
        epochs=len(history.epochs),
        best_epoch=history.best_epoch,
        best_loss=history.best.loss,
        best_val_loss=history.best.val_loss,
        stopped_early=history.stopped_early,
        complete=True,
        seconds=round(part.seconds, 3),
        history=tuple(EpochRecord(**asdict(epoch)) for epoch in history.epochs if shown),
    )

"""Everything of a fit that its file will say: the manifest from the first best epoch on, and that epoch's model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerasforecast.artifact.data_record import data_record
from kerasforecast.artifact.lineage import FinalRecord
from kerasforecast.artifact.manifest import GoldenBatch, Manifest, MemberRecord
from kerasforecast.artifact.parent import Parent
from kerasforecast.artifact.records import TrainingRecord
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.models.member import Member, answer_shape
from kerasforecast.models.network import merged_weights
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.split import PARTS, Split
from kerasforecast.training.history import Epoch
from kerasforecast.training.run import Kept, Run

_GOLDEN_VALUES = 10_000  # of one window, up to which a file holds two as proof; a file's text is bounded


def identity_of(name: str, config: Config, panel: Panel) -> dict[str, Any]:
    """All that tells one run from another, for whoever resumes it."""
    return {
        "name": name,
        "config": config.model_dump(mode="json"),
        "data": {"columns": list(panel.columns), "sha256 of the data": panel.sha256},
    }


class Recorder:
    """Knows what of a fit does not change while it trains; writes its best model so far.

    Args:
        name: The model's.
        config: Every option.
        panel: What it is trained on.
        split: How that is divided.
        members: Its networks with their scaling.
        trained: Of each, the numbers that are trained.
        windows: Raw windows of the training part; the first and last serve as the golden batch.
        run: Where to write; `None` for nowhere.
        parent: The model that it starts from, if any.
        frozen: The layers that keep their weights.
    """

    def __init__(
        self,
        name: str,
        config: Config,
        panel: Panel,
        split: Split,
        members: Sequence[Member],
        trained: Sequence[int],
        windows: WindowBatch,
        run: Run | None,
        parent: Parent | None = None,
        frozen: Sequence[str] = (),
    ) -> None:
        self._name, self._config, self._members, self._trained = name, config, tuple(members), tuple(trained)
        self._roles = roles_of(panel)
        self._panel, self._split = panel, split
        self._data = data_record(panel, split)
        self.frozen = tuple(frozen)
        self._lineage = parent.lineage(frozen) if parent else None
        one = windows.at(slice(0, 1))
        size = max(sum(array.size for array in one.arrays.values()), math.prod(answer_shape(members)))
        small = size <= _GOLDEN_VALUES
        self.windows = windows.at(np.array([0, -1])) if small else one
        self._run = run
        self.exporter = Exporter(members)
        identity = identity_of(name, config, panel) | ({"parent": parent.identity} if parent else {})
        self.state = Kept(run, identity, panel.source.sha256)
        self._epoch = self.state.best
        self._scored = False

    @property
    def kept(self) -> str:
        """Where the best model so far is, and how to go on, as a sentence or two."""
        if self._run is None:
            return ""
        if self._scored:
            where = "from there" if self.state.halfway else "with all rows, from the first step"
            again = f" --resume {self._name} goes on {where}." if self.state.saved else ""
            return f"The model that was scored is {self._run.model}.{again}"
        on = f" --resume {self._name} goes on from there." if self.state.saved else ""
        if self._epoch is None:
            return f"No epoch had finished; no model was kept.{on}"
        best = f"The best model so far (epoch {self._epoch.epoch}, validation loss {self._epoch.val_loss:.4f})"
        return f"{best} is {self._run.model}.{on}"

    def keep(self, network: keras.Model, epoch: Epoch) -> None:
        """Write the network as the best model so far."""
        weights = merged_weights(network)
        record = TrainingRecord(
            epochs=epoch.epoch,
            best_epoch=epoch.epoch,
            best_loss=epoch.loss,
            best_val_loss=epoch.val_loss,
            stopped_early=False,
            complete=False,
            seconds=epoch.seconds,
        )
        if self._run is not None:
            self.exporter.write(self._run.model, self.manifest(weights, [record]), weights)
        self._epoch = epoch

    def keep_scored(self, manifest: Manifest, weights: list[np.ndarray]) -> None:
        """Write the scored model in the place of the best one so far: what follows may still fail."""
        if self._run is not None:
            self.exporter.write(self._run.model, manifest, weights)
            self._scored = True

    def manifest(self, weights: list[np.ndarray], trainings: Sequence[TrainingRecord], **facts: Any) -> Manifest:
        """The manifest of a model with these weights; `facts` are those known only after training."""
        golden = self.exporter.golden(self.windows, weights)
        known = {"data": self._data, "lineage": self._lineage, "golden": golden}
        return Manifest.of(
            self._name, self._config, self._roles, self._records(self._members, trainings), **known | facts
        )

    def refitted(
        self, scored: Manifest, members: Sequence[Member], golden: GoldenBatch, final: FinalRecord
    ) -> Manifest:
        """The manifest of the weights that leave after training on all rows; scores are those of `scored`."""
        return scored.updated(
            members=self._records(members, [member.training for member in scored.members]),
            data=data_record(self._panel, self._split, learned=PARTS),
            golden=golden,
            final=final,
        )

    def _records(
        self, members: Sequence[Member], trainings: Sequence[TrainingRecord | None]
    ) -> tuple[MemberRecord, ...]:
        return tuple(map(MemberRecord.of, members, self._trained, trainings))


def roles_of(panel: Panel) -> Roles:
    """What the manifest says of the columns."""
    target, *past = panel.past_columns
    calendar = dict(panel.calendar_columns)
    return Roles(target=target, past=past, known=panel.known_columns, static=panel.static_columns, calendar=calendar)

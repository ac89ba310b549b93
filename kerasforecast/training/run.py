"""What a fit leaves behind while it trains: its best model so far, and the state to go on from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasforecast.artifact.manifest import DataRecord, Manifest, Metrics, Parameters, PartRecord, TrainingRecord
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import iso_text
from kerasforecast.models.network import merged_weights
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.split import PARTS, Split
from kerasforecast.runtime.backend import provenance
from kerasforecast.runtime.signals import Deferred
from kerasforecast.training.callbacks import Epoch, Keeping, TrainingState
from kerasforecast.training.checkpoint import STATES, Checkpoint, Generation, check_same

MODEL = "checkpoint.keras"


@dataclass(frozen=True)
class Run:
    """Where a fit keeps itself while it trains, so that whatever ends it takes little.

    Attributes:
        folder: Gets `checkpoint.keras`, the best model so far, and `checkpoint/`, the state to go on from.
        every: Steps after which to save the state within an epoch too.
        machine: What else than options and data the numbers depend on, e.g. `{"backend": "jax", "threads": 1}`.
        resumed: The state to go on from.
    """

    folder: Path
    every: int | None = None
    machine: dict[str, Any] = field(default_factory=dict)
    resumed: Generation | None = None

    @property
    def model(self) -> Path:
        """The best model so far."""
        return self.folder / MODEL

    @property
    def states(self) -> Path:
        """The folder of saved states."""
        return self.folder / STATES

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of states that were there before."""
        if self.resumed is None:
            left = f"{self.states} holds a stopped run, which --resume would go on with; this one starts anew."
            return (left,) if self.states.exists() else ()
        progress = self.resumed.facts["progress"]
        begun = f" and {progress['step']} steps of the next" if progress["step"] else ""
        return (*self.resumed.notes, f"Going on after epoch {len(progress['epochs'])}{begun}")

    def clear(self) -> None:
        """Remove both: the run is over, and its model is where it belongs."""
        Checkpoint(self.states).discard()
        self.model.unlink(missing_ok=True)


class Recorder:
    """Knows everything of a run that does not change while it trains; writes its best model and its state.

    Args:
        name: The model's.
        config: Every option.
        series, split, scaling, network: What is trained on what.
        window: A raw window `(L, F)` for the golden pair.
        run: Where to write; `None` for nowhere.
    """

    def __init__(
        self,
        name: str,
        config: Config,
        series: Series,
        split: Split,
        scaling: FittedScaling,
        network: keras.Model,
        window: np.ndarray,
        run: Run | None,
    ) -> None:
        self._run = run
        self.exporter = Exporter(config.network, scaling)
        self._window = window
        self._facts = {
            "name": name,
            "config": config,
            "columns": series.columns,
            "scaling": scaling,
            "data": _data_record(series, split),
        }
        self._trained = network.count_params()
        self._identity = {
            "name": name,
            "config": config.model_dump(mode="json"),
            "data": {"columns": list(series.columns), "sha256 of the data": series.sha256},
            "machine": run.machine if run else {},
        }
        self._snapshot = series.source.sha256
        self._start = self._resumed(run.resumed) if run and run.resumed else TrainingState()
        self._states = Checkpoint(run.states, resumed=bool(run.resumed)) if run else None
        self._saved = bool(self._start.arrays)
        self._epoch = next((epoch for epoch in reversed(self._start.epochs) if epoch.best), None)

    @property
    def seconds(self) -> float:
        """What the epochs before the one to go on with have taken."""
        return sum(epoch.seconds for epoch in self._start.epochs)

    @property
    def kept(self) -> str:
        """Where the best model so far is, and how to go on, as a sentence or two."""
        if self._run is None:
            return ""
        on = f" --resume {self._facts['name']} goes on from there." if self._saved else ""
        if self._epoch is None:
            return f"No epoch had finished; no model was kept.{on}"
        best = f"The best model so far (epoch {self._epoch.epoch}, validation loss {self._epoch.val_loss:.4f})"
        return f"{best} is {self._run.model}.{on}"

    def keeping(self, stop: Deferred) -> Keeping:
        """What training needs to be kept."""
        return Keeping(self._save, stop, self._run.every if self._run else None, self._start)

    def _save(self, state: TrainingState) -> None:
        if self._states is None:
            return
        best = {f"best/{number}": array for number, array in enumerate(state.best)}
        progress = {"step": state.step, "epochs": [asdict(epoch) for epoch in state.epochs]}
        self._states.save(
            {"run": self._identity, "snapshot": self._snapshot, "progress": progress}, state.arrays | best
        )
        self._saved = True

    def _resumed(self, generation: Generation) -> TrainingState:
        check_same(generation.facts["run"], self._identity)
        progress, arrays = generation.facts["progress"], dict(generation.arrays)
        count = sum(key.startswith("best/") for key in arrays)
        best = tuple(arrays.pop(f"best/{number}") for number in range(count))
        return TrainingState(tuple(Epoch(**epoch) for epoch in progress["epochs"]), progress["step"], arrays, best)

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
            self.exporter.write(self._run.model, self.manifest(weights, record, None), weights)
        self._epoch = epoch

    def manifest(self, weights: list[np.ndarray], training: TrainingRecord, metrics: Metrics | None) -> Manifest:
        """The manifest of a model with these weights."""
        return Manifest(
            **self._facts,
            **provenance(keras.backend.backend()),
            parameters=Parameters(trained=self._trained, saved=sum(array.size for array in weights)),
            golden=self.exporter.golden(self._window, weights),
            training=training,
            metrics=metrics,
        )


def _data_record(series: Series, split: Split) -> DataRecord:
    def stamp(row: int) -> str | int:
        return iso_text(series.index[row], series.index)

    parts = {
        part: PartRecord(
            rows=len(rows), windows=len(split.origins(part)), start=stamp(rows.start), end=stamp(rows.stop - 1)
        )
        for part in PARTS
        for rows in [split.rows_of(part)]
    }
    return DataRecord(
        source=series.source.kind,
        location=series.source.location,
        snapshot=series.source.sha256,
        retrieved=series.source.retrieved,
        rows=len(series),
        start=stamp(0),
        end=stamp(-1),
        frequency=series.frequency,
        calendar=series.calendar,
        sha256=series.sha256,
        split=parts,
    )

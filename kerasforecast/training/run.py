"""Where a fit keeps itself while it trains, and the state it can go on from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kerasforecast.runtime.files import remove_folder
from kerasforecast.runtime.signals import Deferred
from kerasforecast.training.callbacks import Keeping, TrainingState
from kerasforecast.training.checkpoint import STATES, Checkpoint, Generation, check_same
from kerasforecast.training.history import Epoch

MODEL = "checkpoint.keras"
TRIED = "tried"  # the folder of the networks that a choice has tried
_FINAL = "final/"  # begins the names of what a training on all rows keeps


@dataclass(frozen=True, eq=False)
class Halfway:
    """A training on all rows between two of its stretches.

    Attributes:
        done: Stretches so far.
        arrays: What `kerasforecast.training.state.capture` took.
    """

    done: int
    arrays: dict[str, np.ndarray]


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
    def tried(self) -> Path:
        """The folder of the networks that a choice among them has tried so far."""
        return self.folder / TRIED

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of states that were there before."""
        if self.resumed is None:
            left = f"{self.states} holds a stopped run, which --resume would go on with; this one starts anew."
            return (left,) if self.states.exists() else ()
        progress = self.resumed.facts["progress"]
        if self.tried.exists():
            count = sum(1 for _ in self.tried.iterdir())
            return (*self.resumed.notes, f"Going on: what {count} trainings have found is at hand.")
        begun = f" and {progress['step']} steps of the next" if progress["step"] else ""
        begun = " and within the training on all rows" if progress.get("final") else begun
        return (*self.resumed.notes, f"Going on after epoch {len(progress['epochs'])}{begun}")

    def clear(self) -> None:
        """Remove both: the run is over, and its model is where it belongs."""
        Checkpoint(self.states).discard()
        remove_folder(self.tried)
        self.model.unlink(missing_ok=True)


class Kept:
    """The saved states of one run, and where it goes on from.

    Args:
        run: Where to write; `None` for nowhere.
        identity: All that its rest depends on: name, options, data, machine. A resumed run must have the same.
        snapshot: SHA-256 of the snapshot that downloaded rows came from, or `""`.

    Attributes:
        halfway: Where its training on all rows had come to; `None` where that had not begun.

    Raises:
        OptionError: The run to be resumed is of other options or data.
    """

    def __init__(self, run: Run | None, identity: dict[str, Any], snapshot: str) -> None:
        self._run = run
        self._identity = identity | {"machine": run.machine if run else {}}
        self._snapshot = snapshot
        self.halfway: Halfway | None = None
        self._start = self._resumed(run.resumed) if run and run.resumed else TrainingState()
        self._states = Checkpoint(run.states, resumed=bool(run.resumed)) if run else None
        self.saved = bool(self._start.arrays)
        self._last = self._start

    @property
    def seconds(self) -> float:
        """What the epochs before the one to go on with have taken."""
        return sum(epoch.seconds for epoch in self._start.epochs)

    @property
    def best(self) -> Epoch | None:
        """The best epoch before the one to go on with."""
        return next((epoch for epoch in reversed(self._start.epochs) if epoch.best), None)

    def keeping(self, stop: Deferred) -> Keeping:
        """What training needs to be kept."""
        return Keeping(self._save, stop, self._run.every if self._run else None, self._start)

    def keep_halfway(self, halfway: Halfway) -> None:
        """Save the state of the training on all rows, beside that of the one before it."""
        self.halfway = halfway
        self._save(self._last)

    def _save(self, state: TrainingState) -> None:
        if self._states is None:
            return
        self._last, final = state, self.halfway
        arrays = state.arrays | {f"best/{number}": array for number, array in enumerate(state.best)}
        progress = {"step": state.step, "epochs": [asdict(epoch) for epoch in state.epochs]}
        if final:
            progress["final"] = final.done
            arrays |= {f"{_FINAL}{key}": array for key, array in final.arrays.items()}
        facts = {"run": self._identity, "snapshot": self._snapshot, "progress": progress}
        self._states.save(facts, arrays)
        self.saved = True

    def _resumed(self, generation: Generation) -> TrainingState:
        check_same(generation.facts["run"], self._identity)
        progress, arrays = generation.facts["progress"], dict(generation.arrays)
        own = {key.removeprefix(_FINAL): arrays.pop(key) for key in list(arrays) if key.startswith(_FINAL)}
        self.halfway = Halfway(progress["final"], own) if own else None
        count = sum(key.startswith("best/") for key in arrays)
        best = tuple(arrays.pop(f"best/{number}") for number in range(count))
        return TrainingState(tuple(Epoch(**epoch) for epoch in progress["epochs"]), progress["step"], arrays, best)

"""What is kept of a choice while it is made: the state of each network after each round, so that none is tried twice.

NAME/checkpoint/00000001/    what run it is, as of every fit
NAME/tried/003.2/00000001/   the state of network 3 after round 2, whole and with its hashes
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kerasforecast.errors import InputError
from kerasforecast.runtime.files import remove_folder
from kerasforecast.selection.candidates import Candidate
from kerasforecast.training.callbacks import TrainingState
from kerasforecast.training.checkpoint import Checkpoint, check_same, newest
from kerasforecast.training.history import Epoch
from kerasforecast.training.run import Run


class Store:
    """The finished trials of one run.

    Args:
        run: Where to write; `None` for nowhere.
        identity: All that its rest depends on: name, options, data.
        snapshot: SHA-256 of the snapshot that downloaded rows came from, or `""`.

    Raises:
        OptionError: The run to be resumed is of other options or data.
    """

    def __init__(self, run: Run | None, identity: dict[str, Any], snapshot: str) -> None:
        self._run = run
        if run is None:
            return
        identity = identity | {"machine": run.machine}
        if run.resumed:
            check_same(run.resumed.facts["run"], identity)
        else:
            remove_folder(run.tried)  # of another run that was stopped
        facts = {"run": identity, "snapshot": snapshot, "progress": {"step": 0, "epochs": []}}
        Checkpoint(run.states, resumed=bool(run.resumed)).save(facts, {})

    def load(self, candidate: Candidate, number: int) -> tuple[TrainingState, float] | None:
        """The state of a network after round `number` and the seconds that it took; `None` where it is not at hand."""
        folder = self._folder(candidate, number)
        if folder is None or not folder.exists():
            return None
        try:
            found = newest(folder)
        except InputError:  # damaged: it is tried again
            return None
        if found.facts["words"] != candidate.words:
            return None
        arrays = dict(found.arrays)
        count = sum(key.startswith("best/") for key in arrays)
        best = tuple(arrays.pop(f"best/{place}") for place in range(count))
        epochs = tuple(Epoch(**epoch) for epoch in found.facts["epochs"])
        return TrainingState(epochs, 0, arrays, best), float(found.facts["seconds"])

    def save(self, candidate: Candidate, number: int, state: TrainingState, seconds: float) -> None:
        """Keep what `load` gives."""
        if (folder := self._folder(candidate, number)) is None:
            return
        facts = {
            "words": candidate.words,
            "seconds": seconds,
            "epochs": [asdict(epoch) for epoch in state.epochs],
        }
        best = {f"best/{place}": array for place, array in enumerate(state.best)}
        Checkpoint(folder).save(facts, state.arrays | best)

    def _folder(self, candidate: Candidate, number: int) -> Any:
        return None if self._run is None else self._run.tried / f"{candidate.place:03d}.{number}"

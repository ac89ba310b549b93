"""Trainings of a choice, carried out by workers: each goes on from the state in which a network was left, and gives
that state back. Here it is taken up as one that was kept on disk would be, so that the choice is the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError, DivergedError
from kerasforecast.forecasting.fitting import Fitting, scaled_member
from kerasforecast.forecasting.parts import Part, retrained
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.runtime.signals import Deferred, watching
from kerasforecast.runtime.tasks import Executor, in_order
from kerasforecast.selection.candidates import Candidate
from kerasforecast.training.callbacks import Keeping, TrainingState


@dataclass(frozen=True, eq=False)
class Ground:
    """What all trainings of a choice share.

    Attributes:
        panel: The data.
        split: Its parts, of the longest window that is tried.
        stops: Rows of the last input of the windows that stop trainings.
    """

    panel: Panel
    split: Split
    stops: np.ndarray

    def begun(self, candidate: Candidate) -> tuple[Member, Fitting]:
        """A network about to be trained."""
        own = self.split.of_window(candidate.network.window)
        member = scaled_member(candidate.network, self.panel, own)
        learned, held_back = (
            windows_of(self.panel, each, own.window, own.horizon).training_set(member.scaling)
            for each in (own.origins("train"), self.stops)
        )
        return member, Fitting(member, candidate.training, learned, held_back)


@dataclass(frozen=True, eq=False)
class Left:
    """Where a training was left.

    Attributes:
        state: That another goes on from.
        seconds: It has taken in all.
        note: Why there is no state, where there is none.
    """

    state: TrainingState = field(default_factory=TrainingState)
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, eq=False)
class Task:
    """A training that is to go on until so many steps are done in all."""

    candidate: Candidate
    steps: int
    left: Left


def epochs_of(fitting: Fitting, candidate: Candidate, steps: int) -> int | None:
    """So many steps in epochs; `None` where a network is solved, which takes none."""
    return None if candidate.network.family.solved else max(1, -(-steps // fitting.steps))


def go_on(ground: Ground, task: Task) -> Left:
    """Carry out a task, wherever this runs."""
    started = time.perf_counter()
    states = [task.left.state]
    try:
        with Deferred() as stop:
            _, fitting = ground.begun(task.candidate)
            keeping = Keeping(states.append, stop, None, task.left.state)
            fitting.train(epochs=epochs_of(fitting, task.candidate, task.steps), keeping=keeping)
    except (DivergedError, DataError) as error:
        return Left(note=dropped(error))
    return Left(states[-1], task.left.seconds + time.perf_counter() - started)


def dropped(error: DivergedError | DataError) -> str:
    """Why a network is tried no more, in a word."""
    return "diverged" if isinstance(error, DivergedError) else "unfit"


def all_left(workers: Executor, ground: Ground, tasks: Sequence[Task], stop: Deferred) -> Iterator[Left]:
    """Where each training of a round is left, in order, each as soon as it is known."""
    return in_order(workers.map(go_on, ground, tasks, watching(stop, "Training was stopped.")))


def all_retrained(
    workers: Executor | None, parts: Sequence[Part], panel: Panel, split: Split, stop: Deferred
) -> list[Part]:
    """`parts` trained anew on the training part of `split`, here or by workers."""
    if workers is None:
        return [retrained(part, panel, split, stop) for part in parts]
    return list(in_order(workers.map(_retrained, (panel, split), parts, watching(stop, "Training was stopped."))))


def _retrained(shared: tuple[Panel, Split], part: Part) -> Part:
    return retrained(part, *shared)

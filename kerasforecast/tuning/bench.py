"""Where trials are made: those that are known already are not made again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.runtime.tasks import Executor, Serial
from kerasforecast.tuning.attempt import OnEpoch, Task, attempt
from kerasforecast.tuning.ground import Ground
from kerasforecast.tuning.record import Attempt, Trial, key_of
from kerasforecast.tuning.space import Value
from kerasforecast.tuning.store import Store

OnTrial = Callable[[Trial, bool], None]


@dataclass
class Bench:
    """Makes the trials of a study, on the rows before the test part.

    Attributes:
        ground: Those rows.
        config: The untuned options.
        seeds: How many seeds a trial is made with, from that of `config` on.
        data: Says which rows they are.
        store: Keeps every attempt as soon as it is made.
        executor: Makes them.
        on_trial: Called with each trial, and whether it was kept from before.
        over: Says whether time is over, so that no further trial is to begin.
        trials: So far, in the order in which they were first asked for.
    """

    ground: Ground
    config: Config
    seeds: int
    data: str
    store: Store
    executor: Executor = field(default_factory=Serial)
    on_trial: OnTrial | None = None
    over: Callable[[], bool] = bool  # never
    trials: list[Trial] = field(default_factory=list)

    def changes(self, options: Mapping[str, Any]) -> dict[str, Value]:
        """Those of `options` that are not the untuned ones."""
        untuned = self.config.flat()
        return {name: value for name, value in options.items() if value != untuned[name]}

    def tasks(self, options: Mapping[str, Any]) -> list[Task]:
        """An attempt for each seed."""
        config = self.config.changed(**options) if options else self.config
        found = []
        for place in range(self.seeds):
            seed = {"seed": (config.training.seed + place) % 2**31}
            seeded = config.model_copy(update={"training": config.training.model_copy(update=seed)})
            found.append(Task(key_of(self.data, seeded, len(self.ground.folds)), seeded))
        return found

    def try_all(self, stage: str, asked: Sequence[Mapping[str, Any]], least: int | None = None) -> list[Trial]:
        """The trials of each set of options asked for, made where they are not known.

        Where time is over, these are the first of them alone, at least `least`; all where it is `None`.
        """
        wanted = [self.changes(options) for options in asked]
        tasks = [self.tasks(options) for options in wanted]
        made: dict[str, Attempt] = {}
        known = {task.key: kept for each in tasks for task in each if (kept := self.store.load(task.key))}
        absent = {task.key: task for each in tasks for task in each if task.key not in known}
        told: list[Trial] = []

        def tell() -> None:  # in the order asked for, whoever was made first
            for place in range(len(told), len(tasks)):
                each = tasks[place]
                if any(task.key not in known and task.key not in made for task in each):
                    return
                attempts = tuple(known.get(task.key) or made[task.key] for task in each)
                told.append(self._trial(stage, wanted[place], attempts, not any(task.key in made for task in each)))

        def enough() -> bool:
            return least is not None and len(told) >= least and self.over()

        tell()
        due = [] if enough() else list(absent.values())
        for _, found in self.executor.map(attempt, self.ground, due):
            self.store.save(found)
            made[found.key] = found
            tell()
            if enough():
                break
        return told

    def try_one(self, options: Mapping[str, Any], on_epoch: OnEpoch | None = None) -> list[Attempt]:
        """The attempts of one set of options, made here; those after one without scores are left out.

        `on_epoch` watches the first of them, and may end it.
        """
        found = []
        for place, task in enumerate(self.tasks(self.changes(options))):
            made = self.store.load(task.key)
            if made is None:
                made = attempt(self.ground, task, on_epoch if place == 0 else None)
                self.store.save(made)
            found.append(made)
            if made.status != "done":
                break
        return found

    def _trial(self, stage: str, options: dict[str, Value], attempts: tuple[Attempt, ...], kept: bool) -> Trial:
        same = next((each for each in self.trials if each.attempts[0].key == attempts[0].key), None)
        if same:
            return same
        trial = Trial(number=len(self.trials) + 1, stage=stage, options=options, attempts=attempts)
        self.trials.append(trial)
        if self.on_trial:
            self.on_trial(trial, kept)
        return trial


def deadline(seconds: float) -> Callable[[], bool]:
    """Says whether `seconds` have passed since now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def data_key(panel: Panel) -> str:
    """Rows and the roles of their columns, as a text that tells them from all others."""
    static = None if panel.static is None else panel.static.shape
    return f"{panel.sha256} {panel.roles} {sorted(panel.calendar_columns.items())} {static}"

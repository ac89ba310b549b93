"""A search by Optuna: it proposes options, and ends trainings that come to nothing.

What it proposes for a trial follows from the trial's number and those before it, so that a study which is killed and
goes on is the study that it would have been. Several processes may work on one study.
"""

from __future__ import annotations

import contextlib
import importlib
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasforecast.errors import LockedError
from kerasforecast.runtime.extras import require_package
from kerasforecast.runtime.locks import locked, locked_in_turn
from kerasforecast.training.callbacks import Epoch
from kerasforecast.tuning.attempt import Pruned
from kerasforecast.tuning.bench import Bench
from kerasforecast.tuning.record import Attempt, Measure, Trial
from kerasforecast.tuning.space import Choice, Range, Space, Value

_UNPRUNED = 5  # trials, and epochs of each, before anything is ended early
_POLL = 0.2  # seconds
_DIGITS = 3  # of a number that is proposed: more are noise, and none that a person would write


@dataclass(frozen=True)
class Limits:
    """When a search ends.

    Attributes:
        trials: Made beside the untuned one, by all processes together; without end where `None`.
        seconds: After which this process asks for no further one.
        pareto: Whether seconds of training count beside the error.
    """

    trials: int | None
    seconds: float | None
    pareto: bool = False


def run_search(
    bench: Bench,
    space: Space,
    measure: Measure,
    limits: Limits,
    folder: Path | None,
    on_trial: Callable[[Trial, bool], None] | None = None,
) -> tuple[Trial, Trial, list[Trial]]:
    """Let Optuna choose options until the limits are met.

    Args:
        bench: Makes the attempts.
        space: What may be chosen.
        measure: The error on validation that decides.
        limits: When to end.
        folder: For the journal of the study; it is kept in memory where `None`.
        on_trial: Called with each trial, and whether it was kept from before.

    Returns:
        The winner, the trial of the untuned options, and all trials.

    Raises:
        OptionError: Optuna is not installed, or no trial came to an error.
    """
    default = bench.try_all("default", [{}])[0]
    study = _Study(bench, space, measure, limits, folder)
    started = time.monotonic()
    for number in range(len(study.finished())):
        if on_trial:
            on_trial(study.trial(number), True)
    while limits.seconds is None or time.monotonic() - started < limits.seconds:
        with study.claimed() as proposed:
            if proposed is None:
                break
            study.carry_out(proposed)
            if on_trial:
                on_trial(study.trial(proposed.number), False)
    trials = [default, *(study.trial(number) for number in study.finished())]
    return _winner(trials, measure, limits.pareto), default, trials


class _Study:
    """A study of Optuna's, its trials told from dead ones by locks."""

    def __init__(self, bench: Bench, space: Space, measure: Measure, limits: Limits, folder: Path | None) -> None:
        self._optuna = _optuna()
        self._bench, self._space, self._measure, self._limits, self._folder = bench, space, measure, limits, folder
        optuna = self._optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage: Any = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
            storage = optuna.storages.JournalStorage(backend)
        directions = ["minimize", "minimize"] if limits.pareto else ["minimize"]
        self._study: Any = optuna.create_study(
            storage=storage,
            study_name=self._name(),
            directions=directions,
            load_if_exists=True,
            sampler=_sampler(optuna, bench.config.training.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED, n_warmup_steps=_UNPRUNED),
        )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[Any]:
        """The next trial to make, which no living process makes; `None` where there is none left."""
        with contextlib.ExitStack() as claim:
            while True:
                with self._alone():
                    found, busy = self._next(claim)
                if found is not None or not busy:
                    break
                time.sleep(_POLL)  # others still work on the last ones: should they die, these are ours
            yield found

    def carry_out(self, trial: Any) -> None:
        """Make a trial and tell the study how it went."""
        optuna, first = self._optuna, self._options(trial)

        def watch(epoch: Epoch, naive: float | None) -> None:
            if naive and not self._limits.pareto:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of a trial that goes on, its first epochs are known already
                    trial.report(epoch.val_loss / naive, epoch.epoch)
                if trial.should_prune():
                    raise Pruned(f"worse than most after {epoch.epoch} epochs")

        attempts = self._bench.try_one(first, watch)
        self._report(trial, attempts[0])
        failed = next((each for each in attempts if each.status != "done"), None)
        if failed is not None:
            states = optuna.trial.TrialState
            self._study.tell(trial, state=states.PRUNED if failed.status == "pruned" else states.FAIL)
            return
        error = sum(each.scores[self._measure] for each in attempts) / len(attempts)
        values = [error, sum(each.seconds for each in attempts)] if self._limits.pareto else error
        self._study.tell(trial, values)

    def finished(self) -> list[int]:
        """Numbers of the trials that are over, of Optuna's, from 0."""
        return [each.number for each in self._study.get_trials(deepcopy=False) if each.state.is_finished()]

    def trial(self, number: int) -> Trial:
        """Trial `number` as a study records it; the untuned one is the first."""
        found = self._study.get_trials(deepcopy=False)[number]
        options = self._bench.changes(self._rounded(found.params))
        attempts = [made for task in self._bench.tasks(options) if (made := self._bench.store.load(task.key))]
        return Trial(number=number + 2, stage="search", options=options, attempts=tuple(attempts))

    def _next(self, claim: contextlib.ExitStack) -> tuple[Any, bool]:
        """A trial that is ours now, and whether others are at work."""
        running = [each for each in self._study.get_trials(deepcopy=False) if each.state.name == "RUNNING"]
        for each in running:
            with contextlib.suppress(LockedError), contextlib.ExitStack() as ours:
                ours.enter_context(self._held(each.number))
                if each.number in self.finished():  # by whom gave it up in this moment
                    continue
                claim.push(ours.pop_all())
                return self._optuna.trial.Trial(self._study, each._trial_id), False
        asked = len(self._study.get_trials(deepcopy=False))
        if self._limits.trials is not None and asked >= self._limits.trials:
            return None, bool(running)
        found = self._study.ask()
        claim.enter_context(self._held(found.number))
        return found, False

    @contextlib.contextmanager
    def _held(self, number: int) -> Iterator[None]:
        if self._folder is None:
            yield
            return
        place = self._folder / "at-work" / str(number)
        with locked(place):
            yield
        with contextlib.suppress(OSError):
            place.rmdir()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process asks."""
        if self._folder is None:
            yield
            return
        with locked_in_turn(self._folder / "asking", poll=_POLL / 10):
            yield

    def _report(self, trial: Any, first: Attempt) -> None:
        """The epochs of a first attempt that was kept from before, which later trials are held against."""
        if self._limits.pareto or not first.curves or not first.curves[-1].naive:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for epoch, loss in enumerate(first.curves[-1].val_loss, 1):
                trial.report(loss / first.curves[-1].naive, epoch)

    def _options(self, trial: Any) -> dict[str, Value]:
        for name, which in self._space.items():
            if isinstance(which, Choice):
                trial.suggest_categorical(name, list(which.values))
            elif which.whole:
                trial.suggest_int(name, int(which.low), int(which.high), log=which.log)
            else:
                trial.suggest_float(name, which.low, which.high, log=which.log)
        return self._rounded(trial.params)

    def _rounded(self, params: Mapping[str, Any]) -> dict[str, Value]:
        return {
            name: _short(value, self._space.get(name)) if isinstance(value, float) else value
            for name, value in params.items()
        }

    def _name(self) -> str:
        """Of the study in the journal: that of other data, options or spaces is another."""
        told = {name: str(which) for name, which in self._space.items()}
        key = self._bench.tasks({})[0].key
        return f"{key} {self._measure} {self._limits.pareto} {self._bench.seeds} {sorted(told.items())}"


def _short(value: float, which: Range | Choice | None) -> float:
    if not isinstance(which, Range):
        return value
    return min(max(float(f"{value:.{_DIGITS}g}"), which.low), which.high)


def _optuna() -> Any:
    require_package("--search", "optuna", "tune")
    return importlib.import_module("optuna")


def _sampler(optuna: Any, seed: int) -> Any:
    """Optuna's own choice, drawn anew for each trial and option from their number and name."""

    class Numbered(optuna.samplers.BaseSampler):  # type: ignore[misc, name-defined]
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return {}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            drawn = zlib.crc32(f"{seed} {trial.number} {param_name}".encode())
            sampler = optuna.samplers.TPESampler(seed=drawn)
            return sampler.sample_independent(study, trial, param_name, param_distribution)

    return Numbered()


def _winner(trials: list[Trial], measure: Measure, pareto: bool) -> Trial:
    """The least error; of trials within 1 % of it the quickest, where seconds count too."""
    from kerasforecast.tuning.record import best_of

    best = best_of(trials, measure)
    if not pareto:
        return best
    near = 1.01 * (best.error(measure) or 0.0)
    close = [each for each in trials if (error := each.error(measure)) is not None and error <= near]
    return min(close, key=lambda each: (each.seconds, each.number))

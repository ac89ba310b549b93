"""Training what is proposed, round after round: each goes on for longer with the better half of those before.

What needs no steps is tried once. A training that goes on does so from the very state in which it was left, so that a
network which came through all rounds is the one that it would have been alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError, DivergedError
from kerasforecast.forecasting.fitting import Fitting, Trained
from kerasforecast.forecasting.parts import Part
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.split import Split
from kerasforecast.runtime.signals import Deferred
from kerasforecast.runtime.tasks import Executor
from kerasforecast.selection.budgets import Budget, Clock
from kerasforecast.selection.candidates import Candidate
from kerasforecast.selection.judging import Judge, Worth
from kerasforecast.selection.keeping import Store
from kerasforecast.selection.spread import Ground, Left, Task, all_left, dropped, epochs_of
from kerasforecast.training.callbacks import Keeping, TrainingState

_BATCH = 256  # windows that are forecast at once
_KEPT = 0.5  # of those that were in a round, how many go on
_FEWEST = 3  # that go on at least
_JOINED = 5  # of the best, which a model is made of about


@dataclass(eq=False)
class Trial:
    """A candidate while it is tried.

    Attributes:
        candidate: What it is.
        member: The network with its scaling; `None` before it was begun.
        fitting: The network in training.
        state: Where its training was left.
        fitted: What its training found so far.
        errors: `(N, H)` of its forecasts of the windows that choose, in units of their series.
        worth: What these are worth.
        seconds: Its training took.
        note: Why it was dropped, if it was.
    """

    candidate: Candidate
    member: Member | None = None
    fitting: Fitting | None = None
    state: TrainingState = field(default_factory=TrainingState)
    fitted: Trained | None = None
    errors: np.ndarray | None = None
    worth: Worth | None = None
    seconds: float = 0.0
    note: str = ""

    @property
    def steps(self) -> int:
        """Optimizer steps that it has had."""
        if self.fitted is None or self.fitting is None:
            return 0
        solutions = 1 if self.solved else 0  # each counts as an epoch
        return (len(self.fitted.history.epochs) - solutions) * self.fitting.steps

    @property
    def solved(self) -> bool:
        """Whether it is tried once: what it begins at is a solution."""
        return self.candidate.network.family.solved

    @property
    def mase(self) -> float:
        """Its MASE; not a number before it was judged."""
        return self.worth.mase if self.worth else float("nan")

    def part(self) -> Part:
        """The trained network as part of a model."""
        if self.member is None or self.fitting is None or self.fitted is None:
            raise ValueError("A network that was not trained is no part of a model.")
        return Part(
            self.member, self.candidate.training, self.fitted, self.fitting.trained, self.fitting.steps, self.seconds
        )


@dataclass(frozen=True, eq=False)
class Bench:
    """Where trials are trained and judged.

    Attributes:
        panel: The data.
        split: Its parts, of the longest window that is tried.
        judge: What they are worth by.
        store: Where finished ones are kept.
        clock: How long it may take.
        stop: Notes the signals that are to end it.
        say: Told what was found.
        workers: Who trains, several networks at once; this process, where `None`.
        anew: How often what is chosen is trained once more, as long as it was here, which needs time too.
    """

    panel: Panel
    split: Split
    judge: Judge
    store: Store
    clock: Clock
    stop: Deferred
    say: Callable[[str], None]
    workers: Executor | None = None
    anew: int = 1

    def run(self, candidates: Sequence[Candidate], budget: Budget) -> list[Trial]:
        """Every candidate tried, and the better ones for longer; the best first."""
        trials = [Trial(candidate) for candidate in candidates]
        # What takes no steps first: where time is short there is something to choose from before it is over.
        trials.sort(key=lambda trial: trial.candidate.training.epochs > 1)
        going = trials
        for number, steps in enumerate(budget.rounds, 1):
            elsewhere = self._elsewhere(going, steps, number)
            for count, trial in enumerate(going, 1):
                left = next(elsewhere)
                late = left is None and self.clock.over(self._needed(trial, trials, steps) + self._after(trials))
                if late and trial.worth is None and any(each.worth for each in trials):
                    trial.note = "no time"
                elif not late or trial.worth is None:
                    self._go_on(trial, steps, number, left)
                    self._tell(trial, trials, f"{number}.{count}/{len(going)}")
            going = self._kept(going)
            if not going or self.clock.over(self._after(trials)):
                break
        return ranked(trials)

    def _needed(self, trial: Trial, trials: Sequence[Trial], steps: int) -> float:
        """Seconds until a training has had so many steps, and once more if it is chosen, by what it or others took."""
        if trial.solved:
            return 0.0
        begun = [trial] if trial.steps else [each for each in trials if each.steps and not each.solved]
        paces = [each.seconds / each.steps for each in begun]
        return (1 + self.anew) * float(np.mean(paces)) * max(0, steps - trial.steps) if paces else 0.0

    def _after(self, trials: Sequence[Trial]) -> float:
        """Seconds that training anew may take of what will be chosen, about."""
        return self.anew * sum(trial.seconds for trial in ranked(trials)[:_JOINED] if trial.steps)

    def more(self, tried: Sequence[Trial], most: int, seeds: int, rounds: Sequence[int]) -> list[Trial]:
        """Further starts of the best that were `tried` and take steps, each trained as long as all rounds take."""
        trials = [trial for trial in tried if not trial.solved][:most]
        found: list[Trial] = []
        for trial in trials:
            for seed in range(1, seeds + 1):
                training = trial.candidate.training
                changed = training.model_copy(update={"seed": (training.seed + 1_000 * seed) % 2**31})
                place = trial.candidate.place + 1_000 * seed
                found.append(Trial(Candidate(place, trial.candidate.network, changed)))
        elsewhere = self._elsewhere(found, rounds[-1], len(rounds))
        for count, trial in enumerate(found, 1):
            if self.clock.over(self._needed(trial, [*tried, *found], rounds[-1]) + self._after([*tried, *found])):
                break
            self._go_on(trial, rounds[-1], len(rounds), next(elsewhere))
            self._tell(trial, [*tried, *found], f"again {count}/{len(found)}")
        return [trial for trial in found if trial.worth is not None]

    def _elsewhere(self, going: Sequence[Trial], steps: int, number: int) -> Iterator[Left | None]:
        """Where workers leave the trainings of a round, in order; `None` for each that is for this process."""
        if self.workers is None:
            yield from (None for _ in going)
            return
        kept = [self.store.load(trial.candidate, number) for trial in going]
        tasks = [
            Task(trial.candidate, steps, Left(trial.state, trial.seconds))
            for trial, at_hand in zip(going, kept, strict=True)
            if at_hand is None
        ]
        made = all_left(self.workers, self._ground, tasks, self.stop)
        for at_hand in kept:
            yield next(made) if at_hand is None else None

    def _go_on(self, trial: Trial, steps: int, number: int, left: Left | None = None) -> None:
        """Train until so many steps are done in all, where that was not done elsewhere, and judge."""
        started = time.perf_counter()
        if left and left.note:
            trial.worth, trial.note = None, left.note
            return
        try:
            fitting = self._begun(trial)
            kept = (left.state, left.seconds) if left else self.store.load(trial.candidate, number)
            if kept is not None:
                trial.state, trial.seconds = kept
            states = [trial.state]
            keeping = Keeping(states.append, self.stop, None, trial.state)
            fitted = fitting.train(epochs=epochs_of(fitting, trial.candidate, steps), keeping=keeping)
            trial.state, trial.fitted = states[-1], fitted
            trial.errors = self.judge.errors(self._points(trial))
            trial.worth = self.judge.worth(trial.errors)
        except (DivergedError, DataError) as error:
            trial.worth, trial.note = None, dropped(error)
            return
        if kept is None:
            trial.seconds += time.perf_counter() - started
        if kept is None or left:
            self.store.save(trial.candidate, number, trial.state, trial.seconds)

    @property
    def _ground(self) -> Ground:
        return Ground(self.panel, self.split, self.judge.stops)

    def _begun(self, trial: Trial) -> Fitting:
        if trial.fitting is None:
            trial.member, trial.fitting = self._ground.begun(trial.candidate)
        return trial.fitting

    def _points(self, trial: Trial) -> np.ndarray:
        """Its forecasts `(N, H)` of the windows that choose, raw: by the network as it is trained, dropout off.

        Those of one that draws paths are their medians, by the network that draws them.
        """
        if trial.member is None or trial.fitting is None or trial.fitted is None:
            raise ValueError("A network that was not trained forecasts nothing.")
        windows, levels = self.judge.of_window(trial.candidate.network.window), trial.candidate.network.quantiles
        if trial.candidate.network.family.sampled:
            return trial.fitted.predictor.predict(windows.batch(slice(None)))
        found = []
        for start in range(0, len(windows), _BATCH):
            rows = np.minimum(np.arange(start, start + _BATCH), len(windows) - 1)  # one shape, one compilation
            batch = windows.batch(rows)
            scaled = np.asarray(trial.fitting.network.predict_on_batch(batch.fed()))
            points = scaled[:, :, levels.index(0.5)] if levels else scaled
            found.append(trial.member.scaling.restore(batch.past.astype(np.float64), points.astype(np.float64)))
        return np.concatenate(found)[: len(windows)]

    def _kept(self, going: Sequence[Trial]) -> list[Trial]:
        """Those that go on: the better half of those that steps make better."""
        still = [trial for trial in going if trial.worth and not trial.solved]
        count = max(_FEWEST, int(np.ceil(_KEPT * len(still))))
        return ranked(still)[:count]

    def _tell(self, trial: Trial, trials: Sequence[Trial], where: str) -> None:
        words = trial.candidate.short
        if trial.worth is None:
            self.say(f"  {where:<7} {words}: {trial.note}")
            return
        best = ranked(trials)[0]
        leads = "leads" if best is trial else f"{best.candidate.network.model} leads, {best.mase:.3f}"
        self.say(f"  {where:<7} {words}: MASE {trial.mase:.3f}; {leads}")


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Those that were judged, the best first."""
    return sorted(
        (trial for trial in trials if trial.worth is not None),
        key=lambda trial: (trial.worth.loss if trial.worth else np.inf, trial.candidate.place),
    )

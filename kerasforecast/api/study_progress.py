"""What a person sees while a study goes on: a line a trial, and what each stage is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasforecast.api.progress import Progress
from kerasforecast.config import Config
from kerasforecast.runtime.backend import Choice
from kerasforecast.tuning.record import Measure, Stage, Trial, shown_value


class Said:
    """Lines of a study.

    Args:
        config: The untuned options.
        choice: The backend.
        shown: As of `kerasforecast.api.progress.Progress`.
        measure: Of the errors.

    Attributes:
        note: Says what a person should know.
    """

    def __init__(self, config: Config, choice: Choice, shown: bool | None, measure: Measure) -> None:
        self.note = Progress(config, choice, shown).note
        self._measure = measure

    def stage(self, number: int, count: int, option: str, values: Sequence[Any], suggestion: str) -> None:
        """A stage begins."""
        self.note(f"Stage {number} of {count}, {option}: {', '.join(map(shown_value, values))}.")
        if suggestion:
            self.note(f"  {suggestion}")

    def end(self, stage: Stage) -> None:
        """A stage is over."""
        self.note(f"  {stage.found}")

    def trial(self, trial: Trial, kept: bool) -> None:
        """A trial is over."""
        error, naive = trial.error(self._measure), trial.of_naive(self._measure)
        said = trial.status if error is None else f"{self._measure.upper()} {error:.4f}"
        if naive is not None:
            said += f" ({naive:.3f} of naive)"
        how = "kept from before" if kept else f"{trial.epochs} epochs  {trial.seconds:.1f} s"
        reading = f"  {trial.curve.reading}" if trial.curve and error is not None else ""
        self.note(f"  trial {trial.number:>3}  {trial.told()}  {said}  {how}{reading}")
        if trial.attempts[0].error and error is None:
            self.note(f"             {trial.attempts[0].error}")

"""What a study keeps and leaves, in records with bounds."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from kerasforecast.artifact.records import Count, Record, Text
from kerasforecast.config import Config
from kerasforecast.errors import OptionError, shown
from kerasforecast.training.diagnosis import Pattern
from kerasforecast.tuning.space import Value

Measure = Literal["rmsse", "mase"]
Status = Literal["done", "diverged", "refused", "pruned"]
_MOST = 100_000


class Curve(Record):
    """The losses of one training, scaled units, and what they say.

    Attributes:
        naive: The naive forecast's loss on the same validation windows.
    """

    loss: tuple[float, ...] = Field(max_length=_MOST)
    val_loss: tuple[float, ...] = Field(max_length=_MOST)
    best_epoch: Count
    naive: float | None = None
    reading: Pattern
    text: Text
    advice: Text


class Attempt(Record):
    """One set of options with one seed, trained and judged on validation.

    Attributes:
        key: Of all that it depends on: data, options, seed, rounds.
        scores: Its errors on validation by measure, in units of the changes of training, smaller is better; of several
            series the mean over them. Empty where there are none.
        naive: The naive forecast's, on the same windows.
        curves: Of each round.
        trained: Numbers that were trained.
        seconds: It took.
        error: Why there are no scores.
    """

    key: Text
    seed: int
    status: Status
    scores: dict[Measure, float] = Field({})
    naive: dict[Measure, float] = Field({})
    curves: tuple[Curve, ...] = ()
    trained: Count = 0
    seconds: float = Field(0.0, ge=0)
    error: Text | None = None


class Trial(Record):
    """One set of options in a study.

    Attributes:
        number: From 1, in the order in which they were first asked for.
        stage: The option that was varied, or `search`.
        options: What differs from the untuned default.
        attempts: With each seed.
    """

    number: Count
    stage: Text
    options: dict[Text, Value]
    attempts: tuple[Attempt, ...] = Field(min_length=1)

    def error(self, measure: Measure) -> float | None:
        """The mean over seeds; `None` where one has none."""
        found = self.errors(measure)
        return sum(found) / len(found) if len(found) == len(self.attempts) else None

    def errors(self, measure: Measure) -> list[float]:
        """Of each seed."""
        return [each.scores[measure] for each in self.attempts if measure in each.scores]

    def of_naive(self, measure: Measure) -> float | None:
        """The error as a ratio to the naive forecast's."""
        error, naive = self.error(measure), self.attempts[0].naive.get(measure)
        return error / naive if error is not None and naive else None

    @property
    def seconds(self) -> float:
        """Of all seeds together."""
        return sum(each.seconds for each in self.attempts)

    @property
    def status(self) -> Status:
        """That of the first seed which is not done, if any."""
        return next((each.status for each in self.attempts if each.status != "done"), "done")

    @property
    def curve(self) -> Curve | None:
        """Of its first seed and last round."""
        return self.attempts[0].curves[-1] if self.attempts[0].curves else None

    @property
    def epochs(self) -> int:
        """Most epochs of any training."""
        return max((len(curve.loss) for each in self.attempts for curve in each.curves), default=0)

    def told(self) -> str:
        """Its options, e.g. `units=32 layers=1`."""
        return " ".join(f"{name}={shown_value(value)}" for name, value in self.options.items()) or "default options"


class Stage(Record):
    """A stage that is over.

    Attributes:
        option: That was varied.
        trials: Numbers of its trials.
        before: The value that the stage began with.
        kept: The one it ended with.
        suggested: What the reading of the curves before it suggests, in a sentence; `None` where it says nothing.
        found: Whether the numbers agree, and by how much, in a sentence.
    """

    option: Text
    trials: tuple[Count, ...]
    before: Value
    kept: Value
    suggested: Text | None = None
    found: Text


class Finished(Record):
    """One model on the test part.

    Attributes:
        rmse, mase: Its errors there.
        verdict: Beside the best simple forecast.
    """

    rmse: float | None
    mase: float | None
    verdict: Text


class StudyRecord(Record):
    """The content of `study.json`.

    Attributes:
        kind: How options were chosen.
        measure: By which error on validation.
        tried: What was tried of each option, in words.
        best: Number of the winner; `default` that of the untuned options.
        tuned, untuned: Both on the test part.
        test: The test between them, one clause.
        sentence: What came of it, in a sentence or two.
        helped: Whether the winner is better on the test part, and the test says it is not luck.
    """

    kind: Literal["staged", "search"]
    name: Text
    target: Text
    measure: Measure
    seeds: Count
    rounds: Count
    tried: dict[Text, Text]
    stages: tuple[Stage, ...] = ()
    trials: tuple[Trial, ...] = Field(max_length=_MOST)
    best: Count
    default: Count
    config: Config
    tuned: Finished | None = None
    untuned: Finished | None = None
    test: Text | None = None
    sentence: Text
    helped: bool = False
    data: Text
    created: Text
    backend: Text
    device: Text
    versions: dict[Text, Text | None]

    def trial(self, number: int) -> Trial:
        """That of `number`."""
        return next(each for each in self.trials if each.number == number)


def key_of(data: str, config: Config, rounds: int) -> str:
    """What an attempt depends on, as a short text: rows, options with the seed, and rounds."""
    content = {"data": data, "config": config.model_dump(mode="json", exclude={"data"}), "rounds": rounds}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]


def best_of(trials: Sequence[Trial], measure: Measure) -> Trial:
    """The trial with the least error, the earliest of equals.

    Raises:
        OptionError: None has one.
    """
    scored = [trial for trial in trials if trial.error(measure) is not None]
    if not scored:
        first = trials[0].attempts[0].error if trials else None
        raise OptionError(f"No trial came to an end with an error. Received: {shown(first or 'none', 200)}")
    return min(scored, key=lambda trial: (trial.error(measure) or 0.0, trial.number))


def shown_value(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}" if abs(value) >= 1e-4 and math.isfinite(value) else f"{value:g}"
    return f"{value:g}" if isinstance(value, float) else str(value)

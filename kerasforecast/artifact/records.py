"""What a manifest, `metrics.json` and the walks' files hold beside configurations, with bounds on everything."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kerasforecast.errors import SkillError
from kerasforecast.preprocessing.scaling import FLOAT32_LARGEST
from kerasforecast.training.diagnosis import Diagnosis, Pattern

MOST_ANCESTORS = 32  # whose data a file tells of
LONGEST_HISTORY = 10_000  # epochs that a file holds one by one: a reader takes no endless text

Text = Annotated[str, StringConstraints(max_length=1_000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Stamp = Text | Annotated[int, Field(ge=-(2**63), lt=2**63)]
Share = Annotated[float, Field(ge=0, le=1)]
ByLevel = Annotated[dict[Text, float | None], Field(max_length=100)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Part = Literal["train", "validation", "test"]
Price = Annotated[float, Field(ge=-FLOAT32_LARGEST, le=FLOAT32_LARGEST)]


class Record(BaseModel):
    """Frozen, and with nothing in it that it does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PartRecord(Record):
    """One part of the split: its rows, its windows, its first and last date (or integer step)."""

    rows: Count
    windows: Count
    start: Stamp
    end: Stamp


class Probe(Record):
    """Some rows of the training and validation parts, by which a table of the same series is known again."""

    rows: tuple[Stamp, ...] = Field(min_length=1, max_length=1_000)
    values: tuple[float, ...] = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _a_value_a_row(self) -> Probe:
        if len(self.rows) != len(self.values):
            raise ValueError(f"{len(self.rows)} rows need as many values, not {len(self.values)}")
        return self


class DataRecord(Record):
    """The data the model was trained on, and how it was divided.

    Attributes:
        series: How many series; `rows` and the parts are of all together.
        learned: The parts that the weights have learned from, or were chosen by.
        probe: Some of its rows with their values of the target; `None` in older files.
    """

    source: Text
    location: Text
    snapshot: Text
    retrieved: Text
    series: Count = 1
    rows: Count
    start: Stamp
    end: Stamp
    frequency: Text | None
    calendar: Text | None
    sha256: Sha256
    split: dict[Part, PartRecord]
    learned: tuple[Part, ...] = Field(("train", "validation"), max_length=3)
    probe: Probe | None = None


class EpochRecord(Record):
    """One epoch; losses in scaled units, the learning rate in force during it."""

    epoch: Annotated[int, Field(ge=1, le=10**6)]
    loss: float
    val_loss: float
    learning_rate: float
    seconds: float = Field(ge=0)
    best: bool


class TrainingRecord(Record):
    """How training went; losses in scaled units. `history` has every epoch, or none of more than 10,000."""

    epochs: Count
    best_epoch: Count
    best_loss: float
    best_val_loss: float
    stopped_early: bool
    complete: bool
    seconds: float = Field(ge=0)
    history: tuple[EpochRecord, ...] = Field((), max_length=LONGEST_HISTORY)


class FinalRecord(Record):
    """The training of the weights that leave, on all rows, after the scored ones had told for how many steps.

    Attributes:
        rows: They were trained on, of all series together.
        windows: The same.
        steps: Of the optimizer, as many as the scored weights took.
        rates: The learning rates in force, each with the number of its steps, in turn.
        loss: Mean training loss of the last steps, scaled units.
        seconds: It took.
        scored: Hash of the weights that were scored, `kerasforecast.artifact.records.weights_digest`.
    """

    rows: Count
    windows: Count
    steps: Count
    rates: tuple[tuple[Count, float], ...] = Field((), max_length=LONGEST_HISTORY)
    loss: float
    seconds: float = Field(ge=0)
    scored: Sha256

    @property
    def line(self) -> str:
        """What there is to say, in one line."""
        return f"Refitted on all {self.rows:,} rows for {self.steps:,} steps; scores are those of the model before."


class StepScores(Record):
    """Scores of one contestant, in price units, percent and shares; `None` where one is not defined.

    By interval, as `"0.8"`: `coverage` and `winkler`; by level, as `"0.1"`: `pinball`. Empty where there are no
    intervals.
    """

    rmse: float | None
    mae: float | None
    mape: float | None
    smape: float | None = None
    mase: float | None = None
    rmsse: float | None = None
    directional_accuracy: float | None
    directional_interval: tuple[Share, Share] | None = None
    crps: float | None = None
    coverage: ByLevel = {}
    pinball: ByLevel = {}
    winkler: ByLevel = {}


class Scores(StepScores):
    """Scores of all steps together, and of each where there are several."""

    steps: list[StepScores] = Field([], max_length=1_000)


class DieboldMariano(Record):
    """The test of the model's losses against the naive forecast's; an infinite statistic is `None`.

    So is the p-value where there are too few forecasts to test.
    """

    loss: Text
    statistic: float | None
    p_value: Share | None


class BaselineTest(DieboldMariano):
    """The same against the baseline named."""

    baseline: Text


class TestScores(Record):
    """Scores on the test part, beside those of the naive forecast and of every other baseline by its name.

    Attributes:
        best: The best simple forecast on validation, which the model has to beat.
        best_intervals: The baseline with the best intervals there.
        learned: What the model that training started from has learned of these very rows, in a few words: there is no
            verdict then.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, Scores]

    n: Count
    model: Scores
    naive: Scores
    dm: DieboldMariano
    tests: list[BaselineTest] = Field([], max_length=100)
    best: Text = "naive"
    best_intervals: Text | None = None
    learned: Text | None = None

    @model_validator(mode="after")
    def _few_baselines(self) -> TestScores:
        names = self.__pydantic_extra__
        if len(names) > 30 or not all(name.isidentifier() and len(name) <= 50 for name in names):
            raise ValueError("at most 30 baselines, each with a plain name")
        return self


class DiagnosisRecord(Record):
    """What the loss curves say, with the naive forecast's validation loss in scaled units where it is known."""

    name: Pattern
    text: Text
    advice: Text
    naive_val_loss: float | None = Field(None, ge=0)

    @property
    def line(self) -> str:
        """All that there is to say, in one line."""
        return Diagnosis(self.name, self.text, self.advice).line


class Metrics(Record):
    """The content of `metrics.json`."""

    target: Text
    test: TestScores
    verdict: Text
    interval_verdict: Text | None = None
    diagnosis: DiagnosisRecord | None = None


class ParentTest(Record):
    """A model beside the one whose weights it started from, on rows that neither has learned from.

    Attributes:
        n: Forecasts compared; 0 where the parent has learned from all of them.
        rmse: Of the child, price units; of several series in units of each one's usual moves.
        parent_rmse: Of the parent.
        p_value: Of the Diebold-Mariano test by squared errors; `None` where there are too few forecasts.
        better: Whether the child has the smaller errors, and the test says it is not luck.
        text: All that in one line without a full stop.
    """

    n: Count
    rmse: float | None = None
    parent_rmse: float | None = None
    p_value: Share | None = None
    better: bool = False
    text: Text


class Lineage(Record):
    """The model that training started from.

    Attributes:
        how: By which option.
        parent: The parent's name.
        file: Where it was read; `None` where it was at hand.
        sha256: Of that file.
        weights: Hash of its weights, `weights_digest`.
        steps: Of the optimizer since.
        frozen: Layers that kept the parent's weights.
        learned: The data that the parent, and its own, have learned from.
        test: Whether the child is better than the parent.
        kept: Whose weights these are.
    """

    how: Literal["init-from", "update"]
    parent: Text
    file: Text | None = None
    sha256: Sha256 | None = None
    weights: Sha256
    steps: Count = 0
    frozen: tuple[Text, ...] = Field((), max_length=1_000)
    learned: tuple[DataRecord, ...] = Field((), max_length=MOST_ANCESTORS)
    test: ParentTest | None = None
    kept: Literal["child", "parent"] = "child"

    def require_better(self) -> None:
        """Hold the child to `--require-better`.

        Raises:
            SkillError: The parent was kept in its place.
        """
        if self.kept == "parent" and self.test:
            raise SkillError(
                f"--require-better: training must make the model better than {self.parent}. "
                f"Received: {self.test.text}. Its weights were kept."
            )


def weights_digest(weights: Sequence[np.ndarray]) -> str:
    """SHA-256 of weights: of their shapes and, in the same order, of their numbers as float32 (little-endian)."""
    digest = hashlib.sha256(repr([array.shape for array in weights]).encode())
    for array in weights:
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()

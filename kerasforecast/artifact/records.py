"""What a manifest, `metrics.json` and the walks' files hold beside configurations, with bounds on everything."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from kerasforecast.artifact.importance import Importance
from kerasforecast.artifact.path_scores import PathScores
from kerasforecast.preprocessing.scaling import FLOAT32_LARGEST
from kerasforecast.training.diagnosis import Diagnosis, Pattern

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


class SeveralRecord(Record):
    """A record with fields that few have, such as those of several series: the others are written without them."""

    of_several: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        for name in self.of_several:
            if getattr(self, name) is None:
                written.pop(name, None)
        return written


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


class SeriesProbe(Probe):
    """Some rows of one of several series."""

    id: Text


class SeriesRecord(Record):
    """Which of several series a model has learned from, and up to where.

    Attributes:
        ids: What they are called; empty where they are too many for a file, and any series may be one.
        ends: Of each by its id the last dates (or steps) of training and validation, where they differ between series
            and are few enough for a file; where not, those of the parts hold, the latest of any.
        probes: Some rows of some of them, by which a table of the same series is known again.
    """

    ids: tuple[Text, ...] = Field((), max_length=20_000)
    ends: dict[Text, tuple[Stamp, Stamp]] = Field({}, max_length=2_000)
    probes: tuple[SeriesProbe, ...] = Field((), max_length=200)


class DataRecord(SeveralRecord):
    """The data the model was trained on, and how it was divided.

    Attributes:
        series: How many series; `rows` and the parts are of all together.
        learned: The parts that the weights have learned from, or were chosen by.
        probe: Some of its rows with their values of the target; `None` in older files, and of several series.
        panel: Of several series, which they are.
    """

    of_several: ClassVar[tuple[str, ...]] = ("panel",)

    source: Text
    location: Text
    snapshot: Text
    retrieved: Text
    series: Annotated[int, Field(ge=1, le=10**9)] = 1
    rows: Count
    start: Stamp
    end: Stamp
    frequency: Text | None
    calendar: Text | None
    sha256: Sha256
    split: dict[Part, PartRecord]
    learned: tuple[Part, ...] = Field(("train", "validation"), max_length=3)
    probe: Probe | None = None
    panel: SeriesRecord | None = None


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


class Medians(SeveralRecord):
    """The medians over series of the scores whose means stand beside them."""

    of_several: ClassVar[tuple[str, ...]] = ("scaled_crps",)

    mase: float | None
    rmsse: float | None
    smape: float | None
    scaled_crps: float | None = None


class StepScores(SeveralRecord):
    """Scores of one contestant, in price units, percent and shares; `None` where one is not defined.

    By interval, as `"0.8"`: `coverage` and `winkler`; by level, as `"0.1"`: `pinball`. Empty where there are no
    intervals. Of several series `mase`, `rmsse`, `smape` and `scaled_crps` are means over series.
    """

    of_several: ClassVar[tuple[str, ...]] = ("scaled_crps", "median")

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
    scaled_crps: float | None = None
    median: Medians | None = None


class Scores(StepScores):
    """Scores of all steps together, and of each where there are several."""

    steps: list[StepScores] = Field([], max_length=1_000)


class DieboldMariano(SeveralRecord):
    """The test of the model's losses against the naive forecast's; an infinite statistic is `None`.

    So is the p-value where there are too few forecasts to test.

    Attributes:
        ratio: Of several series the model's mean loss over the other's, in units of each series.
        better: The share of series on which it is smaller.
        over: What was tested over: the loss of each date, or that of each series.
    """

    of_several: ClassVar[tuple[str, ...]] = ("ratio", "better", "over")

    loss: Text
    statistic: float | None
    p_value: Share | None
    ratio: float | None = Field(None, ge=0)
    better: Share | None = None
    over: Literal["dates", "series"] | None = None


class BaselineTest(DieboldMariano):
    """The same against the baseline named."""

    baseline: Text


class SharesBetter(Record):
    """On which share of the series the model's MASE is below that of the best simple forecast, and of the naive one."""

    best: Share
    naive: Share


class TestScores(SeveralRecord):
    """Scores on the test part, beside those of the naive forecast and of every other baseline by its name.

    Attributes:
        best: The best simple forecast on validation, which the model has to beat.
        best_intervals: The baseline with the best intervals there.
        learned: What the model that training started from has learned of these very rows, in a few words: there is no
            verdict then.
        series: How many were scored, where there are several.
        unscored: How many were not: too short, they are forecast only.
        unscaled: How many of those scored never changed in training, and so have no scaled scores.
        better: On which share of the series the model is better.
    """

    of_several: ClassVar[tuple[str, ...]] = ("series", "unscored", "unscaled", "better", "learned")

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
    series: Annotated[int, Field(ge=1, le=10**9)] | None = None
    unscored: Count | None = None
    unscaled: Count | None = None
    better: SharesBetter | None = None

    @model_validator(mode="after")
    def _few_baselines(self) -> TestScores:
        names = self.__pydantic_extra__
        if len(names) > 30 or not all(name.isidentifier() and len(name) <= 50 for name in names):
            raise ValueError("at most 30 baselines, each with a plain name")
        if (self.series is None) != (self.better is None):
            raise ValueError("series and better stand together")
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


class Metrics(SeveralRecord):
    """The content of `metrics.json`; `importance` where there are covariates, `paths` of a model that draws them.

    Attributes:
        held_out: Scores of the series that training never saw, where some were held out; `test` is of the others.
    """

    of_several = ("importance", "held_out", "paths")

    target: Text
    test: TestScores
    verdict: Text
    interval_verdict: Text | None = None
    diagnosis: DiagnosisRecord | None = None
    importance: Importance | None = None
    held_out: TestScores | None = None
    paths: PathScores | None = None

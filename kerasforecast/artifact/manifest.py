"""`kerasforecast.json`: what a model file says of itself, with bounds on everything: a stranger's is read too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.forecasting.conformal import Adapted, Calibration
from kerasforecast.preprocessing.scaling import FLOAT32_LARGEST, FittedScaling
from kerasforecast.training.diagnosis import Diagnosis, Pattern

SCHEMA_VERSION = 1
LONGEST_HISTORY = 10_000  # epochs that a file holds one by one: a reader takes no endless text

Text = Annotated[str, StringConstraints(max_length=1_000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Stamp = Text | Annotated[int, Field(ge=-(2**63), lt=2**63)]
Share = Annotated[float, Field(ge=0, le=1)]
ByLevel = Annotated[dict[Text, float | None], Field(max_length=100)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Price = Annotated[float, Field(ge=-FLOAT32_LARGEST, le=FLOAT32_LARGEST)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PartRecord(_Record):
    """One part of the split: its rows, its windows, its first and last date (or integer step)."""

    rows: Count
    windows: Count
    start: Stamp
    end: Stamp


class DataRecord(_Record):
    """The series the model was trained on, and how it was divided."""

    source: Text
    location: Text
    snapshot: Text
    retrieved: Text
    rows: Count
    start: Stamp
    end: Stamp
    frequency: Text | None
    calendar: Text | None
    sha256: Sha256
    split: dict[Literal["train", "validation", "test"], PartRecord]


class EpochRecord(_Record):
    """One epoch; losses in scaled units, the learning rate in force during it."""

    epoch: Annotated[int, Field(ge=1, le=10**6)]
    loss: float
    val_loss: float
    learning_rate: float
    seconds: float = Field(ge=0)
    best: bool


class TrainingRecord(_Record):
    """How training went; losses in scaled units. `history` has every epoch, or none of more than 10,000."""

    epochs: Count
    best_epoch: Count
    best_loss: float
    best_val_loss: float
    stopped_early: bool
    complete: bool
    seconds: float = Field(ge=0)
    history: tuple[EpochRecord, ...] = Field((), max_length=LONGEST_HISTORY)


class GoldenPair(_Record):
    """One raw window `(L, F)` and what the network answered its maker, `(H,)` or `(H K,)`, both in price units."""

    window: list[list[Price]] = Field(min_length=1, max_length=10_000)
    forecast: list[Price] = Field(min_length=1, max_length=100_000)


class WeightRecord(_Record):
    """One array of `model.weights.h5`."""

    path: Text
    shape: list[Annotated[int, Field(ge=1, le=10**6)]] = Field(max_length=4)


class Parameters(_Record):
    """Numbers of weights: trained, and saved (fewer, where two bias vectors were merged into one)."""

    trained: Count
    saved: Count


class StepScores(_Record):
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


class DieboldMariano(_Record):
    """The test of the model's losses against the naive forecast's; an infinite statistic is `None`."""

    loss: Text
    statistic: float | None
    p_value: float = Field(ge=0, le=1)


class BaselineTest(DieboldMariano):
    """The same against the baseline named."""

    baseline: Text


class TestScores(_Record):
    """Scores on the test part, beside those of the naive forecast and of every other baseline by its name."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, Scores]

    n: Count
    model: Scores
    naive: Scores
    dm: DieboldMariano
    tests: list[BaselineTest] = Field([], max_length=100)

    @model_validator(mode="after")
    def _few_baselines(self) -> TestScores:
        names = self.__pydantic_extra__
        if len(names) > 20 or not all(name.isidentifier() and len(name) <= 50 for name in names):
            raise ValueError("at most 20 baselines, each with a plain name")
        return self


class DiagnosisRecord(_Record):
    """What the loss curves say, with the naive forecast's validation loss in scaled units where it is known."""

    name: Pattern
    text: Text
    advice: Text
    naive_val_loss: float | None = Field(None, ge=0)

    @property
    def line(self) -> str:
        """All that there is to say, in one line."""
        return Diagnosis(self.name, self.text, self.advice).line


class Metrics(_Record):
    """The content of `metrics.json`."""

    target: Text
    test: TestScores
    verdict: Text
    interval_verdict: Text | None = None
    diagnosis: DiagnosisRecord | None = None


class Manifest(_Record):
    """Everything there is to know of a model besides its weights."""

    schema_version: Literal[1] = 1
    name: Text
    created: Text
    backend: Text
    device: Text
    versions: dict[Text, Text | None] = Field(max_length=100)
    config: Config
    columns: tuple[Text, ...] = Field(min_length=1, max_length=1_000)
    scaling: FittedScaling
    parameters: Parameters
    data: DataRecord | None = None
    training: TrainingRecord | None = None
    metrics: Metrics | None = None
    baselines: Baselines | None = None
    calibration: Calibration | None = None
    adapted: Adapted | None = None
    golden: GoldenPair
    weights: tuple[WeightRecord, ...] = Field((), max_length=1_000)
    members: dict[Text, Sha256] = Field({}, max_length=10)

    @property
    def target(self) -> str:
        """The column it forecasts."""
        return self.columns[0]


def parse(text: bytes, where: str) -> Manifest:
    """Read a manifest by its schema.

    Raises:
        ArtifactError: It is not JSON, breaks the schema, or contradicts itself.
    """
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in fault["loc"])[:100] or "kerasforecast.json"
        raise ArtifactError(
            f"{where}: its manifest must follow schema {SCHEMA_VERSION}; {place}: {fault['msg'].lower()}. "
            f"Received: {shown(fault['input'])}. Train it again, or update kerasforecast if it is newer than yours."
        ) from None
    _check_lengths(manifest, where)
    return manifest


def _check_lengths(manifest: Manifest, where: str) -> None:
    columns, network, scaling = len(manifest.columns), manifest.config.network, manifest.scaling
    indices = range(len(scaling.transforms))
    lengths = {
        "scaling": {len(scaling.transforms), len(scaling.offset), len(scaling.scale)} == {columns},
        "scaling's reference": all(
            place < len(scaling.reference) and scaling.reference[place] < place
            for place in indices
            if scaling.transforms[place] == "ratio"
        ),
        "golden window": len(manifest.golden.window) == network.window
        and {len(row) for row in manifest.golden.window} == {columns},
        "golden forecast": len(manifest.golden.forecast) == network.horizon * max(1, len(network.quantiles)),
        "intervals": _intervals_fit(manifest),
    }
    for name, right in lengths.items():
        if not right:
            raise ArtifactError(f"{where}: its {name} must fit its configuration. Received: other lengths.")


def _intervals_fit(manifest: Manifest) -> bool:
    """Whether the calibration and what the baselines learned have the levels and steps of the configuration."""
    config, baselines, calibration = manifest.config, manifest.baselines, manifest.calibration
    if baselines is None or calibration is None:
        return baselines is calibration and manifest.adapted is None
    kept = manifest.adapted.levels if manifest.adapted else ()
    if kept and (len(kept), *{len(row) for row in kept}) != (config.steps, len(config.levels)):
        return False
    shapes = {(len(table), *{len(row) for row in table}) for table in baselines.tables.values()}
    tables = {len(step) for step in calibration.errors}
    return (
        baselines.levels == calibration.levels == config.levels
        and shapes <= {(config.steps, len(config.levels))}
        and (baselines.window, baselines.horizon) == (config.network.window, config.steps)
        and (calibration.horizon, len(calibration.errors)) == (config.network.horizon, config.steps)
        and tables <= {1, len(config.levels)}
    )

"""`kerasforecast.json`: what a model file says of itself, with bounds on everything: a stranger's is read too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from kerasforecast.config import Config
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.scaling import FLOAT32_LARGEST, FittedScaling

SCHEMA_VERSION = 1

Text = Annotated[str, StringConstraints(max_length=1_000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Stamp = Text | Annotated[int, Field(ge=-(2**63), lt=2**63)]
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


class TrainingRecord(_Record):
    """How training went; losses in scaled units."""

    epochs: Count
    best_epoch: Count
    best_loss: float
    best_val_loss: float
    stopped_early: bool
    complete: bool
    seconds: float = Field(ge=0)


class GoldenPair(_Record):
    """One raw window `(L, F)` and the forecast `(H,)` that its maker computed, both in price units."""

    window: list[list[Price]] = Field(min_length=1, max_length=10_000)
    forecast: list[Price] = Field(min_length=1, max_length=1_000)


class WeightRecord(_Record):
    """One array of `model.weights.h5`."""

    path: Text
    shape: list[Annotated[int, Field(ge=1, le=10**6)]] = Field(max_length=4)


class Parameters(_Record):
    """Numbers of weights: trained, and saved (fewer, where two bias vectors were merged into one)."""

    trained: Count
    saved: Count


class PointScores(_Record):
    """Scores of point forecasts, in price units, percent and shares; `None` where one is not defined."""

    rmse: float | None
    mae: float | None
    mape: float | None
    directional_accuracy: float | None


class DieboldMariano(_Record):
    """The test of the model's losses against the naive forecast's; an infinite statistic is `None`."""

    loss: Text
    statistic: float | None
    p_value: float = Field(ge=0, le=1)


class TestScores(_Record):
    """Scores on the test part, beside the naive forecast's."""

    n: Count
    model: PointScores
    naive: PointScores
    dm: DieboldMariano


class Metrics(_Record):
    """The content of `metrics.json`."""

    target: Text
    test: TestScores
    verdict: Text


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
    lengths = {
        "scaling": {len(scaling.transforms), len(scaling.offset), len(scaling.scale)} == {columns},
        "golden window": len(manifest.golden.window) == network.window
        and {len(row) for row in manifest.golden.window} == {columns},
        "golden forecast": len(manifest.golden.forecast) == network.horizon,
    }
    for name, right in lengths.items():
        if not right:
            raise ArtifactError(f"{where}: its {name} must fit its configuration. Received: other lengths.")

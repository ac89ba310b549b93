"""`kerasforecast.json`: what a model file says of itself, with bounds on everything: a stranger's is read too."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from kerasforecast.config import Config
from kerasforecast.diagnosis import Diagnosis, Pattern
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.scaling import FittedScaling

SCHEMA_VERSION = 1
MEMBER = "kerasforecast.json"
SIZE_LIMIT = 64 * 2**20

Text = Annotated[str, StringConstraints(max_length=1_000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Stamp = Text | int
Count = Annotated[int, Field(ge=0, le=10**12)]


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

    window: list[list[float]] = Field(min_length=1, max_length=10_000)
    forecast: list[float] = Field(min_length=1, max_length=1_000)


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
    diagnosis: DiagnosisRecord | None = None


class Manifest(_Record):
    """Everything there is to know of a model besides its weights."""

    schema_version: Literal[1] = 1
    name: Text
    created: Text
    backend: Text
    device: Text
    versions: dict[Text, Text | None]
    config: Config
    columns: tuple[Text, ...] = Field(min_length=1, max_length=1_000)
    scaling: FittedScaling
    parameters: Parameters
    data: DataRecord | None = None
    training: TrainingRecord | None = None
    metrics: Metrics | None = None
    golden: GoldenPair
    weights: tuple[WeightRecord, ...] = ()
    members: dict[Text, Sha256] = {}

    @property
    def target(self) -> str:
        """The column it forecasts."""
        return self.columns[0]


def read_manifest(path: Path) -> Manifest:
    """The manifest of a model file, without its network and so without Keras; hashes are not checked.

    Raises:
        ArtifactError: The file is absent, no archive of ours, or its manifest breaks the schema.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(MEMBER)
            if entry.file_size > SIZE_LIMIT or entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError("an oversized manifest")
            text = archive.read(entry)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArtifactError(
            f"{path}: must be a model file that `kerasforecast fit` wrote. Received: {reason}. Give its path."
        ) from None
    return parse(text, str(path))


def parse(text: bytes, where: str) -> Manifest:
    """Read a manifest by its schema.

    Raises:
        ArtifactError: It is not JSON, breaks the schema, or contradicts itself.
    """
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"]) or "kerasforecast.json"
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

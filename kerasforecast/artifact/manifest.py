"""`kerasforecast.json`: what a model file says of itself, with bounds on everything: a stranger's is read too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator

from kerasforecast.artifact.golden import GoldenBatch
from kerasforecast.artifact.lineage import MOST_ANCESTORS, FinalRecord, Lineage, StudyLineage
from kerasforecast.artifact.records import (
    Count,
    DataRecord,
    Metrics,
    Record,
    SeveralRecord,
    Sha256,
    Text,
    TrainingRecord,
)
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.selection import Selection
from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.date_features import apart
from kerasforecast.data.holiday_days import holiday_kind
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.forecasting.adaptive import Adapted
from kerasforecast.forecasting.conformal import Calibration
from kerasforecast.models.member import Member, answer_shape
from kerasforecast.preprocessing.covariates import FittedCovariates
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.split import least_context
from kerasforecast.runtime.backend import loaded_backend, provenance, versions

SCHEMA_VERSION = 2


class WeightRecord(Record):
    """One array of `model.weights.h5`."""

    path: Text
    shape: list[Annotated[int, Field(ge=1, le=10**6)]] = Field(max_length=4)


class Parameters(Record):
    """Numbers of weights: trained, and saved (fewer, where two bias vectors were merged into one)."""

    trained: Count
    saved: Count


class MemberRecord(Member):
    """One network of the model, how many numbers it has, and how it was trained.

    Attributes:
        weights: The arrays of its network alone, in the order in which Keras lists them.
    """

    parameters: Parameters
    training: TrainingRecord | None = None
    weights: tuple[WeightRecord, ...] = Field((), max_length=2_000)

    @classmethod
    def of(cls, member: Member, trained: int | None = None, training: TrainingRecord | None = None) -> MemberRecord:
        """The record of `member`, of which so many numbers were trained (as many as are saved where `None`)."""
        saved = member.parameters_saved
        arrays = tuple(WeightRecord(path=path, shape=list(shape)) for path, shape in member.arrays().items())
        parameters = Parameters(trained=saved if trained is None else trained, saved=saved)
        plain = {name: getattr(member, name) for name in Member.model_fields}
        return cls(**plain, parameters=parameters, training=training, weights=arrays)


class Manifest(SeveralRecord):
    """Everything there is to know of a model besides its weights.

    Attributes:
        config: Every option of the fit that made it.
        roles: The columns it takes.
        members: The networks it is made of; one is the ordinary case.
        baselines: What the simple baselines learned before the test part.
        calibration: What validation taught of its errors.
        adapted: Where its prediction intervals had come to at the end of the test part.
        final: How the weights were trained on all rows after scoring: scores, intervals and the record of training are
            of those before. `None` where the scored weights are these.
        lineage: The model that training started from, if any.
        study: The study that chose its options, if any: a file without one does not name it.
        selection: How its members were chosen, where `--model auto` chose them.
        golden: What its network answered; `None` of what is no network, and has no weights beside this.
        hashes: SHA-256 of the file's other members.
    """

    of_several: ClassVar[tuple[str, ...]] = ("study", "selection")

    schema_version: Literal[2] = 2
    name: Text
    created: Text
    backend: Text
    device: Text
    versions: dict[Text, Text | None] = Field(max_length=100)
    config: Config
    roles: Roles
    members: tuple[MemberRecord, ...] = Field(min_length=1, max_length=16)
    data: DataRecord | None = None
    metrics: Metrics | None = None
    baselines: Baselines | None = None
    calibration: Calibration | None = None
    adapted: Adapted | None = None
    final: FinalRecord | None = None
    lineage: Lineage | None = None
    study: StudyLineage | None = None
    selection: Selection | None = None
    golden: GoldenBatch | None
    hashes: dict[Text, Sha256] = Field({}, max_length=10)

    @classmethod
    def of(cls, name: str, config: Config, roles: Roles, members: Sequence[MemberRecord], **facts: Any) -> Manifest:
        """The manifest of a model made here and now: the one place where a manifest comes from.

        Args:
            name: Of the model.
            config: Every option.
            roles: The columns it takes.
            members: Its networks.
            **facts: The other fields, by name.

        Raises:
            ValidationError: They contradict one another.
        """
        made = provenance(loaded_backend() or "")
        made["versions"] |= versions(
            *["holidays"] * any(holiday_kind(apart(name)[0]) for name in roles.calendar.values())
        )
        return cls(name=name, config=config, roles=roles, members=tuple(members), **made, **facts)

    def updated(self, **facts: Any) -> Manifest:
        """This manifest with other `facts`, checked again."""
        return type(self)(**dict(self) | facts)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its data: the target, those known until now, those known ahead."""
        return self.roles.columns

    @property
    def target(self) -> str:
        """The column it forecasts."""
        return self.roles.target

    @property
    def window(self) -> int:
        """Rows of context it sees, the longest of its members'."""
        return max(member.network.window for member in self.members)

    @property
    def context(self) -> int:
        """Rows of its own series that a window needs at least: fewer than the window where it learned from several."""
        several = self.data is not None and self.data.series > 1
        return least_context(self.config.split, self.window, several=several)

    @property
    def horizon(self) -> int:
        """Rows ahead it forecasts at once."""
        return self.members[0].network.horizon

    @property
    def in_graph(self) -> bool:
        """Whether it is of networks; else of a classical model, which each forecast fits anew."""
        return all(member.network.family.in_graph for member in self.members)

    @property
    def parameters(self) -> Parameters:
        """Numbers of weights of all members."""
        each = [member.parameters for member in self.members]
        return Parameters(trained=sum(one.trained for one in each), saved=sum(one.saved for one in each))

    @property
    def training(self) -> TrainingRecord | None:
        """How its first member was trained, where that is known."""
        return self.members[0].training

    @property
    def fit_seconds(self) -> float | None:
        """What its training took, of all networks that were tried where they were chosen; `None` where not known."""
        if self.selection:
            return self.selection.seconds
        each = [member.training.seconds for member in self.members if member.training]
        return sum(each) if each else None

    @property
    def learned_from(self) -> tuple[DataRecord, ...]:
        """All data that its weights have learned from, those of the models before it included; its own first."""
        earlier = self.lineage.learned if self.lineage else ()
        return (*([self.data] if self.data else []), *earlier)[:MOST_ANCESTORS]

    @model_validator(mode="after")
    def _fits_together(self) -> Manifest:
        for what, wanted, received in _lengths(self):
            if wanted != received:
                raise ValueError(f"its {what} must fit its members, {shown(wanted)}; received {shown(received)}")
        if not math.isclose(sum(member.weight for member in self.members), 1, abs_tol=1e-6):
            raise ValueError("the weights of its members must sum to 1")
        return self


def parse(text: bytes, where: str) -> Manifest:
    """Read a manifest by its schema.

    Raises:
        ArtifactError: It is not JSON, breaks the schema, or contradicts itself.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in fault["loc"])[:100] or "kerasforecast.json"
        received = fault["input"] if fault["loc"] else "a manifest that contradicts itself"
        raise ArtifactError(
            f"{where}: its manifest must follow schema {SCHEMA_VERSION}; {place}: {fault['msg'].lower()}. "
            f"Received: {shown(received)}. Train it again, or update kerasforecast if it is newer than yours."
        ) from None


def _lengths(manifest: Manifest) -> Iterator[tuple[str, object, object]]:
    """What each part must have, and has: sizes, levels and steps of one model agree."""
    columns = 1 + len(manifest.roles.past)
    first = manifest.members[0].network
    for member in manifest.members:
        yield from _scaling_lengths(member.scaling, columns)
        yield from _covariate_lengths(member.covariates, manifest)
        network = member.network
        yield "scaling", "one of a name", "auto" if network.scaling == "auto" else "one of a name"
        yield "horizon", (first.horizon, first.quantiles), (network.horizon, network.quantiles)
    network = manifest.config.network
    yield "configuration", (network.horizon, network.quantiles), (first.horizon, first.quantiles)
    yield "networks", 1 if not manifest.in_graph else len(manifest.members), len(manifest.members)
    yield "golden batch", manifest.in_graph, manifest.golden is not None
    if manifest.golden is not None:
        yield from _golden_lengths(manifest, manifest.golden)
    yield from _interval_lengths(manifest)


def _golden_lengths(manifest: Manifest, golden: GoldenBatch) -> Iterator[tuple[str, object, object]]:
    roles, rows = manifest.roles, manifest.window + manifest.horizon
    yield "golden windows", {(manifest.window, 1 + len(roles.past))}, _shapes(golden.past)
    yield "golden known windows", {(rows, len(roles.known))} if roles.known else None, _shapes(golden.known)
    widths = None if golden.static is None else set(map(len, golden.static))
    yield "golden attributes", {len(roles.static)} if roles.static else None, widths
    fault = manifest.members[0].covariates.code_fault(golden.windows.static) if widths == {len(roles.static)} else None
    yield "golden categories", None, fault
    counts = {len(part) for part in (golden.past, golden.known, golden.static) if part is not None}
    outputs = math.prod(answer_shape(manifest.members))
    forecasts = {len(golden.forecast)}, set(map(len, golden.forecast))
    yield "golden forecasts", (counts, {outputs}), forecasts


def _shapes(windows: list[list[list[float]]] | None) -> set[tuple[int, ...]] | None:
    return None if windows is None else {(len(window), *{len(row) for row in window}) for window in windows}


def _covariate_lengths(covariates: FittedCovariates, manifest: Manifest) -> Iterator[tuple[str, object, object]]:
    roles, first = manifest.roles, manifest.members[0].covariates
    yield "covariates", (len(roles.known), len(roles.static)), (len(covariates.known), len(covariates.static))
    names = [each.names for each in first.embedded.values()]
    yield "categories", names, [each.names for each in covariates.embedded.values()]


def _scaling_lengths(scaling: FittedScaling, columns: int) -> Iterator[tuple[str, object, object]]:
    yield "scaling", (columns,) * 3, (len(scaling.transforms), len(scaling.offset), len(scaling.scale))
    yield "scaling's floors", True, len(scaling.floor) in (0, columns)
    yield "scaling's least volatility", True, len(scaling.least) in (0, columns)
    earlier = all(
        place < len(scaling.reference) and scaling.reference[place] < place
        for place, transform in enumerate(scaling.transforms)
        if transform == "ratio"
    )
    yield "scaling's reference to earlier columns", True, earlier


def _interval_lengths(manifest: Manifest) -> Iterator[tuple[str, object, object]]:
    """The levels and steps of what validation taught, of what the baselines learned, and of the configuration."""
    config, baselines, calibration = manifest.config, manifest.baselines, manifest.calibration
    if baselines is None or calibration is None:
        yield "baselines and intervals together", (None, None, None), (baselines, calibration, manifest.adapted)
        return
    steps, levels = config.steps, config.levels
    if manifest.adapted and manifest.adapted.levels:
        kept = manifest.adapted.levels
        yield "adapted intervals", (steps, {len(levels)}), (len(kept), {len(row) for row in kept})
    yield "levels", (levels, levels), (baselines.levels, calibration.levels)
    for name, table in baselines.tables.items():
        yield f"baseline {name}", (steps, {len(levels)}), (len(table), {len(row) for row in table})
    yield "baselines", (manifest.window, steps), (baselines.window, baselines.steps)
    yield "intervals", (manifest.horizon, steps), (calibration.horizon, len(calibration.errors))

"""A model's networks: one or several, weighted, each with its own family, window and scaling. No Keras."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kerasforecast.models.families.base import SavedLayer, Shape, Sizes
from kerasforecast.preprocessing.covariates import NO_COVARIATES, FittedCovariates
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig


class Member(BaseModel):
    """One network of a model.

    Attributes:
        weight: Its share of the model's forecast; those of all members sum to 1.
        network: What it is.
        scaling: What it learned from the training rows about their scale.
        covariates: The same about the columns known ahead, and the attributes of the series.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weight: Annotated[float, Field(gt=0, le=1)] = 1.0
    network: NetworkConfig
    scaling: FittedScaling
    covariates: FittedCovariates = NO_COVARIATES

    @field_validator("network")
    @classmethod
    def _of_one_family(cls, network: NetworkConfig) -> NetworkConfig:
        if network.family.chooses:
            raise ValueError(f"a network of a model is of one family, not {network.model}")
        return network

    @property
    def sizes(self) -> Sizes:
        """What its network takes, scaled, and gives."""
        return sizes_of(self.network, self.scaling, self.covariates)

    @property
    def layers(self) -> list[SavedLayer]:
        """The layers of its saved network that hold arrays."""
        sizes, family = self.sizes, self.network.family
        return [*([] if family.alone else sizes.embeddings), *family.layers(self.network.options, sizes)]

    @property
    def parameters_saved(self) -> int:
        """Numbers in its arrays."""
        return sum(layer.parameters for layer in self.layers)

    def arrays(self) -> dict[str, Shape]:
        """Shape of each array by its path in the `model.weights.h5` of this network alone, in order."""
        seen: Counter[str] = Counter()
        found: dict[str, Shape] = {}
        for layer in self.layers:
            folder = numbered(layer.name, seen)
            found |= {f"layers/{folder}/{place}": shape for place, shape in layer.arrays}
        return found


def sizes_of(network: NetworkConfig, scaling: FittedScaling, covariates: FittedCovariates) -> Sizes:
    """What a network takes, scaled, and gives."""
    categories = tuple((len(each.names), each.width) for each in covariates.embedded.values())
    known, static, numeric = len(covariates.known), covariates.static_width, covariates.numeric
    beside = {place: scaling.reference[place] for place, each in enumerate(scaling.transforms) if each == "ratio"}
    first = min(beside.values(), default=0)
    near = tuple(place for place, other in beside.items() if other == first)
    return network.sizes(scaling.channels, known, static, categories, numeric, near)


def paths_of(members: Sequence[Member]) -> int:
    """Paths S that a model of these answers with; 0 where it draws none, as the mean of several never does."""
    network = members[0].network
    return network.family.paths(network.options) if len(members) == 1 else 0


def answer_shape(members: Sequence[Member]) -> Shape:
    """The shape of a model's answer to one window: `(H,)`, `(H, K)` of a quantile head, or paths `(S, H)`."""
    network, paths = members[0].network, paths_of(members)
    if paths:
        return (paths, network.horizon)
    return (network.horizon, len(network.quantiles)) if network.quantiles else (network.horizon,)


def array_shapes(members: Sequence[Member]) -> dict[str, Shape]:
    """The arrays of a saved model, in the order of `kerasforecast.models.network.merged_weights`, members in turn.

    Returns:
        Shape by path in `model.weights.h5`. A single member's network is the model; several are models within it.
    """
    if len(members) == 1:
        return members[0].arrays()
    seen: Counter[str] = Counter()
    found: dict[str, Shape] = {}
    for member in members:
        folder = numbered("Functional", seen)
        found |= {f"layers/{folder}/{path}": shape for path, shape in member.arrays().items()}
    return found


def describe(members: Sequence[Member]) -> str:
    """What a model is made of in a few words, e.g. `"2 x lstm of 50 units"`."""
    if len(members) == 1:
        return members[0].network.describe()
    counts = Counter(member.network.model for member in members)
    families = ", ".join(name if count == 1 else f"{count} {name}" for name, count in counts.items())
    return f"mean of {len(members)} networks ({families})"


def scaling_words(network: NetworkConfig) -> str:
    """How a window becomes what the network sees, e.g. `"level (last, spread), log"`."""
    if network.scaling != "level":
        return network.scaling
    squeeze = "" if network.target_transform == "none" else f", {network.target_transform}"
    return f"level ({network.centre}, {network.unit}){squeeze}"


def numbered(name: str, seen: Counter[str]) -> str:
    """The folder of the next layer of class `name`, as Keras names it: in snake case, numbered from the second on."""
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
    seen[snake] += 1
    return snake if seen[snake] == 1 else f"{snake}_{seen[snake] - 1}"

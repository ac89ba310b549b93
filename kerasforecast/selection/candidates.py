"""What is to be tried: what the families propose for this data, as far as a user has not fixed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.models.families import registry
from kerasforecast.models.families.automatic import AutomaticOptions
from kerasforecast.models.families.base import Family
from kerasforecast.models.families.setting import Setting
from kerasforecast.models.member import scaling_words
from kerasforecast.preprocessing.split import Split
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.section import checked
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.selection.budgets import Budget

_PATIENT = 400  # steps without a better validation loss, at least, before a training ends
_LEAST = 8  # training windows that a window must leave


@dataclass(frozen=True)
class Candidate:
    """A network to be tried.

    Attributes:
        place: Among all that are proposed; what it is kept under.
        network: What it is.
        training: How it is trained: for the steps of the last round at most.
    """

    place: int
    network: NetworkConfig
    training: TrainingConfig

    @property
    def short(self) -> str:
        """The same in half a line."""
        scaling = scaling_words(self.network)
        return f"{self.network.model}, window {self.network.window}" + (f", {scaling}" if scaling != "none" else "")

    @property
    def words(self) -> str:
        """What it is in a few words, with what tells it from others of its family."""
        network = self.network
        return f"{network.describe()}, window {network.window}, {scaling_words(network)}"


def setting_of(config: Config, panel: Panel, split: Split, periods: tuple[int, ...]) -> Setting:
    """What families propose by; `split` says how many rows there are to learn from."""
    rows, horizon = split.rows_in("train"), config.network.horizon
    typical = int(np.median(rows[rows > 0])) if (rows > 0).any() else 0
    most = min(typical // 3, typical - horizon - _LEAST) if len(panel) == 1 else typical - horizon
    return Setting(
        rows=typical,
        horizon=horizon,
        periods=periods,
        most=int(np.clip(most, 2, 1_000)),
        positive=bool((panel.values[:, 0] > 0).all()),
        several=len(panel) > 1,
        known=bool(panel.known_columns),
    )


def candidates_of(config: Config, setting: Setting, budget: Budget, windows: int) -> list[Candidate]:
    """All networks to be tried, those of a family together.

    Args:
        config: Of the fit; what it keeps holds for every one.
        setting: What families propose by.
        budget: How many, and for how long.
        windows: Of training, about; by them the steps of an epoch follow.

    Raises:
        OptionError: What is kept leaves nothing to try.
    """
    options = config.network.options
    if not isinstance(options, AutomaticOptions):
        raise TypeError("Candidates are those of a choice among networks.")
    found: list[Candidate] = []
    for family in map(registry.family, registry.names()):
        count = 0
        for proposal in family.proposals(setting):
            own, settled = _kept_by(family, options.kept), _settled(family, proposal, setting)
            try:
                candidate = _candidate(len(found), family, proposal | settled, own, config, budget, windows)
            except OptionError:  # what a user fixed is beyond this one
                continue
            limit = budget.solved if family.solved else budget.proposals
            if count < limit and candidate.network not in [each.network for each in found]:
                found.append(candidate)
                count += 1
    if not found:
        raise OptionError("--model auto must have a network to try. Received: none that these options allow.")
    return found


def _settled(family: Family, proposal: dict[str, Any], setting: Setting) -> dict[str, Any]:
    """What is settled of a proposal before it is tried."""
    levels = proposal.get("scaling", family.recipe.get("scaling")) == "level"
    return {"target_transform": setting.transform} if setting.transform and levels else {}


def _kept_by(family: Family, kept: dict[str, Any]) -> dict[str, Any]:
    """What a user fixed of what concerns `family`."""
    fields = {*NetworkConfig.model_fields, *TrainingConfig.model_fields, *family.options.model_fields}
    return {name: value for name, value in kept.items() if name in fields}


def _candidate(
    place: int,
    family: Family,
    proposal: dict[str, Any],
    kept: dict[str, Any],
    config: Config,
    budget: Budget,
    windows: int,
) -> Candidate:
    options = proposal | kept
    network = {name: value for name, value in options.items() if name not in TrainingConfig.model_fields}
    common = {"model": family.name, "horizon": config.network.horizon, "quantiles": config.network.quantiles}
    given = {name: value for name, value in options.items() if name in TrainingConfig.model_fields}
    recipe = {name: value for name, value in family.recipe.items() if name in TrainingConfig.model_fields}
    fit = {"seed": config.training.seed, "sample": config.training.sample}
    training = recipe | fit | given
    kept_training = {name: value for name, value in kept.items() if name in TrainingConfig.model_fields}
    if "batch_size" not in kept:
        training["batch_size"] = _batch(int(training.get("batch_size", 32)), windows)
    steps = min(-(-windows // training["batch_size"]), budget.stretch)
    patience = max(TrainingConfig().patience, -(-_PATIENT // steps))
    lengths = {
        "steps_per_epoch": budget.stretch,
        "epochs": -(-budget.rounds[-1] // steps),
        "patience": patience,
        "lr_patience": max(2, patience // 3),
    }
    if family.solved:
        lengths = {"epochs": given.get("epochs", 1)}  # its solution, and no steps beyond unless proposed
    return Candidate(
        place, checked(NetworkConfig, common | network), checked(TrainingConfig, training | lengths | kept_training)
    )


def _batch(usual: int, windows: int) -> int:
    """The batch of a recipe, or so small a one that a pass is of several steps."""
    while usual > 16 and windows < 4 * usual:
        usual //= 2
    return usual

"""The trained networks of a model, each with all that is known of its training: what is scored, refitted and kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.fitting import Fitting, Trained, scaled_member, training_sets
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.forecasting.suited import settled
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import Windows
from kerasforecast.runtime.signals import Deferred
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training.replay import rates_of


@dataclass(frozen=True, eq=False)
class Part:
    """One trained network of a model; an ordinary model is of one.

    Attributes:
        member: The network, its scaling and its share of the forecast.
        training: How it was trained.
        fitted: Its weights, and the history of its training.
        trained: Numbers that training changed.
        steps: Optimizer steps of an epoch.
        seconds: Its training took.
    """

    member: Member
    training: TrainingConfig
    fitted: Trained
    trained: int
    steps: int
    seconds: float

    @property
    def replayed(self) -> int:
        """Optimizer steps until the weights that were kept."""
        return self.fitted.history.best_epoch * self.steps


def untrained(
    network: NetworkConfig, training: TrainingConfig, panel: Panel, split: Split
) -> tuple[Member, Fitting, tuple[TrainingSet[Windows], TrainingSet[Windows]]]:
    """A network of a model about to be trained, with its scaling and what it learns from.

    Args:
        network: What it is.
        training: How it is trained.
        panel: The data.
        split: Its parts, of the longest window among the model's networks.
    """
    own = split.of_window(network.window)
    network, _ = settled(network, panel, own)
    member = scaled_member(network, panel, own)
    sets = training_sets(member, panel, own)
    return member, Fitting(member, training, *sets), sets


def retrained(part: Part, panel: Panel, split: Split, stop: Deferred | None = None) -> Part:
    """`part` trained anew on the training part of `split`, for the steps and at the rates that it took before."""
    started = time.perf_counter()
    member, fitting, _ = untrained(part.member.network, part.training, panel, split)
    history = part.fitted.history
    if member.network.family.solved:  # found at the start
        fitted = fitting.train()
    else:
        _, predictor = fitting.replay(rates_of(history), part.steps, stop=stop)
        fitted = Trained(history, list(predictor.weights), predictor)
    return replace(part, member=member, fitted=fitted, seconds=part.seconds + time.perf_counter() - started)


def weighted(parts: Sequence[Part], weights: Sequence[float]) -> list[Part]:
    """`parts` with these shares, the largest first; their sum is 1 once they are divided by it."""
    order = sorted(range(len(parts)), key=lambda place: -weights[place])
    total = float(sum(weights))
    return [
        replace(parts[place], member=parts[place].member.model_copy(update={"weight": weights[place] / total}))
        for place in order
        if weights[place] > 0
    ]


def weights_of(parts: Sequence[Part]) -> list[np.ndarray]:
    """The weights of all `parts` in turn, as a file has them."""
    return [array for part in parts for array in part.fitted.weights]


def predictor_of(parts: Sequence[Part]) -> Predictor:
    """What forecasts with all `parts`: the only one's own, or the weighted mean of several."""
    if len(parts) == 1:
        return parts[0].fitted.predictor
    return Predictor([part.member for part in parts], weights_of(parts))

"""The one way from a scaling to a trained network: build -> initialise -> train -> predictor.

A fit, the folds of a backtest, a comparison and the estimator all come here. A fit keeps the scaling in the network, as
a file has it. A backtest trains one network again and again on other rows: scaling differs from fold to fold and is
a constant of a network, so there it stands outside, and the network is compiled once and put back to its first state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.departure import followed
from kerasforecast.forecasting.outside import scaled_set, unscaled_member
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.forecasting.shared import SharedPredictor
from kerasforecast.models.member import Member
from kerasforecast.models.network import (
    build,
    initialise,
    merged_weights,
    start_from,
    trained_parameters,
    weighted_layers,
)
from kerasforecast.models.network import freeze as frozen_layers
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.covariates import fit_covariates
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.suitability import check_rows
from kerasforecast.preprocessing.windows import Windows, windows_of
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training.callbacks import Keeping
from kerasforecast.training.devices import sharing
from kerasforecast.training.feeding import Feed
from kerasforecast.training.history import History
from kerasforecast.training.replay import replay
from kerasforecast.training.train import compile_model, steps_of, train


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    Attributes:
        history: How training went.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
        predictor: What forecasts with them.
        departed: The share that is kept of what training changed, where validation says so.
    """

    history: History
    weights: list[np.ndarray]
    predictor: Predictor
    departed: float | None = None


def scaled_member(network: NetworkConfig, panel: Panel, split: Split, parent: Member | None = None) -> Member:
    """The network with a scaling fitted on the training rows of `panel`, or with that of its parent.

    Raises:
        DataError: A column does not change there, or the panel holds values that the scaling cannot take.
    """
    if parent is not None:  # its weights mean what they mean in its units
        check_rows(parent.scaling, panel, remedy="Correct the value, or train a network anew.")
        return parent.model_copy(update={"network": network, "weight": 1.0})
    rows, starts = split.training_rows(panel)
    head, past = bool(network.quantiles) or network.family.sampled, panel.past_columns
    scaling = fit_scaling(
        network.named_scaling,
        rows[:, : len(past)],
        past,
        starts=starts,
        volatility_channel=head,
        level=network.level,
        lower_bound=network.lower_bound,
    )
    check_rows(scaling, panel)
    per_window = scaling.level is not None
    covariates = fit_covariates(panel, rows, split.rows_in("train") > 0, per_window=per_window)
    return Member(network=network, scaling=scaling, covariates=covariates)


def training_sets(member: Member, panel: Panel, split: Split) -> tuple[TrainingSet[Windows], TrainingSet[Windows]]:
    """What `member` learns from and what stops it, its targets scaled once."""
    known, validation = (
        windows_of(panel, origins, split.window, split.horizon).training_set(member.scaling)
        for origins in (split.origins("train"), split.watched)
    )
    return known, validation


def sampled(training: TrainingSet[Any], config: TrainingConfig) -> TrainingSet[Any]:
    """`training` with the series that each window is of, where training is to draw by series (`--sample series`)."""
    windows = training.windows
    if config.sample == "windows" or not isinstance(windows, Windows):  # windows that stand alone are of no series
        return training
    return replace(training, owners=windows.panel.places(windows.origins))


class Fitting:
    """A network about to be trained: it is built and has its starting weights.

    Args:
        member: Family, sizes and scaling.
        config: Optimizer, loss, epochs, patience, seed.
        training: Windows to learn from.
        validation: Windows that steer early stopping and the learning rate.
        reused: The network to train, where one serves many fits.
        start: Weights to go on from, in the order of `kerasforecast.models.network.merged_weights`; drawn anew, where
            `None`.
        solution: Weights of layers to begin at where they are drawn anew; those that the family finds, where `None`.
        freeze: Names of layers that keep them.

    Attributes:
        network: In the training role.
        frozen: The layers that keep their weights.

    Raises:
        OptionError: There is no layer to freeze of such a name, or none is left to train.
    """

    def __init__(
        self,
        member: Member,
        config: TrainingConfig,
        training: TrainingSet[Any],
        validation: TrainingSet[Any],
        reused: Reused | None = None,
        *,
        start: Sequence[np.ndarray] | None = None,
        solution: Mapping[str, list[np.ndarray]] | None = None,
        freeze: Sequence[str] = (),
    ) -> None:
        self._member, self._config, self._reused = member, config, reused
        self._parts = sampled(training, config), validation
        self._feeds: dict[int | None, Feed] = {}
        with sharing():
            self._begin(reused, start, solution, freeze, training.typical_targets)

    def _begin(
        self, reused: Reused | None, start: Any, solution: Any, freeze: Sequence[str], targets: np.ndarray
    ) -> None:
        config, member = self._config, self._member
        if reused:
            self._parts = scaled_set(self._parts[0], member), scaled_set(self._parts[1], member)
            self.network = reused.restarted(config.learning_rate)
        else:
            self.network = build(member.network, member.scaling, "training", config.seed, covariates=member.covariates)
        if start is None:
            initialise(self.network, member.network, config.seed, targets)
        else:
            start_from(self.network, start)
        self.frozen = frozen_layers(self.network, freeze)
        begun = start is None and self._begun_at(solution)
        self._solved = begun and member.network.family.solved
        self._judging = self._plain(self._parts[1])
        self._parts = self._drawn(self._parts[0]), self._drawn(self._parts[1])

    @property
    def trained(self) -> int:
        """Numbers that are trained."""
        return trained_parameters(self.network)

    @property
    def steps(self) -> int:
        """Optimizer steps of an epoch."""
        return steps_of(self._parts[0], self._config)

    def train(self, *, epochs: int | None = None, **watched: Any) -> Trained:
        """Find the weights.

        Args:
            epochs: How many at most, the finished ones of a training that goes on included; those of the
                configuration, where `None`.
            **watched: `on_epoch`, `on_best`, `keeping` of `kerasforecast.training.train.train`.

        Raises:
            DivergedError: The loss stopped being a finite number.
            StoppedError: A signal ended training.
        """
        levels, config = self._member.network.quantiles, self._config
        config = config if epochs is None else config.model_copy(update={"epochs": epochs})
        with sharing():
            watched["feed"] = self._feed(config, watched.get("keeping"))
            history = train(self.network, *self._parts, config, levels=levels, solved=self._solved, **watched)
        departed = followed(self.network, self._member, self._judging, self._reused.predictor if self._reused else None)
        return Trained(history, *self._found(), departed)

    def replay(self, rates: Sequence[float], steps: int, **watched: Any) -> tuple[float, Predictor]:
        """Find weights as an earlier training did: arguments, `stop` and `kept` as of `training.replay.replay`.

        Returns:
            The mean loss of the last steps, and what forecasts.
        """
        known, levels = self._parts[0], self._member.network.quantiles
        with sharing():
            loss = replay(self.network, known, self._config, rates, steps, levels=levels, **watched)
        return loss, self._found()[1]

    def _feed(self, config: TrainingConfig, keeping: Keeping | None) -> Feed:
        """What feeds a training: that of the one which goes on here, if it was kept as often."""
        every = keeping.every if keeping else None
        if not self.network.compiled:
            compile_model(self.network, config, self.steps, self._member.network.quantiles)
        if every not in self._feeds:
            self._feeds[every] = Feed.of(self.network, self._parts[0], config, self.steps, every)
        return self._feeds[every]

    def _found(self) -> tuple[list[np.ndarray], Predictor]:
        member, weights = self._member, merged_weights(self.network)
        if self._reused:
            return weights, SharedPredictor(self._reused.predictor, member, weights)
        return weights, Predictor([member], weights)

    def _drawn(self, known: TrainingSet[Any]) -> TrainingSet[Any]:
        """What is learned from, where that is not the scaled targets themselves."""
        member = self._member
        weights = {layer.name: layer.get_weights() for layer in weighted_layers(self.network)}
        found = member.network.family.drawing(member.network.options, member.sizes, weights, self._plain(known))
        return known if found is None else replace(known, targets=found[0], drawing=found[1])

    def _plain(self, part: TrainingSet[Any]) -> TrainingSet[Any]:
        """One of the parts for what does without the network's own scaling."""
        return part if self._reused else scaled_set(part, self._member)

    def _begun_at(self, found: Mapping[str, list[np.ndarray]] | None) -> bool:
        """Whether there are weights found without steps, these or the family's own; they are set."""
        member, parts = self._member, map(self._plain, self._parts)
        if found is None:
            found = member.network.family.solve(member.network.options, member.sizes, *parts) or {}
        for name, weights in found.items():
            self.network.get_layer(name).set_weights(weights)
        return bool(found)


class Reused:
    """One network for many fits, compiled once, without a scaling of its own.

    Args:
        config: Optimizer, loss, seed. The learning rate may be another in each fit.
        member: Any fitted to such rows; all have as many channels.
    """

    def __init__(self, config: TrainingConfig, member: Member) -> None:
        self._config = config
        self._member = unscaled_member(member)
        self.channels = member.scaling.channels

    def restarted(self, learning_rate: float) -> keras.Model:
        """The network, compiled, as it was when it was made, at a `learning_rate`."""
        self._start.restore()
        self._network.optimizer.learning_rate = learning_rate
        return self._network

    @cached_property
    def predictor(self) -> Predictor:
        """Scaled windows to scaled forecasts; its weights are set before every use."""
        return Predictor([self._member], merged_weights(self._network))

    @cached_property
    def _network(self) -> keras.Model:
        member = self._member
        network = build(member.network, member.scaling, "training", self._config.seed, covariates=member.covariates)
        compile_model(network, self._config, levels=self._member.network.quantiles)
        return network

    @cached_property
    def _start(self) -> _Start:
        return _Start([*self._network.variables, *self._network.optimizer.variables])


@dataclass(eq=False)
class _Start:
    """Variables and what they held when this was made: weights, seeds of dropout, the optimizer's moments and rate."""

    variables: Sequence[keras.Variable]
    values: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self.values = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in self.variables]

    def restore(self) -> None:
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)

"""Training one network again and again on other rows, compiled once: what a backtest's folds are fitted with.

The scaling differs from fold to fold and is a constant of a network, so here it is applied outside: the network takes
scaled windows and gives scaled forecasts, and is put back to its very first state before each fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import keras
import numpy as np

from kerasforecast.config import Config
from kerasforecast.data.series import Series
from kerasforecast.errors import OptionError
from kerasforecast.forecasting import Predictor
from kerasforecast.models import build, initialise, merged_weights, set_weights
from kerasforecast.scaling import FittedScaling, fit_scaling
from kerasforecast.split import Split
from kerasforecast.training import compile_model, train
from kerasforecast.windows import TrainingSet, windows_of


@dataclass(frozen=True, eq=False)
class ScaledWindows:
    """Windows whose inputs are scaled in NumPy, for a network that has no scaling of its own."""

    windows: TrainingSet
    scaling: FittedScaling

    def __len__(self) -> int:
        return len(self.windows)

    def inputs(self, places: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Scaled inputs of the windows at `places`, `(n, L, C)` float32."""
        return self.scaling.inputs(self.windows.inputs(places)).astype(np.float32)

    def targets(self, scaling: FittedScaling) -> np.ndarray:
        """Scaled targets of all windows, `(N, H)` float32."""
        return self.windows.targets(scaling)


class Refitter:
    """Fits the network of `config` to one series after another; each fit starts from the same state.

    Args:
        config: Network and training.
        columns: Columns of the series, F.

    Raises:
        OptionError: The network has a quantile head.
    """

    def __init__(self, config: Config, columns: int) -> None:
        if config.network.quantiles:
            raise OptionError("A walk scores point forecasts. Received: --quantiles. Leave it out.")
        self._config = config
        self._columns = columns

    def __call__(self, series: Series, split: Split) -> Refitted:
        """Train on the training part of `series` and stop by its validation part.

        Raises:
            DivergedError: The loss stopped being a number.
        """
        scaling = fit_scaling(self._config.network.scaling, series.values[: split.train_end], series.columns)
        scaling.check(series)
        known, validation = (
            ScaledWindows(windows_of(series, split.origins(part), split.window, split.horizon), scaling)
            for part in ("train", "validation")
        )
        network = self._network
        self._start.restore()
        history = train(network, scaling, known, validation, self._config.training)
        weights = merged_weights(network)
        return Refitted(self._predictor, scaling, weights, len(history.epochs))

    @cached_property
    def _scaled(self) -> FittedScaling:
        """No scaling at all, over as many columns as the true one gives channels."""
        relative = self._config.network.scaling in ("anchor", "difference")
        channels = self._columns + (relative and self._columns > 1)
        zeros, ones = (0.0,) * channels, (1.0,) * channels
        return FittedScaling(kind="none", transforms=("linear",) * channels, offset=zeros, scale=ones)

    @cached_property
    def _network(self) -> keras.Model:
        network = build(self._config.network, self._scaled, "training", self._config.training.seed)
        initialise(network, self._config.network, self._config.training.seed)
        compile_model(network, self._config.training)
        network.optimizer.build(network.trainable_variables)
        return network

    @cached_property
    def _start(self) -> _State:
        return _State([*self._network.variables, *self._network.optimizer.variables])

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self._config.network, self._scaled, merged_weights(self._network))


@dataclass(frozen=True, eq=False)
class Refitted:
    """A fold's model. Its weights are put into the one shared network when it forecasts.

    Attributes:
        shared: Scaled windows to scaled forecasts.
        scaling: Fitted on the fold's training rows.
        weights: In the order of `kerasforecast.models.merged_weights`.
        epochs: That it trained for.
    """

    shared: Predictor
    scaling: FittedScaling
    weights: Sequence[np.ndarray]
    epochs: int

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Forecasts `(B, H)` float32 of raw windows `(B, L, F)`, both in raw prices."""
        set_weights(self.shared.network, self.weights)
        scaled = self.shared.predict(self.scaling.inputs(windows))
        return np.asarray(self.scaling.restore(windows, scaled), np.float32)


@dataclass(eq=False)
class _State:
    """Variables and what they held when this was made: weights, seeds of dropout, the optimizer's moments and rate."""

    variables: Sequence[keras.Variable]
    values: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self.values = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in self.variables]

    def restore(self) -> None:
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)

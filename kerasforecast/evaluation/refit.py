"""Training one network again and again on other rows, compiled once: what a backtest's folds are fitted with.

The scaling differs from fold to fold and is a constant of a network, so here it is applied outside: the network takes
scaled windows and gives scaled forecasts, and is put back to its very first state before each fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import keras
import numpy as np

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.backtest import Fitted
from kerasforecast.evaluation.evaluation import scored_windows
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.network import build, initialise, merged_weights, set_weights
from kerasforecast.preprocessing.batch import Batches, TrainingSet, WindowBatch
from kerasforecast.preprocessing.scaling import FittedScaling, fit_scaling
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.training.train import compile_model, train

Answer = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class ScaledWindows:
    """Windows whose inputs are scaled in NumPy, for a network that has no scaling of its own."""

    windows: Batches
    scaling: FittedScaling

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, indices: np.ndarray | slice) -> WindowBatch:
        """The windows at `indices`, `past` scaled, `(n, L, C)` float32."""
        raw = self.windows.batch(indices)
        return replace(raw, past=self.scaling.inputs(raw.past).astype(np.float32))


class Refitter:
    """Fits the network of `config` to one series after another; each fit starts from the same state.

    Args:
        config: Network and training.
        columns: Columns of the series, F.
    """

    def __init__(self, config: Config, columns: int) -> None:
        self._config = config
        self._columns = columns

    def __call__(self, panel: Panel, split: Split, baselines: Baselines) -> Fitted:
        """Train on the training part of `panel`; its validation part stops training and calibrates the intervals.

        Raises:
            DivergedError: The loss stopped being a number.
        """
        config, levels = self._config, self._config.network.quantiles
        rows, starts = split.training_rows(panel)
        scaling = fit_scaling(
            config.network.scaling, rows, panel.columns, starts=starts, volatility_channel=bool(levels)
        )
        scaling.check(panel)
        raw = [
            windows_of(panel, split.origins(part), split.window, split.horizon).training_set(scaling)
            for part in ("train", "validation")
        ]
        known, validation = (TrainingSet(ScaledWindows(each, scaling), each.targets) for each in raw)
        network = self._network
        self._start.restore()
        initialise(network, config.network, config.training.seed, known.targets)
        history = train(network, known, validation, config.training, levels=levels)
        predictor = FoldPredictor(self._shared, scaling, merged_weights(network))
        forecaster = Forecaster(predictor, config, baselines.volatility)
        forecaster = forecaster.calibrated(scored_windows(config, panel, split, "validation"))
        return Fitted(forecaster, len(history.epochs))

    @cached_property
    def _scaled(self) -> FittedScaling:
        """No scaling at all, over as many columns as the true one gives channels."""
        network = self._config.network
        relative = network.scaling in ("anchor", "difference")
        channels = self._columns + (relative and (self._columns > 1 or bool(network.quantiles)))
        zeros, ones = (0.0,) * channels, (1.0,) * channels
        return FittedScaling(kind="none", transforms=("linear",) * channels, offset=zeros, scale=ones)

    @cached_property
    def _network(self) -> keras.Model:
        network = build(self._config.network, self._scaled, "training", self._config.training.seed)
        compile_model(network, self._config.training, levels=self._config.network.quantiles)
        return network

    @cached_property
    def _start(self) -> _FirstState:
        return _FirstState([*self._network.variables, *self._network.optimizer.variables])

    @cached_property
    def _shared(self) -> Predictor:
        return Predictor(self._config.network, self._scaled, merged_weights(self._network))


class FoldPredictor(Predictor):
    """A fold's network: its weights are put into the one shared network when it forecasts, its scaling is outside.

    Args:
        shared: Scaled windows to scaled forecasts.
        scaling: Fitted on the fold's training rows.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
    """

    def __init__(self, shared: Predictor, scaling: FittedScaling, weights: Sequence[np.ndarray]) -> None:
        super().__init__(shared.config, scaling, weights)
        self._shared = shared

    @property
    def _answer(self) -> Answer:  # type: ignore[override]
        set_weights(self._shared.network, self.weights)
        return self._shared._answer

    @property
    def _sampling_network(self) -> keras.Model:  # type: ignore[override]
        set_weights(self._shared._sampling_network, self.weights)
        return self._shared._sampling_network

    def _answers(self, answer: Answer, windows: np.ndarray) -> np.ndarray:
        windows = self._checked(windows)
        scaled = self._shared._answers(answer, self.scaling.inputs(windows))
        return np.asarray(self.scaling.restore(windows, scaled), np.float32)


@dataclass(eq=False)
class _FirstState:
    """Variables and what they held when this was made: weights, seeds of dropout, the optimizer's moments and rate."""

    variables: Sequence[keras.Variable]
    values: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self.values = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in self.variables]

    def restore(self) -> None:
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)

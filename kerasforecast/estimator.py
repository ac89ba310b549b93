"""The models as a scikit-learn regressor: each row of X is a window, y is what followed it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kerasforecast.config import NetworkConfig, TrainingConfig, checked
from kerasforecast.errors import DataError, shown
from kerasforecast.runtime.backend import activate

if TYPE_CHECKING:
    from kerasforecast.preprocessing.scaling import FittedScaling
    from kerasforecast.preprocessing.windows import Samples


class KerasForecaster(RegressorMixin, BaseEstimator):
    """A forecaster over windows, for scikit-learn's pipelines, searches and cross-validation.

    X has shape `(N, L)`: one window of L consecutive values a row, oldest first. y has shape `(N,)` or `(N, H)`: the
    value, or the H values, that followed. Rows are taken to be in time order: the last `validation_fraction` of them
    steers early stopping, so use `TimeSeriesSplit` rather than shuffled folds.
    `kerasforecast.preprocessing.windows.pairs` makes X and y of a series.

    Args:
        model: Recurrent cell of the network.
        units: Hidden units of each recurrent layer.
        layers: Number of recurrent layers, one upon the other.
        bidirectional: Whether each layer reads a window forwards and backwards.
        norm: Normalisation between the layers.
        dropout: Share of values dropped in training, between the layers and before the output.
        recurrent_bias: Whether an LSTM layer trains a second bias vector, as PyTorch does.
        initializer: How the weights are drawn before training.
        scaling: How raw values become what the network sees, and back.
        quantiles: Levels of a quantile head, e.g. 0.1,0.5,0.9; 0.5 is always among them, and none means points.
        epochs: Most passes over the training windows; early stopping may end before.
        batch_size: Windows in one step of the optimizer.
        steps_per_epoch: Optimizer steps of an epoch, over other windows each time; when not given, all windows pass.
        optimizer: Optimizer that changes the weights.
        learning_rate: Learning rate of the optimizer at the start.
        loss: Loss that training lowers, in scaled units.
        clipnorm: Largest global norm of a step's gradient; not clipped when not given.
        patience: Epochs without better validation loss before stopping.
        lr_patience: Epochs without better validation loss before a lower rate.
        lr_factor: What the learning rate is multiplied by when it is lowered.
        validation_fraction: Share of the rows, the last ones, kept for validation; at least one row.
        random_state: Seed of the starting weights, of dropout and of the order of windows, or a `RandomState`; `None`
            draws a new one.

    Attributes:
        predictor_: The trained network, a `kerasforecast.forecasting.predictor.Predictor`.
        history_: How training went, a `kerasforecast.training.train.History`.
        n_features_in_: Rows of history, L.

    Example:
        >>> import kerasforecast as kf
        >>> import numpy as np
        >>> from kerasforecast.preprocessing.windows import pairs
        >>> X, y = pairs(100 + np.sin(np.arange(120.0)), window=8)
        >>> forecaster = kf.KerasForecaster(units=4, layers=1, epochs=1).fit(X[:-10], y[:-10])
        >>> forecaster.predict(X[-10:]).shape
        (10,)
    """

    def __init__(
        self,
        *,
        # Written by `python -m tests.signatures`, from here
        model: Literal["lstm", "gru", "rnn", "peephole", "coupled"] = "lstm",
        units: int = 50,
        layers: int = 2,
        bidirectional: bool = False,
        norm: Literal["none", "layer", "batch"] = "none",
        dropout: float = 0.2,
        recurrent_bias: bool = True,
        initializer: Literal["keras", "he", "orthogonal", "torch"] = "keras",
        scaling: Literal["anchor", "difference", "minmax", "standard", "none"] = "anchor",
        quantiles: Sequence[float] = (),
        epochs: int = 100,
        batch_size: int = 32,
        steps_per_epoch: int | None = None,
        optimizer: Literal["adam", "sgd", "rmsprop"] = "adam",
        learning_rate: float = 0.001,
        loss: Literal["mse", "mae", "huber"] = "mse",
        clipnorm: float | None = None,
        patience: int = 10,
        lr_patience: int = 5,
        lr_factor: float = 0.5,
        # to here.
        validation_fraction: float = 0.15,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        # Written by `python -m tests.signatures`, from here
        self.model = model
        self.units = units
        self.layers = layers
        self.bidirectional = bidirectional
        self.norm = norm
        self.dropout = dropout
        self.recurrent_bias = recurrent_bias
        self.initializer = initializer
        self.scaling = scaling
        self.quantiles = quantiles
        self.epochs = epochs
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.clipnorm = clipnorm
        self.patience = patience
        self.lr_patience = lr_patience
        self.lr_factor = lr_factor
        # to here.
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> KerasForecaster:
        """Train on windows `(N, L)` and what followed them, `(N,)` or `(N, H)`.

        Raises:
            ValueError: Shapes or values do not fit (`kerasforecast.errors.InputError` is one).
        """
        rows: np.ndarray  # (N, L)
        rows, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2, ensure_min_features=2
        )
        targets = np.asarray(y, np.float64).reshape(len(rows), -1)  # (N, H)
        network, training = self._configs(rows.shape[1], targets.shape[1])
        train_rows = self._training_rows(len(rows))
        activate()
        from kerasforecast.preprocessing.scaling import fit_scaling
        from kerasforecast.preprocessing.windows import Samples

        windows = rows[:, :, None]  # (N, L, 1)
        known = np.concatenate([windows[:train_rows], targets[:train_rows, :1, None]], axis=1)  # (n, L + 1, 1)
        scaling = fit_scaling(network.scaling, known, ("X",), volatility_channel=bool(network.quantiles))
        if scaling.transforms[0] == "log" and min(rows.min(), targets.min()) <= 0:
            raise DataError("X and y must be positive for log returns, as in the first rows. Use scaling='difference'.")
        parts = (
            Samples(windows[:train_rows], targets[:train_rows]),
            Samples(windows[train_rows:], targets[train_rows:]),
        )
        self._train(network, training, scaling, *parts)
        self._vector = np.ndim(y) == 1
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Forecasts `(N,)` or `(N, H)`, as y was in `fit`, of windows `(N, L)`: medians, where there are quantiles."""
        check_is_fitted(self)
        rows: np.ndarray = validate_data(self, X, dtype=np.float64, reset=False)  # (N, L)
        forecasts = self.predictor_.predict(rows[:, :, None]).astype(np.float64)  # scikit-learn expects the type of y
        return forecasts[:, 0] if self._vector else forecasts

    def _train(
        self,
        network: NetworkConfig,
        training: TrainingConfig,
        scaling: FittedScaling,
        known: Samples,
        validation: Samples,
    ) -> None:
        from kerasforecast.forecasting.predictor import Predictor
        from kerasforecast.models.network import build, initialise, merged_weights
        from kerasforecast.training.train import train

        model = build(network, scaling, "training", training.seed)
        initialise(model, network, training.seed, known.scaled_targets(scaling))
        self.history_ = train(model, scaling, known, validation, training, levels=network.quantiles)
        self.predictor_ = Predictor(network, scaling, merged_weights(model))

    def _configs(self, window: int, horizon: int) -> tuple[NetworkConfig, TrainingConfig]:
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        parameters = self.get_params(deep=False) | {"window": window, "horizon": horizon, "seed": int(seed)}
        sections = [
            checked(section, {name: parameters[name] for name in section.model_fields})
            for section in (NetworkConfig, TrainingConfig)
        ]
        return sections[0], sections[1]

    def _training_rows(self, rows: int) -> int:
        if not 0 < self.validation_fraction < 1:
            raise DataError(
                f"validation_fraction must lie between 0 and 1. Received: {shown(self.validation_fraction)}."
            )
        return min(max(round(rows * (1 - self.validation_fraction)), 1), rows - 1)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True  # a forecaster of series on scikit-learn's unordered toy data
        return tags

"""The models as a scikit-learn regressor: each row of X is a window, y is what followed it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kerasforecast.errors import DataError, OptionError, callers_words, shown
from kerasforecast.models.families import registry
from kerasforecast.runtime.backend import activate
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.section import checked
from kerasforecast.sections.training import TrainingConfig

_FAR = 4.0  # times what a step changes: no value that follows a window lies so far outside it, typically
_ENOUGH = 10  # rows, of which most values that follow stand among the windows' own


class KerasForecaster(RegressorMixin, BaseEstimator):
    """A forecaster over windows, for scikit-learn's pipelines, searches and cross-validation.

    X has shape `(N, L)`: one window of L consecutive values a row, oldest first. y has shape `(N,)` or `(N, H)`: the
    value, or the H values, that followed. Rows are taken to be in time order: the last `validation_fraction` of them
    steers early stopping, so use `TimeSeriesSplit` rather than shuffled folds.
    `kerasforecast.preprocessing.windows.pairs` makes X and y of a series.

    Args:
        model: Network family; auto chooses.
        scaling: How raw values become what the network sees, and back; auto chooses on validation.
        centre: What `scaling` level subtracts from a window: its last row or mean.
        unit: What `scaling` level divides by: a window's mean absolute change, or its spread.
        target_transform: What `scaling` level takes the target by; log needs positive values, asinh none.
        quantiles: Levels of a quantile head, e.g. 0.1,0.5,0.9; 0.5 is always among them, and none means points.
        lower_bound: What no forecast lies below; auto is 0 where the target has zeros and nothing below.
        units: Hidden units of each recurrent layer. Only for lstm, gru, rnn, peephole, coupled, nbeats, nhits, tide,
            diffusion.
        layers: Number of recurrent layers, one upon the other. Only for lstm, gru, rnn, peephole, coupled, patch, tide.
        bidirectional: Whether each layer reads a window forwards and backwards. Only for lstm, gru, rnn, peephole,
            coupled.
        norm: Normalisation between the layers. Only for lstm, gru, rnn, peephole, coupled.
        dropout: Share of values dropped in training, between the layers and before the output. Only for lstm, gru, rnn,
            peephole, coupled, nbeats, nhits, patch, tide.
        readout: What a forecast is read from: the last hidden state, or for each row ahead that of one horizon before
            it, through a dense layer that all rows share. Only for lstm, gru, rnn, peephole, coupled.
        initializer: How the weights are drawn before training. Only for lstm, gru, rnn, peephole, coupled.
        recurrent_bias: Whether an LSTM layer trains a second bias vector, as PyTorch does. Only for lstm.
        trend: Rows of the moving average with weights of its own, as in DLinear; 0 for none. Only for linear.
        blocks: Blocks of each stack. Only for nbeats, nhits, diffusion.
        block_layers: Dense layers of each block. Only for nbeats, nhits.
        basis: What the parts of a forecast are drawn from: free sums, or a trend and a season. Only for nbeats.
        degree: Of the polynomials of an interpretable trend. Only for nbeats.
        harmonics: Waves of an interpretable season; 0 for half the horizon. Only for nbeats.
        stacks: Stacks, each of which looks at the window more closely. Only for nhits.
        pool: Rows that the first stack pools; the last pools none. Only for nhits.
        patch: Rows of a patch. Only for patch.
        width: Numbers that stand for a patch. Only for patch.
        heads: Heads of the attention; they share the width. Only for patch.
        decoder: Numbers that the decoder makes of each row to be forecast. Only for tide.
        noise_steps: Steps in which a path becomes noise in training. Only for diffusion.
        schedule: How the noise grows over these steps. Only for diffusion.
        objective: What training predicts: the noise, or the speed. Only for diffusion.
        sampling_steps: Steps in which noise becomes a path in a forecast. Only for diffusion.
        paths: Paths of a forecast. Only for diffusion.
        season: Rows of a season; 1 for none. Only for seasonal, theta, damped.
        seasons: Past seasons whose mean is repeated. Only for seasonal.
        drift: Add what the window has changed by a row, over and over. Only for seasonal.
        seasonality: What a season does: raises by a share, where all values of a window are positive, or adds. Only for
            theta, damped.
        epochs: Most passes over the training windows; early stopping may end before.
        batch_size: Windows in one step of the optimizer.
        sample: What counts alike in training: every window, or every series, however many windows it has.
        steps_per_epoch: Optimizer steps of an epoch, over other windows each time, or all again where they are few;
            when not given, all windows pass once.
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
        model: str = "lstm",
        scaling: Literal["auto", "anchor", "difference", "level", "minmax", "standard", "none"] = "anchor",
        centre: Literal["last", "mean"] = "mean",
        unit: Literal["change", "spread"] = "spread",
        target_transform: Literal["none", "log", "sqrt", "asinh"] = "none",
        quantiles: Sequence[float] = (),
        lower_bound: Literal["auto", "none"] | float = "auto",
        units: int = 50,
        layers: int = 2,
        bidirectional: bool = False,
        norm: Literal["none", "layer", "batch"] = "none",
        dropout: float = 0.2,
        readout: Literal["last", "rows"] = "last",
        initializer: Literal["keras", "he", "orthogonal", "torch"] = "keras",
        recurrent_bias: bool = True,
        trend: int = 0,
        blocks: int = 3,
        block_layers: int = 2,
        basis: Literal["generic", "interpretable"] = "generic",
        degree: int = 2,
        harmonics: int = 0,
        stacks: int = 3,
        pool: int = 8,
        patch: int = 16,
        width: int = 32,
        heads: int = 4,
        decoder: int = 8,
        noise_steps: int = 200,
        schedule: Literal["cosine", "linear"] = "cosine",
        objective: Literal["noise", "flow"] = "noise",
        sampling_steps: int = 16,
        paths: int = 100,
        season: int = 1,
        seasons: int = 1,
        drift: bool = False,
        seasonality: Literal["multiplicative", "additive"] = "multiplicative",
        epochs: int = 100,
        batch_size: int = 32,
        sample: Literal["windows", "series"] = "windows",
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
        self.scaling = scaling
        self.centre = centre
        self.unit = unit
        self.target_transform = target_transform
        self.quantiles = quantiles
        self.lower_bound = lower_bound
        self.units = units
        self.layers = layers
        self.bidirectional = bidirectional
        self.norm = norm
        self.dropout = dropout
        self.readout = readout
        self.initializer = initializer
        self.recurrent_bias = recurrent_bias
        self.trend = trend
        self.blocks = blocks
        self.block_layers = block_layers
        self.basis = basis
        self.degree = degree
        self.harmonics = harmonics
        self.stacks = stacks
        self.pool = pool
        self.patch = patch
        self.width = width
        self.heads = heads
        self.decoder = decoder
        self.noise_steps = noise_steps
        self.schedule = schedule
        self.objective = objective
        self.sampling_steps = sampling_steps
        self.paths = paths
        self.season = season
        self.seasons = seasons
        self.drift = drift
        self.seasonality = seasonality
        self.epochs = epochs
        self.batch_size = batch_size
        self.sample = sample
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

    @callers_words()
    def fit(self, X: ArrayLike, y: ArrayLike) -> KerasForecaster:
        """Train on windows `(N, L)` and what followed them, `(N,)` or `(N, H)`.

        Raises:
            ValueError: Shapes or values do not fit (`kerasforecast.errors.InputError` is one).

        Warns:
            UserWarning: y does not go on from the windows, as where a step of a pipeline has scaled X alone.
        """
        rows: np.ndarray  # (N, L)
        rows, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2, ensure_min_features=2
        )
        targets = np.asarray(y, np.float64).reshape(len(rows), -1)  # (N, H)
        _warn_of_other_units(rows, targets[:, 0])
        network, training = self._configs(rows.shape[1], targets.shape[1])
        train_rows = self._training_rows(len(rows))
        activate()
        from kerasforecast.forecasting.fitting import Fitting
        from kerasforecast.models.member import Member
        from kerasforecast.preprocessing.fit_scaling import fit_scaling
        from kerasforecast.preprocessing.windows import Samples

        windows = rows[:, :, None]  # (N, L, 1)
        known = np.concatenate([windows[:train_rows], targets[:train_rows, :1, None]], axis=1)  # (n, L + 1, 1)
        head = bool(network.quantiles)
        scaling = fit_scaling(
            network.named_scaling,
            known,
            ("X",),
            volatility_channel=head,
            level=network.level,
            lower_bound=network.lower_bound,
        )
        if scaling.logged and min(rows.min(), targets.min()) <= 0:
            raise DataError("X and y must be positive for log returns, as in the first rows. Use scaling='difference'.")
        parts = (
            Samples(windows[:train_rows], targets[:train_rows]),
            Samples(windows[train_rows:], targets[train_rows:]),
        )
        learned, held_back = (part.training_set(scaling) for part in parts)
        trained = Fitting(Member(network=network, scaling=scaling), training, learned, held_back).train()
        self.history_, self.predictor_ = trained.history, trained.predictor
        self._vector = np.ndim(y) == 1
        return self

    @callers_words()
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Forecasts `(N,)` or `(N, H)`, as y was in `fit`, of windows `(N, L)`: medians, where there are quantiles."""
        check_is_fitted(self)
        rows: np.ndarray = validate_data(self, X, dtype=np.float64, reset=False)  # (N, L)
        forecasts = self.predictor_.predict(rows[:, :, None]).astype(np.float64)  # scikit-learn expects the type of y
        return forecasts[:, 0] if self._vector else forecasts

    def _configs(self, window: int, horizon: int) -> tuple[NetworkConfig, TrainingConfig]:
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        parameters = self.get_params(deep=False) | {"window": window, "horizon": horizon, "seed": int(seed)}
        if registry.family(parameters["model"]).chooses:
            raise OptionError(
                f"model={parameters['model']!r} chooses windows too, and here they are given. Received: windows of "
                f"{window}. Name a network, or use kerasforecast.fit(model='auto') on the series."
            )
        own = registry.family(parameters["model"]).options.model_fields
        wanted = [name for name in (*NetworkConfig.model_fields, *own) if name in parameters]
        for name, fields in registry.options().items():  # one of another family may stay at its default
            others = name in parameters and name not in own
            if others and parameters[name] != next(iter(fields.values())).default:
                wanted.append(name)
        network: NetworkConfig = checked(NetworkConfig, {name: parameters[name] for name in wanted})
        if network.scaling == "auto":
            raise OptionError(f"scaling must be named here. Received: 'auto'. Use {network.usual_scaling!r}, say.")
        training: TrainingConfig = checked(
            TrainingConfig, {name: parameters[name] for name in TrainingConfig.model_fields if name in parameters}
        )
        return network, training

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


def _warn_of_other_units(rows: np.ndarray, following: np.ndarray) -> None:
    """Warn where what followed lies far outside the windows, in units of what one step changes.

    A pipeline's StandardScaler scales each column of X by itself and leaves y as it is: the network would then learn to
    turn the units back, and a forecast of prices be worse than the last price by a hundred times.
    """
    changes = np.abs(np.diff(rows, axis=1))
    usual = float(np.median(changes)) or float(changes.mean())
    outside = np.maximum(following - rows.max(axis=1), rows.min(axis=1) - following)  # of the window's own range
    beyond = np.maximum(following - rows.max(), rows.min() - following) > usual  # outside what all windows hold
    apart = len(rows) >= _ENOUGH and float(np.mean(beyond)) > 0.5
    if usual and (apart or float(np.median(outside)) > _FAR * usual):
        away = float(np.median(np.abs(following - rows[:, -1])))
        warnings.warn(
            f"y must go on from the last column of X, in its units. Received: y that lies {away:.3g} away "
            f"from it, where one step changes {usual:.3g}. Leave X unscaled: the forecaster scales windows itself "
            "(scaling=...), or scale y in the same way.",
            UserWarning,
            stacklevel=3,
        )

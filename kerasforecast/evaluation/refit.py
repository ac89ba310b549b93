"""What a backtest's folds are fitted with: one network, compiled once, trained anew on each fold's rows."""

from __future__ import annotations

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.series import Series
from kerasforecast.evaluation.backtest import Fitted
from kerasforecast.evaluation.evaluation import scored_windows
from kerasforecast.forecasting.fitting import Fitting, Reused
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.scaling import fit_scaling
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import windows_of


class Refitter:
    """Fits the network of `config` to one series after another; each fit starts from the same state.

    Args:
        config: Network and training.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._reused: Reused | None = None

    def __call__(self, series: Series, split: Split, baselines: Baselines) -> Fitted:
        """Train on the training part of `series`; its validation part stops training and calibrates the intervals.

        Raises:
            DivergedError: The loss stopped being a number.
        """
        config, network = self._config, self._config.network
        rows = series.values[: split.train_end]
        scaling = fit_scaling(network.scaling, rows, series.columns, volatility_channel=bool(network.quantiles))
        scaling.check(series)
        if self._reused is None or self._reused.channels != scaling.channels:
            self._reused = Reused(network, config.training, scaling)
        known, validation = (
            windows_of(series, split.origins(part), split.window, split.horizon) for part in ("train", "validation")
        )
        member = Member(network=network, scaling=scaling)
        fitted = Fitting(member, config.training, known, validation, self._reused).train()
        forecaster = Forecaster(fitted.predictor, config, baselines.volatility)
        forecaster = forecaster.calibrated(scored_windows(config, series, split, "validation"))
        return Fitted(forecaster, len(fitted.history.epochs))

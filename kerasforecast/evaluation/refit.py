"""What a backtest's folds are fitted with: one network, compiled once, trained anew on each fold's rows."""

from __future__ import annotations

from typing import Any

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.backtest import Fitted
from kerasforecast.evaluation.evaluation import scored_windows
from kerasforecast.evaluation.intervals import paced_windows
from kerasforecast.forecasting.fitting import Fitting, Reused, scaled_member, training_sets
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.suited import settled
from kerasforecast.preprocessing.split import Split


class Refitter:
    """Fits the network of `config` to one panel after another; each fit starts from the same state.

    Args:
        config: Network and training.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._reused: Reused | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_config": self._config, "_reused": None}  # a network is compiled where it is used

    def __call__(self, panel: Panel, split: Split, baselines: Baselines) -> Fitted:
        """Train on the training part of `panel`; its validation part stops training and calibrates the intervals.

        Raises:
            DivergedError: The loss stopped being a number.
        """
        network, chosen = settled(self._config.network, panel, split)
        config = self._config.model_copy(update={"network": network})
        member = scaled_member(config.network, panel, split)
        if self._reused is None or self._reused.channels != member.scaling.channels:
            self._reused = Reused(config.training, member)
        known, validation = training_sets(member, panel, split)
        trained = Fitting(member, config.training, known, validation, self._reused).train()
        forecaster = Forecaster(trained.predictor, config, baselines.volatility, context=split.context)
        judged = scored_windows(config, panel, split, "validation")
        forecaster = forecaster.calibrated(judged, paced_windows(config, panel, split))
        return Fitted(forecaster, len(trained.history.epochs), scaling=network.named_scaling if chosen else "")

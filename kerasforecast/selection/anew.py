"""What the folds of a backtest are fitted with where networks are to be chosen: a choice of its own for every fold."""

from __future__ import annotations

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.backtest import Fitted
from kerasforecast.evaluation.evaluation import scored_windows
from kerasforecast.evaluation.intervals import paced_windows
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.parts import predictor_of
from kerasforecast.preprocessing.split import Split
from kerasforecast.runtime.signals import Deferred
from kerasforecast.selection.choose import choose_within
from kerasforecast.selection.keeping import Store


class Chooser:
    """Chooses networks on one panel after another, each time anew: no fold knows what a later one preferred.

    Args:
        config: Of the choice.
    """

    def __init__(self, config: Config) -> None:
        alone = config.evaluation.model_copy(update={"baselines": ()})  # what stands beside is for whoever scores
        self._config = config.model_copy(update={"evaluation": alone})

    def __call__(self, panel: Panel, split: Split, baselines: Baselines) -> Fitted:
        """Choose on the validation part of `panel`, which calibrates the intervals too.

        Raises:
            DivergedError: No network could be trained.
            InputError: The data is too short for what is to be tried.
        """
        quiet = Store(None, {}, "")
        chosen = choose_within(self._config, panel, split, quiet, Deferred(), lambda line: None)
        predictor = predictor_of(chosen.parts)
        own = split.of_window(predictor.window)
        network = self._config.network.model_copy(update={"window": own.window})
        config = self._config.model_copy(update={"network": network})
        forecaster = Forecaster(predictor, config, baselines.volatility, context=own.context)
        validation, learned = scored_windows(config, panel, own, "validation"), paced_windows(config, panel, own)
        forecaster = forecaster.calibrated(validation, learned)
        epochs = sum(len(part.fitted.history.epochs) for part in chosen.parts)
        return Fitted(forecaster, epochs, own.window)

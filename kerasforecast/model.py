"""A trained model as its user holds it: forecast, evaluate, save, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.artifact.inputs import Data, panel_for
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.proof import golden_error
from kerasforecast.config import Config
from kerasforecast.data.future import wanted, with_future
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import OptionError, callers_words, whole_number
from kerasforecast.explain.asked import Explaining
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.on_paths import OnPaths
from kerasforecast.forecasting.on_windows import OnWindows
from kerasforecast.models.member import describe
from kerasforecast.report.asked import Drawing
from kerasforecast.report.forecast_table import ForecastTable

if TYPE_CHECKING:
    from kerasforecast.artifact.writer import Exporter
    from kerasforecast.evaluation.evaluation import Evaluation
    from kerasforecast.forecasting.predictor import Predictor
    from kerasforecast.training.history import History


class Model(OnWindows, OnPaths, Explaining, Drawing):
    """A trained forecaster: what `kerasforecast.fit` returns and `kerasforecast.load` opens.

    Attributes:
        manifest: Where it came from, how it was made, how it scored.
        panel: The data it was trained on; `None` after loading.
        history: Every epoch of its training; `None` where the file does not have it.
        files: Paths of what a fit with an `output_dir` has written, by what they hold: `model`, `metrics`, `history`,
            `test_forecasts`, `forecast`, `report`.

    Example:
        >>> import kerasforecast as kf
        >>> model = kf.fit(end="2002-01-01", window=8, units=4, layers=1, epochs=1)
        >>> model.forecast(2).index.strftime("%Y-%m-%d").tolist()
        ['2002-01-02', '2002-01-03']
        >>> model.predict(model.series.values[-8:][None]).shape
        (1, 1)
    """

    def __init__(
        self,
        manifest: Manifest,
        weights: Sequence[np.ndarray],
        *,
        panel: Panel | None = None,
        history: History | None = None,
        test: Evaluation | None = None,
        exporter: Exporter | None = None,
        predictor: Predictor | None = None,
    ) -> None:
        from kerasforecast.artifact.history import history_of

        self.manifest = manifest
        self.panel = panel
        self.history = history or history_of(manifest)
        self._test = test
        self.files: dict[str, Path] = {}
        self._exporter = exporter
        self.predictor = predictor or _predictor(manifest, weights)
        volatility = manifest.baselines.volatility if manifest.baselines else None
        self.forecaster = Forecaster(
            self.predictor, manifest.config, volatility, manifest.calibration, manifest.adapted, manifest.context
        )

    def __repr__(self) -> str:
        manifest = self.manifest
        return (
            f"<Model {manifest.name}: {describe(manifest.members)}, window {manifest.window}, "
            f"horizon {manifest.horizon}, forecasts {manifest.target}>"
        )

    def _repr_html_(self) -> str:
        from kerasforecast.report.notebook import model_html

        return model_html(self.manifest)

    @cached_property
    def test(self) -> Evaluation | None:
        """Its scores and verdict on the test part. After loading `test.table` is `None`: a file has no forecasts."""
        from kerasforecast.evaluation.evaluation import recorded

        return self._test or recorded(self.manifest)

    @property
    def series(self) -> Series | None:
        """The one series it was trained on; `None` after loading, and of a model of several."""
        return self.panel[0] if self.panel is not None and len(self.panel) == 1 else None

    @property
    def verdict(self) -> str | None:
        """Whether it was better than the best simple forecast on the test part; `None` where it was not scored."""
        return self.test.verdict if self.test else None

    @property
    def interval_note(self) -> str | None:
        """What its prediction intervals rest on, where that is little."""
        return self.manifest.calibration.note if self.manifest.calibration else None

    @property
    def config(self) -> Config:
        """Every option it was trained with."""
        return self.manifest.config

    @callers_words()
    def forecast(
        self,
        steps: int | None = None,
        data: Data = None,
        future: str | PathLike | pd.DataFrame | None = None,
        **options: object,
    ) -> pd.DataFrame:
        """Forecast the `steps` rows that follow each series of `data`, or of the training data where none is given.

        Args:
            steps: Rows ahead, those that were scored where not given. Beyond the horizon, forecasts become inputs; a
                quantile head's median does, and is its forecast at every step. Columns known ahead are known there
                too, others are held.
            data: Path, DataFrame, `Panel` or `Series` ending where the forecast is to start.
            future: What is known of the rows to be forecast, where neither dates give it nor `data` holds it after the
                last target: a table with the columns of `future_frame`.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Returns:
            Index `date` (of several series the id, then `date`), columns `forecast` and, for each level of the
            intervals, `q<level>`, in price units.
        """
        steps = self._steps(steps)
        panel, ahead = self.panel_from(data, **options), max(steps, self.manifest.horizon)
        if future is not None:
            panel = with_future(panel, future, ahead, self.config.data.model_copy(update=options))
        return ForecastTable(self.forecaster.ahead(panel, steps))

    @callers_words()
    def future_frame(self, steps: int | None = None, data: Data = None, **options: object) -> pd.DataFrame:
        """The table that says what is known of the rows to be forecast, to be filled in and given to `forecast`.

        Arguments as there. It has the ids, the dates, and the columns known ahead that the dates do not give.
        """
        ahead = max(self._steps(steps), self.manifest.horizon)
        return wanted(self.panel_from(data, **options), ahead)

    @callers_words()
    def evaluate(self, data: Data = None, steps: int | None = None, **options: object) -> Evaluation:
        """Score the model, beside the simple baselines, on every window of `data` that it has not learned from.

        Where it has learned from all of them it is scored on all, without a verdict.

        Args:
            data: Path, DataFrame, `Panel` or `Series`; the training data where none is given.
            steps: Rows ahead to score, at most as many as the fit did; those where not given.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Raises:
            DataError: The data holds no whole window and target, or values that the network cannot take.
            OptionError: `steps` is no whole number from 1 to those of the fit.
        """
        from kerasforecast.evaluation.cold_start import evaluate_unseen
        from kerasforecast.evaluation.evaluation import every_window
        from kerasforecast.evaluation.learned import learned_windows

        panel, most = self.panel_from(data, **options), self.config.steps
        steps = most if steps is None else whole_number("--steps", steps)
        if steps > most:
            raise OptionError(
                f"--steps must be at most {most}, as many as the fit learned the errors of. Received: {steps}. "
                f"Use fewer, or fit with --steps {steps}."
            )
        self.predictor.check(panel)
        windows = every_window(self.manifest, panel, steps)
        learned = learned_windows(self.manifest.learned_from, panel, windows.origins, steps)
        baselines = self.manifest.baselines.of_steps(steps) if self.manifest.baselines else None
        return evaluate_unseen(self.forecaster, windows, baselines, learned)

    @callers_words()
    def panel_from(self, data: Data = None, **options: object) -> Panel:
        """The series in `data`, with the columns the model was trained on.

        Args:
            data: Path, DataFrame, `Panel` or `Series`; the training data where none is given.
            **options: Fields of `DataConfig`; an unknown one is an error.

        Raises:
            DataError: It lacks a column, or there is nothing to read.
        """
        return panel_for(self.manifest, data, options, self.panel)

    @callers_words()
    def save(self, path: str | PathLike, *, deflated: bool = False) -> Path:
        """Write the model as one `.keras` file, whole or not at all.

        Args:
            path: Of the file; its folder is made where absent.
            deflated: Whether the file is packed, as `kerasforecast.shrink` does: of a small network a third of the size
                or less. Keras opens both.

        Returns:
            The same path.

        Raises:
            OptionError: The path does not end in `.keras`.
        """
        from kerasforecast.runtime.files import user_path

        target = user_path(path)
        if target.suffix != ".keras":
            raise OptionError(f"A model is saved as a .keras file. Received: {target}.")
        if not self.manifest.in_graph:
            from kerasforecast.artifact.unweighted import write_manifest

            write_manifest(target, self.manifest)
            return target
        self.predictor.network  # noqa: B018  says so where there is none
        from kerasforecast.artifact.writer import Exporter

        self._exporter = self._exporter or Exporter(self.manifest.members)
        self.manifest = self._exporter.write(target, self.manifest, self.predictor.weights, deflated=deflated)
        return target

    def golden_error(self) -> float:
        """Largest difference from the golden forecast, in scaled units beyond the rounding of float32 prices."""
        return golden_error(self.manifest, self.predictor)


def _predictor(manifest: Manifest, weights: Sequence[np.ndarray]) -> Predictor:
    if manifest.in_graph:
        from kerasforecast.forecasting.predictor import Predictor

        return Predictor(manifest.members, weights)
    from kerasforecast.baselines.served import HistoryPredictor

    return HistoryPredictor(manifest.members)

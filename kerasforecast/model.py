"""A trained model as its user holds it: forecast, evaluate, save, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.artifact.inputs import Data, same_series, series_for
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.proof import GOLDEN_TOLERANCE, golden_error
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import ArtifactError, DataError, OptionError
from kerasforecast.evaluation.evaluation import Evaluation, evaluate_windows, recorded, windows_tested
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.models.member import describe
from kerasforecast.preprocessing.windows import all_origins, windows_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from kerasforecast.artifact.writer import Exporter
    from kerasforecast.forecasting.predictor import Predictor
    from kerasforecast.training.train import History


class Model:
    """A trained forecaster: what `kerasforecast.fit` returns and `kerasforecast.load` opens.

    Attributes:
        manifest: Where it came from, how it was made, how it scored.
        series: The data it was trained on; `None` after loading.
        history: Every epoch of its training; `None` where the file does not have it.
        test: Its scores and verdict on the test part. After loading `test.table` is `None`: a file has no forecasts.
        files: Paths of what a fit with an `output_dir` has written, by what they hold: `model`, `metrics`, `history`,
            `test_forecasts`, `report`.

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
        series: Series | None = None,
        history: History | None = None,
        test: Evaluation | None = None,
        exporter: Exporter | None = None,
        predictor: Predictor | None = None,
    ) -> None:
        from kerasforecast.artifact.recorder import history_of
        from kerasforecast.forecasting.predictor import Predictor

        self.manifest = manifest
        self.series = series
        self.history = history or history_of(manifest)
        self.test = test or recorded(manifest)
        self.files: dict[str, Path] = {}
        self._exporter = exporter
        self.predictor = predictor or Predictor(manifest.members, weights)
        volatility = manifest.baselines.volatility if manifest.baselines else None
        self.forecaster = Forecaster(
            self.predictor, manifest.config, volatility, manifest.calibration, manifest.adapted
        )

    def __repr__(self) -> str:
        manifest = self.manifest
        return (
            f"<Model {manifest.name}: {describe(manifest.members)}, window {manifest.window}, "
            f"horizon {manifest.horizon}, forecasts {manifest.target}>"
        )

    @property
    def verdict(self) -> str | None:
        """Whether it was better than the naive forecast on the test part; `None` where it was not scored."""
        return self.test.verdict if self.test else None

    @property
    def config(self) -> Config:
        """Every option it was trained with."""
        return self.manifest.config

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Forecasts `(B, H)` float32 of windows `(B, L, F)`, both in raw prices, columns as `manifest.columns`.

        Those of a quantile head are its medians.
        """
        return self.predictor.predict(windows)

    def predict_quantiles(self, windows: np.ndarray, steps: int | None = None) -> np.ndarray:
        """Calibrated quantiles `(B, H, K)` float64 of windows `(B, L, F)` that stand alone, raw prices.

        Args:
            windows: As in `predict`.
            steps: Rows ahead, H where not given; beyond the horizon forecasts become inputs, and the other columns are
                held at their last values, for windows have no dates.

        Returns:
            Ascending over K, the levels of `config.levels`.

        Raises:
            ArtifactError: The model was written by a release without intervals.
        """
        intervals = self.forecaster.alone(
            np.asarray(windows, np.float32), steps or self.config.network.horizon
        ).quantiles
        if intervals is None:
            raise ArtifactError(f"{self.manifest.name}: has no prediction intervals for these windows. Train it again.")
        return intervals

    def states(self, windows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Final states after raw windows `(B, L, F)`: h (short-term) and c (long-term), each `(layers, B, units)`.

        GRU and plain RNN have h alone; a bidirectional layer counts twice, forward first.
        """
        return self.predictor.states(windows)

    def forecast(self, steps: int = 1, data: Data = None, **options: object) -> pd.DataFrame:
        """Forecast the `steps` rows that follow `data`, or the training data where none is given.

        Args:
            steps: Rows ahead. Beyond the horizon, forecasts become inputs; a quantile head's median does, and is its
                forecast at every step. Columns that the dates give are computed for the rows ahead, others are held.
            data: Path, DataFrame or `Series` ending where the forecast is to start.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Returns:
            Index `date`, columns `forecast` and, for each level of the intervals, `q<level>`, in price units.
        """
        return self.forecaster.ahead(self.series_from(data, **options), steps)

    def evaluate(self, data: Data = None, **options: object) -> Evaluation:
        """Score the model on every window of `data`, beside the simple baselines.

        Args:
            data: Path, DataFrame or `Series`; the training data where none is given, which flatters the model.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Raises:
            DataError: The data holds no whole window and target.
        """
        series = self.series_from(data, **options)
        window, steps = self.manifest.window, self.config.steps
        origins = all_origins(len(series), window, steps)
        if not len(origins):
            raise DataError(
                f"{series.name}: an evaluation needs a window of {window} rows and {steps} more. "
                f"Received: {len(series)} rows."
            )
        windows = windows_of(Panel.of(series), origins, window, steps)
        return evaluate_windows(self.forecaster, windows, self.manifest.baselines)

    def series_from(self, data: Data = None, **options: object) -> Series:
        """The series in `data`, with the columns the model was trained on.

        Args:
            data: Path, DataFrame or `Series`; the training data where none is given.
            **options: Fields of `DataConfig`; an unknown one is an error.

        Raises:
            DataError: It lacks a column, or has values the scaling cannot take, or there is nothing to read.
        """
        return series_for(self.manifest, data, options, self.series)

    def plot(self, steps: int | None = None) -> go.Figure:
        """Draw the last test forecasts with what happened, and the forecast that follows the training data.

        Args:
            steps: Rows ahead to draw, the steps that were scored when not given.

        Returns:
            A plotly figure, which a notebook shows; `figure.write_html(path)` and `figure.show()` work elsewhere.

        Raises:
            DataError: The model was loaded, and its training data is no longer at hand.
        """
        from kerasforecast.report.plot import forecast_figure

        ahead = self.forecast(steps or self.config.steps)
        title = f"{self.manifest.name}: {self.verdict}" if self.verdict else self.manifest.name
        return forecast_figure(self._tested(), ahead, self.config.levels, title)

    def report(self, path: str | PathLike) -> Path:
        """Write the report of the fit, one HTML page that needs no network.

        Args:
            path: Of the page, e.g. `"report.html"`.

        Returns:
            The same path.

        Raises:
            DataError: The model was loaded, and its training data is no longer at hand.
            ArtifactError: It was not scored when it was made, or its file lacks its history.
        """
        from kerasforecast.report import FinishedFit, fit_report
        from kerasforecast.runtime.files import atomic_write

        if self.history is None or self.manifest.metrics is None:
            raise ArtifactError(
                f"{self.manifest.name}: a report needs scores and the history of training. Received: a model without. "
                "Train it with kerasforecast.fit."
            )
        epochs = pd.DataFrame([asdict(epoch) for epoch in self.history.epochs])
        finished = FinishedFit(self.manifest, epochs, self._tested(), self._trained_on())
        atomic_write(Path(path), fit_report(finished).encode())
        return Path(path)

    def save(self, path: str | PathLike) -> Path:
        """Write the model as one `.keras` file, whole or not at all.

        Args:
            path: Of the file; its folder is made where absent.

        Returns:
            The same path.

        Raises:
            OptionError: The path does not end in `.keras`.
        """
        target = Path(path)
        if target.suffix != ".keras":
            raise OptionError(f"A model is saved as a .keras file. Received: {target}.")
        from kerasforecast.artifact.writer import Exporter

        self._exporter = self._exporter or Exporter(self.manifest.members)
        self.manifest = self._exporter.write(target, self.manifest, self.predictor.weights)
        return target

    def golden_error(self) -> float:
        """Largest difference from the golden forecast, in scaled units beyond the rounding of float32 prices."""
        return golden_error(self.manifest, self.predictor)

    def _tested(self) -> pd.DataFrame:
        """One row a forecast of the test part: those of the fit, or the same made again after loading."""
        if self.test is not None and self.test.table is not None:
            return self.test.table
        windows = windows_tested(self.config, Panel.of(self._trained_on()))
        table = evaluate_windows(self.forecaster, windows, self.manifest.baselines).table
        return table if table is not None else pd.DataFrame()

    def _trained_on(self) -> Series:
        return self.series if self.series is not None else same_series(self.manifest)


def proven(path: Path, manifest: Manifest, weights: Sequence[np.ndarray]) -> Model:
    """The model that `kerasforecast.artifact.reader.read` found at `path`, rebuilt and proved by its golden batch.

    Raises:
        ArtifactError: It computes something else than when it was written.
    """
    model = Model(manifest, weights)
    error = model.golden_error()
    if not error <= GOLDEN_TOLERANCE:
        raise ArtifactError(
            f"{path}: must forecast its golden batch within {GOLDEN_TOLERANCE:g} scaled units. Received: {error:.2g}. "
            "The file was altered, or this machine computes differently; train it again."
        )
    return model

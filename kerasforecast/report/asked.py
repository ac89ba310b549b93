"""How a model is asked for pictures and pages: the part of `kerasforecast.Model` that draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.artifact.inputs import Data
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.panel import Panel
from kerasforecast.errors import callers_words
from kerasforecast.forecasting.forecaster import Forecaster

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from kerasforecast.evaluation.evaluation import Evaluation
    from kerasforecast.forecasting.predictor import Predictor
    from kerasforecast.report.finished import FinishedFit
    from kerasforecast.training.history import History


class Drawing:
    """The part of `kerasforecast.Model` that draws.

    Attributes:
        manifest: Of the model.
        panel: The data it was trained on, where it is at hand.
        history: Every epoch of its training.
        predictor: Its network.
        forecaster: The network with its intervals.
        panel_from: The series in what a user gives.
        sample: Paths of windows.
    """

    manifest: Manifest
    panel: Panel | None
    history: History | None
    predictor: Predictor
    forecaster: Forecaster
    panel_from: Callable[..., Panel]
    sample: Callable[..., np.ndarray]

    if TYPE_CHECKING:

        @property
        def test(self) -> Evaluation | None:
            """Its scores."""

        @property
        def verdict(self) -> str | None:
            """On the test part."""

    @callers_words()
    def plot(
        self, steps: int | None = None, data: Data = None, *, path: str | PathLike | None = None, **options: object
    ) -> go.Figure:
        """Draw the forecast of the rows to come with its intervals, after the last rows that are known.

        It is the first chart of the report; of several series a few are drawn, evenly chosen.

        Args:
            steps: Rows ahead to draw, the steps that were scored when not given.
            data: As in `forecast`.
            path: Of a file to write the picture to as well: `.html`, or `.png` and `.svg` with the extra `plot`.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Returns:
            A plotly figure, which a notebook shows; `figure.show()` opens it elsewhere.

        Raises:
            DataError: The model was loaded, and its training data is no longer at hand.
            OptionError: `path` ends otherwise, or the extra is not installed.
        """
        from kerasforecast.report.outlooks import outlook_of
        from kerasforecast.report.plot import check_kind, forecast_figure, write_plot
        from kerasforecast.runtime.files import user_path

        file = None if path is None else user_path(path)
        if file is not None:
            check_kind(file)
        panel = self.panel_from(data, **options)
        ahead = self.forecaster.ahead(panel, self.manifest.config.steps if steps is None else steps)
        outlook = outlook_of(self.manifest.name, panel, ahead, self.manifest.config.levels, self.verdict)
        if self.predictor.paths and self.predictor.weights and len(panel) == 1:
            outlook = replace(
                outlook, paths=self.sample(self.forecaster.last_windows(panel, 1)[0].batch(), paths=12)[0]
            )
        if file is not None:
            write_plot(outlook, file)
        return forecast_figure(outlook)

    @callers_words()
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
        from kerasforecast.report import fit_report
        from kerasforecast.runtime.files import atomic_write, user_path

        file = user_path(path)
        atomic_write(file, fit_report(self.finished()).encode())
        return file

    def finished(self) -> FinishedFit:
        """All that the report of the fit shows; raises as `report` does."""
        from kerasforecast.report.gathered import finished_fit

        return finished_fit(self.manifest, self.forecaster, self.history, self.test, self.panel)

"""All that the report of a fit shows, from a model at hand: what its file does not hold is made again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from kerasforecast.artifact.inputs import same_series
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import ArtifactError, DataError
from kerasforecast.evaluation.evaluation import evaluate_windows, windows_tested
from kerasforecast.report.finished import FinishedFit

if TYPE_CHECKING:
    from kerasforecast.model import Model


def finished_fit(model: Model) -> FinishedFit:
    """What the report of `model` shows.

    Raises:
        DataError: It was loaded, and its training data is no longer at hand.
        ArtifactError: It was not scored when it was made, or its file lacks its history.
    """
    manifest = model.manifest
    if model.history is None or manifest.metrics is None:
        raise ArtifactError(
            f"{manifest.name}: a report needs scores and the history of training. Received: a model without. "
            "Train it with kerasforecast.fit."
        )
    epochs = pd.DataFrame([asdict(epoch) for epoch in model.history.epochs])
    series = model.series if model.series is not None else same_series(manifest)
    try:
        ahead = model.forecaster.ahead(series, model.config.steps)
    except DataError:  # nobody knows the dates that follow
        ahead = None
    return FinishedFit(manifest, epochs, _tested(model, series), series, ahead)


def _tested(model: Model, series: Series) -> pd.DataFrame:
    """One row a forecast of the test part: those of the fit, or the same made again after loading."""
    if model.test is not None and model.test.table is not None:
        return model.test.table
    windows = windows_tested(model.config, Panel.of(series))
    table = evaluate_windows(model.forecaster, windows, model.manifest.baselines).table
    return table if table is not None else pd.DataFrame()

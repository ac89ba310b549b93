"""All that the report of a fit shows, from what a model holds: what its file lacks is made again."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from kerasforecast.artifact.inputs import same_panel
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.panel import Panel
from kerasforecast.errors import ArtifactError, DataError
from kerasforecast.evaluation.cold_start import evaluate_parts, seen_and_held_out
from kerasforecast.evaluation.evaluation import Evaluation, scored_windows
from kerasforecast.forecasting.decomposed import decomposed
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.process import processes
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.report.finished import FinishedFit
from kerasforecast.training.history import History


def finished_fit(
    manifest: Manifest,
    forecaster: Forecaster,
    history: History | None,
    test: Evaluation | None,
    panel: Panel | None,
) -> FinishedFit:
    """What the report of a fit shows.

    Args:
        manifest: Of the model.
        forecaster: The model's.
        history: Of its training.
        test: How it scored; with its forecasts, or they are made again.
        panel: What it was trained on; read again where `None`.

    Raises:
        DataError: The training data is no longer at hand.
        ArtifactError: The model was not scored when it was made, or its file lacks its history.
    """
    if (history is None and manifest.in_graph) or manifest.metrics is None:
        raise ArtifactError(
            f"{manifest.name}: a report needs scores and the history of training. Received: a model without. "
            "Train it with kerasforecast.fit."
        )
    panel = panel if panel is not None else same_panel(manifest)
    try:
        ahead = forecaster.ahead(panel, manifest.config.steps)
        process, parts_ahead = processes(forecaster, panel), decomposed(forecaster, panel)
    except DataError:  # nobody knows the dates that follow
        ahead, process, parts_ahead = None, None, None
    if test is None or test.table is None:
        config = manifest.config
        split = split_panel(panel, config.split, config.network, config.steps)
        windows = scored_windows(config, panel, split, "test")
        parts = seen_and_held_out(windows, config)
        if manifest.final or (manifest.lineage and len(parts.seen) != manifest.metrics.test.n):
            raise ArtifactError(
                f"{manifest.name}: its scores are of forecasts that cannot be made again, since "
                f"{'its weights have learned' if manifest.final else 'its parent has learned'} from the test part. "
                "Received: a model that was loaded. Use `kerasforecast report` on its file."
            )
        test = evaluate_parts(forecaster, parts, manifest.baselines, split)
    table = test.table if test.table is not None else pd.DataFrame()
    epochs = pd.DataFrame([asdict(epoch) for epoch in (history.epochs if history else ())])
    return FinishedFit(manifest, epochs, table, panel, ahead, test.per_series, process, parts_ahead)

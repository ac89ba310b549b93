"""A finished fit as the report takes it, from what is in memory: nothing was written, or it lies elsewhere."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.series import Series
from kerasforecast.report.run import FinishedRun

if TYPE_CHECKING:
    from kerasforecast.training.callbacks import Epoch


def run_of(manifest: Manifest, epochs: Sequence[Epoch], tested: pd.DataFrame, series: Series | None) -> FinishedRun:
    """The run of a model.

    Args:
        manifest: With its scores.
        epochs: That it trained for.
        tested: The test forecasts, one row each.
        series: The data, where it is at hand and unchanged.
    """
    if manifest.metrics is None:
        raise ValueError("A run has scores.")
    text = tested.to_csv(index=False)  # as the file beside a model has it: dates are texts there
    return FinishedRun(
        manifest,
        manifest.metrics.model_dump(mode="json"),
        pd.DataFrame([asdict(epoch) for epoch in epochs]),
        pd.read_csv(io.StringIO(text)),
        series,
    )

"""What a fit has written, read back: the model file's manifest and the files in the folder beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kerasforecast.artifact import reader
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.load import load_series
from kerasforecast.data.series import Series
from kerasforecast.errors import ArtifactError, InputError, KerasForecastError, shown

_HISTORY = ("epoch", "loss", "val_loss", "learning_rate")
_FORECASTS = ("date", "actual", "forecast", "naive")


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A finished fit.

    Attributes:
        manifest: The model file's.
        metrics: The content of `metrics.json`, the same as the manifest's.
        history: One row an epoch: `epoch`, `loss`, `val_loss`, `learning_rate`.
        forecasts: One row a forecast: `date`, `actual`, `forecast`, `naive`, price units; `step` where the horizon
            exceeds 1; `q0.1` and so on, price units, where the model has quantiles.
        series: The data, where it is at hand and unchanged.
    """

    manifest: Manifest
    metrics: dict[str, Any]
    history: pd.DataFrame
    forecasts: pd.DataFrame
    series: Series | None = None


def read_run(model: Path, series: Series | None = None) -> FinishedRun:
    """The run that wrote the model file `model`.

    Args:
        model: Path of the `.keras` file; the folder of its name beside it holds the rest.
        series: The data, where the caller has it; otherwise it is looked for where the manifest says, offline.

    Raises:
        ArtifactError: The model file is not one of ours, or the folder beside it belongs to another run.
        InputError: A file of the run is absent or damaged.
    """
    manifest, _ = reader.read(model)
    folder = model.with_suffix("")
    metrics = _json(folder / "metrics.json")
    if manifest.metrics is None or metrics != manifest.metrics.model_dump(mode="json"):
        raise ArtifactError(
            f"{folder}: its metrics.json must be that of {model.name}. Received: the scores of another run. "
            "Run `kerasforecast fit` again."
        )
    return FinishedRun(
        manifest,
        metrics,
        _table(folder / "history.csv", _HISTORY),
        _table(folder / "test_forecasts.csv", _FORECASTS),
        _same(manifest, series if series is not None else _series(manifest)),
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _absent(path, error) from None


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise _absent(path, error) from None
    numbers = table.columns.difference(["date", "best"])
    whole = set(columns) <= set(table.columns) and len(table)
    if not whole or not all(pd.api.types.is_numeric_dtype(table[name]) for name in numbers):
        raise InputError(
            f"{path}: must hold numbers under {', '.join(columns)}. Received: {len(table)} rows of "
            f"{shown(list(table.columns))}. Run `kerasforecast fit` again."
        )
    return table


def _absent(path: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(
        f"{path}: a report needs this file of the run. Received: {reason}. Run `kerasforecast fit` again."
    )


def _series(manifest: Manifest) -> Series | None:
    """The training data, where it can be had without asking anyone: the sample, a file, a kept snapshot."""
    record = manifest.data
    if record is None or record.source == "frame" or manifest.config.data.file == "-":
        return None
    offline = {"offline": True, "snapshot": record.snapshot} if record.snapshot else {}
    columns = {"target": manifest.columns[0], "features": manifest.columns[1:]}
    try:
        config = manifest.config.data.model_copy(update=offline | columns)
        return load_series(config, positive_prices=bool(manifest.scaling.logged))
    except KerasForecastError:
        return None  # moved or changed since; the report goes on without it


def _same(manifest: Manifest, series: Series | None) -> Series | None:
    known = series is not None and manifest.data is not None and series.sha256 == manifest.data.sha256
    return series if known else None

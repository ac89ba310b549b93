"""A finished fit: handed to the report by the fit itself, or read back from the files that it has written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from kerasforecast.artifact import reader
from kerasforecast.artifact.inputs import kept_panel
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import ArtifactError, InputError, shown
from kerasforecast.evaluation.tables import as_written
from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.runtime.files import atomic_write, json_text

_HISTORY = ("epoch", "loss", "val_loss", "learning_rate")
_FORECASTS = ("date", "actual", "forecast", "naive")


@dataclass(frozen=True, eq=False)
class FinishedFit:
    """All that the report of a fit shows; the fit hands it over, and the files that it leaves hold the same.

    Attributes:
        manifest: The model's, with the scores of its test part.
        history: One row an epoch: `epoch`, `loss`, `val_loss`, `learning_rate`.
        forecasts: One row a forecast of the test part: `date`, `actual`, `forecast`, `naive`, price units; `step` where
            the horizon exceeds 1; a column `q<level>` for each of `levels`, price units. In the form of
            `kerasforecast.evaluation.tables.as_written`, whatever form it is given in.
        panel: The data that the model was trained on, where it is at hand.
        ahead: The forecast of the rows after the data: `date`, `forecast`, and `q<level>` where it has intervals, in
            the same form; `None` where the dates of those rows cannot be known.
    """

    manifest: Manifest
    history: pd.DataFrame
    forecasts: pd.DataFrame
    panel: Panel | None = None
    ahead: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if self.manifest.metrics is None:
            raise ValueError("A finished fit has scores: its manifest must hold metrics.")
        object.__setattr__(self, "forecasts", as_written(self.forecasts))
        if self.ahead is not None:
            ahead = self.ahead if "date" in self.ahead else self.ahead.rename_axis(index={None: "date"}).reset_index()
            object.__setattr__(self, "ahead", as_written(ahead))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`, which the manifest holds too."""
        return self.manifest.model_dump(mode="json", include={"metrics"})["metrics"]

    @property
    def series(self) -> Series | None:
        """The data, where it is one series and at hand."""
        return self.panel[0] if self.panel is not None and len(self.panel) == 1 else None

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels of the prediction intervals, ascending; none where the test part could not have any."""
        return _levels(self.manifest)


def write_fit(fit: FinishedFit, folder: Path) -> dict[str, Path]:
    """Write a finished fit's scores, history and forecasts into `folder`, the model's own.

    Returns:
        The paths by what they hold: `metrics`, `history`, `test_forecasts`, and `forecast` where there is one.
    """
    paths = {
        "metrics": folder / "metrics.json",
        "history": folder / "history.csv",
        "test_forecasts": folder / "test_forecasts.csv",
    }
    atomic_write(paths["metrics"], json_text(fit.metrics).encode())
    atomic_write(paths["history"], fit.history.to_csv(index=False).encode())
    atomic_write(paths["test_forecasts"], fit.forecasts.to_csv(index=False).encode())
    ahead = folder / "forecast.csv"
    if fit.ahead is None:
        ahead.unlink(missing_ok=True)  # that of an earlier fit
        return paths
    atomic_write(ahead, fit.ahead.to_csv(index=False).encode())
    return paths | {"forecast": ahead}


def read_fit(model: Path, panel: Panel | None = None) -> FinishedFit:
    """The fit that wrote the model file `model`.

    Args:
        model: Path of the `.keras` file; the folder of its name beside it holds the rest.
        panel: The data, where the caller has it; otherwise it is looked for where the manifest says, offline.

    Raises:
        ArtifactError: The model file is not one of ours, or the folder beside it belongs to another fit.
        InputError: A file of the fit is absent or damaged.
    """
    manifest = reader.read_manifest(model)
    folder = model.with_suffix("")
    metrics = _json(folder / "metrics.json")
    if manifest.metrics is None or metrics != manifest.metrics.model_dump(mode="json"):
        raise ArtifactError(
            f"{folder}: its metrics.json must be that of {model.name}. Received: the scores of another fit. "
            "Run `kerasforecast fit` again."
        )
    return FinishedFit(
        manifest,
        _table(folder / "history.csv", _HISTORY),
        _table(folder / "test_forecasts.csv", (*_FORECASTS, *map(quantile_column, _levels(manifest)))),
        _same(manifest, panel if panel is not None else kept_panel(manifest)),
        _table(folder / "forecast.csv", ("date", "forecast")) if (folder / "forecast.csv").exists() else None,
    )


def _levels(manifest: Manifest) -> tuple[float, ...]:
    # Prices at or below zero have no ratios, and a test part that holds some has no intervals, nor scores of them.
    return manifest.config.levels if manifest.metrics and manifest.metrics.test.model.pinball else ()


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
        f"{path}: a report needs this file of the fit. Received: {reason}. Run `kerasforecast fit` again."
    )


def _same(manifest: Manifest, panel: Panel | None) -> Panel | None:
    known = panel is not None and manifest.data is not None and panel.sha256 == manifest.data.sha256
    return panel if known else None

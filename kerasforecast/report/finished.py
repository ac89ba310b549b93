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
_WORDS = ("date", "best", "better", "note", "process")  # columns of what a fit leaves that need not hold numbers


@dataclass(frozen=True, eq=False)
class FinishedFit:
    """All that the report of a fit shows; the fit hands it over, and the files that it leaves hold the same.

    Attributes:
        manifest: The model's, with the scores of its test part.
        history: One row an epoch: `epoch`, `loss`, `val_loss`, `learning_rate`.
        forecasts: One row a forecast of the test part: `date`, `actual`, `forecast`, `naive`, price units; `step` where
            the horizon exceeds 1; a column `q<level>` for each of `levels`, price units. Where series have ids, these
            stand in a column before. In the form of `kerasforecast.evaluation.tables.as_written`, whatever form it is
            given in.
        panel: The data that the model was trained on, where it is at hand.
        ahead: The forecast of the rows after the data: `date`, `forecast`, and `q<level>` where it has intervals, in
            the same form, ids before; `None` where the dates of those rows cannot be known.
        per_series: Of several series a row each: the column of ids, `windows`, `mase`, `rmsse`, `smape`, `crps`,
            `scaled_crps`, for each interval a column such as `in_80`, `naive_mase`, `best_mase`, `better`, `note`.
        process: Of a model that draws paths, how some come from noise, and the reverse: `process`, `stage`, `path`,
            `date`, `value` (`kerasforecast.forecasting.process`).
        parts: Of a model whose forecast is a sum of parts that mean something, that of the rows after the data: `date`,
            `forecast`, and a column for each part.
    """

    manifest: Manifest
    history: pd.DataFrame
    forecasts: pd.DataFrame
    panel: Panel | None = None
    ahead: pd.DataFrame | None = None
    per_series: pd.DataFrame | None = None
    process: pd.DataFrame | None = None
    parts: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if self.manifest.metrics is None:
            raise ValueError("A finished fit has scores: its manifest must hold metrics.")
        object.__setattr__(self, "forecasts", as_written(self.forecasts))
        for name in ("process", "parts"):
            if (found := getattr(self, name)) is not None:
                object.__setattr__(self, name, as_written(found))
        if self.ahead is not None:
            ahead = self.ahead if "date" in self.ahead else self.ahead.rename_axis(index={None: "date"}).reset_index()
            ids = [] if self.key is None else [self.key]
            ahead = ahead[[*ids, *ahead.columns.drop(ids)]]
            object.__setattr__(self, "ahead", as_written(ahead))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`, which the manifest holds too."""
        return self.manifest.model_dump(mode="json", include={"metrics"})["metrics"]

    @property
    def key(self) -> str | None:
        """Name of the column of ids; `None` where the series has none."""
        first, second = map(str, self.forecasts.columns[:2])
        return first if second == "date" and first not in _FORECASTS else None

    @property
    def several(self) -> bool:
        """Whether there is more than one series."""
        counts = [len(each) for each in (self.panel, self.per_series) if each is not None]
        return max(counts, default=1) > 1 or (self.key is not None and self.forecasts[self.key].nunique() > 1)

    @property
    def series(self) -> Series | None:
        """The data where it is one series and at hand."""
        return self.panel[0] if self.panel is not None and len(self.panel) == 1 else None

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels of the prediction intervals, ascending; none where the test part could not have any."""
        return _levels(self.manifest)


def write_fit(fit: FinishedFit, folder: Path) -> dict[str, Path]:
    """Write a finished fit's scores, history and forecasts into `folder`, the model's own.

    Returns:
        The paths by what they hold: `metrics`, `test_forecasts`, and where there are such `history`, `forecast`,
        `series`, the scores of each, `paths`, of a model that draws them, and `parts`, of one that is a sum of them.
    """
    paths = {
        "metrics": folder / "metrics.json",
        "test_forecasts": folder / "test_forecasts.csv",
    }
    atomic_write(paths["metrics"], json_text(fit.metrics).encode())
    atomic_write(paths["test_forecasts"], fit.forecasts.to_csv(index=False).encode())
    history = fit.history if len(fit.history) else None  # what is no network was not trained
    tables = {
        "history": history,
        "forecast": fit.ahead,
        "series": fit.per_series,
        "paths": fit.process,
        "parts": fit.parts,
    }
    for name, table in tables.items():
        path = folder / f"{name}.csv"
        if table is None:
            path.unlink(missing_ok=True)  # that of an earlier fit
        else:
            atomic_write(path, table.to_csv(index=False).encode())
            paths[name] = path
    return paths


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
    forecasts = _table(folder / "test_forecasts.csv", (*_FORECASTS, *map(quantile_column, _levels(manifest))))
    ahead, each, process, parts = (folder / f"{name}.csv" for name in ("forecast", "series", "paths", "parts"))
    return FinishedFit(
        manifest,
        _table(folder / "history.csv", _HISTORY) if manifest.in_graph else pd.DataFrame(),
        forecasts,
        _same(manifest, panel if panel is not None else kept_panel(manifest)),
        _table(ahead, ("date", "forecast")) if ahead.exists() else None,
        _table(each, (str(forecasts.columns[0]), "mase")) if each.exists() else None,
        _table(process, ("process", "stage", "path", "date", "value")) if process.exists() else None,
        _table(parts, ("date", "forecast")) if parts.exists() else None,
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
        names = list(pd.read_csv(path, nrows=0).columns)
        ids = _ids(names)
        # An id is text, be it "007" or "NA".
        empty: dict[str, list[str]] = {name: ["", "nan"] for name in names if name != ids}
        as_text: dict[str, Any] = {} if ids is None else {"dtype": {ids: str}, "keep_default_na": False}
        table = pd.read_csv(path, **as_text, **({"na_values": empty} if as_text else {}))
    except (OSError, ValueError) as error:
        raise _absent(path, error) from None
    numbers = table.columns.difference([*_WORDS, *([ids] if ids else [])])
    whole = set(columns) <= set(table.columns) and len(table)
    if not whole or not all(pd.api.types.is_numeric_dtype(table[name]) for name in numbers):
        raise InputError(
            f"{path}: must hold numbers under {', '.join(columns)}. Received: {len(table)} rows of "
            f"{shown(list(table.columns))}. Run `kerasforecast fit` again."
        )
    return table


def _ids(names: list[str]) -> str | None:
    """The column of ids, which stands first: before the dates, or before the scores of each series."""
    has_ids = names and names[0] not in ("date", "process") and ("date" in names or "mase" in names)
    return names[0] if has_ids else None


def _absent(path: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(
        f"{path}: a report needs this file of the fit. Received: {reason}. Run `kerasforecast fit` again."
    )


def _same(manifest: Manifest, panel: Panel | None) -> Panel | None:
    known = panel is not None and manifest.data is not None and panel.sha256 == manifest.data.sha256
    return panel if known else None

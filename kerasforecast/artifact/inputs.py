"""The series that a model is to forecast: the data it was trained on, or other data with the columns it takes."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.config import check_effect_on_data
from kerasforecast.data.load import load_series
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, KerasForecastError, OptionError, shown
from kerasforecast.sections import DataConfig, checked

Data: TypeAlias = str | PathLike | pd.DataFrame | pd.Series | Panel | Series | None


def series_for(manifest: Manifest, data: Data, options: Mapping[str, Any], at_hand: Series | None = None) -> Series:
    """The series in `data`, with the columns that the model takes.

    Args:
        manifest: The model's.
        data: Path, DataFrame, `Panel` or `Series`; the training data where none is given.
        options: Fields of `DataConfig` that were given.
        at_hand: The training data, where it need not be read.

    Raises:
        DataError: It lacks a column, or has values that the scaling cannot take, or there is nothing to read.
        OptionError: An option is unknown, wrong, or would have no effect.
    """
    if isinstance(data, Panel | Series):
        if options:
            raise OptionError(f"Options have no effect on a series at hand. Received: {shown(dict(options))}.")
        series = Panel.of(data).single("a trained model")
    elif data is None and not options.keys() & {"file", "ticker"}:
        series = at_hand if at_hand is not None and not options else _trained_on(manifest, options)
    else:
        series = _other(manifest, data, options)
    if series.columns != manifest.columns:
        raise DataError(
            f"{series.name}: the model needs the columns {', '.join(manifest.columns)}, in this order. "
            f"Received: {', '.join(series.columns)}."
        )
    for member in manifest.members:
        member.scaling.check(Panel.of(series))
    return series


def same_series(manifest: Manifest) -> Series:
    """The very rows that the model was trained on: of a ticker, those of the snapshot that was kept.

    Raises:
        DataError: They are not at hand, or have changed since.
    """
    pinned = {"snapshot": manifest.data.snapshot} if manifest.data and manifest.data.snapshot else {}
    series = _trained_on(manifest, pinned)
    if manifest.data is None or series.sha256 != manifest.data.sha256:
        raise DataError(
            f"{series.name}: the test forecasts can be made again from the training data alone. Received: data "
            "that has changed since. Train it again."
        )
    return series


def kept_series(manifest: Manifest) -> Series | None:
    """The training data where it can be had without asking anyone: the sample, a file, a kept snapshot; else `None`."""
    record = manifest.data
    if record is None or record.source == "frame" or manifest.config.data.file == "-":
        return None
    offline = {"offline": True, "snapshot": record.snapshot} if record.snapshot else {}
    try:
        config = manifest.config.data.model_copy(update=offline | _columns(manifest))
        return load_series(config, positive_prices=manifest.wants_logs)
    except KerasForecastError:
        return None  # moved or changed since


def _trained_on(manifest: Manifest, options: Mapping[str, Any]) -> Series:
    record, trained = manifest.data, manifest.config.data
    gone = trained.file is not None and not Path(trained.file).is_file()  # nor a device: a stranger named it
    if record is None or record.source == "frame" or gone:
        raise DataError(
            f"{manifest.name}: its training data is not at hand. Received: no data. Give a FILE or --ticker."
        )
    return _read(manifest, trained.model_dump(), None, options)


def _other(
    manifest: Manifest, data: str | PathLike | pd.DataFrame | pd.Series | None, options: Mapping[str, Any]
) -> Series:
    """Other data: only what the network needs is kept of the old choice, the rest is found anew."""
    trained = manifest.config.data
    frame = data if isinstance(data, pd.DataFrame | pd.Series) else None
    values = DataConfig().model_dump() | {"calendar": trained.calendar, "interval": trained.interval}
    values["file"] = None if frame is not None or data is None else str(data)
    return _read(manifest, values, frame, options)


def _read(
    manifest: Manifest, values: dict[str, Any], frame: pd.DataFrame | pd.Series | None, options: Mapping[str, Any]
) -> Series:
    config: DataConfig = checked(DataConfig, values | _columns(manifest) | dict(options))
    check_effect_on_data(dict(options), config)
    return load_series(config, frame, positive_prices=manifest.wants_logs)


def _columns(manifest: Manifest) -> dict[str, Any]:
    return {"target": manifest.roles.target, "features": manifest.roles.past}

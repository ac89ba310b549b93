"""The data of a model: what it was trained on, read again, or other data with the columns that it needs."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import pandas as pd

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.config import DataConfig, checked
from kerasforecast.data.load import load_series
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError


def training_series(manifest: Manifest, options: dict[str, object]) -> Series:
    """The rows that the model of `manifest` was trained on, from where they came; with `options`, as they are now.

    Raises:
        DataError: They are not at hand.
    """
    record = manifest.data
    file = manifest.config.data.file
    gone = file is not None and not Path(file).is_file()  # nor a device, nor standard input: a stranger named it
    if record is None or record.source == "frame" or gone:
        raise DataError(
            f"{manifest.name}: its training data is not at hand. Received: no data. "
            "Give a FILE or --ticker (in Python: data=...)."
        )
    return series_for(manifest, None, options)


def same_series(manifest: Manifest) -> Series:
    """The very rows that the model of `manifest` was trained on: of a ticker, those of the snapshot that was kept.

    Raises:
        DataError: They are not at hand, or have changed since.
    """
    pinned = {"snapshot": manifest.data.snapshot} if manifest.data and manifest.data.snapshot else {}
    series = training_series(manifest, dict(pinned))
    if manifest.data is None or series.sha256 != manifest.data.sha256:
        raise DataError(
            f"{series.name}: the test forecasts can be made again from the training data alone. Received: data "
            "that has changed since. Train it again."
        )
    return series


def series_for(
    manifest: Manifest, data: str | PathLike | pd.DataFrame | pd.Series | None, options: dict[str, object]
) -> Series:
    """Read `data`, a table's path or its rows, with the columns that the model of `manifest` needs.

    Args:
        manifest: Of the model.
        data: Where `None`, `options` say what to read, or else it is the training data's own place.
        options: Fields of `DataConfig`.
    """
    trained = manifest.config.data
    values = trained.model_dump()
    frame = data if isinstance(data, pd.DataFrame | pd.Series) else None
    if data is not None or options.keys() & {"file", "ticker"}:
        # Other data: only what the network needs is kept of the old choice, the rest is found anew.
        values = DataConfig().model_dump() | {"calendar": trained.calendar, "interval": trained.interval}
        values["file"] = None if frame is not None or data is None else str(data)
    values |= {"target": manifest.roles.target, "features": manifest.roles.past}
    config = checked(DataConfig, values | options)
    return load_series(config, frame, positive_prices=manifest.wants_logs)

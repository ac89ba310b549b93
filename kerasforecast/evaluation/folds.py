"""The forecasts of finished folds on disk, each file whole or absent: an interrupted walk goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.runtime.files import atomic_write


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What a fold gave.

    Attributes:
        forecast: Of its N origins.
        epochs: That its model trained for.
        fit_seconds: Training took; 0 where an earlier fold's model was used.
    """

    forecast: Forecast
    epochs: int
    fit_seconds: float


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fingerprint: str
    epochs: int = Field(ge=0)
    fit_seconds: float = Field(ge=0)
    points: list[list[float]]
    quantiles: list[list[list[float]]] | None
    samples: list[list[list[float]]] | None


class FoldStore:
    """Fold results in a folder; those of other data or options do not count.

    Args:
        folder: Made with the first result.
        fingerprint: Of all that the results depend on.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._fingerprint = fingerprint

    def load(self, number: int) -> Forecasts | None:
        """What fold `number` gave, `None` where it is still to be made."""
        try:
            file = _File.model_validate_json(self._path(number).read_bytes())
        except (OSError, ValidationError):
            return None
        if file.fingerprint != self._fingerprint:
            return None
        arrays = (None if found is None else np.array(found) for found in (file.quantiles, file.samples))
        return Forecasts(Forecast(np.array(file.points), *arrays), file.epochs, file.fit_seconds)

    def save(self, number: int, forecasts: Forecasts) -> None:
        """Keep what fold `number` gave."""
        forecast = forecasts.forecast
        file = _File(
            fingerprint=self._fingerprint,
            epochs=forecasts.epochs,
            fit_seconds=forecasts.fit_seconds,
            points=forecast.point.tolist(),
            quantiles=None if forecast.quantiles is None else forecast.quantiles.tolist(),
            samples=None if forecast.samples is None else forecast.samples.tolist(),
        )
        atomic_write(self._path(number), file.model_dump_json().encode())

    def _path(self, number: int) -> Path:
        return self._folder / f"fold-{number:04}.json"

"""The forecasts of finished folds on disk, each file whole or absent: an interrupted walk goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kerasforecast.files import atomic_write


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What a fold gave.

    Attributes:
        values: `(N, H)` float64, price units.
        epochs: That its model trained for.
        fit_seconds: Training took; 0 where an earlier fold's model was used.
    """

    values: np.ndarray
    epochs: int
    fit_seconds: float


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fingerprint: str
    epochs: int = Field(ge=0)
    fit_seconds: float = Field(ge=0)
    forecasts: list[list[float]]


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
        return Forecasts(np.array(file.forecasts), file.epochs, file.fit_seconds)

    def save(self, number: int, forecasts: Forecasts) -> None:
        """Keep what fold `number` gave."""
        file = _File(
            fingerprint=self._fingerprint,
            epochs=forecasts.epochs,
            fit_seconds=forecasts.fit_seconds,
            forecasts=forecasts.values.tolist(),
        )
        atomic_write(self._path(number), file.model_dump_json().encode())

    def _path(self, number: int) -> Path:
        return self._folder / f"fold-{number:04}.json"

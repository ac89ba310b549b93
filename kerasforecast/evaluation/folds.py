"""The forecasts of finished folds on disk, each file whole or absent: an interrupted walk goes on where it stopped."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.runtime.files import atomic_write

_ARRAYS = ("point", "quantiles", "samples")


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What a fold gave.

    Attributes:
        forecast: Of its N origins.
        epochs: That its model trained for.
        fit_seconds: Training took; 0 where an earlier fold's model was used.
        scaling: That was chosen for it; `""` where it was named.
    """

    forecast: Forecast
    epochs: int
    fit_seconds: float
    scaling: str = ""


class _Facts(BaseModel):
    """What stands beside the arrays of a fold."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fingerprint: str
    epochs: int = Field(ge=0)
    fit_seconds: float = Field(ge=0)
    scaling: str = Field("", max_length=100)


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
            with np.load(io.BytesIO(self._path(number).read_bytes()), allow_pickle=False) as file:
                facts = _Facts.model_validate_json(file["facts"].tobytes())
                if facts.fingerprint != self._fingerprint:
                    return None
                point, quantiles, samples = (file.get(name) for name in _ARRAYS)
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):  # absent, or damaged
            return None
        if point is None:
            return None
        return Forecasts(Forecast(point, quantiles, samples), **facts.model_dump(exclude={"fingerprint"}))

    def save(self, number: int, forecasts: Forecasts) -> None:
        """Keep what fold `number` gave."""
        known = {name: getattr(forecasts, name) for name in ("epochs", "fit_seconds", "scaling")}
        facts = _Facts(fingerprint=self._fingerprint, **known)
        arrays = {name: getattr(forecasts.forecast, name) for name in _ARRAYS}
        content = io.BytesIO()
        np.savez(
            content,
            facts=np.frombuffer(facts.model_dump_json().encode(), np.uint8),
            **{name: array for name, array in arrays.items() if array is not None},
        )
        atomic_write(self._path(number), content.getvalue())

    def _path(self, number: int) -> Path:
        return self._folder / f"fold-{number:04}.npz"

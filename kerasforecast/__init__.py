"""Honest forecasting of prices and other regular series with portable Keras 3 models.

    import kerasforecast as kf

    model = kf.fit("prices.csv")
    model.forecast(5)
    model.save("prices.keras")
    kf.load("prices.keras")

Importing this package imports neither Keras nor pandas; a function chooses the backend and imports what it needs when
it is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kerasforecast import errors
from kerasforecast.errors import (
    ArtifactError,
    BackendError,
    DataError,
    DivergedError,
    InputError,
    KerasForecastError,
    LockedError,
    OptionError,
    SkillError,
    StoppedError,
)

if TYPE_CHECKING:
    from kerasforecast.api.backtest import backtest
    from kerasforecast.api.compare import compare
    from kerasforecast.api.exporting import export
    from kerasforecast.api.fit import fit
    from kerasforecast.api.fit_each import fit_each
    from kerasforecast.api.loading import load
    from kerasforecast.api.shrinking import shrink
    from kerasforecast.api.tune import tune
    from kerasforecast.config import Config
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series
    from kerasforecast.estimator import KerasForecaster
    from kerasforecast.model import Model
    from kerasforecast.serving.drift import drift

__version__ = "0.1.0"

__all__ = [
    "ArtifactError",
    "BackendError",
    "Config",
    "DataError",
    "DivergedError",
    "InputError",
    "KerasForecastError",
    "KerasForecaster",
    "LockedError",
    "Model",
    "OptionError",
    "Panel",
    "Series",
    "SkillError",
    "StoppedError",
    "backtest",
    "compare",
    "drift",
    "errors",
    "export",
    "fit",
    "fit_each",
    "load",
    "shrink",
    "tune",
]

_LAZY = {
    "Config": "kerasforecast.config",
    "KerasForecaster": "kerasforecast.estimator",
    "Model": "kerasforecast.model",
    "Panel": "kerasforecast.data.panel",
    "Series": "kerasforecast.data.series",
    "backtest": "kerasforecast.api.backtest",
    "compare": "kerasforecast.api.compare",
    "drift": "kerasforecast.serving.drift",
    "export": "kerasforecast.api.exporting",
    "fit": "kerasforecast.api.fit",
    "fit_each": "kerasforecast.api.fit_each",
    "load": "kerasforecast.api.loading",
    "shrink": "kerasforecast.api.shrinking",
    "tune": "kerasforecast.api.tune",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""Honest forecasting of prices and other regular series with portable Keras 3 models.

    import kerasforecast as kf

    model = kf.fit("prices.csv")
    model.forecast(5)
    model.save("prices.keras")
    kf.load("prices.keras")

Importing this package imports neither Keras nor pandas; `fit` and `load` choose the backend and import what they need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

    from kerasforecast.config import Config
    from kerasforecast.data.series import Series
    from kerasforecast.estimator import KerasForecaster
    from kerasforecast.model import Model

__version__ = "0.1.0"

__all__ = ["Config", "KerasForecaster", "Model", "Series", "fit", "load"]

_LAZY = {
    "Config": "kerasforecast.config",
    "KerasForecaster": "kerasforecast.estimator",
    "Model": "kerasforecast.model",
    "Series": "kerasforecast.data.series",
}


def fit(
    data: str | PathLike | pd.DataFrame | pd.Series | Series | None = None,
    *,
    backend: str | None = None,
    **options: Any,
) -> Model:
    """Train a model on `data` and score it on the last part of it.

    Args:
        data: Path of a table, a DataFrame or pandas Series, or a `Series`; `None` with no `ticker` trains on the
            embedded IBM prices.
        backend: `"jax"`, `"tensorflow"` or `"torch"`; only before Keras has loaded.
        **options: Fields of `kerasforecast.config`, e.g. `epochs=20, units=32, ticker="AAPL"`; an unknown one is an
            error.

    Returns:
        The trained model; `model.test` holds its scores and verdict.

    Raises:
        kerasforecast.errors.InputError: The data, an option or the backend is wrong.
        kerasforecast.errors.DivergedError: The loss stopped being a finite number.
    """
    from kerasforecast.config import Config
    from kerasforecast.runtime.backend import activate

    if data is not None and ("file" in options or "ticker" in options):
        from kerasforecast.errors import OptionError

        raise OptionError("Give the data, or file= or ticker=, not both.")
    path = isinstance(data, str) or hasattr(data, "__fspath__")
    config = Config.from_options(**options, **({"file": str(data)} if path else {}))
    activate(backend)
    from kerasforecast.pipeline import fit as fit_config

    return fit_config(config, None if path else data)


def load(path: str | PathLike, *, backend: str | None = None) -> Model:
    """Open a `.keras` file written by `fit` or `Model.save`, on any backend.

    Raises:
        kerasforecast.errors.ArtifactError: The file is damaged, altered, or not one of ours.
    """
    from pathlib import Path

    from kerasforecast.artifact.reader import read
    from kerasforecast.runtime.backend import activate, choose, load_quietly

    if backend:
        choose(backend)
    manifest, weights = read(Path(path))  # what is wrong is refused before the seconds that Keras takes to load
    activate(backend)
    load_quietly()
    from kerasforecast.model import proven

    return proven(Path(path), manifest, weights)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "Model":
        from kerasforecast.runtime.backend import activate

        activate()
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

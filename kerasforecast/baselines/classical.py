"""Classical models as baselines: AutoETS, AutoARIMA and Theta of statsforecast, an optional extra."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.errors import OptionError, shown
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.metrics.probabilistic import checked_levels
from kerasforecast.preprocessing.windows import Windows

STATISTICAL = {"auto_ets": "AutoETS", "auto_arima": "AutoARIMA", "theta": "AutoTheta"}


def statistical(
    name: str,
    values: np.ndarray,
    known: int,
    origins: np.ndarray,
    steps: int,
    period: int = 1,
    levels: Sequence[float] = (),
) -> tuple[np.ndarray, np.ndarray | None]:
    """A classical model of statsforecast: fitted on the rows known, then run on to each origin.

    Args:
        name: `auto_ets`, `auto_arima` or `theta`.
        values: `(T,)` the whole series, price units.
        known: Rows, from the first, that the model is chosen and fitted on.
        origins: `(N,)` row of the last value each forecast may see.
        steps: Steps ahead H.
        period: Rows of one season, 1 for none.
        levels: K levels of the quantiles wanted, each inside 0..1.

    Returns:
        Forecasts `(N, H)` and, where levels are given, quantiles `(N, H, K)`, price units.

    Raises:
        OptionError: The model is unknown, or the extra is not installed.
    """
    model = _model(name, period)
    series = np.ascontiguousarray(values, dtype=np.float64)
    tau = checked_levels(levels) if len(levels) else np.empty(0)
    widths = [round(200 * abs(float(level) - 0.5), 6) for level in tau]  # central intervals, in percent
    wanted = sorted({width for width in widths if width > 0})
    model.fit(y=series[:known])
    runs = [model.forward(y=series[: row + 1], h=steps, level=wanted or None) for row in np.asarray(origins)]
    points = np.array([run["mean"] for run in runs])  # (N, H)
    if not widths:
        return points, None
    columns = [[_column(run, level, width) for run in runs] for level, width in zip(tau, widths, strict=True)]
    return points, np.stack(columns, axis=-1)  # (N, H, K)


def require_extra(config: Config) -> None:
    """Refuse, before anything takes long, classical baselines that are not installed.

    Raises:
        OptionError: They are asked for, and statsforecast is absent.
    """
    if config.evaluation.baselines and not _installed():
        raise _absent(config.evaluation.baselines[0], "none")


def classical_forecasts(
    config: Config, windows: Windows, known: np.ndarray, baselines: Baselines
) -> dict[str, Forecast]:
    """Forecasts of `windows` by the classical models that `config` asks for.

    Args:
        config: Names them.
        windows: Of a series.
        known: `(N,)` one past the last row of each series that the models are fitted on.
        baselines: The simple ones, for the season and the levels.
    """
    values = windows.panel.single("the classical baselines").values[:, 0]
    rows, levels = int(known[0]), baselines.levels
    return {
        name: Forecast(*statistical(name, values, rows, windows.origins, windows.steps, baselines.period, levels))
        for name in config.evaluation.baselines
    }


def _model(name: str, period: int) -> Any:
    if name not in STATISTICAL:
        raise OptionError(f"The classical model must be one of {', '.join(STATISTICAL)}. Received: {shown(name)}.")
    try:
        from statsforecast import models
    except ImportError as error:
        raise _absent(name, shown(str(error))) from error
    return getattr(models, STATISTICAL[name])(season_length=period)


def _installed() -> bool:
    try:
        return find_spec("statsforecast") is not None
    except ValueError:  # an import that was tried and failed
        return False


def _absent(name: str, received: str) -> OptionError:
    return OptionError(
        f"The baseline {name} needs statsforecast, which is not installed. Received: {received}. "
        "Install it with: pip install 'kerasforecast[baselines]'."
    )


def _column(result: dict[str, np.ndarray], level: float, width: float) -> np.ndarray:
    """The quantile at `level` from statsforecast's central intervals; the median of a normal interval is its mean."""
    if width == 0:
        return result["mean"]
    return result[f"{'lo' if level < 0.5 else 'hi'}-{width}"]

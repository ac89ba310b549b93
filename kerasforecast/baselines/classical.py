"""The baselines that are asked for by name: AutoETS, AutoARIMA and Theta of an extra; trees and a ridge regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.baselines.trees import LEARNED, learned_forecast
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError, shown
from kerasforecast.forecasting.forecast import Forecast, joined
from kerasforecast.metrics.probabilistic import checked_levels
from kerasforecast.models.families.classical import TITLES as STATISTICAL
from kerasforecast.preprocessing.windows import Windows

_MOST = 1_000  # series: a model takes a tenth of a second to some seconds each
_LEAST = 10  # rows that a model is fitted on; statsforecast calls fewer "tiny datasets"


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


def require_extra(config: Config, panel: Panel | None = None) -> None:
    """Refuse, before anything takes long, classical baselines that are not installed, or would take for ever.

    Raises:
        OptionError: They are asked for, and statsforecast is absent, or there are too many series in the panel.
    """
    names = [name for name in config.evaluation.baselines if name in STATISTICAL]
    if names:
        require_installed(names[0])
    if names and panel is not None and len(panel) > _MOST:
        raise OptionError(
            f"--baselines {','.join(names)} fits a model to each series, of which there may be {_MOST:,}. "
            f"Received: {len(panel):,} series. Leave it out, or take fewer with --series."
        )


def classical_forecasts(
    config: Config, windows: Windows, known: np.ndarray, baselines: Baselines
) -> dict[str, Forecast]:
    """Forecasts of `windows` by the classical models that `config` asks for, a model for each series.

    A series with too few rows for such a model is forecast as the naive baseline does.

    Args:
        config: Names them.
        windows: Of one or more series.
        known: `(N,)` one past the last row of each series, in rows of the panel, that the models are fitted on.
        baselines: The simple ones, for the season and the levels.
    """
    require_extra(config, windows.panel)
    return {
        name: (learned_forecast if name in LEARNED else _of_each_series)(name, windows, known, baselines).bounded(
            baselines.lowest
        )
        for name in config.evaluation.baselines
    }


def history_points(name: str, windows: Windows, period: int) -> np.ndarray:
    """Forecasts `(N, H)` by one of `STATISTICAL`, fitted to the rows of each series up to its first window's last.

    A series of too few rows repeats its last value.

    Args:
        name: Of the model.
        windows: Of one or more series, in the order of these.
        period: Rows of a season, 1 for none.
    """
    panel, origins = windows.panel, np.asarray(windows.origins, np.int64)
    points = np.repeat(windows.last()[:, None], windows.steps, axis=1)
    places, begins = np.unique(panel.places(origins), return_index=True)
    for place, begin, own in zip(places.tolist(), begins, np.split(origins, begins[1:]), strict=True):
        first, end = int(panel.starts[place]), int(panel.ends[place])
        if (rows := int(own[0]) + 1 - first) >= _LEAST:
            season = period if 2 * period <= rows else 1
            found, _ = statistical(name, panel.values[first:end, 0], rows, own - first, windows.steps, season)
            points[begin : begin + len(own)] = found
    return points


def _of_each_series(name: str, windows: Windows, known: np.ndarray, baselines: Baselines) -> Forecast:
    panel, origins = windows.panel, np.asarray(windows.origins, np.int64)
    places, begins = np.unique(panel.places(origins), return_index=True)
    parts = []
    for place, own in zip(places.tolist(), np.split(origins, begins[1:]), strict=True):
        first, end = int(panel.starts[place]), int(panel.ends[place])
        if known[place] - first < _LEAST:
            parts.append(next(forecast for _, forecast in baselines.each(replace(windows, origins=own))))
            continue
        values, rows = panel.values[first:end, 0], int(known[place]) - first
        found = statistical(name, values, rows, own - first, windows.steps, baselines.period, baselines.levels)
        parts.append(Forecast(*found))
    return joined(parts)


def _model(name: str, period: int) -> Any:
    if name not in STATISTICAL:
        raise OptionError(f"The classical model must be one of {', '.join(STATISTICAL)}. Received: {shown(name)}.")
    try:
        from statsforecast import models
    except ImportError as error:
        raise _absent(name, shown(str(error))) from error
    return getattr(models, STATISTICAL[name])(season_length=period)


def require_installed(name: str) -> None:
    """Refuse one of `STATISTICAL` where its package is absent.

    Raises:
        OptionError: It is.
    """
    if not _installed():
        raise _absent(name, "none")


def _installed() -> bool:
    try:
        return find_spec("statsforecast") is not None
    except ValueError:  # an import that was tried and failed
        return False


def _absent(name: str, received: str) -> OptionError:
    return OptionError(
        f"{name} needs statsforecast, which is not installed. Received: {received}. "
        "Install it with: pip install 'kerasforecast[baselines]'."
    )


def _column(result: dict[str, np.ndarray], level: float, width: float) -> np.ndarray:
    """The quantile at `level` from statsforecast's central intervals; the median of a normal interval is its mean."""
    if width == 0:
        return result["mean"]
    return result[f"{'lo' if level < 0.5 else 'hi'}-{width}"]

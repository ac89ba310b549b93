"""Scores of point forecasts: plain functions on arrays, each with its formula and where it comes from.

`actual` and `forecast` are `(N,)`, or `(N, H)` for H steps ahead, in price units; a row is one window. Every score is
the average over all windows and steps; `per_step` gives it for each step apart. A score that is not defined on its
data (a percentage of zero, a scale of zero) is `nan`; the functions that return dictionaries for JSON give `None`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.sums import stretch_means

Score = TypeVar("Score")

# A forecast made in float32 carries rounding of about 1e-7 of the price; its sign would be noise, not a direction.
_NO_MOVE = 4 * float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class DirectionScore:
    """How often a forecast named the right direction.

    Attributes:
        share: Right calls as a share in 0..1 of the windows that moved; `None` where no direction was ever forecast.
        right: Number of right calls.
        n: Number of windows (and steps) in which the quantity moved.
        low: Lower end of the interval around `share`, in 0..1.
        high: Upper end of it.
    """

    share: float | None
    right: int
    n: int
    low: float
    high: float


def point_scores(
    actual: np.ndarray, forecast: np.ndarray, last: np.ndarray, scales: tuple[float, float] | None = None
) -> dict[str, Any]:
    """The scores of a point forecast, ready for JSON.

    Args:
        actual: `(N,)` or `(N, H)`, price units.
        forecast: As `actual`.
        last: `(N,)` last observed value of each window, price units.
        scales: As `seasonal_scales` gives them; without them `mase` and `rmsse` are `None`.

    Returns:
        `rmse` and `mae` in price units, `mape` and `smape` in percent, `mase` and `rmsse` in units of the training
        changes, `directional_accuracy` in 0..1 as in `direction` and `directional_interval`, its 95 % interval;
        `None` where a score is not defined.

    Raises:
        DataError: Shapes differ, there is no window, or a value is not finite.
    """
    way = direction(actual, forecast, last)
    mae_scale, rmse_scale = scales or (0.0, 0.0)
    errors = rmse(actual, forecast), mae(actual, forecast)
    return {
        "rmse": finite(errors[0]),
        "mae": finite(errors[1]),
        "mape": finite(mape(actual, forecast)),
        "smape": finite(smape(actual, forecast)),
        "mase": finite(errors[1] / mae_scale if mae_scale else math.nan),
        "rmsse": finite(errors[0] / rmse_scale if rmse_scale else math.nan),
        "directional_accuracy": way.share,
        "directional_interval": None if way.share is None else [way.low, way.high],
    }


def per_step(score: Callable[..., Score], *arrays: np.ndarray) -> list[Score]:
    """`score` of each step ahead apart.

    Args:
        score: Any score of this module; one with options goes in as `functools.partial`.
        arrays: Its arguments; the first is `(N, H)` or `(N,)`. Arrays `(N,)` belong to every step.

    Returns:
        H scores, the nearest step first; one where the first array is `(N,)`.
    """
    first = np.asarray(arrays[0])
    if first.ndim == 1:
        return [score(*arrays)]
    steps = range(first.shape[1])
    return [score(*(a[:, h] if np.ndim(a) > 1 else a for a in arrays)) for h in steps]


def rmse(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Root mean squared error, `sqrt(mean((y - f)^2))`, price units (Hyndman & Koehler 2006, section 2.1)."""
    from sklearn.metrics import mean_squared_error  # half a second: only where something is scored

    return math.sqrt(mean_squared_error(*checked_pair(actual, forecast)))


def mae(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Mean absolute error, `mean(|y - f|)`, price units (Hyndman & Koehler 2006, section 2.1)."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(*checked_pair(actual, forecast)))


def mape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Mean absolute percentage error, `100 mean(|y - f| / |y|)`, percent (Hyndman & Koehler 2006, section 2.2).

    Returns:
        `nan` where an actual value is zero: scikit-learn would divide by 2e-16 there and call the result a score.
    """
    from sklearn.metrics import mean_absolute_percentage_error

    y, f = checked_pair(actual, forecast)
    return 100 * float(mean_absolute_percentage_error(y, f)) if np.all(y != 0) else math.nan


def smape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Symmetric MAPE, `mean(200 |y - f| / (|y| + |f|))`, 0 to 200 percent (Makridakis et al. 2020, the M4 competition).

    A zero forecast as zero counts as no error.
    """
    return float(np.mean(smape_losses(*checked_pair(actual, forecast))))


def smape_losses(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """The symmetric percentage error of every single forecast, of the shape of `actual`, 0 to 200 percent."""
    size = np.abs(actual) + np.abs(forecast)
    return 200 * np.abs(actual - forecast) / np.where(size == 0, 1.0, size)


def mase(actual: np.ndarray, forecast: np.ndarray, history: np.ndarray, period: int = 1) -> float:
    """Mean absolute scaled error, `mean(|y - f|) / mean(|x_t - x_(t-m)|)` (Hyndman & Koehler 2006, section 3).

    Args:
        actual: `(N,)` or `(N, H)`.
        forecast: As `actual`.
        history: `(T,)` training part x of the series, same units.
        period: Rows m of one season; 1 scales by the naive forecast, more by the seasonal naive one.

    Returns:
        Below 1 where the forecast errs less than the (seasonal) naive one in training; `nan` where that never erred.
    """
    scale = seasonal_scales(history, period)[0]
    return mae(actual, forecast) / scale if scale else math.nan


def rmsse(actual: np.ndarray, forecast: np.ndarray, history: np.ndarray, period: int = 1) -> float:
    """Root mean squared scaled error, `sqrt(mean((y - f)^2) / mean((x_t - x_(t-m))^2))` (Makridakis et al. 2022, M5).

    Arguments and `nan` as in `mase`.
    """
    scale = seasonal_scales(history, period)[1]
    return rmse(actual, forecast) / scale if scale else math.nan


def direction(actual: np.ndarray, forecast: np.ndarray, last: np.ndarray, confidence: float = 0.95) -> DirectionScore:
    """Share of windows in which `sign(f - last)` equals `sign(y - last)`, with Wilson's binomial interval.

    Ties: a window whose actual value did not move has no direction to get right and is left out. A forecast of no
    change in a window that moved is not right, so that abstaining never helps; a forecast of no change everywhere, the
    naive one, names no direction at all, so its share is `None` and not 0. A move is more than the rounding of float32.

    Args:
        actual: `(N,)` or `(N, H)`, price units.
        forecast: As `actual`.
        last: `(N,)` last observed value of each window.
        confidence: Confidence of the interval, in 0..1. Windows that overlap (H above 1) make it too narrow.

    Returns:
        The share, its counts, and the interval of Wilson (1927) as recommended by Brown, Cai & DasGupta (2001).
    """
    y, f = checked_pair(actual, forecast)
    anchor = np.asarray(last, dtype=np.float64)
    if anchor.shape != y.shape[:1] or not np.all(np.isfinite(anchor)):
        raise DataError(f"`last` must hold one finite value a window, {y.shape[:1]}. Received: shape {anchor.shape}.")
    called, went = moves(f, last), moves(y, last)
    moved = went != 0
    n, right = int(moved.sum()), int((called == went)[moved].sum())
    if n == 0 or not np.any(called):
        return DirectionScore(None, right, n, 0.0, 1.0)
    return DirectionScore(right / n, right, n, *wilson(right, n, confidence))


def wilson(right: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of Wilson (1927) of a share, `right` of `n`."""
    from scipy.stats import binomtest  # half a second: only where something is scored

    interval = binomtest(right, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def checked_pair(actual: np.ndarray, forecast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, of one shape, finite, with at least one window, else a `DataError`.

    Float32 sums would lose digits.
    """
    y, f = np.asarray(actual, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    if y.shape != f.shape or y.ndim not in (1, 2) or y.size == 0:
        raise DataError(
            "Actual and forecast values must have one shape, (windows,) or (windows, steps), with at least one window. "
            f"Received: {y.shape} and {f.shape}."
        )
    for name, values in (("Actual", y), ("Forecast", f)):
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise DataError(f"{name} values must be finite numbers. Received: {bad} of {values.size} that are not.")
    return y, f


def seasonal_scales(history: np.ndarray, period: int = 1) -> tuple[float, float]:
    """Mean absolute and root mean squared change over `period` rows of a history `(T,)`: units of MASE and RMSSE."""
    past = np.asarray(history, dtype=np.float64)
    if past.ndim != 1 or period < 1 or len(past) <= period:
        raise DataError(f"History must be one series longer than its period of {period}. Received: shape {past.shape}.")
    changes = past[period:] - past[:-period]
    return float(np.mean(np.abs(changes))), float(np.sqrt(np.mean(changes**2)))


def series_scales(panel: Panel, ends: np.ndarray, period: int = 1) -> np.ndarray:
    """`seasonal_scales` of each series of a panel, from its training rows: units of its MASE and RMSSE.

    Args:
        panel: N series.
        ends: `(N,)` one past the last training row of each, in rows of the panel.
        period: Rows of one season. A series with no more training rows is measured by single rows.

    Returns:
        `(N, 2)`; NaN where a series has fewer than two training rows, or they never change.
    """
    values, first = panel.values[:, 0], panel.starts[:-1]
    ends = np.maximum(np.asarray(ends), first)
    back = np.where(ends - first > period, period, 1)
    found = np.full((len(panel), 2), np.nan)
    for lag in np.unique(back):
        these = np.flatnonzero(back == lag)
        changes = values[lag:] - values[:-lag]
        sizes, squares = (
            stretch_means(each, first[these], ends[these] - lag) for each in (np.abs(changes), changes**2)
        )
        found[these, 0], found[these, 1] = sizes, np.sqrt(squares)
    return np.where(found > 0, found, np.nan)


def moves(values: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Which way each of `values` `(N,)` or `(N, H)` lies of the last one observed `(N,)`: -1, 0 or 1."""
    anchor = np.asarray(last, dtype=np.float64).reshape(-1, *[1] * (np.ndim(values) - 1))
    move = values - anchor
    return np.where(np.abs(move) <= _NO_MOVE * np.abs(anchor), 0, np.sign(move))


def finite(value: float) -> float | None:
    """`value` for JSON, which has neither infinity nor NaN: `None` in their place."""
    return value if math.isfinite(value) else None

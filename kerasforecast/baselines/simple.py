"""The simple baselines a model must beat: point forecasts and predictive quantiles from raw windows, nothing to train.

`windows` are raw target windows `(N, L)` in price units, oldest value first; forecasts are `(N, H)` and quantiles
`(N, H, K)` in the same units. Whatever is learned is learned from `history`, the rows of the training part (and, for
quantiles, of the validation part): nothing here may see the part it is scored on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import correlate, detrend
from scipy.stats import norm

from kerasforecast.errors import DataError
from kerasforecast.metrics.probabilistic import checked_levels
from kerasforecast.preprocessing.volatility import Volatility, volatility_of

AVERAGE_LENGTH = 5  # rows of the moving average: a business week
_ACF_BOUND = 4.0  # standard errors; a plain 95 % bound would find a season among a thousand lags of any random walk


def naive(windows: np.ndarray, steps: int) -> np.ndarray:
    """The last value for every step (Hyndman & Athanasopoulos, FPP3, section 5.2).

    Args:
        windows: `(N, L)`, price units.
        steps: Steps ahead H.

    Returns:
        `(N, H)`, price units.
    """
    return np.repeat(_checked(windows, steps)[:, -1:], steps, axis=1)


def drift(windows: np.ndarray, steps: int) -> np.ndarray:
    """The line through the window's first and last value, drawn on (FPP3, section 5.2). Shapes as `naive`."""
    rows = _checked(windows, steps, shortest=2)
    slope = (rows[:, -1:] - rows[:, :1]) / (rows.shape[1] - 1)
    return rows[:, -1:] + slope * np.arange(1, steps + 1)


def seasonal_naive(windows: np.ndarray, steps: int, period: int) -> np.ndarray:
    """The last season over again (FPP3, section 5.2). Shapes as `naive`.

    Args:
        windows: `(N, L)`, price units.
        steps: Steps ahead H.
        period: Rows of one season, at most L; `find_period` finds it. 1 makes the naive forecast.

    Raises:
        DataError: The period is below 1 or does not fit into the window.
    """
    rows = _checked(windows, steps)
    if not 1 <= period <= rows.shape[1]:
        raise DataError(
            f"The season must fit into the window of {rows.shape[1]} rows. Received: a period of {period}. "
            "Use a longer --window."
        )
    return rows[:, rows.shape[1] - period + np.arange(steps) % period]


def moving_average(windows: np.ndarray, steps: int, length: int = AVERAGE_LENGTH) -> np.ndarray:
    """The mean of the last `length` values for every step. Shapes as `naive`; a shorter window is averaged whole."""
    mean = _checked(windows, steps)[:, -length:].mean(axis=1, keepdims=True)
    return np.repeat(mean, steps, axis=1)


def point_baselines(windows: np.ndarray, steps: int, period: int = 1) -> dict[str, np.ndarray]:
    """Every point baseline by name; `seasonal_naive` where there is a season that fits into the window.

    Args:
        windows: `(N, L)`, price units.
        steps: Steps ahead H.
        period: Rows of one season, 1 for none.

    Returns:
        Name to forecasts `(N, H)`, price units.
    """
    found = {"naive": naive(windows, steps), "drift": drift(windows, steps)}
    if 1 < period <= np.shape(windows)[1]:
        found["seasonal_naive"] = seasonal_naive(windows, steps, period)
    return found | {"moving_average": moving_average(windows, steps)}


def find_period(history: np.ndarray, longest: int | None = None) -> int:
    """Rows of one season of a series, 1 where it has none. Prices have none.

    A season shows as a peak in the autocorrelation of the changes, well outside chance, where the detrended values too
    resemble themselves more than half a season away (a random walk, which has only peaks of chance, does not). Among
    peaks about as high the shortest is the season and the others its multiples; then the lag nearby is taken over
    which the values change most evenly, since the changes of a smooth series put their peak a little off.

    Args:
        history: `(T,)` training part of the series.
        longest: Longest season to look for, in rows; a third of the history when not given.

    Returns:
        The period, at least 2, or 1.
    """
    values = np.asarray(history, dtype=np.float64)
    longest = min(longest or len(values), len(values) // 3)
    if longest < 2 or np.ptp(values) == 0:
        return 1
    whole = _autocorrelation(detrend(values), longest + 1)
    changes = _autocorrelation(np.diff(values), longest + 1)
    bound = _ACF_BOUND / np.sqrt(len(values))
    peaks = [
        lag
        for lag in range(2, longest + 1)
        if changes[lag] > max(bound, changes[lag - 1], changes[lag + 1]) and whole[lag] > whole[lag // 2] + 0.2
    ]
    if not peaks:
        return 1
    highest = max(changes[lag] for lag in peaks)
    first = next(lag for lag in peaks if changes[lag] >= 0.8 * highest)
    nearby = range(max(2, first - first // 10), min(longest, first + first // 10) + 1)
    return min(nearby, key=lambda lag: float(np.var(values[lag:] - values[:-lag])))


def residual_quantiles(
    windows: np.ndarray, steps: int, levels: Sequence[float], history: np.ndarray, period: int = 1
) -> np.ndarray:
    """Quantiles of the (seasonal) naive forecast's own past errors, put around it (FPP3, section 5.5).

    Errors are log-ratios where the history is positive, so that a price ten times as high has an interval ten times as
    wide, and differences where it is not.

    Args:
        windows: `(N, L)`, price units.
        steps: Steps ahead H.
        levels: The K levels, each inside 0..1.
        history: `(T,)` rows of training and validation.
        period: Rows of one season; 1 for the naive forecast.

    Returns:
        `(N, H, K)`, price units.

    Raises:
        DataError: The history is too short, or positive where the windows are not.
    """
    centre = seasonal_naive(windows, steps, period)
    past, volatility = _past(history, steps + period, windows)
    return volatility.around(centre, residual_table(past, steps, levels, volatility, period))


def residual_table(
    history: np.ndarray, steps: int, levels: Sequence[float], volatility: Volatility, period: int = 1
) -> np.ndarray:
    """Quantiles `(H, K)` of the (seasonal) naive forecast's past errors, as moves; arguments as above."""
    tau, table = checked_levels(levels), []
    for step in range(1, steps + 1):
        lag = period * -(-step // period)  # the season that the forecast repeats lies whole periods back
        table.append(np.quantile(volatility.moves(history[:-lag], history[lag:]), tau))
    return np.array(table)


def ewma_quantiles(windows: np.ndarray, steps: int, levels: Sequence[float], history: np.ndarray) -> np.ndarray:
    """A normal interval around the last value, as wide as the window's own volatility (RiskMetrics, J.P. Morgan 1996).

    The variance of one step is the exponentially weighted mean of the window's squared changes, lambda 0.94, zero
    mean; step h has h times that. Arguments and result as in `residual_quantiles`; the history says whether changes are
    log-ratios, and how small a volatility may get.
    """
    rows = _checked(windows, steps, shortest=2)
    _, volatility = _past(history, steps + 1, rows)
    return scaled_quantiles(rows, ewma_table(steps, levels), volatility)


def ewma_table(steps: int, levels: Sequence[float]) -> np.ndarray:
    """The normal's quantiles `(H, K)` in units of a window's volatility."""
    return np.sqrt(np.arange(1, steps + 1))[:, None] * norm.ppf(checked_levels(levels))


def ewma_fhs_quantiles(windows: np.ndarray, steps: int, levels: Sequence[float], history: np.ndarray) -> np.ndarray:
    """EWMA filtered historical simulation: the volatility of now, the shape of the past.

    Hull & White (1998); Barone-Adesi, Giannopoulos & Vosper (1999). Each past h-step change is divided by the EWMA
    volatility of the L rows before it; the quantiles of these take the place of the normal's in `ewma_quantiles`. The
    strongest simple baseline on prices. Arguments and result as in `residual_quantiles`.
    """
    rows = _checked(windows, steps, shortest=2)
    past, volatility = _past(history, rows.shape[1] + steps, rows)
    return scaled_quantiles(rows, ewma_fhs_table(past, rows.shape[1], steps, levels, volatility), volatility)


def ewma_fhs_table(
    history: np.ndarray, length: int, steps: int, levels: Sequence[float], volatility: Volatility
) -> np.ndarray:
    """Quantiles `(H, K)` of past moves in units of the volatility of the `length` rows before them."""
    spread = volatility.of_windows(sliding_window_view(history, length))  # (T - L + 1,)
    tau, table = checked_levels(levels), []
    for step in range(1, steps + 1):
        ahead = volatility.moves(history[length - 1 : -step], history[length - 1 + step :])
        table.append(np.quantile(ahead / spread[:-step], tau))
    return np.array(table)


def scaled_quantiles(windows: np.ndarray, table: np.ndarray, volatility: Volatility) -> np.ndarray:
    """Quantiles `(N, H, K)` around the last value of windows `(N, L)`: `table` `(H, K)` times their volatility."""
    spread = volatility.of_windows(windows)[:, None, None]
    return volatility.around(naive(windows, len(table)), spread * table, windows)


def _checked(windows: np.ndarray, steps: int, shortest: int = 1) -> np.ndarray:
    rows = np.asarray(windows, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < shortest or steps < 1 or not np.all(np.isfinite(rows)):
        raise DataError(
            f"Windows must be finite, of shape (windows, rows) with at least {shortest} rows, and the steps at least "
            f"1. Received: shape {rows.shape}, steps {steps}."
        )
    return rows


def _past(history: np.ndarray, rows: int, windows: np.ndarray) -> tuple[np.ndarray, Volatility]:
    """The history, checked, and how it measures moves. Only the history decides: windows are the future."""
    past = np.asarray(history, dtype=np.float64)
    if past.ndim != 1 or len(past) <= rows or not np.all(np.isfinite(past)):
        raise DataError(
            f"History must be one finite series of more than {rows} rows for this window and these steps. "
            f"Received: shape {past.shape}."
        )
    volatility = volatility_of(past)
    if volatility.logarithmic and np.size(windows) and np.min(windows) <= 0:
        raise DataError(
            "Windows must be positive where the history is, since its changes are taken as ratios. "
            f"Received: {np.min(windows):g}."
        )
    return past, volatility


def _autocorrelation(series: np.ndarray, lags: int) -> np.ndarray:
    """Autocorrelation at lags 0..`lags`, by the FFT: the direct sum is quadratic in the length of the history."""
    centred = series - series.mean()
    products = correlate(centred, centred, mode="full", method="fft")[len(series) - 1 :]
    return products[: lags + 1] / products[0] if products[0] > 0 else np.zeros(lags + 1)

"""The simple baselines a model must beat: point forecasts and predictive quantiles from raw windows, nothing to train.

`windows` are raw target windows `(N, L)` in price units, oldest value first; forecasts are `(N, H)` and quantiles
`(N, H, K)` in the same units. Whatever is learned is learned from `history`, the rows of the training part (and, for
quantiles, of the validation part): nothing here may see the part it is scored on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kerasforecast.errors import DataError
from kerasforecast.metrics.probabilistic import checked_levels
from kerasforecast.preprocessing.volatility import Volatility, volatility_of

AVERAGE_LENGTH = 5  # rows of the moving average: a business week
SHARES = (0.1, 0.2, 0.4, 0.7)  # of the newest value in exponential smoothing; 1 would be the naive forecast
_ROWS = 100_000  # the newest training rows that the share is chosen on


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


def moving_average(windows: np.ndarray, steps: int, length: int = AVERAGE_LENGTH) -> np.ndarray:
    """The mean of the last `length` values for every step. Shapes as `naive`; a shorter window is averaged whole."""
    mean = _checked(windows, steps)[:, -length:].mean(axis=1, keepdims=True)
    return np.repeat(mean, steps, axis=1)


def smoothing(windows: np.ndarray, steps: int, share: float) -> np.ndarray:
    """The exponentially weighted mean of the window for every step (Brown 1959). Shapes as `naive`.

    Args:
        windows: `(N, L)`, price units.
        steps: Steps ahead H.
        share: Weight of the newest value, in 0..1; each older one weighs `1 - share` of the next.
    """
    rows = _checked(windows, steps)
    return np.repeat((rows @ smoothing_weights(rows.shape[1], share))[:, None], steps, axis=1)


def smoothing_weights(length: int, share: float) -> np.ndarray:
    """Weights `(L,)` of a window's values in `smoothing`, the newest last; they sum to 1."""
    weights = (1 - share) ** np.arange(length - 1, -1, -1)
    return weights / weights.sum()


def window_points(name: str, windows: np.ndarray, steps: int, share: float | None) -> np.ndarray:
    """Forecasts `(N, H)` of a rule by its name, for which windows `(N, L)` suffice."""
    if name == "drift":
        return drift(windows, steps)
    if name == "moving_average":
        return moving_average(windows, steps)
    return smoothing(windows, steps, share) if name == "smoothing" and share else naive(windows, steps)


def best_share(train: np.ndarray, window: int, steps: int) -> float:
    """The weight of the newest value with which `smoothing` has the least squared error on the training rows `(T,)`."""
    from scipy.signal import oaconvolve  # 0.6 s: only where it is learned

    rows = np.asarray(train, np.float64)[-_ROWS:]
    ahead = sorted({1, (steps + 1) // 2, steps})
    window = min(window, len(rows) - steps)
    if window < 1 or np.ptp(rows) == 0:
        return SHARES[-1]
    rows = (rows - rows.mean()) / rows.std()  # the FFT below loses digits next to a large level

    def error(share: float) -> float:
        levels = oaconvolve(rows, smoothing_weights(window, share)[::-1], mode="valid")  # (T - L + 1,)
        return sum(float(np.mean((rows[window - 1 + step :] - levels[:-step]) ** 2)) for step in ahead)

    return min(reversed(SHARES), key=error)


def residual_quantiles(windows: np.ndarray, steps: int, levels: Sequence[float], history: np.ndarray) -> np.ndarray:
    """Quantiles of the naive forecast's own past errors, put around it (FPP3, section 5.5).

    Errors are log-ratios where the history is positive, so that a price ten times as high has an interval ten times as
    wide, and differences where it is not.

    Args:
        windows: `(N, L)`, price units.
        steps: Steps ahead H.
        levels: The K levels, each inside 0..1.
        history: `(T,)` rows of training and validation.

    Returns:
        `(N, H, K)`, price units.

    Raises:
        DataError: The history is too short, or positive where the windows are not.
    """
    past, volatility = _past(history, steps + 1, windows)
    return volatility.around(naive(windows, steps), residual_table(past, steps, levels, volatility))


def residual_table(history: np.ndarray, steps: int, levels: Sequence[float], volatility: Volatility) -> np.ndarray:
    """Quantiles `(H, K)` of the naive forecast's past errors, as moves; arguments as above."""
    tau = checked_levels(levels)
    return np.array([np.quantile(volatility.moves(history[:-h], history[h:]), tau) for h in range(1, steps + 1)])


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
    from scipy.special import ndtri  # a quarter of a second: only where intervals are made

    return np.sqrt(np.arange(1, steps + 1))[:, None] * ndtri(checked_levels(levels))


def ewma_fhs_table(
    history: np.ndarray, length: int, steps: int, levels: Sequence[float], volatility: Volatility
) -> np.ndarray:
    """EWMA filtered historical simulation: the volatility of now, the shape of the past.

    Hull & White (1998); Barone-Adesi, Giannopoulos & Vosper (1999). Each past h-step change is divided by the EWMA
    volatility of the `length` rows before it; their quantiles take the place of the normal's in `ewma_table`. The
    strongest simple baseline on prices.

    Returns:
        Quantiles `(H, K)` in units of volatility.
    """
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

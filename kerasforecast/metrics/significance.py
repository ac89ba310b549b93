"""Is one forecast better than another, or was it luck? The Diebold-Mariano test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kerasforecast.errors import DataError

ALPHA = 0.05  # p-value below which a difference counts, unless another is asked for
FEWEST = 8  # forecasts that do not overlap, below which nothing is tested


@dataclass(frozen=True)
class DMResult:
    """Outcome of a Diebold-Mariano test, two-sided.

    Attributes:
        statistic: Negative where the first forecast had the smaller losses; infinite where it never varied.
        p_value: Probability of a difference this large if both were equally good, in 0..1.
    """

    statistic: float
    p_value: float

    def as_json(self, loss: str = "squared") -> dict[str, str | float | None]:
        """`{"loss", "statistic", "p_value"}`; an infinite statistic, which JSON cannot hold, is `None`."""
        finite = self.statistic if math.isfinite(self.statistic) else None
        return {"loss": loss, "statistic": finite, "p_value": self.p_value}


def diebold_mariano(loss_a: np.ndarray, loss_b: np.ndarray, steps: int = 1) -> DMResult:
    """Test whether two forecasts have the same expected loss, whatever the loss.

    Diebold & Mariano (1995) with the small-sample correction of Harvey, Leybourne & Newbold (1997), as in R's
    `forecast::dm.test`: with `d = a - b`, `S = mean(d) / sqrt(V / N) * sqrt((N + 1 - 2h + h (h - 1) / N) / N)`, where V
    sums the autocovariances of d up to lag h - 1, against Student's t with N - 1 degrees of freedom.

    Where the formula gives out: equal losses throughout, or N not above h, say nothing (statistic 0, p 1). A difference
    that is the same at every origin has no variance; the sign test over the origins that do not overlap then gives p,
    and the statistic is infinite. Where V is not positive the test goes on with h = 1, as `dm.test` does: that
    takes the autocovariances, negative in sum, for zero, and so errs on the side of no difference.

    Args:
        loss_a: `(N,)` loss of the first forecast at each origin, in time order.
        loss_b: `(N,)` loss of the second.
        steps: Steps ahead h: neighbouring origins share h - 1 of them, so their losses are correlated.

    Returns:
        The statistic, negative where a has the smaller losses, and the two-sided p-value.

    Raises:
        DataError: Losses differ in shape or are not finite, or the steps are below 1.
    """
    from scipy.special import stdtr  # a quarter of a second: only where something is tested

    if steps < 1:
        raise DataError(f"The steps of the Diebold-Mariano test must be at least 1. Received: {steps}.")
    d = _differences(loss_a, loss_b)
    n, mean = len(d), float(np.mean(d))
    if n <= steps or not np.any(d):
        return DMResult(0.0, 1.0)
    if np.ptp(d) <= 1e-12 * abs(mean):  # the same difference everywhere, up to rounding
        return DMResult(math.copysign(math.inf, mean), min(1.0, 2.0 ** (1 - math.ceil(n / steps))))
    variance = _long_run_variance(d, steps - 1)
    if variance is None:
        return diebold_mariano(loss_a, loss_b, steps=1)
    correction = math.sqrt((n + 1 - 2 * steps + steps * (steps - 1) / n) / n)
    statistic = correction * mean / math.sqrt(variance / n)
    return DMResult(statistic, float(2 * stdtr(n - 1, -abs(statistic))))


def enough_to_test(forecasts: int, steps: int) -> bool:
    """Whether so many consecutive forecasts of so many steps are enough for the Diebold-Mariano test.

    Neighbours share all steps but one, so what counts is how many do not overlap: eight at least, the shortest series
    that Harvey, Leybourne & Newbold (1997) examine their correction on. With equally good forecasts of twelve steps the
    test rejects at 5 % in 26 % of cases where two do not overlap, in 14 % with five, in 11 % with eight, and in 8 %
    with ten (1,500 simulations each, errors as those of a random walk).
    """
    return -(-forecasts // steps) >= FEWEST


def compare_losses(loss_a: np.ndarray, loss_b: np.ndarray, loss: str) -> dict[str, str | float | None]:
    """The test of two forecasts' losses `(N,)` or `(N, H)`, ready for JSON: `{"loss", "statistic", "p_value"}`.

    An origin's loss is its mean over the steps, and the test takes their number. Both figures are `None` where the
    forecasts are too few to test.
    """
    a, b = (np.asarray(each, dtype=np.float64).reshape(len(each), -1) for each in (loss_a, loss_b))
    return compare_origins(a.mean(axis=1), b.mean(axis=1), loss, a.shape[1])


def compare_origins(loss_a: np.ndarray, loss_b: np.ndarray, loss: str, steps: int) -> dict[str, str | float | None]:
    """The same of losses `(N,)`, one an origin, of forecasts of so many steps."""
    if not enough_to_test(len(loss_a), steps):
        _differences(loss_a, loss_b)  # checks them
        return {"loss": loss, "statistic": None, "p_value": None}
    return diebold_mariano(loss_a, loss_b, steps).as_json(loss)


def certainty(gain: np.ndarray, apart: int = 1) -> float:
    """By how many standard errors losses `(N, H)` of N windows fell, so many rows `apart`.

    Windows that forecast the same rows count once: a yardstick for choices, which a handful of windows allow too.
    """
    mean = gain.mean(axis=1)
    count = max(1, len(mean) * apart // gain.shape[1])
    return float(mean.mean() / max(mean.std() / np.sqrt(count), 1e-12))


def squared_losses(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Squared error of every single forecast, of the shape of `actual`."""
    return (np.asarray(actual, dtype=np.float64) - np.asarray(forecast, dtype=np.float64)) ** 2


def _differences(loss_a: np.ndarray, loss_b: np.ndarray) -> np.ndarray:
    a, b = np.asarray(loss_a, dtype=np.float64), np.asarray(loss_b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or not np.all(np.isfinite(a)) or not np.all(np.isfinite(b)):
        raise DataError(
            "Losses to compare must be two series of one length, all finite: one loss an origin. "
            f"Received: shapes {a.shape} and {b.shape}, {np.sum(~np.isfinite(a)) + np.sum(~np.isfinite(b))} not finite."
        )
    return a - b


def _long_run_variance(d: np.ndarray, lags: int) -> float | None:
    """Variance of d plus twice its autocovariances up to `lags`; `None` where that is not positive."""
    centred = d - d.mean()
    covariances = [float(np.dot(centred[k:], centred[: len(d) - k])) / len(d) for k in range(lags + 1)]
    total = covariances[0] + 2 * sum(covariances[1:])
    return total if total > 1e-12 * covariances[0] else None  # rounding leaves a dust where the sum is zero

"""Is one forecast better than another, or was it luck? The Diebold-Mariano test and the one-line verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from kerasforecast.errors import DataError, SkillError
from kerasforecast.metrics.point import rmse

ALPHA = 0.05  # p-value below which a difference counts, unless another is asked for


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


@dataclass(frozen=True)
class Verdict:
    """Whether a model is worth using in place of a baseline, the naive forecast as a rule.

    Attributes:
        text: One sentence without a full stop, e.g. `better than naive by 3.1 % (p = 0.002)`.
        better: The model is better and the test says it is not luck.
        dm: The test behind it.
        improvement_percent: How much smaller the model's score (its RMSE) is, in percent of the baseline's; negative
            where it is larger, `None` where the baseline is exact and the model is not.
    """

    text: str
    better: bool
    dm: DMResult
    improvement_percent: float | None


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
    return DMResult(statistic, float(2 * student_t.sf(abs(statistic), df=n - 1)))


def compare_with_naive(
    actual: np.ndarray,
    forecast: np.ndarray,
    naive: np.ndarray,
    steps: int | None = None,
    alpha: float = ALPHA,
) -> Verdict:
    """The verdict on a model: better than naive, no better, or worse, by the test on squared errors.

    Args:
        actual: `(N,)` or `(N, H)`, price units, rows in time order.
        forecast: As `actual`, the model's.
        naive: As `actual`, the naive forecast.
        steps: Steps ahead for the test; H when not given. An origin's loss is its mean over the steps.
        alpha: p-value below which a difference counts.

    Returns:
        The text, the test, and the difference of the RMSE in percent.

    Raises:
        DataError: Shapes differ, there is no window, or a value is not finite.
    """
    ours, theirs = rmse(actual, forecast), rmse(actual, naive)  # checks shapes and values
    losses = squared_losses(actual, forecast), squared_losses(actual, naive)
    return verdict_of(ours, theirs, *losses, steps=steps, alpha=alpha)


def verdict_of(
    ours: float,
    theirs: float,
    our_losses: np.ndarray,
    their_losses: np.ndarray,
    steps: int | None = None,
    alpha: float = ALPHA,
    baseline: str = "naive",
) -> Verdict:
    """The verdict by any score and the losses it is made of.

    Args:
        ours: The model's score; smaller is better.
        theirs: The baseline's.
        our_losses: `(N,)` or `(N, H)`, rows in time order.
        their_losses: As `our_losses`.
        steps: Steps ahead for the test; H when not given. An origin's loss is its mean over the steps.
        alpha: p-value below which a difference counts.
        baseline: Its name.
    """
    a, b = (np.reshape(losses, (len(losses), -1)) for losses in (our_losses, their_losses))
    dm = diebold_mariano(a.mean(axis=1), b.mean(axis=1), steps=steps or a.shape[1])
    improvement = _improvement(ours, theirs)
    better = dm.p_value < alpha and ours < theirs
    return Verdict(_verdict_text(dm.p_value, alpha, improvement, baseline), better, dm, improvement)


def check_skill(text: str, p_value: float, better: bool, required: float) -> None:
    """Hold a model to `--require-skill`.

    Args:
        text: The verdict.
        p_value: Of its Diebold-Mariano test against the naive forecast.
        better: Whether the model's loss is the smaller one.
        required: What the p-value must lie below.

    Raises:
        SkillError: The model is not better than naive at that alpha.
    """
    if not (better and p_value < required):
        raise SkillError(
            f"--require-skill: the model must be better than naive with p below {required:g}. Received: {text}."
        )


def compare_losses(loss_a: np.ndarray, loss_b: np.ndarray, loss: str) -> dict[str, str | float | None]:
    """The test of two forecasts' losses `(N,)` or `(N, H)`, ready for JSON: `{"loss", "statistic", "p_value"}`.

    An origin's loss is its mean over the steps, and the test takes their number.
    """
    a, b = (np.asarray(each, dtype=np.float64).reshape(len(each), -1) for each in (loss_a, loss_b))
    return diebold_mariano(a.mean(axis=1), b.mean(axis=1), steps=a.shape[1]).as_json(loss)


def squared_losses(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Squared error of every single forecast, of the shape of `actual`."""
    return (np.asarray(actual, dtype=np.float64) - np.asarray(forecast, dtype=np.float64)) ** 2


def _improvement(ours: float, theirs: float) -> float | None:
    if theirs > 0:
        return 100 * (1 - ours / theirs)
    return 0.0 if ours == 0 else None


def _verdict_text(p_value: float, alpha: float, improvement: float | None, baseline: str = "naive") -> str:
    if not p_value < alpha:
        return f"no better than {baseline} (DM {_p_text(p_value)})"
    if improvement is None:
        return f"worse than {baseline}, which is exact here ({_p_text(p_value)})"
    # One decimal, but never "0.0 %" for a difference that the test calls real.
    size = f"{abs(improvement):.1f}" if abs(improvement) >= 0.05 else f"{abs(improvement):.1g}"
    return f"{'better' if improvement > 0 else 'worse'} than {baseline} by {size} % ({_p_text(p_value)})"


def _p_text(p_value: float) -> str:
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


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

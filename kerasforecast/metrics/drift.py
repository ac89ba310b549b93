"""Has something changed since? Statistics of a stretch of rows beside those of a reference that was sound.

What is summed up over time is made comparable first: values become normal scores by their place among the reference's,
so that neither heavy tails nor units matter, and sums of what comes in spells (calm and stormy weeks) count for less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# A shift of a quarter of a standard deviation or less is no change; beyond it evidence adds up, row by row.
ALLOWED = 0.25
# Evidence at which it is called a change. Independent normal scores hardly ever cross it: once in
# some 7,000 rows on either side, and in 15,000 with what is allowed for a reference of 300 rows.
THRESHOLD = 12.0
_LARGEST = 4.0  # a single row counts no more: one outlier is no change
BINS = 5  # of the stability index: tenths would be mostly empty in 60 rows


@dataclass(frozen=True, eq=False)
class Shift:
    """What the Page-Hinkley test says of a sequence.

    Attributes:
        statistic: The largest evidence for a shift, in standard deviations; a change from `THRESHOLD` on.
        row: Of the sequence, at which it first crossed the threshold; `None` where it never did.
        way: 1 for a shift upwards, -1 for one downwards.
    """

    statistic: float
    row: int | None
    way: int


def page_hinkley(scores: np.ndarray, *, both: bool = True, allowed: float = ALLOWED) -> Shift:
    """Whether the mean of a sequence leaves zero (Page 1954; Hinkley 1971), its size known: `max(m_t - min m)`.

    Args:
        scores: `(N,)` with mean 0 and standard deviation 1 while nothing changes.
        both: Whether a shift downwards counts too.
        allowed: Standard deviations of shift that are none: more where the mean is not known well.

    Returns:
        The side with more evidence.
    """
    found = []
    for way in (1, -1) if both else (1,):
        sums = np.concatenate([[0.0], np.cumsum(way * np.asarray(scores, np.float64) - allowed)])
        evidence = (sums - np.minimum.accumulate(sums))[1:]
        over = np.flatnonzero(evidence >= THRESHOLD)
        largest = float(evidence.max()) if len(evidence) else 0.0
        found.append(Shift(largest, int(over[0]) if len(over) else None, way))
    return max(found, key=lambda shift: shift.statistic)


def normal_scores(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The normal quantile of each value's place among those of the reference, `(N,)`."""
    from scipy.special import ndtri  # a quarter of a second: only where something is tested

    ordered = np.sort(reference)
    places = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
    found: np.ndarray = ndtri((places + 0.5) / (len(ordered) + 1))
    return found


def level_scores(values: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """The normal score of each value by the quantiles that were forecast of it.

    Args:
        values: `(N,)`.
        quantiles: `(N, K)`, ascending, two levels or more.
        levels: Their K levels.

    Returns:
        `(N,)` within 4 of zero: linear between the quantiles, and beyond the outermost as between the last two.
    """
    from scipy.special import ndtri

    places = ndtri(np.asarray(levels))  # (K,)
    right = np.clip((quantiles < values[:, None]).sum(axis=1), 1, len(levels) - 1)
    rows = np.arange(len(values))
    low, high = quantiles[rows, right - 1], quantiles[rows, right]
    share = (values - low) / np.maximum(high - low, np.finfo(np.float64).tiny)
    scores = places[right - 1] + np.clip(share, -99, 99) * (places[right] - places[right - 1])
    return np.clip(scores, -_LARGEST, _LARGEST)


def spells(scores: np.ndarray) -> float:
    """By how much sums of `scores` `(N,)` vary more than those of independent ones, 1 or more.

    The root of the long-run variance, with Bartlett's weights (Newey & West 1987), over the variance.
    """
    centred = np.asarray(scores, np.float64) - np.mean(scores)
    variance = float(np.mean(centred**2))
    lags = min(len(centred) - 1, math.ceil(len(centred) ** (1 / 3)))
    if variance == 0 or lags < 1:
        return 1.0
    total = variance
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * float(np.mean(centred[lag:] * centred[:-lag]))
    return math.sqrt(max(1.0, total / variance))


def coverage_p_value(inside: int, n: int, level: float, reference: tuple[int, int] | None = None) -> float:
    """How likely a coverage this far off is: a two-sided binomial test.

    Args:
        inside: Outcomes within their interval.
        n: Of so many.
        level: The share that the interval is made for.
        reference: `(inside, n)` of the test part: what is known of the true share; `level` itself where `None`.

    Returns:
        The p-value. With a reference the count is beta-binomial, which allows for how little the test part may say.
    """
    from scipy.stats import betabinom, binom

    law = binom(n, level) if reference is None else betabinom(n, reference[0] + 1, reference[1] - reference[0] + 1)
    return float(min(1.0, 2 * min(law.cdf(inside), law.sf(inside - 1))))


def population_stability(values: np.ndarray, reference: np.ndarray) -> float:
    """The population stability index over fifths of the reference, `sum (p - q) ln(p / q)`; above 0.25 is a shift.

    Counts have half a row added, so that an empty bin is no infinity.
    """
    edges = np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1])
    p, q = (
        (np.bincount(np.searchsorted(edges, each), minlength=BINS) + 0.5) / (len(each) + BINS / 2)
        for each in (values, reference)
    )
    return float(np.sum((p - q) * np.log(p / q)))


def kolmogorov_smirnov(values: np.ndarray, reference: np.ndarray) -> float:
    """The largest distance between the two distribution functions, 0 to 1 (Smirnov 1939)."""
    both = np.concatenate([values, reference])
    first, second = (np.searchsorted(np.sort(each), both, "right") / len(each) for each in (values, reference))
    return float(np.abs(first - second).max())

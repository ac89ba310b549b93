"""Did a loss rise, or was that luck? A one-sided test of losses whose neighbours go together, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerasforecast.errors import DataError

_FEWEST_WAVES = 4


def rise_p_value(differences: np.ndarray, overlap: float = 1.0) -> float:
    """The p-value that a difference of losses is above zero on average, of neighbours that go together for long.

    The test of Diebold & Mariano (1995) with the variance of Lazarus, Lewis, Stock & Watson (2018, "HAR inference:
    recommendations for practice"): the mean square of the differences' projections on the B slowest cosines, against
    Student's t with B degrees of freedom. Coroneo & Iacone (2020) examine such tests of forecasts in small samples. A
    sum of autocovariances up to the horizon would miss that neighbouring windows see the same rows of a column.

    Equal losses throughout are no rise (1); a rise that is the same everywhere gets the sign test's p-value over those
    that do not overlap.

    Args:
        differences: `(T,)` in time order.
        overlap: How many neighbours a difference shares rows of its target with, itself included. B is `0.4 T^(2/3)`,
            but no more than do not overlap.

    Raises:
        DataError: There are none, or they are not finite.
    """
    from scipy.special import stdtr  # a quarter of a second: only where something is tested

    d = np.asarray(differences, np.float64)
    count = len(d)
    if not count or not np.isfinite(d).all():
        raise DataError(f"Differences of losses must be finite numbers. Received: {count}, some of them not finite.")
    apart = max(1, int(count / overlap))
    mean = float(np.mean(d))
    if count < 2 or not np.any(d):
        return 1.0
    if np.ptp(d) <= 1e-12 * abs(mean):
        return 0.5**apart if mean > 0 else 1.0
    waves = max(1, min(max(_FEWEST_WAVES, int(0.4 * count ** (2 / 3))), apart, count - 1))
    phases = np.pi * np.arange(1, waves + 1)[:, None] * (np.arange(count) + 0.5) / count  # (B, T)
    projected = np.sqrt(2 / count) * (np.cos(phases) @ d)
    variance = float(np.mean(projected**2))
    if variance == 0:
        return 0.5**apart if mean > 0 else 1.0
    return float(stdtr(waves, -mean / np.sqrt(variance / count)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for their number by Holm (1979); what was not tested (`None`) does not count.

    All that stay below a level are right together with that probability, whatever they have in common.
    """
    tested = [place for place, value in enumerate(p_values) if value is not None]
    ascending = sorted(tested, key=lambda place: p_values[place] or 0.0)
    found: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(ascending):
        largest = min(1.0, max(largest, (len(tested) - rank) * (p_values[place] or 0.0)))
        found[place] = largest
    return found

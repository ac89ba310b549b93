"""What the training rows say of the columns that a network sees: how much each changes, and what it stays close to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerasforecast.data.table.columns import is_count, is_price
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.sums import own_volatility
from kerasforecast.preprocessing.volatility import least_volatility

_FLOOR = 0.1  # of a feature's least positive training value

# A feature enters as its ratio to an earlier column where their log-ratio is, in training, no larger than so many
# typical changes of the target.
_CLOSE_BY = 2.0


def usual_change(name: str, values: np.ndarray, starts: np.ndarray, logs: bool, several: bool) -> tuple[float, float]:
    """The volatility of a column in training, and that of the quieter of several series.

    Args:
        name: Of the column.
        values: `(T,)` training rows.
        starts: `(N,)` first row of each stretch of them.
        logs: Whether changes are log-ratios.
        several: Whether the stretches are series, each with a volatility of its own, of which the middle one counts: a
            mean would be that of the largest alone. Otherwise all changes count alike.

    Raises:
        DataError: The column changes in none of several series.
    """
    if not several:
        changes = np.log(values[1:] / values[:-1]) if logs else np.diff(values)
        usual = float(np.sqrt(np.mean(np.delete(changes, starts[1:] - 1) ** 2)))
        return usual, usual
    own = own_volatility(values, starts, logs)
    moving = own[own > 0]
    if not len(moving):
        raise DataError(
            f"Column {name} must change within the training rows of a series. Received: one value throughout each of "
            f"{len(starts):,} series. Declare it with --static, or leave it out."
        )
    return float(np.quantile(moving, 0.5, method="lower")), least_volatility(own)


def feature_floors(train: np.ndarray, columns: Sequence[str]) -> np.ndarray:
    """The floor of each feature that is positive throughout the training rows, or is a count; 0 for the others."""
    found = np.zeros(len(columns))
    for place, (name, values) in enumerate(zip(columns, train.T, strict=True)):
        if not place or is_price(name):
            continue
        positive = values[values > 0]
        counts = is_count(name) and bool((values >= 0).all())
        if len(positive) and (counts or len(positive) == len(values)):
            found[place] = max(_FLOOR * positive.min(), float(np.finfo(np.float32).tiny))
    return found


def close_by(train: np.ndarray, transforms: Sequence[str], place: int, volatility: float) -> int:
    """The first earlier column that column `place` stays close to, else `place`."""
    for other in range(place if transforms[0] == transforms[place] == "log" else 0):
        if transforms[other] == "log":
            distance = np.log(train[..., place] / train[..., other])
            if 0 < np.sqrt(np.mean(distance**2)) < _CLOSE_BY * volatility:
                return other
    return place

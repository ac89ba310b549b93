"""What one contestant, a network or a baseline, says of a number of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Forecast:
    """What one contestant says of N windows, price units.

    Attributes:
        point: `(N, H)`.
        quantiles: `(N, H, K)`; `None` where it has none.
    """

    point: np.ndarray
    quantiles: np.ndarray | None

    def at(self, indices: slice) -> Forecast:
        """That of the windows at `indices`."""
        return Forecast(self.point[indices], None if self.quantiles is None else self.quantiles[indices])


def quantile_column(level: float) -> str:
    """The name of the column that a table of forecasts has for a quantile level: `q0.1`."""
    return f"q{level:g}"


def joined(parts: Sequence[Forecast]) -> Forecast:
    """Forecasts of consecutive stretches of windows as one; without quantiles where any has none."""
    intervals = [part.quantiles for part in parts if part.quantiles is not None]
    return Forecast(
        np.concatenate([part.point for part in parts]),
        np.concatenate(intervals) if len(intervals) == len(parts) else None,
    )

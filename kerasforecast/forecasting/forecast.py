"""What one contestant says of a number of windows, be it a network, a baseline or an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerasforecast.preprocessing.bound import bounded


@dataclass(frozen=True, eq=False)
class Forecast:
    """What one contestant says of N windows, price units.

    Attributes:
        point: `(N, H)`.
        quantiles: `(N, H, K)`; `None` where it has none.
        samples: `(N, S, H)` S paths, each equally likely; `None` where it has none.
    """

    point: np.ndarray
    quantiles: np.ndarray | None = None
    samples: np.ndarray | None = None

    def at(self, indices: slice | np.ndarray) -> Forecast:
        """That of the windows at `indices`."""
        return Forecast(
            self.point[indices],
            None if self.quantiles is None else self.quantiles[indices],
            None if self.samples is None else self.samples[indices],
        )

    def bounded(self, lowest: float | None) -> Forecast:
        """The same where nothing may lie below `lowest`, if it is one."""
        if lowest is None:
            return self
        return Forecast(
            bounded(self.point, lowest),
            None if self.quantiles is None else bounded(self.quantiles, lowest),
            None if self.samples is None else bounded(self.samples, lowest),
        )


def quantile_column(level: float) -> str:
    """The name of the column that a table of forecasts has for a quantile level: `q0.1`."""
    return f"q{level:g}"


def joined(parts: Sequence[Forecast]) -> Forecast:
    """Forecasts of consecutive stretches of windows as one; without quantiles or samples where any has none."""
    return Forecast(
        np.concatenate([part.point for part in parts]),
        _joined([part.quantiles for part in parts]),
        _joined([part.samples for part in parts]),
    )


def _joined(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
    there = [array for array in arrays if array is not None]
    return np.concatenate(there) if len(there) == len(arrays) else None

"""When forecasts of one or more series are made, and when it is known what they were of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.preprocessing.windows import Windows

NEVER = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, eq=False)
class Timeline:
    """The dates (or integer steps) of N forecasts of S steps, as numbers that ascend with time.

    Attributes:
        places: `(N,)` which series each is of.
        made: `(N,)` int64, of its origin.
        known: `(N, S)` int64, from when on the outcome of each step is known; `NEVER` where its series has ended.
    """

    places: np.ndarray
    made: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, windows: Windows) -> Timeline:
        """That of the forecasts made from `windows`: an outcome is known at the date of its row."""
        panel, rows = windows.panel, np.asarray(windows.origins, np.int64)
        index, places = panel.index, panel.places(rows)
        stamps = index.asi8 if isinstance(index, pd.DatetimeIndex) else index.to_numpy(np.int64)
        ahead = rows[:, None] + np.arange(1, windows.steps + 1)  # (N, S)
        there = ahead < panel.ends[places][:, None]
        return cls(places, stamps[rows], np.where(there, stamps[np.minimum(ahead, len(stamps) - 1)], NEVER))

    @classmethod
    def of_one(cls, count: int, steps: int) -> Timeline:
        """That of so many consecutive forecasts of one series."""
        made = np.arange(count)
        return cls(np.zeros(count, np.int64), made, made[:, None] + np.arange(1, steps + 1))

    def at(self, chosen: slice | np.ndarray) -> Timeline:
        """That of the forecasts chosen."""
        return Timeline(self.places[chosen], self.made[chosen], self.known[chosen])

    @property
    def next(self) -> int:
        """When the first outcome after the last origin is known: of the origin that comes next; `NEVER` without."""
        later = self.known[self.known > self.made.max()] if len(self.made) else self.known
        return int(later.min()) if later.size else NEVER

    def apart(self) -> np.ndarray:
        """How many forecasts of each series do not overlap, `(M,)` of those numbered: as many as fit side by side."""
        steps = self.known.shape[1]
        counts = np.bincount(self.places)
        return np.where(counts > 0, (counts + steps - 1) / steps, 0.0)

    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Which forecasts are the earlier half, `(N,)`, and which were made when all that those were of was known."""
        boundary = np.sort(self.made)[len(self.made) // 2]
        earlier = self.made < boundary
        reach = self.known[earlier, -1].max() if earlier.any() else NEVER
        return earlier, self.made >= reach

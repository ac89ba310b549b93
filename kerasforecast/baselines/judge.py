"""Which of several forecasts was the best on validation, every series counting alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerasforecast.metrics.point import rmse
from kerasforecast.metrics.probabilistic import crps
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.windows import Windows

_JUDGED = 5_000  # windows of validation, evenly spread


@dataclass(frozen=True, eq=False)
class Judge:
    """Windows with their outcomes, and what an error in each is measured in.

    Attributes:
        windows: Some thousands at most.
        actual: `(N, H)` price units.
        scales: `(N, 1)` of each window; `None` of a lone series.
        places: `(N,)` which series each belongs to, numbered without gaps.
    """

    windows: Windows
    actual: np.ndarray
    scales: np.ndarray | None
    places: np.ndarray

    @classmethod
    def of(cls, windows: Windows, scales: np.ndarray | None) -> Judge | None:
        """That of some of `windows`, of the series that have a scale; `None` where there are none.

        Args:
            windows: Of validation.
            scales: `(M, 2)` as `kerasforecast.metrics.point.series_scales` gives them for M series.
        """
        if scales is None:
            chosen = windows.origins[:: -(-len(windows) // _JUDGED)]
            return cls(few := replace(windows, origins=chosen), few.targets(), None, np.zeros(len(chosen), int))
        own = scales[:, 1][windows.panel.places(windows.origins)]
        origins = windows.origins[own > 0]
        if not len(origins):
            return None
        few = replace(windows, origins=origins[evenly(len(origins), _JUDGED)])
        places = windows.panel.places(few.origins)
        return cls(few, few.targets(), scales[places, 1:], np.unique(places, return_inverse=True)[1])

    def error(self, point: np.ndarray) -> float:
        """The root mean squared error of forecasts `(N, H)`; of several series the mean of their scaled ones."""
        if self.scales is None:
            return rmse(self.actual, point)
        squares = np.mean(((self.actual - point) / self.scales) ** 2, axis=1)
        return float(np.mean(np.sqrt(np.bincount(self.places, squares) / np.bincount(self.places))))

    def loss(self, quantiles: np.ndarray, levels: Sequence[float]) -> float:
        """The CRPS of quantiles `(N, H, K)`, scaled likewise."""
        if self.scales is None:
            return crps(self.actual, quantiles, levels)
        return crps(self.actual / self.scales, quantiles / self.scales[:, :, None], levels)

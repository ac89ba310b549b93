"""Windows over one array: views, gathered a batch at a time, so memory grows with rows, not rows x window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kerasforecast.data.series import Series
from kerasforecast.preprocessing.scaling import FittedScaling

_CHUNK = 4_096  # windows gathered at once where all are needed: 1 MB at 60 rows and one column


class TrainingSet(Protocol):
    """What training needs of its windows."""

    def __len__(self) -> int: ...

    def inputs(self, indices: np.ndarray | slice) -> np.ndarray:
        """Raw inputs of the windows at `indices`, `(n, L, F)` float32."""

    def scaled_targets(self, scaling: FittedScaling) -> np.ndarray:
        """Scaled targets of all windows, `(N, H)` float32."""


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of a series that end at given rows.

    Attributes:
        series: Where the values come from.
        values: `(T, F)` float32, what the network is fed.
        origins: `(N,)` integers, the row of each window's last input.
        window: Rows of input, `L`.
        horizon: Rows of target, `H`.
    """

    series: Series
    values: np.ndarray
    origins: np.ndarray
    window: int
    horizon: int

    def __len__(self) -> int:
        return len(self.origins)

    def inputs(self, indices: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Raw inputs of the windows at `indices`, `(n, L, F)` float32; a gathered copy."""
        return self._gathered(self.values, indices)

    def targets(self, indices: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Raw targets of the windows at `indices`, `(n, H)` float64; NaN where the series has ended by then."""
        rows = self.origins[indices][:, None] + np.arange(1, self.horizon + 1)  # (n, H)
        last = len(self.series) - 1
        return np.where(rows <= last, self.series.values[:, 0][np.minimum(rows, last)], np.nan)

    def last(self) -> np.ndarray:
        """The last observed target of each window, `(N,)` float64: the naive forecast of every step."""
        return self.series.values[self.origins, 0]

    def context(self, indices: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The target's past in the windows at `indices`, `(n, L)` float64."""
        return self._gathered(self.series.values[:, :1], indices)[:, :, 0]

    def chunks(self) -> list[slice]:
        """All indices, a few thousand at a time."""
        return [slice(start, start + _CHUNK) for start in range(0, len(self), _CHUNK)]

    def scaled_targets(self, scaling: FittedScaling) -> np.ndarray:
        """Scaled targets of all windows, `(N, H)` float32."""
        return self.scaled(scaling, self.targets)

    def scaled(self, scaling: FittedScaling, targets: Callable[[slice], np.ndarray]) -> np.ndarray:
        """What `targets` gives for a slice of indices, raw `(n, H)`, in scaled units, `(N, H)` float32."""
        scaled = np.empty((len(self), self.horizon), np.float32)
        for chunk in self.chunks():
            scaled[chunk] = scaling.scaled_targets(self._gathered(self.series.values, chunk), targets(chunk))
        return scaled

    def _gathered(self, values: np.ndarray, indices: np.ndarray | slice) -> np.ndarray:
        views = sliding_window_view(values, self.window, axis=0)  # (T-L+1, F, L), no copy
        return views[self.origins[indices] - self.window + 1].transpose(0, 2, 1)  # (n, L, F)


def windows_of(series: Series, origins: np.ndarray, window: int, horizon: int) -> Windows:
    """The windows of `series` that end at `origins`."""
    return Windows(series, series.float32, origins, window, horizon)


def all_origins(rows: int, window: int, horizon: int) -> np.ndarray:
    """Origins of every window of `rows` rows that has its whole target within them, `(N,)` int32."""
    return np.arange(window - 1, rows - horizon, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Samples:
    """Windows that are rows of an array rather than views of one series.

    Attributes:
        windows: `(N, L, F)` float64, raw.
        following: `(N, H)` float64, the raw targets.
    """

    windows: np.ndarray
    following: np.ndarray

    def __len__(self) -> int:
        return len(self.windows)

    def inputs(self, indices: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Raw inputs of the windows at `indices`, `(n, L, F)` float32."""
        return self.windows[indices].astype(np.float32)

    def scaled_targets(self, scaling: FittedScaling) -> np.ndarray:
        """Scaled targets of all windows, `(N, H)` float32."""
        return scaling.scaled_targets(self.windows, self.following)


def pairs(values: np.ndarray, window: int, horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """X `(N, window)` and y `(N,)`, or `(N, horizon)`, of one series `(T,)`, for `kerasforecast.KerasForecaster`."""
    views = sliding_window_view(np.asarray(values, np.float64), window + horizon)  # (N, L + H), no copy
    return views[:, :window], views[:, window] if horizon == 1 else views[:, window:]

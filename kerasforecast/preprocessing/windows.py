"""Windows over the rows of a panel: views, gathered a batch at a time, so memory grows with rows, not rows x window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.preprocessing.scaling import FittedScaling

_CHUNK = 4_096  # windows gathered at once where all are needed: 1 MB at 60 rows and one column
_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows that end at given rows of a panel, each within its own series.

    Attributes:
        panel: Where the values come from.
        origins: `(N,)` integers, the row of each window's last input, in rows of the panel.
        window: Rows of input, `L`.
        steps: Rows of target after each, `H`.
        horizon: Rows ahead that a network reads known columns of, where more than the steps.
    """

    panel: Panel
    origins: np.ndarray
    window: int
    steps: int
    horizon: int = 0

    def __post_init__(self) -> None:
        origins = np.asarray(self.origins)
        ascending = origins if (origins[1:] >= origins[:-1]).all() else np.sort(origins)
        starts, ends = self.panel.starts[:-1], self.panel.ends
        too_early = _within(ascending, starts, np.minimum(starts + self.window - 1, self.panel.starts[1:]))
        if too_early or _within(ascending, ends, self.panel.starts[1:]) or _outside(ascending, len(self.panel.index)):
            raise ValueError(
                f"A window of {self.window} rows must lie within the observed rows of one series. Received: "
                "an origin too near the start of its series, or after its last row."
            )
        if self.panel.known_columns and _within(ascending, self.panel.starts[1:] - self._reach, self.panel.starts[1:]):
            raise ValueError(
                f"Known columns must reach {self._reach} rows beyond every window. Received: an origin too near the "
                "end of its series."
            )

    def __len__(self) -> int:
        return len(self.origins)

    def batch(self, indices: np.ndarray | slice = _ALL) -> WindowBatch:
        """The windows at `indices`, raw, as a network is given them; a gathered copy.

        `known` reaches as many rows ahead as the windows have steps, or the horizon.
        """
        panel, origins = self.panel, self.origins[indices]
        past = self._gathered(self._past(panel.float32), indices)
        known = panel.float32[:, len(panel.past_columns) :]
        return WindowBatch(
            past,
            _gathered(known, origins + self._reach, self.window + self._reach) if panel.known_columns else None,
            None if panel.static is None else panel.static[panel.places(origins)].astype(np.float32),
        )

    def targets(self, indices: np.ndarray | slice = _ALL) -> np.ndarray:
        """Raw targets of the windows at `indices`, `(n, H)` float64; NaN where their series has ended by then."""
        origins = self.origins[indices]
        rows = origins[:, None] + np.arange(1, self.steps + 1)  # (n, H)
        last = self.panel.ends[self.panel.places(origins)][:, None] - 1  # (n, 1)
        return np.where(rows <= last, self.panel.values[:, 0][np.minimum(rows, last)], np.nan)

    def last(self) -> np.ndarray:
        """The last observed target of each window, `(N,)` float64: the naive forecast of every step."""
        return self.panel.values[self.origins, 0]

    def context(self, indices: np.ndarray | slice = _ALL) -> np.ndarray:
        """The target's past in the windows at `indices`, `(n, L)` float64."""
        return self._gathered(self.panel.values[:, :1], indices)[:, :, 0]

    def chunks(self) -> list[slice]:
        """All indices, a few thousand at a time."""
        return [slice(start, start + _CHUNK) for start in range(0, len(self), _CHUNK)]

    def training_set(self, scaling: FittedScaling) -> TrainingSet[Windows]:
        """These windows with their scaled targets."""
        return TrainingSet(self, self.scaled(scaling, self.targets))

    def scaled(self, scaling: FittedScaling, targets: Callable[[slice], np.ndarray]) -> np.ndarray:
        """What `targets` gives for a slice of indices, raw `(n, H)`, in scaled units, `(N, H)` float32."""
        scaled = np.empty((len(self), self.steps), np.float32)
        for chunk in self.chunks():
            scaled[chunk] = scaling.scaled_targets(self._gathered(self._past(self.panel.values), chunk), targets(chunk))
        return scaled

    @property
    def _reach(self) -> int:
        return max(self.steps, self.horizon)

    def _past(self, values: np.ndarray) -> np.ndarray:
        return values[:, : len(self.panel.past_columns)]

    def _gathered(self, values: np.ndarray, indices: np.ndarray | slice) -> np.ndarray:
        return _gathered(values, self.origins[indices], self.window)


def windows_of(panel: Panel, origins: np.ndarray, window: int, steps: int, horizon: int = 0) -> Windows:
    """The windows of `panel` that end at `origins`, rows of it, with the next `steps` rows as targets."""
    return Windows(panel, origins, window, steps, horizon)


def all_origins(rows: int, window: int, steps: int) -> np.ndarray:
    """Origins of every window of a series of `rows` rows that has its whole target within them, `(N,)` int32."""
    return np.arange(window - 1, rows - steps, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Samples:
    """Windows that are rows of an array rather than views of a panel.

    Attributes:
        windows: `(N, L, F)` float64, raw.
        following: `(N, H)` float64, the raw targets.
    """

    windows: np.ndarray
    following: np.ndarray

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, indices: np.ndarray | slice = _ALL) -> WindowBatch:
        """The windows at `indices`, raw, as a network is given them."""
        return WindowBatch(self.windows[indices].astype(np.float32))

    def training_set(self, scaling: FittedScaling) -> TrainingSet[Samples]:
        """These windows with their scaled targets."""
        return TrainingSet(self, scaling.scaled_targets(self.windows, self.following))


def pairs(values: np.ndarray, window: int, horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """X `(N, window)` and y `(N,)`, or `(N, horizon)`, of one series `(T,)`, for `kerasforecast.KerasForecaster`."""
    views = sliding_window_view(np.asarray(values, np.float64), window + horizon)  # (N, L + H), no copy
    return views[:, :window], views[:, window] if horizon == 1 else views[:, window:]


def _gathered(values: np.ndarray, last: np.ndarray, rows: int) -> np.ndarray:
    """The stretches of so many rows of `values` `(R, F)` that end with the rows `last` `(n,)`: `(n, rows, F)`."""
    views = sliding_window_view(values, rows, axis=0)  # (R-rows+1, F, rows), no copy
    return views[last - rows + 1].transpose(0, 2, 1)


def _within(rows: np.ndarray, first: np.ndarray, stop: np.ndarray) -> bool:
    """Whether any of the ascending `rows` lies in one of the stretches from `first` to before `stop`."""
    first, stop = (np.searchsorted(rows, bound.astype(rows.dtype)) for bound in (first, stop))
    return bool((first < stop).any())


def _outside(rows: np.ndarray, count: int) -> bool:
    return bool(len(rows) and (rows[0] < 0 or rows[-1] >= count))

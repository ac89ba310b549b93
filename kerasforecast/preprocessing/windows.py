"""Windows over the rows of a panel: views, gathered a batch at a time, so memory grows with rows, not rows x window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.preprocessing.scaling import FittedScaling

_CHUNK = 4_096  # windows gathered at once where all are needed: 1 MB at 60 rows and one column
_COPIED = 10_000_000  # values beyond which a copy of all as 32-bit numbers is more than what its batches save
_MANY = 100_000  # windows; few are scaled once, however many steps they have, for they validate every epoch
_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows that end at given rows of a panel, each within its own series.

    Where a series has fewer rows than a window, those before its first mirror its own, back and forth: a window keeps
    its level and how much it moves, which constant rows would take from it.

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
        if _within(ascending, self.panel.ends, self.panel.starts[1:]) or _outside(ascending, len(self.panel.index)):
            raise ValueError(
                f"A window of {self.window} rows must end within the observed rows of a series. Received: an origin "
                "after the last of them."
            )
        starts, after = self.panel.starts[:-1], self.panel.starts[1:]
        if self.panel.known_columns and _within(ascending, np.maximum(after - self.reach, starts), after):
            raise ValueError(
                f"Known columns must reach {self.reach} rows beyond every window. Received: an origin too near the "
                "end of its series."
            )

    def __len__(self) -> int:
        return len(self.origins)

    def batch(self, indices: np.ndarray | slice = _ALL) -> WindowBatch:
        """The windows at `indices`, raw, as a network is given them; a gathered copy.

        `known` reaches as many rows ahead as the windows have steps, or the horizon.
        """
        panel, origins = self.panel, self.origins[indices]
        values = panel.float32 if panel.values.size <= _COPIED else panel.values
        past, known = self._gathered(self._past(values), indices), None
        if panel.known_columns:
            ahead = values[:, len(panel.past_columns) :]
            known = _gathered(ahead, origins, self.reach, self.window, self._firsts(indices))
        static = None if panel.static is None else panel.static[panel.places(origins)]
        return WindowBatch(past, known, static).float32()

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
        """These windows with their scaled targets; very many are scaled batch by batch, since all would be tables."""
        if len(self) > _MANY and len(self) * self.steps > _COPIED:
            return TrainingSet(self, ScaledTargets(self, scaling))
        return TrainingSet(self, self.scaled(scaling, self.targets))

    def scaled(self, scaling: FittedScaling, targets: Callable[[slice], np.ndarray]) -> np.ndarray:
        """What `targets` gives for a slice of indices, raw `(n, H)`, in scaled units, `(N, H)` float32."""
        scaled = np.empty((len(self), self.steps), np.float32)
        for chunk in self.chunks():
            scaled[chunk] = scaling.scaled_targets(self.precise(chunk), targets(chunk))
        return scaled

    def precise(self, indices: np.ndarray | slice) -> np.ndarray:
        """The `past` of the windows at `indices`, `(n, L, F)` float64, which targets are scaled by."""
        return self._gathered(self._past(self.panel.values), indices)

    @property
    def mirrored(self) -> bool:
        """Whether any window is longer than what its series has before it."""
        return self._firsts(_ALL) is not None

    @property
    def reach(self) -> int:
        """Rows after a window that are known ahead: as many as its steps, or the horizon."""
        return max(self.steps, self.horizon)

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """The rows of the windows at `indices` `(n,)` and of what is known after them, `(n, L + H)`, in the panel."""
        origins = self.origins[indices]
        return _mirrored(origins, self.panel.starts[self.panel.places(origins)], self.window, self.reach)

    def _past(self, values: np.ndarray) -> np.ndarray:
        return values[:, : len(self.panel.past_columns)]

    def _gathered(self, values: np.ndarray, indices: np.ndarray | slice) -> np.ndarray:
        return _gathered(values, self.origins[indices], 0, self.window, self._firsts(indices))

    def _firsts(self, indices: np.ndarray | slice) -> np.ndarray | None:
        """The first row of each window's series `(n,)`, where a window is longer than what its series has before it."""
        origins = self.origins[indices]
        firsts = self.panel.starts[self.panel.places(origins)]
        return firsts if (origins - firsts < self.window - 1).any() else None


@dataclass(frozen=True, eq=False)
class ScaledTargets:
    """The scaled targets of windows, made when they are asked for by `[indices]`, `(n, H)` float32.

    Attributes:
        windows: N of them.
        scaling: As fitted.
    """

    windows: Windows
    scaling: FittedScaling

    @property
    def shape(self) -> tuple[int, int]:
        """N and H."""
        return len(self.windows), self.windows.steps

    def __getitem__(self, indices: np.ndarray | slice) -> np.ndarray:
        part = replace(self.windows, origins=self.windows.origins[indices])
        return part.scaled(self.scaling, part.targets)


def windows_of(panel: Panel, origins: np.ndarray, window: int, steps: int, horizon: int = 0) -> Windows:
    """The windows of `panel` that end at `origins`, rows of it, with the next `steps` rows as targets."""
    return Windows(panel, origins, window, steps, horizon)


def all_origins(panel: Panel, context: int, steps: int) -> np.ndarray:
    """Origins of every window that has so many rows of its own series before it and its whole target after, `(N,)`."""
    return stretches(panel.starts[:-1] + context - 1, panel.ends - steps)


def stretches(first: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The rows from each of `first` `(N,)` up to the `stop` `(N,)` beside it, one after another, int32."""
    lengths = np.maximum(stop - first, 0)
    begins = np.cumsum(lengths) - lengths  # where each stretch begins in the answer
    rows = np.arange(lengths.sum(), dtype=np.int32)
    rows += np.repeat((first - begins).astype(np.int32), lengths)
    return rows


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


def _gathered(
    values: np.ndarray, origins: np.ndarray, reach: int, window: int, firsts: np.ndarray | None
) -> np.ndarray:
    """The stretches of `values` `(R, F)` of a window up to the rows `origins` `(n,)` and `reach` rows after them.

    Rows before `firsts` `(n,)` mirror those that follow.

    Returns:
        `(n, window + reach, F)`.
    """
    if firsts is None:
        views = sliding_window_view(values, window + reach, axis=0)  # (R-L-H+1, F, L+H), no copy
        return views[origins - window + 1].transpose(0, 2, 1)
    return values[_mirrored(origins, firsts, window, reach)]


def _mirrored(origins: np.ndarray, firsts: np.ndarray, window: int, reach: int) -> np.ndarray:
    """The rows of windows up to `origins` `(n,)` and `reach` after them, `(n, window + reach)`; those before `firsts`
    `(n,)` mirror those that follow."""
    begins = origins - window + 1
    back = (firsts - begins)[:, None] - np.arange(window + reach)  # (n, L + H) rows before the first, else not positive
    turn = np.maximum(origins - firsts, 1)[:, None]  # to the last own row, where the way turns
    mirrored = turn - np.abs(back % (2 * turn) - turn)
    own = np.minimum(mirrored, (origins - firsts)[:, None])
    return firsts[:, None] + np.where(back > 0, own, -back)


def _within(rows: np.ndarray, first: np.ndarray, stop: np.ndarray) -> bool:
    """Whether any of the ascending `rows` lies in one of the stretches from `first` to before `stop`."""
    first, stop = (np.searchsorted(rows, bound.astype(rows.dtype)) for bound in (first, stop))
    return bool((first < stop).any())


def _outside(rows: np.ndarray, count: int) -> bool:
    return bool(len(rows) and (rows[0] < 0 or rows[-1] >= count))

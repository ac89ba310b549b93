"""What a network is given: windows by the role of their columns, and in training the scaled answers beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from kerasforecast.preprocessing.sums import evenly

_MOST = 200_000  # windows whose targets say how all are spread


@dataclass(frozen=True, eq=False)
class WindowBatch:
    """Some windows, raw, float32.

    Attributes:
        past: `(B, L, F)` the target, in column 0, and what is known until the origin.
        known: `(B, L + H, K)` what is known for the rows to be forecast too, or `None`.
        static: `(B, S)` one value a series, or `None`.
    """

    past: np.ndarray
    known: np.ndarray | None = None
    static: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.past)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Those that there are, by the names of a network's inputs."""
        arrays = {"past": self.past, "known": self.known, "static": self.static}
        return {name: array for name, array in arrays.items() if array is not None}

    def at(self, indices: np.ndarray | slice) -> WindowBatch:
        """The windows at `indices`."""
        return self._each(lambda array: array[indices])

    def float32(self) -> WindowBatch:
        """The same windows as 32-bit numbers, without a copy where they are such."""
        return self._each(lambda array: np.asarray(array, np.float32))

    def _each(self, change: Callable[[np.ndarray], np.ndarray]) -> WindowBatch:
        known, static = (None if array is None else change(array) for array in (self.known, self.static))
        return WindowBatch(change(self.past), known, static)

    def fed(self) -> np.ndarray | Mapping[str, np.ndarray]:
        """What Keras is given: the bare `past` where it is alone, else the arrays by the names of the inputs."""
        arrays = self.arrays
        return arrays if len(arrays) > 1 else self.past


class Batches(Protocol):
    """Windows that can be gathered a batch at a time."""

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray | slice) -> WindowBatch:
        """The windows at `indices`."""


class Targets(Protocol):
    """Scaled targets `(N, H)` float32: an array, or what makes those that are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """N and H."""

    def __getitem__(self, indices: Any, /) -> np.ndarray:
        """Those at `indices`, `(n, H)`."""


class Drawing(Protocol):
    """What is drawn at random in a step of training, which makes of it more inputs and other answers."""

    def __call__(self, targets: np.ndarray, key: tuple[int, ...]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs by name and answers for the windows with these targets `(B, H)`, drawn by the `key` of the step."""


Gathered = TypeVar("Gathered", bound=Batches)


@dataclass(frozen=True, eq=False)
class TrainingSet(Generic[Gathered]):
    """Windows and what a network should answer to them: scaled once for its start, its training and its naive loss.

    Attributes:
        windows: N of them.
        targets: `(N, H)` float32, scaled.
        owners: `(N,)` which series each window is of, ascending, where every series is to count alike in training;
            `None` where every window is.
        drawing: What makes inputs and answers of the targets, anew in every step; `None` where these are the answers.
    """

    windows: Gathered
    targets: Targets
    owners: np.ndarray | None = None
    drawing: Drawing | None = None

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, indices: np.ndarray | slice) -> WindowBatch:
        """The windows at `indices`."""
        return self.windows.batch(indices)

    @property
    def typical_targets(self) -> np.ndarray:
        """Scaled targets of at most 200,000 windows, evenly spread; of all where they are fewer."""
        return self.targets[evenly(len(self), _MOST)]

    def fed(self, indices: np.ndarray | slice, key: tuple[int, ...]) -> tuple[Any, np.ndarray]:
        """What Keras is given of the windows at `indices`, and what it is to answer; `key` is that of the step."""
        batch, targets = self.batch(indices), self.targets[indices]
        if self.drawing is None:
            return batch.fed(), targets
        drawn, answers = self.drawing(targets, key)
        return batch.arrays | drawn, answers

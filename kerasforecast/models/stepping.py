"""A small dense network found by steps in NumPy, the same on every backend: what it adds to a solution in closed form.

inputs (n, E) -> dense, relu (n, U) -> dense, and a linear map beside: (n, H). Both begin at zero. The steps are Adam's
(Kingma & Ba 2015) on absolute errors; what is best on windows held back stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

_EPOCHS, _STEPS, _BATCH = 100, 50, 128
_PATIENCE, _SLOWER = 15, 5  # epochs without gain after which steps end, and become half as long
_RATE, _FADES, _TINY = np.float32(1e-3), (np.float32(0.9), np.float32(0.999)), np.float32(1e-7)
_DROPPED = 0.2  # of the hidden units in a step


@dataclass(frozen=True, eq=False)
class Added:
    """Weights, float32.

    Attributes:
        straight: `(E, H)` of the linear map.
        bias: `(H,)`.
        inner: `(E, U)` of the hidden layer.
        shift: `(U,)` its bias.
        outer: `(U, H)` of what it gives.
    """

    straight: np.ndarray
    bias: np.ndarray
    inner: np.ndarray
    shift: np.ndarray
    outer: np.ndarray

    @classmethod
    def begun(cls, inner: np.ndarray, horizon: int) -> Added:
        """Nothing is added yet."""
        inputs, units = inner.shape
        sizes = (inputs, horizon), (horizon,), (units,), (units, horizon)
        straight, bias, shift, outer = (np.zeros(size, np.float32) for size in sizes)
        return cls(straight, bias, inner.astype(np.float32), shift, outer)

    @property
    def arrays(self) -> list[np.ndarray]:
        """All of them."""
        return [self.straight, self.bias, self.inner, self.shift, self.outer]

    def of(self, inputs: np.ndarray) -> np.ndarray:
        """What is added `(n, H)` for inputs `(n, E)`."""
        hidden = np.maximum(inputs @ self.inner + self.shift, 0)
        return np.asarray(inputs @ self.straight + hidden @ self.outer + self.bias)

    def slopes(self, inputs: np.ndarray, wanted: np.ndarray, kept: np.ndarray) -> list[np.ndarray]:
        """Of the mean absolute error in each weight, hidden units multiplied with `kept` `(n, U)`."""
        hidden = np.maximum(inputs @ self.inner + self.shift, 0) * kept
        errors = inputs @ self.straight + hidden @ self.outer + self.bias - wanted
        outputs = np.sign(errors) / np.float32(errors.size)  # (n, H)
        inner = (outputs @ self.outer.T) * kept * (hidden > 0)  # (n, U)
        return [inputs.T @ outputs, outputs.sum(axis=0), inputs.T @ inner, inner.sum(axis=0), hidden.T @ outputs]


@dataclass(eq=False)
class _Adam:
    """The state of the steps.

    Attributes:
        rate: How long they are.
    """

    arrays: list[np.ndarray]
    rate: np.float32 = _RATE
    count: int = 0
    moments: list[list[np.ndarray]] = field(init=False)

    def __post_init__(self) -> None:
        self.moments = [[np.zeros_like(array) for array in self.arrays] for _ in _FADES]

    def step(self, slopes: list[np.ndarray]) -> list[np.ndarray]:
        """The arrays after one more."""
        self.count += 1
        for fade, moments, power in zip(_FADES, self.moments, (1, 2), strict=True):
            for moment, slope in zip(moments, slopes, strict=True):
                moment += (1 - fade) * (slope**power - moment)
        first, second = (1 - fade**self.count for fade in _FADES)
        moved = zip(self.arrays, *self.moments, strict=True)
        pace = self.rate / first
        self.arrays = [array - pace * m / (np.sqrt(v / second) + _TINY) for array, m, v in moved]
        return self.arrays


def added(
    inputs: Callable[[np.ndarray], np.ndarray],
    wanted: np.ndarray,
    held: tuple[np.ndarray, np.ndarray],
    inner: np.ndarray,
    random: np.random.Generator,
) -> Added:
    """The best that the steps came by, as windows held back say.

    Args:
        inputs: Of the training windows at some places, `(n, E)` float32.
        wanted: `(N, H)` float32 what is to be added for them.
        held: Inputs `(V, E)` and what is wanted `(V, H)` of windows held back.
        inner: `(E, U)` where the hidden layer begins.
        random: Draws windows, and the units that are dropped.
    """
    best = Added.begun(inner, wanted.shape[1])
    least, since, adam = _loss(best, held), 0, _Adam(best.arrays)
    for _ in range(_EPOCHS):
        for _ in range(_STEPS):
            places = random.integers(0, len(wanted), min(_BATCH, len(wanted)))
            kept = (random.random((len(places), inner.shape[1])) >= _DROPPED) / np.float32(1 - _DROPPED)
            slopes = Added(*adam.arrays).slopes(inputs(places), wanted[places], kept.astype(np.float32))
            adam.step(slopes)
        found = Added(*adam.arrays)
        loss, since = _loss(found, held), since + 1
        if loss < least:
            best, least, since = found, loss, 0
        elif since % _SLOWER == 0:
            adam.rate = adam.rate / np.float32(2)
        if since == _PATIENCE:
            break
    return best


def _loss(found: Added, held: tuple[np.ndarray, np.ndarray]) -> float:
    return float(np.abs(held[1] - found.of(held[0])).mean())

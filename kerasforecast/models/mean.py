"""The mean of paths: a ridge regression of all that is known, and what a small dense network finds beyond it.

all inputs (n, D) -> a linear map; the window, of columns known ahead the last rows, and attributes (n, E) -> a dense
layer, relu (n, U) -> a linear map; the sum of both (n, H). The regression has the least squares, the network goes on
from there by absolute errors (`kerasforecast.models.stepping`): the curve of the frame holds whatever is lopsided, and
squares would follow the few windows that nothing foresees. Validation ends its steps, and takes it only where it gains
clearly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasforecast.metrics.significance import certainty
from kerasforecast.models.families.arithmetic import known_rows
from kerasforecast.models.families.base import Sizes
from kerasforecast.models.ridge import ridge
from kerasforecast.models.stepping import Added, added
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.preprocessing.sums import evenly

_MOST_FEATURES = 1_500  # of the regression: months of hours have no better one of more
_CLEARLY = 0.98  # of the squared error of no regression at all, below which one pays: most of a price's is chance
_LIKELY = 1.0  # standard errors by which a regression must be ahead too
_CERTAIN = 2.0  # standard errors by which the network must be ahead: the best of a hundred epochs is so by chance
_MOST = 2_048  # windows of validation, evenly spread, that end the steps
_CHUNK = 2_048


@dataclass(frozen=True, eq=False)
class Mean:
    """Weights.

    Attributes:
        weights: `(D, H)` of all inputs.
        bias: `(H,)`.
        inner: `(E, U)` of the hidden layer.
        shift: `(U,)` its bias.
        outer: `(U, H)` of what it gives.
    """

    weights: np.ndarray
    bias: np.ndarray
    inner: np.ndarray
    shift: np.ndarray
    outer: np.ndarray

    @property
    def moves(self) -> bool:
        """Whether it differs from window to window."""
        return bool(self.weights.any() or self.outer.any())

    def of(self, batch: WindowBatch, sizes: Sizes) -> np.ndarray:
        """Means `(n, H)` of scaled windows."""
        rows = inputs(batch, sizes)
        hidden = np.maximum(rows[:, near(sizes)] @ self.inner + self.shift, 0)
        return np.asarray(rows @ self.weights + hidden @ self.outer + self.bias)

    def layers(self) -> dict[str, list[np.ndarray]]:
        """Weights by the names of a diffusion network's layers."""
        return {"mean": [self.weights, self.bias], "mean_in": [self.inner, self.shift], "mean_out": [self.outer]}

    @classmethod
    def of_layers(cls, weights: dict[str, list[np.ndarray]]) -> Mean:
        """The mean that a network has."""
        names = ("mean", "mean_in", "mean_out")
        return cls(*(array.astype(np.float64) for name in names for array in weights[name]))


def fit_mean(training: TrainingSet[Any], validation: TrainingSet[Any], sizes: Sizes, units: int) -> Mean:
    """Learn it, with a hidden layer of so many `units`."""
    random, seen = np.random.default_rng(8), near(sizes)
    weights, bias = _regression(training, validation, sizes)
    inner = random.normal(size=(len(seen), units)) * np.sqrt(2 / len(seen))  # He et al. 2015
    inner[len(seen) - _vectors(sizes) :] = 0  # no training of vectors of categories is to move the mean
    held, left = _left(validation, evenly(len(validation), _MOST), weights, bias, sizes)
    wanted = np.concatenate([_left(training, part, weights, bias, sizes)[1] for part in _parts(len(training))])
    found = added(lambda places: inputs(training.batch(places), sizes)[:, seen], wanted, (held, left), inner, random)
    apart = max(1, len(validation) // len(left))  # rows from one of these windows to the next
    if certainty(np.abs(left) - np.abs(left - found.of(held)), apart) < _CERTAIN:
        found = Added.begun(np.zeros_like(inner), sizes.horizon)
    weights[seen] += found.straight
    return Mean(weights, bias + found.bias, found.inner, found.shift, found.outer)


def _regression(
    training: TrainingSet[Any], validation: TrainingSet[Any], sizes: Sizes
) -> tuple[np.ndarray, np.ndarray]:
    """Weights `(D, H)` and bias `(H,)`; of more inputs than a solution can be found for, those of older rows are 0."""
    weights, bias = (
        np.zeros((_ends(sizes)[-1], sizes.horizon)),
        training.typical_targets.astype(np.float64).mean(axis=0),
    )
    chosen = newest(sizes, _MOST_FEATURES)

    def newer(windows: TrainingSet[Any], part: slice) -> np.ndarray:
        return inputs(windows.batch(part), sizes)[:, chosen]

    found = ridge(newer, training, validation, len(chosen), _MOST_FEATURES)
    if found is not None and _pays(validation.typical_targets - bias, found.errors):
        weights[chosen], bias = found.weights, found.bias
    return weights, bias


def _pays(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether squared errors `(V, H)` of a regression are clearly smaller than they were."""
    gain = before**2 - after**2
    return bool(gain.mean() > (1 - _CLEARLY) * np.mean(before**2) and certainty(gain) > _LIKELY)


def chance(targets: np.ndarray) -> np.ndarray:
    """What of the mean of targets `(N, H)`, whose zero is no change, is no drift but chance, `(H,)`.

    A mean of t standard errors keeps `t^2 / (1 + t^2)` of itself, the share with the least squared error (Thompson
    1968). Over the steps that takes away at most half a standard error: what is clear stays. Neighbours of one horizon
    count once.
    """
    mean, variance = targets.mean(axis=0, dtype=np.float64), targets.var(axis=0, dtype=np.float64)
    count = max(1, len(targets) // targets.shape[1])
    return np.asarray(mean / (1 + np.mean(count * mean**2 / np.maximum(variance, 1e-12))))


def _left(
    windows: TrainingSet[Any], places: np.ndarray | slice, weights: np.ndarray, bias: np.ndarray, sizes: Sizes
) -> tuple[np.ndarray, np.ndarray]:
    """What the hidden layer sees of some windows `(n, E)`, and what the regression leaves `(n, H)`; float32."""
    rows = inputs(windows.batch(places), sizes)
    errors = windows.targets[places] - rows @ weights - bias
    return rows[:, near(sizes)], errors.astype(np.float32)


def _parts(count: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]


def inputs(batch: WindowBatch, sizes: Sizes) -> np.ndarray:
    """All that is seen of scaled windows, `(n, D)`; vectors of categories begin at zero."""
    parts = [batch.past.reshape(len(batch), -1)]
    if batch.known is not None:
        parts.append(batch.known.reshape(len(batch), -1))
    if batch.static is not None:
        widths = np.zeros((len(batch), _vectors(sizes)), np.float32)
        parts += [batch.static[:, list(sizes.numeric)], widths]
    return np.concatenate(parts, axis=1)


def newest(sizes: Sizes, most: int) -> np.ndarray:
    """Places of at most so many of `inputs`, if the rows to be forecast and the attributes leave room for any.

    Rows of what is known ahead go first, oldest first; then those of the window.
    """
    window, horizon = sizes.window, sizes.horizon
    spare = most - window * sizes.channels - sizes.static
    rows = min(max(spare // sizes.known, horizon), window + horizon) if sizes.known else 0
    spare = most - rows * sizes.known - sizes.static
    return _last(sizes, min(max(spare // sizes.channels, 0), window), rows)


def near(sizes: Sizes) -> np.ndarray:
    """Places of those of `inputs` that dense layers see: of columns known ahead the last rows, all else."""
    return _last(sizes, sizes.window, known_rows(sizes) if sizes.known else 0)


def _last(sizes: Sizes, past: int, rows: int) -> np.ndarray:
    """Places of so many last rows of the window, of so many last ones of what is known ahead, and of attributes."""
    counts = past * sizes.channels, rows * sizes.known, sizes.static
    return np.concatenate([np.arange(end - count, end) for end, count in zip(_ends(sizes), counts, strict=True)])


def _ends(sizes: Sizes) -> np.ndarray:
    """Where in `inputs` the window, the columns known ahead and the attributes end."""
    return np.cumsum([sizes.window * sizes.channels, (sizes.window + sizes.horizon) * sizes.known, sizes.static])


def _vectors(sizes: Sizes) -> int:
    """How many numbers the vectors of categories are."""
    return sum(width for _, width in sizes.categories)

"""Ridge regression in closed form, for layers that need no steps to be found (Hoerl & Kennard 1970)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasforecast.preprocessing.batch import TrainingSet

_PENALTIES = np.logspace(-4, 4, 17)  # as shares of the mean variance of a feature, times the number of windows
_CHUNK = 2_048  # windows at once
_MOST_WINDOWS = 200_000  # evenly spread: more change nothing that can be seen

Features = Callable[[TrainingSet[Any], slice], np.ndarray]


@dataclass(frozen=True, eq=False)
class Ridge:
    """A solution.

    Attributes:
        weights: `(D, H)`.
        bias: `(H,)`.
        errors: `(N, H)` what it misses validation by, scaled units.
    """

    weights: np.ndarray
    bias: np.ndarray
    errors: np.ndarray

    def head(self, levels: tuple[float, ...]) -> list[np.ndarray]:
        """Kernel and bias of the last layer, as `kerasforecast.models.heads.head` has it; float32.

        A quantile head begins with this solution as its median, and around it what it misses validation by.
        """
        from kerasforecast.models.heads import raw_gaps

        if not levels:
            return [self.weights.astype(np.float32), self.bias.astype(np.float32)]
        place, count = levels.index(0.5), len(levels)
        kernel = np.zeros((*self.weights.shape, count))
        kernel[:, :, place] = self.weights
        table = np.quantile(self.errors, levels, axis=0).T  # (H, K)
        gaps = raw_gaps(table)
        bias = np.concatenate([gaps[:, :place], self.bias[:, None], gaps[:, place:]], axis=1)
        return [kernel.reshape(len(kernel), -1).astype(np.float32), bias.ravel().astype(np.float32)]


def ridge(
    features: Features,
    training: TrainingSet[Any],
    validation: TrainingSet[Any],
    width: int,
    most: int,
    whole: TrainingSet[Any] | None = None,
) -> Ridge | None:
    """The solution whose penalty has the least squared error on validation.

    Args:
        features: Of some windows, `(n, D)`.
        training: To learn from.
        validation: To choose the penalty by.
        width: The D features.
        most: How many there may be.
        whole: Where the solution is to come from once the penalty is chosen, with the same share of the variance of
            its features; `training`, where `None`.

    Returns:
        `None` where there are too many features to solve for.
    """
    if width > most:
        return None
    gram, cross, mean_x, mean_y, count = _moments(features, training, width)
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 0)
    turned = vectors.T @ cross  # (D, H)
    inputs = np.concatenate([features(validation, part) for part in _parts(validation)]) - mean_x  # (N, D)
    targets = np.concatenate([validation.targets[part] for part in _parts(validation)]).astype(np.float64)
    along = inputs @ vectors
    best: Ridge | None = None
    chosen = _PENALTIES[0]
    for share in _PENALTIES:
        weights = turned / (values + share * _unit(values, count))[:, None]
        errors = targets - mean_y - along @ weights
        if best is None or np.mean(errors**2) < np.mean(best.errors**2):
            found = vectors @ weights
            best, chosen = Ridge(found, mean_y - mean_x @ found, errors), share
    if whole is None or best is None:
        return best
    gram, cross, mean_x, mean_y, count = _moments(features, whole, width)
    penalty = chosen * _unit(np.maximum(np.linalg.eigvalsh(gram), 0), count)
    found = np.linalg.solve(gram + penalty * np.eye(width), cross)
    return Ridge(found, mean_y - mean_x @ found, best.errors)


def _unit(values: np.ndarray, count: int) -> float:
    """What penalties are shares of: the mean of the eigenvalues."""
    return count * max(float(values.mean()) / count, 1e-12)


def _parts(windows: TrainingSet[Any]) -> list[slice]:
    stride = -(-len(windows) // _MOST_WINDOWS)
    return [slice(start, start + _CHUNK * stride, stride) for start in range(0, len(windows), _CHUNK * stride)]


def _moments(features: Features, training: TrainingSet[Any], width: int) -> tuple[Any, ...]:
    """Sums of products of centred features with one another and with targets, the means of both, and of how many."""
    gram, cross = np.zeros((width, width)), np.zeros((width, training.targets.shape[1]))
    sum_x, sum_y, count = np.zeros(width), np.zeros(training.targets.shape[1]), 0
    for part in _parts(training):
        x, y = features(training, part).astype(np.float64), training.targets[part].astype(np.float64)
        gram += x.T @ x
        cross += x.T @ y
        sum_x, sum_y, count = sum_x + x.sum(axis=0), sum_y + y.sum(axis=0), count + len(x)
    mean_x, mean_y = sum_x / count, sum_y / count
    return gram - count * np.outer(mean_x, mean_x), cross - count * np.outer(mean_x, mean_y), mean_x, mean_y, count

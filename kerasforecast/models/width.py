"""How far a path may lie from its mean in the light of a window: a factor for each step, begun at a closed form.

Of the target's scaled window, of its falls alone and of how far it moved within each row the squares are averaged, each
with weights that fade faster or slower. Where columns stay close to one another, as a day's open, high, low and close
do, that is the distance from the lowest to the highest, which says more of the day than its close (Parkinson 1980);
else it is the step from the row before. The logs of these averages, the last row, the mean of the forecast, what is
known of the rows to be forecast and the attributes make the log of the factor, weighted and summed. For prices that is
an exponential GARCH of several memories with leverage (Nelson 1991), for hours a spread that follows the hour and the
level. The weights are those of a generalised linear model of squared errors (McCullagh & Nelder 1989: gamma
distribution, log link) with a penalty.

An error h steps ahead is a sum of shocks, and its square mostly says how these happened to add up. The sum of their
squares has the same mean and far less chance in it (realised variance, Andersen & Bollerslev 1998): so it is what the
weights are learned from, and what validation judges them by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerasforecast.metrics.significance import certainty
from kerasforecast.models.families.base import Sizes
from kerasforecast.preprocessing.batch import WindowBatch

FADES = (0.6, 0.8, 0.94, 0.985, 1.0)  # of weights, from row to row
LEAST = 1e-2  # added to averages of squares before logs are taken, square scaled units
LARGEST = 3.0  # of the log of a factor
_MOST_FEATURES = 1_500
_PENALTIES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0)  # beside standardised features
_PASSES = 30  # over the equations: each takes most of what is left
_PACE = 0.7
_FARTHEST = 6.0  # standard deviations of a feature, squared errors in their usual size
_CLEARLY = 0.5  # standard errors by which validation must agree: the penalty has drawn towards a factor of 1 already


@dataclass(frozen=True, eq=False)
class Width:
    """Weights of the log of the factor.

    Attributes:
        weights: `(D, H)`.
        bias: `(H,)`.
        movement: `(C + 1, 1)` what makes of a row's channels and of the target a row before how far it moved.
    """

    weights: np.ndarray
    bias: np.ndarray
    movement: np.ndarray

    def of(self, found: np.ndarray) -> np.ndarray:
        """Factors `(n, H)` of features `(n, D)`."""
        return np.asarray(np.exp(np.clip(found @ self.weights + self.bias, -LARGEST, LARGEST)))


def none(movement: np.ndarray, sizes: Sizes) -> Width:
    """A factor of 1 for every window."""
    return Width(np.zeros((features_width(sizes), sizes.horizon)), np.zeros(sizes.horizon), movement)


def movement(past: np.ndarray, sizes: Sizes) -> np.ndarray:
    """`Width.movement` as windows `(n, L, C)` say: which column is the high shows in how far each lies above others."""
    weights, near = np.zeros((sizes.channels + 1, 1)), np.array(sizes.near, int)
    if not len(near):
        weights[[0, -1], 0] = 1, -1
        return weights
    above = past[:, :, near].mean(axis=(0, 1))
    weights[near[above.argmax()]] += above.max() > 0  # what they are compared with may be the highest, or the lowest
    weights[near[above.argmin()]] -= above.min() < 0
    return weights


def features_width(sizes: Sizes) -> int:
    """The D numbers of `features`."""
    return 3 * len(FADES) + sizes.channels + sizes.horizon * (1 + sizes.known) + sizes.static


def fading(window: int) -> np.ndarray:
    """Weights `(L, J)` float32 of a window's rows, newest last, for each of `FADES`."""
    weights = np.power(np.array(FADES), np.arange(window - 1, -1, -1)[:, None])
    return (weights / weights.sum(axis=0)).astype(np.float32)


def features(batch: WindowBatch, mean: np.ndarray, movement: np.ndarray, sizes: Sizes) -> np.ndarray:
    """What the factor is made of, `(n, D)`, of scaled windows, their means `(n, H)` and `Width.movement`."""
    past = batch.past.astype(np.float64)
    target = past[:, :, 0]
    before = np.concatenate([past[:, :1, :1], past[:, :-1, :1]], axis=1)
    moved = (np.concatenate([past, before], axis=2) @ movement)[:, :, 0]  # (n, L)
    squares = np.stack([target, np.minimum(target, 0), moved], axis=1) ** 2  # (n, 3, L)
    recent = np.log(squares @ fading(sizes.window) + LEAST).reshape(len(past), -1)  # (n, 3 J)
    parts = [recent, past[:, -1], mean]
    if batch.known is not None:
        parts.append(batch.known[:, -sizes.horizon :].reshape(len(past), -1))
    if batch.static is not None:
        widths = sum(width for _, width in sizes.categories)
        parts += [batch.static[:, list(sizes.numeric)], np.zeros((len(past), widths))]
    return np.concatenate(parts, axis=1)


def fit_width(
    known: tuple[np.ndarray, np.ndarray], held: tuple[np.ndarray, np.ndarray], movement: np.ndarray, sizes: Sizes
) -> Width:
    """Learn the factor; 1 where validation does not say that one pays.

    Args:
        known: Features `(N, D)` and errors `(N, H)` of training windows.
        held: Those of validation, which choose the penalty.
        movement: That the features are of.
        sizes: Of the network.
    """
    if features_width(sizes) > _MOST_FEATURES:
        return none(movement, sizes)
    middle, spread = known[0].mean(axis=0), known[0].std(axis=0)
    unit = np.where(spread > 1e-6, spread, np.inf)
    inputs, others = (np.clip((part[0] - middle) / unit, -_FARTHEST, _FARTHEST) for part in (known, held))
    lower = np.linalg.cholesky(correlation(known[1])) * np.maximum(known[1].std(axis=0), 1e-6)[:, None]
    squares, theirs = (realised(part[1], lower) for part in (known, held))
    usual = np.maximum(squares.mean(axis=0), 1e-12)
    squares, theirs = squares / usual, theirs / usual
    gram = inputs.T @ inputs / len(inputs)
    before = _deviance(np.log(theirs.mean(axis=0)), theirs)  # (N, H)
    best, chosen = before, None
    for penalty in _PENALTIES:
        weights, bias = _solved(inputs, squares, gram, penalty)
        logs = others @ weights + bias
        # A level of its own on both sides: what counts is which windows are wider than others.
        found = _deviance(logs + np.log((theirs * np.exp(-logs)).mean(axis=0)), theirs)
        if found.mean() < best.mean():
            best, chosen = found, weights
    if chosen is None or certainty(before - best) <= _CLEARLY:
        return none(movement, sizes)
    weights = chosen / unit[:, None] / 2
    return Width(weights, -middle @ weights, movement)


def realised(errors: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """What errors `(N, H)` say of their own variance, `(N, H)`: with errors L z, `sum_j L_hj^2 z_j^2`.

    Args:
        errors: Of windows.
        lower: `(H, H)` L, whose L L' is the covariance of such errors.
    """
    shocks = errors @ np.linalg.inv(lower).T
    return np.asarray(shocks**2 @ (lower**2).T)


def correlation(scores: np.ndarray) -> np.ndarray:
    """Of scores `(N, H)`, drawn a little towards none where there are few."""
    count, horizon = scores.shape
    spread = np.maximum(scores.std(axis=0), 1e-6)
    centred = (scores - scores.mean(axis=0)) / spread
    found = centred.T @ centred / count
    share = 1e-4 + horizon / (horizon + 20 * count)
    return np.asarray((1 - share) * found + share * np.eye(horizon))


def _solved(inputs: np.ndarray, squares: np.ndarray, gram: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights `(D, H)` and bias `(H,)` of the log of `squares` by Fisher's scoring."""
    inverse = np.linalg.inv(gram + penalty * np.eye(len(gram)))
    weights, bias = np.zeros((len(gram), squares.shape[1])), np.zeros(squares.shape[1])
    for _ in range(_PASSES):
        logs = np.clip(inputs @ weights + bias, -2 * LARGEST, 2 * LARGEST)
        left = np.minimum(squares * np.exp(-logs) - 1, _FARTHEST)
        weights += _PACE * (inverse @ (inputs.T @ left / len(inputs) - penalty * weights))
        bias += _PACE * left.mean(axis=0)
    return weights, bias


def _deviance(logs: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Of a gamma distribution `(N, H)`, but for what the outcomes alone make of it."""
    return np.asarray(squares * np.exp(-logs) + logs)

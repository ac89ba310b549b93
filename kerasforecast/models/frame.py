"""What diffusion departs from: a mean of paths, and around it the errors it made, as whole paths.

A path is `mean + w M(L n)` with n standard normal: the mean is that of `kerasforecast.models.mean`, or where no window
says where it goes a drift without what of it is chance; `L` the correlation of errors between steps, `M` what each
step's errors are distributed like, w how wide they are in the light of the window (`kerasforecast.models.width`). That
is the strongest simple rival, for prices an EWMA filtered historical simulation of paths or better; in the coordinates
n a network has only to say where windows differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from kerasforecast.models.families.base import Sizes
from kerasforecast.models.mean import Mean, chance, fit_mean
from kerasforecast.models.noise import KNOTS, bank
from kerasforecast.models.width import Width, correlation, features, fit_width, movement
from kerasforecast.preprocessing.batch import TrainingSet

_ALMOST_NORMAL = 50.0  # errors in whose number a normal distribution counts as much as they do
_LEAST = 1e-3  # slope of M, of the errors' spread
_MOST = 20_000  # windows that errors are taken of, evenly spread
_CHUNK = 2_048
_FARTHEST = 8.0  # in the coordinates n: what is farther out is drawn nearer, for one such path would steer a step


@dataclass(frozen=True, eq=False)
class Frame:
    """The start.

    Attributes:
        mean: Of paths.
        knots: `(H, K)` what M gives at `KNOTS`.
        lower: `(H, H)` L.
        width: w.
    """

    mean: Mean
    knots: np.ndarray
    lower: np.ndarray
    width: Width

    def layers(self, paths: int) -> dict[str, list[np.ndarray]]:
        """Weights by the names of a diffusion network's layers, a bank of noise for so many `paths` among them."""
        slopes = _slopes(self.knots)  # (H, K + 1)
        kernel = np.concatenate([slopes[:, :1], np.diff(slopes, axis=1)], axis=1)  # (H, K + 1)
        found = {
            "bank": [self.bank(paths)],
            **self.mean.layers(),
            "movement": [self.width.movement],
            "width": [self.width.weights, self.width.bias],
            "correlation": [self.lower.T],
            "margins": [kernel, self.knots[:, 0] - slopes[:, 0] * KNOTS[0]],
        }
        return {name: [array.astype(np.float32) for array in arrays] for name, arrays in found.items()}

    def bank(self, paths: int) -> np.ndarray:
        """Noise `(S, H)` of whose paths each step has the k-th at level (k - 1/2) / S, whatever S: few stand for all.

        Steps hang together as those of ordinary draws do: these give the ranks.
        """
        drawn = bank(paths, len(self.lower), np.random.default_rng(8)) @ self.lower.T
        ranks = np.argsort(np.argsort(drawn, axis=0), axis=0)
        return np.asarray(ndtri((ranks + 0.5) / paths) @ np.linalg.inv(self.lower).T)

    @classmethod
    def of_layers(cls, weights: dict[str, list[np.ndarray]]) -> Frame:
        """The frame that a network has."""
        kernel, bias = (array.astype(np.float64) for array in weights["margins"])
        knots = kernel[:, :1] * KNOTS + bias[:, None]
        for place, knot in enumerate(KNOTS):
            knots = knots + kernel[:, 1 + place, None] * np.maximum(KNOTS - knot, 0)
        width = Width(*(array.astype(np.float64) for name in ("width", "movement") for array in weights[name]))
        return cls(Mean.of_layers(weights), knots, weights["correlation"][0].T, width)

    def coordinates(self, windows: TrainingSet[Any], sizes: Sizes) -> np.ndarray:
        """The targets `(N, H)` in the coordinates n, float32."""
        found = np.empty(windows.targets.shape, np.float32)
        lower = np.linalg.inv(self.lower.astype(np.float64))
        for start in range(0, len(windows), _CHUNK):
            part = slice(start, start + _CHUNK)
            seen, errors = _seen(windows, part, self.mean, self.width.movement, sizes)
            normal = _normal_scores(errors / self.width.of(seen), self.knots) @ lower.T
            found[part] = np.clip(normal, -_FARTHEST, _FARTHEST)
        return found


def fit_frame(training: TrainingSet[Any], validation: TrainingSet[Any], sizes: Sizes, units: int) -> Frame:
    """Learn the start: the mean, of so many hidden `units`, and from both parts the errors around it."""
    mean = fit_mean(training, validation, sizes, units)
    moved = movement(training.batch(slice(None, None, -(-len(training) // _CHUNK))).past, sizes)
    known, held = (_every(part, mean, moved, sizes) for part in (training, validation))
    width = fit_width(known, held, moved, sizes)
    errors = np.concatenate([errors / width.of(seen) for seen, errors in (known, held)])
    knots = _knots(errors)
    lower = np.linalg.cholesky(correlation(_normal_scores(errors, knots)))
    if not mean.moves:
        drift = chance(np.concatenate([part.typical_targets for part in (training, validation)]))
        mean = replace(mean, bias=mean.bias - drift)
    return Frame(mean, knots, lower, width)


def _seen(
    windows: TrainingSet[Any], part: slice, given: Mean, moved: np.ndarray, sizes: Sizes
) -> tuple[np.ndarray, np.ndarray]:
    """What the width sees of some windows `(n, D)`, and their errors `(n, H)`."""
    batch = windows.batch(part)
    mean = given.of(batch, sizes)
    return features(batch, mean, moved, sizes), windows.targets[part] - mean


def _every(windows: TrainingSet[Any], mean: Mean, moved: np.ndarray, sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """The same of all windows, or of many, evenly spread."""
    stride = -(-len(windows) // _MOST)
    parts = [slice(start, start + _CHUNK * stride, stride) for start in range(0, len(windows), _CHUNK * stride)]
    found = zip(*(_seen(windows, part, mean, moved, sizes) for part in parts), strict=True)
    seen, errors = (np.concatenate(each) for each in found)
    return seen, errors


def _knots(errors: np.ndarray) -> np.ndarray:
    """Quantiles `(H, K)` of errors `(N, H)` at the normal levels of `KNOTS`, of few drawn towards a normal's."""
    count = len(errors)
    middle, spread = errors.mean(axis=0), np.maximum(errors.std(axis=0), 1e-6)  # (H,)
    straight = middle[:, None] + spread[:, None] * KNOTS
    seen = np.quantile(errors, ndtr(KNOTS), axis=0).T
    share = count / (count + _ALMOST_NORMAL)
    knots = share * seen + (1 - share) * straight
    least = _LEAST * spread[:, None] * np.arange(len(KNOTS))
    return np.maximum.accumulate(knots - least, axis=1) + least


def _slopes(knots: np.ndarray) -> np.ndarray:
    """Slopes of M `(H, K + 1)`: of each cell, and beyond the outermost knots those of the cells beside."""
    between = np.diff(knots, axis=1) / np.diff(KNOTS)
    return np.concatenate([between[:, :1], between, between[:, -1:]], axis=1)


def _normal_scores(errors: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Where M takes errors `(N, H)` from."""
    slopes, found = _slopes(knots), np.empty(errors.shape)
    for step in range(errors.shape[1]):
        cell = np.searchsorted(knots[step], errors[:, step])  # 0..K
        knot = np.maximum(cell - 1, 0)
        found[:, step] = KNOTS[knot] + (errors[:, step] - knots[step, knot]) / slopes[step, cell]
    return found

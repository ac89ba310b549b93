"""The forecast in what a network answers, where that is more than one number a step: the median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def medians(outputs: np.ndarray, levels: Sequence[float], paths: int) -> np.ndarray:
    """The forecasts `(B, H)` in a network's `outputs`: of quantiles `(B, H, K)` and of paths `(B, S, H)` their medians.

    Args:
        outputs: What the network answers.
        levels: Of its quantiles; none of a point forecast.
        paths: How many it draws; 0 where it draws none.
    """
    if paths:
        return np.asarray(np.median(outputs, axis=1))
    return outputs[:, :, levels.index(0.5)] if levels else outputs


def on_outputs(weights: np.ndarray, levels: Sequence[float], paths: np.ndarray | None) -> np.ndarray:
    """Weights `(B, H)` of forecasts as weights of what the network answers.

    Of paths they fall on the one in the middle at each step, or half on either of two: a median moves as these do.

    Args:
        weights: float32.
        levels: As in `medians`.
        paths: What the network answers `(B, S, H)`, where it draws paths.
    """
    if levels:
        return weights[:, :, None] * np.eye(len(levels), dtype=np.float32)[levels.index(0.5)]
    if paths is None:
        return weights
    order = np.argsort(paths, axis=1)  # (B, S, H)
    found = np.zeros(order.shape, np.float32)
    for middle in ((order.shape[1] - 1) // 2, order.shape[1] // 2):
        path = order[:, middle : middle + 1]  # (B, 1, H)
        there = np.take_along_axis(found, path, axis=1) + weights[:, None] / 2
        np.put_along_axis(found, path, there, axis=1)
    return found

"""The training loss of the naive forecast: what a network's own loss curves are measured by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kerasforecast.metrics.probabilistic import crps
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.windows import Windows
from kerasforecast.sections.training import TrainingConfig

_MOST = 200_000  # windows of several series whose errors are looked at; those of a lone series all are


def naive_loss(
    training: TrainingSet[Windows],
    validation: TrainingSet[Windows],
    scaling: FittedScaling,
    config: TrainingConfig,
    levels: tuple[float, ...] = (),
) -> float:
    """The loss that the naive forecast has on the validation part.

    Args:
        training: Windows whose errors of the naive forecast make its quantiles, where there are levels.
        validation: Windows to forecast.
        scaling: As fitted for the network, whose loss is in its units.
        config: Names the loss; Huber's turns linear at one scaled unit, as Keras' does.
        levels: Of a quantile head; the loss is then the pinball loss.

    Returns:
        The mean loss over windows and steps.
    """
    errors = _errors(validation, scaling)  # (N, H)
    if levels:
        table = np.quantile(_errors(training, scaling), levels, axis=0).T  # (H, K)
        return crps(errors, np.broadcast_to(table, (len(errors), *table.shape)), levels) / 2
    sizes = np.abs(errors)
    losses = {
        "mse": lambda: errors**2,
        "mae": lambda: sizes,
        "huber": lambda: np.where(sizes <= 1, errors**2 / 2, sizes - 0.5),
    }
    return float(np.mean(losses[config.loss]()))


def _errors(known: TrainingSet[Windows], scaling: FittedScaling) -> np.ndarray:
    """Of the naive forecast, `(N, H)` float64, scaled."""
    windows, targets = known.windows, known.targets
    chosen = evenly(len(windows), _MOST) if len(windows.panel) > 1 else slice(None)
    windows, targets = replace(windows, origins=windows.origins[chosen]), targets[chosen]
    last = np.repeat(windows.last()[:, None], windows.steps, axis=1)
    return targets.astype(np.float64) - windows.scaled(scaling, lambda indices: last[indices])

"""How far a network that has departed from its start is worth following, as its paths of validation windows say.

A loss of noise stops training, and what it gains need be no gain of paths: where outcomes are mostly chance the network
may follow chance. So the start, all of what training found, and shares between compete by the energy score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasforecast.forecasting.outside import unscaled_member
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.metrics.paths import energy_scores
from kerasforecast.metrics.significance import compare_origins
from kerasforecast.models.member import Member
from kerasforecast.models.network import merged_weights, set_weights
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.preprocessing.sums import evenly

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_MOST = 256  # windows: five times their paths are drawn
_CERTAIN = 1.0  # standard errors by which the best must be ahead of the start


def followed(
    network: Any, member: Member, validation: TrainingSet[Any], judge: Predictor | None = None
) -> float | None:
    """Leave `network` with the share of its departure that it keeps.

    Args:
        network: Trained, in the training role.
        member: What it is.
        validation: Scaled windows and targets.
        judge: What forecasts scaled windows, where there is one already.

    Returns:
        The share; `None` of a family that has no such start.
    """
    found = {name: network.get_layer(name).get_weights() for name in member.network.family.departing}
    if not found:
        return None
    judge = judge or Predictor([unscaled_member(member)], merged_weights(network))

    def keep(share: float) -> None:
        for name, arrays in found.items():
            network.get_layer(name).set_weights([array * np.float32(share) for array in arrays])

    def paths_at(share: float, batch: WindowBatch) -> np.ndarray:
        keep(share)
        set_weights(judge.network, merged_weights(network))
        return judge.outputs(batch)

    share = kept_share(paths_at, validation)
    keep(share)
    return share


def kept_share(paths_at: Callable[[float, WindowBatch], np.ndarray], validation: TrainingSet[Any]) -> float:
    """The share of its departure that a network keeps.

    The one of the lowest energy score, or none where that is less than a standard error ahead of the start.

    Args:
        paths_at: Of a share and scaled windows, the paths `(B, S, H)`.
        validation: Scaled windows and targets.
    """
    chosen = evenly(len(validation), _MOST)
    batch, actual = validation.windows.batch(chosen), np.asarray(validation.targets)[chosen]
    losses = {share: energy_scores(actual, paths_at(share, batch)) for share in SHARES}
    best = min(SHARES, key=lambda share: float(losses[share].mean()))
    if best == 0:
        return best
    stride = max(1, len(validation) // len(chosen))
    found = compare_origins(losses[0.0], losses[best], "energy", -(-actual.shape[1] // stride))["statistic"]
    return best if found is None or float(found) >= _CERTAIN else 0.0

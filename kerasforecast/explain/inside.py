"""Inside a recurrent model: gates and states under the series, and other stretches where its states looked alike.

After LSTMVis (Strobelt et al. 2018): what a network holds after a stretch of rows is compared with what it held
everywhere else, and what followed there says what such states stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.explain.cells import Layer, layers_of
from kerasforecast.explain.origin import Origin
from kerasforecast.forecasting.outside import scaled
from kerasforecast.models.families.recurrent import Recurrent
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.suitability import first_after_unusable
from kerasforecast.preprocessing.windows import windows_of

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

_ORIGINS = 1_500
_WORK = 4e11  # multiplications that looking for stretches may take
_DIRECTIONS = 12


@dataclass(frozen=True, eq=False)
class Inside:
    """A recurrent member at work on one window.

    Attributes:
        place: Which member it is.
        member: Itself.
        layers: What its layers computed, row by row.
        cut: Rows of the model's window that it does not see.
    """

    place: int
    member: Member
    layers: list[Layer]
    cut: int


@dataclass(frozen=True, eq=False)
class States:
    """What the network held after each of many consecutive rows, in a few directions.

    Attributes:
        first: Row of the series after which the first of them was taken.
        values: `(N, D)` standardised states along the directions in which they differ most.
        share: Of their variance that these directions hold.
    """

    first: int
    values: np.ndarray
    share: float


def member_alone(predictor: Predictor, place: int) -> Predictor:
    """One member of a model as a model of its own."""
    from kerasforecast.forecasting.predictor import Predictor

    member = predictor.members[place].model_copy(update={"weight": 1.0})
    return Predictor([member], weights_of(predictor, place))


def weights_of(predictor: Predictor, place: int) -> Sequence[np.ndarray]:
    """The arrays of one member, in the order of `kerasforecast.models.network.merged_weights`."""
    counts = [len(member.arrays()) for member in predictor.members]
    start = sum(counts[:place])
    return predictor.weights[start : start + counts[place]]


def own_window(predictor: Predictor, place: int, batch: WindowBatch) -> WindowBatch:
    """The rows of windows that a member sees: the last ones."""
    cut = predictor.window - predictor.members[place].network.window
    return WindowBatch(batch.past[:, cut:], None if batch.known is None else batch.known[:, cut:], batch.static)


def inside(predictor: Predictor, origin: Origin) -> Inside | None:
    """Gates and states of the first recurrent member on the window; `None` where there is no such member."""
    for place, member in enumerate(predictor.members):
        if isinstance(member.network.family, Recurrent):
            batch = scaled(member, own_window(predictor, place, predictor.checked(origin.batch)))
            inputs = batch.past[0]
            if batch.known is not None:
                inputs = np.concatenate([inputs, batch.known[0, : len(inputs)]], axis=1)
            layers = layers_of(member, weights_of(predictor, place), inputs)
            return Inside(place, member, layers, predictor.window - member.network.window)
    return None


def states_of(predictor: Predictor, found: Inside, origin: Origin) -> States | None:
    """What the member held after each of the last rows up to the origin; `None` where there are too few."""
    member, panel = found.member, origin.panel
    window = member.network.window
    work = window * sum(layer.parameters for layer in member.layers)
    most = int(np.clip(_WORK / work, 100, _ORIGINS))
    least = int(first_after_unusable(member.scaling, panel)[0]) + predictor.window - 1
    first = max(least, origin.row + 1 - most)
    origins = np.arange(first, origin.row + 1)
    if len(origins) < 30:
        return None
    alone = member_alone(predictor, found.place)
    windows = windows_of(panel, origins, predictor.window, 1, predictor.horizon)
    states = alone.states(own_window(predictor, found.place, predictor.checked(windows.batch())))
    directions = 1 + bool(getattr(member.network.options, "bidirectional", False))
    last = np.concatenate([each for part in states for each in part[-directions:]], axis=1).astype(np.float64)
    spread = last.std(axis=0)
    last = (last - last.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    _, sizes, axes = np.linalg.svd(last, full_matrices=False)
    count = min(_DIRECTIONS, len(sizes))
    total = float(np.sum(sizes**2)) or 1.0
    return States(first, last @ axes[:count].T, float(np.sum(sizes[:count] ** 2)) / total)

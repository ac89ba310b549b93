"""Which scaling suits a series, where nobody says: that by which a ridge regression misses validation by least.

What is known ahead moves the target in units that stay: a degree by 15 MW, say. Where each window is divided by its
own level or spread, that effect differs from window to window, and a network cannot learn it. Where values keep their
units it can, but then it knows no level beyond those of training. So both are tried, as a closed form can in a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasforecast.data.numerals import number
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.forecasting.fitting import scaled_member
from kerasforecast.forecasting.outside import scaled_set
from kerasforecast.models.member import Member
from kerasforecast.models.ridge import ridge
from kerasforecast.preprocessing.batch import Batches, TrainingSet
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import Windows, stretches, windows_of
from kerasforecast.sections.network import NetworkConfig, Scaling

_TRIED: tuple[Scaling, ...] = ("anchor", "level", "standard")
_BETTER = 0.95  # of the default's error: what is less than that is luck
_WIDEST = 1_000  # features; of longer windows the last rows alone
_MOST_WINDOWS = 20_000  # of each part
_INSIDE = 0.95  # of a later part's values that must lie within those of training
_BETWEEN = 0.5  # of the variance that may lie between series


def settled(network: NetworkConfig, panel: Panel, split: Split) -> tuple[NetworkConfig, str | None]:
    """`network` with a scaling that has a name, and how it was chosen.

    Args:
        network: Whose scaling may be `auto`.
        panel: The data.
        split: Whose training and validation parts are looked at, and no other.

    Returns:
        The network, and a sentence; `None` where the scaling was named.
    """
    if network.scaling != "auto":
        return network, None
    default = network.usual_scaling
    usual = network.model_copy(update={"scaling": default})
    fixed = _comparable(panel, split)
    tried = [kind for kind in _TRIED if kind != default and (fixed or kind != "standard")]
    least = _missed(usual, panel, split)
    errors = {kind: error for kind in tried if (error := _tried(network, kind, panel, split)) is not None}
    best = min(errors, key=lambda kind: errors[kind], default=default)
    where = "a ridge regression misses validation by"
    own = f"{default}, which is {network.model}'s own"
    if best != default and errors[best] < _BETTER * least:
        chosen = network.model_copy(update={"scaling": best})
        return chosen, f"Scaling {best}: {where} {number(errors[best])} with it, by {number(least)} with {own}."
    others = " or ".join(errors)
    return usual, f"Scaling {own}: {where} {number(least)} with it, and by no less with {others}."


def _tried(network: NetworkConfig, kind: Scaling, panel: Panel, split: Split) -> float | None:
    """What the regression misses by with another scaling; `None` where the data does not allow that one."""
    try:
        return _missed(network.model_copy(update={"scaling": kind}), panel, split)
    except DataError:
        return None


def _missed(network: NetworkConfig, panel: Panel, split: Split) -> float:
    """The root mean squared error of the regression on validation, in the target's unit."""
    member = scaled_member(network, panel, split)
    parts = [_some(panel, split, part).training_set(member.scaling) for part in ("train", "validation")]
    seen = _Seen(member)
    training, validation = (scaled_set(part, member) for part in parts)
    found = ridge(seen.features, training, validation, seen.width, _WIDEST)
    windows = parts[1].windows
    errors = []
    for chunk in windows.chunks():
        answers = parts[1].targets[chunk] - (found.errors[chunk] if found else 0)
        errors.append(member.scaling.restore(windows.batch(chunk).past, answers) - windows.targets(chunk))
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def _some(panel: Panel, split: Split, part: str) -> Windows:
    origins = split.origins(part)
    return windows_of(panel, origins[:: -(-len(origins) // _MOST_WINDOWS)], split.window, split.horizon)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the regression sees of windows: all that is known of the rows ahead, and the last rows before them."""

    member: Member

    @property
    def _rows(self) -> int:
        network, channels = self.member.network, self.member.scaling.channels
        known = len(self.member.covariates.known)
        ahead = network.horizon * known
        return int(np.clip((_WIDEST - ahead) // (channels + known), 1, network.window))

    @property
    def width(self) -> int:
        """Features."""
        covariates, network = self.member.covariates, self.member.network
        known = len(covariates.known)
        own = self._rows * (self.member.scaling.channels + known)
        return own + network.horizon * known + len(covariates.numeric)

    def features(self, windows: TrainingSet[Batches], indices: slice) -> np.ndarray:
        """Of the scaled windows at `indices`, `(n, D)`."""
        batch, network = windows.batch(indices), self.member.network
        parts: list[Any] = [batch.past[:, -self._rows :]]
        if batch.known is not None:
            parts.append(batch.known[:, -self._rows - network.horizon :])
        if batch.static is not None:
            parts.append(batch.static[:, list(self.member.covariates.numeric)])
        return np.concatenate([part.reshape(len(batch), -1) for part in parts], axis=1)


def _comparable(panel: Panel, split: Split) -> bool:
    """Whether values mean the same in every window: no trend leads out of those of training, no series has its own."""
    rows, starts = split.training_rows(panel)
    values, learned = rows[:, 0], split.rows_in("train") > 0
    lengths = np.diff(np.append(starts, len(values)))
    means = np.add.reduceat(values, starts) / lengths
    between = float(np.average((means - values.mean()) ** 2, weights=lengths))
    if between > _BETWEEN * float(values.var()):
        return False
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    first, stop = split.edges[learned, 1], split.edges[learned, 2]
    later, counts = panel.values[stretches(first, stop), 0], np.maximum(stop - first, 0)
    inside = (later >= np.repeat(lowest, counts)) & (later <= np.repeat(highest, counts))
    return bool(inside.sum() >= _INSIDE * len(later))

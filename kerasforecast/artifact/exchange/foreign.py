"""What is known of a model that was made elsewhere: no data, no scores, only what it is."""

from __future__ import annotations

import numpy as np

from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.scaling import FittedScaling


def foreign_manifest(
    name: str, config: Config, member: Member, weights: list[np.ndarray], trained: int | None = None
) -> Manifest:
    """The manifest of a network that was trained elsewhere on one column.

    Args:
        name: Of the model.
        config: Its options, the column it forecasts as `data.target`.
        member: What it is, under a linear scaling.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
        trained: Numbers that were trained there; as many as are saved where `None`.
    """
    window = _ramp(member.scaling, member.network.window)  # (L, 1)
    golden = Exporter([member]).golden(WindowBatch(window[None]), weights)
    roles = Roles(target=config.data.target or "Close")
    return Manifest.of(name, config, roles, [MemberRecord.of(member, trained)], golden=golden)


def known_range(low: float | None, high: float | None) -> FittedScaling:
    """The scaling of a model made elsewhere: min-max by the price range it was trained on, or none where not given."""
    if low is None or high is None:
        return FittedScaling(kind="none", transforms=("linear",), offset=(0.0,), scale=(1.0,))
    offset, scale = float(np.float32(low)), float(np.float32(high - low))
    return FittedScaling(kind="minmax", transforms=("linear",), offset=(offset,), scale=(scale,))


def _ramp(scaling: FittedScaling, window: int) -> np.ndarray:
    """A raw window `(L, 1)` float32 that rises through the range of a linear scaling: something to forecast from."""
    return np.linspace(scaling.offset[0], scaling.offset[0] + scaling.scale[0], window, dtype=np.float32)[:, None]

"""What is known of a model that was made elsewhere: no data, no scores, only what it is."""

from __future__ import annotations

import numpy as np

from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.scaling import ramp


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
    window = ramp(member.scaling, member.network.window)  # (L, 1)
    golden = Exporter([member]).golden(WindowBatch(window[None]), weights)
    roles = Roles(target=config.data.target or "Close")
    return Manifest.of(name, config, roles, [MemberRecord.of(member, trained)], golden=golden)

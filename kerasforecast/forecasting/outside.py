"""Scaling outside a network, in NumPy: for one network that serves many fits, and for what is solved without steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import Batches, TrainingSet, WindowBatch
from kerasforecast.preprocessing.scaling import FittedScaling


@dataclass(frozen=True, eq=False)
class ScaledWindows:
    """Windows whose inputs are scaled in NumPy, for a network that has no scaling of its own."""

    windows: Batches
    member: Member

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, indices: np.ndarray | slice) -> WindowBatch:
        """The windows at `indices`, scaled, `past` `(n, L, C)`; float32."""
        return scaled(self.member, self.windows.batch(indices))


def scaled_set(windows: TrainingSet[Any], member: Member) -> TrainingSet[ScaledWindows]:
    """Raw windows with their scaled targets as what does without a network's own scaling is given them."""
    return replace(windows, windows=ScaledWindows(windows.windows, member))


def scaled(member: Member, raw: WindowBatch) -> WindowBatch:
    """Raw windows as a network without a scaling of its own is given them."""
    scaling, covariates = member.scaling, member.covariates
    return WindowBatch(
        scaling.inputs(raw.past).astype(np.float32),
        None if raw.known is None else covariates.known_inputs(raw.known, raw.past, scaling).astype(np.float32),
        None if raw.static is None else covariates.static_inputs(raw.static).astype(np.float32),
    )


def unscaled(channels: int) -> FittedScaling:
    """No scaling at all, over so many columns."""
    return FittedScaling(
        kind="none", transforms=("linear",) * channels, offset=(0.0,) * channels, scale=(1.0,) * channels
    )


def unscaled_member(member: Member) -> Member:
    """The same network without a scaling of its own."""
    scaling = unscaled(member.scaling.channels)
    return Member(network=member.network, scaling=scaling, covariates=member.covariates.unscaled)

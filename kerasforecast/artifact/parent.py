"""The model that a fit starts from, and what its child's manifest says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kerasforecast.artifact.lineage import MOST_ANCESTORS, Lineage, weights_digest
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.models.member import Member

How = Literal["init-from", "update"]


@dataclass(frozen=True, eq=False)
class Parent:
    """A model whose weights training starts from.

    Attributes:
        manifest: What it says of itself: one network.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
        how: By which option it was named.
        file: Where it lies; `None` where it was at hand.
        freeze: Names of layers that keep its weights, or what they begin with.
        alpha: The p-value below which the child must be better than it to leave in its place; `None` where the child
            leaves in any case.
    """

    manifest: Manifest
    weights: Sequence[np.ndarray]
    how: How
    file: Path | None = None
    freeze: tuple[str, ...] = ()
    alpha: float | None = None

    @property
    def member(self) -> Member:
        """Its network and scaling."""
        return self.manifest.members[0]

    @property
    def identity(self) -> dict[str, Any]:
        """All of it that a run depends on, which one that is resumed must have too."""
        return {
            "how": self.how,
            "file": None if self.file is None else str(self.file.resolve()),
            "weights of the parent": weights_digest(self.weights),
            "freeze": list(self.freeze),
            "require_better": self.alpha,
        }

    def lineage(self, frozen: Sequence[str], **facts: Any) -> Lineage:
        """What the child's manifest says of it; `facts` are those known only after training."""
        return Lineage(
            how=self.how,
            parent=self.manifest.name,
            file=None if self.file is None else str(self.file),
            sha256=None if self.file is None else hashlib.sha256(self.file.read_bytes()).hexdigest(),
            weights=weights_digest(self.weights),
            frozen=tuple(frozen),
            learned=self.manifest.learned_from[:MOST_ANCESTORS],
            **facts,
        )

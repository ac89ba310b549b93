"""What is kept of each epoch of a training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One finished epoch.

    Attributes:
        epoch: From 1.
        loss: Mean training loss of the epoch, dropout on, scaled units.
        val_loss: Validation loss after it, dropout off, scaled units.
        learning_rate: In force during it.
        seconds: It took.
        best: Whether no earlier epoch had a validation loss as low.
    """

    epoch: int
    loss: float
    val_loss: float
    learning_rate: float
    seconds: float
    best: bool


@dataclass(frozen=True)
class History:
    """How a training went.

    Attributes:
        epochs: Every epoch that ran.
        best_epoch: The one whose weights were kept, from 1.
        stopped_early: Whether validation stopped improving before the last allowed epoch.
    """

    epochs: tuple[Epoch, ...]
    best_epoch: int
    stopped_early: bool

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return self.epochs[self.best_epoch - 1]

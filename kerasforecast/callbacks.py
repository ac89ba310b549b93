"""What runs beside the training loop: the history, the guard against NaN, the best weights so far."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras

from kerasforecast.errors import DivergedError, StoppedError
from kerasforecast.signals import Deferred


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


class Watch(keras.callbacks.Callback):
    """Records every epoch, hands out each new best model, and stops a run whose loss is no longer a number.

    Args:
        on_epoch: Called with each finished epoch.
        on_best: Called with the model and the epoch whenever the validation loss is the lowest so far.
        stop: Notes signals that are to end training between two steps.

    Raises:
        DivergedError: From `fit`, when a loss is NaN or infinite.
        StoppedError: From `fit`, when a signal was noted.
    """

    def __init__(
        self,
        on_epoch: Callable[[Epoch], None] | None = None,
        on_best: Callable[[keras.Model, Epoch], None] | None = None,
        stop: Deferred | None = None,
    ) -> None:
        super().__init__()
        self._stop = stop
        self.epochs: list[Epoch] = []
        self._on_epoch = on_epoch
        self._on_best = on_best
        self._best = math.inf
        self._rate = math.nan
        self._started = 0.0

    @property
    def best(self) -> Epoch | None:
        """The epoch with the lowest validation loss so far."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.best), None)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the time and the learning rate, which other callbacks may lower at the epoch's end."""
        self._started = time.perf_counter()
        self._rate = float(
            str(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        )  # 0.001, no float32 tail

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stop where a signal asked for it: the step before is done (at its end, Keras would wait for its loss)."""
        self._obey()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record, check, and pass on."""
        loss, val_loss = float((logs or {})["loss"]), float((logs or {})["val_loss"])
        if not (math.isfinite(loss) and math.isfinite(val_loss)):
            raise DivergedError(
                f"The loss must stay a finite number. Received: loss {loss}, validation loss {val_loss} in epoch "
                f"{epoch + 1} at learning rate {self._rate:g}. Lower --learning-rate or set --clipnorm 5."
            )
        best = val_loss < self._best
        self._best = min(self._best, val_loss)
        row = Epoch(epoch + 1, loss, val_loss, self._rate, time.perf_counter() - self._started, best)
        self.epochs.append(row)
        if best and self._on_best:
            self._on_best(self.model, row)
        if self._on_epoch:
            self._on_epoch(row)
        self._obey()

    def _obey(self) -> None:
        if self._stop and (number := self._stop.take()) is not None:
            raise StoppedError("Training was stopped.", signal_number=number)

"""What runs beside the training loop: the history, the guard against NaN, patience, and keeping the state."""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np

from kerasforecast.errors import DivergedError, InputError, StoppedError
from kerasforecast.runtime.signals import Deferred
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training.history import Epoch
from kerasforecast.training.state import capture, restore

Callbacks: TypeAlias = Sequence[keras.callbacks.Callback]

_BETTER_BY = 1e-4  # what validation must gain for the learning rate to stay, as in Keras' ReduceLROnPlateau


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A training between two steps; with the data and the configuration, all that its rest depends on.

    Attributes:
        epochs: Those that are finished. What patience has counted follows from them.
        step: Steps done of the next epoch; its order of windows follows from the seed and its number.
        arrays: What `kerasforecast.training.state.capture` took.
        best: Weights of the best epoch, in the order of `model.get_weights()`.
    """

    epochs: tuple[Epoch, ...] = ()
    step: int = 0
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    best: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Keeping:
    """How a training is kept so that it can go on after whatever ends it.

    Attributes:
        save: Called with the state after every epoch, and before a signal ends training.
        stop: Notes the signals that are to end training between two steps.
        every: Steps after which to save within an epoch too.
        start: Where to go on from.
    """

    save: Callable[[TrainingState], None]
    stop: Deferred
    every: int | None = None
    start: TrainingState | None = None


class Plateau:
    """Counts epochs without a clearly better validation loss, as Keras' ReduceLROnPlateau does.

    Args:
        patience: How many of them lower the learning rate.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._best = math.inf
        self._wait = 0

    def reached(self, val_loss: float) -> bool:
        """Take in the next epoch; whether the rate falls after it."""
        better = val_loss < self._best - _BETTER_BY
        self._best = val_loss if better else self._best
        self._wait = 0 if better else self._wait + 1
        if reached := self._wait >= self._patience:
            self._wait = 0
        return reached


class Watch(keras.callbacks.Callback):
    """Records every epoch, hands out each new best model, adapts the learning rate, ends and keeps the training.

    Args:
        config: Patience and the factor of the learning rate.
        on_epoch: Called with each finished epoch.
        on_best: Called with the model and the epoch whenever the validation loss is the lowest so far.
        keeping: Where the state goes; where `None`, it is not kept and signals are not looked at.
        unit: Steps in what Keras counts as one.

    Raises:
        DivergedError: From `fit`, when a loss or weight is NaN or infinite.
        StoppedError: From `fit`, when a signal was noted; the state has been saved.
    """

    def __init__(
        self,
        config: TrainingConfig,
        on_epoch: Callable[[Epoch], None] | None = None,
        on_best: Callable[[keras.Model, Epoch], None] | None = None,
        keeping: Keeping | None = None,
        unit: int = 1,
    ) -> None:
        super().__init__()
        self._config, self._unit = config, unit
        self._on_epoch = on_epoch
        self._on_best = on_best
        self._keeping = keeping
        self._start = keeping.start if keeping and keeping.start else TrainingState()
        self._plateau = Plateau(config.lr_patience)
        for epoch in self._start.epochs:
            self._plateau.reached(epoch.val_loss)
        self.epochs = list(self._start.epochs)
        self.best_weights = self._start.best
        self._offset = self._saved_step = self._start.step
        self._rate = math.nan
        self._started = 0.0

    @property
    def best(self) -> Epoch | None:
        """The epoch with the lowest validation loss so far."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.best), None)

    @property
    def finished(self) -> bool:
        """Whether validation has not improved for so long, or so many epochs have run, that training is over."""
        waited = len(self.epochs) - (self.best.epoch if self.best else 0)
        return waited >= self._config.patience or len(self.epochs) >= self._config.epochs

    def solved(self, model: keras.Model, loss: float, val_loss: float) -> None:
        """Take starting weights that are a solution for the first epoch: what steps make of them may be worse."""
        self.set_model(model)
        self._started, self._rate = time.perf_counter(), float(str(np.float32(self._rate_now())))
        self.on_epoch_end(0, {"loss": loss, "val_loss": val_loss})

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the time and the learning rate; in the first epoch of a resumed training, put its state back."""
        self._started = time.perf_counter()
        if self._start.arrays:  # here, because Keras has just reset the running mean of the loss
            restore(self.model, self._start.arrays, within_epoch=self._start.step > 0)
        self._offset, self._start = self._start.step, TrainingState()
        self._rate = float(str(np.float32(self._rate_now())))  # 0.001, no float32 tail

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Between two steps: save where it is due, stop where asked to (at a step's end Keras waits for its loss)."""
        keeping, step = self._keeping, self._offset + batch * self._unit
        if keeping is None:
            return
        due = keeping.every is not None and step - self._saved_step >= keeping.every
        if due or (keeping.stop.number is not None and step > self._saved_step):
            self._save(step)
        self._obey()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record, check, adapt, keep, and pass on."""
        loss, val_loss = float((logs or {})["loss"]), float((logs or {})["val_loss"])
        if not (math.isfinite(loss) and math.isfinite(val_loss)):
            raise self._diverged(f"loss {loss}, validation loss {val_loss}")
        best = val_loss < (self.best.val_loss if self.best else math.inf)
        row = Epoch(epoch + 1, loss, val_loss, self._rate, time.perf_counter() - self._started, best)
        self.epochs.append(row)
        if best:
            self.best_weights = tuple(self.model.get_weights())
            if self._on_best:
                self._on_best(self.model, row)
        if self._plateau.reached(val_loss):
            self.model.optimizer.learning_rate = self._rate_now() * self._config.lr_factor
        if self.finished:  # else a callback of the user's may have set it
            self.model.stop_training = True
        if self._keeping:
            self._save(0)
        if self._on_epoch:
            self._on_epoch(row)
        self._obey()

    def _rate_now(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def _save(self, step: int) -> None:
        arrays = capture(self.model, within_epoch=step > 0)
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise self._diverged("a weight that is none")
        self._saved_step = step
        if self._keeping:
            self._keeping.save(TrainingState(tuple(self.epochs), step, arrays, self.best_weights))

    def _obey(self) -> None:
        if self._keeping and (number := self._keeping.stop.take()) is not None:
            raise StoppedError("Training was stopped.", signal_number=number)

    def _diverged(self, received: str) -> DivergedError:
        return DivergedError(
            f"The loss must stay a finite number. Received: {received} in epoch {len(self.epochs) + 1} at learning "
            f"rate {self._rate:g}. Lower --learning-rate or set --clipnorm 5."
        )


def tensorboard(folder: Path) -> keras.callbacks.Callback:
    """Keras' callback that writes losses and the learning rate to `folder` for TensorBoard.

    Raises:
        InputError: It needs TensorFlow's writer and the package tensorboard, whatever backend computes.
    """
    absent = [name for name in ("tensorflow", "tensorboard") if not importlib.util.find_spec(name)]
    if absent:
        raise InputError(
            f"--tensorboard: what writes its files must be installed. Received: no {' and no '.join(absent)}. "
            'Run: pip install "kerasforecast[tensorboard]"'
        )
    return keras.callbacks.TensorBoard(log_dir=str(folder), write_graph=False)

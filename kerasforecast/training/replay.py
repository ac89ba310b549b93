"""A training that goes as an earlier one went: for so many steps, at the learning rates of these, with none to stop it.

So weights learn from rows that were held back before, when nothing is left to say when they have learned enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import keras
import numpy as np

from kerasforecast.errors import DivergedError, StoppedError
from kerasforecast.layers.dispatch import while_training
from kerasforecast.layers.threads import chosen_threads, in_this_thread
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.runtime.signals import Deferred
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training.feeding import Feed
from kerasforecast.training.history import History
from kerasforecast.training.run import Halfway, Kept
from kerasforecast.training.state import capture, restore
from kerasforecast.training.train import compile_model


def replay(
    model: keras.Model,
    training: TrainingSet,
    config: TrainingConfig,
    rates: Sequence[float],
    steps: int,
    *,
    levels: tuple[float, ...] = (),
    stop: Deferred | None = None,
    kept: Kept | None = None,
) -> float:
    """Train `model` in place on shuffled passes over all of `training`.

    Args:
        model: In the training role, with its starting weights.
        training: Windows and scaled targets.
        config: Optimizer, loss, batch size, seed.
        rates: The learning rate of each stretch of steps.
        steps: Of a stretch: those of an epoch of the earlier training.
        levels: Of the quantile head, if `model` has one.
        stop: Notes the signals that are to end training between two steps.
        kept: Where each stretch is saved, and which one to go on after; `None` for nowhere.

    Returns:
        The mean loss of the last stretch.

    Raises:
        DivergedError: The loss stopped being a finite number.
        StoppedError: A signal ended training.
    """
    compile_model(model, config, steps, levels)
    watch, begun = _Stretches(rates, stop, kept), 0
    if kept and kept.halfway:
        restore(model, kept.halfway.arrays, within_epoch=False)
        begun = kept.halfway.done
    passed = divmod(begun * steps, -(-len(training) // config.batch_size))  # whole passes, and steps of the next
    feed = Feed.of(model, training, config, steps)
    with while_training(), chosen_threads(model, config.batch_size) as timed, feed.to(model):
        model.fit(
            feed.items(*passed, steps, stretch=steps),
            steps_per_epoch=feed.count(steps),
            initial_epoch=begun,
            epochs=len(rates),
            callbacks=[watch, *in_this_thread(model), *timed],
            shuffle=False,  # the order is ours
            verbose=0,
        )
    if not all(np.isfinite(array).all() for array in model.get_weights()):
        raise _diverged("a weight that is none")
    return watch.loss


def rates_of(history: History) -> list[float]:
    """The learning rate of each epoch until the one whose weights were kept."""
    return [epoch.learning_rate for epoch in history.epochs[: history.best_epoch]]


def by_steps(rates: Sequence[float], steps: int) -> tuple[tuple[int, float], ...]:
    """Each rate with the number of steps in turn that it is in force: `rates` of stretches of so many `steps`."""
    return tuple((len(list(same)) * steps, rate) for rate, same in groupby(rates))


class _Stretches(keras.callbacks.Callback):
    """Sets the learning rate of each stretch, keeps what it has come to, and ends training where it must end."""

    def __init__(self, rates: Sequence[float], stop: Deferred | None, kept: Kept | None) -> None:
        super().__init__()
        self._rates, self._stop, self._kept = rates, stop, kept
        self.loss = math.nan

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.optimizer.learning_rate = self._rates[epoch]

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._stop and (number := self._stop.take()) is not None:
            raise StoppedError("Training on all rows was stopped.", signal_number=number)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.loss = float((logs or {})["loss"])
        if not math.isfinite(self.loss):
            raise _diverged(f"loss {self.loss}")
        if self._kept and epoch + 1 < len(self._rates):
            self._kept.keep_halfway(Halfway(epoch + 1, capture(self.model, within_epoch=False)))


def _diverged(received: str) -> DivergedError:
    return DivergedError(
        f"The loss must stay a finite number. Received: {received} in training on all rows, though not on the first of "
        "them. Use --final none, lower --learning-rate or set --clipnorm 5."
    )

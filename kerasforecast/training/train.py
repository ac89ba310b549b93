"""Finding the weights: `compile` and `fit` of Keras over windows gathered a batch at a time."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from kerasforecast.errors import KerasForecastError, shown
from kerasforecast.layers.dispatch import while_training
from kerasforecast.layers.fitting import WORTH_BLOCKS, block_of
from kerasforecast.layers.threads import chosen_threads, in_this_thread
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training.callbacks import Callbacks, Keeping, Watch
from kerasforecast.training.feeding import Feed
from kerasforecast.training.history import Epoch, History
from kerasforecast.training.losses import NoiseError, Pinball
from kerasforecast.training.optimizers import Adam

_EVALUATION_BATCH = 512  # PyTorch and TensorFlow hold all gates of all its rows: 25 MB for the reference model
_LOOKED_AT = 1_024  # training windows, at most, that the loss of a solution is taken of: nothing is decided by it
_OPTIMIZERS = {"adam": Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
_LOSSES = {"mse": keras.losses.MeanSquaredError, "mae": keras.losses.MeanAbsoluteError, "huber": keras.losses.Huber}


def train(
    model: keras.Model,
    training: TrainingSet,
    validation: TrainingSet,
    config: TrainingConfig,
    *,
    levels: tuple[float, ...] = (),
    solved: bool = False,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_best: Callable[[keras.Model, Epoch], None] | None = None,
    keeping: Keeping | None = None,
    feed: Feed | None = None,
    callbacks: Callbacks = (),
) -> History:
    """Train `model` in place and leave it with the weights of its best epoch.

    Args:
        model: In the training role, with its starting weights. One that is compiled already is taken as it is.
        training: Windows and scaled targets to learn from.
        validation: Those that steer early stopping and the learning rate.
        config, levels: Optimizer, loss, epochs, patience, seed; and as of `compile_model`.
        solved: Whether the starting weights are a solution, which counts as the first epoch.
        on_epoch, on_best: Called after each epoch; with the model, when the validation loss is the lowest so far.
        keeping: How to save the state, when to stop, and where to go on from.
        feed: What fed the same training until it was left; made here, where `None`.
        callbacks: Others, called after ours; each may end training by `model.stop_training`.

    Raises:
        DivergedError, StoppedError: The loss stopped being a finite number, or a signal ended training.
        KerasForecastError: A callback failed.
    """
    steps = steps_of(training, config)
    if not model.compiled:
        compile_model(model, config, steps, levels)
    feed = feed or Feed.of(model, training, config, steps, keeping.every if keeping else None)
    watch, held_back = Watch(config, on_epoch, on_best, keeping, feed.unit), _EvaluationBatches(validation)
    begun = keeping.start.step if keeping and keeping.start else 0
    with while_training(), chosen_threads(model, config.batch_size) as timed, feed.to(model):
        trainable = bool(model.trainable_variables)
        if (solved or not trainable) and not watch.epochs:
            watch.solved(model, _loss(model, _EvaluationBatches(training, _LOOKED_AT)), _loss(model, held_back))
        while trainable and not watch.finished:
            # One round, but for a training resumed within an epoch: the rest of that one is a round of its own.
            epoch = len(watch.epochs)
            with _named_culprit(callbacks):
                model.fit(
                    feed.items(epoch, begun, steps),
                    steps_per_epoch=feed.count(steps - begun),
                    initial_epoch=epoch,
                    epochs=epoch + 1 if begun else config.epochs,
                    validation_data=held_back,
                    callbacks=[watch, *in_this_thread(model), *timed, *callbacks],
                    shuffle=False,  # the order is ours
                    verbose=0,
                )
            begun = 0
            if model.stop_training:  # by us or by a callback
                break
    model.set_weights(watch.best_weights)
    return History(tuple(watch.epochs), _best(watch), trainable and len(watch.epochs) < config.epochs)


def _best(watch: Watch) -> int:
    if watch.best is None:  # the first epoch is the best so far
        raise RuntimeError("Keras ended training without an epoch.")
    return watch.best.epoch


def steps_of(training: TrainingSet, config: TrainingConfig) -> int:
    """Optimizer steps of an epoch."""
    return config.steps_per_epoch or -(-len(training) // config.batch_size)


@contextlib.contextmanager
def _named_culprit(callbacks: Callbacks) -> Iterator[None]:
    """Have what one of `callbacks` raises end in one line that names it."""
    try:
        yield
    except Exception as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        owners = [frame.f_locals.get("self") for frame in frames]
        culprit = next((each for each in callbacks if any(owner is each for owner in owners)), None)
        if culprit is None:
            raise
        raise KerasForecastError(
            f"A callback must not fail. Received: {type(error).__name__} from {type(culprit).__name__}: "
            f"{shown(str(error), 200)}. Correct it, or leave it out."
        ) from error


def compile_model(model: keras.Model, config: TrainingConfig, steps: int = 1, levels: tuple[float, ...] = ()) -> None:
    """Give `model` the optimizer and loss of `config`.

    Args:
        model: In the training role.
        config: Optimizer, its options, loss.
        steps: Of an epoch. TensorFlow runs them in blocks, which saves a fifth of the time of a small network.
        levels: Of the quantile head, if `model` has one: the loss is then the pinball loss.
    """
    optimizer = _OPTIMIZERS[config.optimizer](learning_rate=config.learning_rate, global_clipnorm=config.clipnorm)
    # The mean over the windows that count: the padding of an epoch's last batch has weight 0.
    loss = loss_of(model, config, levels)
    blocks = keras.backend.backend() == "tensorflow" and steps * config.epochs >= WORTH_BLOCKS
    model.compile(optimizer=optimizer, loss=loss, steps_per_execution=block_of(steps) if blocks else 1)
    optimizer.build(model.trainable_variables)  # else TensorFlow traces a step twice: once to make its variables


def loss_of(model: keras.Model, config: TrainingConfig, levels: tuple[float, ...]) -> keras.losses.Loss:
    """The loss of a network: of its quantiles, of the noise that it predicts `(B, M, H)`, or of points as asked for."""
    if levels:
        return Pinball(levels)
    if len(model.output.shape) == 3:
        return NoiseError()
    return _LOSSES[config.loss](reduction="mean_with_sample_weight")


def _loss(model: keras.Model, batches: _EvaluationBatches) -> float:
    """The loss of a compiled model, scaled units."""
    return float(model.evaluate(batches, verbose=0, return_dict=True)["loss"])


class _EvaluationBatches(keras.utils.PyDataset):
    """Windows in order, in large batches, as training batches are. Finite, so that a block of steps ends with it.

    All are of one size, as XLA compiles a network anew for each: batches share the windows out evenly, and one that has
    one window fewer than others is filled up with another, of weight 0.

    Args:
        windows: N of them.
        most: Windows to take, evenly spread, where there are more; `None` for all.
    """

    def __init__(self, windows: TrainingSet, most: int | None = None) -> None:
        super().__init__()
        self._windows = windows
        indices = evenly(len(windows), most or len(windows))
        self._batches = np.array_split(indices, -(-len(indices) // _EVALUATION_BATCH))

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        own, size = self._batches[number], len(self._batches[0])
        batch = self._windows.fed(np.resize(own, size), (7, number))  # drawn alike each time: epochs are compared
        even = size == len(self._batches[-1])
        return batch if even else (*batch, (np.arange(size) < len(own)).astype(np.float32))

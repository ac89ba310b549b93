"""What trains in the races: our layers, Keras' own, and the plain PyTorch loop, on the same work."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from contest import Seconds, Stopwatch

LOOP = ("pytorch loop, 1 thread", "pytorch loop, 2 threads")
LOOP_CELLS = ("lstm", "gru")  # what PyTorch has of what is raced
CELLS = (*LOOP_CELLS, "peephole", "coupled")


@dataclass(frozen=True)
class Work:
    """Epochs of the reference model, unless told otherwise.

    Attributes:
        cell: One of `CELLS`. windows: How many. length: Rows of each. batch: Windows a step. units: Of each layer.
        steps: Of an epoch; all windows where None.
    """

    cell: str = "lstm"
    windows: int = 1_440
    length: int = 60
    batch: int = 32
    units: int = 50
    steps: int | None = None

    @property
    def all_steps(self) -> int:
        """Steps of an epoch over all windows."""
        return self.windows // self.batch

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Windows `(N, L, 1)`, a view on one series, and targets `(N, 1)`, float32, scaled."""
        series = np.random.default_rng(0).normal(size=self.windows + self.length).astype(np.float32)
        x = np.lib.stride_tricks.sliding_window_view(series[:-1], self.length)[:, :, None]
        return x, series[self.length :, None]


def trainer(name: str, work: Work) -> Callable[[], Seconds]:
    """A function that trains one epoch and says how long it took.

    Args:
        name: One of `LOOP`, or of what begins with "ours" or "keras".
        work: What to train on.
    """
    if name in LOOP:
        return _loop(1 + LOOP.index(name), work)
    return _keras(name.startswith("ours"), work)


def _loop(threads: int, work: Work) -> Callable[[], Seconds]:
    import torch
    from pytorch_loop import Loop

    torch.set_num_threads(threads)
    x, y = work.arrays()
    loop = Loop(np.ascontiguousarray(x), y, work.batch, work.units, work.cell)

    def epoch() -> Seconds:
        watch = Stopwatch()
        loop.epoch(work.steps)
        return watch.seconds()

    return epoch


def _keras(ours: bool, work: Work) -> Callable[[], Seconds]:
    """Epochs by `fit`, as `kerasforecast.training.train` runs it."""
    from kerasforecast.runtime.memory import one_arena

    if ours:  # as the command does, before a backend starts its threads
        one_arena()
    import keras

    from kerasforecast.layers import while_training
    from kerasforecast.preprocessing.batch import TrainingSet
    from kerasforecast.preprocessing.windows import Samples
    from kerasforecast.training.train import training_batches

    x, y = work.arrays()
    steps = work.steps or work.all_steps
    model = _ours(work, steps) if ours else _stock(keras, work)
    if ours:  # until the process ends, as `train` does for all its epochs
        held = ExitStack()
        held.enter_context(while_training())
        atexit.register(held.close)
    batches = training_batches(TrainingSet(Samples(x, y), y), work.batch, seed=0)

    class Timed(keras.callbacks.Callback):
        """The epoch alone, without what `fit` does around it once."""

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.watch = Stopwatch()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            self.took = self.watch.seconds()

    def epoch() -> Seconds:
        timed = Timed()
        model.fit(batches, steps_per_epoch=steps, epochs=1, callbacks=[timed], verbose=0, shuffle=False)
        return timed.took

    return epoch


def _ours(work: Work, steps: int) -> Any:
    from kerasforecast.models.network import build, initialise
    from kerasforecast.preprocessing.scaling import FittedScaling
    from kerasforecast.sections.network import NetworkConfig
    from kerasforecast.sections.training import TrainingConfig
    from kerasforecast.training.train import compile_model

    network = NetworkConfig(model=work.cell, scaling="none", window=work.length, units=work.units)
    plain = FittedScaling(kind="none", transforms=("linear",), offset=(0.0,), scale=(1.0,))
    model = build(network, plain, "training")
    initialise(model, network, 0)
    compile_model(model, TrainingConfig(), steps)
    return model


def _stock(keras: Any, work: Work) -> Any:
    from kerasforecast.layers import CoupledLSTMCell, PeepholeLSTMCell

    layers = keras.layers
    recurrent = {
        "lstm": layers.LSTM,
        "gru": layers.GRU,
        "peephole": lambda units, **options: layers.RNN(PeepholeLSTMCell(units), **options),
        "coupled": lambda units, **options: layers.RNN(CoupledLSTMCell(units), **options),
    }[work.cell]
    model = keras.Sequential(
        [
            keras.Input((work.length, 1)),
            recurrent(work.units, return_sequences=True),
            layers.Dropout(0.2),
            recurrent(work.units),
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model

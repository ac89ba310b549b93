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
        name: One of `LOOP`, or of what begins with "ours" (`kerasforecast fit`), "keras" (its own layers and `fit`),
            "layers" (our recurrent ones in Keras' `fit`) or "fast_fit" (those and our dropout in our `fast_fit`).
        work: What to train on.
    """
    if name in LOOP:
        return _loop(1 + LOOP.index(name), work)
    kind = name.split()[0]
    return _layers(kind, work) if kind in ("layers", "fast_fit") else _keras(kind == "ours", work)


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
    from kerasforecast.layers.threads import in_this_thread
    from kerasforecast.preprocessing.batch import TrainingSet
    from kerasforecast.preprocessing.windows import Samples
    from kerasforecast.training.feeding import training_batches

    x, y = work.arrays()
    steps = work.steps or work.all_steps
    model = _ours(work, steps) if ours else _stock(keras, work)
    if ours:  # until the process ends, as `train` does for all its epochs
        held = ExitStack()
        held.enter_context(while_training())
        atexit.register(held.close)
    batches = training_batches(TrainingSet(Samples(x, y), y), work.batch, seed=0)

    def epoch() -> Seconds:
        timed = _timed(keras)
        told = [timed, *(in_this_thread(model) if ours else ())]
        model.fit(batches, steps_per_epoch=steps, epochs=1, callbacks=told, verbose=0, shuffle=False)
        return timed.took

    return epoch


def _layers(kind: str, work: Work) -> Callable[[], Seconds]:
    """Epochs of a model that somebody has made of our layers, fed with arrays."""
    import keras

    from kerasforecast.layers import fast_fit

    x, y = work.arrays()
    model, fit = _stock(keras, work, kind), fast_fit if kind == "fast_fit" else keras.Model.fit
    timed = _timed(keras)
    # On TensorFlow a training as long as this goes in blocks; the time is its last epoch's.
    blocks = kind == "fast_fit" and keras.backend.backend() == "tensorflow"
    epochs = -(-500 // work.all_steps) if blocks else 1

    def epoch() -> Seconds:
        fit(model, x, y, batch_size=work.batch, epochs=epochs, callbacks=[timed], verbose=0)
        return timed.took

    return epoch


def _timed(keras: Any) -> Any:
    """A callback that takes the time of the last epoch, without what `fit` does around it once."""

    class Timed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.watch = Stopwatch()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            self.took = self.watch.seconds()

    return Timed()


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


def _stock(keras: Any, work: Work, kind: str = "keras") -> Any:
    """The network as anyone would write it: of Keras' own layers, or of ours as the `kind` of contestant has them."""
    from kerasforecast.layers import GRU, LSTM, CoupledLSTM, CoupledLSTMCell, Dropout, PeepholeLSTM, PeepholeLSTMCell

    layers = keras.layers
    recurrent = {
        "lstm": layers.LSTM,
        "gru": layers.GRU,
        "peephole": lambda units, **options: layers.RNN(PeepholeLSTMCell(units), **options),
        "coupled": lambda units, **options: layers.RNN(CoupledLSTMCell(units), **options),
    }[work.cell]
    if kind != "keras":
        recurrent = {"lstm": LSTM, "gru": GRU, "peephole": PeepholeLSTM, "coupled": CoupledLSTM}[work.cell]
    dropout = Dropout if kind == "fast_fit" else layers.Dropout
    model = keras.Sequential(
        [
            keras.Input((work.length, 1)),
            recurrent(work.units, return_sequences=True),
            dropout(0.2),
            recurrent(work.units),
            dropout(0.2),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model

"""How far a network remembers: gradients on their way into the past, and a task that a plain RNN fails.

A gradient that passes t rows of a plain RNN is multiplied t times by much the same matrix, so it vanishes or explodes
(Bengio, Simard & Frasconi 1994); an LSTM's and a GRU's pass through a gate that may stay open (Hochreiter & Schmidhuber
1997). Here its size is measured: of the next step's forecast, by each row of the scaled window. The task is that of
recalling, at the end of a window of random numbers, the one that was marked so many rows before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.explain.inside import weights_of
from kerasforecast.forecasting.outside import scaled, unscaled
from kerasforecast.models.families.recurrent import RecurrentOptions
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.windows import Samples, Windows
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.training import TrainingConfig

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

CELLS = ("rnn", "lstm", "gru")
_WINDOWS = 64  # whose gradients are averaged
_STEPS, _EPOCHS = 60, 5  # of a training on the series
_VALIDATED = 256
_FADED = 0.01  # of the largest gradient

RECALLED = (20, 60)  # rows of the windows of the task
_TASK_UNITS, _TASK_WINDOWS, _TASK_EPOCHS, _TASK_RATE = 16, 6_000, 15, 0.01
_HELD = 0.1  # share of the error of guessing the mean, below which a value counts as recalled

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Fading:
    """The size of the gradient of a forecast by each row.

    Attributes:
        name: Whose, e.g. `"this model"`, `"lstm trained"`.
        sizes: `(L,)` mean norms over windows, the last row last, in scaled units.
    """

    name: str
    sizes: np.ndarray

    @property
    def reach(self) -> int:
        """How many rows back the gradient is still a hundredth of its largest."""
        there = np.flatnonzero(self.sizes >= _FADED * self.sizes.max())
        return int(len(self.sizes) - there[0]) if self.sizes.max() > 0 else 0


@dataclass(frozen=True, eq=False)
class Recall:
    """How well networks recall a marked value.

    Attributes:
        rows: Of the windows: the value was marked in any of them.
        errors: Squared error as a share of that of guessing the mean, by cell: over all windows, and over those whose
            value was marked in the first quarter of them.
        slopes: `(L,)` by cell, how much the answer changes with the marked value, by the row it lies in: 1 where it is
            recalled, 0 where it is lost. Mean over windows, NaN where none has its mark.
        seconds: What the trainings took.
    """

    rows: int
    errors: dict[str, tuple[float, float]]
    slopes: dict[str, np.ndarray]
    seconds: float

    def held(self, cell: str) -> bool:
        """Whether a cell recalls what lies farthest back."""
        return self.errors[cell][1] < _HELD


@dataclass(frozen=True, eq=False)
class Memory:
    """What `--memory` measures."""

    fading: tuple[Fading, ...]
    recall: tuple[Recall, ...]
    units: int
    layers: int


def memory_of(predictor: Predictor, config: Config, panel: Panel, say: Say = lambda _: None) -> Memory:
    """Gradients of the model and of RNN, LSTM and GRU of its size on the same series, and the task.

    Args:
        predictor: Of the model.
        config: Of its fit.
        panel: What it was trained on, or other rows of the same columns.
        say: Told what goes on.
    """
    from kerasforecast.forecasting.fitting import Fitting, scaled_member, training_sets
    from kerasforecast.models.network import merged_weights

    options = predictor.members[0].network.options
    size = {"units": 32, "layers": 1}
    if isinstance(options, RecurrentOptions):
        size = {"units": options.units, "layers": options.layers}
    split = split_panel(panel, config.split, config.network, config.steps)
    found = []
    for cell in CELLS:
        say(f"Training a {cell} of the same size for its gradients")
        network = NetworkConfig(
            model=cell, window=predictor.members[0].network.window, horizon=predictor.horizon,
            scaling=config.network.scaling, options=size,
        )  # fmt: skip
        member = scaled_member(network, panel, replace(split, window=network.window))
        training, held = training_sets(member, panel, replace(split, window=network.window))
        settings = TrainingConfig(
            epochs=_EPOCHS, steps_per_epoch=_STEPS, patience=_EPOCHS, seed=config.training.seed, clipnorm=5.0
        )
        fitting = Fitting(member, settings, training, _few(held, _VALIDATED))
        start, sample = merged_weights(fitting.network), _few(held, _WINDOWS).windows
        found += [
            Fading(f"{cell} at start", _sizes(member, start, sample)),
            Fading(f"{cell} trained", _sizes(member, fitting.train().weights, sample)),
        ]
    members = predictor.members
    own = [
        Fading(
            "this model" if len(members) == 1 else f"this model, member {place + 1}",
            _sizes(member, weights_of(predictor, place), replace(sample, window=member.network.window)),
        )
        for place, member in enumerate(members)
    ]
    return Memory((*own, *found), tuple(recall(rows, say) for rows in RECALLED), **size)


def recall(rows: int, say: Say = lambda _: None) -> Recall:
    """Train RNN, LSTM and GRU to recall, at the end of a window, the value that was marked in it."""
    from kerasforecast.forecasting.fitting import Fitting

    training, held = _task(rows, _TASK_WINDOWS, 1), _task(rows, 1_000, 2)
    scaling, begun = unscaled(2), time.perf_counter()
    errors, slopes = {}, {}
    for cell in CELLS:
        say(f"Training a {cell} to recall a value among {rows} rows")
        options = {"units": _TASK_UNITS, "layers": 1, "dropout": 0.0}
        member = Member(
            network=NetworkConfig(model=cell, window=rows, horizon=1, scaling="none", options=options), scaling=scaling
        )
        settings = TrainingConfig(
            epochs=_TASK_EPOCHS, patience=_TASK_EPOCHS, batch_size=64, learning_rate=_TASK_RATE, clipnorm=1.0
        )
        trained = Fitting(member, settings, training.training_set(scaling), held.training_set(scaling)).train()
        wrong = (trained.predictor.predict(held.windows)[:, 0] - held.following[:, 0]) ** 2
        far = held.windows[:, : rows // 4, 1].any(axis=1)
        guess = float(np.var(held.following))
        errors[cell] = float(np.mean(wrong)) / guess, float(np.mean(wrong[far])) / guess
        slopes[cell] = _slopes(trained.predictor, held.windows)
    return Recall(rows, errors, slopes, time.perf_counter() - begun)


def _slopes(predictor: Predictor, windows: np.ndarray) -> np.ndarray:
    """`(L,)` the mean gradient of the answer by the marked value, by the row of the mark."""
    found = predictor.gradients(windows, np.ones((len(windows), 1))).past[:, :, 0].astype(np.float64)
    marked = windows[:, :, 1] == 1
    counts = marked.sum(axis=0)
    return np.where(counts > 0, np.where(marked, found, 0.0).sum(axis=0) / np.maximum(counts, 1), np.nan)


def _task(rows: int, count: int, seed: int) -> Samples:
    """Windows `(N, L, 2)` of random values and a mark, and the marked value of each."""
    random = np.random.default_rng([seed, rows])
    windows = np.zeros((count, rows, 2))
    windows[:, :, 0] = random.uniform(-1, 1, (count, rows))
    marked = random.integers(0, rows, count)
    windows[np.arange(count), marked, 1] = 1
    return Samples(windows, windows[np.arange(count), marked, :1].copy())


def _sizes(member: Member, weights: Any, windows: Windows) -> np.ndarray:
    """`(L,)` the mean norm of the next step's gradient by each scaled row."""
    from kerasforecast.forecasting.predictor import Predictor

    network = Member(
        network=member.network, scaling=unscaled(member.scaling.channels), covariates=member.covariates.unscaled
    )
    alone = Predictor([network], weights)
    batch: WindowBatch = scaled(member, windows.batch())
    first = np.zeros((len(batch), alone.horizon), np.float32)
    first[:, 0] = 1
    slopes = alone.gradients(batch, first).past.astype(np.float64)
    return np.asarray(np.sqrt((slopes**2).sum(axis=2)).mean(axis=0))


def _few(held: TrainingSet[Windows], most: int) -> TrainingSet[Windows]:
    kept = evenly(len(held), most)
    return TrainingSet(replace(held.windows, origins=held.windows.origins[kept]), held.targets[kept])

"""How training is given its windows: gathered in Python a batch at a time, or where the network computes, in blocks.

A step of a small network computes for less than a millisecond, and a batch gathered in Python with Keras' step around
it take several times that. So where the rows fit in memory they lie with the network as one array, Keras is given
blocks of steps, each no more than the places of its windows, and the backend gathers and steps through a block by
itself. Recurrent networks, whose loops over time take far longer than all this, are given batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import keras
import numpy as np

from kerasforecast.layers import kernels
from kerasforecast.layers.fitting import LONGEST_BLOCK
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.windows import Windows
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training.order import BySeries, passes

_HELD = 10_000_000  # values of rows and of targets that may lie with the network
_BLOCK = 2**27  # parameters times windows of a block: some tenths of a second, after which callbacks are heard
_LOOPS = (keras.layers.RNN, keras.layers.Bidirectional)

Step = tuple[np.ndarray, np.ndarray | None, tuple[int, ...]]  # windows, how much each counts, key of what is drawn


def training_steps(
    training: TrainingSet, batch_size: int, seed: int, epoch: int = 0, step: int = 0, steps: int | None = None
) -> Iterator[Step]:
    """Which windows each step takes, epoch after epoch without end; arguments as of `training_batches`.

    Yields:
        Indices `(b,)`; weights `(b,)` where batches do not fill an epoch evenly, else `None`; the step's key.
    """
    count = len(training)
    whole = -(-count // batch_size)  # steps of one pass, whose last batch may be filled up
    used = count if steps is None or steps == whole else steps * batch_size
    even = used % batch_size == 0
    by_series = None if training.owners is None else BySeries(training.owners)
    while True:
        order = by_series.drawn(used, seed, epoch) if by_series else passes(count, used, seed, epoch)
        for start in range(step * batch_size, used, batch_size):
            indices = order[start : start + batch_size]
            weights = (np.arange(batch_size) < len(indices)).astype(np.float32)
            yield np.resize(indices, batch_size), None if even else weights, (seed, 6, epoch, start // batch_size)
        epoch, step = epoch + 1, 0


def training_batches(
    training: TrainingSet, batch_size: int, seed: int, epoch: int = 0, step: int = 0, steps: int | None = None
) -> Iterator[tuple[Any, ...]]:
    """Shuffled batches of epoch after epoch without end, all of one size: XLA compiles a training step per shape.

    The first is that of `step` (from 0) in `epoch` (from 0). An epoch has `steps`, or as many as all windows fill.

    Yields:
        Inputs and answers as `TrainingSet.fed` gives them, float32; what is drawn follows from seed, epoch and step.
        Where batches do not fill an epoch evenly the last one is filled up with its own windows, and all carry weights
        `(b,)`: 0 for what was filled up, else 1.
    """
    for indices, weights, key in training_steps(training, batch_size, seed, epoch, step, steps):
        batch = training.fed(indices, key)
        yield batch if weights is None else (*batch, weights)


@dataclass(frozen=True, eq=False)
class Feed:
    """What `fit` of Keras is given to train a network, and how many steps each item of it is.

    Attributes:
        training: Windows and scaled targets.
        config: Size of a batch, seed.
        unit: Steps in an item, but for the last of an epoch: 1 where items are batches.
        held: Whether items are blocks of steps whose windows are gathered where the network computes.
        functions: What `fit` calls, by Keras' names, once it was made: a training that goes on compiles nothing anew.
    """

    training: TrainingSet
    config: TrainingConfig
    unit: int = 1
    held: bool = False
    functions: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        model: keras.Model,
        training: TrainingSet,
        config: TrainingConfig,
        steps: int,
        every: int | None = None,
    ) -> Feed:
        """How to feed `model`, compiled: in blocks where that gains and the rows fit in memory.

        Args:
            steps: Of an epoch.
            every: Steps between two states that are kept, where that is asked for.
        """
        if not _may_be_held(training) or not _gains(model):
            return cls(training, config)
        unit = _BLOCK // (model.count_params() * config.batch_size + 1)
        return cls(training, config, max(1, min(LONGEST_BLOCK, steps, unit, every or steps)), held=True)

    def count(self, steps: int) -> int:
        """Items that hold so many steps."""
        return -(-steps // self.unit)

    def items(self, epoch: int, step: int, steps: int, stretch: int | None = None) -> Iterator[tuple[Any, ...]]:
        """What to give `fit` from `step` in `epoch` on, without end.

        Args:
            steps: Of an epoch.
            stretch: Steps of what `fit` counts as an epoch, where that is another than those that windows pass in.
        """
        config, order = self.config, None if stretch else steps
        given = self.training, config.batch_size, config.seed, epoch, step, order
        if not self.held:
            return training_batches(*given)
        return self._blocks(training_steps(*given), stretch or steps - step, stretch or steps)

    @contextmanager
    def to(self, model: keras.Model) -> Iterator[None]:
        """While the context lasts `fit` of `model` takes these items."""
        if not self.held:
            yield
            return
        _build_loss(model, self.training)
        windows, module = self.training.windows, kernels.load(keras.backend.backend())
        if not self.functions:
            train = module.blocks(model, self._arrays(), windows.window, windows.reach)
            self.functions.update(train_function=train, test_function=None)  # Keras makes it where there is none
        before = {name: getattr(model, name) for name in ("steps_per_execution", *self.functions)}
        _set(model, {"steps_per_execution": 1, **self.functions})
        try:
            yield
        finally:
            self.functions["test_function"] = model.test_function
            _set(model, before)

    @cached_property
    def _mirrored(self) -> bool:
        return self.training.windows.mirrored

    def _arrays(self) -> dict[str, np.ndarray]:
        """What lies with the network: rows and targets, filled up, so that XLA compiles a few lengths alone."""
        panel = self.training.windows.panel
        split = len(panel.past_columns)
        arrays = {"past": panel.float32[:, :split], "targets": np.asarray(self.training.targets, np.float32)}
        if panel.known_columns:
            arrays["known"] = panel.float32[:, split:]
        if panel.static is not None:
            arrays["static"] = np.asarray(panel.static, np.float32)
        return {name: _filled_up(array) for name, array in arrays.items()}

    def _blocks(self, steps: Iterator[Step], first: int, stretch: int) -> Iterator[tuple[dict[str, Any]]]:
        """Blocks of `steps`, none across the end of a stretch; the first stretch may be shorter."""
        left = first
        while True:
            taken = list(islice(steps, min(self.unit, left)))
            left = left - len(taken) or stretch
            yield (self._block(taken),)

    def _block(self, steps: list[Step]) -> dict[str, Any]:
        """A block of `unit` steps; where there are fewer, `count` says how many of them are to be made."""
        training, windows = self.training, self.training.windows
        indices = np.stack([step[0] for step in steps])  # (k, B)
        origins = windows.origins[indices]
        block = {"indices": indices, "begins": origins - (windows.window - 1)}
        if self._mirrored:
            rows = windows.rows(indices.ravel())
            block["rows"] = rows.reshape(*indices.shape, -1)  # (k, B, L + H)
        if windows.panel.static is not None:
            block["owners"] = windows.panel.places(origins)
        block = {name: array.astype(np.int32) for name, array in block.items()}
        weights = [each for _, each, _ in steps if each is not None]
        if weights:
            block["weights"] = np.stack(weights)
        if training.drawing is not None:
            drawn = [training.drawing(training.targets[each], key) for each, _, key in steps]
            block["drawn"], block["answers"] = (
                keras.tree.map_structure(lambda *parts: np.stack(parts), *part) for part in zip(*drawn, strict=True)
            )
        missing = self.unit - len(steps)
        block = keras.tree.map_structure(lambda array: _longer(array, missing), block)
        return block | {"count": np.array([len(steps)], np.int32)}


def _may_be_held(training: TrainingSet) -> bool:
    """Whether windows are rows of a panel that, with their targets, takes little memory."""
    windows, targets = training.windows, training.targets
    return (
        isinstance(windows, Windows)
        and isinstance(targets, np.ndarray)
        and max(windows.panel.values.size, targets.size) <= _HELD
    )


def _gains(model: keras.Model) -> bool:
    """Whether `model` has weights, no loop over time, and is trained on one device, in 32 bits, by Keras' own step."""
    return (
        kernels.load(keras.backend.backend()) is not None
        and keras.distribution.distribution() is None
        and bool(model.trainable_variables)
        and not model.run_eagerly
        and [metric.name for metric in model.metrics] in ([], ["loss"])
        and not any(isinstance(layer, _LOOPS) for layer in _layers(model))
    )


def _layers(model: Any) -> Iterator[Any]:
    """The layers of `model`, and those of models within it."""
    for layer in model.layers:
        yield layer
        yield from _layers(layer) if isinstance(layer, keras.Model) else ()


def _build_loss(model: keras.Model, training: TrainingSet) -> None:
    """Have Keras make ready the loss, which it does else on what `fit` is given first, and that is no batch here."""
    _, answers = training.fed(np.zeros(1, np.int64), (0, 0, 0, 0))
    given = np.zeros((1, *model.output.shape[1:]), np.float32)
    y, y_pred = (keras.ops.convert_to_tensor(array) for array in (answers, given))
    model.compute_loss(x=None, y=y, y_pred=y_pred)


def _set(model: keras.Model, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(model, name, value)


def _filled_up(array: np.ndarray) -> np.ndarray:
    """`array` `(n, ...)` with zeros after it, up to a power of two."""
    return _longer(array, 2 ** max(len(array) - 1, 0).bit_length() - len(array))


def _longer(array: np.ndarray, by: int) -> np.ndarray:
    return np.concatenate([array, np.zeros((by, *array.shape[1:]), array.dtype)]) if by else array

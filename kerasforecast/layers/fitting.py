"""`fit` of anyone's Keras model, with what this package's own training does around its steps and within them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from kerasforecast.layers import kernels
from kerasforecast.layers.direct import DirectGraph, direct_graph
from kerasforecast.layers.dispatch import log, while_training
from kerasforecast.layers.threads import chosen_threads, in_this_thread

LONGEST_BLOCK = 128  # steps; what waits for the end of a step waits for the end of a block
WORTH_BLOCKS = 500  # steps of a training: to trace a block takes a second, and it saves some milliseconds a step

_BATCH = 32  # Keras' own, where nobody names one


def fast_fit(model: keras.Model, *args: Any, **kwargs: Any) -> keras.callbacks.History:
    """`model.fit(...)` of any compiled Keras model, faster on a CPU; the weights are those that `fit` finds.

    On PyTorch, which computes eagerly, a step of a functional or sequential model goes straight to the computation of
    each layer, past the checks that Keras makes around every call, and a small network is trained by one thread, as
    its pieces are too short to share (`OMP_NUM_THREADS`, where it is set, decides). On TensorFlow steps run in blocks
    as long as divide an epoch, as with `steps_per_execution`, where a training of 500 steps or more gains by that;
    callbacks then hear of the end of each block. Afterwards the model is as it was. On every backend
    `while_training` holds meanwhile, and on a CPU Keras' bookkeeping after each step, which on JAX and PyTorch it hands
    to a second thread, stays in the first. A model with a `train_step` of its own is trained by that.

    Args:
        model: Compiled. It need not have layers of this package.
        *args: What `model.fit` takes, by place.
        **kwargs: What `model.fit` takes, by name.

    Returns:
        What `model.fit` returns.

    Raises:
        TypeError: An argument that `model.fit` does not take.

    Example:
        >>> import keras, numpy as np
        >>> from kerasforecast.layers import LSTM, fast_fit
        >>> model = keras.Sequential([keras.Input((30, 1)), LSTM(8), keras.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> x = np.random.default_rng(0).normal(size=(64, 30, 1)).astype("float32")
        >>> history = fast_fit(model, x, x.mean(axis=1), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
    """
    given = inspect.signature(model.fit).bind(*args, **kwargs)
    given.apply_defaults()
    asked = given.arguments
    batch = asked["batch_size"] or _given_size(asked["x"]) or _BATCH
    with (
        while_training(),
        chosen_threads(model, batch, "OMP_NUM_THREADS=") as timed,
        _straight_steps(model),
        _blocks(model, asked, batch),
    ):
        if not isinstance(asked["callbacks"], keras.callbacks.CallbackList):
            asked["callbacks"] = [*in_this_thread(model), *timed, *keras.tree.flatten(asked["callbacks"] or [])]
        return model.fit(*given.args, **given.kwargs)


def _given_size(x: Any) -> int | None:
    """Windows in a batch of what comes in batches and says so, as PyTorch's `DataLoader` does."""
    size = getattr(x, "batch_size", None)
    return size if isinstance(size, int) else None


def block_of(steps: int) -> int:
    """The longest block that divides an epoch: Keras runs whole ones, even past the epoch's end."""
    return max(block for block in range(1, min(steps, LONGEST_BLOCK) + 1) if steps % block == 0)


@contextmanager
def _blocks(model: keras.Model, asked: dict[str, Any], batch: int) -> Iterator[None]:
    """While the context lasts TensorFlow runs as many steps at once as divide an epoch of what is `asked` for."""
    block = 1
    if keras.backend.backend() == "tensorflow" and not model.run_eagerly and asked["validation_steps"] is None:
        steps = _steps(asked, batch)
        if steps is not None and steps * (asked["epochs"] - asked["initial_epoch"]) >= WORTH_BLOCKS:
            block = block_of(steps)
    if block == 1 or model.steps_per_execution != 1:
        yield
        return
    log.debug("%s: blocks of %d steps", model.name, block)
    before = {name: getattr(model, name) for name in ("train_function", "test_function", "predict_function")}
    _set(model, steps_per_execution=block, **dict.fromkeys(before))  # Keras makes functions anew where there are none
    try:
        yield
    finally:
        _set(model, steps_per_execution=1, **before)


def _set(model: keras.Model, **values: Any) -> None:
    for name, value in values.items():
        setattr(model, name, value)


def _steps(asked: dict[str, Any], batch: int) -> int | None:
    """Steps of an epoch, where they are known beforehand."""
    if asked["steps_per_epoch"] is not None:
        return int(asked["steps_per_epoch"])
    first: Any = next(iter(keras.tree.flatten(asked["x"])), None)
    if getattr(first, "shape", None):
        split = 0.0 if asked["validation_data"] is not None else asked["validation_split"] or 0.0
        return -(-int(np.floor(len(first) * (1.0 - split))) // batch)
    try:
        return len(first)  # of batches, as `PyDataset` and `tf.data.Dataset` count them
    except TypeError:
        return None


@contextmanager
def _straight_steps(model: keras.Model) -> Iterator[None]:
    """While the context lasts the steps of `model` are `_Straight`, on PyTorch, where they are Keras' own."""
    kind = type(model)
    own = all(getattr(kind, name) is getattr(keras.Model, name) for name in ("train_step", "compute_loss", "metrics"))
    fitting = own and model.compiled and not model.jit_compile and bool(model.trainable_variables or not model.built)
    if keras.backend.backend() != "torch" or not fitting:
        yield
        return
    model.train_step = _Straight(model)  # `fit` calls it by this name
    try:
        yield
    finally:
        del model.train_step


class _Straight:
    """Keras' training step on PyTorch with a direct graph in place of the call of the model, where there is one."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._forward: DirectGraph | None = None
        self._tried = False

    def __call__(self, data: Any) -> dict[str, Any]:
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        if first := not self._tried:
            self._tried, self._forward = True, self._graph(x)
        if self._forward is None:
            return keras.Model.train_step(self._model, data)
        windows = len(keras.tree.flatten(x)[0])
        told = kernels.load("torch").straight_step(self._model, self._forward, x, y, weights, windows)
        if first and self._model.losses:  # added in training alone: Keras takes the last step's away before the next
            self._forward = None
        return told

    def _graph(self, x: Any) -> DirectGraph | None:
        graph = direct_graph(self._model, x, training=True)
        if graph is not None and self._model.losses:  # those of outputs too, since Keras has just computed some
            log.debug("%s: Keras' training step (regularisers)", self._model.name)
            return None
        return graph

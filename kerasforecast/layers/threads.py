"""Which threads train a network: on PyTorch, where nobody has said, never so many that they wait for each other.

PyTorch cuts every operation into pieces, one a thread, and waits for the slowest. Where another program has the core of
one of them it waits for that program, at each of the hundreds of operations of a step: epochs of a second took 40 to
200. So a small network, which gains little from a second thread, is trained with one. For a larger one both ways are
tried for a few steps; when steps become far slower later on, both are tried again. JAX and TensorFlow hand work to
threads that sleep in between, which a busy machine slows down no more than any program.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator

import keras

from kerasforecast.errors import addressed
from kerasforecast.layers import kernels

log = logging.getLogger("kerasforecast")

# Parameters times windows of a step. Up to here a second thread gains at most a fifth, mostly nothing, even where it
# has a core of its own: the pieces of one operation are too short.
SMALL = 2**23
_TRIED = 5  # steps of each way
_WATCHED = 20  # steps between two looks at the clock
_FAR_SLOWER = 3.0  # times what a step took when both ways were tried
_SHORTEST = 0.5  # seconds of watched steps: less is no harm, whatever its cause


@contextlib.contextmanager
def chosen_threads(
    model: keras.Model, batch_size: int, asked_by: str = "--threads "
) -> Iterator[list[keras.callbacks.Callback]]:
    """Compute with a number of threads that suits the work, and afterwards with as many as before.

    Args:
        model: About to be trained.
        batch_size: Windows in one step.
        asked_by: How the user can ask for a number of threads, up to that number.

    Yields:
        Keras callbacks for the training; none on another backend, on a GPU, or where the user chose
        (`OMP_NUM_THREADS`, which `--threads` sets).
    """
    backend = keras.backend.backend()
    module = kernels.load(backend)
    before = module.threads() if backend == "torch" and "OMP_NUM_THREADS" not in os.environ else 1
    if before == 1 or not all(module.on_cpu(variable.value) for variable in model.trainable_variables[:1]):
        yield []
        return
    small = model.built and model.count_params() * batch_size <= SMALL
    try:
        module.set_threads(1 if small else before)
        yield [] if small else [Trial(before, module.set_threads, asked_by=asked_by)]
    finally:
        module.set_threads(before)


class SameThread(keras.callbacks.Callback):
    """Has Keras tell of the end of each step in the thread that computes.

    Where no callback asks for the end of a step Keras hands even its own bookkeeping to a second thread, step by step
    (not on TensorFlow).
    Python lets one of the two run at a time, and on a CPU the way there and back can take longer than a small
    network's step, above all where other programs wait for the processor too.
    """

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Nothing: that it is there is what Keras looks for."""

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The same in validation."""


def in_this_thread(model: keras.Model) -> list[keras.callbacks.Callback]:
    """Keras callbacks by which a training of `model` keeps to one thread of Python; none where no CPU computes it.

    A GPU is given its next step while it still computes the last: the second thread does not keep it waiting.
    """
    module = kernels.load(keras.backend.backend())
    here = module is not None and all(module.on_cpu(variable.value) for variable in model.variables[:1])
    return [SameThread()] if here else []


class Trial(keras.callbacks.Callback):
    """Trains with several threads for as long as one is slower.

    Args:
        several: How many.
        use: Has the backend compute with so many threads from its next operation on.
        clock: Seconds, from any start.
        asked_by: As of `chosen_threads`.
    """

    def __init__(
        self,
        several: int,
        use: Callable[[int], None],
        clock: Callable[[], float] = time.perf_counter,
        asked_by: str = "--threads ",
    ) -> None:
        super().__init__()
        self._asked_by = asked_by
        self._several, self._use, self._clock = several, use, clock
        self._seconds: list[float] = []  # of the last steps
        self._usual = math.inf  # seconds of a step with several threads
        self._before: float | None = None  # the same just now, while one is tried
        self._settled = False

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._started = self._clock()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Take in the step, and decide where enough of them are known."""
        if self._settled:
            return
        self._seconds.append(self._clock() - self._started)
        if self._before is not None:
            self._compare(self._before)
        elif math.isinf(self._usual):
            if len(self._seconds) > _TRIED:  # the first step also prepares the others
                self._usual = statistics.median(self._seconds[1:])
                self._try_one(self._usual)
        elif len(self._seconds) == _WATCHED:
            mean = statistics.fmean(self._seconds)
            if mean > _FAR_SLOWER * self._usual and sum(self._seconds) > _SHORTEST:
                self._try_one(mean)
            self._seconds = []

    def _try_one(self, before: float) -> None:
        self._before, self._seconds = before, []
        self._use(1)

    def _compare(self, several: float) -> None:
        """Settle for one thread where it is as fast, else go back to several."""
        if len(self._seconds) < _TRIED:
            return
        one, self._before, self._seconds = statistics.median(self._seconds), None, []
        self._settled = one <= several
        if not self._settled:
            self._use(self._several)
        elif several > _FAR_SLOWER * one:
            log.warning(
                addressed(
                    f"One thread computes from here on: with {self._several} a step took {several:.2g} s, with one "
                    f"{one:.2g} s, since other programs use the processor. {self._asked_by}{self._several} keeps them."
                )
            )

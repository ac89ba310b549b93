"""Tasks on Ray, on this machine's cores or on a cluster: a thin layer, for Ray itself does the rest.

What all tasks share lies in Ray's object store once; the work of a worker that is lost is done again by another.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kerasforecast.errors import BackendError, KerasForecastError, shown
from kerasforecast.runtime.determinism import activate_for_training
from kerasforecast.runtime.extras import require_ray

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 4  # tasks a worker that Ray knows of before they are due: a driver holds no more, of a hundred thousand either
_LOOK = 0.3  # seconds between two looks at what else a waiting driver has to heed
_ANSWER = 10.0  # seconds that a cluster's address has to answer in
_AGAIN = 5  # times that work is done again which was lost with its worker


class OnRay:
    """Carries out tasks on Ray while it is entered as a context.

    Args:
        address: `local` for a cluster of this machine's own, or that of a running one, e.g. `ray://head:10001`.
        backend: That workers compute with.
        threads: That a task computes with, and cores that it takes; one gives the bytes that one process with one has.

    Raises:
        OptionError: Ray is not installed.
        BackendError: Nothing answers at the address; raised on entering.
    """

    def __init__(self, address: str, *, backend: str, threads: int = 1) -> None:
        self._address, self._backend, self._threads = address, backend, threads
        require_ray(address)
        self._ray: Any = importlib.import_module("ray")
        self._own = False

    def __enter__(self) -> OnRay:
        ray = self._ray
        if ray.is_initialized():  # whoever began it ends it
            return self
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
        try:
            if self._address == "local":
                with _errors_alone(logging.getLogger("ray")):  # it warns of how it keeps its own cluster to itself
                    ray.init(address="local", include_dashboard=False, **quiet)
            else:
                _reach(self._address)
                ray.init(address=self._address, **quiet)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise BackendError(
                f"--ray must be local or the address of a running cluster. Received: {shown(self._address)}: "
                f"{shown(str(error), 200)}. Start one with `ray start --head`, or use --ray local; a cluster that "
                "wants a token takes it with RAY_AUTH_MODE=token."
            ) from None
        self._own = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._ray.shutdown()
            self._own = False

    @property
    def workers(self) -> int:
        """As many as the cluster has cores for."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)) // self._threads)

    def map(
        self,
        work: Callable[[Shared, Task], Result],
        shared: Shared,
        tasks: Sequence[Task],
        waiting: Callable[[], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """As `kerasforecast.runtime.tasks.Executor.map`."""
        ray = self._ray
        store = ray.put(shared)
        settings = {"KERAS_BACKEND": self._backend, **_threads(self._threads)}
        remote = ray.remote(_carried).options(
            num_cpus=self._threads, max_retries=_AGAIN, runtime_env={"env_vars": settings}
        )
        due = iter(enumerate(tasks))
        pending: dict[Any, int] = {}
        try:
            while True:
                while len(pending) < _AHEAD * self.workers and (following := next(due, None)) is not None:
                    place, task = following
                    pending[remote.remote(self._backend, self._threads, work, store, task)] = place
                if not pending:
                    return
                ready, _ = ray.wait(list(pending), num_returns=1, timeout=_LOOK if waiting else None)
                if ready:
                    yield pending.pop(ready[0]), self._result(ready[0])
                elif waiting:
                    waiting()
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)

    def _result(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, KerasForecastError):
                raise cause from None
            raise
        except self._ray.exceptions.RayError as error:
            raise KerasForecastError(
                f"A task was lost with its worker {_AGAIN + 1} times. Received: {type(error).__name__}. "
                "Give workers more memory, or fewer at once."
            ) from None


def _reach(address: str) -> None:
    """Raise `OSError` where no machine answers at `host:port`: Ray itself keeps asking for a quarter of an hour."""
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname and place.port and place.scheme in ("", "ray"):
        socket.create_connection((place.hostname, place.port), timeout=_ANSWER).close()


@contextlib.contextmanager
def _errors_alone(logger: logging.Logger) -> Iterator[None]:
    """While the block runs `logger` and those below it say nothing less than errors."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _carried(backend: str, threads: int, work: Callable[[Any, Any], Any], shared: Any, task: Any) -> Any:
    """One task, in a worker; its first one chooses what computes before Keras loads."""
    activate_for_training(backend, threads)
    return work(shared, task)


def _threads(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    found = {name: str(threads) for name in names}
    return found | {name: os.environ[name] for name in ("JAX_PLATFORMS", "XLA_FLAGS") if name in os.environ}

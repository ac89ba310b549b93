"""Work that falls into tasks of which none needs another, carried out here one after another, or by whom it is given.

A task is all that its result depends on, its seed included, so that the result is the same whoever does it, and when.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")


class Executor(Protocol):
    """Carries out tasks.

    Attributes:
        workers: How many tasks it carries out at once.
    """

    @property
    def workers(self) -> int:
        """How many tasks are carried out at once."""

    def map(
        self,
        work: Callable[[Shared, Task], Result],
        shared: Shared,
        tasks: Sequence[Task],
        waiting: Callable[[], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Do `work(shared, task)` for each of `tasks`.

        Args:
            work: A function of a module. What it gives follows from its arguments alone.
            shared: What all tasks need, e.g. a panel; handed over once.
            tasks: What differs.
            waiting: Called now and then while others are waited for; what it raises ends that.

        Yields:
            The place of a task among `tasks` and its result, each as soon as it is there.
        """


class Serial:
    """Carries out tasks in this process, one after another in their order."""

    workers = 1

    def map(
        self,
        work: Callable[[Shared, Task], Result],
        shared: Shared,
        tasks: Sequence[Task],
        waiting: Callable[[], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """As `Executor.map`."""
        for place, task in enumerate(tasks):
            yield place, work(shared, task)


def in_order(found: Iterator[tuple[int, Result]]) -> Iterator[Result]:
    """The results of `Executor.map` in the order of their tasks, each as soon as all before it are there."""
    waiting: dict[int, Result] = {}
    due = 0
    for place, result in found:
        waiting[place] = result
        while due in waiting:
            yield waiting.pop(due)
            due += 1


@contextlib.contextmanager
def executor(ray: str | None, backend: str, threads: int | None) -> Iterator[Executor]:
    """Who is to carry out tasks while the block runs: this process, or a Ray cluster.

    Args:
        ray: `local` for one of this machine's own, or the address of one; this process where `None`.
        backend: That its workers compute with.
        threads: That a task computes with; on Ray one where `None`.
    """
    if ray is None:
        yield Serial()
        return
    from kerasforecast.runtime.on_ray import OnRay

    settings: dict[str, Any] = {"backend": backend, "threads": threads or 1}
    with OnRay(ray, **settings) as found:
        yield found

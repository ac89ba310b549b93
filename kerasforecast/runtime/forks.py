"""Which process a backend computes in: its threads do not come along when the process forks.

In a forked child the first computation waits for threads that stayed in the parent, without end and without a word. So
whatever is about to compute asks here first.
"""

from __future__ import annotations

import os

from kerasforecast.errors import BackendError

_computed_in: int | None = None  # id of the process that computed first


def refuse_fork() -> None:
    """Refuse to compute where the backend has computed before this process was forked.

    Raises:
        BackendError: It has.
    """
    if _computed_in is not None and _computed_in != os.getpid():
        raise BackendError(
            "A backend cannot compute in a fork of a process in which it has computed: its threads stay behind. "
            f"Received: process {os.getpid()}, forked from {_computed_in}. Load the model in the child alone "
            "(gunicorn: without --preload), or start it by spawn: multiprocessing.get_context('spawn')."
        )


def about_to_compute() -> None:
    """Note that the backend computes in this process from now on.

    Raises:
        BackendError: As `refuse_fork`.
    """
    global _computed_in
    refuse_fork()
    _computed_in = os.getpid()

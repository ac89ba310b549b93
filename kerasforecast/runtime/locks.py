"""One writer of a name at a time, by the operating system's file locks: those of a dead process are gone with it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kerasforecast.errors import LockedError
from kerasforecast.runtime.files import writing

_POLL = 0.1  # seconds
_TRIES = 5


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process while the block runs; it is made where absent.

    Raises:
        LockedError: Another process holds it.
        InputError: It cannot be written, or its file system has no locks.
        KerasForecastError: The disk is full.
    """
    path = folder / ".lock"
    handle = _acquired(folder, path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file: it stays, and is taken again
            path.unlink()  # before the lock is given up, so that it is our own
        os.close(handle)


@contextlib.contextmanager
def locked_in_turn(folder: Path, on_wait: Callable[[], None] | None = None, poll: float = _POLL) -> Iterator[None]:
    """Hold `folder` as `locked` does, once every process that holds it has given it up.

    Args:
        folder: Made where absent.
        on_wait: Called once, where another process holds it.
        poll: Seconds from one look to the next.

    Raises:
        InputError, KerasForecastError: As `locked`.
    """
    with contextlib.ExitStack() as held:
        waiting = False
        while True:
            with contextlib.suppress(LockedError):
                held.enter_context(locked(folder))
                break
            if on_wait and not waiting:
                on_wait()
            waiting = True
            time.sleep(poll)
        yield


def _acquired(folder: Path, path: Path) -> int:
    while True:
        with writing(path, folder):
            handle = _opened(folder, path)
            free = _lock(handle)
        if not free:
            os.close(handle)
            raise LockedError(
                f"{folder}: one process at a time may train a name. Received: a second one. Wait for the first, "
                "or give another --name."
            )
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)  # its holder removed it between our opening and locking it


def _opened(folder: Path, path: Path) -> int:
    """The file of a lock, made where absent, with its folder: whoever held it may remove both at any moment."""
    for _ in range(_TRIES):
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)


def _lock(handle: int) -> bool:
    """Lock an open file for this process, or say that another has done so; never wait."""
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""What ends a run from outside: Ctrl-C, `kill`, a lost terminal.

A handler that raises an exception does so wherever the program happens to be: in a backend, an import, a `__del__`,
where it is swallowed or leaves things half done. Nothing here raises. A program's signals end the process at once,
with one line and the right exit code; work that must not be cut is done inside `Deferred`, which notes them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from kerasforecast.errors import StoppedError

# Windows has no SIGHUP.
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_LINE = b"error: Stopped; nothing was left half-written.\n"
_SHOW_CURSOR = b"\r\x1b[?25h"  # a progress bar hides it


def end_on_signals() -> None:
    """Have signals end this process at once: one line on stderr, exit code 128 plus the signal's number.

    For a program's start. A signal that its parent had it ignore (`nohup`, a shell's background job) stays ignored.
    """
    stderr = os.dup(2)  # the real one, also while an import's banners are held back
    line = (_SHOW_CURSOR if os.isatty(stderr) else b"") + _LINE

    def end(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone
            os.write(stderr, line)
        os._exit(128 + number)

    for number, _ in _handled():
        signal.signal(number, end)


class Deferred:
    """As a context manager: a first signal in the block is only noted, a second does what it would have done before.

    A noted signal is delivered when the block ends, unless it was taken. Only the main thread can do this; elsewhere,
    where Python delivers no signals, the block just runs.

    Attributes:
        number: The signal noted, or `None`.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Callable[..., Any] | int] = {}

    def take(self) -> int | None:
        """The noted signal, which then counts as dealt with."""
        number, self.number = self.number, None
        return number

    def __enter__(self) -> Deferred:
        if threading.current_thread() is threading.main_thread():
            self._before = dict(_handled())
            for number in self._before:
                signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._restore()
        if (number := self.take()) is not None:
            signal.raise_signal(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
        elif number in (signal.SIGINT, signal.SIGTERM):  # a closing terminal sends SIGHUP more than once
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def watching(stop: Deferred | None, said: str) -> Callable[[], None]:
    """What ends a wait for others by `StoppedError`, which says `said`, once a signal has been noted."""

    def look() -> None:
        if stop and (number := stop.take()) is not None:
            raise StoppedError(said, signal_number=number)

    return look


def _handled() -> list[tuple[int, Callable[..., Any] | int]]:
    """The ending signals that this process has not been told to ignore, and what they do now."""
    now = [(number, signal.getsignal(number)) for number in _ENDING]
    return [(number, handler) for number, handler in now if handler not in (signal.SIG_IGN, None)]  # type: ignore[misc]

"""Every error a user can meet, as one tree.

KerasForecastError            exit 1   the run failed
├── InputError                exit 2   what the user gave is wrong
│   ├── OptionError                    an option's value, or options that exclude each other
│   ├── DataError                      a table, a series or its source
│   ├── BackendError                   a backend that is absent or chosen too late
│   └── ArtifactError                  a model file that is damaged or not ours
├── LockedError               exit 1   another process is at it
├── DivergedError             exit 3   the loss stopped being a number
├── SkillError                exit 4   a `--require-skill` gate was not met
└── StoppedError              exit 130, 143 or 129   a signal ended the run; what was good is kept

A message is one line: the rule, what was received, what to do.
"""

from __future__ import annotations


class KerasForecastError(Exception):
    """Base of all errors raised on purpose; the message is always a single printable line."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class InputError(KerasForecastError, ValueError):
    """The user's input is wrong. Also a `ValueError`, as Python callers expect."""

    exit_code = 2


class OptionError(InputError):
    """An option has a value outside its bounds, or excludes another option."""


class DataError(InputError):
    """A table, a series, or the place it was to come from."""


class BackendError(InputError):
    """A Keras backend that is not installed, or was asked for after Keras had loaded another."""


class ArtifactError(InputError):
    """A model file that cannot be trusted: not ours, damaged, or from a newer version."""


class LockedError(KerasForecastError):
    """Another process is training a model of the same name."""


class DivergedError(KerasForecastError):
    """Training produced a loss that is not a finite number."""

    exit_code = 3


class SkillError(KerasForecastError):
    """The model does not beat the naive forecast as the user required."""

    exit_code = 4


class StoppedError(KerasForecastError):
    """A signal ended the run before its end; `exit_code` is 128 plus the signal's number."""

    def __init__(self, message: str, *, signal_number: int = 2) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def printable(text: str) -> str:
    """`text` on one line, with control characters shown as escapes, so that data cannot drive a terminal."""
    flat = " ".join(text.splitlines())
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in flat)


def shown(value: object, limit: int = 60) -> str:
    """`repr` of a received value for a message, cut to `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."

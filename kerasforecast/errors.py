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

A message is one line: the rule, what was received, what to do. It is written with the flags of the command line; the
public functions and methods are `callers_words()`, by which a Python caller reads of arguments instead.
"""

from __future__ import annotations

import contextlib
import operator
import re
from collections.abc import Iterator
from contextvars import ContextVar


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


_flags_wanted: ContextVar[bool] = ContextVar("_flags_wanted", default=False)

# A flag, not within quotes or a word, and what may be its value: a quoted text, a number or date, a word that options
# take. Of a command line in backquotes nothing is changed, nor is a flag that has no argument of its name.
_FLAG = re.compile(
    r"""`[^`]*`|(?<![\w'"-])--(?!debug|quiet|json|preload|trust-)(no-)?([a-z][a-z-]*[a-z]8?)"""
    r"""(?:\ ('[^']*'|"[^"]*"|[\w.^=,-]+(?=\ goes\ on\ from|\ --series\ |\ to\ take\ |,\ one\ of\ )|NAME\b|"""
    r"""-?\d+(?:\.\d+)?(?![\w.-]*[\w-])|(?:\d|%)[\w%/:.+-]*\w|"""
    r"""(?:anchor|auto|difference|drop|ffill|first|interpolate|last|level|mean|minmax|standard)\b))?(:?)"""
)
_SWITCHES = ("bidirectional", "deterministic", "int8", "offline")


@contextlib.contextmanager
def flags_wanted() -> Iterator[None]:
    """While it lasts the command line calls: messages name its flags."""
    token = _flags_wanted.set(True)
    try:
        yield
    finally:
        _flags_wanted.reset(token)


@contextlib.contextmanager
def callers_words() -> Iterator[None]:
    """Have an error that leaves the block name options as its caller writes them; also decorates a function."""
    try:
        yield
    except KerasForecastError as error:
        error.args = (addressed(str(error)),)
        raise


def flag(option: str) -> str:
    """An option as the command line has it: `learning_rate` is `--learning-rate`."""
    return f"--{option.replace('_', '-')}"


def addressed(text: str) -> str:
    """`text`, which names flags, as whoever called writes options: `--date-column` is `date_column=` in Python."""
    if _flags_wanted.get():
        return text
    known = text.replace("--print-future", "future_frame").replace("--try", "--tries")
    return _FLAG.sub(_argument, known).replace("a FILE", "data=")


def _argument(found: re.Match[str]) -> str:
    off, flag, value, colon = found.groups()
    if flag is None:
        return found[0]
    name = flag.replace("-", "_")
    if off or name in _SWITCHES:
        return f"{name}={not off}{colon}"
    if value is None:
        return f"{name}:" if colon else f"{name}="
    literal = value if value[0] in "'\"" or re.fullmatch(r"-?\d+(\.\d+)?", value) else f"'{value}'"
    return f"{name}={literal}{colon}"


def printable(text: str) -> str:
    """`text` on one line, with control characters shown as escapes, so that data cannot drive a terminal."""
    flat = " ".join(text.splitlines())
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in flat)


def shown(value: object, limit: int = 60) -> str:
    """`repr` of a received value for a message, cut to `limit` characters; of a list of the command line as typed."""
    if _flags_wanted.get() and isinstance(value, tuple) and all(isinstance(part, str) for part in value):
        value = ",".join(value)
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def whole_number(option: str, value: object, least: int = 1) -> int:
    """`value` as an `int`, where it is a whole number: Python's or NumPy's, no float and no text.

    Args:
        option: As the command line has it, e.g. `"--steps"`.
        value: Received.
        least: The smallest allowed.

    Raises:
        OptionError: It is none, or smaller.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise OptionError(f"{option} must be a whole number, {least} or more. Received: {shown(value)}.")
    return number

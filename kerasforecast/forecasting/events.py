"""Events of a path as people write them: `min < 190`, `last > now`, `step 3 - step 1 >= 2 and max <= 200`.

    event       = both {"or" both}
    both        = comparison {"and" comparison}
    comparison  = sum ("<" | "<=" | ">" | ">=") sum | "(" event ")"
    sum         = product {("+" | "-") product}
    product     = value {("*" | "/") value}
    value       = ["-"] (number | word | "step" whole number | "(" sum ")")
    word        = "min" | "max" | "first" | "last" | "mean" | "sum" | "now"

A text is read by this grammar alone; nothing of it is ever run.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kerasforecast.errors import OptionError, shown

_LONGEST, _DEEPEST = 500, 20
_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|[A-Za-z_]+|<=|>=|[-+*/()<>]|\S)")
_WORDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "min": lambda paths: paths.min(axis=-1),
    "max": lambda paths: paths.max(axis=-1),
    "first": lambda paths: paths[..., 0],
    "last": lambda paths: paths[..., -1],
    "mean": lambda paths: paths.mean(axis=-1),
    "sum": lambda paths: paths.sum(axis=-1),
}
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_COMPUTE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}

Value = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of paths (N, S, H) and last known values (N, 1)


@dataclass(frozen=True)
class Event:
    """Something that may happen on a path.

    Attributes:
        text: As it was written.
    """

    text: str
    _holds: Value

    def on(self, paths: np.ndarray, now: np.ndarray) -> np.ndarray:
        """Whether it happens on each of the paths `(N, S, H)` that follow the last known values `now` `(N,)`.

        Returns:
            `(N, S)`.

        Raises:
            OptionError: It asks for a step beyond the last.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self._holds(np.asarray(paths, np.float64), np.asarray(now, np.float64)[:, None])
        return np.broadcast_to(found, paths.shape[:2]).astype(bool)


def event(text: str) -> Event:
    """Read an event.

    Args:
        text: E.g. `"min < 190"`; the words stand in the module's docstring.

    Raises:
        OptionError: It is none.

    Example:
        >>> import numpy as np
        >>> falls = event("min < 190")
        >>> falls.on(np.array([[[195.0, 189.0], [195.0, 196.0]]]), np.array([194.0])).tolist()
        [[True, False]]
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise _fault(text, f"be a text of at most {_LONGEST} letters")
    reader = _Reader(text)
    return Event(text.strip(), reader.whole())


class _Reader:
    """Reads tokens from the left; each method reads what the grammar calls so."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._depth = text, _TOKEN.findall(text), 0

    def whole(self) -> Value:
        found = self._event()
        if self._tokens:
            raise self._unexpected("end there")
        return found

    def _event(self) -> Value:
        return self._joined("or", np.logical_or, self._both)

    def _both(self) -> Value:
        return self._joined("and", np.logical_and, self._comparison)

    def _joined(self, word: str, join: Callable[..., np.ndarray], part: Callable[[], Value]) -> Value:
        found = part()
        while self._took(word):
            found = _of(join, found, part())
        return found

    def _comparison(self) -> Value:
        kept = list(self._tokens)
        if self._took("("):
            try:  # of events, or of numbers that a comparison goes on with
                inner = self._deeper(self._event)
                if self._next not in (*_COMPARE, *_COMPUTE):
                    return inner
            except OptionError:
                pass
            self._tokens = kept
        left = self._sum()
        if self._next not in _COMPARE:
            raise self._unexpected("compare with <, <=, > or >=")
        compare = _COMPARE[self._tokens.pop(0)]
        return _of(compare, left, self._sum())

    def _sum(self) -> Value:
        return self._chain("+-", self._product)

    def _product(self) -> Value:
        return self._chain("*/", self._value)

    def _chain(self, signs: str, part: Callable[[], Value]) -> Value:
        found = part()
        while self._next and self._next in signs:
            found = _of(_COMPUTE[self._tokens.pop(0)], found, part())
        return found

    def _value(self) -> Value:
        if self._took("-"):
            positive = self._deeper_value()
            return lambda paths, now: -positive(paths, now)
        if self._took("("):
            return self._deeper(self._sum)
        token = self._tokens.pop(0) if self._tokens else ""
        if re.fullmatch(r"[\d.].*", token):
            number = np.asarray(float(token))
            return lambda paths, now: number
        if token == "now":
            return lambda paths, now: now
        if token in _WORDS:
            reduce = _WORDS[token]
            return lambda paths, now: reduce(paths)
        if token == "step" and self._next.isdigit():
            return self._step(int(self._tokens.pop(0)))
        raise self._unexpected("use min, max, first, last, mean, sum, now, `step 3` or a number", token)

    def _step(self, number: int) -> Value:
        def of(paths: np.ndarray, now: np.ndarray) -> np.ndarray:
            if not 1 <= number <= paths.shape[-1]:
                raise OptionError(
                    f"--probability must ask for steps from 1 to {paths.shape[-1]}. Received: step {number}. "
                    "Use a larger --steps."
                )
            return np.asarray(paths[..., number - 1])

        return of

    def _deeper_value(self) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._unexpected(f"stand at most {_DEEPEST} deep")
        found = self._value()
        self._depth -= 1
        return found

    def _deeper(self, part: Callable[[], Value]) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._unexpected(f"stand in at most {_DEEPEST} brackets")
        found = part()
        self._depth -= 1
        if not self._took(")"):
            raise self._unexpected("close its bracket")
        return found

    @property
    def _next(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _took(self, token: str) -> bool:
        if self._next != token:
            return False
        self._tokens.pop(0)
        return True

    def _unexpected(self, rule: str, token: str | None = None) -> OptionError:
        at = self._next if token is None else token
        return _fault(self._text, f"{rule}; it has {shown(at) if at else 'nothing more'}")


def _of(compute: Callable[..., np.ndarray], one: Value, other: Value) -> Value:
    return lambda paths, now: compute(one(paths, now), other(paths, now))


def _fault(text: object, rule: str) -> OptionError:
    return OptionError(
        f"--probability must {rule}. Received: {shown(text)}. Write it like 'min < 190' or 'last > now and max <= 200'."
    )

"""Numbers as text: prices and errors of any size, with the digits that tell them apart."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

_DECIMALS = 4  # at most, of numbers from 0.1 on
_DIGITS = 7  # significant ones at most, of large numbers
_SMALL = 4  # significant ones of numbers below 0.1
_PLACES = 8  # decimals beyond which a power of ten is easier to read


def numbers(values: Collection[float | None]) -> list[str]:
    """Numbers of one column as text, all with the decimals that suit the largest of them; `-` for `None`.

    From 0.1 on they have four decimals, and no more than seven significant digits; below it four significant digits.
    A number that would have fewer than two of its own digits left stands by itself.

    Example:
        >>> numbers([2.90127, 3.1, None]), numbers([12345678.9]), numbers([0.0000123456])
        (['2.9013', '3.1000', '-'], ['12,345,679'], ['0.00001235'])
    """
    sizes = [abs(value) for value in values if value is not None and np.isfinite(value)]
    places = _places(max(sizes, default=0.0))
    return ["-" if value is None else _text(float(value), min(places, _PLACES + 1)) for value in values]


def number(value: float) -> str:
    """One number as text, as `numbers` writes it."""
    return numbers([value])[0]


def digits(value: float, most: int = 12) -> str:
    """A number as it was given, without the tail that binary fractions have: `0.00001234`, `12345678`.

    `most` says how many significant digits it has at most.
    """
    short = f"{value:.{most}g}"
    if "e" in short and abs(value) < 1e15:
        return np.format_float_positional(float(short), trim="-")
    return short


def _text(value: float, places: int) -> str:
    own = _places(abs(value))
    if value and own > places + _SMALL - 2:
        places = own
    return f"{value:.{_SMALL - 1}e}" if places > _PLACES else f"{value:,.{places}f}"


def _places(size: float) -> int:
    if not size or not np.isfinite(size):
        return _DECIMALS
    power = int(np.floor(np.log10(size)))
    return _SMALL - 1 - power if power < -1 else min(_DECIMALS, max(0, _DIGITS - 1 - power))

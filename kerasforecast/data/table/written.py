"""Numbers as people write them: `$1,234.50`, `5 %`, `12.3 kWh`, `(12.39)`, `1.2M`, `1 234,5`.

A column is read where one reading fits every cell: the same currency or unit throughout, one mark before the fraction
and one between the thousands. Where two readings fit, as of `1,234` alone, neither is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Real

import numpy as np

# What stands for a missing value, in any case; pandas knows some of them.
_MISSING = (
    *("", ".", "..", "...", "?", "-", "--", "\u2013", "\u2014", "\u2212"),
    *("n/a", "n.a.", "na", "<na>", "nan", "null", "none", "#n/a"),
)
_SAME = str.maketrans(
    {"\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ", "\u2019": "'", "\u2212": "-", "\u2013": "-"}
)
_SIGNS = "$\u00a2-\u00a5\u0e3f\u20a0-\u20cf\ufdfc"  # of currencies
_CODES = (
    "USD EUR GBP CHF JPY CNY RMB INR BRL KRW SEK NOK DKK ISK PLN CZK HUF RON BGN AUD CAD NZD ZAR MXN ARS CLP COP RUB "
    "UAH TRY ILS SAR AED THB IDR MYR PHP SGD HKD TWD VND BTC ETH Rs kr Fr RM Rp z\u0142 K\u010d Ft"
)
_MONEY = rf"(?:[A-Za-z]{{0,3}}[{_SIGNS}]|(?:{'|'.join(_CODES.split())})\.?)"
_UNIT = (
    rf"(?:[^\W\d_]|[\u00b0%\u2030{_SIGNS}])(?:[^\W\d]|[\u00b0/\u00b7^%\u2030{_SIGNS}-]){{0,11}}"
    r"(?:[\u00b2\u00b3]|(?<=m)[23])?"
)
_CELL = re.compile(
    rf"(?P<open>\()? ?(?P<before>[+-])? ?(?P<money>{_MONEY})? ?(?P<sign>[+-])? ?"
    r"(?P<body>(?:[0-9][0-9.,' ]*|[.,][0-9]+)(?<! )(?:[eE][+-]?[0-9]{1,3})?)"
    rf" ?(?P<unit>{_UNIT})? ?(?P<after>-)? ?(?P<close>\))?"
)
_SCALES = {"K": "e3", "k": "e3", "M": "e6", "B": "e9", "T": "e12"}  # directly after the digits, as volumes are written
_MARKS = ".,' "
_ENOUGH = 0.5  # of a column's cells look like numbers: the others are faults, not another kind of column
_EXAMPLES = 3


@dataclass(frozen=True)
class Marks:
    """How a number is written: the mark before its fraction and the one between its thousands, where it has some."""

    decimal: str
    thousands: str | None

    def number(self, body: str) -> str:
        """`body` as Python writes it."""
        bare = body.replace(self.thousands, "") if self.thousands else body
        return bare.replace(self.decimal, ".")

    def roles(self, present: set[str]) -> frozenset[tuple[str, bool]]:
        """What each of the marks present means; two readings that agree on that are one."""
        return frozenset((mark, mark == self.decimal) for mark in present)


@dataclass(frozen=True)
class Written:
    """What became of a column of text.

    Attributes:
        numbers: `(n,)` float64, NaN where a cell stands for a missing value or could not be read.
        faulty: `(n,)` whether a cell could not be read.
        ambiguous: The readings that fit, where they are two; the numbers are those of the first.
        examples: Cells with their numbers that show what was taken off and turned.
    """

    numbers: np.ndarray
    faulty: np.ndarray
    ambiguous: tuple[Marks, ...] = ()
    examples: tuple[tuple[str, float], ...] = ()


def is_missing(cell: object) -> bool:
    """Whether a cell is a word or mark for a missing value, as `.`, `-`, `n/a`, `#N/A`."""
    return isinstance(cell, str) and cell.strip().casefold() in _MISSING


def looks_like_numbers(cells: Sequence[str]) -> bool:
    """Whether a sample of a column of text is money, percent, thousands or the like, readable or not."""
    found = [_split(cell) for cell in cells if not is_missing(cell)]
    kinds = Counter(_kind(part) for part in found if part)
    if not kinds:
        return False
    (money, unit), count = kinds.most_common(1)[0]
    plain = unit is None or unit in ("%", "\u2030") or re.fullmatch(_MONEY, unit) or money
    return count >= (_ENOUGH * len(found) if plain else len(found))


def read_written(cells: Sequence[object], decimal: str | None, thousands: str | None, usual: str | None) -> Written:
    """Read a column of text.

    Args:
        cells: A text a row, or a number that needs no reading, or `None` where a value is missing.
        decimal: Mark before the fraction, where it was given.
        thousands: Mark between the thousands, where it was given.
        usual: Mark before the fraction in the rest of the table, which decides between two readings.
    """
    plain = np.array([isinstance(cell, Real) and not isinstance(cell, bool) for cell in cells], dtype=bool)
    empty = np.array([cell is None or is_missing(cell) for cell in cells], dtype=bool)
    numbers = np.array([cell if bare else np.nan for cell, bare in zip(cells, plain, strict=True)], np.float64)
    parts = [None if bare else _split(str(cell)) for cell, bare in zip(cells, plain | empty, strict=True)]
    kinds = Counter(_kind(part) for part in parts if part)
    kinds[None, None] += int(plain.sum())
    usually = kinds.most_common(1)[0][0]
    parts = [part if part and _kind(part) == usually else None for part in parts]
    if usually != (None, None):
        numbers[plain] = np.nan  # a bare number among sums of money
    bodies = [str(part["body"]) for part in parts if part]
    readings = _readings(bodies, decimal, thousands)
    if len(readings) > 1 and usual is not None:
        readings = [marks for marks in readings if marks.decimal == usual] or readings
    best = readings[0] if readings else _nearest(bodies, decimal, thousands)
    for row, part in enumerate(parts):
        if part and _pattern(best).fullmatch(str(part["body"])):
            numbers[row] = _value(part, best)
    faulty = np.isnan(numbers) & ~empty
    examples = _examples(cells, parts, numbers, best)
    return Written(numbers, faulty, tuple(readings) if len(readings) > 1 else (), examples)


def groups_of_thousand(text: str, mark: str) -> bool | None:
    """Whether `text` has `mark` between groups of three digits; `None` where it has neither that nor no mark at all."""
    plain = text.translate(_SAME).strip().lstrip("+-")
    if re.fullmatch(r"[0-9]{1,3}", plain):
        return False
    return True if re.fullmatch(rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+", plain) else None


def _split(cell: str) -> dict[str, str | None] | None:
    """The parts of a number as it is written; `None` where it is none."""
    match = _CELL.fullmatch(" ".join(cell.translate(_SAME).split()))
    if match is None or (match["open"] is None) != (match["close"] is None):
        return None
    parts = match.groupdict()
    if sum(bool(parts[name]) for name in ("open", "before", "sign", "after")) > 1:
        return None
    unit = parts["unit"]
    attached = unit and cell.translate(_SAME).rstrip(" )-").endswith(str(parts["body"]) + unit)
    parts["scale"] = _SCALES.get(str(unit)) if attached else None
    if parts["scale"]:
        parts["unit"] = None
    return parts


def _kind(part: dict[str, str | None]) -> tuple[str | None, str | None]:
    """What a number counts: its currency or unit."""
    return part["money"], part["unit"]


def _value(part: dict[str, str | None], marks: Marks) -> float:
    number = float(marks.number(str(part["body"])) + (part["scale"] or ""))
    return -number if part["open"] or "-" in (part["before"], part["sign"], part["after"]) else number


@cache
def _pattern(marks: Marks) -> re.Pattern[str]:
    decimal = re.escape(marks.decimal)
    whole = "[0-9]+"
    if marks.thousands:  # also in twos, as India writes lakhs
        mark = re.escape(marks.thousands)
        whole = rf"(?:[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[1-9][0-9]?(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}|[0-9]+)"
    return re.compile(rf"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _possible(decimal: str | None, thousands: str | None) -> list[Marks]:
    decimals = [decimal] if decimal else [mark for mark in ".," if mark != thousands]
    between = [thousands] if thousands else [None, *_MARKS]
    return [Marks(mark, other) for mark in decimals for other in between if mark != other]


def _readings(bodies: Sequence[str], decimal: str | None, thousands: str | None) -> list[Marks]:
    """The readings that fit every cell and differ from one another."""
    present = {mark for body in bodies for mark in _MARKS if mark in body}
    found: dict[frozenset[tuple[str, bool]], Marks] = {}
    for marks in _possible(decimal, thousands):
        if all(map(_pattern(marks).fullmatch, bodies)):
            found.setdefault(marks.roles(present), marks)
    return list(found.values())


def _nearest(bodies: Sequence[str], decimal: str | None, thousands: str | None) -> Marks:
    return max(
        _possible(decimal, thousands),
        key=lambda marks: sum(map(bool, map(_pattern(marks).fullmatch, bodies))),
    )


def _examples(
    cells: Sequence[object], parts: Sequence[dict[str, str | None] | None], numbers: np.ndarray, marks: Marks
) -> tuple[tuple[str, float], ...]:
    """A few cells that show together everything that is not a plain number, the one that shows most first."""
    shown: dict[frozenset[str], int] = {}
    for row, part in enumerate(parts):
        if part and not np.isnan(numbers[row]):
            shown.setdefault(frozenset(_oddities(part, marks)), row)
    seen: set[str] = set()
    found: list[tuple[str, float]] = []
    for odd in sorted(shown, key=lambda each: (-len(each), shown[each])):
        if odd - seen and len(found) < _EXAMPLES:
            seen |= odd
            found.append((str(cells[shown[odd]]).strip(), float(numbers[shown[odd]])))
    return tuple(found)


def _oddities(part: dict[str, str | None], marks: Marks) -> list[str]:
    """What of a cell is not a plain number."""
    body = str(part["body"])
    odd = {
        "money": part["money"],
        "unit": part["unit"],
        "scale": part["scale"],
        "negative": part["open"] or part["after"],
        "decimal": marks.decimal != "." and marks.decimal in body,
        "thousands": marks.thousands and marks.thousands in body,
    }
    return [name for name, holds in odd.items() if holds]

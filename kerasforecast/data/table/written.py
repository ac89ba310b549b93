"""Numbers as people write them: `$1,234.50`, `5 %`, `12.3 kWh`, `(12.39)`, `1.2M`, `1 234,5`.

A column is read where one reading fits every cell: the same currency or unit throughout, one mark before the fraction
and one between the thousands. Where two readings fit, as of `1,234` alone, neither is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
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
_NINES = str.maketrans("012345678", "999999999")
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
    found = [_form(_tidy(cell)) for cell in cells if not is_missing(cell)]
    kinds = Counter(form.kind for form in found if form)
    if not kinds:
        return False
    (money, unit), count = kinds.most_common(1)[0]
    plain = unit is None or unit in ("%", "\u2030") or re.fullmatch(_MONEY, unit) or money
    return count >= (_ENOUGH * len(found) if plain else len(found))


def read_written(cells: Sequence[object], decimal: str | None, thousands: str | None, usual: str | None) -> Written:
    """Read a column of text.

    Cells of the same shape, digits apart, are alike in all but their digits, so that each shape is looked at once.

    Args:
        cells: A text a row, or a number that needs no reading, or `None` where a value is missing.
        decimal: Mark before the fraction, where it was given.
        thousands: Mark between the thousands, where it was given.
        usual: Mark before the fraction in the rest of the table, which decides between two readings.
    """
    plain = np.array([isinstance(cell, Real) and not isinstance(cell, bool) for cell in cells], dtype=bool)
    texts = ["" if cell is None or bare else _tidy(str(cell)) for cell, bare in zip(cells, plain, strict=True)]
    shapes = [_shape(text) for text in texts]
    first: dict[str, int] = {}
    for row, shape in enumerate(shapes):
        first.setdefault(shape, row)
    forms = {shape: _form(texts[row]) for shape, row in first.items()}
    counts = Counter(shapes)
    usually = _usual_kind(forms, counts, int(plain.sum()))
    forms = {shape: form for shape, form in forms.items() if form and form.kind == usually}
    bodies = {texts[first[shape]][form.start : form.stop]: counts[shape] for shape, form in forms.items() if form}
    readings = _readings(bodies, decimal, thousands)
    if len(readings) > 1 and usual is not None:
        readings = [marks for marks in readings if marks.decimal == usual] or readings
    best = readings[0] if readings else _nearest(bodies, decimal, thousands)
    fitting = {
        shape: form
        for shape, form in forms.items()
        if form and _pattern(best).fullmatch(texts[first[shape]][form.start : form.stop])
    }
    numbers = np.array([_value(text, fitting.get(shape), best) for text, shape in zip(texts, shapes, strict=True)])
    if usually == (None, None):  # among sums of money a bare number is a fault
        numbers[plain] = [float(cell) for cell, bare in zip(cells, plain, strict=True) if bare]  # type: ignore[arg-type]
    blank = {shape for shape, row in first.items() if is_missing(texts[row])}
    faulty = np.isnan(numbers) & (plain | np.array([shape not in blank for shape in shapes], dtype=bool))
    shown = {shape: (str(cells[first[shape]]).strip(), float(numbers[first[shape]])) for shape in fitting}
    examples = _examples({shown[shape]: _oddities(shown[shape][0], form, best) for shape, form in fitting.items()})
    return Written(numbers, faulty, tuple(readings) if len(readings) > 1 else (), examples)


def groups_of_thousand(text: str, mark: str) -> bool | None:
    """Whether `text` has `mark` between groups of three digits; `None` where it has neither that nor no mark at all."""
    plain = text.translate(_SAME).strip().lstrip("+-")
    if re.fullmatch(r"[0-9]{1,3}", plain):
        return False
    return True if re.fullmatch(rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+", plain) else None


@dataclass(frozen=True)
class _Form:
    """How cells of one shape are written.

    Attributes:
        start: Of the digits and their marks, in the tidied text.
        stop: One past them.
        money: The currency before them.
        unit: What follows them.
        scale: The power of ten that a letter after them stands for, as `"e6"`.
        turned: What makes the number negative: `"bracket"`, `"behind"`, `"before"`, or nothing.
    """

    start: int
    stop: int
    money: str | None
    unit: str | None
    scale: str
    turned: str

    @property
    def kind(self) -> tuple[str | None, str | None]:
        """What a number counts: its currency or unit."""
        return self.money, self.unit


def _tidy(cell: str) -> str:
    """`cell` with plain spaces, apostrophes and minus signs, and none of them doubled."""
    return " ".join(cell.translate(_SAME).split())


def _shape(text: str) -> str:
    """`text` with every digit alike, but for a zero in front, which no thousands begin with."""
    shape = text.translate(_NINES)
    return f"0{shape}" if (place := shape.find("9")) >= 0 and text[place] == "0" else shape


def _form(text: str) -> _Form | None:
    """How a number is written; `None` where it is none."""
    match = _CELL.fullmatch(text)
    if match is None or (match["open"] is None) != (match["close"] is None):
        return None
    if sum(bool(match[name]) for name in ("open", "before", "sign", "after")) > 1:
        return None
    start, stop = match.span("body")
    unit = match["unit"]
    scale = _SCALES.get(unit or "", "") if match.start("unit") == stop else ""
    turned = "bracket" if match["open"] else "behind" if match["after"] else ""
    turned = turned or ("before" if "-" in (match["before"], match["sign"]) else "")
    return _Form(start, stop, match["money"], None if scale else unit, scale, turned)


def _usual_kind(forms: dict[str, _Form | None], counts: Counter[str], plain: int) -> tuple[str | None, str | None]:
    kinds: Counter[tuple[str | None, str | None]] = Counter()
    for shape, form in forms.items():
        if form:
            kinds[form.kind] += counts[shape]
    kinds[None, None] += plain
    return kinds.most_common(1)[0][0]


def _value(text: str, form: _Form | None, marks: Marks) -> float:
    if form is None:
        return np.nan
    number = float(marks.number(text[form.start : form.stop]) + form.scale)
    return -number if form.turned else number


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


def _readings(bodies: Iterable[str], decimal: str | None, thousands: str | None) -> list[Marks]:
    """The readings that fit every cell and differ from one another."""
    present = {mark for body in bodies for mark in _MARKS if mark in body}
    found: dict[frozenset[tuple[str, bool]], Marks] = {}
    for marks in _possible(decimal, thousands):
        if all(map(_pattern(marks).fullmatch, bodies)):
            found.setdefault(marks.roles(present), marks)
    return list(found.values())


def _nearest(bodies: Mapping[str, int], decimal: str | None, thousands: str | None) -> Marks:
    """The reading that fits most cells; `bodies` says how many there are of each."""

    def fitting(marks: Marks) -> int:
        return sum(count for body, count in bodies.items() if _pattern(marks).fullmatch(body))

    return max(_possible(decimal, thousands), key=fitting)


def _examples(oddities: Mapping[tuple[str, float], Set[str]]) -> tuple[tuple[str, float], ...]:
    """A few cells that show together everything that is not a plain number, the one that shows most first."""
    seen: set[str] = set()
    found: list[tuple[str, float]] = []
    for example in sorted(oddities, key=lambda each: -len(oddities[each])):
        if oddities[example] - seen and len(found) < _EXAMPLES:
            seen |= oddities[example]
            found.append(example)
    return tuple(found)


def _oddities(cell: str, form: _Form, marks: Marks) -> set[str]:
    """What of a cell is not a plain number."""
    body = _tidy(cell)[form.start : form.stop]
    odd = {
        "money": form.money,
        "unit": form.unit,
        "scale": form.scale,
        "negative": form.turned in ("bracket", "behind"),
        "decimal": marks.decimal != "." and marks.decimal in body,
        "thousands": marks.thousands and marks.thousands in body,
    }
    return {name for name, holds in odd.items() if holds}

"""Which format a column of dates is written in, found from its first cells; nothing here reads a whole column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_letters, digits

import pandas as pd

from kerasforecast.data.table import words
from kerasforecast.data.table.layout import FIRST_YEAR, LAST_YEAR
from kerasforecast.data.table.periods import PERIODS, WEEK, is_period

ISO = "ISO8601"
# Formats that share their looks stand in one tuple: which is meant, only the dates themselves can tell.
_EITHER = tuple(
    (f"%d{m}%m{m}{y}", f"%m{m}%d{m}{y}", *((f"%y{m}%m{m}%d",) if y == "%y" else ())) for m in "/-" for y in ("%Y", "%y")
)
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d/%b/%y"),
    *("%d%b%Y", "%d%b%y", "%d %b %Y", "%d %b, %Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d", "%Y %b %d"),
    *("%Y%m%d", "%Y年%m月%d日", "%Y년 %m월 %d일"),
)
_CLOCKS = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", ":%H:%M:%S"),
    *(" %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p", " %I %p", " %I%p", " %I-%p", " %H"),
    *(" %H%M", " %H%M%S", ", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p"),
)
_MONTHS = (
    *("%b %Y", "%b-%Y", "%b/%Y", "%b%Y", "%Y %b", "%Y-%b", "%b-%y", "%b/%y"),
    *("%m/%Y", "%Y/%m", "%m-%Y", "%Y年%m月"),
)


def _both(form: str) -> tuple[str, ...]:
    """With the month's name short, and in full."""
    return (form, form.replace("%b", "%B")) if "%b" in form else (form,)


_GROUPS = (
    (ISO,),
    *(tuple(form + clock for form in forms) for forms in _EITHER for clock in _CLOCKS),
    *((form + clock,) for day in _DAYS for form in _both(day) for clock in _CLOCKS),
    *((form,) for month in _MONTHS for form in _both(month)),
)
# What a bare number of so many digits may be, likeliest first.
_DIGITS = {
    4: ("%Y",),
    6: ("%Y%m", "%y%m%d", "%d%m%y", "%m%d%y"),
    8: ("%Y%m%d", "%d%m%Y", "%m%d%Y"),
    10: ("%Y%m%d%H",),
    12: ("%Y%m%d%H%M",),
    14: ("%Y%m%d%H%M%S",),
}
YEAR_FIRST = ("%Y", "%Y%m", "%Y%m%d")
_LONGEST = 64  # letters of a date, with the name of its weekday and a zone
_DECIMAL = re.compile(r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?", re.ASCII)
_EPOCH = re.compile(r"(\d+)(?:\.\d+)?")
_EPOCH_UNITS = {9: "s", 10: "s", 12: "ms", 13: "ms", 15: "us", 16: "us", 18: "ns", 19: "ns"}
_CLOCK = r"[T ,]\d{1,2}:?\d{2}(?::?\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?"
ZONE = re.compile(
    rf"\A(.*{_CLOCK}|\d{{4}}-\d\d-\d\d(?=Z)) ?((?:UTC|GMT)?[+-]\d{{2}}(?::?\d{{2}})?|Z|UTC|GMT)\Z", re.ASCII
)
_DIRECTIVES = {"Y": r"\d{4}", "y": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{1,9}", "p": "[AaPp][Mm]"}
_DIRECTIVES |= dict.fromkeys("dmHI", r"\d{1,2}") | dict.fromkeys("bB", "[A-Za-z]{3,9}")
_DIRECTIVES |= {"j": r"\d{1,3}", "a": "[A-Za-z]{3}", "A": "[A-Za-z]{6,9}", "z": r"(Z|[+-]\d{2}:?\d{2}(?::?\d{2})?)"}
_ISO_LIKE = re.compile(r"\d{4}-?(\d\d(-?\d\d)?)?([T ]\d\d(:?\d\d(:?\d\d([.,]\d+)?)?)?)?", re.ASCII)


_LOOKS = str.maketrans(ascii_letters + digits, "a" * len(ascii_letters) + "0" * len(digits))


@dataclass(frozen=True)
class Way:
    """How the cells of a sample are written.

    Attributes:
        kind: `"strptime"`, `"epoch"`, `WEEK` or one of `PERIODS`.
        share: Of the cells that are dates when read so, above 0.
        forms: strptime formats that could be meant.
        width: Digits of the cells where they are bare numbers, else 0.
        zoned: Whether a cell ends in an offset from UTC.
        named: Whether words have to be turned into English abbreviations first.
    """

    kind: str
    share: float
    forms: tuple[str, ...] = ()
    width: int = 0
    zoned: bool = False
    named: bool = False


def way_of(sample: Sequence[str]) -> Way | None:
    """The way in which most cells of `sample` are written, or `None` where not one is a date."""
    sample = [cell if len(cell) <= _LONGEST else "" for cell in sample]
    if not sample or 2 * sum(map(_has_digit, sample)) < len(sample):
        return _of_text(sample) if any(map(_has_digit, sample)) else None
    epochs = sum(unit_of(cell) is not None for cell in sample)
    if all(cell.isdecimal() and cell.isascii() for cell in sample):
        return _of_digits(sample) or (Way("epoch", epochs / len(sample)) if epochs else None)
    if 2 * epochs > len(sample):
        return Way("epoch", epochs / len(sample))
    return None if all(map(_DECIMAL.fullmatch, sample)) else _of_text(sample)


def _has_digit(cell: str) -> bool:
    return any(map(str.isdecimal, cell))


def unit_of(cell: str) -> str | None:
    """The unit of the Unix time that `cell` may be, by its number of digits; `None` where it is none."""
    match = _EPOCH.fullmatch(cell)
    return _EPOCH_UNITS.get(len(match[1])) if match else None


def _of_digits(sample: Sequence[str]) -> Way | None:
    """Years, months, days without marks between them: the readings that hold for most cells."""
    width = max(set(map(len, sample)), key=[len(cell) for cell in sample].count)
    cells = pd.Series([cell for cell in sample if len(cell) == width], dtype=object)
    years = {form: pd.to_datetime(cells, format=form, errors="coerce").dt.year for form in _DIGITS.get(width, ())}
    shares = {form: year.between(FIRST_YEAR, LAST_YEAR).sum() / len(sample) for form, year in years.items()}
    best = max(shares.values(), default=0)
    if best == 0 or (width in (10, 12) and best < 1):  # Unix times have as many digits
        return None
    forms = tuple(form for form, share in shares.items() if share == best)
    return Way("strptime", best, forms, width)


def _of_text(sample: Sequence[str]) -> Way | None:
    zoned = [ZONE.fullmatch(cell) for cell in sample]
    if any(zoned):
        bare = [match[1] if match else cell for match, cell in zip(zoned, sample, strict=True)]
        way = _of_text(bare)
        return way and Way("strptime", way.share, way.forms, zoned=True, named=way.named)
    named = any(words.foreign(cell) for cell in sample)
    if named:
        sample = [words.in_english(cell) for cell in sample]
    for kind in (WEEK, *PERIODS):
        share = sum(is_period(cell, kind) for cell in sample) / len(sample)
        if 2 * share > 1:
            return Way(kind, share)
    alike = _by_looks(sample)
    shares = {forms: _shares(alike, forms, len(sample)) for forms in _possible(alike)}
    group = max(shares, key=lambda forms: max(shares[forms]))  # the first of equals
    best = max(shares[group])
    fitting = tuple(form for form, share in zip(group, shares[group], strict=True) if share == best)
    return Way("strptime", best, fitting, named=named) if best else None


def _by_looks(sample: Sequence[str]) -> dict[str, list[str]]:
    """The cells by what they look like, all digits and all letters being alike: there are few such looks."""
    alike: dict[str, list[str]] = {}
    for cell in sample:
        alike.setdefault(cell.translate(_LOOKS), []).append(cell)
    return alike


def _shares(alike: dict[str, list[str]], forms: tuple[str, ...], total: int) -> list[float]:
    """For each of `forms` the share of the cells that it reads."""
    written = [cell for cells in alike.values() if pattern(forms[0]).fullmatch(cells[0]) for cell in cells]
    if not written:
        return [0.0] * len(forms)
    cells = pd.Series(written, dtype=object)
    return [float(pd.to_datetime(cells, format=form, errors="coerce").notna().sum()) / total for form in forms]


def _possible(alike: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """The groups whose marks between parts a cell has: sooner known than a pattern of each is made and tried."""
    cells = [cells[0] for cells in alike.values()]
    found = {marks for marks in {marks for marks, _ in _marked()} if any(_has(cell, marks) for cell in cells)}
    return (forms for marks, forms in _marked() if marks in found)


@cache
def _marked() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each group, what stands between the parts of its dates before it."""
    return tuple(("" if forms[0] == ISO else _marks(forms[0]), forms) for forms in _GROUPS)


def _marks(form: str) -> str:
    return "".join(sorted(mark for text in re.split("%.", form) for mark in text if not mark.isalnum()))


def _has(cell: str, marks: str) -> bool:
    return all(any(map(str.isspace, cell)) if mark == " " else marks.count(mark) <= cell.count(mark) for mark in marks)


def whole_numbers(sample: Sequence[str]) -> bool:
    """Whether dates are written as whole numbers that begin with the year, or as Unix times: no zeros to lose."""
    way = way_of(sample)
    return way is not None and (way.kind == "epoch" or (len(way.forms) == 1 and way.forms[0] in YEAR_FIRST))


@cache
def pattern(form: str) -> re.Pattern[str]:
    """What a cell that is written by `form` looks like; the offset of a `%z` is group 1."""
    if form == ISO:
        return _ISO_LIKE
    parts = re.split(r"%(.)", form)
    texts = [re.escape(part) if place % 2 == 0 else _DIRECTIVES.get(part, r".+?") for place, part in enumerate(parts)]
    written = "".join(texts).replace(r"\ ", r"\s+")
    return re.compile(rf"\A{written}\Z", re.ASCII if form.isascii() else 0)

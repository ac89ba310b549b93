"""Months by name in the languages that tables come in, turned into the English abbreviations that strptime knows."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# English, German, French, Spanish, Portuguese, Italian, Dutch and the Scandinavian languages, without accents. Any
# abbreviation of three letters or more will do: none is that of another month in another of these languages.
_NAMES = {
    "Jan": "january januar janner janvier enero janeiro gennaio januari",
    "Feb": "february februar feber fevrier febrero fevereiro febbraio februari",
    "Mar": "march marz maerz mars marzo marco maart mrt mrz",
    "Apr": "april avril abril aprile",
    "May": "may mai mayo maio maggio mei maj",
    "Jun": "june juni juin junio junho giugno",
    "Jul": "july juli juillet julio julho luglio",
    "Aug": "august aout agosto augustus augusti",
    "Sep": "september septembre septiembre setembro settembre setiembre",
    "Oct": "october oktober octobre octubre outubro ottobre",
    "Nov": "november novembre noviembre novembro",
    "Dec": "december dezember decembre diciembre dezembro dicembre desember",
}
_SHORTEST = 3
_NEITHER = "jui"  # June and July in French
_FILLERS = ("de", "del", "of")
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+(?=\S)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+\.?")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|º|\.)(?=\s+[^\W\d_])", re.IGNORECASE)


def _abbreviated() -> dict[str, str]:
    every = [(name, month) for month, names in _NAMES.items() for name in names.split()]
    found = {name[:size]: month for name, month in every for size in range(_SHORTEST, len(name) + 1)}
    return {word: month for word, month in found.items() if word != _NEITHER}


_MONTHS = _abbreviated()
_ENGLISH = {word for names in _NAMES.values() for word in (names.split()[0], names[:_SHORTEST])}  # strptime reads them


def foreign(cell: str) -> bool:
    """Whether `cell` names a month, or a weekday before it, in a way that strptime does not read."""
    return in_english(cell) != cell and any(_month(word) for word in _WORD.findall(cell))


def in_english(cell: str) -> str:
    """`cell` with its month as in `3 Jan 2022`: no weekday, no `de`, no `1er`; anything else stays."""
    bare = _ORDINAL.sub("", _WEEKDAY.sub("", cell, count=1) if _WEEKDAY.match(cell) else cell)
    return " ".join(_WORD.sub(lambda match: _replaced(match[0]), bare).split())


def _replaced(word: str) -> str:
    plain = word.casefold()
    if plain in _FILLERS:
        return ""
    return word if plain in _ENGLISH else _month(word) or word


def month_of(cell: str) -> int | None:
    """The number of the month that `cell` names, 1 to 12, or `None`."""
    found = _month(cell)
    return list(_NAMES).index(found) + 1 if found else None


def without_accents(text: str) -> str:
    """`text` with `é` as `e` and so on."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


@lru_cache(10_000)
def _month(word: str) -> str | None:
    """The English abbreviation of the month that `word` names, or `None`."""
    return _MONTHS.get(without_accents(word.casefold()).rstrip("."))

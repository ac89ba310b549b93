"""Dates whose year, month, day and so on stand in columns of their own, in the languages that tables come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from kerasforecast.data.table import words
from kerasforecast.data.table.columns import same
from kerasforecast.data.table.dates import as_text
from kerasforecast.data.table.layout import FIRST_YEAR, LAST_YEAR

# What a column of each part is called, compared without accents; parts are called by their strptime directives.
_NAMES = {
    "Y": ("year", "yyyy", "jahr", "annee", "ano", "anno", "jaar", "ar"),
    "q": ("quarter", "qtr", "quartal", "trimestre", "kwartaal", "kvartal"),
    "m": ("month", "mm", "monat", "mois", "mes", "mese", "maand", "manad", "maned"),
    "d": ("day", "dd", "tag", "jour", "dia", "giorno", "dag"),
    "H": ("hour", "hh", "hr", "stunde", "heure", "hora", "ora", "uur"),
    "M": ("minute", "min", "minuto", "minuut"),
}
_LIMITS = {"Y": (FIRST_YEAR, LAST_YEAR), "q": (1, 4), "m": (1, 12), "d": (1, 31), "H": (0, 23), "M": (0, 59)}


def plainly(name: str) -> str:
    """A column's name as compared, without accents."""
    return words.without_accents(same(name))


def called_years(name: str) -> bool:
    """Whether a column's name says that it holds years."""
    return plainly(name) in _NAMES["Y"]


def parts_of(names: Sequence[str], sample: Callable[[str], list[str]]) -> tuple[str, ...]:
    """Columns of years, of months or quarters, then of days, hours and minutes, each with the one before it."""
    found: dict[str, str] = {}
    for code, called in _NAMES.items():
        fitting = [name for name in names if plainly(name) in called and _part(code, sample(name)) is not None]
        if len(fitting) == 1:
            found[code] = fitting[0]
    if "Y" not in found:
        return ()
    order = "Ymd" + "HM" if "m" in found else "Yq"
    taken = []
    for code in order:
        if code not in found:
            break
        taken.append(found[code])
    return tuple(taken) if len(taken) > 1 else ()


def _part(code: str, cells: Sequence[str]) -> list[int] | None:
    """Numbers of the cells, `None` where one is not that part of a date."""
    low, high = _LIMITS[code]
    numbers = []
    for cell in cells:
        number = words.month_of(cell) if code == "m" else None
        bare = cell.upper().removeprefix("Q") if code == "q" else cell
        number = number or (int(bare) if bare.isdecimal() and len(bare) <= 4 else -1)
        if not low <= number <= high:
            return None
        numbers.append(number)
    return numbers or None


def joined_parts(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """ISO dates of the parts, as written where they are none, so that the reader refuses them."""
    codes = {name: code for code, called in _NAMES.items() for name in columns if plainly(name) in called}
    marks = {"Y": "", "q": "-", "m": "-", "d": "-", "H": " ", "M": ":"}
    text, lacking = pd.Series("", index=frame.index), pd.Series(False, index=frame.index)
    for name in columns:
        cells, code = as_text(frame[name]), codes[name]
        known = {cell: _written(code, cell) for cell in cells.unique()}
        lacking |= cells == ""
        text = text + marks[code] + cells.map(known)
    ends = {"d": "", "H": ":00"}.get(codes[columns[-1]], "")
    return (text + ends).mask(lacking, "")


def _written(code: str, cell: str) -> str:
    number = _part(code, [cell])
    if number is None:
        return cell
    return f"{number[0] * 3 - 2 if code == 'q' else number[0]:02}"

"""Dates with all their digits, as `05/01/2024 09:30`, read in blocks; pandas would take each for itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

FIRST_YEAR, LAST_YEAR = 1678, 2261  # what 64 bits of nanoseconds hold
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_PART = re.compile(r"%([YmdHMS])|([^%])")
_BLOCK = 100_000  # rows that are Python strings at a time
_LIMITS = {"H": 24, "M": 60, "S": 60}
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:([ T])\d\d:\d\d(:\d\d)?)?")


def iso_layout(cell: str) -> str | None:
    """The strptime format of an ISO date, with minutes or seconds or neither; `None` for other forms of it."""
    match = _ISO.fullmatch(cell)
    if match is None:
        return None
    return "%Y-%m-%d" + (f"{match[1]}%H:%M" if match[1] else "") + (":%S" if match[2] else "")


def read_layout(cells: pd.Series, forms: Sequence[str]) -> list[np.ndarray] | None:
    """`cells` by each of `forms` as `(n,)` datetime64[us], NaT where there is no such date.

    Args:
        cells: Text.
        forms: strptime formats of one width: day or month may come first. Only of `%Y %m %d %H %M %S`, with a year,
            is the layout known.

    Returns:
        One array a form, or `None` where a cell is not laid out like them.
    """
    layouts = [_PART.findall(form) for form in forms]
    if any(
        "".join(f"%{code}" if code else mark for code, mark in parts) != form or "%Y" not in form
        for parts, form in zip(layouts, forms, strict=True)
    ):
        return None
    width = sum(_WIDTHS.get(code, 1) for code, _ in layouts[0])
    blocks: list[list[np.ndarray]] = [[] for _ in forms]
    for start in range(0, len(cells), _BLOCK):
        text = _columns(cells.iloc[start : start + _BLOCK], width)
        for parts, found in zip(layouts, blocks, strict=True):
            numbers = None if text is None else _numbers(text, parts)
            if numbers is None:
                return None
            found.append(instants(numbers))
    return [np.concatenate(found) for found in blocks]


def _columns(cells: pd.Series, width: int) -> np.ndarray | None:
    """`(width, n)` ASCII codes; `None` where a cell has another length or other characters."""
    text = cells.tolist()
    joined = "".join(text)
    if set(map(len, text)) != {width} or not joined.isascii():
        return None
    codes = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(len(text), width)
    return np.ascontiguousarray(codes.T)


def _numbers(codes: np.ndarray, parts: list[tuple[str, str]]) -> dict[str, np.ndarray] | None:
    """Each directive's numbers, `(n,)`; `None` where a digit or a mark between is another character."""
    found, place = {}, 0
    for code, mark in parts:
        if not code:
            if (codes[place] != ord(mark)).any():
                return None
            place += 1
            continue
        digits = codes[place : place + _WIDTHS[code]] - np.uint8(ord("0"))  # other characters wrap to beyond 9
        if (digits > 9).any():
            return None
        # Widened first: NumPy before 2 would keep the product in 8 bits.
        found[code] = sum(row.astype(np.int32) * 10**power for power, row in enumerate(digits[::-1]))
        place += _WIDTHS[code]
    return found


def instants(numbers: dict[str, np.ndarray]) -> np.ndarray:
    """`(n,)` datetime64[us] of years, months, ... by their directives; NaT where there is no such date."""
    month, day = numbers.get("m", np.int32(1)), numbers.get("d", np.int32(1))
    months = ((numbers["Y"] - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    wrong = (month < 1) | (month > 12) | (days.astype("datetime64[M]") != months)
    seconds = days.astype(np.int64) * 86_400
    for code, unit in (("H", 3_600), ("M", 60), ("S", 1)):
        if code in numbers:
            wrong |= numbers[code] >= _LIMITS[code]
            seconds += numbers[code] * unit
    instants = (seconds * 1_000_000).view("datetime64[us]")
    instants[wrong] = np.datetime64("NaT")
    return instants

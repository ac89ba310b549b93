"""Where the header of a text table is: below a `sep=` line, a title or a report's facts, in one row or in several."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kerasforecast.data.table.columns import DATE_NAMES, same

SEPARATORS = (";", "\t", "|", ",")  # the comma last: it may be a decimal mark
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # for Excel
_HIGHEST = 30  # lines above a header
_SAMPLE = 100
_LEVELS = 3  # rows of names that pandas may have written above that of the index


@dataclass(frozen=True)
class Header:
    """Where a table begins, and what its columns are called.

    Attributes:
        above: Lines above the last row of the header, blank ones not counted.
        names: The columns as they are written, one of several rows joined.
        left_out: Lines of the `above` that hold no names, `sep=` not counted.
    """

    above: int
    names: tuple[str, ...]
    left_out: int = 0


def stated_separator(lines: Sequence[str]) -> str | None:
    """The separator that the first line states, as Excel reads and writes it: `sep=;`."""
    found = _SEPARATOR_LINE.fullmatch(lines[0].strip(" "))
    return found[1] if found else None


def find_separator(lines: Sequence[str]) -> str:
    """The separator by which most lines have as many cells as the header."""
    for candidate in SEPARATORS:
        rows = _cells(lines, candidate)
        counts = Counter(map(len, rows))
        columns = len(rows[0]) if rows else 0
        if (columns > 1 and counts[columns] * 2 >= sum(counts.values())) or _titles(rows):
            return candidate
    first = lines[0]
    return max(SEPARATORS, key=lambda mark: (first.count(mark), mark == ","))


def find_header(lines: Sequence[str], separator: str) -> Header:
    """The header of a table, `lines` being its first ones that are not blank."""
    stated = int(stated_separator(lines) is not None and len(lines) > 1)
    rows = _cells(lines[stated:], separator)
    if levels := _levels(rows):
        return Header(stated + len(levels), _joined(levels, rows[len(levels)][0]))
    titles = _titles(rows)
    return Header(stated + titles, tuple(rows[titles]), titles)


def like_data(cell: str) -> bool:
    """Whether a cell holds a number or a date, as no name does."""
    return bool(re.fullmatch(r"[+-]?[\d.,:/\-T ]+Z?", cell)) and any(char.isdigit() for char in cell)


def _cells(lines: Sequence[str], separator: str) -> list[list[str]]:
    found = csv.reader(lines[: _HIGHEST + _SAMPLE], delimiter=separator, skipinitialspace=True)
    return [[cell.strip() for cell in row] for row in found]


def _titles(rows: list[list[str]]) -> int:
    """How many rows stand above a header: a title, facts about the table, blank cells.

    A header has as many cells as most rows, holds names, and has data below it. Where several rows do, as there are
    units below the names, or facts above them, the one that names dates is meant.
    """
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0
    width = max(widths, key=lambda each: (widths[each], each))
    full = [len(row) == width and sum(map(bool, row)) >= max(2, width - 1) for row in rows[:_HIGHEST]]
    names, facts = [], False
    for place, row in enumerate(rows[:_HIGHEST]):
        if full[place] and like_data(row[0]):
            break
        if full[place] and any(map(like_data, row)):
            facts = True  # such as `Downloaded,2024-05-01`
        elif full[place]:
            names.append(place)
            if place + 1 < len(rows) and any(char.isdigit() for cell in rows[place + 1] for char in cell):
                break
    dated = [place for place in names if any(same(cell) in DATE_NAMES for cell in rows[place])]
    if dated:
        return dated[0]
    titled = bool(names) and not facts and not all(full[: names[-1]])
    return names[-1] if titled else 0


def _levels(rows: list[list[str]]) -> list[list[str]]:
    """Rows of names above one that names the index alone, as pandas writes columns of several levels."""
    for place in range(1, min(_LEVELS + 1, len(rows) - 1)):
        width = {len(row) for row in rows[: place + 2]}
        name, *others = rows[place]
        if (
            len(width) == 1
            and name
            and not like_data(name)
            and others
            and not any(others)
            and any(map(like_data, rows[place + 1]))
        ):
            names = [cell for row in rows[:place] for cell in row]
            return rows[:place] if all(names) and not any(map(like_data, names)) else []
    return []


def _joined(levels: list[list[str]], index: str) -> tuple[str, ...]:
    """One name a column: of the levels that differ, as in `Close AAPL`, else of the first."""
    varied = [row[1:] for row in levels if len(set(row[1:])) > 1] or [levels[0][1:]]
    return (index, *(" ".join(parts) for parts in zip(*varied, strict=True)))

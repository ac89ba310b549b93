"""Which column holds the dates: any that reads as dates, whatever its name and language, or none.

In this order, each only where nothing before it decides:

1. `--date-column`.
2. A column whose name means dates and nothing else (`SURE_NAMES`), whatever else the table holds, so `Date` is taken
   beside `Expiry`; where it does not read as dates, that is an error and no reason to look further.
3. The columns that read as dates, most of them different. One of `DATE_NAMES` comes before the others; of others, one
   is taken and said, several are refused.
4. Year, month and so on in columns of their own (`kerasforecast.data.table.clock` joins them).
5. The columns that read as dates of which most repeat, as a year beside daily rows does: by the same rule.
6. A name of `DATE_NAMES`, or the nameless index that pandas writes, that does not read as dates: an error. Such a
   column that merely counts is none.

Text is a column of dates where most of its first cells are written in one format. Numbers are one only where they run
one way, in steps as dates have them, so that counts and prices are never taken for years or Unix times.
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.table.columns import (
    DATE_NAMES,
    PRICE_NAMES,
    TARGET_NAMES,
    find,
    given_date_column,
    named_columns,
    same,
)
from kerasforecast.data.table.formats import Way, way_of
from kerasforecast.data.table.layout import FIRST_YEAR
from kerasforecast.data.table.parts import called_years
from kerasforecast.data.table.table import listed
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

SURE_NAMES = ("date", "datetime", "date time", "ds", "timestamp")
UNNAMED = ("column 1", "unnamed: 0")  # how an index is read that was written without its name
_NUMBERS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_NO_DATES = (*TARGET_NAMES, *PRICE_NAMES, "volume")  # of columns of numbers that look like dates all the same
_YEAR_FIRST = ("%Y", "%Y%m", "%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
_COUNTS_BELOW = 1_000  # which years do not
_SURE_SHARE = 0.9  # of numbers that have to be dates: less may be chance
_MOSTLY = 0.7  # of the steps, one way
_SURE_ROWS = 32  # in which what counts leaves the days that a month has
_OF_TIME = re.compile(r"time|date|stamp|epoch|unix|zeit|datum|hora|fecha|data\b|heure", re.IGNORECASE)

Sample = Callable[[str], list[str]]
Whole = Callable[[str], "np.ndarray | None"]


@dataclass(frozen=True)
class Choice:
    """The column of dates, if any.

    Attributes:
        column: Its name; `None` where the table has none.
        note: What to say about it, or `""`.
        reads: Whether its first cells read as dates: otherwise parts in columns of their own come before it.
    """

    column: str | None
    note: str = ""
    reads: bool = True


@dataclass(frozen=True)
class _Candidate:
    name: str
    fine: bool  # most of its dates differ


def chosen_column(names: Sequence[str], config: DataConfig, place: str, sample: Sample, whole: Whole) -> Choice:
    """The column of dates by the rules of this module.

    Args:
        names: All columns.
        config: `date_column`, `date_format`, and the target and --past, which are no dates.
        place: The table, for messages.
        sample: Gives the first cells of a column as text.
        whole: Gives all cells of a column of numbers, NaN where one is missing; `None` for other columns.

    Raises:
        DataError: `--date-column` names no column, several columns could be meant, or none fits `--date-format`.
    """
    if config.date_column is not None:
        return Choice(given_date_column(names, config.date_column, place))
    sure = [found for name in SURE_NAMES if (found := find(names, name)) is not None]
    if sure:  # a day and a time stamp may stand side by side
        return Choice(next((name for name in sure[1:] and sure if _mostly_differ(sample(name))), sure[0]))
    used = {find(names, column) for column in named_columns(config)} if len(names) > 1 else {*names}
    tried = [_candidate(name, config, sample, whole) for name in names if name not in used]
    candidates = [candidate for candidate in tried if candidate is not None]
    for fine in (True, False):
        some = [candidate.name for candidate in candidates if candidate.fine == fine]
        if some:
            repeating = [candidate.name for candidate in candidates if not candidate.fine] if fine else []
            return Choice(*_one_of(some, repeating, place), reads=fine)
    return _named_alone(names, config, place, sample)


def _one_of(some: list[str], repeating: list[str], place: str) -> tuple[str, str]:
    """The column meant, and what to say."""
    for name in (*DATE_NAMES, *UNNAMED):
        if (known := find(some, name)) is not None:
            return known, ""
    if len(some) > 1:
        raise DataError(
            f"{place}: expected one column of dates. Received: {listed(some)}, which all read as dates. "
            f"Give --date-column NAME, e.g. --date-column {shlex.quote(some[0])}."
        )
    others = f", not {listed(repeating)}, where dates repeat" if repeating else ""
    return some[0], f"Dates: column {some[0]}{others}."


def _named_alone(names: Sequence[str], config: DataConfig, place: str, sample: Sample) -> Choice:
    """No column reads as dates: one that is called so is an error to be, if it does not count the rows."""
    if config.date_format is None:
        for name in DATE_NAMES:
            found = find(names, name)
            if found is not None and not _counts(sample(found)):
                return Choice(found, reads=False)
        if len(names) > 1 and same(names[0]) in UNNAMED and not _counts(sample(names[0])):
            return Choice(names[0], reads=False)
        return Choice(None)
    raise DataError(
        f"{place}: --date-format must fit a column. Received: {shown(config.date_format)}; columns {listed(names)}. "
        "Give --date-column NAME too, or another format."
    )


def _counts(cells: list[str]) -> bool:
    """Whether cells are numbers that rise in even steps from a low one, as those of days or hours passed."""
    if not all(map(_NUMBERS.fullmatch, cells)):
        return False
    numbers = np.array([float(cell) for cell in cells])
    steps = np.diff(numbers)
    return bool(len(steps) and numbers[0] < _COUNTS_BELOW and steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-6))


def _candidate(name: str, config: DataConfig, sample: Sample, whole: Whole) -> _Candidate | None:
    cells = sample(name)
    if len(set(cells)) < 2:
        return None
    fine = _mostly_differ(cells)
    if config.date_format is not None:
        return _Candidate(name, fine) if _fits(cells, config.date_format) else None
    way = way_of(cells)
    if way is None or 2 * way.share <= 1:
        return None
    numbers = np.array([float(cell) for cell in cells]) if all(map(_NUMBERS.fullmatch, cells)) else None
    if numbers is None:
        return _Candidate(name, fine)
    if same(name) in _NO_DATES:
        return None
    every = whole(name)
    return _of_numbers(name, way, numbers if every is None else every)


def _mostly_differ(cells: Sequence[str] | np.ndarray) -> bool:
    return 2 * len(np.unique(cells)) > len(cells)


def _fits(cells: list[str], form: str) -> bool:
    try:
        return bool(pd.to_datetime(pd.Series(cells), format=form, errors="coerce", utc=True).notna().mean() > 0.5)
    except ValueError:  # no strptime format, or dates that pandas cannot hold: refused when the column is read
        return False


def _of_numbers(name: str, way: Way, numbers: np.ndarray) -> _Candidate | None:
    """A candidate where numbers that may be dates, by their digits, also run as dates do.

    Strictly one way; or mostly so, as those of several series one after another do, which are refused further on.
    """
    numbers = numbers[~np.isnan(numbers)]
    steps = np.diff(numbers)
    moved = steps[steps != 0]
    if not len(moved) or (way.width and way.share <= _SURE_SHARE):
        return None
    fine, even = bool(abs(np.sign(steps).sum()) == len(steps)), _share_of_commonest(moved) >= 0.5
    mostly = max((moved > 0).mean(), (moved < 0).mean()) >= _MOSTLY and even
    if way.kind == "epoch":
        dates = (fine and bool(_OF_TIME.search(name))) or mostly
        return _Candidate(name, fine) if dates and numbers.max() < _next_year_as(numbers.max()) else None
    if way.width == 8 and _mostly_differ(numbers):
        return _Candidate(name, True)  # eight digits are hardly ever a day by chance: disorder is for the reader
    if way.forms[0] not in _YEAR_FIRST:  # nor are six, row after row
        sure = way.forms[0] == "%y%m%d" and fine and len(numbers) >= _SURE_ROWS
        return _Candidate(name, True) if sure else None
    years = numbers // 10 ** (way.width - 4)
    if years.max() > dt.date.today().year + 1 or years.min() < FIRST_YEAR:
        return None
    if way.width == 4 and not called_years(name):
        return _Candidate(name, True) if fine and even and abs(np.median(moved)) == 1 else None
    return _Candidate(name, fine) if fine or mostly else None


def _share_of_commonest(steps: np.ndarray) -> float:
    return float(np.unique(steps, return_counts=True)[1].max() / len(steps))


def _next_year_as(number: float) -> float:
    """The Unix time a year from now, in the unit that `number` is in by its size."""
    seconds = dt.datetime.now(dt.UTC).timestamp() + 366 * 86_400
    return seconds * 10 ** (3 * sum(number >= limit for limit in (10**11, 10**14, 10**17)))

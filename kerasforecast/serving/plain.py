"""A table of JSON that leaves nothing to guess, straight to a panel: plain numbers, and ISO dates that rise.

What a table may hold otherwise (ids, dates written in any way, gaps, marks in numbers) takes the reader of all tables
some 10 ms to find out. Here there is nothing to find out; what must hold of rows is asked as it is of any others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.artifact.inputs import reading_options
from kerasforecast.data.assemble import assembled
from kerasforecast.data.calendars import require_step
from kerasforecast.data.reading import Found, Reading
from kerasforecast.data.series import Source
from kerasforecast.data.table.columns import DATE_NAMES, same
from kerasforecast.data.table.grouping import KEY_NAMES, Grouping
from kerasforecast.data.table.layout import FIRST_YEAR, LAST_YEAR
from kerasforecast.data.table.roles import roles_in
from kerasforecast.data.table.stack import Stack
from kerasforecast.data.table.table import FrameLocator, Table
from kerasforecast.errors import DataError

if TYPE_CHECKING:
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel

Columns = dict[str, list[int | float | str | None]]

_ISO = re.compile(r"(?:\d{4}-\d\d-\d\d\n)+|(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?\n)+", re.ASCII)
_FEWEST = 3  # rows that show a step


def plain_panel(manifest: Manifest, columns: Columns) -> Panel | None:
    """The series in `columns`, for a model that takes one column of dates and exactly the others.

    Args:
        manifest: The model's.
        columns: Cells by name, all of one length; each all numbers or all texts, or lacking.

    Returns:
        The panel that the reader of all tables would make of them, less the columns that the model itself computes
        from dates; `None` where anything is to be found out first, or to be refused: that reader says it best.
    """
    dates = _dates_among(manifest, columns)
    index = None if dates is None else _rising(columns[dates])
    if dates is None or index is None:
        return None
    names = [name for name in columns if name != dates]
    values = np.array([columns[name] for name in names], np.float64).T.copy()  # (R, C)
    config = reading_options(manifest)
    frame = pd.DataFrame(values, columns=names)
    frame.insert(len(names), dates, index)  # which messages name
    table = Table(frame, FrameLocator(frame, pd.RangeIndex(len(frame)), "DataFrame"))
    roles = roles_in(table, dates, config)
    order = [names.index(name) for name in roles.read(table)]
    rows = np.arange(len(frame), dtype=np.uint32)
    one = np.array([""], dtype=object)
    used = tuple(names[place] for place in order)
    stack = Stack(table, used, values[:, order], index, rows, np.array([0, len(rows)]), one)
    found = Found(table, config, "series", Source("frame"))
    read = Reading(found, config, stack, Grouping(one), roles, dates, None, (), 0, "")
    try:
        panel = assembled(read, positive_prices=False).panel
        require_step(panel[0])
    except DataError:
        return None
    return panel


def is_plain(manifest: Manifest, columns: Columns) -> bool:
    """Whether `plain_panel` reads `columns`, found out in a hundredth of a millisecond a row at most."""
    dates = _dates_among(manifest, columns)
    return dates is not None and _rising(columns[dates]) is not None


def _dates_among(manifest: Manifest, columns: Columns) -> str | None:
    """The one column of texts, where it can be nothing but that of dates and the others are the model's numbers."""
    trained, roles = manifest.config.data, manifest.roles
    wanted = {name for name in manifest.columns if name not in roles.calendar}
    if (
        trained.id
        or trained.series
        or trained.targets
        or roles.static
        or any(same(name) in KEY_NAMES for name in wanted)
    ):
        return None
    texts = [name for name in columns if name not in wanted]
    if len(texts) != 1 or len(columns) != 1 + len(wanted):
        return None
    called = same(texts[0]) in DATE_NAMES if trained.date_column is None else texts[0] == trained.date_column
    numbers = all(set(map(type, cells)) <= {int, float} for name, cells in columns.items() if name in wanted)
    return texts[0] if called and numbers else None


def _rising(cells: list[int | float | str | None]) -> pd.DatetimeIndex | None:
    """Dates of ISO 8601 that rise, all written alike; `None` where they are anything else."""
    if len(cells) < _FEWEST or not all(type(cell) is str for cell in cells):
        return None
    if not _ISO.fullmatch("\n".join(cells) + "\n") or len(set(map(len, cells))) > 1:  # type: ignore[arg-type]
        return None
    try:
        stamps = np.array(cells, "datetime64[us]")
    except ValueError:  # a month 13
        return None
    years = stamps[[0, -1]].astype("datetime64[Y]").astype(np.int64) + 1970
    if not (stamps[1:] > stamps[:-1]).all() or years[0] < FIRST_YEAR or years[1] > LAST_YEAR:
        return None
    return pd.DatetimeIndex(stamps)

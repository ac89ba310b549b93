"""The forecasts of several series side by side: a few of them, evenly chosen, as pictures of one sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kerasforecast.data.id_column import id_column
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import printable
from kerasforecast.report.outlook import Outlook

DRAWN = 12  # series of a sheet at most


@dataclass(frozen=True, eq=False)
class Outlooks:
    """Forecasts of several series, ready to be drawn.

    Attributes:
        each: Those that are drawn, two or more.
        total: How many series were forecast.
    """

    each: tuple[Outlook, ...]
    total: int

    @property
    def titles(self) -> list[str]:
        """What stands above the sheet, a line or two."""
        first, *verdict = replace(self.each[0], id=None).titles
        return [f"{first}, {self.counted}", *verdict]

    @property
    def counted(self) -> str:
        """How many are drawn, in words."""
        count = len(self.each)
        return f"{count} series" if count == self.total else f"{count} of {self.total:,} series"

    def few(self, most: int) -> Outlooks:
        """At most `most` of them, evenly chosen."""
        return replace(self, each=tuple(self.each[place] for place in _evenly(len(self.each), most)))


def outlook_of(
    name: str,
    data: Panel | Series,
    forecasts: pd.DataFrame,
    levels: Sequence[float],
    verdict: str | None = None,
    most: int = DRAWN,
) -> Outlook | Outlooks:
    """What `forecasts` are drawn as: one picture of one series, a sheet of a few where there are several.

    Args:
        name: The model's.
        data: What is known.
        forecasts: As `kerasforecast.Model.forecast` gives them, or that table as its file has it, ids in a column
            called as `kerasforecast.data.id_column` says. Only the series in it are drawn.
        levels: Of the model; those are taken whose columns are there.
        verdict: On the model.
        most: Series that are drawn; of more, some are chosen evenly in the order of `forecasts`.
    """
    panel = Panel.of(data)
    if isinstance(forecasts.index, pd.MultiIndex):
        forecasts = forecasts.reset_index()
    key = id_column(panel)
    if key is None or key not in forecasts:
        return Outlook.after(name, panel[0], forecasts, levels, verdict)
    codes, ids = pd.factorize(forecasts[key].astype(str))
    rest = forecasts.drop(columns=key)
    each = tuple(
        replace(Outlook.after(name, panel[str(ids[place])], rest[codes == place], levels, verdict), id=str(ids[place]))
        for place in _evenly(len(ids), most)
    )
    return each[0] if len(ids) == 1 else Outlooks(each, len(ids))


def titles_within(outlook: Outlook | Outlooks, width: int) -> list[str]:
    """The titles in lines of `width` letters; those of a lone series as they are.

    A verdict on several series has more to say than one line holds.
    """
    if isinstance(outlook, Outlook) and outlook.id is None:
        return outlook.titles
    return [line for title in outlook.titles for line in textwrap.wrap(printable(title), width)]


def _evenly(count: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)).tolist()

"""The columns of a panel as a trained model knows them: by name, in the roles and with the categories that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from kerasforecast.data.calendar_choice import with_features
from kerasforecast.data.calendar_columns import check_calendar_columns
from kerasforecast.data.categories import recoded
from kerasforecast.data.panel import ColumnRole, Panel
from kerasforecast.data.table.columns import find
from kerasforecast.errors import DataError, shown


@dataclass(frozen=True, eq=False)
class Wanted:
    """The columns that a model needs.

    Attributes:
        past: The target first, then those known until now.
        known: Those known ahead.
        static: Those of one value a series.
        categories: Of each static one its categories, in the order of their numbers; none of a number.
        calendar: Which of the known ones follow from the dates, and how.
    """

    past: tuple[str, ...]
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    calendar: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those with a value a row."""
        return (*self.past, *self.known)


def matched(panel: Panel, wanted: Wanted, name: str) -> Panel:
    """`panel` with the columns that the model `name` needs and no others; itself where it has just these.

    Columns that the dates give are made of them where they are absent.

    Raises:
        DataError: It lacks one, knows one only until now that the model needs ahead, or has a category that the model
            has not seen.
    """
    if (panel.past_columns, panel.known_columns) != (wanted.past, wanted.known):
        panel = _with_rows(panel, wanted, name)
    if not wanted.static:
        return panel if panel.static is None else replace(panel, static=None, static_columns=(), categories=())
    return _with_attributes(panel, wanted, name)


def _with_rows(panel: Panel, wanted: Wanted, name: str) -> Panel:
    computed = {name: feature for name, feature in wanted.calendar.items() if find(panel.columns, name) is None}
    panel = with_features(panel, computed) if panel.dated else panel
    names = [find(panel.columns, column) for column in wanted.columns]
    if None in names or names[0] != panel.target:
        flags = "--target and --past" if not wanted.known else "--target, --past and --known"
        raise DataError(
            f"{name}: needs the columns {', '.join(wanted.columns)} and forecasts the first. "
            f"Received: {', '.join(panel.columns)}. Give its columns with {flags}."
        )
    ahead = dict(zip(wanted.known, names[len(wanted.past) :], strict=True))
    if late := [column for column, own in ahead.items() if own in panel.past_columns]:
        raise DataError(
            f"{name}: needs {shown(late)} of the rows to be forecast too. Received: columns known until now. "
            "Give them with --known."
        )
    values = panel.values[:, [panel.columns.index(str(own)) for own in names]]
    if panel.calendar_columns != wanted.calendar:
        check_calendar_columns(values, panel.index, wanted.columns, wanted.calendar)
    after = np.arange(len(values)) >= np.repeat(panel.ends, np.diff(panel.starts))
    values[after, : len(wanted.past)] = np.nan  # of a column that is known ahead here, and until now there
    values.setflags(write=False)
    past: list[ColumnRole] = ["past"] * (len(wanted.past) - 1)
    known: list[ColumnRole] = ["known"] * len(wanted.known)
    return replace(
        panel,
        values=values,
        columns=wanted.columns,
        roles=("target", *past, *known),
        calendar_columns=dict(wanted.calendar),
    )


def _with_attributes(panel: Panel, wanted: Wanted, name: str) -> Panel:
    places = [find(panel.static_columns, column) for column in wanted.static]
    if panel.static is None or None in places:
        raise DataError(
            f"{name}: needs the static columns {', '.join(wanted.static)}. "
            f"Received: {', '.join(panel.static_columns) or 'none'}. Give them with --static."
        )
    at = [panel.static_columns.index(str(place)) for place in places]
    own = tuple(panel.categories[place] for place in at)
    panel = replace(panel, static=panel.static[:, at], static_columns=wanted.static, categories=own)
    return recoded(panel, wanted.categories or ((),) * len(wanted.static))

"""The columns of a panel as a trained model knows them: by name, in the roles and with the categories that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from kerasforecast.data.calendar_columns import calendar_rows, check_calendar_columns
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
    names = [find(panel.columns, column) for column in wanted.columns]
    absent = [
        column
        for column, own in zip(wanted.columns, names, strict=True)
        if own is None and not (column in wanted.calendar and panel.dated)
    ]
    if absent or names[0] != panel.target:
        flags = "--target and --past" if not wanted.known else "--target, --past and --known"
        raise DataError(
            f"{name}: needs the columns {', '.join(wanted.columns)} and forecasts the first. "
            f"Received: {', '.join(panel.columns)}. Give its columns with {flags}."
        )
    ahead = dict(zip(wanted.known, names[len(wanted.past) :], strict=True))
    if late := [column for column, own in ahead.items() if own is not None and own in panel.past_columns]:
        raise DataError(
            f"{name}: needs {shown(late)} of the rows to be forecast too. Received: columns known until now. "
            "Give them with --known."
        )
    values = np.empty((len(panel.index), len(names)))
    for place, (column, own) in enumerate(zip(wanted.columns, names, strict=True)):
        if own is None:
            values[:, place] = calendar_rows((column,), wanted.calendar, panel.index)[:, 0]
        else:
            values[:, place] = panel.values[:, panel.columns.index(own)]
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
    columns = []
    categories = wanted.categories or ((),) * len(wanted.static)
    for column, own, names in zip(wanted.static, places, categories, strict=True):
        place = panel.static_columns.index(str(own))
        columns.append(_attribute(panel, place, column, names, name))
    return replace(
        panel, static=np.stack(columns, axis=1), static_columns=wanted.static, categories=tuple(map(tuple, categories))
    )


def _attribute(panel: Panel, place: int, column: str, names: tuple[str, ...], model: str) -> np.ndarray:
    """The numbers `(N,)` that the model has for a static column of `panel`."""
    if panel.static is None:
        raise ValueError("There are no static columns.")
    values, own = panel.static[:, place], panel.categories[place]
    if bool(own) != bool(names):
        kinds = ("categories", "numbers") if names else ("numbers", "categories")
        raise DataError(f"{model}: {column} must hold {kinds[0]}, as in training. Received: {kinds[1]}.")
    if own == tuple(names):
        return values
    numbers = {category: number for number, category in enumerate(names)}
    if unknown := [own[number] for number in np.unique(values.astype(int)) if own[number] not in numbers]:
        raise DataError(
            f"{model}: {column} must be a category that it has learned. Received: {shown(unknown)}. "
            "Leave those series out, or train it again."
        )
    return np.array([numbers.get(category, 0) for category in own], np.float64)[values.astype(int)]

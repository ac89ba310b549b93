"""What must hold of a panel, so that everything after its construction may trust it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.data.finite import all_finite
from kerasforecast.data.frequency import check_frequency
from kerasforecast.errors import DataError, shown


def check_panel(panel: Any) -> None:
    """Refuse a panel whose parts do not fit together.

    Args:
        panel: A `kerasforecast.data.panel.Panel`, which asks this when it is made.

    Raises:
        DataError: Shapes, columns, dates or values are not as `kerasforecast.data.panel.Panel` has them.
    """
    _check_shapes(panel)
    _check_columns(panel)
    _check_index(panel)
    check_frequency(panel.frequency)
    _check_values(panel)


def _check_shapes(panel: Any) -> None:
    rows, columns, count = len(panel.index), len(panel.columns), len(panel.ids)
    if panel.values.shape != (rows, columns) or not columns:
        raise DataError(
            "Panel values must have shape (rows, columns). "
            f"Received: values {panel.values.shape}, {rows} index entries, {columns} columns."
        )
    lengths = np.diff(panel.starts) if panel.starts.shape == (count + 1,) else np.array([-1])
    if not count or panel.starts[0] != 0 or panel.starts[-1] != rows or (lengths < 0).any():
        raise DataError(
            "Panel starts must hold the first row of each series, in order, and the number of rows. "
            f"Received: {len(panel.starts)} starts for {count} series of {rows} rows."
        )
    if panel.observed.shape != (count,) or (panel.observed < 0).any() or (panel.observed > lengths).any():
        raise DataError("Panel observed must count rows of each series. Received: other numbers of rows.")
    if panel.ids.shape != (count,) or len(np.unique(panel.ids)) != count:
        raise DataError(f"Panel ids must differ, one a series. Received: {shown(panel.ids.tolist())}.")
    if count > 1 and panel.key is None:
        raise DataError(f"Panel ids need a name (key). Received: none for {count} series.")


def _check_columns(panel: Any) -> None:
    names = (*panel.columns, *panel.static_columns)
    if len(set(names)) != len(names) or panel.key in names:
        raise DataError(f"Panel columns must differ. Received: {shown(names)}. Rename one of them.")
    if [role == "target" for role in panel.roles] != [place == 0 for place in range(len(panel.columns))]:
        raise DataError(f"Panel roles must name the first column the target. Received: {shown(panel.roles)}.")
    if list(panel.roles) != sorted(panel.roles, key=("target", "past", "known").index):
        raise DataError(f"Panel columns must stand in the order target, past, known. Received: {shown(panel.roles)}.")
    wanted = (len(panel.ids), len(panel.static_columns))
    static = np.empty((len(panel.ids), 0)) if panel.static is None else panel.static
    if static.shape != wanted or not np.isfinite(static).all():
        raise DataError(f"Panel static must be finite, of shape {wanted}. Received: other values.")
    for place, (name, categories) in enumerate(zip(panel.static_columns, panel.categories, strict=True)):
        if categories and not np.isin(static[:, place], np.arange(len(categories))).all():
            raise DataError(f"Panel static {name} must hold numbers of its categories. Received: other numbers.")


def _check_index(panel: Any) -> None:
    if getattr(panel.index, "tz", None) is not None or panel.index.hasnans:
        raise DataError("Panel index must be tz-naive and complete. Remove the time zone and missing dates first.")
    stamps = panel.index.asi8 if isinstance(panel.index, pd.DatetimeIndex) else np.asarray(panel.index)
    rising = np.asarray(stamps[1:] > stamps[:-1])
    borders = panel.starts[1:-1] - 1
    rising[borders[(borders >= 0) & (borders < len(rising))]] = True
    if not rising.all():
        row = int(np.argmin(rising)) + 1
        raise DataError(
            f"Panel index must be strictly increasing within each series. Received: {panel.index[row]} after "
            f"{panel.index[row - 1]} in {panel.id_of(row)}. Sort the rows and remove doubled dates first."
        )


def _check_values(panel: Any) -> None:
    if all_finite(panel.values) and (panel.observed == np.diff(panel.starts)).all():
        return
    wrong = ~np.isfinite(panel.values)
    if (panel.observed < np.diff(panel.starts)).any():
        ahead = np.arange(len(panel.index)) >= panel.ends[panel.places(np.arange(len(panel.index)))]
        unknown = np.array([role != "known" for role in panel.roles])
        wrong = np.where(ahead[:, None] & unknown, ~np.isnan(panel.values), wrong)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            "Panel values must be finite, and where a row has no target yet NaN but for known columns. "
            f"Received: {panel.values[row, column]} at {panel.index[row]} in {panel.id_of(row)}, "
            f"column {panel.columns[column]}. Drop or fill such rows first."
        )

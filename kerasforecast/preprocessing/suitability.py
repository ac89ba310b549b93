"""Rows that a scaling cannot take, and those that it takes otherwise than one would think."""

from __future__ import annotations

import numpy as np

from kerasforecast.data.numerals import number
from kerasforecast.data.panel import Panel
from kerasforecast.data.precision import LARGEST, rounding_note, too_large
from kerasforecast.data.stamps import iso_text
from kerasforecast.data.table.table import counted
from kerasforecast.errors import DataError, shown
from kerasforecast.preprocessing.bound import bound_note
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import LOGARITHMIC

TRAIN_REMEDY = "Use --scaling difference."
USE_REMEDY = "Correct the value, or empty the cell and use --missing drop; or train with --scaling difference."


def check_rows(
    scaling: FittedScaling, panel: Panel, rows: np.ndarray | None = None, remedy: str = TRAIN_REMEDY
) -> None:
    """Refuse values that a scaling cannot take, in `rows` of `panel`, or in any.

    Raises:
        DataError: A value is zero or negative where a log is taken, or beyond 1e18.
    """
    for place in range(len(scaling.transforms)):
        values = panel.values[:, place] if rows is None else panel.values[rows, place]
        large = np.flatnonzero(np.abs(values) > LARGEST)
        if len(large):
            row = int(large[0] if rows is None else rows[large[0]])
            raise too_large(panel.values[row, place], f"{panel.id_of(row)}: {panel.columns[place]}")
        low = np.flatnonzero((values <= 0) & (place in scaling.logged))
        if len(low):
            row = int(low[0] if rows is None else rows[low[0]])
            date = iso_text(panel.index[row], panel.index)
            raise DataError(
                f"{panel.id_of(row)}: {panel.columns[place]} must be positive for log returns, as in training. "
                f"Received: {shown(float(panel.values[row, place]))} at {date}. {remedy}"
            )


def first_after_unusable(scaling: FittedScaling, panel: Panel) -> np.ndarray:
    """`(N,)` the row after the last one of each series that the scaling cannot take; its first where it takes all."""
    wrong = (np.abs(panel.values) > LARGEST).any(axis=1)
    wrong |= (panel.values[:, list(scaling.logged)] <= 0).any(axis=1)
    rows, found = np.flatnonzero(wrong), panel.starts[:-1].copy()
    np.maximum.at(found, panel.places(rows), rows + 1)
    return found


def scaling_notes(scaling: FittedScaling, panel: Panel) -> list[str]:
    """Which rows of `panel` a scaling takes for others, a sentence for each column that has some."""
    notes = []
    for place, floor in enumerate(scaling.floor):
        low = int((panel.values[:, place] <= 0).sum()) if floor else 0
        if low:
            name, verb = panel.columns[place], "counts" if low == 1 else "count"
            notes.append(f"{name}: {counted(low)} not above 0 {verb} as {number(floor)}, since logs are taken of it.")
    return notes


def fit_notes(scaling: FittedScaling, panel: Panel, train: np.ndarray, starts: np.ndarray) -> list[str]:
    """The same, and what a fit decided by its training rows, as `fit_scaling` takes them."""
    notes = []
    past = panel.past_columns
    for name, transform, values in zip(past, scaling.transforms, train[:, : len(past)].T, strict=True):
        if scaling.kind in LOGARITHMIC and transform == "difference":
            notes.append(f"{name} is not positive throughout training: plain differences stand for its log returns.")
        if said := rounding_note(name, values, starts):
            notes.append(said)
    return [*notes, *bound_note(scaling.lowest), *scaling_notes(scaling, panel)]

"""What errors of baselines are measured in, so that those of several series are alike: how much each series moves."""

from __future__ import annotations

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.sums import changes_of, parts_of, running_sums
from kerasforecast.preprocessing.volatility import Volatility

_ROUNDING = 1e-12  # of the size of values; where no series has moved, their rounding is no unit


def own_units(panel: Panel, rows: np.ndarray, volatility: Volatility) -> np.ndarray:
    """Root mean square `(n,)` of all one-step moves of each row's own series up to that row.

    Nothing of it is learned, so a series that no training has seen has one too.

    Args:
        panel: The series.
        rows: `(n,)` of it.
        volatility: Says whether moves are log-ratios, and the least unit: that of a series that has not moved yet.
    """
    rows, starts = np.asarray(rows, np.int64), panel.starts
    least = max(volatility.floor, _ROUNDING * (1.0 if volatility.logarithmic else volatility.size))
    found = np.full(len(rows), least)
    for part in parts_of(np.diff(starts)):
        begin, end = starts[part.start], starts[part.stop]
        inside = np.flatnonzero((rows >= begin) & (rows < end))
        if len(inside):
            borders = starts[part.start : part.stop + 1] - begin
            changes = changes_of(panel.values[begin:end, 0], borders[:-1], volatility.logarithmic)
            own = rows[inside]
            count = np.maximum(own - starts[panel.places(own)], 1)
            squares = running_sums(changes**2, borders)[own - begin]
            found[inside] = np.maximum(np.sqrt(squares / count), least)
    return found

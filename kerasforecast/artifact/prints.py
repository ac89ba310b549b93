"""Prints of series: numbers by which a table that holds some of their rows is known again, however many series it has.

A print is a hash of some consecutive rows, their dates and values. A model file keeps two for each series that was
learned from, of its first rows and of the last that were learned; so many numbers are few even for thousands of series.
"""

from __future__ import annotations

import numpy as np

from kerasforecast.data.panel import Panel

ROWS = 6  # of one print
MOST = 10_000  # prints that a file holds
_MULTIPLIER = np.uint64(6364136223846793005)
_ODD = np.uint64(0x9E3779B97F4A7C15)


def prints_of(panel: Panel, stops: np.ndarray) -> tuple[int, ...]:
    """Two prints of each series, of as many series as a file holds, spread evenly.

    Args:
        panel: The series.
        stops: `(N,)` one past the last row of each that is learned from.
    """
    long = np.flatnonzero(stops - panel.starts[:-1] >= ROWS)
    long = long[:: max(1, -(-2 * len(long) // MOST))]
    if not len(long):
        return ()
    hashes = _hashes(panel)
    found = hashes[np.concatenate([panel.starts[long], stops[long] - ROWS])]
    return tuple(np.unique(found).tolist())


def known_series(panel: Panel, prints: tuple[int, ...]) -> np.ndarray:
    """`(N,)` which series of `panel` hold the rows of a print."""
    found = np.zeros(len(panel), bool)
    if len(panel.index) >= ROWS and prints:
        first = np.flatnonzero(np.isin(_hashes(panel), np.array(prints, np.int64)))
        owners = panel.places(first)
        found[owners[first + ROWS <= panel.ends[owners]]] = True
    return found


def _hashes(panel: Panel) -> np.ndarray:
    """`(R - ROWS + 1,)` int64, a hash of the rows from each on; of rows of two series it means nothing."""
    stamps = panel.index.to_numpy()
    if panel.dated:
        stamps = stamps.astype("datetime64[ns]")
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(panel.values[:, 0], np.float64) + 0.0  # no negative zero
        one = _mixed(stamps.astype(np.int64).view(np.uint64) * _ODD ^ values.view(np.uint64))
        count = max(0, len(one) - ROWS + 1)
        total = np.zeros(count, np.uint64)
        for place in range(ROWS):
            total = total * _MULTIPLIER + one[place : place + count]
    return total.view(np.int64)


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Every bit of the result hangs on every bit of a number (the finaliser of SplitMix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = bits ^ (bits >> np.uint64(31))
    return mixed

"""Sums over the rows of each of many series in flat arrays, without a loop over the series.

No series' sum sees another's rows, so none loses digits, and none changes by a bit, whatever the others hold.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_CELLS = 1_000_000  # of a grid of series by rows, at once
_GOLDEN = (np.sqrt(5) - 1) / 2


def stretch_means(values: np.ndarray, first: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The mean of `values` `(R,)` from each of `first` `(N,)` up to the `stop` `(N,)` beside it; NaN where it is empty.

    Bit for bit what `np.mean` of each stretch is.
    """
    lengths = np.maximum(stop - first, 0)
    means = np.full(len(lengths), np.nan)
    some = np.flatnonzero(lengths)
    for part in parts_of(lengths[some]):
        chosen = some[part]
        counts = lengths[chosen]
        begins = np.cumsum(counts + 1) - (counts + 1)
        rows = np.arange(counts.sum() + len(chosen)) - np.repeat(begins + 1 - first[chosen], counts + 1)
        rows[begins] = 0
        spaced = values[rows].astype(np.float64, copy=False)
        spaced[begins] = 0.0  # a sum that begins with zero, as that of `np.mean` does
        means[chosen] = np.add.reduceat(spaced, begins) / counts
    return means


def parts_of(lengths: np.ndarray) -> list[slice]:
    """Series of so many rows each, `(N,)`, cut into runs of some million rows: what is made of all at once is large."""
    parts = np.cumsum(lengths) // _CELLS
    edges = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), len(lengths)]
    return [slice(begin, end) for begin, end in pairwise(edges) if end > begin]


def running_sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums `(R,)` of `values` `(R,)` from the first row of each series to each row of it.

    Args:
        values: The rows of all series one after another.
        starts: `(N + 1,)` the first row of each series, and R.
    """
    lengths = np.diff(starts)
    sums = np.empty(len(values))
    widths = 1 << np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64)  # series of about the same length at once
    for width in np.unique(widths):
        members = np.flatnonzero((widths == width) & (lengths > 0))
        for begin in range(0, len(members), count := max(1, _CELLS // int(width))):
            some = members[begin : begin + count]
            places = np.arange(lengths[some].max())
            rows = starts[some][:, None] + places  # (n, W)
            inside = places < lengths[some][:, None]
            grid = np.where(inside, values[np.minimum(rows, len(values) - 1)], 0.0)
            sums[rows[inside]] = np.cumsum(grid, axis=1)[inside]
    return sums


def changes_of(values: np.ndarray, first: np.ndarray, logarithmic: bool) -> np.ndarray:
    """The change `(R,)` into each row of `values` `(R,)` from the one before: log-ratios, or differences.

    It is 0 into the `first` rows `(N,)` of the series, and log-ratios are taken of positive values alone: any other
    change is relative to the larger of both.
    """
    before, after = values[:-1], values[1:]
    changes = np.zeros(len(values))
    if not logarithmic:
        changes[1:] = after - before
    elif len(values) and values.min() > 0:
        changes[1:] = np.log(after / before)
    else:
        positive = (before > 0) & (after > 0)
        size = np.maximum(np.maximum(np.abs(before), np.abs(after)), np.finfo(np.float64).tiny)
        ratio = np.divide(after, before, out=np.ones(len(before)), where=positive)
        changes[1:] = np.where(positive, np.log(ratio), (after - before) / size)
    changes[first[first < len(values)]] = 0.0
    return changes


def own_volatility(values: np.ndarray, starts: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Root mean square `(N,)` of the one-step changes of each series; NaN where it has fewer than two rows.

    Args:
        values: `(R,)` the rows of all series one after another.
        starts: `(N,)` the first row of each.
        logarithmic: Whether changes are log-ratios.
    """
    stops, found = np.append(starts[1:], len(values)), np.empty(len(starts))
    for part in parts_of(stops - starts):
        first, stop = starts[part], stops[part]
        squares = changes_of(values[first[0] : stop[-1]], first - first[0], logarithmic) ** 2
        found[part] = np.sqrt(stretch_means(squares, first + 1 - first[0], stop - first[0]))
    return found


def evenly(count: int, most: int) -> np.ndarray:
    """At most so many places `(n,)` of `count`, ascending, spread evenly but in step with no season; all where few."""
    if count <= most:
        return np.arange(count)
    steps, stride = np.arange(most), count / most
    # Each place moves within its share of the way, by golden ratios: the next may come nearer by 0.382 of what it may.
    moved = min(1.0, (1 - 1 / stride) / (1 - _GOLDEN)) * (steps * _GOLDEN % 1)
    return np.minimum(np.floor((steps + moved) * stride).astype(np.int64), count - 1)

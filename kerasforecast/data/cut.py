"""Some rows of every series of a panel, and nothing of the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kerasforecast.data.panel import Panel


def between(panel: Panel, first: np.ndarray, stop: np.ndarray) -> Panel:
    """The rows of each series from `first` `(N,)` to before `stop` `(N,)`, both rows of `panel`, and no others.

    Every series stays, one without such rows as an empty one, so that its place and its id do.
    """
    first = np.clip(first, panel.starts[:-1], panel.starts[1:])
    lengths = np.maximum(np.minimum(stop, panel.starts[1:]) - first, 0)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    if len(panel) == 1:  # a view, no copy
        rows: slice | np.ndarray = slice(int(first[0]), int(first[0] + lengths[0]))
    else:
        rows = np.arange(starts[-1]) + np.repeat(first - starts[:-1], lengths)
    values = panel.values[rows]
    values.setflags(write=False)
    observed = np.clip(panel.ends - first, 0, lengths)
    return replace(panel, values=values, index=panel.index[rows], starts=starts, observed=observed)

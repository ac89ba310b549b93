"""Some rows of every series of a panel, or all of one, and nothing of the others."""

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


def alone(panel: Panel, place: int) -> Panel:
    """The series at `place`, from 0, as a panel of one, rows that carry its known columns alone included.

    What has one value a series tells nothing of a lone one: static columns are left out.
    """
    first, stop = int(panel.starts[place]), int(panel.starts[place + 1])
    return replace(
        panel,
        values=panel.values[first:stop],
        index=panel.index[first:stop],
        starts=np.array([0, stop - first]),
        ids=panel.ids[place : place + 1],
        observed=panel.observed[place : place + 1],
        key=None,
        static=None,
        static_columns=(),
        categories=(),
        name=str(panel.ids[place]),
        notes=(),
    )

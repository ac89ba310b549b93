"""Wide tables, in which each column is a series: to rows of one series after another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kerasforecast.data.table.roles import Roles
from kerasforecast.data.table.stack import Stack, named
from kerasforecast.data.table.table import counted
from kerasforecast.errors import DataError

KEY = "series"  # what the names of the columns are ids of


def series_of_columns(stack: Stack, roles: Roles) -> tuple[Stack, list[str]]:
    """The rows of each of the columns that are forecast, from its first value to its last.

    Args:
        stack: In order of time, of one series: the columns that are forecast, then those that all series share.
        roles: Of the columns. Where some are known ahead, rows after the last value belong to a series too.

    Raises:
        DataError: No column holds a value.
    """
    width, rows = len(roles.targets), len(stack)
    values = stack.values[:, :width]
    there = ~np.isnan(values)
    some = np.flatnonzero(there.any(axis=0))
    if not len(some):
        raise DataError(
            f"{stack.table.name}: expected values in {named(roles.targets)}. Received: only empty cells. Give data."
        )
    first = there.argmax(axis=0)[some]
    after = np.full(len(some), rows) if roles.known else rows - there[::-1].argmax(axis=0)[some]
    lengths = after - first
    starts = np.concatenate([[0], np.cumsum(lengths)])
    owner = np.repeat(np.arange(len(some)), lengths)
    at = np.arange(starts[-1]) - (starts[:-1] - first)[owner]  # the row of the table
    found = np.empty((len(at), 1 + stack.values.shape[1] - width))
    found[:, 0] = values[at, some[owner]]
    found[:, 1:] = stack.values[at, width:]
    ids = np.array(roles.targets, dtype=object)[some]
    empty = np.setdiff1d(np.arange(width), some)
    names = named([roles.targets[place] for place in empty])
    notes = [f"{counted(len(empty), 'column')} without values left out: {names}."] if len(empty) else []
    exploded = replace(
        stack,
        columns=(roles.target, *stack.columns[width:]),
        values=found,
        index=stack.index[at],
        positions=stack.positions[at],
        starts=starts,
        ids=ids,
        key=KEY,
        wide=True,
    )
    return exploded, notes

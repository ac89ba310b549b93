"""Dates and integer steps as text: the one form in which they leave the package, on pages, in files and in messages.

ISO 8601, with the time of day only where a row has one: a day is `2024-02-29`, a bar of a quarter hour
`2024-02-29T09:30:00`. Integer steps stay integers.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

# From coarse to fine: what a text may end with, and the nanoseconds that it cannot tell apart.
_UNITS = {"D": 86_400 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?)?", re.ASCII)


def iso_texts(stamps: pd.Index, among: pd.Index | None = None) -> list[str | int]:
    """Every stamp as text, all in one form.

    Args:
        stamps: A tz-naive `DatetimeIndex`, or an index of integer steps.
        among: The rows that they belong to: where any of them has a time of day, the texts have one too. `stamps`
            themselves where not given.

    Returns:
        ISO 8601, which `parsed` turns back into the same stamps; or plain integers.
    """
    if not isinstance(stamps, pd.DatetimeIndex):
        return [int(step) for step in stamps]
    unit = _unit(stamps)
    if isinstance(among, pd.DatetimeIndex):
        unit = max(unit, _unit(among), key=list(_UNITS).index)
    texts: list[str | int] = np.datetime_as_string(stamps.to_numpy().astype(f"datetime64[{unit}]")).tolist()
    return texts


def iso_text(stamp: Any, among: pd.Index) -> str | int:
    """One stamp of the index `among` (or beside it) as text, in the form that all of `among` have."""
    return iso_texts(pd.Index([stamp]), among)[0]


def span(index: pd.Index, first: np.ndarray, stop: np.ndarray) -> tuple[str | int, str | int]:
    """The earliest and the latest stamp, as texts, of stretches of `index` from each `first` `(N,)` to before a `stop`.

    Stretches without a row are left out; there must be one with a row.
    """
    some = stop > first
    return iso_text(index[first[some]].min(), index), iso_text(index[stop[some] - 1].max(), index)


def extent(index: pd.DatetimeIndex) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The earliest and the latest of one date or more; pandas' own `min` first looks for those that are missing."""
    stamps = index.asi8
    first, last = pd.DatetimeIndex(np.array([stamps.min(), stamps.max()]).view(index.dtype))
    return first, last


def parsed(text: object) -> pd.Timestamp | None:
    """The stamp that `iso_texts` wrote as `text`; `None` where it wrote no such date, as in a stranger's file."""
    if not isinstance(text, str) or not _WRITTEN.fullmatch(text):
        return None
    try:
        return pd.Timestamp(text)
    except ValueError:  # a month 13
        return None


def _unit(index: pd.DatetimeIndex) -> str:
    """The coarsest unit that tells every row."""
    own = np.timedelta64(1, index.unit) / np.timedelta64(1, "ns")
    steps = index.asi8
    return next(unit for unit, size in _UNITS.items() if size <= own or not np.any(steps % int(size // own)))

"""A chart in a sentence or two, for those who hear the page."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.data.numerals import number
from kerasforecast.data.stamps import iso_texts
from kerasforecast.report.traces import Figure

_NAMED = 12  # bars that are told one by one


def words(figure: Figure) -> str:
    """What a figure shows: where each line begins and ends and between what it lies; each bar, where they are few."""
    told = [_told(trace) for trace in figure["data"] if not trace.get("fill") and trace.get("showlegend") is not False]
    return f"{'; '.join(filter(None, told))}." if any(told) else ""


def _told(trace: Figure) -> str:
    heights = np.array([np.nan if value is None else value for value in trace["y"]], np.float64) + trace.get("base", 0)
    there = np.flatnonzero(np.isfinite(heights))
    if not len(there):
        return ""
    least, most = number(heights[there].min()), number(heights[there].max())
    if trace["type"] == "scatter":
        first, last = (f"{number(heights[end])} at {_place(trace['x'], end)}" for end in there[[0, -1]])
        text = f"from {first} to {last}, between {least} and {most}"
    elif len(there) <= _NAMED:
        text = ", ".join(f"{_place(trace['x'], place)} {number(heights[place])}" for place in there)
    else:
        text = f"{len(there)} bars between {least} and {most}"
    return html.unescape(f"{trace['name']} {text}")


def _place(places: Any, which: Any) -> str:
    if isinstance(places, np.ndarray) and places.dtype.kind == "M":
        return str(iso_texts(pd.DatetimeIndex(places[which : which + 1]))[0])
    return str(places[which])

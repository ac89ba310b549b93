"""Lines, bands, bars and axes of plotly figures, as plain dictionaries that hold NumPy arrays.

Colours are names of the page's style variables (`--model`), which `kerasforecast.report.colours` and the page's script
turn into those of light or dark. Names from data are escaped: plotly takes text for markup.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import parsed
from kerasforecast.errors import printable

FULL = 20_000  # points of a line that a page keeps: its script draws all of them once few enough are in view
SHARED = 40_000  # points of all the lines of a chart that has several
NONE = "rgba(0,0,0,0)"  # no colour: the card shows through
_OTHERS = 5  # colours for models and baselines beyond the first

Figure: TypeAlias = dict[str, Any]
Values: TypeAlias = Sequence[Any] | np.ndarray | pd.Index
Interval: TypeAlias = tuple[str, np.ndarray, np.ndarray]  # name, lower and upper ends (N,), outermost interval first


def line(
    name: str,
    x: Values,
    y: Any,
    color: str,
    *,
    width: float = 1.8,
    dash: str = "solid",
    mode: str = "lines",
    most: int = FULL,
) -> Figure:
    """One curve; what is not a finite number is a gap. Of more than `most` points the extremes are kept."""
    across, values = stamps(x), np.asarray(y, dtype=np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    kept = extremes(values, most) if isinstance(across, np.ndarray) else slice(None)
    return {
        "type": "scatter",
        "mode": mode,
        "name": label(name),
        "x": across[kept],
        "y": values[kept],
        "line": {"color": color, "width": width, "dash": dash},
        "marker": {"color": color, "size": 6},
        "meta": {"rows": len(values)},
    }


def bands(x: Values, intervals: Sequence[Interval], most: int = FULL) -> list[Figure]:
    """Prediction intervals as shades, from the outermost inwards; over paths with gaps a shade for each path."""
    traces = []
    for place, (name, lower, upper) in enumerate(intervals):
        shade = "--interval" if place == 0 else "--inner"
        edge: Figure = {"mode": "lines", "line": {"width": 0.7, "color": "--edge"}, "fillcolor": shade}
        edge |= {"hoverinfo": "skip", "legendrank": 1002}  # drawn first, named last
        gaps = np.flatnonzero(np.isnan(lower))
        if len(gaps):
            traces.append(_outlines(name, stamps(x), lower, upper, gaps) | edge | {"fill": "toself"})
        else:
            low, high = (line(name, x, end, shade, most=most) | edge for end in (lower, upper))
            traces += [low | {"showlegend": False}, high | {"fill": "tonexty"}]
    return traces


def bars(name: str, x: Values, y: Values, color: str) -> Figure:
    """Bars at `x`."""
    heights = [None if value is None or not np.isfinite(value) else float(f"{value:.7g}") for value in y]
    return {"type": "bar", "name": label(name), "x": list(x), "y": heights, "marker": {"color": color}}


def stamps(values: Values) -> np.ndarray | list[str]:
    """Places on an axis: `datetime64[ms]` of dates, numbers of steps, and labels of whatever else a file may hold."""
    if isinstance(values, pd.Index | np.ndarray) and values.dtype.kind in "Mif":
        array = np.asarray(values)
        return array.astype("datetime64[ms]") if array.dtype.kind == "M" else array
    if all(isinstance(value, int | float) for value in values):
        return np.asarray(values)
    dates = [parsed(value) for value in values]
    if None in dates:
        return [label(str(value)) for value in values]
    return pd.DatetimeIndex(dates).to_numpy().astype("datetime64[ms]")


def extremes(values: np.ndarray, most: int) -> Any:
    """Indices of about `most` of `values` `(T,)`: the lowest and the highest of every so many rows, so that no peak is
    lost, and every gap; all where they are few."""
    if len(values) <= most:
        return slice(None)
    begins = np.arange(0, len(values), -(-2 * len(values) // most))
    gaps = np.isnan(values)
    lows, highs = np.where(gaps, np.inf, values), np.where(gaps, -np.inf, values)
    pieces = [slice(begin, end) for begin, end in zip(begins, [*begins[1:], len(values)], strict=True)]
    found = [piece.start + part[piece].argmin() for piece in pieces for part in (lows, -highs)]
    return np.union1d(found, np.flatnonzero(gaps))


def colour(name: str, place: int = 0) -> str:
    """The colour of the model (place 0), then of others 1, 2, ...; the naive forecast's is its own."""
    if name == "naive":
        return "--naive"
    return "--model" if place == 0 else f"--other-{(place - 1) % _OTHERS}"


def label(name: str) -> str:
    """A name from data as plotly shows it: as text, not as the markup that plotly would take it for."""
    return html.escape(printable(name), quote=False)


# An axis of percents is a tenth of one long at least: what is rounding alone is to look like nothing, not like a bar.
PERCENT: Figure = {"ticksuffix": " %", "exponentformat": "none", "autorangeoptions": {"include": [0, 0.1]}}


def titled(title: str, **settings: Any) -> Figure:
    """An axis with a title."""
    given = {name: value for name, value in settings.items() if value is not None}
    return {"title": {"text": label(title), "standoff": 8}} | given


def axis() -> Figure:
    """The looks of every axis."""
    return {"gridcolor": "--grid", "linecolor": "--line", "zerolinecolor": "--line", "automargin": True}


def mark(start: Any) -> Figure:
    """A dotted line upwards from a place on the axis."""
    looks = {"color": "--soft", "width": 1, "dash": "dot"}
    return {
        "type": "line",
        "layer": "above",
        "x0": start,
        "x1": start,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": looks,
    }


def note(name: str, start: Any) -> Figure:
    """A name beside such a line."""
    place = {"x": start, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "xshift": 3}
    return {"text": label(name), "showarrow": False, "font": {"color": "--soft", "size": 11}, **place}


def figure(traces: list[Figure], margin: Figure | None = None, **layout: Any) -> Figure:
    """Traces under the looks that all charts share."""
    axes = {name: axis() | layout.pop(name, {}) for name in ("xaxis", "yaxis")}
    legend = {"orientation": "h", "traceorder": "normal", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": NONE}
    return {
        "data": traces,
        "layout": {
            "paper_bgcolor": NONE,
            "plot_bgcolor": NONE,
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": "--soft"},
            "hoverlabel": {"bgcolor": "--hover", "bordercolor": "--line", "font": {"color": "--ink"}},
            "margin": {"l": 56, "r": 12, "t": 34 if len(traces) > 1 else 12, "b": 40} | (margin or {}),
            "legend": legend,
            "showlegend": len(traces) > 1,
            "hovermode": "x unified",
            **axes,
            **layout,
        },
    }


def timed(traces: list[Figure], **layout: Any) -> Figure:
    """The same over dates or steps: the page gives such a figure buttons to move along, and heights that follow.

    Args:
        traces: Lines and bands.
        **layout: As plotly has it; `opened` is how many rows from the end are in view at first.
    """
    opened = layout.pop("opened", None)
    places = max((trace["x"] for trace in traces if trace.get("fill") != "toself"), key=len)
    if not isinstance(places, np.ndarray):
        return figure(traces, **layout)
    dated = places.dtype.kind == "M"
    xaxis: Figure = {"type": "date"} if dated else titled("step", type="linear")
    if opened is not None and len(places) > 1.5 * opened:
        xaxis["range"] = [_plain(places[-opened]), _plain(places[-1])]
    layout["xaxis"] = xaxis | layout.get("xaxis", {})
    layout["yaxis"] = {"fixedrange": True} | layout.get("yaxis", {})
    return figure(traces, **layout, meta={"timed": True})


def _outlines(name: str, x: Any, lower: np.ndarray, upper: np.ndarray, gaps: np.ndarray) -> Figure:
    """Outlines around each path of an interval, one after another: there along the upper end, back along the lower."""
    across: list[np.ndarray] = []
    values: list[np.ndarray] = []
    for rows in np.split(np.arange(len(lower)), gaps):
        rows = rows[~np.isnan(lower[rows])]
        if len(rows):
            across += [np.asarray(x)[rows], np.asarray(x)[rows[::-1]], np.asarray(x)[rows[:1]]]
            values += [upper[rows], lower[rows[::-1]], np.array([np.nan])]
    joined = np.concatenate(across)
    places = joined if isinstance(x, np.ndarray) else joined.tolist()
    return line(name, [0], [0], "--interval") | {"x": places, "y": np.concatenate(values)}


def _plain(place: Any) -> Any:
    return str(place) if isinstance(place, np.datetime64) else place.item()

"""The picture of a forecast outside of a report: a plotly figure, or a file of it."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.errors import OptionError, printable, shown
from kerasforecast.report.colours import coloured
from kerasforecast.report.outlook import Outlook
from kerasforecast.report.outlooks import Outlooks, titles_within
from kerasforecast.report.page import Headline, page
from kerasforecast.report.traces import Figure, label
from kerasforecast.runtime.files import atomic_write

if TYPE_CHECKING:
    import plotly.graph_objects as go

KINDS = (".png", ".svg", ".html")
_ACROSS = 3  # pictures of a sheet side by side
_LINE = 110  # letters of a title that a picture is wide enough for
_ROOM = 0.06  # between two, of the sheet's width


def forecast_figure(outlook: Outlook | Outlooks) -> go.Figure:
    """The outlook as a plotly figure, on white; of several series a sheet of small ones."""
    import plotly.graph_objects as go

    if isinstance(outlook, Outlooks):
        return go.Figure(_sheet(outlook))
    drawn = coloured(outlook.figure())
    drawn["layout"] |= {
        "title": {"text": "<br>".join(map(label, titles_within(outlook, _LINE)))},
        "paper_bgcolor": "#ffffff",
    }
    drawn["layout"]["margin"] |= {"t": 110}
    drawn["layout"]["yaxis"].pop("fixedrange", None)  # the page's own script sets heights; here nobody does
    return go.Figure(drawn)


def check_kind(path: Path) -> None:
    """Refuse a picture that cannot be drawn, before any work is done for it.

    Raises:
        OptionError: The ending is of no kind that there is, or needs an extra that is not installed.
    """
    if path.suffix.lower() not in KINDS:
        raise OptionError(
            f"--plot writes a file that ends in .png, .svg or .html. Received: {shown(str(path))}. "
            "For a chart in the terminal put --plot last, without a file."
        )
    if path.suffix.lower() != ".html" and find_spec("matplotlib") is None:
        raise OptionError(
            f"PNG and SVG are drawn by matplotlib, which is not installed. Received: {shown(str(path))}. "
            "Install it with: pip install 'kerasforecast[plot]'; or write .html, which needs nothing more."
        )


def write_plot(outlook: Outlook | Outlooks, path: Path) -> None:
    """Write the picture of an outlook as PNG, SVG or a page that opens offline, by the ending of `path`."""
    kind = path.suffix.lower()
    if kind != ".html":
        atomic_write(path, _drawn(outlook, kind[1:]))
        return
    footer = "kerasforecast. This file needs no network."
    if isinstance(outlook, Outlooks):
        first = outlook.each[0]
        lead = " ".join([*(f"{line}." for line in outlook.titles[1:]), first.section().note])
        headline = Headline(first.name, f"Forecast of {first.target}, {outlook.counted}", lead)
        sections = [replace(each.section(), wide=False, note="") for each in outlook.each]
    else:
        steps = len(outlook.ahead)
        first, last = outlook.ahead["date"].iloc[[0, -1]]
        span = f"{first} to {last}" if steps > 1 else f"{first}"
        lead = " ".join(f"{line}." for line in (f"Known up to {outlook.dates[-1]}", *outlook.titles[1:]))
        headline = Headline(outlook.name, f"Forecast of {outlook.target}, {span}", lead)
        sections = [outlook.section()]
    atomic_write(path, page(headline, sections, footer).encode())


def _sheet(outlooks: Outlooks) -> Figure:
    """A plotly figure of small pictures, each with axes of its own, below one legend."""
    count = len(outlooks.each)
    across, down = min(_ACROSS, count), -(-count // _ACROSS)
    wide, high = (1 + _ROOM) / across, 1 / down
    layout: Figure = {}
    traces, names = [], []
    for place, outlook in enumerate(outlooks.each):
        own, number = outlook.figure(), str(place + 1) if place else ""
        left, top = (place % across) * wide, 1 - (place // across) * high
        own["layout"]["yaxis"].pop("title", None)
        across_axis = own["layout"].pop("xaxis") | {"domain": [left, left + wide - _ROOM], "anchor": f"y{number}"}
        up_axis = own["layout"].pop("yaxis") | {"domain": [top - high * 0.7, top - high * 0.08], "anchor": f"x{number}"}
        up_axis.pop("fixedrange", None)
        layout = {**own["layout"], **layout, f"xaxis{number}": across_axis, f"yaxis{number}": up_axis}
        where = {"x": left, "y": top - high * 0.07, "xref": "paper", "yref": "paper"}
        looks = {"xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"color": "--ink", "size": 12}}
        names.append({"text": label(_short(outlook.id or "", 40)), **where, **looks})
        for trace in own["data"]:
            shown = not place and trace.get("showlegend") is not False
            traces.append(trace | {"xaxis": f"x{number}", "yaxis": f"y{number}", "showlegend": shown})
    title = {
        "text": "<br>".join(map(label, titles_within(outlooks, _LINE))),
        "y": 1,
        "yanchor": "top",
        "pad": {"t": 20, "l": 0},
    }
    title |= {"yref": "container"}
    layout |= {"annotations": names, "title": title, "paper_bgcolor": "#ffffff", "height": 150 + 230 * down}
    layout["margin"] |= {"t": 120}
    return dict(coloured({"data": traces, "layout": layout}))


def _drawn(outlook: Outlook | Outlooks, kind: str) -> bytes:
    """The chart by matplotlib, on light ground, without a display or a browser."""
    import matplotlib
    from matplotlib.figure import Figure as Sheet

    settings = {"text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "kerasforecast"}
    buffer = io.BytesIO()
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Glyph .* missing from font"
        )  # a box stands for it in PNG; SVG keeps the text
        if isinstance(outlook, Outlooks):
            sheet = _small_ones(outlook)
        else:
            sheet = Sheet(figsize=(10, 4.8), dpi=144, layout="constrained")
            axes = sheet.subplots()
            _draw(axes, coloured(outlook.figure()["data"]))
            _legend(axes)
            axes.set_title("\n".join(map(_short, titles_within(outlook, 100))), loc="left", fontsize=11)
            axes.set_ylabel(_short(outlook.target, 40))
        sheet.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _small_ones(outlooks: Outlooks) -> Any:
    """Several charts on one sheet, each with axes of its own."""
    from matplotlib.figure import Figure as Sheet

    down = -(-len(outlooks.each) // _ACROSS)
    sheet = Sheet(figsize=(12, 1.2 + 2.3 * down), dpi=144, layout="constrained")
    places = sheet.subplots(down, min(_ACROSS, len(outlooks.each)), squeeze=False).ravel()
    for axes, outlook in zip(places, outlooks.each, strict=False):
        _draw(axes, coloured(outlook.figure()["data"]))
        axes.set_title(_short(outlook.id or "", 40), loc="left", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.xaxis.get_offset_text().set_size(8)
    for axes in places[len(outlooks.each) :]:
        axes.set_axis_off()
    _legend(places[0])
    sheet.suptitle("\n".join(titles_within(outlooks, 130)[:4]), x=0.01, ha="left", fontsize=11)
    return sheet


def _draw(axes: Any, traces: list[Figure]) -> None:
    below: Figure = {}
    for trace in traces:
        x, y = trace["x"], np.asarray(trace["y"])
        if trace.get("fill") == "tonexty":
            *rgb, alpha = (float(part) for part in trace["fillcolor"].removeprefix("rgba(").rstrip(")").split(","))
            shade = {"color": [part / 255 for part in rgb], "alpha": alpha, "linewidth": 0}
            axes.fill_between(x, below["y"], y, label=trace["name"], **shade)
        elif trace.get("showlegend") is not False or "path" in trace["meta"]:
            marker = "o" if "markers" in trace["mode"] else None
            looks = {"color": trace["line"]["color"], "linewidth": 0.8 * trace["line"]["width"]}
            name = None if trace.get("showlegend") is False else trace["name"]
            axes.plot(x, y, marker=marker, markersize=3.5, label=name, **looks)
        below = trace
    _dated_in_short(axes)
    axes.grid(color=coloured("--grid"))
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)


def _legend(axes: Any) -> None:
    handles, names = axes.get_legend_handles_labels()
    axes.figure.legend(handles[::-1], names[::-1], loc="outside lower center", frameon=False, ncols=4, fontsize=9)


def _dated_in_short(axes: Any) -> None:
    """Dates along the axis that leave room for one another: each says only what the one before does not."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if isinstance(axes.xaxis.get_major_locator(), AutoDateLocator):
        locator = AutoDateLocator(minticks=4, maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _short(name: str, most: int = 100) -> str:
    """A name that leaves room for the chart."""
    shown = printable(name)
    return shown if len(shown) <= most else f"{shown[: most - 1]}\u2026"

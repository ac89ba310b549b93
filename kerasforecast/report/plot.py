"""The picture of a forecast outside of a report: a plotly figure, or a file of it."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.errors import OptionError, printable, shown
from kerasforecast.report.colours import coloured
from kerasforecast.report.outlook import Outlook
from kerasforecast.report.page import Headline, page
from kerasforecast.report.traces import Figure, label
from kerasforecast.runtime.files import atomic_write

if TYPE_CHECKING:
    import plotly.graph_objects as go

KINDS = (".png", ".svg", ".html")


def forecast_figure(outlook: Outlook) -> go.Figure:
    """The outlook as a plotly figure, on white."""
    import plotly.graph_objects as go

    drawn = coloured(outlook.figure())
    drawn["layout"] |= {"title": {"text": "<br>".join(map(label, outlook.titles))}, "paper_bgcolor": "#ffffff"}
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


def write_plot(outlook: Outlook, path: Path) -> None:
    """Write the picture of an outlook as PNG, SVG or a page that opens offline, by the ending of `path`."""
    kind = path.suffix.lower()
    if kind == ".html":
        steps = len(outlook.ahead)
        first, last = outlook.ahead["date"].iloc[[0, -1]]
        span = f"{first} to {last}" if steps > 1 else f"{first}"
        lead = " ".join(f"{line}." for line in (f"Known up to {outlook.dates[-1]}", *outlook.titles[1:]))
        headline = Headline(outlook.name, f"Forecast of {outlook.target}, {span}", lead)
        atomic_write(path, page(headline, [outlook.section()], "kerasforecast. This file needs no network.").encode())
    else:
        atomic_write(path, _drawn(outlook, kind[1:]))


def _drawn(outlook: Outlook, kind: str) -> bytes:
    """The chart by matplotlib, on light ground, without a display or a browser."""
    import matplotlib
    from matplotlib.figure import Figure as Sheet

    settings = {"text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "kerasforecast"}
    buffer = io.BytesIO()
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Glyph .* missing from font"
        )  # a box stands for it in PNG; SVG keeps the text
        sheet = Sheet(figsize=(10, 4.8), dpi=144, layout="constrained")
        axes = sheet.subplots()
        _draw(axes, coloured(outlook.figure()["data"]))
        axes.set_title("\n".join(map(_short, outlook.titles)), loc="left", fontsize=11)
        axes.set_ylabel(_short(outlook.target, 40))
        sheet.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _draw(axes: Any, traces: list[Figure]) -> None:
    below: Figure = {}
    for trace in traces:
        x, y = trace["x"], np.asarray(trace["y"])
        if trace.get("fill") == "tonexty":
            *rgb, alpha = (float(part) for part in trace["fillcolor"].removeprefix("rgba(").rstrip(")").split(","))
            shade = {"color": [part / 255 for part in rgb], "alpha": alpha, "linewidth": 0}
            axes.fill_between(x, below["y"], y, label=trace["name"], **shade)
        elif trace.get("showlegend") is not False:
            marker = "o" if "markers" in trace["mode"] else None
            looks = {"color": trace["line"]["color"], "linewidth": 0.8 * trace["line"]["width"]}
            axes.plot(x, y, marker=marker, markersize=3.5, label=trace["name"], **looks)
        below = trace
    _dated_in_short(axes)
    axes.grid(color=coloured("--grid"))
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
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

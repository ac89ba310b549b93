"""`report.html`: one page that opens offline and says, in its first sentence, whether a model is worth using.

finished   what a fit hands over to its report, what it writes of it, and how that is read back; no Keras, no network
traces     lines, bands, bars and axes of plotly figures, plain dictionaries; colours are named
figures    the charts, each made from arrays
outlook    the forecast of the future: the first chart of a report, and the picture that stands alone
outlooks   the same of several series, a few on a sheet
plot       that picture as a plotly figure, PNG, SVG or page; `colours` has the style sheet's colours for it
terminal   that picture in lines of text
notebook   what a notebook shows of a model and of its forecasts
page       escaping, tables, and the one HTML file with plotly.js inside
compact    arrays as JSON holds them
words      charts and numbers as text
scores     scores and verdicts as texts, on the terminal too
parts      what the pages share
fit_page   the report of a fit
panel_page what the report of a fit of many series has instead
  ranked        their scores, from the best to the worst
  curves        what is drawn of each, as arrays
  carried       those arrays as the page carries them; panel_data.js reads them, panel_draw.js and panel.js show them
  panel_figures charts of all of them at once
walk_page  the reports of a backtest and of a comparison
written    the pages as files

What is imported from here loads when it is asked for: a forecast is shown by few of these.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasforecast.report.finished import FinishedFit, read_fit, write_fit
    from kerasforecast.report.fit_page import fit_report
    from kerasforecast.report.walk_page import walk_report
    from kerasforecast.report.written import rewrite_report, write_fit_report, write_walk_report

__all__ = [
    "FinishedFit",
    "fit_report",
    "read_fit",
    "rewrite_report",
    "walk_report",
    "write_fit",
    "write_fit_report",
    "write_walk_report",
]

_LAZY = {
    **dict.fromkeys(("FinishedFit", "read_fit", "write_fit"), "finished"),
    **dict.fromkeys(("rewrite_report", "write_fit_report", "write_walk_report"), "written"),
    "fit_report": "fit_page",
    "walk_report": "walk_page",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)

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
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kerasforecast.evaluation.walk import WalkRecord
from kerasforecast.evaluation.walk_files import read_walk
from kerasforecast.report.finished import FinishedFit, read_fit, write_fit
from kerasforecast.report.fit_page import fit_report
from kerasforecast.report.walk_page import walk_report
from kerasforecast.runtime.files import atomic_write

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


def write_fit_report(fit: FinishedFit, folder: Path) -> Path:
    """Write the page of a finished fit.

    Args:
        fit: As the fit hands it over, or as `read_fit` reads it back: the page is the same.
        folder: The model's own, which gets `report.html`.

    Returns:
        The page's path.
    """
    target = folder / "report.html"
    atomic_write(target, fit_report(fit).encode())
    return target


def write_walk_report(record: WalkRecord, table: pd.DataFrame, folder: Path) -> Path:
    """Write the page of a backtest or comparison.

    Args:
        record: As the walk makes it, or as `read_walk` reads it back: the page is the same.
        table: Its forecasts, from either place.
        folder: Gets `backtest.html` or `compare.html`.

    Returns:
        The page's path.
    """
    target = folder / f"{record.kind}.html"
    atomic_write(target, walk_report(record, table).encode())
    return target


def rewrite_report(file: Path) -> Path:
    """Write a page again, from the files that its command left.

    Args:
        file: A model file, or the `backtest.json` or `compare.json` of a walk.

    Returns:
        The page's path.

    Raises:
        ArtifactError: The file is absent, damaged or not one of ours, or what stands beside it is another's.
        InputError: A file of the fit is absent or damaged.
    """
    if file.suffix == ".json":
        record, table = read_walk(file)
        return write_walk_report(record, table, file.parent)
    return write_fit_report(read_fit(file), file.with_suffix(""))

"""`report.html`: one page that opens offline and says, in its first sentence, whether a model is worth using.

run        reads what a fit has written; no Keras, no network
walk       what a backtest and a comparison write, and read back
figures    plotly figures as plain dictionaries; colours are named, the page knows them for light and dark
page       escaping, tables, and the one HTML file with plotly.js inside
scores     scores and verdicts as texts, on the terminal too
parts      what the pages share
fit_page   the report of a fit
walk_page  the reports of a backtest and of a comparison
"""

from __future__ import annotations

from pathlib import Path

from kerasforecast.data.series import Series
from kerasforecast.evaluation.walk import FoldRecord, WalkRecord, read_walk, write_walk
from kerasforecast.report.fit_page import fit_report
from kerasforecast.report.run import FinishedRun, read_run
from kerasforecast.report.walk_page import walk_report
from kerasforecast.runtime.files import atomic_write

__all__ = [
    "FinishedRun",
    "FoldRecord",
    "WalkRecord",
    "fit_report",
    "read_run",
    "read_walk",
    "walk_report",
    "write_fit_report",
    "write_walk",
    "write_walk_report",
]


def write_fit_report(model: Path, series: Series | None = None) -> Path:
    """Write `report.html` into the folder of the model file `model`, from what its fit has written.

    Args:
        model: Path of the `.keras` file.
        series: The data, where at hand.

    Returns:
        The page's path.

    Raises:
        InputError: A file of the run is absent, damaged or another run's.
    """
    target = model.with_suffix("") / "report.html"
    atomic_write(target, fit_report(read_run(model, series)).encode())
    return target


def write_walk_report(scores: Path) -> Path:
    """Write the page of a backtest or comparison beside its JSON file, from what it has written.

    Args:
        scores: Path of `backtest.json` or `compare.json`.

    Returns:
        The page's path.

    Raises:
        ArtifactError: The file or its table is absent, damaged, or not of this kind.
    """
    target = scores.with_suffix(".html")
    atomic_write(target, walk_report(*read_walk(scores)).encode())
    return target

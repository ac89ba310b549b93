"""The pages as files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kerasforecast.evaluation.walk import WalkRecord
from kerasforecast.evaluation.walk_files import read_walk
from kerasforecast.report.finished import FinishedFit, read_fit
from kerasforecast.report.fit_page import fit_report
from kerasforecast.report.walk_page import walk_report
from kerasforecast.runtime.files import atomic_write


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

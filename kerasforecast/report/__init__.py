"""`report.html`: one page that opens offline and says, in its first sentence, whether a model is worth using.

run       reads what a fit has written; no Keras, no network
figures   plotly figures as plain dictionaries; colours are named, the page knows them for light and dark
page      escaping, tables, and the one HTML file with plotly.js inside
fit_page  the report of a fit
"""

from __future__ import annotations

from pathlib import Path

from kerasforecast.data.series import Series
from kerasforecast.files import atomic_write
from kerasforecast.report.fit_page import fit_report
from kerasforecast.report.run import Run, read_run

__all__ = ["Run", "fit_report", "read_run", "write_fit_report"]


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

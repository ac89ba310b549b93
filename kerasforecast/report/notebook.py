"""What a notebook shows of a model, its verdict and scores beside the baselines', and of its forecasts.

Without style or script of its own, so that it takes the notebook's colours.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.numerals import numbers
from kerasforecast.data.stamps import iso_texts
from kerasforecast.evaluation.verdict import judged
from kerasforecast.models.member import describe
from kerasforecast.report.outlook import intervals_of
from kerasforecast.report.page import table, text
from kerasforecast.report.scores import score_cells
from kerasforecast.report.traces import Interval

_KEYS = ("rmse", "mae", "mase", "crps", "coverage")
_KEYS_OF_MANY = ("mase", "rmsse", "smape", "scaled_crps", "coverage")  # means over series of any size
_ROWS = 60  # of a long forecast, that a notebook shows
_WIDTH = 240  # of the picture in each row, pixels


def forecast_html(forecasts: pd.DataFrame) -> str:
    """A table of forecasts with a picture of each row's intervals."""
    levels = sorted(float(name[1:]) for name in map(str, forecasts.columns) if re.fullmatch(r"q0\.\d+", name))
    shown = pd.DataFrame(forecasts).head(_ROWS)
    if isinstance(shown.index, pd.MultiIndex):  # ids, then dates
        shown = shown.reset_index(level=0)
    own = [str(name) for name in shown.columns[: shown.columns.get_loc("forecast")]]  # ids, where series have any
    dates = [] if "date" in own else [str(shown.index.name)]
    header, columns = [*own, *dates, "forecast"], [shown[name].astype(str).tolist() for name in own]
    texts = iso_texts(shown.index, forecasts.index.get_level_values(-1))
    columns += [[str(date) for date in texts] for _ in dates]
    columns.append(numbers(shown["forecast"]))
    intervals = intervals_of(shown, levels)
    for name, lower, upper in reversed(intervals):
        header += [f"{name.removesuffix(' interval')} from", "to"]
        columns += [numbers(lower), numbers(upper)]
    rows = zip(*columns, strict=True)
    series = pd.factorize(shown[own[0]])[0] if own else np.zeros(len(shown), np.int64)
    pictures = _pictures(shown["forecast"].to_numpy(np.float64), intervals, series)
    more = f"<p>The first {_ROWS} of {len(forecasts):,} rows.</p>" if len(forecasts) > _ROWS else ""
    return f"<div>{table(header, list(rows), pictures=pictures)}{more}</div>"


def _pictures(points: np.ndarray, intervals: list[Interval], series: np.ndarray) -> list[str]:
    """In each row the intervals as bars and the forecast as a dot, all rows of a series on one scale."""
    ends = np.array([points, *(np.asarray(end, np.float64) for _, *pair in intervals for end in pair)])
    places = np.empty_like(ends)
    for each in np.unique(series):
        own = series == each
        low, high = float(np.nanmin(ends[:, own])), float(np.nanmax(ends[:, own]))
        places[:, own] = 5 + (_WIDTH - 10) * (ends[:, own] - low) / ((high - low) or 1.0)
    pictures = []
    for row, point in enumerate(places[0]):
        bars = "".join(
            f'<rect x="{lower[row]:.1f}" y="4" width="{upper[row] - lower[row]:.1f}" height="8" fill="currentColor" '
            f'opacity="{opacity}"/>'
            for lower, upper, opacity in zip(places[1::2], places[2::2], (0.18, 0.3), strict=False)
        )
        dot = f'<circle cx="{point:.1f}" cy="8" r="3.5" fill="currentColor"/>'
        pictures.append(f'<svg width="{_WIDTH}" height="16" aria-hidden="true">{bars}{dot}</svg>')
    return pictures


def model_html(manifest: Manifest) -> str:
    """A few lines and a table."""
    what = f"{describe(manifest.members)}, window {manifest.window}, horizon {manifest.horizon}"
    lines = [f"<strong>{text(manifest.name)}: forecasts of {text(manifest.target)}</strong>", text(what)]
    scores = ""
    if manifest.metrics is not None:
        found = manifest.model_dump(mode="json", include={"metrics"})["metrics"]
        lines.insert(1, text(judged(found["test"]).sentence))
        named = {name: each for name, each in found["test"].items() if isinstance(each, dict) and "rmse" in each}
        count = found["test"].get("series")
        header, cells = score_cells(list(named.values()), _KEYS_OF_MANY if count else _KEYS)
        rows = [[name.replace("_", " "), *row] for name, row in zip(named, cells, strict=True)]
        whose = f" of {count:,} series" if count else ""
        scores = table([f"test, {found['test']['n']:,} forecasts{whose}", *header], rows)
    return f"<div><p>{'<br>'.join(lines)}</p>{scores}</div>"

"""What a forecast is the sum of, as pages draw it: trend and season of an interpretable network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.report.page import Section
from kerasforecast.report.traces import Figure, line, timed, titled


def parts_sections(parts: pd.DataFrame | None, target: str) -> list[Section]:
    """A chart of the forecast over its trend, and one of every other part; nothing of a model without parts.

    Args:
        parts: As `kerasforecast.report.finished.FinishedFit` has it.
        target: Name of the values.
    """
    if parts is None or not len(parts):
        return []
    names = [name for name in parts if name not in ("date", "forecast")]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    note = f"The forecast after the data is the sum of its {listed}; the numbers are those of parts.csv."
    drawn = parts_figures(parts["date"], parts["forecast"].to_numpy(), {name: parts[name] for name in names}, target)
    return [Section("What the forecast is the sum of", note, "", drawn, wide=True)]


def parts_figures(
    dates: Any, forecast: np.ndarray, parts: Mapping[str, np.ndarray | pd.Series], target: str
) -> tuple[tuple[str, Figure], ...]:
    """A chart of the forecast over the first of its parts, its level, and one of each other, which lies about zero.

    Args:
        dates: `(H,)` of the rows ahead.
        forecast: `(H,)`, the sum of the parts.
        parts: `(H,)` each, by name.
        target: Name of the values.
    """
    first, *others = parts
    lines = [line("forecast", dates, forecast, "--model", width=2.6), line(first, dates, parts[first], "--other-0")]
    figures = [(f"Forecast and {first}", timed(lines, yaxis=titled(target)))]
    for place, name in enumerate(others):
        own = line(name, dates, parts[name], f"--other-{place + 1}")
        figures.append((name.capitalize(), timed([own], yaxis=titled(f"{name}, added"))))
    return tuple(figures)

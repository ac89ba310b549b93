"""What a forecast is the sum of, as the report of a fit draws it: trend and season of an interpretable network."""

from __future__ import annotations

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
    dates, names = parts["date"].tolist(), [name for name in parts if name not in ("date", "forecast")]
    first, others = names[0], names[1:]
    forecast = line("forecast", dates, parts["forecast"].to_numpy(), "--model", width=2.6)
    whole = timed([forecast, line(first, dates, parts[first].to_numpy(), "--other-0")], yaxis=titled(target))
    figures: list[tuple[str, Figure]] = [(f"Forecast and {first}", whole)]
    for place, name in enumerate(others):
        own = line(name, dates, parts[name].to_numpy(), f"--other-{place + 1}")
        figures.append((name.capitalize(), timed([own], yaxis=titled(f"{name}, added"))))
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if others else first
    note = f"The forecast after the data is the sum of its {listed}; the numbers are those of parts.csv."
    return [Section("What the forecast is the sum of", note, "", tuple(figures), wide=True)]

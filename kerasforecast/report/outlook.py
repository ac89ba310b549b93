"""The forecast of the rows to come, and the last that are known before them: what every picture of a forecast shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.numerals import numbers
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import iso_texts
from kerasforecast.evaluation.tables import as_written
from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.metrics.probabilistic import central_intervals
from kerasforecast.report import figures
from kerasforecast.report.page import Section, folded, table
from kerasforecast.report.traces import Figure, Interval

_TAIL = 60  # known rows before the forecast, or more before a long one
_LISTED = 12  # steps that a page lists at once; with more the list opens when asked for


@dataclass(frozen=True, eq=False)
class Outlook:
    """A forecast of the future, ready to be drawn.

    Attributes:
        name: The model's.
        target: The column that is forecast.
        dates: Of the last known rows, as texts or steps.
        values: `(T,)`, those rows.
        ahead: One row a step: `date`, `forecast`, and `q<level>` for each of `levels`.
        levels: Quantile levels, ascending; none without intervals.
        verdict: On the model, which goes with a picture that stands alone; `None` where it was not scored.
        id: Of the series, where it is one of several.
        paths: `(P, H)` a few whole paths that may come, of a model that draws them; as far as they reach.
    """

    name: str
    target: str
    dates: Sequence[str | int]
    values: np.ndarray
    ahead: pd.DataFrame
    levels: tuple[float, ...]
    verdict: str | None = None
    id: str | None = None
    paths: np.ndarray | None = None

    @classmethod
    def after(
        cls,
        name: str,
        series: Series,
        forecasts: pd.DataFrame,
        levels: Sequence[float],
        verdict: str | None = None,
    ) -> Outlook:
        """The outlook of a model from the end of `series`.

        Args:
            name: The model's.
            series: What is known.
            forecasts: As `kerasforecast.Model.forecast` gives them, or that table as its file has it.
            levels: Of the model; those are taken whose columns are there.
            verdict: On the model.
        """
        tail = max(_TAIL, 5 * len(forecasts))
        dates = iso_texts(series.index[-tail:], series.index)
        return cls.of(name, series.target, dates, series.values[-tail:, 0], forecasts, levels, verdict)

    @classmethod
    def of(
        cls,
        name: str,
        target: str,
        dates: Sequence[str | int],
        values: np.ndarray,
        forecasts: pd.DataFrame,
        levels: Sequence[float],
        verdict: str | None = None,
    ) -> Outlook:
        """The same after rows that stand elsewhere."""
        ahead = as_written(forecasts if "date" in forecasts else forecasts.reset_index(names="date"))
        there = tuple(level for level in levels if quantile_column(level) in ahead)
        return cls(name, target, dates, np.asarray(values, np.float64), ahead, there, verdict)

    @property
    def titles(self) -> list[str]:
        """What stands above a picture that stands alone, a line or two."""
        verdict = [] if self.verdict is None else [f"On the test part: {self.verdict}"]
        whose = "" if self.id is None else f", {self.id}"
        return [f"{self.name}: forecast of {self.target}{whose}", *verdict]

    @property
    def intervals(self) -> list[Interval]:
        """The two widest prediction intervals, to be drawn."""
        return intervals_of(self.ahead, self.levels)

    def figure(self) -> Figure:
        """The chart."""
        forecast = self.ahead["forecast"].to_numpy()
        dates = self.ahead["date"].tolist()
        return figures.outlook(self.dates, self.values, dates, forecast, self.intervals, self.target, self.paths)

    def section(self) -> Section:
        """The chart and the numbers in it."""
        steps = len(self.ahead)
        rows = "row" if steps == 1 else f"{steps:,} rows"
        shades = " and the other in ".join(name.removesuffix(" interval") for name, *_ in self.intervals)
        note = f"The forecast of {self.target} for the next {rows} after those that are known."
        if shades:
            note += f" A shade is meant to hold the outcome in {shades} of cases."
        if self.paths is not None:
            note += " Thin lines are whole paths that may come, each as likely as the others."
        body = self._table()
        label = f"Forecast of the next {rows}"
        below = folded("Every step", body) if steps > _LISTED else body
        title = "Forecast" if self.id is None else self.id
        return Section(title, note, "", ((label, self.figure()),), wide=True, after=below)

    def _table(self) -> str:
        header, columns = ["", "forecast"], [numbers(self.ahead["forecast"])]
        for name, lower, upper in reversed(self.intervals):
            header += [f"{name.removesuffix(' interval')} from", "to"]
            columns += [numbers(lower), numbers(upper)]
        rows = zip(self.ahead["date"], *columns, strict=True)
        return table(header, [[str(date), *cells] for date, *cells in rows])


def intervals_of(forecasts: pd.DataFrame, levels: Sequence[float]) -> list[Interval]:
    """The two widest prediction intervals of a table, to be drawn; its quantiles are those of `levels`, ascending."""
    columns = [forecasts[quantile_column(level)].to_numpy() for level in levels]
    intervals = central_intervals(levels) if levels else []
    return [(interval_name(nominal), columns[low], columns[high]) for nominal, low, high in intervals[:2]]


def interval_name(nominal: float) -> str:
    """`80 % interval` of 0.8."""
    return f"{100 * nominal:g} % interval"

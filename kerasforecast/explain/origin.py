"""Which forecast is explained: a series, its last known row, and what the network is given there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.data.future import reaching
from kerasforecast.data.future_dates import future_dates
from kerasforecast.data.panel import Panel
from kerasforecast.data.stamps import iso_text, iso_texts
from kerasforecast.errors import DataError, OptionError, shown, whole_number
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.windows import Windows, windows_of

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a forecast is made.

    Attributes:
        panel: The one series, with what is known of the rows after its last.
        row: The last row that the forecast knows.
        dates: `(H,)` of the rows that are forecast, as texts or integer steps.
        windows: The one window, with as many rows ahead as the network forecasts.
        note: What was decided on the way here, if anything.
    """

    panel: Panel
    row: int
    dates: list[str | int]
    windows: Windows
    note: str | None = None

    @cached_property
    def batch(self) -> WindowBatch:
        """What the network is given: one window, raw, float32."""
        return self.windows.batch()

    @property
    def naive(self) -> float:
        """The last known value of the target."""
        return float(self.panel.values[self.row, 0])

    @property
    def date(self) -> str | int:
        """Of the last known row."""
        return iso_text(self.panel.index[self.row], self.panel.index)

    @property
    def actual(self) -> np.ndarray:
        """What happened, `(H,)`; NaN where that is not known."""
        rows = self.row + 1 + np.arange(len(self.dates))
        known = rows < self.panel.observed[0]
        return np.where(known, self.panel.values[np.minimum(rows, len(self.panel.values) - 1), 0], np.nan)


def origin_of(panel: Panel, predictor: Predictor, context: int, at: object = None) -> Origin:
    """The forecast to explain.

    Args:
        panel: Of several series the first is taken, and that is said.
        predictor: Of the model.
        context: Rows that a window needs at least.
        at: The last date, or integer step, that it is to know; the last row of the series where `None`.

    Raises:
        DataError: There are too few rows up to there, or values that the network cannot take.
        OptionError: `at` is no date or step, or lies before the series.
    """
    series, note = _first(panel)
    row = int(series.observed[0]) - 1 if at is None else _row(series, at)
    date = iso_text(series.index[row], series.index)
    if row + 1 < context:
        raise DataError(
            f"{series.ids[0]}: a forecast needs a window of {context} rows. Received: {row + 1} up to "
            f"{date}. Give a later --at, or more rows."
        )
    predictor.check(series, np.arange(max(0, row + 1 - predictor.window), row + 1))
    horizon = predictor.horizon
    ahead = series.index[row + 1 : int(series.observed[0])][:horizon]
    index = ahead
    if len(ahead) < horizon:
        beyond = future_dates(series, horizon)
        series = _reaching(series, beyond)
        index = ahead.append(beyond)[:horizon]
    windows = windows_of(series, np.array([row]), predictor.window, horizon)
    return Origin(series, row, iso_texts(index, series.index), windows, note)


def _reaching(series: Panel, index: pd.Index) -> Panel:
    try:
        return reaching(series, index)
    except DataError:
        columns, horizon = ", ".join(series.given_columns), len(index)
        earlier = series.index[max(0, int(series.observed[0]) - 1 - horizon)]
        raise DataError(
            f"{series.ids[0]}: a forecast of {horizon} rows needs what is known of each: {columns}. Received: fewer "
            f"such rows after the last known one. Give --future with a table of them, or an --at of "
            f"{iso_text(earlier, series.index)} or earlier."
        ) from None


def _first(panel: Panel) -> tuple[Panel, str | None]:
    if len(panel) == 1:
        return panel, None
    rows = slice(int(panel.starts[0]), int(panel.starts[1]))
    values = panel.values[rows]
    one = replace(
        panel,
        values=values,
        index=panel.index[rows],
        starts=np.array([0, len(values)]),
        ids=panel.ids[:1],
        observed=panel.observed[:1],
        static=None if panel.static is None else panel.static[:1],
    )
    return one, f"Explained: {panel.ids[0]}, the first of {len(panel):,} series; --series names another."


def _row(panel: Panel, at: object) -> int:
    """The last observed row at `at` or before."""
    index = panel.index[: int(panel.observed[0])]
    if not isinstance(index, pd.DatetimeIndex):
        try:
            wanted: int | pd.Timestamp = whole_number("--at", int(str(at)), least=-(2**62))
        except ValueError:
            raise OptionError(
                f"--at must be a whole number, for the rows carry no dates. Received: {shown(at)}. "
                f"Use one from {index[0]} to {index[-1]}."
            ) from None
    else:
        wanted = _moment(at, index)
    row = int(np.sum(index <= wanted)) - 1
    if row < 0:
        raise OptionError(
            f"--at must not lie before the series, which begins at {iso_text(index[0], index)}. Received: {shown(at)}. "
            "Use a later one."
        )
    return row


def _moment(at: object, index: pd.DatetimeIndex) -> pd.Timestamp:
    """The moment that `at` says; of a day alone the end of it."""
    try:
        found = pd.Timestamp(at)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = pd.NaT
    if found is pd.NaT or found.tzinfo is not None:
        raise OptionError(
            f"--at must be a date such as {iso_text(index[-1], index)}. Received: {shown(at)}. "
            "Write it as year-month-day, without a time zone."
        )
    whole = found == found.normalize() and "T00" not in str(at) and ":" not in str(at)
    return found + _DAY - pd.Timedelta(1, "ns") if whole else found

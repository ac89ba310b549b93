"""What `kerasforecast data check` says about a table: its rows, range, step, gaps and what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.data.calendar_choice import with_calendar
from kerasforecast.data.calendars import is_irregular, trading_calendar
from kerasforecast.data.frequency import between, in_words, infer_frequency, is_daily
from kerasforecast.data.load import Rows, load_rows
from kerasforecast.data.precision import rounding_note
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import iso_text, iso_texts
from kerasforecast.data.table.columns import is_price
from kerasforecast.data.table.given import Given
from kerasforecast.data.table.table import counted
from kerasforecast.sections.data import DataConfig

GAPS_SHOWN = 5


@dataclass(frozen=True)
class Gap:
    """Dates in a row that the step or calendar has and the table has not.

    Attributes:
        first: First absent date.
        last: Last absent date.
        rows: How many.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    rows: int


@dataclass(frozen=True)
class Findings:
    """A table's series and what was met on the way to it.

    Attributes:
        rows: The series and counts.
        frequency: Step of the dates, also where a calendar rules.
        gaps: Longest first; empty where no step is known.
        remarks: What `fit` would refuse without an option, one sentence each.
    """

    rows: Rows
    frequency: str | None
    gaps: tuple[Gap, ...]
    remarks: tuple[str, ...]

    @property
    def series(self) -> Series:
        """The valid series."""
        return self.rows.panel.single("data check")

    @property
    def step(self) -> str:
        """The step in words: `"B"`, `"Monday to Saturday"`, `"integer steps"`, `"irregular"`."""
        if self.frequency is not None:
            return in_words(self.frequency)
        if not self.series.dated:
            return "integer steps"
        return "irregular" if self.series.calendar is None else "sessions"

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        series, target = self.series, self.series.values[:, 0]
        first, last = iso_texts(series.index[[0, -1]], series.index)
        return {
            "name": series.name,
            "source": {"kind": series.source.kind, "location": series.source.location},
            "target": series.target,
            "columns": list(series.columns),
            "rows": len(series),
            "start": first,
            "end": last,
            "frequency": self.frequency,
            "step": self.step,
            "calendar": series.calendar,
            "missing": self.rows.missing + self.rows.blank,
            "duplicates": self.rows.duplicates,
            "blank": self.rows.blank,
            "gaps": [
                {"start": iso_text(gap.first, series.index), "end": iso_text(gap.last, series.index), "rows": gap.rows}
                for gap in self.gaps[:GAPS_SHOWN]
            ],
            "gap_rows": sum(gap.rows for gap in self.gaps),
            "splits": [{"date": str(split.date.date()), "ratio": split.ratio} for split in self.rows.splits],
            "minimum": float(target.min()),
            "maximum": float(target.max()),
            "last": float(target[-1]),
            "sha256": series.sha256,
            "notes": [*series.notes, *self.remarks],
        }


def examine(config: DataConfig, data: Given | None = None) -> Findings:
    """Read what `config` names as `fit` would, but count missing and repeated rows instead of refusing them.

    Raises:
        DataError: What no option could accept.
    """
    lenient = {
        "missing": "drop" if config.missing == "error" else config.missing,
        "duplicates": "last" if config.duplicates == "error" else config.duplicates,
    }
    rows = load_rows(config.model_copy(update=lenient), data, positive_prices=False)
    rows = replace(rows, panel=replace(rows.panel, notes=with_calendar(rows.panel, config).notes))
    series = rows.panel.single("data check")
    frequency = series.frequency
    if series.dated and frequency is None:
        frequency = infer_frequency(pd.DatetimeIndex(series.index))
    gaps = tuple(_gaps(series, frequency))
    holidays = frequency == "B" and series.calendar is None and bool(gaps)
    return Findings(rows, frequency, gaps, tuple(_remarks(rows, config, holidays)))


def _remarks(rows: Rows, config: DataConfig, holidays: bool) -> list[str]:
    target = rows.panel.target
    values = rows.panel.values[:, 0]
    low = int((values <= 0).sum())
    lacking, repeated = counted(rows.missing), counted(rows.duplicates)
    one_of_each = f"{rows.choice}, one of several series" if rows.choice else "--duplicates last, first or mean"
    said = {
        f"{lacking} without a value: fit needs --missing drop, ffill or interpolate.": (
            rows.missing and config.missing == "error"
        ),
        f"{repeated} of a date seen before: fit needs {one_of_each}.": (
            rows.duplicates and config.duplicates == "error"
        ),
        "The dates keep no step: fit needs one step, or --calendar where they are days.": is_irregular(rows.panel[0]),
        "Holidays count as gaps: --calendar tells them apart.": holidays,
        f"{counted(low, 'price')} of {target} not positive: fit needs --scaling difference.": low and is_price(target),
        f"{counted(low, 'value')} of {target} not positive: fit takes plain differences where training holds one, and "
        "needs --scaling difference where it does not.": low and not is_price(target),
    }
    swallowed = rounding_note(target, values, np.zeros(1, int)) if np.ptp(values) else None
    return [*(note for note, holds in said.items() if holds), *([swallowed] if swallowed else [])]


def _gaps(series: Series, frequency: str | None) -> list[Gap]:
    if not series.dated or (frequency is None and series.calendar is None):
        return []
    index = pd.DatetimeIndex(series.index)
    expected = _expected(index, frequency, series.calendar)
    if expected is None:
        return []
    absent = np.flatnonzero(~expected.isin(index))
    if not len(absent):
        return []
    runs = np.split(absent, np.flatnonzero(np.diff(absent) > 1) + 1)
    gaps = [Gap(expected[run[0]], expected[run[-1]], len(run)) for run in runs]
    return sorted(gaps, key=lambda gap: -gap.rows)


def _expected(index: pd.DatetimeIndex, frequency: str | None, calendar: str | None) -> pd.DatetimeIndex | None:
    """All dates from the first to the last that the step or calendar has."""
    if frequency is None and (index != index.normalize()).any():
        return None
    if calendar is not None and (frequency is None or is_daily(frequency)):
        sessions = trading_calendar(calendar, index[0].year, index[-1].year).sessions
        return sessions[(sessions >= index[0]) & (sessions <= index[-1])]
    return between(index, str(frequency))

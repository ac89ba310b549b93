"""What `kerasforecast data check` says about a table: its series, range, step, gaps and what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.data.assemble import Rows
from kerasforecast.data.calendar_choice import with_calendar
from kerasforecast.data.calendars import is_irregular
from kerasforecast.data.frequency import in_words, infer_frequency
from kerasforecast.data.gaps import SHOWN, Gap, gaps_of, gaps_of_each, longest_gaps
from kerasforecast.data.load import load_rows
from kerasforecast.data.panel import Panel
from kerasforecast.data.precision import rounding_note
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import iso_text, iso_texts
from kerasforecast.data.table.columns import is_price
from kerasforecast.data.table.given import Given
from kerasforecast.data.table.stack import named
from kerasforecast.data.table.table import counted
from kerasforecast.sections.data import DataConfig


@dataclass(frozen=True)
class Findings:
    """A table's series and what was met on the way to them.

    Attributes:
        rows: The series and counts.
        frequency: Step of the dates, also where a calendar rules.
        gaps: Longest first; empty where no step is known. Of several series the longest of the few that lack most.
        absent: `(N,)` rows that each series lacks.
        remarks: What `fit` would refuse without an option, one sentence each.
    """

    rows: Rows
    frequency: str | None
    gaps: tuple[Gap, ...]
    absent: np.ndarray
    remarks: tuple[str, ...]

    @property
    def panel(self) -> Panel:
        """The valid series."""
        return self.rows.panel

    @property
    def series(self) -> Series:
        """The one series, or the longest of several."""
        return _longest(self.panel)

    @property
    def step(self) -> str:
        """The step in words: `"B"`, `"Monday to Saturday"`, `"integer steps"`, `"irregular"`."""
        if self.frequency is not None:
            return in_words(self.frequency)
        if not self.panel.dated:
            return "integer steps"
        return "irregular" if self.panel.calendar is None else "sessions"

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        panel, target = self.panel, self.panel.values[_observed(self.panel), 0]
        first, last = iso_texts(pd.Index([panel.index.min(), panel.index.max()]), panel.index)
        several = _as_json(self) if panel.key is not None else {}
        return {
            "name": panel.name,
            "source": {"kind": panel.source.kind, "location": panel.source.location},
            "target": panel.target,
            "columns": list(panel.columns),
            **several,
            "rows": int(panel.observed.sum()),
            "rows_ahead": len(panel.index) - int(panel.observed.sum()),
            "start": first,
            "end": last,
            "frequency": self.frequency,
            "step": self.step,
            "calendar": panel.calendar,
            "missing": self.rows.missing + self.rows.blank,
            "duplicates": self.rows.duplicates,
            "blank": self.rows.blank,
            "gaps": [self._gap(gap) for gap in self.gaps[:SHOWN]],
            "gap_rows": int(self.absent.sum()),
            "splits": [_split(split.date, split.ratio, split.series) for split in self.rows.splits],
            "minimum": float(target.min()),
            "maximum": float(target.max()),
            "last": float(self.series.values[-1, 0]),
            "sha256": panel.sha256,
            "notes": [*panel.notes, *self.remarks],
        }

    def _gap(self, gap: Gap) -> dict[str, Any]:
        start, end = iso_text(gap.first, self.panel.index), iso_text(gap.last, self.panel.index)
        return {"start": start, "end": end, "rows": gap.rows} | ({"series": gap.series} if gap.series else {})


def _split(date: pd.Timestamp, ratio: float, series: str) -> dict[str, Any]:
    return {"date": str(date.date()), "ratio": ratio} | ({"series": series} if series else {})


def _as_json(findings: Findings) -> dict[str, Any]:
    """What there is to say of several series."""
    panel, rows = findings.panel, findings.panel.observed
    longest, shortest = int(rows.argmax()), int(rows.argmin())
    roles = dict(zip(panel.columns, panel.roles, strict=True)) | dict.fromkeys(panel.static_columns, "static")
    return {
        "roles": roles,
        "key": panel.key,
        "series": len(panel),
        "longest": {"series": str(panel.ids[longest]), "rows": int(rows[longest])},
        "shortest": {"series": str(panel.ids[shortest]), "rows": int(rows[shortest])},
        "median_rows": float(np.median(rows)),
        "series_with_gaps": int((findings.absent > 0).sum()),
        "categories": {
            name: len(names) for name, names in zip(panel.static_columns, panel.categories, strict=True) if names
        },
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
    panel = rows.panel
    rows = replace(rows, panel=replace(panel, notes=with_calendar(panel, config).notes))
    frequency = panel.frequency
    if panel.dated and frequency is None:
        frequency = infer_frequency(pd.DatetimeIndex(_longest(panel).index))
    if len(panel) == 1:
        gaps = gaps_of(panel[0], frequency)
        absent = np.array([sum(gap.rows for gap in gaps)])
    else:
        absent = gaps_of_each(panel, frequency)
        gaps = longest_gaps(panel, frequency, absent)
    holidays = frequency == "B" and panel.calendar is None and bool(absent.any())
    return Findings(rows, frequency, tuple(gaps), absent, tuple(_remarks(rows, config, holidays)))


def _longest(panel: Panel) -> Series:
    return panel[int(panel.observed.argmax())]


def _observed(panel: Panel) -> np.ndarray | slice:
    """The rows that have a target."""
    rows = np.arange(len(panel.index))
    return slice(None) if panel.observed.sum() == len(rows) else rows < panel.ends[panel.places(rows)]


def _remarks(rows: Rows, config: DataConfig, holidays: bool) -> list[str]:
    panel, target = rows.panel, rows.panel.target
    values = panel.values[:, 0]
    not_positive = values <= 0  # which NaN, ahead of the last target, is not
    low = int(not_positive.sum())
    where = panel.ids[np.unique(panel.places(np.flatnonzero(not_positive)))] if low else panel.ids[:0]
    in_series = f" (in {named(where)})" if panel.key is not None else ""
    lacking, repeated = counted(rows.missing), counted(rows.duplicates)
    one_of_each = f"{rows.choice}, one of several series" if rows.choice else "--duplicates last, first or mean"
    said = {
        f"{lacking} without a value: fit needs --missing drop, ffill or interpolate.": (
            rows.missing and config.missing == "error"
        ),
        f"{repeated} of a date seen before: fit needs {one_of_each}.": (
            rows.duplicates and config.duplicates == "error"
        ),
        "The dates keep no step: fit needs one step, or --calendar where they are days.": is_irregular(_longest(panel)),
        "Holidays count as gaps: --calendar tells them apart.": holidays,
        f"{counted(low, 'price')} of {target} not positive{in_series}: fit needs --scaling difference.": (
            low and is_price(target)
        ),
        f"{counted(low, 'value')} of {target} not positive{in_series}: fit takes plain differences where training "
        "holds one, and needs --scaling difference where it does not.": low and not is_price(target),
    }
    seen = values[_observed(panel)]
    starts = np.concatenate([[0], np.cumsum(panel.observed)[:-1]])
    swallowed = rounding_note(target, seen, starts) if np.ptp(seen) else None
    return [*(note for note, holds in said.items() if holds), *([swallowed] if swallowed else [])]

"""The dates of the rows that follow each series of a panel, at once for all that go on alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from kerasforecast.data.calendars import future_index
from kerasforecast.data.frequency import step_within_day
from kerasforecast.data.months import months_of, on_offset
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError, OptionError, shown

_DAY = 86_400  # seconds
_WEEKS = pd.Timedelta(weeks=8)  # rows of so many weeks show at which hours of the week a series has some
_BARS = 2_000  # rows that show by which clock a market's bars are written
_SHORT = 2_000  # rows of a series whose answer is remembered
_MONTHS = 24  # rows that show on which day of its month a series has them
_MIXERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def future_dates(panel: Panel, steps: int) -> pd.Index:
    """The dates of the `steps` rows after the last observed one of each series.

    Step and calendar are the panel's; its own rows show which hours of the week or day of the month a series keeps.
    Each is answered as `kerasforecast.data.calendars.future_index` answers it alone; those that must have the same
    answer share it.

    Args:
        panel: Each series with a row that has a target.
        steps: How many rows ahead, at least 1.

    Returns:
        `(N * steps,)`, series after series.

    Raises:
        DataError: A series has no row with a target, the dates keep no step, or the calendar ends too soon.
        OptionError: `steps` is below 1.
    """
    if steps < 1:
        raise OptionError(f"--steps must be 1 or more. Received: {steps}. Give a positive number.")
    if not panel.observed.all():
        empty = panel.ids[panel.observed == 0].tolist()
        raise DataError(
            f"{panel.name}: a forecast starts after a row with a target. Received: {len(empty):,} series without any: "
            f"{shown(empty)}. Leave them out."
        )
    if len(panel) == 1:
        return _after_one(panel, steps)
    if not isinstance(panel.index, pd.DatetimeIndex):
        return _integers(panel, steps)
    sessions = panel.calendar is not None and panel.frequency is None and _days_alone(panel)
    askers, answers = _alike(panel, sessions)
    found = []
    for place in askers.tolist():
        series = panel[place]
        if sessions:
            series = replace(series, frequency="D")  # which a few rows alone may not show
        found.append(pd.DatetimeIndex(future_index(series, steps)).as_unit(panel.index.unit).to_numpy())
    return pd.DatetimeIndex(np.stack(found)[answers].ravel())


@dataclass(frozen=True)
class _Question:
    """What the dates after a series follow from; two that are equal have one answer."""

    stamps: bytes
    unit: str
    frequency: str | None
    calendar: str | None
    steps: int
    panel: Panel = field(compare=False)


def _after_one(panel: Panel, steps: int) -> pd.Index:
    """Of a lone series; of a short one remembered, for a server is asked about the same dates again and again."""
    index, rows = panel.index, int(panel.observed[0])
    if not isinstance(index, pd.DatetimeIndex) or rows > _SHORT:
        return future_index(panel[0], steps)
    stamps = index.asi8[:rows].tobytes()
    return _answered(_Question(stamps, index.unit, panel.frequency, panel.calendar, steps, panel))


@lru_cache(maxsize=128)
def _answered(question: _Question) -> pd.Index:
    return future_index(question.panel[0], question.steps)


def _integers(panel: Panel, steps: int) -> pd.Index:
    rows = np.asarray(panel.index, np.int64)
    last = rows[panel.ends - 1]
    own = np.where(panel.observed > 1, last - rows[np.maximum(panel.ends - 2, 0)], 0)
    usual, counts = np.unique(own[own > 0], return_counts=True)
    step = np.where(own > 0, own, usual[counts.argmax()] if len(usual) else 1)  # one row alone shows none
    return pd.Index((last[:, None] + step[:, None] * np.arange(1, steps + 1)).ravel())


def _alike(panel: Panel, sessions: bool) -> tuple[np.ndarray, np.ndarray]:
    """Series to ask, `(G,)` places, and which of them answers for each series, `(N,)`."""
    stamps = pd.DatetimeIndex(panel.index).asi8
    last, frequency = stamps[panel.ends - 1], panel.frequency
    traits = [last]
    if sessions:
        pass  # the calendar says what follows a day
    elif frequency is None:
        traits += _digest(panel, stamps, np.ones(len(stamps), bool))
    elif months_of(frequency) is not None:
        traits += _days_of_months(panel, frequency)
    elif (step := step_within_day(frequency)) is not None:
        traits += _hours(panel, stamps, step)
    _, askers, answers = np.unique(np.stack(traits, axis=1), axis=0, return_index=True, return_inverse=True)
    return askers, answers.ravel()


def _days_alone(panel: Panel) -> bool:
    clock = pd.DatetimeIndex(panel.index).as_unit("s").asi8 % _DAY
    return bool((clock == clock[0]).all())


def _days_of_months(panel: Panel, frequency: str) -> list[np.ndarray]:
    """What `kerasforecast.data.months` asks of the last rows: whether they keep the step's day, and the latest day."""
    tail = _last(panel, _MONTHS)
    codes, found = pd.factorize(panel.index[tail])
    dates, owners = pd.DatetimeIndex(found), panel.places(tail)
    kept = on_offset(dates, pd.tseries.frequencies.to_offset(frequency))[codes]
    share = np.bincount(owners, weights=kept, minlength=len(panel)) / np.bincount(owners, minlength=len(panel))
    latest = np.zeros(len(panel), np.int64)
    np.maximum.at(latest, owners, np.asarray(dates.day, np.int64)[codes])
    return [(share > 0.8).astype(np.int64), latest]


def _hours(panel: Panel, stamps: np.ndarray, step: pd.Timedelta) -> list[np.ndarray]:
    """What tells series apart whose rows rest at other hours: those without a gap in the last weeks have no rest."""
    owners = panel.places(np.arange(len(stamps)))
    unit = np.timedelta64(1, pd.DatetimeIndex(panel.index).unit)
    recent = stamps > stamps[panel.ends - 1][owners] - int(_WEEKS / unit)
    recent &= np.arange(len(stamps)) < panel.ends[owners]
    if panel.calendar is not None:
        recent[_last(panel, _BARS)] = True
        return _digest(panel, stamps, recent)
    gaps = np.zeros(len(panel), np.int64)
    if _DAY % step.total_seconds():
        gaps += 1
    else:
        gap = recent[:-1] & recent[1:] & (owners[:-1] == owners[1:]) & (np.diff(stamps) != int(step / unit))
        gaps += np.bincount(owners[:-1][gap], minlength=len(panel))
    return [np.where(gaps > 0, each, 0) for each in _digest(panel, stamps, recent)]


def _last(panel: Panel, count: int) -> np.ndarray:
    """The last so many observed rows of each series, or as many as it has, ascending."""
    lengths = np.minimum(panel.observed, count)
    begins = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(panel.ends - lengths - begins, lengths)


def _digest(panel: Panel, stamps: np.ndarray, counted: np.ndarray) -> list[np.ndarray]:
    """Two numbers for each series that are the same where the `counted` rows have the same dates."""
    rows = np.arange(len(stamps))
    counted = counted & (rows < np.repeat(panel.ends, np.diff(panel.starts)))
    found = []
    for mixer in _MIXERS:
        mixed = stamps.view(np.uint64) * np.uint64(mixer)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(_MIXERS[0] ^ 0xBF58476D1CE4E5B9 | 1)
        mixed ^= mixed >> np.uint64(32)
        mixed[~counted] = 0
        found.append(np.add.reduceat(mixed, panel.starts[:-1]).view(np.int64))
    return found

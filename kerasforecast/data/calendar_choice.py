"""Which known columns a panel's dates give, by `--calendar-features`, `--holidays` and `--time-zone`; those columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.data.date_features import CYCLES, calendar_table, in_zone
from kerasforecast.data.frequency import DAY, is_daily, step_within_day
from kerasforecast.data.holiday_days import check_place, holidays_of
from kerasforecast.data.months import months_of
from kerasforecast.data.zone_clocks import by_clock, check_zone
from kerasforecast.errors import DataError, OptionError, shown
from kerasforecast.sections.data import DataConfig

if TYPE_CHECKING:
    from kerasforecast.data.panel import ColumnRole, Panel

# Of each feature that may be asked for the coarsest step at which it tells one row from the next.
CALENDAR_FEATURES = {
    "minute": "minute",
    "hour": "hour",
    "weekday": "day",
    "weekend": "day",
    "day": "week",
    "week": "month",
    "day_of_year": "quarter",
    "month": "quarter",
    "quarter": "quarter",
    "year": "year",
}
_STEPS = ("minute", "hour", "day", "week", "month", "quarter", "year")
_AUTO = {
    "minute": ("hour", "weekday", "day_of_year"),
    "hour": ("hour", "weekday", "day_of_year"),
    "day": ("weekday", "day_of_year"),
    "week": ("day_of_year",),  # the week, without the jump of a 53rd
    "month": ("month",),
    "quarter": ("quarter",),
    "year": (),
}
_DAYS = {"hour": 1, "weekday": 7, "day_of_year": 365, "month": 365, "quarter": 365}  # of a cycle
_COUNTS = {"week": "holidays_in_week", "month": "holidays_in_month", "quarter": "holidays_in_quarter"}
_TWO_WEEKS = pd.Timedelta(days=14)


def check_calendar_options(config: DataConfig) -> None:
    """Refuse `--calendar-features`, `--holidays` and `--time-zone` that mean nothing, before a table is read.

    Raises:
        OptionError: There is no such feature, country or zone.
    """
    _wanted(config)
    if config.time_zone is not None:
        check_zone(config.time_zone)
    if config.holidays is not None:
        check_place(config.holidays)


def with_calendar(panel: Panel, config: DataConfig) -> Panel:
    """`panel` with the known columns that its dates give, as `--calendar-features` and `--holidays` say.

    Each cycle is a pair of columns, its sine and cosine (`hour_sin`, `hour_cos`): the hour after 23 is 0. The hour
    counts its minutes. They are computed for every row ahead, and the user is never asked for them. Where people live
    by the clocks of `--time-zone`, dates stay as they are and what they give is by those clocks.

    Args:
        panel: One series or many, with dates.
        config: Of which these three options are read.

    Raises:
        DataError: There are no dates; a feature says nothing of rows so far apart; the panel has a column of its name;
            a zone is named for dates without a time of day.
        OptionError: There is no such feature, country or zone.
    """
    wanted = _wanted(config)
    if not wanted and config.holidays is None:
        return panel
    option = "--calendar-features" if wanted else "--holidays"
    if not panel.dated:
        raise DataError(f"{panel.name}: {option} needs dates. Received: integer steps. Leave it out.")
    step = step_class(panel)
    names, notes = _chosen(panel, wanted, step)
    features = {column: column for name in names for column in columns_of(name)}
    zone = None if config.time_zone is None else check_zone(config.time_zone)
    shown_there = _clock_of(panel, zone)
    if config.holidays is not None:
        place = check_place(config.holidays)
        features |= _holiday_features(panel, shown_there, place, step)
        notes.append(_holidays_note(shown_there, place))
    if step in ("minute", "hour") or zone is not None:
        notes.append(_clock_note(zone))
    return with_features(panel, {column: in_zone(name, zone) for column, name in features.items()}, notes)


def with_features(panel: Panel, features: Mapping[str, str], notes: Sequence[str] = ()) -> Panel:
    """`panel` with further known columns, each a feature of the dates of its rows.

    Args:
        panel: With dates.
        features: By column, the names of `kerasforecast.data.date_features`.
        notes: What is to be said of them.

    Raises:
        DataError: There are no dates, or a column of that name.
    """
    if not features:
        return replace(panel, notes=(*panel.notes, *notes)) if notes else panel
    index = panel.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"{panel.name}: the model needs dates, for {shown([*features])}. Received: integer steps.")
    for column in features:
        if column in (*panel.columns, *panel.static_columns, panel.key):
            raise DataError(
                f"{panel.name}: what the dates give must differ from the columns of the table. Received: {column} as "
                "both. Rename that column, or leave its feature out of --calendar-features."
            )
    values = np.concatenate([panel.values, calendar_table([*features.values()], index)], axis=1)
    known: list[ColumnRole] = ["known"] * len(features)
    values.setflags(write=False)  # so that the panel keeps it without a copy
    return replace(
        panel,
        values=values,
        columns=(*panel.columns, *features),
        roles=(*panel.roles, *known),
        notes=(*panel.notes, *notes),
        calendar_columns={**panel.calendar_columns, **features},
    )


def columns_of(name: str) -> tuple[str, ...]:
    """The columns of a calendar feature: a pair where it has a cycle, else one."""
    return (f"{name}_sin", f"{name}_cos") if name in CYCLES else (name,)


def step_class(panel: Panel) -> str:
    """How far apart rows are, as one of minute (also second), hour, day, week, month, quarter, year."""
    frequency = panel.frequency
    if frequency is None or is_daily(frequency):
        clock = panel.index.as_unit("s").asi8 % 86_400
        return "day" if len(clock) and (clock == clock[0]).all() else "minute"
    if frequency.startswith("SM-"):
        return "week"
    if (months := months_of(frequency)) is not None:
        return "year" if months >= 12 else "quarter" if months == 3 else "month"
    if "WOM-" in frequency:
        return "month"
    if frequency.split("-")[0].lstrip("0123456789") == "W":
        return "week"
    step = step_within_day(frequency) or pd.Timedelta(pd.tseries.frequencies.to_offset(frequency))
    seconds = step.total_seconds()
    return "minute" if seconds % 3_600 else "hour" if seconds % 86_400 else "day"


def _wanted(config: DataConfig) -> tuple[str, ...]:
    """The features asked for, each once; `("auto",)`; none."""
    words = [word.strip() for given in config.calendar_features for word in given.split(",")]
    wanted = tuple(dict.fromkeys(filter(None, words)))
    for name in wanted:
        if name not in (*CALENDAR_FEATURES, "auto", "none"):
            raise OptionError(
                f"--calendar-features must be auto, none or some of {', '.join(CALENDAR_FEATURES)}. "
                f"Received: {shown(name)}. Use auto for what suits the step."
            )
    if len(wanted) > 1 and {"auto", "none"} & set(wanted):
        raise OptionError(f"--calendar-features auto and none stand alone. Received: {shown(wanted)}. Leave one out.")
    return () if wanted == ("none",) else wanted


def _chosen(panel: Panel, wanted: Sequence[str], step: str) -> tuple[list[str], list[str]]:
    """The features to take, and what is to be said of the choice."""
    if tuple(wanted) != ("auto",):
        usable = [name for name, coarsest in CALENDAR_FEATURES.items() if _STEPS.index(coarsest) >= _STEPS.index(step)]
        for name in wanted:
            if name not in usable:
                raise DataError(
                    f"{panel.name}: --calendar-features must tell rows that are a {step} apart from one another, as "
                    f"{', '.join(usable)} may. Received: {shown(name)}. Leave it out, or use auto."
                )
        return list(wanted), []
    if not _AUTO[step]:
        return [], ["Calendar features: none, since dates a year apart have no cycle."]
    days = (panel.index.max() - panel.index.min()) / DAY
    taken = [name for name in _AUTO[step] if days >= 2 * _DAYS[name]]
    short = [name for name in _AUTO[step] if name not in taken]
    less = f"; not {', '.join(short)}, of which the rows hold less than two cycles" if short else ""
    return taken, [f"Calendar features: {', '.join(taken) or 'none'}{less}."]


def _clock_of(panel: Panel, zone: str | None) -> pd.DatetimeIndex:
    """The dates by the clocks of a zone; as they stand, where `None`.

    Raises:
        DataError: They have no time of day.
    """
    index = pd.DatetimeIndex(panel.index.unique())
    if zone is None:
        return index
    if (index == index.normalize()).all():
        raise DataError(
            f"{panel.name}: --time-zone needs dates with a time of day. Received: days alone. Leave it out: a day is "
            "taken as people there call it."
        )
    return by_clock(index, zone)


def _clock_note(zone: str | None) -> str:
    if zone is None:
        return "What dates give is by the clock they are written in; --time-zone names that of the people, if another."
    return f"Dates are taken as UTC; what they give is by the clocks of {zone}."


def _holiday_features(panel: Panel, index: pd.DatetimeIndex, place: str, step: str) -> dict[str, str]:
    """The columns that tell holidays at a step, and the feature that each is.

    Raises:
        DataError: The step has no such columns.
    """
    letters = (panel.frequency or "").split("-")[0]
    if step == "year" or (step in _COUNTS and letters.startswith((*"0123456789", "SM"))):
        raise DataError(
            f"{panel.name}: --holidays needs rows a day or less, a week, a month or a quarter apart. "
            f"Received: steps of {panel.frequency}. Leave it out."
        )
    if step in _COUNTS:
        return {_COUNTS[step]: f"{_COUNTS[step]}:{place}"}
    working = index.max() - index.min() >= _TWO_WEEKS and bool((index.day_of_week < 5).all())
    kinds = {side: f"weekday_{side}_holiday" if working else f"holiday_{side}" for side in ("before", "after")}
    return {"holiday": f"holiday:{place}"} | {f"holiday_{side}": f"{kind}:{place}" for side, kind in kinds.items()}


def _holidays_note(index: pd.DatetimeIndex, place: str) -> str:
    days = index.as_unit("s").asi8 // 86_400
    first, last = days.min(), days.max()
    found = holidays_of(place, np.arange(first, last + 1))
    count = int(((found >= first) & (found <= last)).sum())
    return f"Holidays of {place}: {count:,} from the first to the last date."

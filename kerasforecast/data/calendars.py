"""Trading calendars: which dates a market trades on, and so the dates that forecasts are for."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.data.frequency import DAY, following, infer_frequency, is_daily, slots_after, step_within_day
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import iso_texts
from kerasforecast.data.week import open_hours, week_seconds
from kerasforecast.errors import DataError, OptionError, shown

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

LAST_YEAR = 2150  # nobody's holidays are known so far ahead
FIRST_YEAR = 1950
_SEEN = 2_000  # rows that show by which clock a table of bars is written
SURE_ROWS = 250  # with fewer, a market's holidays may just be missing rows
# The calendars that are recognised, and days on which they have no session in any year.
RECOGNISED = {"XNYS": ((1, 1), (7, 4), (12, 25)), "BVMF": ((1, 1), (5, 1), (12, 25))}
# Yahoo's suffixes of symbols; a symbol without one trades in New York.
_BY_SUFFIX = {
    "SA": "BVMF", "L": "XLON", "IL": "XLON", "DE": "XETR", "F": "XFRA", "PA": "XPAR", "AS": "XAMS", "BR": "XBRU",
    "MI": "XMIL", "MC": "XMAD", "LS": "XLIS", "SW": "XSWX", "ST": "XSTO", "HE": "XHEL", "CO": "XCSE", "OL": "XOSL",
    "VI": "XWBO", "IR": "XDUB", "TO": "XTSE", "V": "XTSX", "T": "XTKS", "HK": "XHKG", "SS": "XSHG", "SZ": "XSHG",
    "KS": "XKRX", "KQ": "XKRX", "TW": "XTAI", "SI": "XSES", "AX": "XASX", "NZ": "XNZE", "NS": "XBOM", "BO": "XBOM",
    "MX": "XMEX", "BA": "XBUE", "SN": "XSGO", "JO": "XJSE", "TA": "XTAE", "IS": "XIST", "WA": "XWAR", "PR": "XPRA",
    "BD": "XBUD", "AT": "ASEX", "JK": "XIDX", "KL": "XKLS", "BK": "XBKK", "SR": "XSAU",
}  # fmt: skip
_INDICES = {"^BVSP": "BVMF", "^FTSE": "XLON", "^GDAXI": "XETR", "^FCHI": "XPAR", "^N225": "XTKS", "^HSI": "XHKG"}


def calendar_of_ticker(ticker: str) -> str:
    """The calendar on which a Yahoo symbol trades: `PETR4.SA` BVMF, `BTC-USD` 24/7, `EURUSD=X` 24/5, `AAPL` XNYS."""
    symbol = ticker.upper()
    if symbol in _INDICES:
        return _INDICES[symbol]
    if symbol.endswith("=X"):
        return "24/5"
    if symbol.endswith("=F"):
        return "us_futures"
    if symbol.count("-") == 1 and len(symbol.split("-")[1]) == 3:
        return "24/7"
    return _BY_SUFFIX.get(symbol.rpartition(".")[2], "XNYS") if "." in symbol else "XNYS"


def check_code(code: str) -> str:
    """`code`, if exchange-calendars has it.

    Raises:
        OptionError: There is no such calendar.
    """
    import exchange_calendars  # 0.2 s: only where a calendar is used

    if code not in exchange_calendars.get_calendar_names(include_aliases=True):
        raise OptionError(
            f"--calendar must be a code of exchange-calendars. Received: {shown(code)}. "
            "Use XNYS, BVMF, XLON, 24/7 or another of its codes."
        )
    return code


_MADE: dict[str, tuple[int, int, ExchangeCalendar]] = {}  # the last one of each code, which serves parts of its years


def trading_calendar(code: str, first_year: int, last_year: int) -> ExchangeCalendar:
    """The calendar `code` over whole years, or as far into them as its holidays are known.

    Raises:
        OptionError: There is no such calendar.
        DataError: It does not know those years.
    """
    made = _MADE.get(code)
    if made is None or first_year < made[0] or last_year > made[1]:
        made = _MADE[code] = (first_year, last_year, _made(code, first_year, last_year))
    return made[2]


@lru_cache(maxsize=8)
def _made(code: str, first_year: int, last_year: int) -> ExchangeCalendar:
    """A calendar takes 0.1 to 0.2 s."""
    import exchange_calendars

    check_code(code)
    start, end = f"{first_year}-01-01", f"{min(last_year, LAST_YEAR)}-12-31"
    for span in ({"start": start, "end": end}, {"start": start}, {"end": end}):
        with contextlib.suppress(ValueError):  # some markets' holidays are known for some years only
            return exchange_calendars.get_calendar(code, **span)
    known = exchange_calendars.get_calendar(code)
    raise DataError(
        f"Calendar {code}: knows {known.first_session.date()} to {known.last_session.date()}. "
        f"Received: {first_year} to {last_year}. Use another --calendar."
    )


def recognised_calendar(index: pd.DatetimeIndex) -> str | None:
    """The calendar whose sessions are exactly `index`, if a year or more of dates shows it beyond doubt.

    Args:
        index: `(T,)` days from Monday to Friday.
    """
    if len(index) < SURE_ROWS or index[0].year < FIRST_YEAR or index[-1].year >= LAST_YEAR:
        return None
    days = set(zip(index.month.tolist(), index.day.tolist(), strict=True))
    for code, closed in RECOGNISED.items():
        if days.intersection(closed):  # sooner found than a calendar is made
            continue
        with contextlib.suppress(DataError):  # with the year in which forecasts may lie
            sessions = trading_calendar(code, index[0].year, index[-1].year + 1).sessions
            if sessions[(sessions >= index[0]) & (sessions <= index[-1])].equals(index):
                return code
    return None


def future_index(series: Series, steps: int) -> pd.Index:
    """The dates of the `steps` rows that follow `series`.

    Args:
        series: Any series.
        steps: How many, at least 1.

    Returns:
        `(steps,)` sessions of the calendar, dates at the inferred frequency, or integers.

    Raises:
        DataError: The series has neither calendar nor a regular step, or the calendar ends too soon.
    """
    if steps < 1:
        raise OptionError(f"--steps must be 1 or more. Received: {steps}. Give a positive number.")
    if not series.dated:
        step = int(series.index[-1] - series.index[-2]) if len(series) > 1 else 1
        return pd.RangeIndex(int(series.index[-1]) + step, int(series.index[-1]) + step * (steps + 1), step)
    index = pd.DatetimeIndex(series.index)
    frequency = series.frequency or infer_frequency(index)
    if series.calendar is not None and (is_daily(frequency) or (frequency is None and _whole_days(index))):
        return _sessions_after(series.calendar, index, steps)
    if frequency is None:
        raise irregular(series)
    bar = step_within_day(frequency)
    if series.calendar is not None and bar is not None:
        return _bars_after(series.calendar, index, bar, steps)
    return following(index, frequency, steps)  # weekly and monthly bars are dated by the week or month


def require_step(series: Series) -> None:
    """Refuse a series of dates that keep no step, where no calendar says which dates follow.

    Raises:
        DataError: There is none.
    """
    if is_irregular(series):
        raise irregular(series)


def is_irregular(series: Series) -> bool:
    """Whether nobody can say which dates follow a series: no step, and no calendar that tells days."""
    if not series.dated or series.frequency is not None or len(series) < 3:
        return False
    index = pd.DatetimeIndex(series.index)
    return not (series.calendar is not None and (_whole_days(index) or infer_frequency(index) is not None))


def irregular(series: Series) -> DataError:
    """That the dates of a series keep no step, and what to do."""
    index = pd.DatetimeIndex(series.index)
    first, last = iso_texts(index[[0, -1]], index)
    days = _whole_days(index)
    remedy = "Resample to one step" + (", or give --calendar: 24/7 takes any days." if days else ".")
    return DataError(
        f"{series.name}: the dates must keep a step, such as days or hours, in at least half of the rows. "
        f"Received: {len(index):,} rows from {first} to {last}. {remedy}"
    )


def _whole_days(index: pd.DatetimeIndex) -> bool:
    """Whether rows are days: all at the same time of day."""
    return bool((index - index.normalize()).nunique() == 1)


def _sessions_after(code: str, index: pd.DatetimeIndex, steps: int) -> pd.DatetimeIndex:
    last = index[-1]
    calendar = trading_calendar(code, last.year, last.year + 1 + (14 + 2 * steps) // 365)
    clock = last - last.normalize()
    return _first(calendar, calendar.sessions[calendar.sessions > last.normalize()] + clock, index, steps)


def _bars_after(code: str, index: pd.DatetimeIndex, step: pd.Timedelta, steps: int) -> pd.DatetimeIndex:
    """Bars at the hours of the week that the table keeps, less those at which the calendar is closed for once."""
    last = index[-1]
    slots = open_hours(index, int(step.total_seconds()))
    per_week = len(slots) if slots is not None else int(7 * DAY / step)
    weeks = 4 + 2 * steps // per_week
    if slots is None:  # so few rows, or all hours: the calendar alone says when
        weeks *= 8  # a market is open an eighth of all hours, at least
    calendar = trading_calendar(code, min(index[-_SEEN:][0].year, last.year), last.year + 1 + 7 * weeks // 365)
    bars = (
        pd.date_range(last + step, periods=weeks * per_week, freq=step)
        if slots is None
        else slots_after(slots, last, weeks * per_week)
    )
    return _first(calendar, bars[_trading(calendar, index[-_SEEN:], bars)], index, steps)


def _trading(calendar: ExchangeCalendar, seen: pd.DatetimeIndex, bars: pd.DatetimeIndex) -> np.ndarray:
    """At which of `bars` the market trades, or is closed as on other weeks when the table has rows all the same.

    Dates carry no time zone: they are taken to be the exchange's or UTC, whichever puts more rows into its hours.
    """
    zones = (str(calendar.tz), "UTC")
    inside = {zone: _open_at(calendar, seen, zone) for zone in zones}
    zone = max(zones, key=lambda name: inside[name].mean())
    if inside[zone].mean() < 0.9:  # another clock: days are all that can be told
        return np.asarray(bars.normalize().isin(calendar.sessions))
    outside = week_seconds(seen[~inside[zone]])
    regularly, counts = np.unique(outside, return_counts=True)
    within = pd.Series(week_seconds(seen[inside[zone]])).value_counts().reindex(regularly, fill_value=0).to_numpy()
    return _open_at(calendar, bars, zone) | np.isin(week_seconds(bars), regularly[counts > within])


def _open_at(calendar: ExchangeCalendar, bars: pd.DatetimeIndex, zone: str) -> np.ndarray:
    """Whether a session runs at the start of each bar, by dates in `zone`."""
    times = bars.tz_localize(zone, ambiguous=np.zeros(len(bars), bool), nonexistent="shift_forward")
    times = times.tz_convert("UTC").as_unit("ns").asi8
    opens, closes = (pd.DatetimeIndex(found).as_unit("ns").asi8 for found in (calendar.opens, calendar.closes))
    session = np.searchsorted(opens, times, side="right") - 1
    return (session >= 0) & (times < closes[np.maximum(session, 0)])


def _first(
    calendar: ExchangeCalendar, found: pd.DatetimeIndex, index: pd.DatetimeIndex, steps: int
) -> pd.DatetimeIndex:
    if len(found) < steps:
        raise DataError(
            f"Calendar {calendar.name}: ends on {calendar.last_session.date()}. Received: {steps} steps after "
            f"{index[-1].date()}. Give fewer --steps."
        )
    return pd.DatetimeIndex(found[:steps]).as_unit(index.unit)._with_freq(None)

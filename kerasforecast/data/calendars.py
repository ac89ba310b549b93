"""Trading calendars: which dates a market trades on, and so the dates that forecasts are for."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from kerasforecast.data.frequency import DAY, after_last, following, infer_frequency, session_slots
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, OptionError, shown

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

LAST_YEAR = 2150  # nobody's holidays are known so far ahead
FIRST_YEAR = 1950
SURE_ROWS = 250  # with fewer, a market's holidays may just be missing rows
RECOGNISED = ("XNYS", "BVMF")
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


@lru_cache(maxsize=8)
def trading_calendar(code: str, first_year: int, last_year: int) -> ExchangeCalendar:
    """The calendar `code` over whole years, or as far into them as its holidays are known.

    Raises:
        OptionError: There is no such calendar.
        DataError: It does not know those years.
    """
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
    for code in RECOGNISED:
        with contextlib.suppress(DataError):
            sessions = trading_calendar(code, index[0].year, index[-1].year).sessions
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
    if frequency is None:
        raise DataError(
            f"{series.name}: the dates keep no regular step. Received: {len(index)} rows. Give --calendar, or resample."
        )
    if series.calendar is not None:
        return _sessions_after(series.calendar, index, frequency, steps)
    return following(index, frequency, steps)


def _sessions_after(code: str, index: pd.DatetimeIndex, frequency: str, steps: int) -> pd.DatetimeIndex:
    last = index[-1]
    offset = pd.tseries.frequencies.to_offset(frequency)
    intraday = isinstance(offset, pd.offsets.Tick) and pd.Timedelta(offset) < DAY
    if not intraday and frequency not in ("B", "D"):
        return following(index, frequency, steps)  # weekly and monthly bars are dated by the week or month
    slots = session_slots(index) if intraday else None
    per_day = len(slots) if slots is not None else (int(DAY / pd.Timedelta(offset)) if intraday else 1)
    days = 14 + 2 * (steps // per_day + 1)
    calendar = trading_calendar(code, last.year, last.year + 1 + days // 365)
    sessions = calendar.sessions[calendar.sessions >= last.normalize()]
    if not intraday:
        found = sessions[sessions > last]
    elif slots is None:
        return following(index, frequency, steps)
    else:
        found = _within_hours(calendar, after_last(sessions, slots, last, steps + len(slots) * 10))
    if len(found) < steps:
        raise DataError(
            f"Calendar {code}: ends on {calendar.last_session.date()}. Received: {steps} steps after {last.date()}. "
            "Give fewer --steps."
        )
    return pd.DatetimeIndex(found[:steps]).as_unit(index.unit)._with_freq(None)


def _within_hours(calendar: ExchangeCalendar, bars: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Bars that start before their session's close: a half day ends early."""
    closes = calendar.closes.dt.tz_convert(calendar.tz).dt.tz_localize(None)
    return bars[bars < closes.reindex(bars.normalize()).to_numpy()]

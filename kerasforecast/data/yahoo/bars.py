"""Bars at the end of a download that had not ended: Yahoo gives the one that runs, and once more what trades now."""

from __future__ import annotations

import pandas as pd

from kerasforecast.data.calendars import calendar_of_ticker, trading_calendar
from kerasforecast.data.frequency import DAY
from kerasforecast.errors import DataError

_MONTHS = {"1mo": 1, "3mo": 3}
_DAYS = {"1d": 1, "5d": 5, "1wk": 7}
_LONGEST = pd.Timedelta(days=100)  # a bar that began longer ago has ended
_WHOLE_DAY = pd.Timedelta(hours=23)


def finished(frame: pd.DataFrame, ticker: str, interval: str, fetched: pd.Timestamp) -> pd.DataFrame:
    """Rows less those at the end whose bar had not ended when they were fetched, or that lie between two bars.

    Args:
        frame: `(T, C)`, tz-aware index in the exchange's zone.
        ticker: Yahoo's symbol: its market's hours tell when a session, a week or a month is over.
        interval: Length of a bar.
        fetched: When Yahoo was asked.
    """
    sessions = _closes(ticker, frame.index[-1]) if fetched - frame.index[-1] < _LONGEST else None
    while len(frame) > 1 and (
        _between(frame.index[-2], frame.index[-1], interval) or _open(frame.index[-1], sessions, interval, fetched)
    ):
        frame = frame.iloc[:-1]
    return frame


def _between(before: pd.Timestamp, last: pd.Timestamp, interval: str) -> bool:
    """Whether a row comes sooner after the one before it than a bar is long."""
    if interval in _MONTHS:
        return (last.year - before.year) * 12 + last.month - before.month < _MONTHS[interval]
    if interval in _DAYS:
        return (last.normalize().tz_localize(None) - before.normalize().tz_localize(None)).days < (
            7 if interval == "1wk" else 1
        )
    return last - before < _length(interval)


def _open(last: pd.Timestamp, sessions: pd.DataFrame | None, interval: str, fetched: pd.Timestamp) -> bool:
    """Whether the bar that began at `last` had not ended; for minutes also, whether the market was closed by then."""
    if interval not in _MONTHS and interval not in _DAYS:
        end = last + _length(interval)
        if sessions is None:
            return end > fetched
        since = sessions[sessions["open"] <= last]
        opened, close = since.iloc[-1] if len(since) else (last, end)
        short = close - opened < _WHOLE_DAY
        if short and close <= last < close + _length(interval):
            return True  # Yahoo's price at the close, as a bar of its own
        return bool((min(end, close) if short and last < close else end) > fetched)
    first = last.normalize().tz_localize(None)
    if interval in _MONTHS:
        after = first.replace(day=1) + pd.DateOffset(months=_MONTHS[interval])
    else:
        monday = first - first.day_of_week * DAY if interval == "1wk" else first
        after = monday + _DAYS[interval] * DAY
    end = after.tz_localize(last.tz)
    if sessions is not None:
        closes = sessions["close"][(sessions.index >= first) & (sessions.index < after)]
        end = closes.iloc[-1] if len(closes) else end
    return bool(end > fetched)


def _length(interval: str) -> pd.Timedelta:
    return pd.Timedelta(interval.replace("m", "min"))


def _closes(ticker: str, last: pd.Timestamp) -> pd.DataFrame | None:
    """The sessions of the ticker's market around `last`, `open` and `close`; `None` where they are not known."""
    try:
        calendar = trading_calendar(calendar_of_ticker(ticker), last.year, last.year + 1)
    except DataError:
        return None
    return pd.DataFrame({"open": calendar.opens, "close": calendar.closes})

"""Prices from Yahoo Finance through yfinance: bounded in time, tried again where it may help, one line on failure."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import random
import re
import sys
import threading
import time
import warnings
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from kerasforecast.errors import DataError, KerasForecastError, OptionError, shown

INTERVALS = ("1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "1d", "5d", "1wk", "1mo", "3mo")
ATTEMPTS = 4
FIRST_PAUSE = 1.0  # seconds; doubles with each attempt, with jitter, so that many clients do not return together
_SYMBOL = re.compile(r"[A-Z0-9.^=&_:-]{1,40}")
_EVENTS = ("Dividends", "Stock Splits", "Capital Gains")
log = logging.getLogger("kerasforecast.data")


class DownloadError(KerasForecastError):
    """The download failed for a reason that may pass: a kept snapshot can stand in for it."""


@dataclass(frozen=True)
class Query:
    """What is asked of Yahoo.

    Attributes:
        ticker: Symbol, upper case.
        start: First date, `None` for all history.
        end: Last date, included, `None` for today.
        interval: Bar length, one of `INTERVALS`.

    Raises:
        OptionError: The ticker can be no symbol, or the interval is none of Yahoo's.
    """

    ticker: str
    start: dt.date | None = None
    end: dt.date | None = None
    interval: str = "1d"

    def __post_init__(self) -> None:
        if not _SYMBOL.fullmatch(self.ticker):
            raise OptionError(
                f"--ticker must be a symbol of Yahoo Finance, such as AAPL, PETR4.SA, ^GSPC or EURUSD=X. "
                f"Received: {shown(self.ticker)}. Correct it."
            )
        if self.interval not in INTERVALS:
            raise OptionError(f"--interval must be one of {', '.join(INTERVALS)}. Received: {shown(self.interval)}.")


class Deadline:
    """The end of the time that all requests, pauses and further attempts of a download have together.

    Attributes:
        seconds: The time, from when this was made.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, below zero once it has passed."""
        return self._end - time.monotonic()


# Of the download that this thread is at: yfinance has one session for all threads.
_deadline: ContextVar[Deadline] = ContextVar("deadline")


def fetch(query: Query, deadline: Deadline) -> pd.DataFrame:
    """Prices for `query`, split- and dividend-adjusted, as yfinance gives them: tz-aware index, Open .. Volume.

    Args:
        query: What to ask for.
        deadline: When to give up.

    Raises:
        DataError: Yahoo knows no such ticker, or has no prices in the range.
        DownloadError: No network, no answer in time, too many requests, or an answer that makes no sense.
    """
    _deadline.set(deadline)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _attempt(query, deadline)
        except DownloadError as error:
            pause = FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
            if attempt == ATTEMPTS or deadline.left() <= pause:
                raise
            log.warning("%s Trying again in %.1f s (attempt %d of %d).", error, pause, attempt + 1, ATTEMPTS)
            time.sleep(pause)
    raise AssertionError("unreachable")


def _attempt(query: Query, deadline: Deadline) -> pd.DataFrame:
    yfinance = client()
    with _candid:
        ticker = yfinance.Ticker(query.ticker, session=_session())
        ticker._data.cache_get.cache_clear()  # it would answer again with a failure it had kept
        # yfinance asks for the time zone first, only to turn dates into seconds; a day's margin does as well.
        ticker._tz = "UTC"
        try:
            frame = ticker.history(
                **_range(query), interval=query.interval, auto_adjust=True, keepna=True, timeout=deadline.left()
            )
        except Exception as error:
            raise _translated(query, error, deadline) from None
    return _plain(frame, query)


def _range(query: Query) -> dict[str, Any]:
    if query.start is None and query.end is None:
        return {"period": "max"}
    margin = dt.timedelta(days=1)
    last = min(query.end or dt.date.max - 3 * margin, dt.date.today() + margin)
    start = query.start - margin if query.start is not None else dt.date(1900, 1, 1)
    return {"start": start, "end": last + 2 * margin}


def _plain(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    prices = frame.drop(columns=[name for name in _EVENTS if name in frame.columns])
    days = pd.Series(prices.index.date, index=prices.index)
    kept = pd.Series(True, index=prices.index)
    if query.start is not None:
        kept &= days >= query.start
    if query.end is not None:
        kept &= days <= query.end
    prices = prices[kept]
    if prices.empty or prices.drop(columns="Volume", errors="ignore").isna().all(axis=None):
        raise DataError(_no_prices(query, "an empty answer"))
    return prices


@cache
def _session() -> Any:
    """A yfinance session in which no request outlives its thread's `_deadline`, whatever time it is given."""
    from yfinance._http import new_session

    base = type(new_session())

    class Capped(base):  # type: ignore[misc, valid-type]
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            left = _deadline.get().left()
            if left <= 0:
                raise TimeoutError("the time for the download is used up")
            given = options.get("timeout")
            options["timeout"] = min(float(given), left) if isinstance(given, int | float) else left
            return super().request(method, url, *args, **options)

    try:
        return Capped(impersonate="chrome")
    except TypeError:  # the plain requests session takes no such argument
        return Capped()


@cache
def client() -> Any:
    """The module yfinance, its curl bound to its own symbols: TensorFlow, loaded before, exports a libcurl too.

    It turns on the deprecation warnings of its own code as it is imported, which are nothing for the user's screen.
    Filters are of the whole process, which no thread may change while others read tables: they change here alone.
    """
    with warnings.catch_warnings():
        if hasattr(os, "RTLD_DEEPBIND"):  # glibc's; elsewhere symbols do not collide so
            flags = sys.getdlopenflags()
            sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
            try:
                import yfinance
            finally:
                sys.setdlopenflags(flags)
        import yfinance

    return yfinance


class _Candid:
    """As a context manager: yfinance raises what it would hide; its log stays off the user's screen.

    These are settings of the whole process: the first thread to come in makes them, the last to leave undoes them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._set(client().config.debug, "hide_exceptions", False)
                self._set(logging.getLogger("yfinance"), "disabled", True)
            self._inside += 1

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._undo.close()

    def _set(self, thing: Any, name: str, value: bool) -> None:
        self._undo.callback(setattr, thing, name, getattr(thing, name))
        setattr(thing, name, value)


_candid = _Candid()


def _translated(query: Query, error: Exception, deadline: Deadline) -> Exception:
    name, kinds = query.ticker, {kind.__name__ for kind in type(error).__mro__}
    if "YFRateLimitError" in kinds:
        return DownloadError(f"{name}: Yahoo refuses for now. Received: too many requests (429). Try again later.")
    if isinstance(error, TimeoutError) or "Timeout" in kinds or deadline.left() <= 0:
        return DownloadError(
            f"{name}: Yahoo must answer within {deadline.seconds:g} s. Received: nothing. "
            "Check the network, or give --timeout."
        )
    if "YFPricesMissingError" in kinds or "YFTickerMissingError" in kinds:
        reason = getattr(error, "yahoo_reason", None) or str(error)
        if "status_code = 5" in reason or "status_code = 4" in reason:
            return DownloadError(f"{name}: Yahoo failed. Received: {shown(reason, 100)}. Try again later.")
        return DataError(_no_prices(query, reason))
    if isinstance(error, json.JSONDecodeError | ValueError) or "JSONDecodeError" in kinds:
        return DownloadError(
            f"{name}: expected prices from Yahoo. Received: an answer that is no JSON. Try again later."
        )
    if isinstance(error, OSError):
        return DownloadError(f"{name}: no connection to Yahoo. Received: {_reason(error)}. Check the network.")
    return DownloadError(
        f"{name}: expected prices from Yahoo. Received: an answer yfinance cannot read "
        f"({type(error).__name__}: {shown(str(error), 80)}). Try again later."
    )


def _reason(error: OSError) -> str:
    """What went wrong, without curl's preamble and its link to a manual."""
    return shown(re.sub(r"^.*curl: \(\d+\) |\.? See https?:.*$", "", str(error)), 100)


def _no_prices(query: Query, reason: str) -> str:
    span = f" from {query.start or 'the first day'} to {query.end or 'today'}" if query.start or query.end else ""
    return (
        f"{query.ticker}: Yahoo has no prices for this ticker{span} at interval {query.interval}. "
        f"Received: {shown(reason, 120)}. Check the symbol and the range."
    )

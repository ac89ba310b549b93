"""Prices from Yahoo Finance through yfinance: bounded in time, tried again where it may help, one line on failure."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kerasforecast.errors import DataError, KerasForecastError, OptionError, shown

INTERVALS = ("1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "1d", "5d", "1wk", "1mo", "3mo")
ATTEMPTS = 4
FIRST_PAUSE = 1.0  # seconds; doubles with each attempt, with jitter, so that many clients do not return together
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
    """

    ticker: str
    start: dt.date | None = None
    end: dt.date | None = None
    interval: str = "1d"


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return self._end - time.monotonic()


def fetch(query: Query, timeout: float) -> pd.DataFrame:
    """Prices for `query`, split- and dividend-adjusted, as yfinance gives them: tz-aware index, Open .. Volume.

    Args:
        query: What to ask for.
        timeout: Seconds that all requests, pauses and further attempts may take together.

    Raises:
        OptionError: The interval is none of Yahoo's.
        DataError: Yahoo knows no such ticker, or has no prices in the range.
        DownloadError: No network, no answer in time, too many requests, or an answer that makes no sense.
    """
    if query.interval not in INTERVALS:
        raise OptionError(f"--interval must be one of {', '.join(INTERVALS)}. Received: {shown(query.interval)}.")
    deadline = _Deadline(timeout)
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


def _attempt(query: Query, deadline: _Deadline) -> pd.DataFrame:
    yfinance = client()
    with _loud(yfinance):
        ticker = yfinance.Ticker(query.ticker, session=_session(deadline))
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


def _session(deadline: _Deadline) -> Any:
    """A yfinance session in which no request outlives `deadline`, whatever time it is given."""
    from yfinance._http import new_session

    base = type(new_session())

    class Capped(base):  # type: ignore[misc, valid-type]
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            left = deadline.left()
            if left <= 0:
                raise TimeoutError("the time for the download is used up")
            given = options.get("timeout")
            options["timeout"] = min(float(given), left) if isinstance(given, int | float) else left
            return super().request(method, url, *args, **options)

    try:
        return Capped(impersonate="chrome")
    except TypeError:  # the plain requests session takes no such argument
        return Capped()


def client() -> Any:
    """The module yfinance, its curl bound to its own symbols: TensorFlow, loaded before, exports a libcurl too."""
    if hasattr(os, "RTLD_DEEPBIND"):  # glibc's; elsewhere symbols do not collide so
        flags = sys.getdlopenflags()
        sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
        try:
            import yfinance
        finally:
            sys.setdlopenflags(flags)
    import yfinance

    return yfinance


@contextlib.contextmanager
def _loud(yfinance: Any) -> Iterator[None]:
    """Let yfinance raise what it would log and hide, and keep its log from the user's screen."""
    logger = logging.getLogger("yfinance")
    hidden, level = yfinance.config.debug.hide_exceptions, logger.level
    yfinance.config.debug.hide_exceptions = False
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        yfinance.config.debug.hide_exceptions = hidden
        logger.setLevel(level)


def _translated(query: Query, error: Exception, deadline: _Deadline) -> Exception:
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
        return DownloadError(f"{name}: no connection to Yahoo. Received: {shown(str(error), 100)}. Check the network.")
    return DownloadError(
        f"{name}: expected prices from Yahoo. Received: an answer yfinance cannot read "
        f"({type(error).__name__}: {shown(str(error), 80)}). Try again later."
    )


def _no_prices(query: Query, reason: str) -> str:
    span = f" from {query.start or 'the first day'} to {query.end or 'today'}" if query.start or query.end else ""
    return (
        f"{query.ticker}: Yahoo has no prices for this ticker{span} at interval {query.interval}. "
        f"Received: {shown(reason, 120)}. Check the symbol and the range."
    )

"""A loopback server that speaks Yahoo's chart format, for the real yfinance client."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd

from kerasforecast.data.yahoo.client import client

ZONE = "America/New_York"


class Yahoo:
    """What the server answers: `script` first, one word a request, then the market's prices."""

    def __init__(self):
        self.script = []
        self.requests = []
        self.tickers = {"AAPL"}
        self.zone = ZONE
        self.factor = 1.0  # adjusted over raw: lower after a dividend
        self.split = None  # (date, ratio)
        self.holidays = set()  # dates given as rows of nulls
        self.today = pd.Timestamp("2024-06-28")
        self.repeat_last = False
        self.together = None  # a barrier: requests are answered once so many have come
        self.url = ""
        self.closed = threading.Event()

    def bars(self, first, last, interval):
        """Instants in UTC and closes; a date's close is the same in every answer."""
        days = pd.bdate_range("2020-01-02", self.today)
        if interval == "1d":
            local = days + pd.Timedelta(hours=9, minutes=30)
        else:
            step = {"30m": 30, "15m": 15, "1h": 60}[interval]
            slots = pd.timedelta_range("9:30:00", "15:59:00", freq=f"{step}min")
            local = pd.DatetimeIndex([day + slot for day in days[-40:] for slot in slots])
        closes = 100 + 10 * np.sin(np.arange(len(local)) / 9.0) + np.arange(len(local)) * 0.01
        instants = local.tz_localize(self.zone).tz_convert("UTC")
        inside = (instants >= first) & (instants < last)
        return instants[inside], closes[inside]

    def chart(self, ticker, query):
        if ticker not in self.tickers:
            return 404, error("Not Found", "No data found, symbol may be delisted")
        first, last = (pd.Timestamp(int(query[key][0]), unit="s", tz="UTC") for key in ("period1", "period2"))
        instants, closes = self.bars(first, last, query["interval"][0])
        if self.repeat_last and len(instants):  # the live price, as a second row of the last day
            instants = instants.append(instants[-1:] + pd.Timedelta(hours=5))
            closes = np.append(closes, closes[-1])
        blank = [str(day.date()) in self.holidays for day in instants.tz_convert(self.zone)]
        return 200, {"chart": {"result": [self.result(ticker, instants, closes, blank)], "error": None}}

    def result(self, ticker, instants, closes, blank):
        def column(values):
            return [None if empty else float(value) for value, empty in zip(values, blank, strict=True)]

        quote = {name: column(closes * scale) for name, scale in
                 (("open", 0.995), ("high", 1.01), ("low", 0.99), ("close", 1.0))}  # fmt: skip
        quote["volume"] = [None if empty else 1000 for empty in blank]
        meta = {
            "currency": "USD", "symbol": ticker, "exchangeName": "NMS", "instrumentType": "EQUITY",
            "exchangeTimezoneName": self.zone, "timezone": "EST", "gmtoffset": -18000, "priceHint": 2,
            "dataGranularity": "1d", "range": "", "validRanges": ["1d", "5d", "1mo", "max"],
            "regularMarketTime": int(instants[-1].timestamp()) if len(instants) else 0,
            "currentTradingPeriod": {part: {"timezone": "EST", "start": 0, "end": 0, "gmtoffset": -18000}
                                     for part in ("pre", "regular", "post")},
            "tradingPeriods": periods(instants, self.zone),
        }  # fmt: skip
        indicators = {
            "quote": [quote if len(instants) else {}],
            "adjclose": [{"adjclose": column(closes * self.factor)}],
        }
        result = {"meta": meta, "timestamp": [int(at.timestamp()) for at in instants], "indicators": indicators}
        if self.split:
            at = int((pd.Timestamp(self.split[0], tz=self.zone) + pd.Timedelta(hours=9.5)).timestamp())
            ratio = self.split[1]
            event = {"date": at, "numerator": ratio, "denominator": 1, "splitRatio": f"{ratio}:1"}
            result["events"] = {"splits": {str(at): event}}
        return result


def periods(instants, zone):
    days = sorted({day.date() for day in instants.tz_convert(zone)})
    found = []
    for day in days:
        start = pd.Timestamp(day, tz=zone) + pd.Timedelta(hours=9.5)
        end = start + pd.Timedelta(hours=6.5)
        found.append(
            [{"timezone": "EST", "start": int(start.timestamp()), "end": int(end.timestamp()), "gmtoffset": -18000}]
        )
    return found


def error(code, description):
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def handler(yahoo):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            ticker = parts.path.rpartition("/")[2]
            yahoo.requests.append((ticker, parse_qs(parts.query)))
            if yahoo.together:
                yahoo.together.wait(30)
            word = yahoo.script.pop(0) if yahoo.script else "good"
            if word == "silent":
                yahoo.closed.wait(60)
                return
            if word == "drop":
                self.connection.close()
                return
            status, body = self.scripted(word, ticker, parts)
            self.reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), word)

        def scripted(self, word, ticker, parts):
            if word == "429":
                return 429, b"Too Many Requests\r\n"
            if word == "500":
                return 500, b"Internal Server Error"
            if word == "html":
                return 200, b"<!DOCTYPE html><html><body>Will return soon</body></html>"
            if word == "empty":
                return 200, {"chart": {"result": [], "error": None}}
            if word == "404":
                return 404, error("Not Found", "No data found, symbol may be delisted")
            return yahoo.chart(ticker, parse_qs(parts.query))

        def reply(self, status, body, word):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if word == "cut" else body)

        def log_message(self, *args):
            pass

    return Handler


@contextlib.contextmanager
def serving():
    """A running server; yfinance is not yet pointed at it."""
    yahoo = Yahoo()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(yahoo))
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # a client that has gone is no news
    yahoo.url = f"http://127.0.0.1:{server.server_port}"
    # How often it looks whether it is to end: the half second of its default is most of what a test takes.
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield yahoo
    finally:
        yahoo.closed.set()
        server.shutdown()
        server.server_close()


def redirect(monkeypatch, url):
    """Point the real client at `url`; cookies and crumbs are asked of other hosts and are left out."""
    client()  # first, so that it is loaded as the package loads it
    import yfinance.base
    import yfinance.scrapers.history
    from yfinance.data import YfData

    monkeypatch.setattr(yfinance.base, "_BASE_URL_", url)
    monkeypatch.setattr(yfinance.scrapers.history, "_BASE_URL_", url)
    monkeypatch.setattr(YfData, "_get_cookie_and_crumb", lambda self, timeout=30: (None, "basic"))

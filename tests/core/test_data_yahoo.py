"""Yahoo through the real client: every answer it can give, and the snapshots that outlive them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.calendars import future_index
from kerasforecast.data.load import load_series
from kerasforecast.data.yahoo import client as yahoo
from kerasforecast.data.yahoo import snapshots
from kerasforecast.data.yahoo.bars import finished
from kerasforecast.errors import DataError, KerasForecastError, OptionError
from kerasforecast.sections.data import DataConfig

from .yahoo_server import redirect, serving


@pytest.fixture
def market(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASFORECAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(yahoo, "FIRST_PAUSE", 0.05)
    with serving() as server:
        redirect(monkeypatch, server.url)
        yield server


def load(**options):
    return load_series(DataConfig(**{"ticker": "AAPL", "start": "2024-01-02", "timeout": 10, **options}))


def kept():
    """Files of the newest snapshots, not the copies under their hashes."""
    return [path for path in (snapshots.cache_folder() / "yahoo").glob("*") if path.stem.count("@") < 2]


def age(hours):
    """Make the kept snapshot older."""
    snapshot = snapshots.read("AAPL", "1d")
    fetched = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)
    changed = dataclasses.replace(snapshot.meta, fetched=fetched.isoformat(timespec="seconds"))
    snapshots.save(snapshot.frame, changed)


def test_good_answer(market):
    series = load(past=("Open", "Volume"))
    assert series.columns == ("Close", "Open", "Volume")
    assert (series.calendar, series.name, series.source.kind) == ("XNYS", "aapl", "yahoo")
    assert str(series.index[0].date()) == "2024-01-02"
    assert str(series.index[-1].date()) == "2024-06-28"
    assert series.index.tz is None
    assert str(future_index(series, 1)[0].date()) == "2024-07-01"
    assert len(series.source.sha256) == 64
    assert len(market.requests) == 1


def test_range_is_inclusive(market):
    series = load(end="2024-03-01")
    assert str(series.index[-1].date()) == "2024-03-01"


def test_prices_are_adjusted(market):
    market.factor = 0.5
    assert load().values[0, 0] == pytest.approx(0.5 * market.bars(*span("2024-01-02"), "1d")[1][0])


def span(day):
    start = pd.Timestamp(day, tz="UTC")
    return start, start + pd.Timedelta(days=1)


@pytest.mark.parametrize("word", ["429", "500", "html", "drop", "cut"])
def test_a_passing_failure_is_tried_again(market, word, caplog):
    market.script = [word]
    if word in ("429", "500"):
        market.script.append(word)  # yfinance itself asks once more with another cookie
    assert len(load()) == 129
    assert "Trying again in" in caplog.text
    assert "attempt 2 of 4" in caplog.text


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("429", "AAPL: Yahoo refuses for now. Received: too many requests (429). Try again later."),
        ("html", "AAPL: expected prices from Yahoo. Received: an answer that is no JSON. Try again later."),
        ("500", "AAPL: expected prices from Yahoo. Received: an answer that is no JSON. Try again later."),
        ("drop", "AAPL: no connection to Yahoo. Received:"),
        ("cut", "AAPL: no connection to Yahoo. Received:"),
    ],
)
def test_a_lasting_failure_is_one_line_and_keeps_nothing(market, word, message):
    market.script = [word] * 50
    with pytest.raises(KerasForecastError) as caught:
        load()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert kept() == []


@pytest.mark.parametrize("word", ["404", "empty"])
def test_no_such_ticker_is_the_users_error(market, word):
    market.script = [word] * 50
    with pytest.raises(DataError, match="AAPL: Yahoo has no prices for this ticker") as caught:
        load()
    assert caught.value.exit_code == 2
    assert kept() == []


def test_unknown_ticker(market):
    with pytest.raises(DataError, match="NOPE: Yahoo has no prices"):
        load(ticker="nope")
    assert len(market.requests) <= 2


def test_silence_ends_within_the_limit(market):
    market.script = ["silent"] * 50
    began = time.monotonic()
    with pytest.raises(KerasForecastError, match=r"AAPL: Yahoo must answer within 2 s\. Received: nothing\."):
        load(timeout=2)
    assert time.monotonic() - began < 4
    assert kept() == []


def test_no_request_outlives_the_deadline(market):
    market.script = ["silent"] * 5
    yahoo._deadline.set(yahoo.Deadline(1.0))
    session = yahoo._session()
    began = time.monotonic()
    for given in ({"timeout": 30}, {"timeout": (10, 30)}, {}):  # cookies and crumbs come with their own 30 s
        with pytest.raises(OSError):
            session.get(f"{market.url}/v8/finance/chart/AAPL", **given)
    assert time.monotonic() - began < 2


def test_no_network(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASFORECAST_CACHE", str(tmp_path))
    monkeypatch.setattr(yahoo, "FIRST_PAUSE", 0.01)
    redirect(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(KerasForecastError, match="AAPL: no connection to Yahoo"):
        load()


def test_interval_must_be_yahoos(market):
    with pytest.raises(OptionError, match="--interval must be one of 1m, 2m"):
        load(interval="7d")


def test_rows_of_nulls_are_dropped_and_counted(market):
    market.holidays = {"2024-02-19", "2024-05-27"}
    series = load()
    assert len(series) == 127
    assert any("2 rows without prices dropped" in note for note in series.notes)


def test_doubled_last_row(market):
    market.repeat_last = True
    series = load()
    assert series.index.is_unique
    assert str(series.index[-1].date()) == "2024-06-28"


def test_split_in_range_is_adjusted_already(market):
    market.split = ("2024-03-04", 2)
    assert not any("Split" in note for note in load().notes)


def test_bars_of_half_an_hour(market):
    series = load(interval="30m", start="2024-05-20")
    assert series.frequency == "30min"
    assert series.index[0] == pd.Timestamp("2024-05-20 09:30")
    assert future_index(series, 1)[0] == pd.Timestamp("2024-07-01 09:30")


def test_fresh_snapshot_asks_nothing(market):
    first = load()
    asked = len(market.requests)
    again = load()
    assert len(market.requests) == asked
    assert again.sha256 == first.sha256
    assert again.source == first.source
    assert len(load(start="2024-03-01")) < len(first)
    assert len(market.requests) == asked


def test_only_the_tail_is_asked_for(market):
    market.today = pd.Timestamp("2024-05-31")
    before = len(load())
    age(48)
    market.today = pd.Timestamp("2024-06-28")
    market.requests.clear()
    series = load()
    assert len(series) == before + 20
    assert len(market.requests) == 1
    assert pd.Timestamp(int(market.requests[0][1]["period1"][0]), unit="s") > pd.Timestamp("2024-05-10")
    fresh = load_fresh(market)
    assert series.sha256 == fresh.sha256


def load_fresh(market):
    snapshots.clear()
    return load()


def test_revised_history_is_fetched_anew_and_said(market, caplog):
    market.today = pd.Timestamp("2024-05-31")
    load()
    age(48)
    market.today, market.factor = pd.Timestamp("2024-06-28"), 0.99
    series = load()
    assert any("Yahoo revised the history of AAPL" in note for note in series.notes)
    assert series.sha256 == load_fresh(market).sha256


def test_earlier_start_fetches_more(market):
    load()
    assert str(load(start="2023-01-03").index[0].date()) == "2023-01-03"
    assert str(load(start=None).index[0].date()) == "2020-01-02"


def test_failed_download_falls_back_with_its_age(market, caplog):
    first = load()
    age(72)
    market.script = ["429"] * 50
    again = load()
    assert again.sha256 == first.sha256
    assert "Using the snapshot of" in caplog.text
    assert "3 days old" in caplog.text
    assert len(kept()) == 1


def test_offline(market):
    with pytest.raises(DataError, match=r"AAPL: no snapshot at interval 1d is kept\. Received: --offline\."):
        load(offline=True)
    first = load()
    age(10_000)
    market.requests.clear()
    assert load(offline=True).sha256 == first.sha256
    assert market.requests == []


def test_a_replaced_snapshot_can_be_had_by_its_hash(market):
    market.today = pd.Timestamp("2024-05-31")
    first = load()
    age(48)
    market.today, market.factor = pd.Timestamp("2024-06-28"), 0.9
    assert load().sha256 != first.sha256
    market.requests.clear()
    again = load(snapshot=first.source.sha256)
    assert again.sha256 == first.sha256
    assert load(snapshot=first.source.sha256[:10]).sha256 == first.sha256
    assert market.requests == []
    with pytest.raises(
        DataError, match=r"AAPL: no snapshot at interval 1d with this hash is kept\. Received: '0123456789'"
    ):
        load(snapshot="0123456789")


def test_damaged_snapshot_is_not_used(market, caplog):
    first = load()
    (path,) = kept()
    path.write_bytes(path.read_bytes()[:-40])
    market.requests.clear()
    assert load().sha256 == first.sha256
    assert len(market.requests) == 1
    assert "is damaged" in caplog.text


def test_changed_rows_do_not_match_the_hash(market, monkeypatch, caplog):
    monkeypatch.setattr(snapshots, "find_spec", lambda name: None)  # as without pyarrow
    load()
    (path,) = kept()
    assert path.suffix == ".csv"
    text = path.read_text()
    path.write_text(text.replace(",1000.0\n", ",1001.0\n", 1))
    assert snapshots.read("AAPL", "1d") is None
    assert "do not match its hash" in caplog.text


def test_csv_and_parquet_hold_the_same(market, monkeypatch):
    load()
    parquet = snapshots.read("AAPL", "1d")
    monkeypatch.setattr(snapshots, "find_spec", lambda name: None)
    csv = snapshots.save(parquet.frame, parquet.meta)
    assert csv.meta.sha256 == parquet.meta.sha256
    again = snapshots.read_file(csv.path)
    pd.testing.assert_frame_equal(again.frame, parquet.frame, check_freq=False, check_index_type=False)
    assert {path.suffix for path in kept()} == {".csv", ".parquet"}


def test_a_csv_gives_back_every_bit(market, monkeypatch):
    """Also of numbers that pandas' own fast reading of decimals was one bit off at, before it became exact."""
    load()
    meta = snapshots.read("AAPL", "1d").meta
    bits = np.random.default_rng(0).integers(0, 2**63, size=(2000, 4)).view(np.float64)
    hardest = np.where(np.isfinite(bits), bits, 0.1)
    hardest[:5, 0] = [5e-324, -0.0, np.nan, 1.7976931348623157e308, 0.1 + 0.2]
    index = pd.date_range("2000-01-03", periods=2000, tz="America/New_York")
    frame = pd.DataFrame(hardest, index=index, columns=["Open", "High", "Low", "Close"]).assign(Volume=1e3)
    monkeypatch.setattr(snapshots, "find_spec", lambda name: None)
    again = snapshots.read_file(snapshots.save(frame, meta).path)
    assert again.frame.to_numpy().tobytes() == frame.to_numpy().tobytes()
    assert list(again.frame.index) == list(index)


def test_unwritable_cache_still_gives_prices(market, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERASFORECAST_CACHE", str(tmp_path / "file"))
    assert len(load()) == 129
    assert "not kept" in caplog.text


NEW_YORK = "America/New_York"


def whole(bars, interval, fetched, ticker="AAPL", zone=NEW_YORK):
    """What is left of `bars` that were fetched at a time in UTC."""
    frame = pd.DataFrame({"Close": 1.0}, index=pd.DatetimeIndex(bars).tz_localize(zone))
    left = finished(frame, ticker, interval, pd.Timestamp(fetched, tz="UTC"))
    return [str(date.tz_localize(None)).removesuffix(" 00:00:00") for date in left.index]


@pytest.mark.parametrize(
    ("interval", "bars", "fetched", "left"),
    [
        ("1d", ["2024-06-27", "2024-06-28"], "2024-06-28 15:00", 1),  # New York closes at 20:00 UTC
        ("1d", ["2024-06-27", "2024-06-28"], "2024-06-28 21:00", 2),
        ("1d", ["2024-07-02", "2024-07-03"], "2024-07-03 17:30", 2),  # a half day is over at 17:00
        ("1wk", ["2024-07-01", "2024-07-08", "2024-07-15", "2024-07-18"], "2024-07-18 15:00", 2),  # twice: a week, now
        ("1wk", ["2024-07-01", "2024-07-08", "2024-07-15"], "2024-07-18 22:00", 2),
        ("1wk", ["2024-07-01", "2024-07-08", "2024-07-15"], "2024-07-19 21:00", 3),  # Friday's close ends the week
        ("1wk", ["2024-03-11", "2024-03-18", "2024-03-25"], "2024-03-28 21:00", 3),  # Thursday's, before Good Friday
        ("1mo", ["2024-05-01", "2024-06-01", "2024-06-28"], "2024-06-28 15:00", 1),
        ("1mo", ["2024-05-01", "2024-06-01"], "2024-06-28 21:00", 2),
        ("3mo", ["2024-01-01", "2024-04-01", "2024-06-28"], "2024-06-28 15:00", 1),
        ("1h", ["2024-06-28 13:30", "2024-06-28 14:30", "2024-06-28 15:30"], "2024-06-28 19:40", 2),
        ("1h", ["2024-06-28 14:30", "2024-06-28 15:30"], "2024-06-28 20:01", 2),  # half an hour, but all there is
        ("1h", ["2024-06-28 14:30", "2024-06-28 15:30", "2024-06-28 16:00"], "2024-06-28 21:00", 2),  # at the close
        ("15m", ["2024-06-28 15:30", "2024-06-28 15:45", "2024-06-28 16:00"], "2024-06-28 21:00", 2),
        ("1m", ["2024-06-28 11:00", "2024-06-28 11:01", "2024-06-28 11:01:37"], "2024-06-28 15:01:40", 1),
    ],
)
def test_bars_that_are_not_over_are_left_out(interval, bars, fetched, left):
    assert whole(bars, interval, fetched) == [str(pd.Timestamp(bar)).removesuffix(" 00:00:00") for bar in bars[:left]]


def test_markets_around_the_clock_end_their_bars_by_their_own_hours():
    sunday = ["2024-06-30 22:00", "2024-06-30 23:00"]  # the week has begun before the calendar's Monday
    assert len(whole(sunday, "1h", "2024-07-01 00:00", "EURUSD=X", "UTC")) == 2
    assert len(whole(sunday, "1h", "2024-06-30 23:30", "EURUSD=X", "UTC")) == 1
    days = ["2024-06-28", "2024-06-29"]
    assert len(whole(days, "1d", "2024-06-29 12:00", "BTC-USD", "UTC")) == 1
    assert len(whole(days, "1d", "2024-06-30 00:00", "BTC-USD", "UTC")) == 2


def test_what_had_not_ended_when_it_was_fetched_is_no_bar_later_either(market):
    load()
    kept = snapshots.read("AAPL", "1d")
    at = "2024-06-28T15:00:00+00:00"
    snapshots.save(kept.frame, dataclasses.replace(kept.meta, fetched=at))
    series = load(offline=True)
    assert str(series.index[-1].date()) == "2024-06-27"
    assert any("The last bar, 2024-06-28, was not over when fetched, and left out." in note for note in series.notes)
    assert str(future_index(series, 1)[0].date()) == "2024-06-28"

"""Several tickers in one panel: each through its own snapshot, and the very same rows again by one hash."""

from __future__ import annotations

import pandas as pd
import pytest

from kerasforecast.data.load import load_panel, load_series
from kerasforecast.data.yahoo import client as yahoo
from kerasforecast.data.yahoo import pins, snapshots
from kerasforecast.errors import DataError, OptionError
from kerasforecast.sections.data import DataConfig

from .test_data_yahoo import age
from .yahoo_server import redirect, serving


@pytest.fixture
def market(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASFORECAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(yahoo, "FIRST_PAUSE", 0.05)
    with serving() as server:
        server.tickers = {"AAPL", "MSFT", "PETR4.SA"}
        redirect(monkeypatch, server.url)
        yield server


def load(tickers, **options):
    return load_panel(DataConfig(**{"ticker": tickers, "start": "2024-01-02", "timeout": 10, **options}))


def test_tickers_of_one_market_share_its_calendar(market):
    panel = load("aapl, MSFT", past=("Volume",))
    assert (panel.key, panel.ids.tolist(), panel.name) == ("ticker", ["AAPL", "MSFT"], "aapl-msft")
    assert (panel.calendar, panel.frequency, panel.columns) == ("XNYS", None, ("Close", "Volume"))
    assert panel.source.location == "AAPL,MSFT"
    alone = load_series(DataConfig(ticker="MSFT", start="2024-01-02", past=("Volume",)))
    assert panel["MSFT"].values.tolist() == alone.values.tolist()
    assert panel["MSFT"].index.equals(alone.index)
    assert [note for note in panel.notes if "time" in note] == ["Time zone dropped; dates are local time."]
    assert "2 series of column ticker: AAPL, MSFT." in panel.notes


def test_tickers_of_several_markets_keep_the_step_alone(market):
    panel = load("AAPL,PETR4.SA")
    assert (panel.calendar, panel.frequency) == (None, "B")
    assert any(note.startswith("The tickers keep different calendars (XNYS, BVMF)") for note in panel.notes)
    assert load("AAPL,PETR4.SA", calendar="XNYS").calendar == "XNYS"


def test_the_same_rows_again_by_one_hash(market):
    market.today = pd.Timestamp("2024-05-31")
    first = load("AAPL,MSFT")
    assert load("AAPL,MSFT", offline=True).sha256 == first.sha256
    age(48)
    market.today, market.factor = pd.Timestamp("2024-06-28"), 0.99
    later = load("AAPL,MSFT")
    assert later.sha256 != first.sha256
    market.requests.clear()
    again = load("AAPL,MSFT", snapshot=first.source.sha256)
    assert (again.sha256, again.source.sha256, market.requests) == (first.sha256, first.source.sha256, [])
    assert load("AAPL,MSFT", snapshot=first.source.sha256[:8]).sha256 == first.sha256
    for tickers, digits in (("AAPL,PETR4.SA", first.source.sha256), ("AAPL,MSFT", "0" * 64)):
        with pytest.raises(DataError, match="no snapshots of these tickers at interval 1d are kept together"):
            load(tickers, snapshot=digits)
    (pins.folder() / f"{first.source.sha256[:16]}.json").write_text("{")
    with pytest.raises(DataError, match="are kept together"):
        load("AAPL,MSFT", snapshot=first.source.sha256)
    assert len(list(snapshots.every())) == 2
    snapshots.clear()
    assert not list(pins.folder().glob("*"))


def test_tickers_that_cannot_be_had_are_refused(market):
    with pytest.raises(DataError, match="NOPE: Yahoo has no prices for this ticker"):
        load("AAPL,NOPE")
    with pytest.raises(OptionError, match=r"--ticker must name each symbol once\. Received: 'AAPL,aapl'"):
        load("AAPL,aapl")
    with pytest.raises(OptionError, match="--ticker must be a symbol"):
        load("AAPL,,MSFT")

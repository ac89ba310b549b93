"""`kerasforecast data`: what it prints, as JSON and for people, and how it fails."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from kerasforecast.data.yahoo import client as yahoo
from kerasforecast.data.yahoo import downloads
from kerasforecast.runtime.files import cache_folder

try:
    from kerasforecast_cli.data import data
    from kerasforecast_cli.main import Commands
except ImportError:  # run from the checkout, not installed
    from cli.data import data
    from cli.main import Commands

from .yahoo_server import redirect, serving

AAPL = str(Path(__file__).parents[1] / "data" / "aapl.csv.gz")
cli = Commands("kerasforecast", {"data": data})


def run(*words):
    return CliRunner().invoke(cli, ["data", *words])


@pytest.fixture
def market(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASFORECAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(yahoo, "FIRST_PAUSE", 0.05)
    with serving() as server:
        server.tickers = {"AAPL", "MSFT"}
        redirect(monkeypatch, server.url)
        yield server


def test_check_json():
    result = run("check", AAPL, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["rows"] == 3270
    assert (found["start"], found["end"]) == ("2000-03-01", "2013-03-01")
    assert (found["frequency"], found["calendar"]) == ("B", "XNYS")
    assert (found["missing"], found["duplicates"], found["gap_rows"]) == (0, 0, 0)
    assert found["splits"] == [{"date": "2000-06-21", "ratio": 2.0}, {"date": "2005-02-28", "ratio": 2.0}]


def test_check_for_people():
    result = run("check", AAPL)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "aapl: 3,270 rows of Close, 2000-03-01 to 2013-03-01"
    assert "  splits      2000-06-21 (2 for 1), 2005-02-28 (2 for 1)" in lines
    assert sum("█" in line or "#" in line for line in lines) >= 3  # the chart
    assert len(run("check", AAPL, "--quiet").stdout.splitlines()) == len(lines) - 5


def test_check_without_a_file_takes_the_sample():
    assert json.loads(run("check", "--json").stdout)["name"] == "ibm"


def test_check_refuses_in_one_line(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("Date,Close\n2020-01-02,1\n2020-01-03,x\n")
    result = run("check", str(path), "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {path}: row 3, column Close: expected a number. Received: 'x'.")
    assert result.stderr.count("\n") == 1


def test_check_draws_nothing_the_terminal_would_obey(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Date,\x1b[2Jprice\n2020-01-02,1\n2020-01-03,2\n")
    result = run("check", str(path))
    assert "\x1b" not in result.stdout + result.stderr


def test_fetch_show_list_clear(market):
    fetched = json.loads(run("fetch", "aapl", "MSFT", "--start", "2024-01-02", "--json").stdout)
    assert [row["ticker"] for row in fetched["fetched"]] == ["AAPL", "MSFT"]
    assert fetched["fetched"][0]["rows"] == 129
    assert fetched["failed"] == []
    listed = json.loads(run("list", "--json").stdout)
    assert [row["ticker"] for row in listed["snapshots"]] == ["AAPL", "MSFT"]
    assert listed["snapshots"][0]["sha256"] == fetched["fetched"][0]["sha256"]
    shown = run("show", "AAPL", "--quiet").stdout.splitlines()
    assert shown[0] == "Date,Open,High,Low,Close,Volume"
    assert shown[1].startswith("2024-01-02,")
    assert len(shown) == 130
    assert json.loads(run("show", "aapl", "--json").stdout)["ticker"] == "AAPL"
    assert len(json.loads(run("clear", "AAPL", "--json").stdout)["removed"]) == 2  # and the copy under its hash
    assert [row["ticker"] for row in json.loads(run("list", "--json").stdout)["snapshots"]] == ["MSFT"]
    assert run("clear", "--all").exit_code == 0
    assert run("list").stdout == ""
    assert run("clear").exit_code == 2
    assert run("show", "AAPL").exit_code == 2


def test_one_ticker_that_fails_does_not_stop_the_others(market):
    result = run("fetch", "NOPE", "AAPL", "--start", "2024-01-02", "--json")
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert [row["ticker"] for row in found["fetched"]] == ["AAPL"]
    assert found["failed"][0]["error"].startswith("NOPE: Yahoo has no prices for this ticker")
    assert "error: NOPE: Yahoo has no prices" in result.stderr
    assert "Traceback" not in result.stderr


def test_tickers_are_fetched_at_once(market):
    market.tickers = {"A", "B", "C", "D"}
    market.together = threading.Barrier(4)  # the server answers none before all four have asked
    result = run("fetch", "D", "B", "A", "C", "b", "--start", "2024-01-02", "--json")
    assert result.exit_code == 0, result.stderr
    assert [row["ticker"] for row in json.loads(result.stdout)["fetched"]] == ["D", "B", "A", "C"]
    assert len(market.requests) == 4
    assert "(4 of 4)" in result.stderr.splitlines()[-1]


def test_silence_is_waited_for_once_and_not_by_every_ticker(market, monkeypatch):
    monkeypatch.setattr(downloads, "SIGN_OF_LIFE", 0.2)
    market.script = ["silent"] * 50
    names = [f"T{number}" for number in range(downloads.AT_ONCE + 3)]
    began = time.monotonic()
    result = run("fetch", *names, "--timeout", "1.5")
    assert time.monotonic() - began < 4
    assert (result.exit_code, result.stdout) == (1, "")
    assert "T0, T1, T2, T3 and 3 more: waiting for Yahoo" in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1].strip() for line in errors] == names
    assert sum("must answer within 1.5 s" in line for line in errors) == downloads.AT_ONCE
    assert sum("not asked, since Yahoo answered none" in line for line in errors) == 3


def test_settings_of_yfinance_are_put_back(market):
    import yfinance

    yfinance.config.debug.hide_exceptions = True
    before = list(warnings.filters)
    assert run("fetch", "AAPL", "MSFT", "NOPE").exit_code == 2
    assert yfinance.config.debug.hide_exceptions is True
    assert not logging.getLogger("yfinance").disabled
    assert warnings.filters == before


PROGRAM = """
import sys
from tests.core.test_data_commands import cli, redirect
from kerasforecast.runtime.signals import end_on_signals
class Patch:
    setattr = staticmethod(setattr)
end_on_signals()
redirect(Patch, sys.argv[1])
cli(sys.argv[2:], prog_name="kerasforecast")
"""


def program(market, *words):
    """The command in a process of its own, with yfinance pointed at the loopback server."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, market.url, "data", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_a_download_says_nothing_but_its_result(market):
    process = program(market, "fetch", "AAPL", "--start", "2024-01-02")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("AAPL       1d        129 rows  2024-01-02 to 2024-06-28")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_signal_ends_a_silent_download(market):
    market.script = ["silent"] * 50
    process = program(market, "fetch", "AAPL", "MSFT", "--timeout", "600")
    while not market.requests:  # curl is now waiting
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert err.splitlines()[-1] == "error: Stopped; nothing was left half-written."


@pytest.mark.parametrize("ticker", ["", "A B", "../x", "AAPL\n", "x" * 50])
def test_what_can_be_no_ticker_is_not_asked_for(market, ticker):
    for words in (("fetch", "AAPL", f"{ticker}/"), ("check", "--ticker", f"{ticker}/")):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: --ticker must be a symbol of Yahoo Finance")
    assert market.requests == []


@pytest.mark.parametrize(
    ("word", "code"),
    [("404", 2), ("empty", 2), ("429", 1), ("500", 1), ("html", 1), ("drop", 1), ("cut", 1), ("silent", 1)],
)
def test_every_bad_answer_is_one_line_and_leaves_nothing(market, word, code):
    market.script = [word] * 50
    began = time.monotonic()
    result = run("check", "--ticker", "AAPL", "--timeout", "1.5", "--json")
    assert time.monotonic() - began < 4
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.splitlines()[-1].startswith("error: AAPL: ")
    assert "Traceback" not in result.stderr
    assert json.loads(run("list", "--json").stdout)["snapshots"] == []


def test_check_of_a_ticker(market):
    found = json.loads(run("check", "--ticker", "AAPL", "--start", "2024-01-02", "--json").stdout)
    assert (found["rows"], found["calendar"]) == (129, "XNYS")


def test_two_processes_never_corrupt_a_snapshot(tmp_path):
    code = f"""
import os, sys
os.environ["KERASFORECAST_CACHE"] = {str(tmp_path)!r}
import numpy as np, pandas as pd
from kerasforecast.data.yahoo import snapshots
from kerasforecast.data.yahoo.snapshots import Meta
index = pd.bdate_range("2000-01-03", periods=3000, tz="America/New_York")
for step in range(25):
    number = float(sys.argv[1]) + step
    frame = pd.DataFrame({{"Close": np.full(3000, number), "Volume": 1.0}}, index=index)
    snapshots.save(frame, Meta("AAPL", "1d", None, None, "2024-01-01T00:00:00+00:00", "test", "America/New_York"))
    kept = snapshots.read("AAPL", "1d")
    assert kept is not None and kept.frame["Close"].nunique() == 1
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(base)], stderr=subprocess.PIPE) for base in (0, 1000)]
    for writer in writers:
        assert writer.wait(120) == 0, writer.stderr.read().decode()[-500:]
    assert not list((tmp_path / "yahoo").glob("*.tmp"))
    assert len(list((tmp_path / "yahoo").iterdir())) == 1 + 2 * 25  # the newest, and each under its hash


def test_help_loads_neither_pandas_nor_keras():
    package = data.callback.__module__
    heavy = ("pandas", "keras", "numpy", "yfinance")
    code = f"import sys, {package}; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASFORECAST_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("KERASFORECAST_CACHE")
    assert cache_folder().name == "kerasforecast"


def test_examples_of_help_are_real():
    for name, command in data.commands.items():
        assert f"Example: kerasforecast data {name}" in (command.epilog or "")


def test_the_horizon_that_a_season_suggests_fits_into_the_parts(tmp_path):
    weeks = pd.date_range("2019-01-07", periods=260, freq="W-MON")
    values = 100 + 20 * np.sin(2 * np.pi * np.arange(260) / 52)
    table = pd.DataFrame({"Date": weeks, "y": values + np.random.default_rng(0).normal(size=260)})
    table.to_csv(tmp_path / "one.csv", index=False)
    assert "52 rows; fit it with --model auto --horizon 39\n" in run("check", str(tmp_path / "one.csv")).stdout
    several = pd.concat([table.assign(shop="a"), table.assign(shop="b")])  # cut wherever a horizon fits
    several.to_csv(tmp_path / "two.csv", index=False)
    words = run("check", str(tmp_path / "two.csv"), "--id", "shop").stdout
    assert "52 rows; fit it with --model auto --horizon 52\n" in words

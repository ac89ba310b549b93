"""Fit, predict and evaluate on a ticker: the real commands and the real yfinance, against a loopback Yahoo."""

import json

import keras  # noqa: F401  first, as a notebook would: TensorFlow must not spoil the download's curl
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from tests.backend.conftest import SMALL
from tests.core.yahoo_server import redirect, serving

FLAGS = [part for name, value in SMALL.items() for part in (f"--{name.replace('_', '-')}", str(value))]
TICKER = ("--ticker", "AAPL", "--start", "2022-01-03", "--end", "2024-06-20")


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def market(monkeypatch, tmp_path):
    with serving() as server:
        redirect(monkeypatch, server.url)
        monkeypatch.setenv("KERASFORECAST_CACHE", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        yield server


def test_a_ticker_is_fitted_and_forecast_from_the_kept_snapshot(market):
    fitted = run("fit", *TICKER, *FLAGS, "--json")
    assert fitted.exit_code == 0, fitted.stderr
    assert json.loads(fitted.stdout)["files"]["model"] == "saved_models/aapl.keras"
    asked = len(market.requests)
    assert asked >= 1

    record = kf.load("saved_models/aapl.keras").manifest.data
    assert (record.source, record.location) == ("yahoo", "AAPL")
    assert len(record.snapshot) == 64
    assert record.retrieved.startswith("20")

    ahead = run("predict", "saved_models/aapl.keras", "--steps", 2, "--json")
    assert ahead.exit_code == 0, ahead.stderr
    # New York was open on Friday 21 June 2024 and the Monday after.
    assert [row["date"] for row in json.loads(ahead.stdout)["forecasts"]] == ["2024-06-21", "2024-06-24"]
    assert len(market.requests) == asked  # the snapshot is fresh

    again = run("fit", *TICKER, *FLAGS, "--offline", "--name", "again", "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["test"] == json.loads(fitted.stdout)["test"]
    assert len(market.requests) == asked


def test_an_unknown_ticker_is_one_line_and_leaves_nothing(market, tmp_path):
    result = run("fit", "--ticker", "NOSUCH", *FLAGS)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "NOSUCH" in result.stderr
    assert list(tmp_path.rglob("*.keras")) == []


def test_no_answer_ends_within_the_announced_limit(market):
    market.script = ["silent"] * 20
    result = run("fit", *TICKER, *FLAGS, "--timeout", 2)
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.rstrip().splitlines()[-1].startswith("error: ")

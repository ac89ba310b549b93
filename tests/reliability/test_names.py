"""Names from users, tickers and file names cannot leave the folder they are for, nor be anything but a file's name."""

import os

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

from kerasforecast.data.yahoo import snapshots
from kerasforecast.runtime.backend import installed
from kerasforecast.runtime.names import name_from, safe_name

needs_backend = pytest.mark.skipif(not installed(), reason="a fit needs one")

NAMES = [
    "../../x",
    "..",
    ".",
    "",
    "/etc/cron.d/x",
    "//server/share",
    "\\\\server\\share\\x",
    "C:\\Windows\\x",
    "C:x",
    "a/b",
    "a\\b",
    "a/../../b",
    "....//x",
    "%2e%2e%2fx",
    "..%c0%afx",
    "x\x00.keras",
    "\x00",
    "x\ny",
    "x\r\ny",
    "\x1b[2Jx",
    "\x1b]0;owned\x07",
    "\u202egpj.x",
    "\u2066x\u2069",
    "\u200bx",
    "\ufeffx",
    "．．／x",
    "∕etc∕x",
    "con",
    "NUL.txt",
    "com1",
    "LPT9",
    "aux.keras",
    "x" * 300,
    "é" * 300,
    "-" * 300,
    ".hidden",
    "x.",
    "x ",
    "~root",
    "$(touch x)",
    "`touch x`",
    "x;touch y",
    "x|y",
    "x:stream",
    "<script>alert(1)</script>",
    "'; drop table x; --",
    "*",
    "?",
    "\udcff",
    "\U0001f4a9",
]


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@needs_backend
def test_no_hostile_name_of_a_model_is_taken(tmp_path):
    """Long form and short are the same: refusing a name costs milliseconds."""
    assert len(NAMES) >= 40
    for name in NAMES:
        result = CliRunner().invoke(cli, ["fit", "--output-dir", str(tmp_path / "models"), f"--name={name}"])
        assert result.exit_code == 2, (name, result.output)
        assert result.stderr.startswith("error: --name must be"), (name, result.stderr)
        assert result.stderr.removesuffix("\n").isprintable(), (name, result.stderr)
        assert len(result.stderr) < 300, name
        assert tree(tmp_path) == [], name


def test_a_name_made_of_a_hostile_text_is_a_safe_one(tmp_path):
    for text in NAMES:
        name = safe_name(name_from(text))
        (tmp_path / f"{name}.keras").write_bytes(b"")
    assert all(os.sep not in name and name.isprintable() for name in tree(tmp_path))


def test_a_snapshot_of_a_hostile_ticker_stays_in_the_cache(tmp_path, monkeypatch):
    cache = tmp_path / "outer" / "cache"
    monkeypatch.setenv("KERASFORECAST_CACHE", str(cache))
    index = pd.date_range("2020-01-01", periods=3, tz="America/New_York")
    frame = pd.DataFrame(np.ones((3, 1)), index=index, columns=["Close"])
    for name in NAMES:
        if not name.isprintable() and "\udcff" in name:
            continue  # half a character cannot be kept as JSON, nor typed
        meta = snapshots.Meta(name, "1d", None, None, "2020-01-04T00:00:00+00:00", "test", "America/New_York")
        kept = snapshots.save(frame, meta)
        assert kept.path.parent == cache / "yahoo"
        assert snapshots.read(name, "1d") is not None, name
        assert snapshots.read("AAPL", "1d") is None
    assert {path.split(os.sep)[0] for path in tree(tmp_path)} == {"outer"}
    assert tree(tmp_path / "outer")[0] == "cache"
    assert all(path.startswith("cache") for path in tree(tmp_path / "outer"))


@needs_backend
@pytest.mark.parametrize("stem", ["..x", "\u202efdp", "con", "$(touch owned)", "é" * 100])
def test_a_table_with_a_hostile_name_gives_a_model_inside_the_folder(stem, tmp_path, soak):
    if not soak and stem != "..x":
        pytest.skip("each is a fit; one for the short form")
    walk = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(0).normal(size=120)))
    table = pd.DataFrame({"Close": walk}, index=pd.bdate_range("2020-01-01", periods=120, name="Date"))
    (tmp_path / "data").mkdir()
    table.to_csv(tmp_path / "data" / f"{stem}.csv")
    arguments = ["fit", str(tmp_path / "data" / f"{stem}.csv"), "--output-dir", str(tmp_path / "models")]
    flags = ["--window", "8", "--units", "4", "--epochs", "1", "--quiet"]
    result = CliRunner().invoke(cli, [*arguments, *flags])
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(tmp_path)) == ["data", "models"]
    made = [name for name in os.listdir(tmp_path / "models") if name.endswith(".keras")]
    assert len(made) == 1
    assert made[0].isprintable()

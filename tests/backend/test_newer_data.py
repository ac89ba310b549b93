"""Newer data is read as the training data was: the same series, columns in another case, `~` in paths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import kerasforecast as kf
from kerasforecast.errors import DataError, InputError, OptionError

try:
    from kerasforecast_cli.main import cli
except ImportError:  # run from the checkout, not installed
    from cli.main import cli

SMALL = {"window": 4, "units": 2, "layers": 1, "epochs": 1, "progress": False}
DAYS = pd.bdate_range("2023-01-02", periods=80)
PRICES = {
    shop: pd.DataFrame({"Date": DAYS, "Close": 50 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 80)))})
    for seed, shop in enumerate(("north", "south"))
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with a long table in it, and a model of one of its series."""
    folder = tmp_path_factory.mktemp("home")
    long = pd.concat([frame.assign(Shop=shop) for shop, frame in PRICES.items()])
    long.to_csv(folder / "all.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("USERPROFILE", str(folder))
        kf.fit("~/all.csv", id="shop", series="south", output_dir="~/models", **SMALL)
        yield folder


def test_a_tilde_is_the_home_folder_everywhere(home):
    assert (home / "models" / "all-south.keras").is_file()
    model = kf.load("~/models/all-south.keras")
    assert len(model.forecast(2)) == 2  # the training data, whose path has a tilde too
    assert model.save("~/copy.keras") == home / "copy.keras"
    assert model.report("~/report.html") == home / "report.html"
    words = ["predict", "~/models/all-south.keras", "~/all.csv", "--output=~/ahead.csv", "--quiet"]
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert (home / "ahead.csv").is_file()
    with pytest.raises(InputError, match="must be a path"):
        kf.load("~nobody-of-this-name/model.keras")


def test_the_series_is_remembered(home):
    model = kf.load("~/models/all-south.keras")
    south = model.forecast(1, PRICES["south"])
    pd.testing.assert_frame_equal(model.forecast(1, "~/all.csv"), south)
    pd.testing.assert_frame_equal(model.forecast(1), south)
    other = model.forecast(1, "~/all.csv", series="north")
    pd.testing.assert_frame_equal(other, model.forecast(1, PRICES["north"]))
    alone = model.panel_from(PRICES["south"])
    assert "No column shop: all rows are taken as series south." in alone.notes
    with pytest.raises(DataError, match="id= must name a column"):
        model.forecast(1, PRICES["south"], id="branch")
    with pytest.raises(DataError, match="series= must name a series of column Shop"):
        model.forecast(1, "~/all.csv", series="east")
    record = model.manifest.config.data
    assert (record.id, record.series) == ("shop", "south")


def test_columns_in_another_case(home):
    model = kf.load("~/models/all-south.keras")
    renamed = PRICES["south"].rename(columns={"Close": "CLOSE", "Date": "date"})
    pd.testing.assert_frame_equal(model.forecast(1, renamed), model.forecast(1, PRICES["south"]))
    values = PRICES["south"].set_index("Date")
    series = kf.Series(values.to_numpy(), pd.DatetimeIndex(values.index), ("close",), "B")
    np.testing.assert_array_equal(model.forecast(1, series), model.forecast(1, PRICES["south"]))
    found = kf.compare([model], renamed, window=4, progress=False)
    assert model.manifest.name in found.verdicts
    with pytest.raises(DataError, match="the model needs the columns Close"):
        model.forecast(1, kf.Series(values.to_numpy(), pd.RangeIndex(80), ("open",)))


def test_arrays_and_dicts(home):
    rows = PRICES["north"]["Close"].to_numpy()
    model = kf.fit(list(rows), **SMALL)
    assert model.forecast(1, rows).index.tolist() == [80]
    pd.testing.assert_frame_equal(model.forecast(1, {"value": rows}), model.forecast(1, rows))
    later = model.forecast(1, pd.Series(rows, index=range(100, 180)))
    assert later.index.tolist() == [180]


@pytest.mark.parametrize("command", ["fit", "backtest", "compare"])
def test_every_command_takes_the_remedy(home, command):
    numbered = pd.concat([frame.assign(Shop=number) for number, frame in enumerate(PRICES.values())])
    numbered.to_csv(home / "numbered.csv", index=False)
    words = ["gru", "--file", "~/numbered.csv"] if command == "compare" else ["~/numbered.csv"]
    refused = CliRunner().invoke(cli, [command, *words])
    assert refused.exit_code == 2
    assert "2 series in column Shop: 0, 1. Use --id Shop to take all of them, or --id Shop --series 0" in refused.stderr


def test_what_has_no_effect_is_refused(home):
    with pytest.raises(OptionError, match="id= has no effect with ticker=, which is one series"):
        kf.fit(ticker="IBM", id="Shop", **SMALL)

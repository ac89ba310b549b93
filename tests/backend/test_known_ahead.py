"""A load that follows the hour, the weekday and a temperature known ahead is forecast to its noise, a day at a time."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.load import load_panel
from kerasforecast.forecasting.suited import settled
from kerasforecast.preprocessing.split import split_panel

NOISE, ROWS, HORIZON = 20.0, 24 * 140, 24
ASKED = {"target": "load", "known": ["temperature"], "calendar_features": ["auto"], "horizon": HORIZON}


@pytest.fixture(scope="module")
def load():
    """The table, and the load less its noise."""
    random = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h", name="date")
    weather, shocks = np.zeros(ROWS), random.normal(size=ROWS)
    for row in range(1, ROWS):
        weather[row] = 0.97 * weather[row - 1] + 0.7 * shocks[row]
    angle = 2 * np.pi * hours.hour.to_numpy() / 24
    temperature = 12 - 4 * np.cos(angle - 0.8) + weather
    week = 2 * np.pi * (hours.day_of_week.to_numpy() + hours.hour.to_numpy() / 24) / 7
    clean = 1000 + 120 * np.sin(angle - 2) + 60 * np.cos(week) + 15 * (temperature - 12)
    table = pd.DataFrame({"load": clean + NOISE * random.normal(size=ROWS), "temperature": temperature}, index=hours)
    return table, pd.Series(clean, hours)


def test_each_of_24_steps_is_forecast_to_within_15_percent_of_the_noise(load):
    table, clean = load
    small = {"window": 24, "units": 16, "layers": 1, "epochs": 12, "learning_rate": 0.01}
    model = kf.fit(table, **ASKED, **small, final="none", progress=False)
    assert model.config.network.scaling == "standard"  # each window's own units would blur what a degree does
    found = model.test.table
    noise = found["actual"].to_numpy() - clean[found["date"]].to_numpy()
    error = found["actual"] - found["forecast"]
    each = pd.DataFrame({"step": found["step"], "error": error**2, "noise": noise**2}).groupby("step").mean() ** 0.5
    assert len(each) == HORIZON
    assert (each["error"] / each["noise"]).max() < 1.15
    # So it is only where the network sees each hour's own temperature: 15 a degree, of 4 degrees and more.
    assert {row.name for row in model.test.importance.covariates if row.p_value < 0.001} >= {"temperature", "hour"}


def chosen(table, **options):
    """The scaling of a linear map on the first 700 rows of `table`, and what is said of it."""
    config = Config.from_options(**{"model": "linear", "window": 12} | ASKED | {"horizon": 3} | options)
    panel = load_panel(config.data, table)
    network, said = settled(config.network, panel, split_panel(panel, config.split, config.network))
    return network.scaling, said


def test_units_are_kept_only_where_values_mean_the_same_in_every_window(load):
    table = load[0][:700]
    assert chosen(table)[0] == "standard"
    growing = table.assign(load=table["load"] + 3 * np.arange(700))
    assert chosen(growing)[0] != "standard"
    other = table.assign(load=table["load"] * 9, shop="b")
    several = pd.concat([table.assign(shop="a"), other])
    assert chosen(several, id="shop")[0] != "standard"


def test_the_choice_is_told_and_made_without_the_test_part(load):
    table = load[0][:700]
    kind, said = chosen(table)
    assert said.startswith("Scaling standard: a ridge regression misses validation by ")
    assert said.endswith(", which is linear's own.")
    later = table.assign(load=np.where(np.arange(700) < 600, table["load"], 5 * table["load"]))
    assert chosen(later) == (kind, said)


def test_a_scaling_that_is_named_stays_and_so_does_one_without_columns_known_ahead(load):
    table = load[0][:700]
    assert chosen(table, scaling="level") == ("level", None)
    assert chosen(table, centre="mean") == ("level", None)
    assert chosen(table, known=[]) == ("level", None)
    assert chosen(table, known=[], scaling="auto")[1] is not None

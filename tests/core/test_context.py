"""The window that is taken where none is given."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.context import with_window


def panel_of(rows, periods=(), step="h", seed=0):
    times = np.arange(rows)
    values = np.random.default_rng(seed).normal(size=rows).cumsum() * (0.0 if periods else 1.0) + 500.0
    for period in periods:
        values += 10 * period**0.5 * np.random.default_rng(period).normal(size=period)[times % period]
    values += 0.5 * np.random.default_rng(seed + 1).normal(size=rows)
    index = pd.date_range("2020-01-06", periods=rows, freq=step)
    return Panel.of(kf.Series(values[:, None], index, ("load",), step))


def chosen(panel, **options):
    config, said = with_window(Config.from_options(**{"model": "linear"} | options), panel)
    return config.network.window, said


@pytest.mark.parametrize(
    ("panel", "options", "window", "reason"),
    [
        (panel_of(3_000, (24, 168)), {"horizon": 24}, 336, "two seasons of 168"),
        (panel_of(3_000, (24,)), {"horizon": 24}, 336, "two seasons of 168"),  # a week is usual for hours
        (panel_of(3_000, (7,), "D"), {"horizon": 4}, 14, "two seasons of 7"),  # a year of days is not
        (panel_of(1_300, (24, 168)), {"horizon": 12}, 299, "a third of the 910 training rows"),  # one week fits
        (panel_of(700, (24,)), {"horizon": 20}, 60, "three times the horizon of 20"),
        (panel_of(3_000, (24, 168)), {"horizon": 24, "period": 24}, 72, "three times the horizon of 24"),
        (panel_of(3_000), {"horizon": 30}, 90, "three times the horizon of 30"),
    ],
)
def test_two_seasons_or_three_horizons_are_seen_and_said(panel, options, window, reason):
    assert chosen(panel, **options) == (window, f"Windows of {window} rows, {reason}; --window sets another.")


def test_what_is_given_stays_and_so_does_a_recurrent_network():
    panel = panel_of(3_000, (24, 168))
    assert chosen(panel, horizon=24, window=30) == (30, None)
    assert chosen(panel, horizon=24, window=60) == (60, None)  # the default, but asked for
    assert chosen(panel, horizon=24, model="gru") == (60, None)
    assert chosen(panel_of(3_000)) == (60, None)  # no season, short horizon


def test_a_short_series_has_a_third_of_its_training_rows():
    config, said = with_window(Config.from_options(model="nhits", horizon=8), panel_of(80, (4,), "QS"))
    assert config.network.window == (56 - 8) // 3
    assert said == "Windows of 16 rows, a third of the 56 training rows; --window sets another."

"""Counts with zeros: no point, quantile or path lies below them, in the package and in its files."""

import keras
import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.errors import OptionError

ROWS = 400
SMALL = {"window": 14, "horizon": 7, "scaling": "level", "epochs": 1, "final": "none", "progress": False}


def counts():
    """Sales of a shop that is closed at weekends, and sells little otherwise."""
    mean = np.where(np.arange(ROWS) % 7 < 5, 2.0, 0.0)
    index = pd.date_range("2020-01-06", periods=ROWS, name="Date")
    return pd.DataFrame({"Sold": np.random.default_rng(0).poisson(mean).astype(float)}, index=index)


def least(model):
    """The least number of forecasts after the rows, and of those of the test part."""
    ahead, test = model.forecast(14, counts()), model.evaluate(counts()).table.filter(regex="forecast|^q")
    return min(ahead.to_numpy().min(), test.to_numpy().min())


@pytest.fixture(scope="module")
def bounded():
    return kf.fit(counts(), model="linear", **SMALL)


def test_no_forecast_of_counts_lies_below_zero(bounded):
    assert least(bounded) == 0
    assert least(kf.fit(counts(), model="linear", lower_bound="none", **SMALL)) < 0
    assert least(kf.fit(counts(), model="linear", quantiles=(0.1, 0.9), **SMALL)) == 0


def test_plain_keras_and_the_loader_keep_to_it(bounded, tmp_path):
    path = bounded.save(tmp_path / "counts.keras")
    windows = np.stack([counts().to_numpy()[start : start + 14] for start in range(0, 350, 7)]).astype(np.float32)
    plain = keras.models.load_model(path).predict(windows, verbose=0)
    assert plain.min() == 0
    np.testing.assert_allclose(plain, kf.load(path).predict(windows), atol=1e-6)


def test_paths_keep_to_it():
    model = kf.fit(counts(), model="diffusion", paths=10, units=8, blocks=1, noise_steps=100, **SMALL)
    windows = counts().to_numpy()[None, -14:]
    assert model.sample(windows, paths=16, seed=1).min() == 0


def test_one_asked_for_holds_where_nothing_is_zero():
    rows = counts() + 1
    model = kf.fit(rows, model="linear", lower_bound=0.5, **SMALL)
    assert model.forecast(14, rows).to_numpy().min() >= 0.5
    with pytest.raises(OptionError, match=r"lower_bound= must not lie above.*Received: 2, where the least.*is 1\."):
        kf.fit(rows, model="linear", lower_bound=2, **SMALL)

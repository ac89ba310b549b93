"""The committed model: files written today must open in every later release, and mean the same."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf

FORECASTS = [202.97334, 203.04573, 203.11946]
GOLDEN = Path(__file__).parents[2] / "saved_models" / "golden.keras"


@pytest.fixture(scope="module")
def model():
    return kf.load(GOLDEN)


def test_golden_batch_is_met(model):
    assert model.golden_error() < 1e-5


def test_forecasts_are_the_ones_it_was_committed_with(model):
    forecasts = model.forecast(3)
    assert list(forecasts.index) == list(pd.to_datetime(["2013-03-04", "2013-03-05", "2013-03-06"]))
    np.testing.assert_allclose(forecasts["forecast"], FORECASTS, rtol=1e-6)


def test_its_scores_can_be_had_again(model):
    record = model.manifest.metrics.test
    series = model.panel_from()
    assert series.sha256 == model.manifest.data.sha256
    table = model.evaluate(series).table.tail(record.n)
    rmse = np.sqrt(((table["forecast"].astype(float) - table["actual"]) ** 2).mean())
    assert rmse == pytest.approx(record.model.rmse, rel=1e-5)


def test_plain_keras_opens_it(model):
    windows = np.array(model.manifest.golden.past, np.float32)
    forecast = keras.models.load_model(GOLDEN).predict(windows, verbose=0)
    np.testing.assert_allclose(forecast, model.manifest.golden.forecast, rtol=1e-6)

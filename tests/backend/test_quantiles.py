"""Quantile heads, intervals and dropout passes: in order, reproducible, portable, and blind to the test part."""

import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.errors import InputError
from tests.backend.conftest import SMALL, prices

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


@pytest.fixture(scope="module")
def model():
    """Two steps at once and three scored, so that the last one is rolled."""
    return kf.fit(prices(), horizon=2, steps=3, quantiles=LEVELS, **SMALL)


def strange_windows(seed=0):
    """Windows unlike any in training: calm, wild, and a thousand times as high."""
    generator = np.random.default_rng(seed)
    spread = 10.0 ** generator.uniform(-5, 0, size=(64, 1))
    return (1e5 * np.exp(np.cumsum(spread * generator.normal(size=(64, 8)), axis=1)))[:, :, None].astype(np.float32)


def test_no_window_makes_quantiles_cross(model):
    outputs = model.predictor.outputs(strange_windows())
    assert outputs.shape == (64, 2, 5)
    assert np.all(np.diff(outputs, axis=-1) >= 0)
    assert np.all(np.diff(model.predict_quantiles(strange_windows(), 4), axis=-1) >= 0)


def test_the_forecast_is_the_median(model):
    windows = strange_windows()
    assert np.array_equal(model.predict(windows), model.predictor.outputs(windows)[:, :, 2])
    intervals = model.predict_quantiles(windows)
    assert np.array_equal(intervals[:, :, 2].astype(np.float32), model.predict(windows))


def test_training_starts_at_the_quantiles_of_the_scaled_targets():
    """The head begins as filtered historical simulation: one learning rate of nothing leaves it there."""
    model = kf.fit(prices(), quantiles=LEVELS, **SMALL | {"learning_rate": 1e-9, "epochs": 1})
    series, scaling = model.series, model.manifest.members[0].scaling
    views = np.lib.stride_tricks.sliding_window_view(series.values[:210, 0], 9)
    targets = scaling.scaled_targets(views[:, :8, None], views[:, 8:])[:, 0]
    outputs = model.predictor.outputs(series.values[100:108][None])
    expected = scaling.restore(series.values[100:108][None], np.quantile(targets, LEVELS)[None, None])
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)


def test_file_opens_in_plain_keras_and_keeps_the_intervals(model, tmp_path):
    path = model.save(tmp_path / "intervals.keras")
    windows = strange_windows()
    np.testing.assert_allclose(
        keras.models.load_model(path).predict(windows, verbose=0), model.predictor.outputs(windows), rtol=1e-5
    )
    loaded = kf.load(path)
    assert loaded.manifest == model.manifest
    assert np.array_equal(loaded.predict_quantiles(windows, 3), model.predict_quantiles(windows, 3))
    assert loaded.evaluate(model.series).scores["model"]["crps"] > 0


def test_scores_of_the_table_are_those_of_metrics(model):
    table = model.test.table
    steps = [table[table["step"] == step] for step in (1, 2, 3)]
    for step, found in zip(steps, model.test.scores["model"]["steps"], strict=True):
        within = (step["q0.1"] <= step["actual"]) & (step["actual"] <= step["q0.9"])
        assert found["coverage"]["0.8"] == pytest.approx(within.mean())
    assert model.test.scores["n"] == len(table) / 3
    assert {test["loss"] for test in model.test.scores["tests"]} == {"squared", "crps"}


def test_rolled_steps_are_scored_as_they_are_forecast(model):
    series, row = model.series, model.test.scores["n"]
    window = series.values[300 - 3 - 8 : 300 - 3].astype(np.float32)
    rolled = model.predictor.roll(window[None], 3)[0]
    assert model.test.table["forecast"].to_numpy()[3 * row - 3 :] == pytest.approx(rolled, rel=1e-6)


def test_dropout_passes_differ_and_come_again_with_their_seed(small):
    windows = small.series.values[:16].reshape(2, 8, 1)
    first, again, other = (small.predictor.sample(windows, 3, seed) for seed in (1, 1, 2))
    assert first.shape == (3, 2, 1)
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert np.ptp(first, axis=0).min() > 0
    before = small.predict(windows)
    assert np.array_equal(before, small.predict(windows))


def test_dropout_intervals_are_wider_than_their_passes():
    model = kf.fit(prices(), mc_dropout=5, **SMALL)
    intervals = model.predict_quantiles(model.series.values[-8:][None])
    passes = model.predictor.sample(model.series.values[-8:][None], 5, 0)
    assert intervals[0, 0, -1] - intervals[0, 0, 0] > np.ptp(passes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantiles": (0.1, 0.1, 0.9)}, "quantiles: levels must differ and lie in"),
        ({"levels": (0.0, 0.5)}, "levels: levels must differ and lie in"),
        ({"mc_dropout": 5, "quantiles": LEVELS}, "mc_dropout= needs dropout= above 0 and no quantiles="),
        ({"horizon": 3, "steps": 2}, "steps= must be at least the horizon of 3"),
        ({"steps": 100}, "Received: steps=100"),
        ({"horizon": 500, "levels": tuple(np.arange(1, 50) / 100)}, "Steps times levels must be at most 10000"),
        ({"period": 150}, "period= must fit twice into the"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        kf.fit(prices(), **SMALL | options)

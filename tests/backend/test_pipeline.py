"""Fit as a whole: honest splits, the same result twice, scores that are what they say."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError, DivergedError, OptionError
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.pipeline import fit
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.training.run import Run
from tests.backend.conftest import SMALL, prices


@pytest.mark.parametrize("scaling", ["anchor", "minmax"])
def test_scaling_sees_training_rows_only(scaling):
    before = prices()
    after = before.copy()
    after.iloc[210:] *= 3
    first, second = (kf.fit(data, scaling=scaling, **SMALL) for data in (before, after))
    assert first.manifest.members[0].scaling == second.manifest.members[0].scaling
    assert [e.loss for e in first.history.epochs] == [e.loss for e in second.history.epochs]


def test_same_seed_same_weights(small, frame):
    again = kf.fit(frame, **SMALL)
    other = kf.fit(frame, seed=1, **SMALL)
    assert [a.tobytes() for a in again.predictor.weights] == [a.tobytes() for a in small.predictor.weights]
    assert [a.tobytes() for a in other.predictor.weights] != [a.tobytes() for a in small.predictor.weights]


def test_scores_are_those_of_the_test_forecasts(small):
    table = small.test.table
    intervals = [f"q{level:g}" for level in small.config.levels]
    assert list(table.columns) == ["date", "actual", "forecast", "naive", *intervals]
    assert len(table) == small.test.scores["n"] == 45
    np.testing.assert_array_equal(table["actual"], small.series.values[-45:, 0])
    np.testing.assert_array_equal(table["naive"], small.series.values[-46:-1, 0])
    assert list(table["date"]) == list(small.series.index[-45:])
    error = table["forecast"].astype(float) - table["actual"]
    assert small.test.scores["model"]["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    naive_error = table["naive"] - table["actual"]
    assert small.test.scores["naive"]["mae"] == pytest.approx(naive_error.abs().mean())


def test_several_steps_at_once_are_scored_per_step():
    model = kf.fit(prices(), horizon=3, **SMALL)
    assert list(model.test.table.columns)[:5] == ["date", "actual", "forecast", "naive", "step"]
    for name in ("model", "naive", "ewma_fhs"):
        steps = model.test.scores[name]["steps"]
        assert [set(step) for step in steps] == [set(model.test.scores[name]) - {"steps"}] * 3
        assert np.mean([step["mae"] for step in steps]) == pytest.approx(model.test.scores[name]["mae"])
    assert len(model.test.table) == 3 * model.test.scores["n"]
    assert model.predict(model.series.values[:8][None]).shape == (1, 3)
    assert len(model.forecast(7)) == 7


def test_forecasting_rolls_forward_on_its_own_forecasts(small):
    rolled = small.forecast(3)["forecast"].to_numpy(np.float32)
    window = small.series.values[-8:].astype(np.float32)
    for step in range(3):
        expected = small.predict(window[None])[0, 0]
        assert rolled[step] == pytest.approx(expected, rel=1e-6)
        window = np.concatenate([window[1:], [[expected]]])


def test_intervals_go_on_adapting_with_the_rows_that_follow(small, frame, saved):
    """A table that goes on continues from where the test part had come to; an earlier one knows nothing of it."""
    longer = prices(330)
    pd.testing.assert_frame_equal(longer[:300], frame)
    series = Panel.of(small.panel_from(longer))
    windows = windows_of(series, np.arange(254, 330), 8, 1)
    intervals = small.forecaster.in_sequence(windows)[0].quantiles[-1, 0]
    columns = [f"q{level:g}" for level in small.config.levels]
    for model in (small, kf.load(saved)):
        assert model.forecast(1, longer)[columns].iloc[0].tolist() == pytest.approx(intervals, rel=1e-6)
        ahead = model.forecast(4, longer)[columns].to_numpy()
        assert np.all(np.diff(ahead, axis=1) >= 0)
    learned = small.predict_quantiles(longer.to_numpy()[-8:][None])[0, 0]
    assert np.abs(intervals - learned).max() > 1e-4
    earlier = small.forecast(1, frame[:290])[columns].iloc[0].tolist()
    assert earlier == pytest.approx(small.predict_quantiles(frame[:290].to_numpy()[-8:][None])[0, 0], rel=1e-6)
    assert small.manifest.adapted.at == frame.index[-1]


@pytest.fixture
def passes(monkeypatch):
    """How many windows each pass of a network was given, appended as they are."""
    made = []
    outputs = Predictor.outputs

    def counted(self, windows):
        made.append(len(windows))
        return outputs(self, windows)

    monkeypatch.setattr(Predictor, "outputs", counted)
    return made


def test_a_second_forecast_costs_one_pass_a_block_of_steps(saved, passes):
    model, longer = kf.load(saved), prices(330)
    passes.clear()
    series = model.panel_from(longer)
    first = model.forecast(5, series)
    assert passes == [30, 1, 1, 1, 1, 1]  # the rows since the intervals were kept, and five steps of one row
    passes.clear()
    pd.testing.assert_frame_equal(model.forecast(5, longer), first)
    assert passes == [1] * 5
    passes.clear()
    changed = longer.copy()
    changed.iloc[310] *= 1.1
    other = model.forecast(1, changed)
    assert passes == [30, 1]  # another series is adapted to anew
    assert other.iloc[0, 1:].tolist() != first.iloc[0, 1:].tolist()
    pd.testing.assert_frame_equal(kf.load(saved).forecast(1, changed), other)


def test_targets_are_scaled_once_a_part(frame, monkeypatch):
    """For the start, the training and the naive loss alike; the naive forecasts are scaled for their own loss."""
    sizes = []
    scaled = FittedScaling.scaled_targets

    def counted(self, windows, targets):
        sizes.append(len(windows))
        return scaled(self, windows, targets)

    monkeypatch.setattr(FittedScaling, "scaled_targets", counted)
    kf.fit(frame, **SMALL, quantiles=(0.1, 0.5, 0.9))
    assert sizes == [202, 45, 45, 202]  # training, validation, and the naive forecasts of both


def test_a_panel_of_one_is_its_series(small, frame):
    panel = Panel.of(small.series)
    model = fit(small.config, panel)
    assert [a.tobytes() for a in model.predictor.weights] == [a.tobytes() for a in small.predictor.weights]
    assert model.manifest.data == small.manifest.data
    pd.testing.assert_frame_equal(small.forecast(2, panel), small.forecast(2))


def test_forecast_dates_follow_the_series(small, frame):
    assert list(small.forecast(3).index) == list(pd.bdate_range(frame.index[-1], periods=4)[1:])


def test_states_are_those_of_the_last_step(small):
    h, c = small.states(small.series.values[:16].reshape(2, 8, 1))
    assert h.shape == c.shape == (2, 2, 4)
    head_kernel, head_bias = small.predictor.weights[-2:]
    scaled = h[-1] @ head_kernel + head_bias
    raw = small.series.values[:16].reshape(2, 8, 1)
    np.testing.assert_allclose(small.manifest.members[0].scaling.restore(raw, scaled), small.predict(raw), rtol=1e-5)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (np.ones((2, 7, 1)), r"shape \(B, 8, 1\). Received: \(2, 7, 1\)"),
        (np.ones((8, 2)), r"Received: \(8, 2\)"),
        (np.ones((3, 7)), r"Received: \(3, 7\)"),
        (np.ones(7), r"Received: \(7,\)"),
        (np.float32(1), r"Received: \(\)"),
        ([["a"] * 8], "array of numbers"),
        (np.full((1, 8, 1), np.nan), "finite"),
        (np.zeros((1, 8, 1)), "positive"),
    ],
)
def test_wrong_windows_are_refused(small, windows, message):
    with pytest.raises(DataError, match=message):
        small.predict(windows)


def test_no_windows_give_no_forecasts(small):
    assert small.predict(np.empty((0, 8, 1))).shape == (0, 1)


def test_batches_of_any_size_forecast_alike(small):
    windows = np.lib.stride_tricks.sliding_window_view(small.series.values[:, 0], 8)[:70, :, None]
    whole = small.predict(windows)
    for size in (1, 2, 3, 33):
        np.testing.assert_allclose(small.predict(windows[:size]), whole[:size], rtol=1e-6)


@pytest.mark.same_everywhere
def test_integer_steps_where_there_are_no_dates():
    model = kf.fit(prices().reset_index(drop=True), **SMALL)
    assert model.forecast(2).index.tolist() == [300, 301]


@pytest.mark.same_everywhere
def test_values_below_zero_train_on_differences():
    frame = prices().rename(columns={"Close": "level"}) - 100
    model = kf.fit(frame, target="level", **SMALL)
    assert model.manifest.members[0].scaling.transforms == ("difference",)
    assert np.isfinite(model.forecast(5)["forecast"]).all()


def test_a_logged_column_must_stay_positive_in_the_window_of_new_data(small, frame):
    bad = frame.copy()
    bad.iloc[-3] = -1.0
    with pytest.raises(DataError, match="must be positive"):
        small.forecast(1, bad)


def test_new_data_needs_the_trained_columns(small, frame):
    with pytest.raises(DataError, match="Close"):
        small.evaluate(frame.rename(columns={"Close": "Open"}))


def test_training_data_of_a_frame_is_not_at_hand_after_loading(saved):
    with pytest.raises(DataError, match="not at hand"):
        kf.load(saved).forecast(1)


def test_checkpoint_is_a_model_file_of_the_best_epoch(frame, tmp_path):
    run = Run(tmp_path)
    model = fit(Config.from_options(**SMALL), frame, run=run)
    kept = kf.load(run.model)
    assert [a.tobytes() for a in kept.predictor.weights] == [a.tobytes() for a in model.predictor.weights]
    assert kept.manifest.training.complete is False
    assert kept.manifest.training.best_epoch == model.history.best_epoch


WILD = SMALL | {"epochs": 30, "optimizer": "sgd", "scaling": "none", "clipnorm": None}


def test_diverging_run_says_so_and_keeps_the_last_good_model(frame, tmp_path):
    """Errors grow from step to step: the first epoch still ends with numbers, one of the next does not."""
    run = Run(tmp_path)
    with pytest.raises(DivergedError, match=r"must stay a finite number.* in epoch [23456789] "):
        fit(Config.from_options(**WILD, learning_rate=2.0), frame, run=run)
    kept = kf.load(run.model)
    assert all(np.isfinite(array).all() for array in kept.predictor.weights)
    assert kept.manifest.training.best_epoch >= 1
    assert kept.manifest.training.complete is False
    assert np.isfinite(kept.forecast(1, frame)["forecast"]).all()


def test_a_run_that_diverges_at_once_leaves_no_model(frame, tmp_path):
    run = Run(tmp_path)
    with pytest.raises(DivergedError, match=r"must stay a finite number.* in epoch 1 "):
        fit(Config.from_options(**WILD, learning_rate=10.0), frame * 1e15, run=run)
    assert not run.model.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unitz": 3}, "Options must be known by name. Received: 'unitz'"),
        ({"units": 0}, "^units: input should be greater than or equal to 1. Received: 0"),
        ({"dropout": 1.0}, "^dropout: input should be less than 1"),
        ({"scaling": "robust"}, "^scaling: "),
        ({"train_fraction": 0.9, "validation_fraction": 0.2}, "leave a share for test"),
    ],
)
def test_wrong_options_are_refused(frame, options, message):
    with pytest.raises(OptionError, match=message):
        kf.fit(frame, **options)


def test_windows_may_come_without_the_axes_that_are_certain(small):
    windows = small.series.values[:9, 0][np.arange(8) + np.arange(2)[:, None]].astype(np.float32)  # (2, 8)
    expected = small.predict(windows[:, :, None])
    np.testing.assert_array_equal(small.predict(windows), expected)
    for one in (windows[0], windows[0][:, None], windows[0].tolist(), windows[:1]):
        np.testing.assert_array_equal(small.predict(one), expected[:1])
        assert small.predict_quantiles(one).shape == (1, 1, 7)
        assert small.states(one)[0].shape[1] == 1


def test_too_short_a_series_says_what_it_needs(frame):
    with pytest.raises(
        DataError, match=r"needs a window of 60 rows and 1 to forecast\. Received: 80 rows, of which 56"
    ):
        kf.fit(frame.iloc[:80])


def test_a_flat_series_is_refused(frame):
    with pytest.raises(DataError):
        kf.fit(frame * 0 + 5, **SMALL)

"""Every score on numbers worked out by hand, and the properties that hold whatever the data."""

import json
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from kerasforecast.errors import DataError
from kerasforecast.metrics import point as metrics
from kerasforecast.metrics import probabilistic as interval_metrics

ACTUAL = np.array([100.0, 110.0, 90.0, 120.0])
FORECAST = np.array([102.0, 107.0, 96.0, 120.0])  # errors -2, 3, -6, 0
LAST = np.array([99.0, 111.0, 95.0, 118.0])  # moved +1, -1, -5, +2; called +3, -4, +1, +2

prices = st.integers(1, 30).flatmap(lambda n: arrays(np.float64, (2, n), elements=st.floats(1, 1000)))


def test_rmse_by_hand():
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(3.5)  # sqrt((4 + 9 + 36 + 0) / 4)


def test_mae_by_hand():
    assert metrics.mae(ACTUAL, FORECAST) == pytest.approx(2.75)


def test_mape_by_hand():
    assert metrics.mape(ACTUAL, FORECAST) == pytest.approx(100 * (2 / 100 + 3 / 110 + 6 / 90) / 4)


def test_mape_of_a_zero_is_undefined():
    assert math.isnan(metrics.mape(np.array([0.0, 1.0]), np.array([1.0, 1.0])))


def test_smape_by_hand():
    expected = 200 * (2 / 202 + 3 / 217 + 6 / 186) / 4
    assert metrics.smape(ACTUAL, FORECAST) == pytest.approx(expected)
    assert metrics.smape(np.array([0.0, 0.0]), np.array([0.0, 5.0])) == pytest.approx(100)


def test_mase_and_rmsse_by_hand():
    history = np.array([1.0, 2.0, 4.0, 3.0, 5.0])  # lag 1: 1, 2, -1, 2; lag 2: 3, 1, 1
    assert metrics.mase(ACTUAL, FORECAST, history) == pytest.approx(2.75 / 1.5)
    assert metrics.mase(ACTUAL, FORECAST, history, period=2) == pytest.approx(2.75 / (5 / 3))
    assert metrics.rmsse(ACTUAL, FORECAST, history) == pytest.approx(3.5 / math.sqrt(10 / 4))
    assert metrics.rmsse(ACTUAL, FORECAST, history, period=2) == pytest.approx(3.5 / math.sqrt(11 / 3))


def test_scaled_errors_of_a_flat_history_are_undefined():
    assert math.isnan(metrics.mase(ACTUAL, FORECAST, np.ones(5)))
    assert math.isnan(metrics.rmsse(ACTUAL, FORECAST, np.ones(5)))


@pytest.mark.parametrize(("length", "period"), [(5, 5), (5, 0)])
def test_history_must_hold_a_season(length, period):
    with pytest.raises(DataError, match="History must be one series longer"):
        metrics.mase(ACTUAL, FORECAST, np.arange(float(length)), period=period)


def test_naive_forecasts_own_mase_is_one_in_training():
    walk = np.random.default_rng(0).normal(size=200).cumsum()
    assert metrics.mase(walk[1:], walk[:-1], walk) == pytest.approx(1)
    assert metrics.rmsse(walk[7:], walk[:-7], walk, period=7) == pytest.approx(1)


def test_direction_by_hand():
    score = metrics.direction(ACTUAL, FORECAST, LAST)
    assert (score.right, score.n, score.share) == (3, 4, 0.75)


def test_direction_interval_is_wilsons():
    # 81 of 263 with 95 % confidence: 0.2553 to 0.3662 (Newcombe 1998, Statistics in Medicine 17, table I, method 3)
    actual = np.ones(263)
    forecast = np.where(np.arange(263) < 81, 2.0, -2.0)
    score = metrics.direction(actual, forecast, np.zeros(263))
    assert (score.right, score.n) == (81, 263)
    assert (score.low, score.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))


def test_a_window_that_did_not_move_is_left_out():
    score = metrics.direction(np.array([5.0, 6.0, 4.0]), np.array([9.0, 9.0, 9.0]), np.full(3, 5.0))
    assert (score.right, score.n) == (1, 2)


def test_abstaining_is_not_right():
    score = metrics.direction(np.array([6.0, 4.0]), np.array([6.0, 5.0]), np.full(2, 5.0))
    assert (score.right, score.n) == (1, 2)


def test_the_naive_forecast_names_no_direction():
    score = metrics.direction(ACTUAL, LAST, LAST)
    assert score.share is None
    assert (score.low, score.high) == (0.0, 1.0)
    rounded = LAST * (1 + 1e-7)  # what float32 makes of it
    assert metrics.direction(ACTUAL, rounded, LAST).share is None


def test_nothing_moved():
    assert metrics.direction(LAST, FORECAST, LAST).share is None


def test_direction_of_several_steps_is_seen_from_the_last_value():
    score = metrics.direction(np.array([[6.0, 4.0], [7.0, 8.0]]), np.array([[6.0, 6.0], [7.0, 4.0]]), np.full(2, 5.0))
    assert (score.right, score.n) == (2, 4)


def test_last_must_have_one_value_a_window():
    with pytest.raises(DataError, match="`last` must hold"):
        metrics.direction(ACTUAL, FORECAST, LAST[:2])


def test_pinball_by_hand():
    # 0.9 * (2 over) and 0.1 * (1 under)
    assert interval_metrics.pinball(np.array([5.0, 5.0]), np.array([3.0, 6.0]), 0.9) == pytest.approx((1.8 + 0.1) / 2)


def test_crps_by_hand():
    # cells of 0.1, 0.5, 0.9: 0.3, 0.4, 0.3; losses of y = 3 at 1, 2, 5: 0.2, 0.5, 0.2
    assert interval_metrics.crps(np.array([3.0]), np.array([[1.0, 2.0, 5.0]]), [0.1, 0.5, 0.9]) == pytest.approx(
        2 * (0.3 * 0.2 + 0.4 * 0.5 + 0.3 * 0.2)
    )


def test_crps_converges_to_the_closed_form_of_a_normal():
    """Gneiting & Raftery (2007), section 4.2: s (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    levels = (np.arange(2000) + 0.5) / 2000
    for value in (-1.7, 0.0, 0.4):
        z = value / 2.0
        exact = 2.0 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))
        assert interval_metrics.crps(np.array([value]), norm.ppf(levels)[None] * 2.0, levels) == pytest.approx(
            exact, rel=2e-3
        )


@given(arrays(np.float64, (7, 4), elements=st.floats(-100, 100)))
def test_crps_is_the_weighted_pinball_loss_of_scikit_learn(values):
    levels, weights = [0.1, 0.5, 0.8], [0.3, 0.35, 0.35]
    losses = [interval_metrics.pinball(values[:, 0], values[:, k + 1], level) for k, level in enumerate(levels)]
    assert interval_metrics.crps(values[:, 0], values[:, 1:], levels) == pytest.approx(
        2 * np.dot(weights, losses), abs=1e-9
    )


@given(prices)
def test_crps_without_spread_is_the_absolute_error(pair):
    actual, forecast = pair
    levels = [0.05, 0.1, 0.5, 0.9, 0.95]
    flat = np.repeat(forecast[:, None], len(levels), axis=1)
    assert interval_metrics.crps(actual, flat, levels) == pytest.approx(
        metrics.mae(actual, forecast), rel=1e-9, abs=1e-9
    )


@given(prices)
def test_median_pinball_is_half_the_absolute_error(pair):
    assert interval_metrics.pinball(*pair, 0.5) == pytest.approx(metrics.mae(*pair) / 2)


def test_coverage_counts_both_ends():
    assert interval_metrics.coverage(np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 2.0), np.full(4, 3.0)) == 0.5


def test_winkler_by_hand():
    # inside: width 2; below by 1: 2 + 10 * 1; above by 3: 2 + 10 * 3, at 80 % nominal
    score = interval_metrics.winkler(np.array([5.0, 3.0, 9.0]), np.full(3, 4.0), np.full(3, 6.0), 0.8)
    assert score == pytest.approx((2 + 12 + 32) / 3)


@given(prices, st.floats(0.0, 50.0), st.sampled_from([0.5, 0.8, 0.95]))
def test_winkler_is_the_two_pinball_losses(pair, half, nominal):
    actual, centre = pair
    low, high = centre - half, centre + half
    tails = interval_metrics.pinball(actual, low, (1 - nominal) / 2) + interval_metrics.pinball(
        actual, high, (1 + nominal) / 2
    )
    assert interval_metrics.winkler(actual, low, high, nominal) == pytest.approx(
        2 / (1 - nominal) * tails, rel=1e-9, abs=1e-9
    )


@given(prices, st.floats(0.0, 50.0), st.floats(0.0, 50.0))
def test_a_wider_interval_covers_no_less(pair, half, more):
    actual, centre = pair
    narrow = interval_metrics.coverage(actual, centre - half, centre + half)
    wide = interval_metrics.coverage(actual, centre - half - more, centre + half + more)
    assert 0 <= narrow <= wide <= 1


@given(prices)
def test_a_perfect_forecast(pair):
    actual, last = pair
    scores = metrics.point_scores(actual, actual, last)
    assert (scores["rmse"], scores["mae"], scores["mape"]) == (0, 0, 0)
    assert scores["directional_accuracy"] in (1.0, None)
    assert metrics.smape(actual, actual) == 0


@given(prices, st.floats(0.01, 100))
def test_units_scale_errors_and_leave_shares(pair, unit):
    actual, forecast = pair
    last = np.full(len(actual), 500.0)
    plain = metrics.point_scores(actual, forecast, last)
    scaled = metrics.point_scores(unit * actual, unit * forecast, unit * last)
    for name in ("rmse", "mae"):
        assert scaled[name] == pytest.approx(unit * plain[name], rel=1e-9, abs=1e-9)
    assert scaled["mape"] == pytest.approx(plain["mape"])
    assert metrics.smape(unit * actual, unit * forecast) == pytest.approx(metrics.smape(actual, forecast), abs=1e-9)


@given(prices)
def test_rmse_is_at_least_mae_and_smape_at_most_200(pair):
    assert metrics.rmse(*pair) >= metrics.mae(*pair) * (1 - 1e-9)
    assert 0 <= metrics.smape(*pair) <= 200


def test_point_scores_keys_and_valid_json():
    scores = metrics.point_scores(np.array([0.0, 1.0]), np.array([0.0, 0.0]), np.array([0.0, 0.0]))
    assert list(scores) == [
        *("rmse", "mae", "mape", "smape", "mase", "rmsse", "directional_accuracy", "directional_interval")
    ]
    assert scores["mape"] is None
    assert scores["directional_accuracy"] is None
    json.dumps(scores, allow_nan=False)


def test_a_score_too_large_for_a_float_is_none():
    with np.errstate(over="ignore"):
        overflow = metrics.point_scores(np.array([1e200]), np.array([-1e200]), np.array([1e200]))
    assert overflow["rmse"] is None


def test_quantile_scores_name_the_central_intervals():
    levels = [0.05, 0.1, 0.5, 0.9, 0.95]
    quantiles = np.array([0.0, 1.0, 5.0, 9.0, 10.0]) * np.ones((4, 1))
    scores = interval_metrics.quantile_scores(np.array([0.5, 5.0, 9.5, 11.0]), quantiles, levels)
    assert scores["coverage"] == {"0.9": 0.75, "0.8": 0.25}
    assert scores["crps"] == interval_metrics.crps(np.array([0.5, 5.0, 9.5, 11.0]), quantiles, levels)


def test_quantile_scores_of_several_steps():
    actual = np.array([[1.0, 2.0], [3.0, 4.0]])
    quantiles = actual[..., None] + np.array([-1.0, 0.0, 1.0])
    scores = interval_metrics.quantile_scores(actual, quantiles, [0.1, 0.5, 0.9])
    assert scores["coverage"] == {"0.8": 1.0}
    assert scores["crps"] == pytest.approx(2 * (0.3 * 0.1 + 0.3 * 0.1))


def test_per_step_scores():
    actual = np.array([[1.0, 2.0], [3.0, 4.0]])
    forecast = np.array([[2.0, 2.0], [4.0, 8.0]])
    assert metrics.per_step(metrics.mae, actual, forecast) == [1.0, 2.0]
    assert metrics.per_step(metrics.mae, actual[:, 0], forecast[:, 0]) == [1.0]
    shares = [s.share for s in metrics.per_step(metrics.direction, actual, forecast, np.array([0.0, 5.0]))]
    assert shares == [1.0, 0.5]
    quantiles = forecast[..., None] + np.array([-0.5, 0.0, 0.5])
    crps = partial(interval_metrics.crps, levels=[0.25, 0.5, 0.75])
    assert metrics.per_step(crps, actual, quantiles) == [
        pytest.approx(interval_metrics.crps(actual[:, h], quantiles[:, h], [0.25, 0.5, 0.75])) for h in (0, 1)
    ]


def test_all_steps_together_are_pooled():
    """The RMSE over steps is that of all errors, not the mean of the steps' RMSEs, which scikit-learn would give."""
    actual, forecast = np.zeros((1, 2)), np.array([[1.0, 7.0]])
    assert metrics.rmse(actual, forecast) == pytest.approx(5)


def test_float32_input_is_summed_in_float64():
    actual = np.full(3, 16_777_216, dtype=np.float32)
    assert metrics.mae(actual, np.array([16_777_217.0] * 3)) == 1.0


@pytest.mark.parametrize(
    ("actual", "forecast", "rule"),
    [
        ([1.0, 2.0], [1.0], "one shape"),
        ([], [], "at least one window"),
        ([[[1.0]]], [[[1.0]]], "one shape"),
        ([1.0, 2.0], [1.0, math.nan], "Forecast values must be finite numbers. Received: 1 of 2"),
        ([math.inf], [1.0], "Actual values must be finite"),
    ],
)
def test_wrong_arrays_are_one_line(actual, forecast, rule):
    with pytest.raises(DataError, match=rule):
        metrics.mae(np.array(actual), np.array(forecast))


@pytest.mark.parametrize("levels", [[], [0.0, 0.5], [0.5, 1.0], [0.5, 0.5], [0.9, 0.1]])
def test_wrong_levels_are_one_line(levels):
    with pytest.raises(DataError, match="Levels must be ascending"):
        interval_metrics.crps(np.ones(1), np.ones((1, len(levels))), levels)


def test_quantiles_must_match_levels():
    with pytest.raises(DataError, match="Quantiles must have shape"):
        interval_metrics.crps(np.ones(3), np.ones((3, 2)), [0.1, 0.5, 0.9])

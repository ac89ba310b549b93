"""Each baseline on numbers worked out by hand, what it may see, and its scores on real series."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.lib.stride_tricks import sliding_window_view
from scipy.stats import norm

from kerasforecast.baselines import simple as baselines
from kerasforecast.baselines.fitted import fit_baselines
from kerasforecast.errors import DataError, OptionError
from kerasforecast.metrics import probabilistic as interval_metrics

DATA = Path(__file__).parents[1] / "data"
WINDOWS = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 7.0], [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]])
LEVELS = [0.1, 0.5, 0.9]

positive_windows = arrays(np.float64, (3, 8), elements=st.floats(1, 1000))


def column(name, file):
    return pd.read_csv(DATA / file)[name].interpolate().to_numpy(dtype=np.float64)


def walk(rows=600, seed=0, volatility=0.01):
    return 100 * np.exp(np.random.default_rng(seed).normal(scale=volatility, size=rows).cumsum())


def test_naive_by_hand():
    assert baselines.naive(WINDOWS, 3).tolist() == [[7, 7, 7], [1, 1, 1]]


def test_drift_by_hand():
    assert baselines.drift(WINDOWS, 2) == pytest.approx(np.array([[8.2, 9.4], [0.0, -1.0]]))


def test_seasonal_naive_by_hand():
    assert baselines.seasonal_naive(WINDOWS, 5, period=3).tolist() == [[4, 5, 7, 4, 5], [3, 2, 1, 3, 2]]


def test_moving_average_by_hand():
    assert baselines.moving_average(WINDOWS, 2, length=3) == pytest.approx(np.array([[16 / 3] * 2, [2.0] * 2]))
    assert baselines.moving_average(WINDOWS, 1) == pytest.approx(np.array([[21 / 5], [3.0]]))


def test_moving_average_of_a_short_window():
    assert baselines.moving_average(WINDOWS[:, :2], 1).tolist() == [[1.5], [5.5]]


@given(positive_windows, st.integers(1, 12), st.floats(0.1, 10), st.floats(-50, 50))
def test_point_baselines_follow_unit_and_level(windows, horizon, unit, level):
    plain = baselines.point_baselines(windows, horizon, period=4)
    moved = baselines.point_baselines(unit * windows + level, horizon, period=4)
    assert list(plain) == ["naive", "drift", "seasonal_naive", "moving_average"]
    for name, forecast in plain.items():
        assert forecast.shape == (3, horizon)
        assert moved[name] == pytest.approx(unit * forecast + level, rel=1e-6, abs=1e-6)


@given(positive_windows, st.integers(1, 12))
def test_a_season_of_one_is_the_naive_forecast(windows, horizon):
    assert np.array_equal(baselines.seasonal_naive(windows, horizon, 1), baselines.naive(windows, horizon))


def quantiles_of(windows, horizon, levels, history, period=1):
    """What every baseline that learned from `history` says of `windows`."""
    baselines = fit_baselines(history, history, np.shape(windows)[1], horizon, levels, period)
    return {name: forecast.quantiles for name, forecast in baselines.forecasts(windows).items()}


def test_no_season_no_seasonal_baseline():
    assert "seasonal_naive" not in baselines.point_baselines(WINDOWS, 2)
    assert "seasonal_naive" not in baselines.point_baselines(WINDOWS, 2, period=7)
    assert "seasonal_naive" not in quantiles_of(WINDOWS, 2, LEVELS, walk())
    with pytest.raises(OptionError, match="--period must fit into the window"):
        quantiles_of(WINDOWS, 2, LEVELS, walk(), period=7)


@pytest.mark.parametrize("period", [0, 7])
def test_the_season_must_fit_into_the_window(period):
    with pytest.raises(DataError, match="season must fit into the window of 6 rows"):
        baselines.seasonal_naive(WINDOWS, 2, period)


@pytest.mark.parametrize(
    ("windows", "horizon"), [(np.ones(3), 1), (np.ones((2, 0)), 1), (np.ones((2, 3)), 0), (np.full((1, 2), np.nan), 1)]
)
def test_wrong_windows_are_one_line(windows, horizon):
    with pytest.raises(DataError, match="Windows must be finite"):
        baselines.naive(windows, horizon)


@pytest.mark.parametrize("period", [4, 7, 12, 24, 52])
@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_period_of_a_pattern(period, noise):
    generator = np.random.default_rng(period)
    season = np.tile(generator.normal(size=period), 12)
    trend = 0.02 * np.arange(len(season))
    assert baselines.find_period(season + trend + noise * generator.normal(size=len(season))) == period


@pytest.mark.parametrize(
    ("name", "file", "period"), [("co2", "co2_weekly", 52), ("SUNACTIVITY", "sunspots_yearly", 11)]
)
def test_period_of_real_series(name, file, period):
    values = column(name, f"statsmodels__{file}.csv.gz")
    assert baselines.find_period(values[: int(0.7 * len(values))]) == period


@pytest.mark.parametrize("file", ["aapl", "msft", "goog"])
def test_prices_have_no_season(file):
    values = column("Adj Close", f"{file}.csv.gz")
    assert baselines.find_period(values[: int(0.7 * len(values))]) == 1


def test_random_walks_and_noise_have_no_season():
    generator = np.random.default_rng(7)
    steps = [generator.standard_t(3, size=rows) for rows in (100, 300, 1500) for _ in range(40)]
    found = [baselines.find_period(values) for s in steps for values in (s, s.cumsum())]
    assert sum(period > 1 for period in found) <= 2  # of 240


def test_period_is_looked_for_up_to_the_longest():
    season = np.tile(np.random.default_rng(0).normal(size=12), 20)
    assert baselines.find_period(season, longest=12) == 12
    assert baselines.find_period(season, longest=11) == 1


@pytest.mark.parametrize("history", [np.ones(50), np.array([1.0, 2.0, 1.0]), np.empty(0)])
def test_nothing_to_find(history):
    assert baselines.find_period(history) == 1


def test_residual_quantiles_by_hand():
    # Positive history: the ratios to the value before are 2, 2, 1/2, 2 and the median of their logs is log 2.
    history = np.array([1.0, 2.0, 4.0, 2.0, 4.0])
    assert baselines.residual_quantiles(np.array([[3.0]]), 1, [0.5], history) == pytest.approx(np.array([[[6.0]]]))
    # Two steps ahead: 4, 1, 1.
    intervals = baselines.residual_quantiles(np.array([[3.0]]), 2, [0.5], history)
    assert intervals[0, 1] == pytest.approx([3.0])
    # A history with a zero: differences 1, 2, -1.
    intervals = baselines.residual_quantiles(np.array([[3.0]]), 1, [0.5, 0.75], np.array([0.0, 1.0, 3.0, 2.0]))
    assert intervals[0, 0] == pytest.approx([4.0, 4.5])


def test_seasonal_residuals_lie_whole_seasons_back():
    # Period 2: step 1 and 2 err by x_t - x_(t-2), step 3 by x_t - x_(t-4); zero keeps the history additive.
    history = np.array([0.0, 5.0, 1.0, 7.0, 4.0, 8.0])
    intervals = baselines.residual_quantiles(np.array([[10.0, 20.0]]), 3, [0.5], history, period=2)
    assert intervals[0, :, 0] == pytest.approx([10 + 1.5, 20 + 1.5, 10 + 3.5])  # of 1, 2, 3, 1 and of 4, 3


def test_ewma_interval_by_hand():
    history = np.array([0.0, 10.0, 0.0, 10.0])  # not positive: differences; a floor of 0.1 x 10
    window = np.array([[0.0, 3.0, 1.0]])  # squared changes 9, 4 with weights 0.94, 1
    volatility = np.sqrt((9 * 0.94 + 4) / 1.94)
    intervals = baselines.ewma_quantiles(window, 2, LEVELS, history)
    assert intervals[0, 0] == pytest.approx(1 + volatility * norm.ppf(LEVELS))
    assert intervals[0, 1] == pytest.approx(1 + np.sqrt(2) * volatility * norm.ppf(LEVELS))


def test_ewma_floor():
    intervals = baselines.ewma_quantiles(np.ones((1, 3)), 1, LEVELS, np.array([0.0, 10.0, 0.0, 10.0]))
    assert intervals[0, 0] == pytest.approx(1 + 1.0 * norm.ppf(LEVELS))


def test_filtered_simulation_by_hand():
    # Windows of two rows: the volatility is the last change's size. Changes 2, -1, 3, -3 (differences, for the zero):
    # each over the size of the one before is -0.5, 3, -1; the median -0.5 times the window's 4 is -2.
    history = np.array([0.0, 2.0, 1.0, 4.0, 1.0])
    intervals = baselines.ewma_fhs_quantiles(np.array([[6.0, 10.0]]), 1, [0.5], history)
    assert intervals == pytest.approx(np.array([[[8.0]]]))
    # Two steps: moves 1 + ... of -1 + 3 = 2 and 3 - 3 = 0, over 2 and 1: the median 0.5 times 4 is 2.
    assert baselines.ewma_fhs_quantiles(np.array([[6.0, 10.0]]), 2, [0.5], history)[0, 1] == pytest.approx([12.0])


@given(st.integers(0, 2**16), st.integers(1, 6), st.floats(0.01, 100))
def test_intervals_ascend_and_follow_the_unit(seed, horizon, unit):
    values = walk(120, seed)
    windows = sliding_window_view(values[80:], 10)
    plain = quantiles_of(windows, horizon, LEVELS, values[:80], period=5)
    scaled = quantiles_of(unit * windows, horizon, LEVELS, unit * values[:80], period=5)
    assert list(plain) == ["naive", "drift", "seasonal_naive", "moving_average", "ewma", "ewma_fhs"]
    for name, intervals in plain.items():
        assert intervals.shape == (len(windows), horizon, 3)
        assert np.all(np.diff(intervals, axis=-1) >= 0)
        assert scaled[name] == pytest.approx(unit * intervals, rel=1e-9)


def test_a_later_window_changes_no_earlier_forecast():
    values = walk(300)
    windows = sliding_window_view(values[200:], 20).copy()
    before = quantiles_of(windows, 3, LEVELS, values[:200], period=5)
    points = baselines.point_baselines(windows, 3, period=5)
    windows[40:] = 1e-3
    after = quantiles_of(windows, 3, LEVELS, values[:200], period=5)
    for name, intervals in before.items():
        assert np.array_equal(after[name][:40], intervals[:40])
    for name, forecast in baselines.point_baselines(windows, 3, period=5).items():
        assert np.array_equal(forecast[:40], points[name][:40])


def test_intervals_of_a_random_walk_cover_what_they_say():
    values = walk(6000, seed=4)
    rows = np.arange(4000, 5995)
    windows = sliding_window_view(values, 60)[rows - 59]
    for name, intervals in quantiles_of(windows, 5, LEVELS, values[:4000]).items():
        for step in range(5):
            inside = interval_metrics.coverage(values[rows + step + 1], intervals[:, step, 0], intervals[:, step, 2])
            assert inside == pytest.approx(0.8, abs=0.05), (name, step)


def test_filtered_simulation_beats_fixed_intervals_where_volatility_clusters():
    generator = np.random.default_rng(11)
    variance, returns = 1e-4, []
    for _ in range(4000):  # GARCH(1, 1)
        returns.append(np.sqrt(variance) * generator.normal())
        variance = 2e-6 + 0.1 * returns[-1] ** 2 + 0.88 * variance
    values = 100 * np.exp(np.cumsum(returns))
    rows = np.arange(3000, 3999)
    windows = sliding_window_view(values, 60)[rows - 59]
    intervals = quantiles_of(windows, 1, LEVELS, values[:3000])
    scores = {name: interval_metrics.crps(values[rows + 1], b[:, 0], LEVELS) for name, b in intervals.items()}
    assert scores["ewma_fhs"] < 0.99 * scores["naive"]


def test_a_flat_history_makes_intervals_without_width():
    intervals = quantiles_of(np.full((2, 6), 7.0), 2, LEVELS, np.full(50, 7.0))
    for quantiles in intervals.values():
        assert quantiles == pytest.approx(np.full((2, 2, 3), 7.0))


def test_windows_must_be_positive_where_the_history_is():
    with pytest.raises(DataError, match="Windows must be positive where the history is"):
        baselines.residual_quantiles(np.array([[1.0, -1.0]]), 1, LEVELS, walk(50))


@pytest.mark.parametrize("history", [np.ones(6), np.ones((20, 2)), np.full(20, np.nan)])
def test_wrong_history_is_one_line(history):
    with pytest.raises(DataError, match="History must be one finite series of more than 7 rows"):
        baselines.ewma_fhs_quantiles(WINDOWS, 1, LEVELS, history)


@pytest.mark.parametrize("name", ["residual_quantiles", "ewma_quantiles", "ewma_fhs_quantiles"])
def test_levels_are_checked(name):
    with pytest.raises(DataError, match="Levels must be ascending"):
        getattr(baselines, name)(WINDOWS, 1, [0.5, 1.0], walk(50))

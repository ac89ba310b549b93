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
from kerasforecast.baselines.fitted import Baselines, fit_baselines, learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, OptionError
from kerasforecast.metrics import probabilistic as interval_metrics
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.preprocessing.volatility import volatility_of
from kerasforecast.preprocessing.windows import Windows

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


def test_moving_average_by_hand():
    assert baselines.moving_average(WINDOWS, 2, length=3) == pytest.approx(np.array([[16 / 3] * 2, [2.0] * 2]))
    assert baselines.moving_average(WINDOWS, 1) == pytest.approx(np.array([[21 / 5], [3.0]]))


def test_moving_average_of_a_short_window():
    assert baselines.moving_average(WINDOWS[:, :2], 1).tolist() == [[1.5], [5.5]]


def test_smoothing_by_hand():
    # Weights of 3, 2, 1 rows ago are 1/4, 1/2, 1 of share 1/2; over their sum of 7/4.
    assert baselines.smoothing(np.array([[7.0, 14.0, 28.0]]), 2, 0.5) == pytest.approx(np.array([[21.0, 21.0]]))


def test_the_share_of_smoothing_follows_the_series():
    noise = 100 + np.random.default_rng(0).normal(size=500)
    assert baselines.best_share(noise, 30, 3) == baselines.SHARES[0]
    assert baselines.best_share(noise.cumsum(), 30, 3) == baselines.SHARES[-1]
    assert baselines.best_share(np.ones(50), 30, 3) == baselines.SHARES[-1]


def lone(windows, horizon):
    """Windows `(N, L)` as those of N series."""
    series = [Series(np.array(row)[:, None], pd.RangeIndex(len(row)), ("y",)) for row in windows]
    panel = Panel.joined(series, [str(place) for place in range(len(series))])
    return Windows(panel, panel.ends - 1, np.shape(windows)[1], horizon)


def forecasts_of(windows, horizon, levels, history, periods=()):
    """What every baseline that learned from `history` says of `windows`."""
    return fitted_on(history, np.shape(windows)[1], horizon, levels, periods).forecasts(lone(windows, horizon))


def fitted_on(history, window, horizon, levels, periods=()):
    """Baselines that learned from all of a history."""
    split = Split.of_one(len(history), len(history), len(history), window, horizon)
    return fit_baselines(Panel.of(series_of(history)), split, horizon, levels, periods)


def quantiles_of(*args):
    return {name: forecast.quantiles for name, forecast in forecasts_of(*args).items()}


SEASONAL = ["seasonal_naive_4", "seasonal_drift_4", "seasonal_growth_4"]
ALL = ["naive", "drift", *SEASONAL, "moving_average", "smoothing", "ewma", "ewma_fhs"]


@given(positive_windows, st.integers(1, 12), st.floats(0.1, 10), st.floats(-50, 50))
def test_point_baselines_follow_unit_and_level(windows, horizon, unit, level):
    values = walk(60)
    plain = forecasts_of(windows, horizon, LEVELS, values, (4,))
    moved = forecasts_of(unit * windows + level, horizon, LEVELS, values, (4,))
    assert list(plain) == ALL
    for name, forecast in plain.items():
        assert forecast.point.shape == (3, horizon)
        if name != "seasonal_growth_4":  # which knows no other level
            assert moved[name].point == pytest.approx(unit * forecast.point + level, rel=1e-6, abs=1e-6)


def test_no_season_no_seasonal_baseline():
    assert not any(name.startswith("seasonal") for name in forecasts_of(WINDOWS, 2, LEVELS, walk()))


@pytest.mark.parametrize(
    ("windows", "horizon"), [(np.ones(3), 1), (np.ones((2, 0)), 1), (np.ones((2, 3)), 0), (np.full((1, 2), np.nan), 1)]
)
def test_wrong_windows_are_one_line(windows, horizon):
    with pytest.raises(DataError, match="Windows must be finite"):
        baselines.naive(windows, horizon)


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


def filtered(windows, steps, levels, history):
    """Quantiles around each window's last value."""
    volatility = volatility_of(history)
    table = baselines.ewma_fhs_table(history, windows.shape[1], steps, levels, volatility)
    return baselines.scaled_quantiles(windows, table, volatility)


def test_filtered_simulation_by_hand():
    # Windows of two rows: the volatility is the last change's size. Changes 2, -1, 3, -3 (differences, for the zero):
    # each over the size of the one before is -0.5, 3, -1; the median -0.5 times the window's 4 is -2.
    history = np.array([0.0, 2.0, 1.0, 4.0, 1.0])
    assert filtered(np.array([[6.0, 10.0]]), 1, [0.5], history) == pytest.approx(np.array([[[8.0]]]))
    # Two steps: moves 1 + ... of -1 + 3 = 2 and 3 - 3 = 0, over 2 and 1: the median 0.5 times 4 is 2.
    assert filtered(np.array([[6.0, 10.0]]), 2, [0.5], history)[0, 1] == pytest.approx([12.0])


@given(st.integers(0, 2**16), st.integers(1, 6), st.floats(0.01, 100))
def test_intervals_ascend_and_follow_the_unit(seed, horizon, unit):
    values = walk(120, seed)
    windows = sliding_window_view(values[80:], 10)
    plain = quantiles_of(windows, horizon, LEVELS, values[:80], (4,))
    scaled = quantiles_of(unit * windows, horizon, LEVELS, unit * values[:80], (4,))
    assert list(plain) == ALL
    for name, intervals in plain.items():
        assert intervals.shape == (len(windows), horizon, 3)
        assert np.all(np.diff(intervals, axis=-1) >= 0)
        assert scaled[name] == pytest.approx(unit * intervals, rel=1e-9)


def test_later_rows_change_no_earlier_forecast_by_a_bit():
    values = walk(400)
    changed = values.copy()
    changed[300:] = values[300:][::-1] * 7 + 1e6
    learned = fitted_on(values[:200], 20, 3, LEVELS, (5, 35))
    before, after = (
        learned.forecasts(Windows(Panel.of(series_of(rows)), np.arange(200, 300), 20, 3)) for rows in (values, changed)
    )
    assert len(before) == 12
    for name, forecast in before.items():
        assert forecast.point.tobytes() == after[name].point.tobytes()
        assert forecast.quantiles.tobytes() == after[name].quantiles.tobytes()


def series_of(values, frequency=None):
    return Series(np.array(values)[:, None], pd.RangeIndex(len(values)), ("y",), frequency=frequency)


def learned_of(values, frequency=None, **options):
    config = Config.from_options(**options)
    panel = Panel.of(series_of(values, frequency))
    return learn_baselines(config, panel, split_panel(panel, config.split, config.network))


def test_the_best_simple_forecast_is_chosen_on_validation_alone():
    """A year with growth: the last year times its growth is the rule to beat, whatever comes in the test part."""
    time = np.arange(240)
    values = 100 * 1.01**time * (1 + 0.3 * np.sin(2 * np.pi * time / 12))
    values *= np.exp(0.01 * np.random.default_rng(0).normal(size=240))
    found = learned_of(values, "MS", window=4, horizon=6)  # a window shorter than the season
    assert (found.periods, found.best) == ((12,), "seasonal_growth_12")
    changed = np.concatenate([values[:204], values[204:][::-1]])
    assert learned_of(changed, "MS", window=4, horizon=6) == found
    other = np.concatenate([values[:168], walk(72)])
    assert learned_of(other, "MS", window=4, horizon=6).best != found.best


def test_a_week_beside_a_day_is_the_rule_to_beat_whatever_the_window():
    time = np.arange(48 * 7 * 10)
    weekend = (time // 48) % 7 >= 5
    values = 1000 + 300 * np.sin(2 * np.pi * time / 48) * np.where(weekend, 0.4, 1) - 200 * weekend
    found = learned_of(values + 10 * np.random.default_rng(0).normal(size=len(time)), "30min", window=16, horizon=4)
    assert found.periods == (48, 336)
    assert found.best == "seasonal_naive_336"


@pytest.mark.parametrize("seed", range(4))
def test_naive_stays_the_rule_to_beat_of_a_random_walk(seed):
    """Others win there by chance alone, and by little."""
    assert learned_of(walk(1500, seed), "B", window=20).best == "naive"


def test_a_period_given_is_taken_whatever_the_window_and_none_where_it_is_1():
    values = walk(100)
    assert learned_of(values, window=5, period=30).periods == (30,)
    assert learned_of(values, window=5, period=1).periods == ()
    with pytest.raises(OptionError, match=r"--period must fit twice into the 70 training rows\. Received: 36\."):
        learned_of(values, window=5, period=36)


def test_what_was_learned_is_written_and_read():
    found = learned_of(walk(100), window=5, period=7)
    assert Baselines.model_validate_json(found.model_dump_json()) == found


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
        baselines.residual_quantiles(WINDOWS, 6, LEVELS, history)


@pytest.mark.parametrize("name", ["residual_quantiles", "ewma_quantiles"])
def test_levels_are_checked(name):
    with pytest.raises(DataError, match="Levels must be ascending"):
        getattr(baselines, name)(WINDOWS, 1, [0.5, 1.0], walk(50))

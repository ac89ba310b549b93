"""Seasons that are found, and the rules that repeat them: by hand, by what they may see, on real series."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.baselines.periods import calendar_periods, find_period, find_periods
from kerasforecast.baselines.seasonal import Histories, Origins, seasonal_drift, seasonal_growth, seasonal_naive
from kerasforecast.baselines.simple import naive

DATA = Path(__file__).parents[1] / "data"
VALUES = np.array([1.0, 2.0, 3.0, 2.0, 4.0, 9.0])
RULES = [seasonal_naive, seasonal_drift, seasonal_growth]


def column(name, file):
    return pd.read_csv(DATA / file)[name].interpolate().to_numpy(dtype=np.float64)


def last_of(values):
    return Origins.of_one(values, np.array([len(values) - 1]))


def test_the_season_again_by_hand():
    assert seasonal_naive(last_of(VALUES), range(1, 6), 3).tolist() == [[2, 4, 9, 2, 4]]
    # The last three average 5, those before 2: 3 a season, or 2.5 times.
    assert seasonal_drift(last_of(VALUES), range(1, 6), 3) == pytest.approx(np.array([[5, 7, 12, 8, 10]]))
    assert seasonal_growth(last_of(VALUES), [1, 4], 3) == pytest.approx(np.array([[2 * 2.5, 2 * 2.5**2]]))


def test_a_season_that_is_not_there_yet_gives_way_to_simpler_rules():
    both = Histories(np.concatenate([VALUES, VALUES]), np.array([0, 6, 12]))
    short = Origins(both, np.array([7, 9]))  # 2 and 4 rows of the second
    assert seasonal_naive(short, [1, 2], 3).tolist() == [[2, 2], [2, 3]]
    for rule in (seasonal_drift, seasonal_growth):
        assert np.array_equal(rule(short, [1, 2], 3), seasonal_naive(short, [1, 2], 3))


def test_growth_is_none_below_zero_and_never_overflows():
    falling = last_of(np.array([1.0, 2.0, -3.0, -4.0]))
    assert np.array_equal(seasonal_growth(falling, [1, 2, 3], 2), seasonal_naive(falling, [1, 2, 3], 2))
    steep = last_of(np.array([1e-30, 1e-30, 1e30, 1e30]))
    assert np.isfinite(seasonal_growth(steep, [1, 1000], 2)).all()


@given(st.integers(1, 12), st.integers(0, 2**16))
def test_a_season_of_one_row_is_the_naive_forecast(horizon, seed):
    values = np.random.default_rng(seed).normal(size=20)
    assert np.array_equal(seasonal_naive(last_of(values), range(1, horizon + 1), 1), naive(values[None], horizon))


@given(st.sampled_from(RULES), st.integers(2, 9), st.integers(0, 2**16))
def test_no_rule_sees_beyond_its_origin(rule, period, seed):
    values = 100 + np.random.default_rng(seed).normal(size=60)
    origins = np.arange(20, 40)
    changed = np.concatenate([values[:40], -1e9 * values[40:]])
    before, after = (rule(Origins.of_one(each, origins), range(1, 15), period) for each in (values, changed))
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("period", [4, 7, 12, 24, 52])
@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_period_of_a_pattern(period, noise):
    generator = np.random.default_rng(period)
    season = np.tile(generator.normal(size=period), 12)
    trend = 0.02 * np.arange(len(season))
    values = season + trend + noise * generator.normal(size=len(season))
    assert find_period(values) == period
    assert find_periods(values) == find_periods(values, (period,)) == (period,)


@pytest.mark.parametrize(
    ("name", "file", "step", "period"),
    [("co2", "co2_weekly", "W-SAT", 52), ("SUNACTIVITY", "sunspots_yearly", "YS", 11)],
)
def test_period_of_real_series(name, file, step, period):
    values = column(name, f"statsmodels__{file}.csv.gz")
    known = values[: int(0.7 * len(values))]
    assert find_period(known) == period
    assert find_periods(known, calendar_periods(step)) == (period,)


@pytest.mark.parametrize("file", ["aapl", "msft", "goog"])
def test_prices_have_no_season(file):
    values = column("Adj Close", f"{file}.csv.gz")
    known = values[: int(0.7 * len(values))]
    assert find_period(known) == 1
    assert find_periods(known, (5, 21, 252)) == ()


@pytest.mark.parametrize("usual", [(), (12,), (24, 168), (7, 365)])
def test_random_walks_and_noise_have_no_season(usual):
    generator = np.random.default_rng(7)
    steps = [generator.standard_t(3, size=rows) for rows in (100, 300, 1500) for _ in range(20)]
    found = [find_periods(values, usual) for s in steps for values in (s, s.cumsum())]
    assert sum(map(bool, found)) <= 6  # of 120


def daily_and_weekly(per_day, weeks=10, noise=0.05):
    time = np.arange(per_day * 7 * weeks)
    weekend = (time // per_day) % 7 >= 5
    shape = np.sin(2 * np.pi * time / per_day) * np.where(weekend, 0.4, 1) - weekend
    return shape + noise * np.random.default_rng(0).normal(size=len(time))


@pytest.mark.parametrize("per_day", [24, 48])
def test_a_day_and_a_week_are_found_with_and_without_a_calendar(per_day):
    values = daily_and_weekly(per_day)
    assert find_periods(values, (per_day, 7 * per_day)) == (per_day, 7 * per_day)
    assert 7 * per_day in find_periods(values)  # the better guide of the two


def test_a_day_alone_has_no_week():
    time = np.arange(24 * 70)
    values = np.sin(2 * np.pi * time / 24) + 0.1 * np.random.default_rng(0).normal(size=len(time))
    assert find_periods(values, (24, 168)) == (24,)


def test_a_year_of_days_is_of_whole_weeks_where_weeks_matter():
    time = np.arange(365 * 4)
    year = 3 * np.sin(2 * np.pi * time / 365.25) + 0.3 * np.random.default_rng(0).normal(size=len(time))
    assert find_periods(year, (7, 365)) == (365,)
    assert find_periods(year + (time % 7 > 4), (7, 365)) == (7, 364)
    assert find_periods((year + (time % 7 > 4))[:800], (7, 365)) == (7,)  # a year must be there three times


@pytest.mark.parametrize(
    ("step", "periods"),
    [
        (None, ()), ("30min", (48, 336)), ("15min", (96, 672)), ("h", (24, 168)), ("2h", (12, 84)), ("7h", (24,)),
        ("D", (7, 365)), ("B", (5,)), ("W-SAT", (52,)), ("2W", (26,)), ("MS", (12,)), ("ME", (12,)), ("BMS", (12,)),
        ("2MS", (6,)), ("3MS", (4,)), ("QS-OCT", (4,)), ("QE-DEC", (4,)), ("YS", ()), ("YE-DEC", ()),
        ("SM-1,15", (24,)), ("SM-15,31", (24,)), ("WOM-3FRI", (12,)), ("C-MON,TUE,WED,THU,FRI,SAT", (6,)), ("2B", ()),
    ],
)  # fmt: skip
def test_what_the_calendar_suggests(step, periods):
    assert calendar_periods(step) == periods


def test_period_is_looked_for_up_to_the_longest():
    season = np.tile(np.random.default_rng(0).normal(size=12), 20)
    assert find_period(season, longest=12) == 12
    assert find_period(season, longest=11) == 1


@pytest.mark.parametrize("history", [np.ones(50), np.array([1.0, 2.0, 1.0]), np.empty(0)])
def test_nothing_to_find(history):
    assert find_period(history) == 1
    assert find_periods(history, (2, 12)) == ()

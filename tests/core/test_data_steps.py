"""The step that dates keep: found where they keep one, continued exactly, and not claimed where they keep none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.calendars import future_index
from kerasforecast.data.check import examine
from kerasforecast.data.frequency import in_words, infer_frequency
from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def frame_of(index):
    return pd.DataFrame({"y": 100 + np.arange(len(index)) % 7 + 0.5}, index=pd.DatetimeIndex(index))


def after(index, steps=3, **options):
    later = future_index(load_series(DataConfig(**options), frame_of(index)), steps)
    return [str(date).removesuffix(" 00:00:00") for date in later]


def days(weekdays, count=200, start="2024-01-01"):
    every = pd.date_range(start, periods=count)
    return every[every.day_of_week.isin(weekdays)]


@pytest.mark.parametrize(
    ("weekdays", "alias", "words", "expected"),
    [
        ([0, 1, 2, 3, 4, 5], "C-MON,TUE,WED,THU,FRI,SAT", "Monday to Saturday", ["07-19", "07-20", "07-22"]),
        ([6, 0, 1, 2, 3], "C-SUN,MON,TUE,WED,THU", "Sunday to Thursday", ["07-21", "07-22", "07-23"]),
        ([1, 2, 3, 4, 5], "C-TUE,WED,THU,FRI,SAT", "Tuesday to Saturday", ["07-19", "07-20", "07-23"]),
        ([0, 1, 2, 3], "C-MON,TUE,WED,THU", "Monday to Thursday", ["07-22", "07-23", "07-24"]),
        ([0, 2, 4], "C-MON,WED,FRI", "Monday, Wednesday, Friday", ["07-19", "07-22", "07-24"]),
        ([5, 6], "C-SAT,SUN", "Saturday, Sunday", ["07-20", "07-21", "07-27"]),
        ([0, 1, 2, 3, 4], "B", "B", ["07-19", "07-22", "07-23"]),
    ],
)
def test_weeks_of_other_days_go_on_in_their_days(weekdays, alias, words, expected):
    index = days(weekdays)
    assert infer_frequency(index) == alias
    assert in_words(alias) == words
    assert after(index) == [f"2024-{day}" for day in expected]
    assert after(index + pd.Timedelta(hours=16))[0] == f"2024-{expected[0]} 16:00:00"
    found = examine(DataConfig(), frame_of(index))
    assert (found.step, found.as_json()["frequency"], found.as_json()["gap_rows"]) == (words, alias, 0)
    gap = examine(DataConfig(), frame_of(index.delete([20, 21, 40])))
    assert (gap.step, gap.as_json()["gap_rows"]) == (words, 3)


@settings(max_examples=40, deadline=None, derandomize=True)  # chance tells: always the same tables
@given(
    st.sets(st.integers(0, 6), min_size=2, max_size=7),
    st.integers(40, 300),
    st.floats(0, 0.2),
    st.integers(0, 2**32 - 1),
)
def test_any_week_is_kept_in_spite_of_gaps(weekdays, count, missing, seed):
    index = days(sorted(weekdays), count * 7 // len(weekdays))
    index = index[np.random.default_rng(seed).random(len(index)) >= missing]
    frequency = infer_frequency(index)
    assert frequency is not None
    later = future_index(load_series(DataConfig(end="2200-01-01"), frame_of(index)), 20)
    assert set(later.day_of_week) <= weekdays
    assert len(later) == 20


def test_a_week_is_no_proof_of_days_of_rest():
    assert infer_frequency(days([0, 1, 2, 3, 4, 5], 9)) == "D"  # one Sunday without a row is a gap
    assert infer_frequency(days([0, 1, 2, 3, 4, 5], 16)) == "C-MON,TUE,WED,THU,FRI,SAT"


def test_a_row_out_of_the_week_now_and_then_does_not_open_a_day():
    index = days([0, 1, 2, 3, 4]).union(pd.DatetimeIndex(["2024-06-15"]))  # a Saturday made up for
    assert infer_frequency(index) == "B"


def test_a_calendar_says_which_days_of_an_unusual_week_are_next():
    index = days([6, 0, 1, 2, 3])
    assert after(index, 3, calendar="24/7") == ["2024-07-19", "2024-07-20", "2024-07-21"]


@pytest.mark.parametrize("months", [1, 2, 3, 4, 5, 6, 12, 24, 120])
@pytest.mark.parametrize("day", ["MS", "ME", "BME", "BMS"])
def test_steps_of_months_are_continued_exactly(months, day):
    index = pd.date_range("1990-01-01", periods=24, freq=f"{months}{day}")
    assert after(index[:-4], 4, end="2300-01-01") == [str(date.date()) for date in index[-4:]]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 2, 3, 4, 6, 12]), st.integers(1, 31), st.integers(1, 12), st.integers(14, 40))
def test_any_day_of_the_month_is_kept(months, day, month, rows):
    firsts = [pd.Timestamp(1960, month, 1) + pd.DateOffset(months=months * step) for step in range(rows + 3)]
    index = pd.DatetimeIndex([first.replace(day=min(day, first.days_in_month)) for first in firsts])
    if index[:rows].day.max() == day:
        assert after(index[:rows]) == [str(date.date()) for date in index[rows:]]
    assert examine(DataConfig(), frame_of(index[:rows])).as_json()["gap_rows"] == 0


@pytest.mark.parametrize("pair", [(1, 15), (1, 16), (15, 31), (5, 20), (10, 25), (15, 30)])
@pytest.mark.parametrize("rows", [24, 37])
def test_two_dates_a_month_are_continued_exactly(pair, rows):
    firsts = [pd.Timestamp(2022, 11, 1) + pd.DateOffset(months=step) for step in range(25)]
    index = pd.DatetimeIndex([first.replace(day=min(day, first.days_in_month)) for first in firsts for day in pair])
    assert infer_frequency(index[:rows]) == f"SM-{pair[0]},{pair[1]}"
    assert after(index[:rows], 4) == [str(date.date()) for date in index[rows : rows + 4]]
    gap = examine(DataConfig(), frame_of(index[:rows].delete(9)))
    assert gap.as_json()["gap_rows"] == 1
    assert gap.step.startswith("twice a month, on days")


def test_weeks_and_days_are_no_months():
    for frequency, alias in (("28D", "4W-MON"), ("56D", "8W-MON"), ("30D", "30D"), ("14D", "2W-MON"), ("365D", "365D")):
        index = pd.date_range("2001-01-01", periods=30, freq=frequency)
        assert infer_frequency(index) == alias
        assert pd.DatetimeIndex(after(index, end="2200-01-01"))[0] == index[-1] + pd.Timedelta(frequency)


def test_a_weekday_of_each_month_is_kept():
    fridays = pd.date_range("2020-01-01", periods=40, freq="WOM-3FRI")
    assert after(fridays[:-3]) == [str(date.date()) for date in fridays[-3:]]


def irregular(seed=0, rows=276, span=1489):
    random = np.random.default_rng(seed)
    return pd.date_range("2020-01-01", periods=span)[np.sort(random.choice(span, rows, replace=False))]


@pytest.mark.parametrize("seed", range(5))
def test_irregular_dates_are_not_called_regular(seed):
    index = irregular(seed)
    found = examine(DataConfig(), frame_of(index))
    assert (found.step, found.as_json()["frequency"]) == ("irregular", None)
    assert any("The dates keep no step: fit needs one step" in note for note in found.as_json()["notes"])
    with pytest.raises(DataError, match=r"series: the dates must keep a step.*Received: 276 rows from 2020-.*Resample"):
        load_series(DataConfig(), frame_of(index))
    later = after(index, 2, calendar="24/7")  # the remedy that the message names
    assert later == [str((index[-1] + pd.Timedelta(days=day)).date()) for day in (1, 2)]


def test_times_without_a_step_are_refused_too():
    random = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=300, freq="10min") + pd.to_timedelta(random.integers(0, 60, 300), "s")
    with pytest.raises(DataError, match=r"must keep a step.*Resample to one step\."):
        load_series(DataConfig(), frame_of(times))


@settings(max_examples=40, deadline=None, derandomize=True)  # chance tells: always the same tables
@given(
    st.sampled_from(["D", "B", "W-SAT", "MS", "ME", "h", "15min"]),
    st.integers(30, 400),
    st.floats(0, 0.3),
    st.integers(0, 2**32 - 1),
)
def test_moderate_gaps_hide_no_step(frequency, rows, missing, seed):
    whole = pd.date_range("2001-01-01", periods=rows, freq=frequency)
    index = whole[np.random.default_rng(seed).random(rows) >= missing]
    assert infer_frequency(index) == frequency


def test_a_long_hole_hides_no_step():
    index = pd.date_range("2001-01-01", periods=300).append(pd.date_range("2011-01-01", periods=300))
    assert infer_frequency(index) == "D"
    assert examine(DataConfig(), frame_of(index)).as_json()["gap_rows"] == 3352


def test_tenths_of_a_second():
    index = pd.date_range("2024-01-01", periods=100, freq="100ms")
    assert infer_frequency(index) == "100ms"
    assert after(index, 1) == ["2024-01-01 00:00:10"]

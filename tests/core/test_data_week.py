"""Bars go on at the hours of the week that a table keeps: nothing while it rests, and no hour twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.calendars import future_index
from kerasforecast.data.check import examine
from kerasforecast.data.load import load_series
from kerasforecast.sections.data import DataConfig


def after(index, steps=3, **options):
    frame = pd.DataFrame({"y": 100 + np.arange(len(index)) % 7 + 0.5}, index=pd.DatetimeIndex(index))
    return future_index(load_series(DataConfig(**options), frame), steps)


def currencies(end, opening=22, last=20, start="2024-01-07"):
    """Hours from Sunday evening to Friday evening."""
    index = pd.date_range(start, end, freq="h")
    hour = index.day_of_week * 24 + index.hour
    return index[(hour <= 4 * 24 + last) | (hour >= 6 * 24 + opening)]


@pytest.mark.parametrize("calendar", [None, "24/5"])
def test_currencies_rest_at_weekends(calendar):
    index = currencies("2024-03-08 20:00")
    assert after(index, 2, calendar=calendar).tolist() == [
        pd.Timestamp("2024-03-10 22:00"),  # the table has Sunday evenings, which the calendar calls closed
        pd.Timestamp("2024-03-10 23:00"),
    ]
    assert after(index[:-3], 4, calendar=calendar)[2:].tolist() == [
        pd.Timestamp("2024-03-08 20:00"),
        pd.Timestamp("2024-03-10 22:00"),
    ]


def test_the_calendar_rests_where_the_table_is_too_short_to_tell():
    index = pd.date_range("2024-03-07 10:00", "2024-03-08 20:00", freq="h")
    later = after(index, 5, calendar="24/5")
    assert [str(date) for date in later[[2, 3]]] == ["2024-03-08 23:00:00", "2024-03-11 00:00:00"]
    assert str(after(index, 5)[3]) == "2024-03-09 00:00:00"  # nothing is known of weekends


def test_one_weekend_seen_is_enough():
    assert str(after(currencies("2024-01-19 20:00"), 1)[0]) == "2024-01-21 22:00:00"


def test_the_check_says_so():
    index = currencies("2024-03-08 20:00")
    found = examine(DataConfig(), pd.DataFrame({"y": np.arange(len(index)) % 7 + 1.0}, index=index))
    assert "Rows come at 119 times of the week (last 8 weeks): forecasts skip the others." in found.series.notes


def new_york(days, zone, step=30):
    opening = pd.Timedelta(hours=9.5)
    times = [day + opening + pd.Timedelta(minutes=step * bar) for day in days for bar in range(390 // step)]
    return pd.DatetimeIndex(times).tz_localize("America/New_York").tz_convert(zone).tz_localize(None)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("last", ["2024-03-08", "2024-03-11", "2024-03-13", "2024-03-22", "2024-04-10", "2024-11-06"])
@pytest.mark.parametrize("calendar", [None, "XNYS"])
def test_a_change_of_clocks_doubles_no_bar(zone, last, calendar):
    days = pd.bdate_range(end=last, periods=50)
    known = new_york(days, zone)
    coming = new_york(pd.bdate_range(days[-1] + pd.Timedelta(days=1), periods=2), zone)
    later = after(known, len(coming), calendar=calendar)
    per_day = pd.Series(later.normalize()).value_counts()
    assert (per_day <= 13).all()
    if last not in ("2024-03-08",) and not (zone == "Europe/Berlin" and last == "2024-03-22"):
        # On the eve of a change nobody can know of it from the table alone.
        assert later.equals(coming)


def test_a_half_day_by_a_clock_of_utc():
    days = pd.bdate_range(end="2024-07-02", periods=40)
    later = after(new_york(days, "UTC"), 8, calendar="XNYS")
    assert [str(date) for date in later[[6, 7]]] == ["2024-07-03 16:30:00", "2024-07-05 13:30:00"]


@settings(max_examples=40, deadline=None, derandomize=True)  # chance tells: always the same tables
@given(
    st.sets(st.integers(0, 6), min_size=1, max_size=7),
    st.integers(0, 12),
    st.integers(3, 11),
    st.floats(0, 0.2),
    st.integers(0, 2**32 - 1),
)
def test_any_opening_hours_are_kept_in_spite_of_gaps(weekdays, opens, hours, missing, seed):
    every = pd.date_range("2024-01-01", periods=24 * 7 * 10, freq="h")
    shop = every[every.day_of_week.isin(sorted(weekdays)) & (every.hour >= opens) & (every.hour < opens + hours)]
    index = shop[np.random.default_rng(seed).random(len(shop)) >= missing]
    later = after(index, 3 * hours)
    assert set(later.day_of_week) <= weekdays
    assert set(later.hour) <= set(range(opens, opens + hours))


@settings(max_examples=20, deadline=None, derandomize=True)  # chance tells: always the same tables
@given(st.integers(60, 1500), st.floats(0, 0.2), st.integers(0, 2**32 - 1))
def test_hours_that_are_missing_here_and_there_are_not_closed(rows, missing, seed):
    every = pd.date_range("2024-01-01", periods=rows, freq="h")
    index = every[np.random.default_rng(seed).random(rows) >= missing]
    assert (np.diff(after(index, 48)) == pd.Timedelta(hours=1)).all()


@pytest.mark.parametrize("step", ["4h", "5h", "7h", "90min", "36h"])
def test_steps_that_no_day_holds_go_around_the_clock(step):
    index = pd.date_range("2024-01-01", periods=500, freq=step)
    assert after(index, 3).equals(pd.date_range(index[-1], periods=4, freq=step)[1:])


def test_two_bars_a_day():
    days = pd.bdate_range("2024-01-01", "2024-03-01")
    index = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in days for hour in (10, 16)])
    assert [str(date) for date in after(index, 3)] == [
        "2024-03-04 10:00:00",
        "2024-03-04 16:00:00",
        "2024-03-05 10:00:00",
    ]

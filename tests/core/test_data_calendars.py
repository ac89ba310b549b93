"""The dates that follow a series: sessions of a market, or the step of its own dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.calendars import calendar_of_ticker, future_index
from kerasforecast.data.frequency import infer_frequency
from kerasforecast.data.load import load_series
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, OptionError
from kerasforecast.sections.data import DataConfig


def after(index, steps=3, calendar=None, drop=()):
    """Dates after `index` (less the dates in `drop`), as text."""
    index = pd.DatetimeIndex(index)
    index = index[~index.isin(pd.DatetimeIndex(drop))]
    frame = pd.DataFrame({"Close": 100 + np.arange(len(index)) % 7 + 0.5}, index=index)
    series = load_series(DataConfig(calendar=calendar, end="2200-01-01"), frame)
    return [str(date).removesuffix(" 00:00:00") for date in future_index(series, steps)]


def daily(last, n=40):
    return pd.bdate_range(end=last, periods=n)


@pytest.mark.parametrize(
    ("calendar", "last", "expected"),
    [
        ("XNYS", "2024-12-24", ["2024-12-26", "2024-12-27", "2024-12-30"]),  # after a half day, Christmas
        ("XNYS", "2024-07-03", ["2024-07-05", "2024-07-08", "2024-07-09"]),  # half day, Independence Day
        ("XNYS", "2024-11-27", ["2024-11-29", "2024-12-02", "2024-12-03"]),  # Thanksgiving, then a half day
        ("XNYS", "2001-09-10", ["2001-09-17", "2001-09-18", "2001-09-19"]),  # closed for a week
        ("XNYS", "2025-01-08", ["2025-01-10", "2025-01-13", "2025-01-14"]),  # a day of mourning
        ("XNYS", "2024-02-28", ["2024-02-29", "2024-03-01", "2024-03-04"]),  # a leap day
        ("BVMF", "2024-11-14", ["2024-11-18", "2024-11-19", "2024-11-21"]),  # Republic, Black Consciousness
        ("BVMF", "2024-02-09", ["2024-02-14", "2024-02-15", "2024-02-16"]),  # carnival
        ("XLON", "2024-05-24", ["2024-05-28", "2024-05-29", "2024-05-30"]),
        ("24/7", "2024-12-24", ["2024-12-25", "2024-12-26", "2024-12-27"]),
        ("24/7", "2024-12-27", ["2024-12-28", "2024-12-29", "2024-12-30"]),
    ],
)
def test_next_sessions(calendar, last, expected):
    assert after(daily(last), 3, calendar) == expected


def test_sample_follows_new_york():
    later = future_index(load_series(DataConfig()), 20)
    assert later[0] == pd.Timestamp("2013-03-04")
    assert pd.Timestamp("2013-03-29") not in later  # Good Friday


@pytest.mark.parametrize(
    ("frequency", "last", "alias", "expected"),
    [
        ("B", "2024-02-28", "B", ["2024-02-29", "2024-03-01", "2024-03-04"]),
        ("D", "2024-02-28", "D", ["2024-02-29", "2024-03-01", "2024-03-02"]),
        ("D", "2023-02-28", "D", ["2023-03-01", "2023-03-02", "2023-03-03"]),
        ("W-SAT", "2024-02-24", "W-SAT", ["2024-03-02", "2024-03-09", "2024-03-16"]),
        ("2W-MON", "2024-02-26", "2W-MON", ["2024-03-11", "2024-03-25", "2024-04-08"]),
        ("ME", "2024-01-31", "ME", ["2024-02-29", "2024-03-31", "2024-04-30"]),
        ("ME", "2023-01-31", "ME", ["2023-02-28", "2023-03-31", "2023-04-30"]),
        ("MS", "2024-01-01", "MS", ["2024-02-01", "2024-03-01", "2024-04-01"]),
        ("BME", "2024-02-29", "BME", ["2024-03-29", "2024-04-30", "2024-05-31"]),
        ("QE-DEC", "2023-12-31", "QE-DEC", ["2024-03-31", "2024-06-30", "2024-09-30"]),
        ("QS-OCT", "2024-01-01", "QS-OCT", ["2024-04-01", "2024-07-01", "2024-10-01"]),
        ("QE-NOV", "2024-02-29", "QE-NOV", ["2024-05-31", "2024-08-31", "2024-11-30"]),
        ("YE-DEC", "2023-12-31", "YE-DEC", ["2024-12-31", "2025-12-31", "2026-12-31"]),
        ("YS-JUL", "2023-07-01", "YS-JUL", ["2024-07-01", "2025-07-01", "2026-07-01"]),
        ("h", "2024-02-28 23:00", "h", ["2024-02-29", "2024-02-29 01:00:00", "2024-02-29 02:00:00"]),
        ("30min", "2024-02-28 23:30", "30min", ["2024-02-29", "2024-02-29 00:30:00", "2024-02-29 01:00:00"]),
        ("15min", "2024-12-31 23:45", "15min", ["2025-01-01", "2025-01-01 00:15:00", "2025-01-01 00:30:00"]),
    ],
)
def test_inferred_step(frequency, last, alias, expected):
    index = pd.date_range(end=last, periods=200 if "min" in frequency or frequency == "h" else 30, freq=frequency)
    assert infer_frequency(index) == alias
    assert after(index) == expected


def test_another_day_of_the_month_is_kept():
    middle = [pd.Timestamp("2023-01-15") + pd.DateOffset(months=month) for month in range(14)]
    assert after(middle) == ["2024-03-15", "2024-04-15", "2024-05-15"]
    thirtieth = [pd.Timestamp("2022-12-30") + pd.DateOffset(months=month) for month in range(15)]  # ends 2024-02-29
    assert after(thirtieth) == ["2024-03-30", "2024-04-30", "2024-05-30"]


def test_gaps_do_not_hide_the_step():
    weekly = pd.date_range("2020-01-04", periods=120, freq="W-SAT")
    assert after(weekly, 2, drop=weekly[[5, 6, 50, 51, 52, 90]]) == ["2022-04-23", "2022-04-30"]
    sessions = pd.bdate_range("2023-01-02", "2024-06-28")
    holidays = ["2023-05-01", "2023-12-25", "2023-12-26", "2024-01-01", "2024-04-01"]
    assert after(sessions, 2, drop=holidays) == ["2024-07-01", "2024-07-02"]


def bars(days, first="09:30", last="15:30", step="30min"):
    return pd.DatetimeIndex(
        [bar for day in days for bar in pd.date_range(f"{day} {first}", f"{day} {last}", freq=step)]
    )


def dates(start, end):
    return [str(day.date()) for day in pd.bdate_range(start, end)]


def test_bars_of_sessions_go_on_the_next_session():
    week = bars(dates("2024-12-02", "2024-12-13"))
    assert after(week, 2) == ["2024-12-16 09:30:00", "2024-12-16 10:00:00"]
    christmas = bars(dates("2024-12-09", "2024-12-23"))
    later = after(christmas, 22, "XNYS")
    assert later[0] == "2024-12-24 09:30:00"
    assert later[6] == "2024-12-24 12:30:00"  # the last bar of the half day
    assert later[7] == "2024-12-26 09:30:00"
    assert later[20] == "2024-12-27 09:30:00"


@pytest.mark.parametrize(("last", "following"), [("2024-03-08", "2024-03-11"), ("2024-11-01", "2024-11-04")])
@pytest.mark.parametrize("step", ["15min", "30min"])
def test_sessions_keep_local_hours_over_both_clock_changes(last, following, step):
    index = bars(
        dates(pd.Timestamp(last) - pd.Timedelta(days=20), last), "09:30", "15:45" if step == "15min" else "15:30", step
    )
    assert after(index, 1, "XNYS") == [f"{following} 09:30:00"]
    zoned = index.tz_localize("America/New_York")
    assert after(zoned, 1, "XNYS") == [f"{following} 09:30:00"]


@pytest.mark.parametrize("day", ["2024-03-10", "2024-11-03"])
def test_hours_around_the_clock_change_stay_an_hour_apart(day):
    start = pd.Timestamp(day, tz="America/New_York") - pd.Timedelta(days=10)
    index = pd.date_range(start, periods=24 * 20, freq="h")  # crosses the change
    frame = pd.DataFrame({"y": np.arange(len(index)) + 1.5}, index=index)
    series = load_series(DataConfig(), frame)
    assert set(np.diff(series.index.asi8)) == {np.diff(series.index.asi8)[0]}
    assert any("UTC" in note for note in series.notes)
    assert future_index(series, 1)[0] == index[-1].tz_convert("UTC").tz_localize(None) + pd.Timedelta(hours=1)


def test_offsets_in_a_file_over_the_clock_change(tmp_path):
    path = tmp_path / "bars.csv"
    index = bars(dates("2024-03-04", "2024-03-15")).tz_localize("America/New_York")
    path.write_text("Datetime,Close\n" + "\n".join(f"{date},{100 + step}" for step, date in enumerate(index)))
    series = load_series(DataConfig(file=str(path), calendar="XNYS"))
    assert series.index.equals(index.tz_localize(None))
    assert future_index(series, 1)[0] == pd.Timestamp("2024-03-18 09:30")


def test_local_hours_with_the_gap_of_spring_load():
    index = pd.date_range("2024-03-09", periods=60, freq="h")
    index = index[index != pd.Timestamp("2024-03-10 02:00")]
    assert after(index, 1) == ["2024-03-11 12:00:00"]


def test_weekly_bars_of_a_market_are_dated_by_the_week():
    assert after(pd.date_range("2024-01-01", periods=30, freq="W-MON"), 2, "XNYS") == ["2024-07-29", "2024-08-05"]


def test_integer_steps():
    series = load_series(DataConfig(), pd.DataFrame({"y": [1.0, 2.0, 4.0]}))
    assert list(future_index(series, 3)) == [3, 4, 5]
    fives = Series(np.ones((3, 1)), pd.Index([0, 5, 10]), ("y",))
    assert list(future_index(fives, 2)) == [15, 20]


@pytest.mark.parametrize(
    ("ticker", "code"),
    [("AAPL", "XNYS"), ("petr4.sa", "BVMF"), ("BTC-USD", "24/7"), ("EURUSD=X", "24/5"), ("BRK-B", "XNYS"),
     ("VOD.L", "XLON"), ("^BVSP", "BVMF"), ("^GSPC", "XNYS"), ("7203.T", "XTKS"), ("BF.B", "XNYS")],
)  # fmt: skip
def test_calendar_of_a_ticker(ticker, code):
    assert calendar_of_ticker(ticker) == code


def test_every_exchange_suffix_has_a_known_calendar():
    import exchange_calendars

    from kerasforecast.data.calendars import _BY_SUFFIX, _INDICES

    known = set(exchange_calendars.get_calendar_names(include_aliases=True))
    assert set(_BY_SUFFIX.values()) | set(_INDICES.values()) <= known


def test_refusals():
    with pytest.raises(OptionError, match=r"--steps must be 1 or more\. Received: 0"):
        future_index(load_series(DataConfig()), 0)
    with pytest.raises(OptionError, match=r"--calendar must be a code of exchange-calendars\. Received: 'MOON'"):
        after(daily("2024-01-05"), 1, "MOON")
    with pytest.raises(DataError, match="Calendar XNYS"):
        after(daily("2024-01-05"), 3_000_000, "XNYS")

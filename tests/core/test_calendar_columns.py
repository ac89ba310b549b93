"""Columns that the dates give: found, marked, in their own range for the network, and known for rows ahead."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.artifact.inputs import panel_for
from kerasforecast.artifact.roles import Roles
from kerasforecast.data.calendar_choice import with_calendar
from kerasforecast.data.calendar_columns import calendar_columns, held_beyond
from kerasforecast.data.date_features import FEATURES, calendar_values
from kerasforecast.data.load import load_panel, load_series
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, OptionError
from kerasforecast.forecasting.outside import unscaled
from kerasforecast.preprocessing.covariates import fit_covariates
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.sections.data import DataConfig

HOURS = pd.date_range("2024-01-01 05:00", periods=400, freq="h")


def load_of(index=HOURS, **columns):
    values = 100 + np.random.default_rng(0).normal(size=len(index))
    return pd.DataFrame({"y": values, **columns}, index=index)


def test_features_by_name_and_own_columns_are_known_ahead():
    frame = load_of(Std=HOURS.hour, Temperature=np.arange(400) % 23 + 0.5, Wday=HOURS.day_of_week + 1)
    panel = load_panel(DataConfig(past=("Std", "Temperature", "Wday"), calendar_features=("weekend",)), frame)
    assert panel.calendar_columns == {"Std": "hour", "Wday": "weekday_from_monday_1", "weekend": "weekend"}
    assert panel.columns == ("y", "Temperature", "Std", "Wday", "weekend")
    assert panel.roles == ("target", "past", "known", "known", "known")
    assert "Column Std is the hour of the dates." in panel.notes
    assert panel[0].calendar_columns == panel.calendar_columns


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(FEATURES)), st.sampled_from(["h", "D", "15min", "W-SUN"]), st.integers(0, 2**32 - 1))
def test_a_column_is_known_only_where_every_row_of_it_is(feature, frequency, seed):
    index = pd.date_range("2020-03-01", periods=1500, freq=frequency)
    own = calendar_values(feature, index)
    values = np.stack([np.ones(1500), own], axis=1)
    turns = (np.diff(own) > 0).any() if feature == "year" else (np.diff(own) < 0).any()
    found = calendar_columns(values, index, ("y", "x"))
    assert bool(found) == bool(turns)
    assert all(np.array_equal(calendar_values(name, index), own) for name in found.values())
    row = int(np.random.default_rng(seed).integers(1500))
    values[row, 1] += 1
    assert calendar_columns(values, index, ("y", "x")) == {}


def test_the_range_of_a_feature_holds_all_its_values():
    index = pd.date_range("1996-01-01", "2030-12-31", freq="7h")
    for feature, rule in FEATURES.items():
        values = calendar_values(feature, index)
        assert rule.low <= values.min()
        assert values.max() <= rule.high
        if feature != "year":
            assert (values.min(), values.max()) == (rule.low, rule.high) or feature == "minute"


def test_a_count_of_rows_is_no_month():
    index = pd.date_range("2024-01-01", periods=12, freq="MS")
    assert calendar_columns(np.stack([np.ones(12), np.arange(12) + 1.0], axis=1), index, ("y", "trend")) == {}


def test_the_network_is_shown_their_range_whatever_training_has_seen():
    index = pd.date_range("2021-01-01", periods=900)
    frame = load_of(index, Other=np.random.default_rng(1).normal(100, 1, 900))
    frame["Month"] = index.month
    panel = load_panel(DataConfig(past=("Month", "Other"), calendar_features="weekday"), frame)
    fitted = fit_covariates(panel, panel.values[:60])  # January and February
    seen = fitted.known_inputs(panel.values[None, :, 2:], None, unscaled(1))[0]
    assert seen[:, 0] == pytest.approx((index.month.to_numpy() - 6.5) / 5.5, abs=1e-6)
    assert seen[:, 1] == pytest.approx(np.sin(2 * np.pi * index.day_of_week.to_numpy() / 7), abs=1e-6)


def test_an_ordinary_day_is_nothing_to_the_network():
    index = pd.date_range("2023-12-01", periods=900)
    panel = load_panel(DataConfig(calendar_features="weekend", holidays="US"), load_of(index))
    fitted = fit_covariates(panel, panel.values[:600])
    seen = fitted.known_inputs(panel.values[None, :, 1:], None, unscaled(1))[0]
    assert np.array_equal(seen, panel.values[:, 1:])
    assert set(np.unique(seen)) == {0, 1}


def test_windows_know_the_calendar_of_the_rows_that_they_forecast():
    panel = load_panel(DataConfig(past=("Std", "Load")), load_of(Std=HOURS.hour, Load=np.arange(400.0) % 7))
    batch = windows_of(panel, np.array([50]), 8, 3).batch()
    assert batch.past.shape == (1, 8, 2)
    assert batch.known[0, :, 0].tolist() == HOURS.hour[43:54].tolist()
    later = panel.reaching(HOURS[-1] + pd.to_timedelta([1, 2, 3], "h"))
    assert windows_of(later, np.array([399]), 8, 3).batch().known[0, -3:, 0].tolist() == [21, 22, 23]
    assert np.isnan(windows_of(later, np.array([398]), 8, 3).targets()[0, 1:]).all()
    assert len(later[0]) == 400
    plain = load_panel(DataConfig(past=("Load",)), load_of(Load=np.arange(400.0) % 7))
    assert plain.reaching(HOURS[-1] + pd.to_timedelta([1], "h")) is plain
    assert windows_of(plain, np.array([50]), 8, 3).batch().known is None


def test_calendar_columns_of_a_series_are_its_last():
    index = HOURS[:30]
    values = np.stack([np.ones(30), index.hour, np.arange(30.0)], axis=1)
    with pytest.raises(DataError, match="calendar columns must be the last"):
        Series(values, index, ("y", "Hour", "x"), calendar_columns={"Hour": "hour"})


def test_columns_known_ahead_otherwise_are_still_refused():
    panel = Panel.of(load_series(DataConfig(calendar_features="hour"), load_of()))
    panel.single("windows")
    fields = {name: getattr(panel, name) for name in Panel.__dataclass_fields__}
    other = Panel(**fields | {"calendar_columns": {}})
    with pytest.raises(DataError, match="Known and static columns are none of windows"):
        other.single("windows")


def test_what_is_held_is_said():
    assert held_beyond(("y", "A", "B"), 1, 24) == ["Beyond the horizon of 1, A, B are held at the last value."]
    assert held_beyond(("y", "A"), 1, 24) == ["Beyond the horizon of 1, A is held at the last value."]
    assert held_beyond(("y", "A", "B"), 24, 24) == []
    assert held_beyond(("y",), 1, 24) == []
    assert held_beyond(("y", *"ABCDEFG"), 1, 2) == [
        "Beyond the horizon of 1, A, B, C, D, E and 2 more are held at the last value."
    ]


@pytest.mark.parametrize(
    "feature", ["hour", "hour_sin", "day_of_year_cos", "holiday:BR", "holidays_in_week:AU-VIC", "hour@UTC"]
)
def test_a_manifest_names_features_that_there_are(feature):
    assert Roles(target="y", known=("Hour",), calendar={"Hour": feature}).columns == ("y", "Hour")


WRONG = ["moon", "hour_tan", "holiday", "holiday:", "holiday:br", "holiday:BR-", "moon:BR", "holiday:BR\n", "__sin"]
WRONG += ["hour@", "hour@../x", "@UTC", "hour@UTC@UTC"]


@pytest.mark.parametrize("wrong", [{"Minute": "hour"}, {"y": "hour"}, *({"Hour": name} for name in WRONG)])
def test_a_manifest_names_no_others(wrong):
    with pytest.raises(ValueError, match="calendar must name known columns and features of dates"):
        Roles(target="y", known=("Hour",), calendar=wrong)


class Manifest:
    """As much of one as reading data needs."""

    def __init__(self):
        self.roles = Roles(target="y", known=("Hour",), calendar={"Hour": "hour"})
        self.columns, self.members, self.data = self.roles.columns, (), None


def test_new_rows_must_keep_the_calendar_that_training_had():
    index = HOURS[:30]  # too few rows to find it anew
    series = Series(np.stack([np.ones(30), index.hour], axis=1), index, ("y", "Hour"))
    assert panel_for(Manifest(), series, {}).calendar_columns == {"Hour": "hour"}
    local = Series(np.stack([np.ones(30), (index.hour + 2) % 24], axis=1), index, ("y", "Hour"))
    with pytest.raises(DataError, match=r"Column Hour must be the hour of the dates, as in training. Received: 7.0 at"):
        panel_for(Manifest(), local, {})
    undated = Series(series.values, pd.RangeIndex(30), ("y", "Hour"))
    with pytest.raises(DataError, match="Received: rows without dates"):
        panel_for(Manifest(), undated, {})


def dated(index, **options):
    frame = pd.DataFrame({"y": np.arange(len(index)) % 9 + 1.0}, index)
    return load_panel(DataConfig(end="2261-01-01", **options), frame)


@pytest.mark.parametrize(
    ("step", "rows", "taken"),
    [
        ("15min", 96 * 15, "hour, weekday; not day_of_year"),
        ("30min", 48 * 731, "hour, weekday, day_of_year"),
        ("h", 30, "none; not hour, weekday, day_of_year"),
        ("D", 800, "weekday, day_of_year"),
        ("B", 700, "weekday, day_of_year"),
        ("W-SUN", 120, "day_of_year"),
        ("ME", 30, "month"),
        ("MS", 20, "none; not month"),
        ("QS", 12, "quarter"),
    ],
)
def test_auto_takes_what_suits_the_step_and_says_so(step, rows, taken):
    panel = dated(pd.date_range("2000-01-01", periods=rows, freq=step), calendar_features="auto")
    assert next(note for note in panel.notes if note.startswith("Calendar features: ")).startswith(
        f"Calendar features: {taken}"
    )
    names = [name for name in taken.partition(";")[0].split(", ") if name != "none"]
    assert panel.known_columns == tuple(f"{name}_{wave}" for name in names for wave in ("sin", "cos"))


def test_years_have_no_cycle_and_that_is_said():
    panel = dated(pd.date_range("1950-01-01", periods=30, freq="YS"), calendar_features="auto")
    assert panel.known_columns == ()
    assert "Calendar features: none, since dates a year apart have no cycle." in panel.notes


def test_nothing_asked_for_changes_nothing():
    frame = load_of()
    plain = load_panel(DataConfig(), frame)
    for nothing in ((), "none"):
        panel = load_panel(DataConfig(calendar_features=nothing), frame)
        assert (panel.sha256, panel.columns, panel.notes) == (plain.sha256, plain.columns, plain.notes)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["minute", "hour", "weekday", "day", "day_of_year", "week", "month", "quarter"]),
    st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")),
)
def test_a_pair_tells_where_in_its_cycle_a_date_stands(name, start):
    index = pd.date_range(pd.Timestamp(start).floor("s"), periods=800, freq="11h")
    sine, cosine = (calendar_values(f"{name}_{wave}", index) for wave in ("sin", "cos"))
    assert sine**2 + cosine**2 == pytest.approx(1)
    turn = np.arctan2(sine, cosine) % (2 * np.pi) / (2 * np.pi)
    own = FEATURES[name].of(index) if name != "hour" else index.hour + index.minute / 60 + index.second / 3600
    low, high = FEATURES[name].low, FEATURES[name].high + 1
    about = (np.asarray(own, float) - low) / (high - low)
    gap = np.abs(turn - about)
    assert np.minimum(gap, 1 - gap).max() < {"minute": 0.02, "day": 0.11, "week": 0.03}.get(name, 0.004)


def test_the_last_day_of_a_year_is_next_to_the_first():
    index = pd.DatetimeIndex(["2023-12-31", "2024-01-01", "2024-12-31", "2025-01-01", "2026-12-31 23:59", "2027-01-01"])
    for name in ("day_of_year", "hour", "day"):
        both = np.stack([calendar_values(f"{name}_{wave}", index) for wave in ("sin", "cos")], axis=1)
        steps = np.linalg.norm(np.diff(both, axis=0), axis=1)[[0, 2, 4]]
        assert (steps < 2 * np.pi / {"day_of_year": 365, "hour": 24, "day": 31}[name] + 1e-9).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"calendar_features": "moon"}, "must be auto, none or some of minute, hour, weekday, .*Received: 'moon'"),
        ({"calendar_features": ("auto", "hour")}, "auto and none stand alone"),
        ({"holidays": "XX"}, "--holidays must be a country of the library holidays.*Near it: "),
        ({"holidays": "Brazil"}, "Received: 'Brazil'. Near it: BR"),
        ({"holidays": "AU-VC"}, "Near it: .*AU-VIC"),
        ({"holidays": "../etc"}, "--holidays must be a country"),
        ({"past": ("hour", "weekday")}, "Use --calendar-features 'hour,weekday'"),
    ],
)
def test_options_that_mean_nothing_are_refused_with_what_is_near(options, words):
    with pytest.raises((DataError, OptionError), match=words) as caught:
        load_panel(DataConfig(**options), load_of())
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("step", "options", "words"),
    [
        ("D", {"calendar_features": "hour"}, "must tell rows that are a day apart from one another, as weekday, "),
        ("MS", {"calendar_features": "weekday"}, "rows that are a month apart"),
        ("YS", {"holidays": "US"}, "--holidays needs rows a day or less, a week"),
        ("2W-SUN", {"holidays": "US"}, "Received: steps of 2W-SUN"),
        ("D", {"past": ("weekday_sin",), "calendar_features": "weekday"}, "Received: weekday_sin as both"),
    ],
)
def test_options_that_say_nothing_of_a_table_are_refused(step, options, words):
    index = pd.date_range("1960-01-01", periods=60, freq=step)
    frame = pd.DataFrame({"y": np.arange(60) % 9 + 1.0, "weekday_sin": np.arange(60.0) % 4}, index)
    with pytest.raises(DataError, match=words):
        load_panel(DataConfig(**options), frame)


@pytest.mark.parametrize("options", [{"calendar_features": "auto"}, {"holidays": "US"}])
def test_steps_without_dates_have_no_calendar(options):
    with pytest.raises(DataError, match=r"needs dates\. Received: integer steps. Leave it out"):
        load_panel(DataConfig(**options), np.arange(30.0) + 1)


def flagged(panel, column):
    values = panel.values[:, panel.columns.index(column)]
    return [str(date.date()) for date in panel.index[values == 1]]


def test_holidays_of_days_and_hours_and_the_days_beside_them():
    days = dated(pd.date_range("2016-04-20", "2016-05-04"), holidays="au-victoria")
    assert days.calendar_columns["holiday"] == "holiday:AU-VIC"
    assert flagged(days, "holiday") == ["2016-04-25"]
    assert flagged(days, "holiday_before") == ["2016-04-24"]
    assert flagged(days, "holiday_after") == ["2016-04-26"]
    assert "Holidays of AU-VIC: 1 from the first to the last date." in days.notes
    hours = dated(pd.date_range("2016-04-24 20:00", periods=40, freq="h"), holidays="AU-VIC")
    assert flagged(hours, "holiday") == ["2016-04-25"] * 24


def test_where_no_rows_come_at_weekends_the_days_beside_a_holiday_are_working_days():
    """Memorial Day, a Monday: of a market the day before it is Friday."""
    panel = dated(pd.bdate_range("2024-05-13", "2024-06-07"), holidays="US")
    assert flagged(panel, "holiday") == ["2024-05-27"]
    assert flagged(panel, "holiday_before") == ["2024-05-24"]
    assert flagged(panel, "holiday_after") == ["2024-05-28"]


@pytest.mark.parametrize(
    ("index", "column", "expected"),
    [
        (["2023-12-18", "2023-12-25", "2024-01-01", "2024-01-08"], "holidays_in_week", [0, 2, 1, 0]),  # from Mondays
        (["2023-12-24", "2023-12-31", "2024-01-07", "2024-01-14"], "holidays_in_week", [0, 2, 1, 0]),  # to Sundays
        (["2024-03-31", "2024-04-30", "2024-05-31", "2024-06-30"], "holidays_in_month", [1, 1, 2, 0]),
        (["2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01"], "holidays_in_month", [1, 1, 2, 0]),
    ],
)
def test_of_weeks_and_months_holidays_are_counted(index, column, expected):
    panel = dated(pd.DatetimeIndex(index), holidays="GB-ENG")
    assert panel.known_columns == (column,)
    assert panel.values[:, 1].tolist() == expected


def test_several_series_get_what_each_alone_gets():
    series = [dated(pd.date_range(start, periods=900))[0] for start in ("2020-01-05", "2019-11-01")]
    panel = Panel.joined(series, ["a", "b"])
    config = DataConfig(calendar_features=("weekday", "year"), holidays="BR")
    found = with_calendar(panel, config)
    alone = [with_calendar(Panel.of(each), config) for each in series]
    assert np.array_equal(found.values, np.concatenate([each.values for each in alone]))
    assert found.calendar_columns == alone[0].calendar_columns
    assert found.roles == ("target", *("known",) * 6)


def test_counts_of_the_rows_of_several_series_are_no_months():
    index = pd.date_range("2024-01-01", periods=12, freq="MS")
    both, values = index.append(index), np.tile(np.stack([np.ones(12), np.arange(12) + 1.0], axis=1), (2, 1))
    assert calendar_columns(values, both, ("y", "trend")) == {"trend": "month"}
    assert calendar_columns(values, both, ("y", "trend"), np.array([0, 12, 24])) == {}


def test_a_place_that_the_library_lacks_is_one_line():
    with pytest.raises(DataError, match=re.escape("The holidays of ZZ-Q must be known to the library holidays.")):
        calendar_values("holiday:ZZ-Q", HOURS)

"""Columns that the dates give: found, marked, in their own range for the network, and known for rows ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.artifact.inputs import panel_for
from kerasforecast.artifact.roles import Roles
from kerasforecast.data.calendar_columns import FEATURES, calendar_columns, calendar_values, held_beyond
from kerasforecast.data.load import load_panel, load_series
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.covariates import fit_covariates
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.sections.data import DataConfig

HOURS = pd.date_range("2024-01-01 05:00", periods=400, freq="h")


def load_of(index=HOURS, **columns):
    values = 100 + np.random.default_rng(0).normal(size=len(index))
    return pd.DataFrame({"y": values, **columns}, index=index)


def test_features_by_name_and_own_columns_are_known_ahead():
    frame = load_of(Std=HOURS.hour, Temperature=np.arange(400) % 23 + 0.5, Wday=HOURS.day_of_week + 1)
    panel = load_panel(DataConfig(past=("hour", "Std", "Temperature", "Wday")), frame)
    assert panel.calendar_columns == {"hour": "hour", "Std": "hour", "Wday": "weekday_from_monday_1"}
    assert panel.columns == ("y", "Temperature", "hour", "Std", "Wday")
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
    panel = load_panel(DataConfig(past=("month", "Other", "weekday")), frame)
    fitted = fit_covariates(panel, panel.values[:60])  # January and February
    seen = fitted.known_inputs(panel.values[None, :, 2:])[0]
    assert seen[:, 0] == pytest.approx((index.month.to_numpy() - 6.5) / 5.5, abs=1e-6)
    assert seen[:, 1] == pytest.approx((index.day_of_week.to_numpy() - 3) / 3, abs=1e-6)


def test_windows_know_the_calendar_of_the_rows_that_they_forecast():
    panel = load_panel(DataConfig(past=("hour", "Load")), load_of(Load=np.arange(400.0) % 7))
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
    panel = Panel.of(load_series(DataConfig(past=("hour",)), load_of()))
    panel.require_past_alone("windows")
    fields = {name: getattr(panel, name) for name in Panel.__dataclass_fields__}
    other = Panel(**fields | {"calendar_columns": {}})
    with pytest.raises(DataError, match="Known and static columns are not supported"):
        other.require_past_alone("windows")


def test_what_is_held_is_said():
    columns = ("y", "hour", "A", "B")
    assert held_beyond(columns, {"hour": "hour"}, 1, 24) == [
        "Beyond the horizon of 1, A, B are held at the last value."
    ]
    assert held_beyond(columns[:3], {"hour": "hour"}, 1, 24) == [
        "Beyond the horizon of 1, A is held at the last value."
    ]
    assert held_beyond(columns, {"hour": "hour"}, 24, 24) == []
    assert held_beyond(columns[:2], {"hour": "hour"}, 1, 24) == []
    assert held_beyond(("y", *"ABCDEFG"), {}, 1, 2) == [
        "Beyond the horizon of 1, A, B, C, D, E and 2 more are held at the last value."
    ]


def test_a_manifest_names_columns_and_features_that_there_are():
    assert Roles(target="y", known=("Hour",), calendar={"Hour": "hour"}).columns == ("y", "Hour")
    for wrong in ({"Minute": "hour"}, {"Hour": "moon"}, {"y": "hour"}):
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

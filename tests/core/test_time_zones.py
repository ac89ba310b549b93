"""What dates give, by the clocks of the zone in which people live."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasforecast.artifact.inputs import panel_for
from kerasforecast.artifact.roles import Roles
from kerasforecast.config import Config, check_effect_on_data
from kerasforecast.data.date_features import calendar_values
from kerasforecast.data.load import load_panel
from kerasforecast.errors import DataError, OptionError
from kerasforecast.sections.data import DataConfig

HOURS = pd.date_range("2024-01-01 05:00", periods=400, freq="h")
MELBOURNE = {"time_zone": "Australia/Melbourne", "holidays": "AU-VIC"}
FRAME = pd.DataFrame({"y": np.arange(400) % 9 + 1.0}, HOURS)


def loaded(index, **options):
    return load_panel(DataConfig(**options), pd.DataFrame({"y": np.arange(len(index)) % 9 + 1.0}, index))


def test_what_dates_give_is_by_the_clocks_of_the_zone_while_dates_stay():
    """Anzac Day of 2016 began at 14:00 UTC the day before: winter in Melbourne, ten hours ahead."""
    index = pd.date_range("2016-04-24 12:00", periods=40, freq="h")
    panel = loaded(index, calendar_features="hour,weekday", **MELBOURNE)
    assert panel.index.equals(index)
    local = index + pd.Timedelta(hours=10)
    for name, cycle in (("hour", local.hour / 24), ("weekday", local.day_of_week / 7)):
        for wave, of in (("sin", np.sin), ("cos", np.cos)):
            column = panel.columns.index(f"{name}_{wave}")
            assert panel.values[:, column] == pytest.approx(of(2 * np.pi * np.asarray(cycle, float)))
    hours = index[panel.values[:, panel.columns.index("holiday")] == 1]
    assert (hours[0], len(hours)) == (pd.Timestamp("2016-04-24 14:00"), 24)
    assert "Holidays of AU-VIC: 1 from the first to the last date." in panel.notes
    assert "Dates are taken as UTC; what they give is by the clocks of Australia/Melbourne." in panel.notes
    assert panel.calendar_columns["holiday"] == "holiday:AU-VIC@Australia/Melbourne"


def test_the_clock_of_a_zone_keeps_summer_time():
    """On the 2nd of October 2016 clocks in Melbourne went from 1:59 to 3:00, at 16:00 UTC of the day before."""
    index = pd.date_range("2016-10-01 14:00", periods=5, freq="h")
    assert calendar_values("hour@Australia/Melbourne", index).tolist() == [0, 1, 3, 4, 5]


def test_rows_ahead_are_by_the_same_clocks():
    panel = loaded(pd.date_range("2016-09-25", periods=24 * 6, freq="h"), calendar_features="hour", **MELBOURNE)
    later = panel.reaching(pd.date_range("2016-10-01", periods=24, freq="h"))
    whole = loaded(pd.date_range("2016-09-25", periods=24 * 7, freq="h"), calendar_features="hour", **MELBOURNE)
    assert np.array_equal(later.values[:, 1:], whole.values[:, 1:])


def test_a_column_of_the_local_hour_is_known_as_such():
    index = pd.date_range("2016-09-25", periods=24 * 14, freq="h")
    local = index.tz_localize("UTC").tz_convert("Australia/Melbourne")
    frame = pd.DataFrame({"y": np.arange(len(index)) % 9 + 1.0, "Hour": local.hour}, index)
    panel = load_panel(DataConfig(past=("Hour",), time_zone="australia/melbourne"), frame)
    assert panel.calendar_columns == {"Hour": "hour@Australia/Melbourne"}
    assert "Column Hour is the hour in Australia/Melbourne of the dates." in panel.notes
    assert load_panel(DataConfig(past=("Hour",)), frame).calendar_columns == {}


@pytest.mark.parametrize("rows", [30, 24 * 30])
def test_dates_with_offsets_are_utc_where_a_zone_is_named(rows):
    """Few rows without a change of clocks would stay local time, and many would not."""
    index = pd.date_range("2016-09-20", periods=rows, freq="h", tz="UTC").tz_convert("Australia/Melbourne")
    values = {"y": np.arange(rows) % 9 + 1.0}
    written = pd.DataFrame({"date": index.strftime("%Y-%m-%dT%H:%M:%S%z"), **values})
    for frame in (pd.DataFrame(values, index), written):
        panel = load_panel(DataConfig(calendar_features="hour", time_zone="Australia/Melbourne"), frame)
        assert panel.index.equals(index.tz_convert("UTC").tz_localize(None))
        hour = np.round(np.arctan2(*panel.values[:, 1:].T) / (2 * np.pi) * 24) % 24
        assert hour.tolist() == index.hour.tolist()


def test_days_alone_have_no_clock():
    days = pd.date_range("2016-01-01", periods=30)
    for index in (days, days.tz_localize("Australia/Melbourne")):
        frame = pd.DataFrame({"y": np.arange(30) % 9 + 1.0}, index)
        with pytest.raises(DataError, match=r"--time-zone needs dates with a time of day\. Received: days alone"):
            load_panel(DataConfig(**MELBOURNE), frame)


def test_whose_clock_counts_is_said_of_hours():
    said = "What dates give is by the clock they are written in; --time-zone names that of the people, if another."
    assert said in loaded(HOURS, calendar_features="hour").notes
    assert said not in loaded(pd.date_range("2020-01-01", periods=30), calendar_features="weekday").notes


@pytest.mark.parametrize(("given", "near"), [("Melbourne", "Australia/Melbourne"), ("../etc/x", ""), ("AEST", "")])
def test_a_zone_that_there_is_not_is_one_line(given, near):
    with pytest.raises(OptionError, match=f"--time-zone must be a name of.*Near it: {near}") as caught:
        load_panel(DataConfig(time_zone=given, calendar_features="hour"), FRAME)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(DataError, match=r"The time zone Nowhere/Else must be known on this machine\. Received: none"):
        calendar_values("hour@Nowhere/Else", HOURS)


def test_a_zone_without_anything_to_compute_is_refused():
    with pytest.raises(OptionError, match="--time-zone has no effect without --calendar-features or --holidays"):
        check_effect_on_data({"time_zone": "UTC"}, DataConfig(time_zone="UTC"))
    check_effect_on_data({"time_zone": "UTC"}, DataConfig(time_zone="UTC", holidays="BR"))


def test_rows_for_a_model_are_read_by_its_clock():
    """A frame of one day in local time is brought to UTC, as the training rows were."""
    index = pd.date_range("2016-04-25", periods=24, freq="h", tz="Australia/Melbourne")

    class Model:
        def __init__(self):
            name = "hour_sin@Australia/Melbourne"
            self.roles = Roles(target="y", known=("hour_sin",), calendar={"hour_sin": name})
            self.columns, self.name, self.members, self.data = self.roles.columns, "load", (), None
            self.config = Config(data=DataConfig(calendar_features="hour", time_zone="Australia/Melbourne"))

    panel = panel_for(Model(), pd.DataFrame({"y": np.arange(24) % 9 + 1.0}, index), {})
    assert panel.index[0] == pd.Timestamp("2016-04-24 14:00")
    assert panel.values[:, 1] == pytest.approx(np.sin(2 * np.pi * np.arange(24) / 24))
    with pytest.raises(OptionError, match="--time-zone has no effect on a trained model"):
        panel_for(Model(), pd.DataFrame({"y": np.arange(24) % 9 + 1.0}, index), {"time_zone": "UTC"})

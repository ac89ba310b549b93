"""Times beside their days, and years, months and days in columns of their own, make one column of dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig
from tests.core.dated_tables import DAYS, HOURS, LEVEL, MONTHS, QUARTERS, ROWS, written

NAMES = "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."
FRENCH = dict(enumerate(NAMES.split(), 1))
BARS = pd.DatetimeIndex([day + pd.Timedelta(minutes=30 * bar) for day in DAYS[:5] for bar in range(12)])


@pytest.mark.parametrize(
    ("names", "day", "clock"),
    [
        (("<DATE>", "<TIME>"), "%Y%m%d", "%H%M%S"),
        (("Date", "Time"), "%Y-%m-%d", "%H%M"),
        (("Datum", "Uhrzeit"), "%d.%m.%Y", "%H:%M"),
        (("Fecha", "bar"), "%Y-%m-%d", "%H:%M:%S"),
    ],
)
@pytest.mark.parametrize("start", ["0h", "9h"])
def test_times_are_joined_to_their_days(load, names, day, clock, start):
    bars = BARS + pd.Timedelta(start)
    table = {"<TICKER>": "X", names[0]: written(bars, day), names[1]: written(bars, clock), "<CLOSE>": LEVEL}
    series = load(table)
    assert series.index.equals(bars)
    assert any(note.startswith(f"Dates are columns {names[0]} and {names[1]} together") for note in series.notes)


@pytest.mark.parametrize("clock", ["%H%M%S", "%H%M"])
def test_times_that_were_taken_for_numbers_get_their_zeros_back(clock):
    times = BARS.strftime(clock).astype(int)
    frame = pd.DataFrame({"Date": BARS.strftime("%Y%m%d").astype(int), "Time": times, "Close": LEVEL})
    assert load_series(DataConfig(), frame).index.equals(BARS)


def test_hours_are_joined_to_their_days(load):
    series = load({"Fecha": written(HOURS, "%Y-%m-%d"), "Hora": HOURS.hour, "y": LEVEL})
    assert series.index.equals(HOURS)


def test_advice_on_repeated_dates_keeps_their_times(load):
    table = {"Date": written(BARS, "%Y%m%d"), "Time": written(BARS, "%H%M%S"), "Close": LEVEL}
    with pytest.raises(DataError, match=r"dates must not repeat.*Use --date-column Date,Time to join the times"):
        load(table, date_column="Date")
    assert load(table, date_column="Date,Time").index.equals(BARS)
    hours = {"Date": written(HOURS, "%Y-%m-%d"), "Hour": HOURS.hour + 1, "y": LEVEL}
    with pytest.raises(DataError, match="If Hour counts the hours of a day, write them into the dates"):
        load(hours)


@pytest.mark.parametrize(
    ("columns", "dates"),
    [
        ({"Year": DAYS.year, "Month": DAYS.month, "Day": DAYS.day}, DAYS),
        ({"Tag": DAYS.day, "Monat": DAYS.month, "Jahr": DAYS.year}, DAYS),
        ({"année": MONTHS.year, "mois": [FRENCH[date.month] for date in MONTHS]}, MONTHS),
        ({"YEAR": QUARTERS.year, "QTR": QUARTERS.quarter}, QUARTERS),
        ({"year": HOURS.year, "month": HOURS.month, "day": HOURS.day, "hour": HOURS.hour}, HOURS),
        ({"Year": 2020, "Month": np.arange(1, 13)}, pd.date_range("2020-01-01", periods=12, freq="MS")),
    ],
)
def test_year_month_and_day_in_columns_of_their_own(load, columns, dates):
    series = load({**columns, "y": LEVEL[: len(dates)]})
    assert series.index.equals(dates.as_unit("us"))
    assert any(note.startswith("Dates are columns ") for note in series.notes)
    named = load({**columns, "y": LEVEL[: len(dates)]}, date_column=",".join(columns))
    assert named.index.equals(series.index)


def test_a_part_that_is_a_feature_stays_one(load):
    series = load({"Year": MONTHS.year, "Month": MONTHS.month, "y": LEVEL}, past=("Month",))
    assert series.index.equals(MONTHS)
    assert series.values[:, 1].tolist() == MONTHS.month.tolist()


def test_a_day_that_the_month_has_not_is_refused_as_written(load):
    days = np.where(np.arange(ROWS) == 20, 31, DAYS.day)
    table = {"Year": DAYS.year, "Month": np.where(np.arange(ROWS) == 20, 2, DAYS.month), "Day": days, "y": LEVEL}
    with pytest.raises(DataError, match=r"column Year: expected a date .* Received: '2023 2 31'"):
        load(table)

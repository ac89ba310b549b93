"""Dates are found whatever their column is called and however they are written, or the table is said to have none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasforecast.data.check import examine
from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig
from tests.core.dated_tables import DAYS, HOURS, LEVEL, MONTHS, ROWS, UNDATED, written


@pytest.mark.parametrize(
    ("name", "cells", "dates"),
    [
        ("observation_date", written(DAYS, "%Y-%m-%d"), DAYS),
        ("Datum", written(DAYS, "%d.%m.%Y"), DAYS),
        ("Gmt time", written(HOURS, "%d.%m.%Y %H:%M:%S.000"), HOURS),
        ("TIME_PERIOD", written(MONTHS, "%YM%m"), MONTHS),
        ("дата", written(DAYS, "%Y-%m-%d"), DAYS),
        ("wann", DAYS, DAYS),
        ("dia", DAYS.strftime("%Y%m%d").astype(int), DAYS),
        ("Tag", written(DAYS, "%d%m%Y"), DAYS),
        ("JJMMTT", DAYS.strftime("%y%m%d").astype(int), DAYS),
        ("periodo", MONTHS.strftime("%Y%m").astype(int), MONTHS),
        ("Ano", np.arange(1950, 1950 + ROWS), pd.date_range("1950-01-01", periods=ROWS, freq="YS")),
        ("stempel", HOURS.as_unit("s").asi8, HOURS),
        ("open_time", HOURS.as_unit("ms").asi8, HOURS),
    ],
)
@pytest.mark.parametrize("newest_first", [False, True])
def test_any_column_that_reads_as_dates_is_taken_and_said(load, name, cells, dates, newest_first):
    step = -1 if newest_first else 1
    series = load({"level": LEVEL[::step], name: list(cells)[::step]}, target="level")
    assert series.index.equals(dates)
    assert series.values[:, 0].tolist() == LEVEL.tolist()
    assert f"Dates: column {name}." in series.notes


@pytest.mark.parametrize(
    ("name", "cells"),
    [("Date", written(DAYS, "%Y-%m-%d")), ("ds", DAYS), ("month", written(MONTHS, "%Y-%m")), ("Unnamed: 0", DAYS)],
)
def test_a_well_known_name_goes_without_saying(load, name, cells):
    assert not any("column" in note for note in load({name: cells, "y": LEVEL}).notes)


def test_several_are_refused_by_name_and_the_remedy_works(load):
    table = {"Datum": written(DAYS, "%Y-%m-%d"), "Verfall am": written(DAYS[::-1], "%d.%m.%Y"), "y": LEVEL}
    with pytest.raises(DataError, match=r"Received: Datum, Verfall am, which all read as dates.*--date-column Datum"):
        load(table)
    assert load(table, date_column="Verfall am").values[0, 0] == LEVEL[-1]


def test_a_well_known_name_comes_before_another_column_of_dates(load):
    series = load({"Expiry": written(DAYS[::-1], "%Y-%m-%d"), "Date": written(DAYS, "%Y-%m-%d"), "y": LEVEL})
    assert series.index.equals(DAYS)
    assert series.notes == ("Not used: Expiry.",)


@pytest.mark.parametrize("coarse", [DAYS.year, written(DAYS, "%Y-%m"), written(DAYS, "%G-W%V")])
@pytest.mark.parametrize("name", ["Year", "Monat"])
@pytest.mark.parametrize("fine", ["Date", "Datum"])
def test_a_year_or_month_made_of_the_dates_is_not_in_their_way(load, coarse, name, fine):
    series = load({name: coarse, fine: written(DAYS, "%Y-%m-%d"), "y": LEVEL})
    assert series.index.equals(DAYS)
    said = [note for note in series.notes if note.startswith("Dates: ")]
    assert all(note.startswith(f"Dates: column {fine}") for note in said)
    assert bool(said) == (fine == "Datum")


def test_the_time_stamp_is_taken_beside_its_day(load):
    series = load({"Date": written(HOURS, "%Y-%m-%d"), "Timestamp": written(HOURS, "%Y-%m-%d %H:%M"), "y": LEVEL})
    assert series.index.equals(HOURS)


def test_repeated_dates_are_still_dates(load):
    with pytest.raises(DataError, match="column Datum: dates must not repeat"):
        load({"Datum": written(DAYS.repeat(2)[:ROWS], "%Y-%m-%d"), "y": LEVEL})
    with pytest.raises(DataError, match="column Jahr: dates must not repeat"):
        load({"Jahr": np.arange(ROWS) // 12 + 1990, "y": LEVEL})


@pytest.mark.parametrize(
    ("name", "dates"), [("Año", np.arange(1990, 2010)), ("periodo", 199_001 + np.arange(12)), ("t", HOURS.asi8[:20])]
)
def test_dates_that_begin_anew_are_still_dates(load, name, dates):
    cells = np.tile(dates, 5)[:ROWS]
    with pytest.raises(DataError, match=f"column {name}: dates must not go back"):
        load({name: cells, "level": LEVEL}, target="level")


def test_a_faulty_row_has_its_address_whatever_the_name(load):
    cells = written(DAYS, "%Y-%m-%d")
    cells[40] = "someday"
    with pytest.raises(DataError, match=r"row 4[02], column observation_date: expected a date .*'someday'"):
        load({"observation_date": cells, "y": LEVEL})


@pytest.mark.parametrize(
    "numbers",
    [
        np.random.default_rng(1).integers(1_700, 2_200, ROWS),  # visitors, not years
        np.cumsum(np.random.default_rng(1).integers(1, 9, ROWS)) + 1_700,  # all visitors so far
        np.arange(ROWS) * 10 + 1_700,
        np.cumsum(np.random.default_rng(1).integers(100, 900, ROWS)) + 1_234_567_890,  # a meter, no Unix times
        np.cumsum(np.random.default_rng(1).integers(10**9, 10**10, ROWS)) + 1_400_000_000_000,  # money
        np.random.default_rng(1).integers(199_001, 199_013, ROWS),
        np.arange(ROWS) + 12_345_678,
        np.arange(ROWS) + 230_101,
        np.arange(ROWS) + 20_240_101,
        np.arange(ROWS),
        np.arange(ROWS) / 4,
    ],
)
def test_counts_and_prices_are_no_dates(load, numbers):
    series = load({"level": LEVEL, "count": numbers}, target="level")
    assert not series.dated
    assert series.notes == (UNDATED, "Not used: count.")


@pytest.mark.parametrize("name", ["y", "Close", "Volume"])
def test_a_target_is_no_column_of_dates(load, name):
    numbers = np.arange(1950, 1950 + ROWS)
    assert not load({name: numbers, "level": LEVEL}, target="level").dated
    assert not load({name: numbers}, target=name).dated
    assert not load({"level": LEVEL, "Jahr": numbers}, target="Jahr").dated
    assert not load({"level": LEVEL, "Jahr": numbers}, target="level", past=("Jahr",)).dated


@pytest.mark.parametrize("name", ["week", "time", "Day", "period", "Unnamed: 0"])
def test_what_merely_counts_is_no_date(load, name):
    notes = load({name: np.arange(1, ROWS + 1), "y": LEVEL}).notes
    assert notes[0] == UNDATED
    assert notes[1:] in ((), (f"Not used: {name}.",))  # row numbers are no column that could be used


@pytest.mark.parametrize(
    ("name", "cells"),
    [("Date", ["Mon", "Tue"] * 30), ("month", written(MONTHS, "%b")), ("time", ["09:30", "10:30"] * 30)],
)
def test_a_well_known_name_that_holds_no_dates_is_an_error(load, name, cells):
    with pytest.raises(DataError, match=f"column {name}: expected a date.*--date-column, or rename the column"):
        load({name: cells, "y": LEVEL})
    assert not load({f"my {name}": cells, "y": LEVEL}).dated


def test_days_as_excel_counts_them_are_refused_in_its_words(load):
    with pytest.raises(DataError, match=r"Received: '45292'.*as Excel counts them, format the cells as dates"):
        load({"Date": np.arange(45_292, 45_292 + ROWS), "y": LEVEL})


def test_cells_of_any_kind_are_looked_at_without_harm():
    odd = [[1, 2], {"a": 1}, None, "x" * 10**6, b"2020", 3 + 4j] * 10
    assert load_series(DataConfig(target="y"), pd.DataFrame({"odd": pd.Series(odd, dtype=object), "y": LEVEL})).notes
    weeks = pd.period_range("2020-01-01", periods=ROWS, freq="W-SUN")
    assert load_series(DataConfig(), pd.DataFrame({"woche": weeks, "y": LEVEL})).frequency == "W-MON"


# Tables without dates.


@pytest.mark.parametrize(
    "option",
    [{"start": "2020-01-01"}, {"end": "2020-01-01"}, {"date_format": "%d/%m/%Y"}, {"calendar": "XNYS"}],
)
def test_options_that_need_dates_are_refused_without(load, option):
    flag = "--" + next(iter(option)).replace("_", "-")
    with pytest.raises(
        DataError, match=rf"t\.csv|DataFrame: {flag} (needs dates|must fit a column).*--date-column NAME"
    ):
        load({"y": LEVEL}, **option)
    series = load(
        {"y": LEVEL, "wann": written(DAYS, "%d/%m/%Y")}, date_column="wann", **{**option, "end": "2023-12-31"}
    )
    assert series.dated


def test_the_check_says_what_the_fit_decides(tmp_path):
    table = pd.DataFrame({"Datum": written(DAYS, "%Y-%m-%d"), "y": LEVEL})
    path = str(tmp_path / "t.csv")
    for columns in (["Datum", "y"], ["y"]):
        table[columns].to_csv(path, index=False)
        config = DataConfig(file=path)
        assert tuple(examine(config).as_json()["notes"]) == load_series(config).notes != ()


def test_another_table_is_read_as_the_one_before(load):
    table = {"Datum": written(DAYS, "%Y-%m-%d"), "Verfall": written(DAYS[::-1], "%Y-%m-%d"), "y": LEVEL}
    frame = pd.DataFrame(table)
    config, trained = DataConfig(date_column="Verfall"), {"date_column"}
    assert load_series(config, frame, inherited=trained).values[0, 0] == LEVEL[-1]
    assert load_series(DataConfig(date_column="Datum"), frame, inherited=trained).values[0, 0] == LEVEL[0]
    without = frame.drop(columns="Verfall")
    assert load_series(config, without, inherited=trained).values[0, 0] == LEVEL[0]
    with pytest.raises(DataError, match="--date-column must name a column"):
        load_series(config, without)


quiet = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@quiet
@given(
    name=st.text(st.characters(categories=("L",)), min_size=1, max_size=12).filter(lambda name: name != "y"),
    form=st.sampled_from(
        ["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d%b%Y", "%G-W%V-%u", "%d %B %Y", "%Y/%m/%d", "%b %d, %Y"]
    ),
    first=st.dates(pd.Timestamp("1700-01-01").date(), pd.Timestamp("2020-01-01").date()),
    step=st.integers(1, 40),
    rows=st.integers(13, 40),
    falling=st.booleans(),
)
def test_any_dates_under_any_name(name, form, first, step, rows, falling):
    dates = pd.date_range(first, periods=rows, freq=f"{step}D")
    values = np.arange(rows) ** 2.0 + 0.5
    frame = pd.DataFrame({"y": values, name: written(dates, form)})
    series = load_series(DataConfig(end="2200-01-01"), frame[::-1] if falling else frame)
    assert series.index.equals(dates.as_unit("us"))
    assert series.values[:, 0].tolist() == values.tolist()


@quiet
@given(
    # None twice: instants that repeat may be those of several series.
    st.lists(st.integers(0, 10**14), min_size=5, max_size=40, unique=True).filter(
        lambda cells: cells not in (sorted(cells), sorted(cells, reverse=True))
    )
)
def test_numbers_that_go_up_and_down_are_no_dates(numbers):
    frame = pd.DataFrame({"other": numbers, "y": np.arange(len(numbers)) ** 2.0})
    assert load_series(DataConfig(target="y"), frame).notes == (UNDATED, "Not used: other.")

"""An index is dates, or an order of rows, or refused: it is never dropped without a word."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.calendars import future_index
from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError, InputError
from kerasforecast.sections.data import DataConfig

DAYS = pd.bdate_range("2024-01-02", periods=40)
MONTHS = pd.date_range("1990-01-01", periods=40, freq="MS")
VALUES = np.round(100 + np.sin(np.arange(40)) * 5, 2)
PLAIN = pd.DataFrame({"Close": VALUES})
READ = "Dates are read from the index."


def load(frame, **options):
    return load_series(DataConfig(**options), frame)


def written(tmp_path, frame, target=None, **options):
    path = tmp_path / "t.csv"
    frame.to_csv(path, **options)
    return load_series(DataConfig(file=str(path), target=target))


@pytest.mark.parametrize(
    ("index", "note"),
    [
        (DAYS.strftime("%Y-%m-%d"), READ),
        (DAYS.strftime("%d.%m.%Y"), READ),
        (DAYS.strftime("%b %d, %Y"), READ),
        (pd.Index(DAYS.date), READ),
        (pd.Index(list(DAYS), dtype=object), None),
        (pd.CategoricalIndex(DAYS), None),
        (pd.CategoricalIndex(DAYS.strftime("%Y-%m-%d")), READ),
        (pd.Index(DAYS.as_unit("s").asi8), READ),
        (pd.Index(DAYS.as_unit("ms").asi8), READ),
        (pd.Index(DAYS.strftime("%Y%m%d").astype(int), name="day"), READ),
        (DAYS.tz_localize("UTC"), None),
        (DAYS.rename("Close"), None),
    ],
)
def test_an_index_that_parses_is_the_dates(index, note):
    series = load(PLAIN.assign(y=VALUES).set_axis(index), target="y")
    assert series.index.equals(DAYS)
    assert (READ in series.notes) == (note is READ)


def test_an_index_comes_before_a_column_of_other_dates():
    frame = PLAIN.assign(date=DAYS[::-1]).set_axis(DAYS.strftime("%Y-%m-%d").rename("traded"))
    assert load(frame).index.equals(DAYS)
    chosen = load(frame, date_column="date")
    assert chosen.index.equals(DAYS)
    assert "Rows ran from newest to oldest and were turned." in chosen.notes


def test_years_are_dates_where_they_are_called_so():
    years = np.arange(1980, 2020)
    assert load(PLAIN.set_axis(pd.Index(years, name="Year"))).index[0] == pd.Timestamp("1980-01-01")
    assert load(PLAIN.set_axis(years)).index.equals(pd.RangeIndex(1980, 2020))


@pytest.mark.parametrize(
    ("index", "kept"),
    [
        (pd.RangeIndex(40), pd.RangeIndex(40)),
        (pd.RangeIndex(5, 45), pd.RangeIndex(5, 45)),
        (np.arange(40) * 2 + 7, pd.RangeIndex(7, 87, 2)),
        (np.arange(40) * 1.0, pd.RangeIndex(40)),
        (np.arange(40) * 0.1, pd.RangeIndex(40)),
        (pd.to_timedelta(np.arange(40), unit="h"), pd.RangeIndex(40)),
        (pd.Index([str(number) for number in range(40)]), pd.RangeIndex(40)),
    ],
)
def test_an_index_that_rises_by_one_step_is_an_order(index, kept):
    series = load(PLAIN.set_axis(index))
    pd.testing.assert_index_equal(pd.Index(series.index), kept)
    assert future_index(series, 2)[0] == kept[-1] + kept.step


def test_gaps_in_the_order_are_said_and_a_reversed_one_is_turned():
    series = load(PLAIN.drop([3, 4, 9]))
    assert (len(series), series.index.equals(pd.RangeIndex(37))) == (37, True)
    assert "The index leaves out 3 steps, first after 2: rows are taken as one after another." in series.notes
    turned = load(PLAIN.iloc[::-1])
    assert turned.values[:, 0].tolist() == VALUES.tolist()
    assert "Rows ran from last to first by the index and were turned." in turned.notes


REFUSED = "without dates, the index must rise by one step from row to row"


@pytest.mark.parametrize(
    ("frame", "received"),
    [
        (PLAIN.sample(frac=1, random_state=1), "31, 3, 21"),
        (PLAIN.sort_values("Close"), None),
        (pd.concat([PLAIN, PLAIN]), "39, 0, 1"),
        (PLAIN.iloc[[0, 3, 7, 12, 20, 30]], "0, 3, 7"),
        (PLAIN.set_axis([f"r{row}" for row in range(40)]), "r0, r1, r2"),
        (PLAIN.set_axis([True, False] * 20), "True, False, True"),
    ],
)
def test_rows_in_no_order_are_refused_unless_they_have_dates(frame, received):
    with pytest.raises(DataError, match=REFUSED) as caught:
        load(frame)
    assert received is None or f"Received: {received}, ...." in str(caught.value)
    assert "frame.sort_index()" in str(caught.value)
    dated = frame.iloc[:40].assign(Date=DAYS[: len(frame)])
    assert load(dated).index.equals(DAYS[: len(frame)])


def test_a_faulty_date_in_an_index_has_its_address():
    labels = [*DAYS.strftime("%Y-%m-%d")[:-1], "soon"]
    with pytest.raises(DataError, match=r"row soon, column index: expected a date .* Received: 'soon'"):
        load(PLAIN.set_axis(labels))


@pytest.mark.parametrize("name", [None, "index", "level_0", "Unnamed: 0"])
def test_what_reset_index_and_to_csv_leave_is_recognised(tmp_path, name):
    counted = PLAIN.rename_axis(name or "").reset_index(names=name or "")
    assert written(tmp_path, counted, index=False).target == "Close"
    dated = PLAIN.assign(Date=DAYS.strftime("%Y-%m-%d")).rename_axis(name or "").reset_index(names=name or "")
    series = written(tmp_path, dated, index=False)
    assert series.index.equals(DAYS)
    shuffled = counted.sample(frac=1, random_state=2)
    with pytest.raises(DataError, match=r"without dates, (column|the unnamed column).* must rise by one step"):
        written(tmp_path, shuffled, index=False)
    days = PLAIN.set_axis(DAYS).rename_axis(name or "").reset_index(names=name or "")
    assert written(tmp_path, days, index=False).index.equals(DAYS)
    assert load(days.rename(columns={"": "Unnamed: 0"})).index.equals(DAYS)


def test_the_points_of_an_index_are_no_row_numbers(tmp_path):
    points = pd.DataFrame({"Index": np.arange(40) * 3 + 100, "Date": DAYS})
    with pytest.raises(DataError, match="Index, the only column of numbers, is taken only if named"):
        written(tmp_path, points, index=False)
    assert written(tmp_path, points, target="Index", index=False).target == "Index"


def test_row_numbers_are_never_the_target(tmp_path):
    frame = pd.DataFrame({"Date": DAYS.strftime("%Y-%m-%d"), "sold": VALUES})
    assert written(tmp_path, frame).target == "sold"
    assert load(frame.reset_index()).target == "sold"


def test_steps_called_by_a_name_of_dates():
    steps = load(pd.DataFrame({"ds": np.arange(1, 41), "y": VALUES}))
    assert steps.index.equals(pd.RangeIndex(1, 41))


@settings(deadline=None, max_examples=80)
@given(
    st.one_of(
        st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=12),
        st.lists(st.floats(), min_size=2, max_size=12),
        st.lists(st.one_of(st.text(max_size=8), st.dates(), st.none(), st.integers()), min_size=2, max_size=12),
    )
)
def test_any_index_is_read_or_refused_in_one_line(labels):
    frame = pd.DataFrame({"y": np.arange(len(labels)) + 0.5}, index=pd.Index(labels))
    try:
        series = load(frame)
    except InputError as error:
        assert str(error).isprintable()
        return
    rising = sorted(range(len(series)), key=lambda row: series.index[row])
    assert rising == list(range(len(series)))
    assert series.values[:, 0].tolist() in ([*frame["y"]], [*frame["y"]][::-1]) or series.dated

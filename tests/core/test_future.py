"""Rows to be forecast: their dates for many series at once, and what is known of them, from the table or another."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.calendar_choice import with_calendar
from kerasforecast.data.calendars import future_index
from kerasforecast.data.future import as_csv, reaching, wanted, with_future
from kerasforecast.data.future_dates import future_dates
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, InputError, OptionError, callers_words, flags_wanted
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.sections.data import DataConfig


def panel_of(indices, *, ahead=(), columns=("y",), roles=("target",), **settings):
    """A panel with rows at `indices`, a list of indices, the last of each without a target as `ahead` counts."""
    lengths = [len(index) for index in indices]
    index = indices[0].append(list(indices[1:]))
    values = np.random.default_rng(0).normal(size=(len(index), len(columns)))
    starts = np.append(0, np.cumsum(lengths))
    observed = np.array(lengths) - (np.array(ahead) if len(ahead) else 0)
    later = np.arange(len(index)) >= np.repeat(starts[:-1] + observed, lengths)
    unknown = [place for place, role in enumerate(roles) if role != "known"]
    values[np.ix_(later, unknown)] = np.nan
    ids = [f"{place:03d}" for place in range(len(indices))]
    fields = {"key": "shop", "name": "shops", "frequency": "D"} | settings
    return Panel(values, index, starts, ids, columns, roles, observed, **fields)


def priced(starts=("2024-03-01", "2024-03-03"), rows=60, **settings):
    roles = {"columns": ("y", "price"), "roles": ("target", "known")}
    return panel_of([pd.date_range(start, periods=rows) for start in starts], **roles, **settings)


def each_alone(panel, steps):
    dates = [future_index(series, steps) for series in panel]
    return dates[0].append(dates[1:])


HOURS = pd.date_range("2024-01-01", periods=24 * 7 * 12, freq="h")
OPEN = HOURS[(HOURS.hour >= 9) & (HOURS.hour < 18) & (HOURS.day_of_week < 6)]
SESSIONS = pd.bdate_range("2023-06-01", "2024-12-20")
CASES = {
    "D": pd.date_range("2020-01-01", periods=300),
    "B": pd.bdate_range("2020-01-01", periods=300),
    "C-MON,TUE,WED,THU,FRI,SAT": pd.date_range("2022-01-03", periods=200),
    "W-SUN": pd.date_range("2020-01-05", periods=150, freq="W-SUN"),
    "ME": pd.date_range("2001-01-31", periods=100, freq="ME"),
    "MS": pd.date_range("2001-01-01", periods=100, freq="MS") + pd.Timedelta(days=14),
    "BME": pd.date_range("2001-01-31", periods=100, freq="BME"),
    "QE-DEC": pd.date_range("2001-03-31", periods=60, freq="QE"),
    "SM-15,31": pd.date_range("2001-01-15", periods=90, freq="SME"),
    "WOM-3FRI": pd.date_range("2001-01-15", periods=90, freq="WOM-3FRI"),
    "h": HOURS,
    "15min": pd.date_range("2024-03-29", periods=96 * 9, freq="15min"),
    "5h": pd.date_range("2024-03-29", periods=200, freq="5h"),
    "open hours": OPEN,
}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(CASES)),
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(2, 300), st.sampled_from([0.0, 0.0, 0.1, 0.4])),
        min_size=2,
        max_size=5,
    ),
    st.integers(1, 30),
    st.integers(0, 2**32 - 1),
)
def test_the_dates_ahead_of_many_series_are_those_of_each_alone(case, shapes, steps, seed):
    random, full, made = np.random.default_rng(seed), CASES[case], []
    for cut, rows, share in shapes:
        index = full[: len(full) - cut][-rows:]
        made.append(index[(random.random(len(index)) >= share) | (np.arange(len(index)) == 0)])
    panel = panel_of([*made, made[0]], frequency="h" if case == "open hours" else case)
    found = future_dates(panel, steps)
    assert found.equals(pd.DatetimeIndex(each_alone(panel, steps)))


@pytest.mark.parametrize("code", ["XNYS", "24/7"])
def test_a_market_says_which_days_follow_each_series(code):
    ends = ["2024-12-20", "2024-11-27", "2024-07-03", "2024-07-03"]
    made = [SESSIONS[end >= SESSIONS][-60 - place :] for place, end in enumerate(ends)]
    panel = panel_of(made, frequency=None, calendar=code)
    assert future_dates(panel, 7).equals(each_alone(panel, 7))
    few = panel_of([*made, SESSIONS[SESSIONS <= "2024-07-03"][[-6, -1]]], frequency=None, calendar=code)
    third, last = future_dates(few, 7)[-21:-14], future_dates(few, 7)[-7:]
    assert list(last) == list(third)  # of two rows the step cannot be seen: the panel's holds


def test_bars_of_a_market_keep_its_hours():
    bars = pd.date_range("2024-06-03 09:30", "2024-07-02 15:30", freq="30min")
    clock = bars.hour + bars.minute / 60
    bars = bars[(bars.day_of_week < 5) & (clock >= 9.5) & (clock < 16)]
    panel = panel_of([bars, bars[:-13], bars[50:]], frequency="30min", calendar="XNYS")
    found = future_dates(panel, 15)
    assert found.equals(each_alone(panel, 15))
    assert pd.Timestamp("2024-07-04 10:00") not in found


def test_steps_of_several_series_go_on_by_their_own_step_or_the_usual_one():
    panel = panel_of([pd.RangeIndex(0, 50, 5), pd.RangeIndex(100, 110, 1), pd.Index([7])], frequency=None)
    assert future_dates(panel, 2).tolist() == [50, 55, 110, 111, 8, 9]
    panel = panel_of([pd.RangeIndex(0, 50, 5), pd.RangeIndex(0, 50, 5), pd.Index([7])], frequency=None)
    assert future_dates(panel, 2).tolist() == [50, 55, 50, 55, 12, 17]


def test_a_series_without_any_target_cannot_be_gone_on_from():
    panel = priced(ahead=(0, 60))
    with pytest.raises(DataError, match=r"starts after a row with a target. Received: 1 series without any: \['001'\]"):
        future_dates(panel, 1)
    with pytest.raises(OptionError, match="--steps must be 1 or more"):
        future_dates(priced(), 0)


def test_many_series_that_go_on_alike_are_asked_once(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "kerasforecast.data.future_dates.future_index", lambda *args: asked.append(1) or future_index(*args)
    )
    random = np.random.default_rng(0)
    days = pd.date_range("2020-01-01", periods=60)
    future_dates(panel_of([days[random.random(60) > 0.2][:-1].append(days[-1:]) for _ in range(50)]), 5)
    assert len(asked) == 1
    months = pd.date_range("2010-01-31", periods=60, freq="ME")
    future_dates(panel_of([months[place:] for place in range(50)], frequency="ME"), 5)
    assert len(asked) == 2
    future_dates(panel_of([HOURS[place:] for place in range(50)], frequency="h"), 5)
    assert len(asked) == 3


def test_what_dates_give_is_computed_for_the_rows_ahead_of_each_series():
    config = DataConfig(calendar_features=("weekday", "year"), holidays="AU-VIC")
    series = [
        Series(np.ones((400, 1)), pd.date_range(start, periods=400), ("y",), "D", name="one")
        for start in ("2023-03-20", "2022-11-02", "2023-03-20")
    ]
    panel = with_calendar(Panel.joined(series, ["a", "b", "c"], key="shop"), config)
    found = reaching(panel, future_dates(panel, 5))
    assert found.observed.tolist() == [400] * 3
    assert np.diff(found.starts).tolist() == [405] * 3
    for place, each in enumerate(series):
        alone = with_calendar(Panel.of(each), config)
        alone = alone.reaching(future_index(alone[0], 5))
        rows = slice(found.starts[place], found.starts[place + 1])
        np.testing.assert_array_equal(found.values[rows], alone.values)
        assert found.index[rows].equals(alone.index)
    assert found.values[found.ends[0] : found.ends[0] + 5, found.columns.index("holiday")].tolist() == [0, 0, 1, 0, 0]
    plain = panel_of([CASES["D"], CASES["D"][:100]])
    assert reaching(plain, future_dates(plain, 3)) is plain


def test_rows_after_the_last_target_say_what_is_known():
    panel = priced(ahead=(5, 3))
    found = reaching(panel, future_dates(panel, 3))
    for place in range(2):
        begin, end = found.ends[place], found.starts[place + 1]
        own = slice(panel.ends[place], panel.ends[place] + 3)
        np.testing.assert_array_equal(found.values[begin:end, 1], panel.values[own, 1])
        assert found.index[begin:end].equals(panel.index[own])
    assert np.isnan(found.values[found.ends[0] :, 0][:3]).all()
    lacking = r"what is known of the 4 rows ahead of each of 2 series must be given: price. Received: 1 of 8 missing, "
    with pytest.raises(DataError, match=lacking + r"the first for 2024-05-02 \(001\)"):
        reaching(panel, future_dates(panel, 4))


def test_rows_at_which_no_row_is_due_are_left_out():
    index = pd.bdate_range("2024-05-01", "2024-07-08")  # the 4th of July is no session
    roles = {"columns": ("y", "price"), "roles": ("target", "known")}
    panel = panel_of([index], ahead=(5,), frequency=None, calendar="XNYS", key=None, **roles)
    found = reaching(panel, future_dates(panel, 4))
    assert [date.day for date in found.index[-4:]] == [2, 3, 5, 8]
    assert found.values[-2, 1] == panel.values[-2, 1]


def test_what_nobody_said_may_be_held_where_no_outcome_asks_for_it():
    panel = priced(ahead=(2, 0))
    found = reaching(panel, future_dates(panel, 4), hold=True)
    said, last = panel.values[58:60, 1].tolist(), panel.values[119, 1]
    assert found.values[58:62, 1].tolist() == [*said, said[-1], said[-1]]
    assert found.values[-4:, 1].tolist() == [last] * 4


def test_the_frame_that_is_wanted_comes_back():
    panel = priced(ahead=(2, 0))
    frame = wanted(panel, 3)
    assert list(frame.columns) == ["shop", "date", "price"]
    assert frame["shop"].tolist() == ["000"] * 3 + ["001"] * 3
    assert frame["price"].notna().tolist() == [True, True, False, False, False, False]
    assert as_csv(frame).splitlines()[3] == "000,2024-04-30,"
    filled = frame.assign(price=np.arange(6) / 2)
    found = with_future(panel, filled, 3)
    assert found.values[found.ends[:, None] + np.arange(3), 1].tolist() == [[0, 0.5, 1], [1.5, 2, 2.5]]
    np.testing.assert_array_equal(reaching(found, future_dates(found, 3)).values, found.values)
    np.testing.assert_array_equal(found.values, with_future(panel, filled.iloc[::-1], 3).values)


@pytest.mark.parametrize(
    ("config", "write"),
    [
        (DataConfig(), as_csv),
        (DataConfig(date_format="%d.%m.%Y", date_column="Tag"), as_csv),  # of the training table
        (
            DataConfig(date_format="%d.%m.%Y"),
            lambda frame: frame.assign(date=frame["date"].dt.strftime("%d.%m.%Y")).to_csv(
                sep=";", decimal=",", index=False
            ),
        ),
        (DataConfig(), lambda frame: as_csv(frame.rename(columns=str.upper)[["PRICE", "DATE", "SHOP"]])),
    ],
    ids=["as printed", "another form of dates", "as the training table", "other letters"],
)
def test_a_future_file_is_read_as_any_table(tmp_path, config, write):
    panel = priced()
    frame = wanted(panel, 3).assign(price=np.arange(6) + 0.5)
    path = tmp_path / "future.csv"
    path.write_text(write(frame))
    found = with_future(panel, path, 3, config)
    np.testing.assert_array_equal(found.values, with_future(panel, frame, 3).values)


def test_a_network_is_given_what_is_known_of_each_row_that_it_forecasts():
    panel = with_calendar(priced(), DataConfig(calendar_features="weekday"))
    frame = wanted(panel, 3).assign(price=[1, 2, 3, 4, 5, 6])
    found = with_future(panel, frame, 3)
    assert found.known_columns == ("price", "weekday_sin", "weekday_cos")
    batch = windows_of(found, found.ends - 1, 7, 3).batch()
    assert batch.known[:, 7:, 0].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert batch.known[0, 7:, 1] == pytest.approx(np.sin(2 * np.pi * np.array([1, 2, 3]) / 7))  # from a Tuesday
    np.testing.assert_array_equal(batch.known[1, :7, 0], panel.values[-7:, 1].astype(np.float32))


def test_rows_of_no_id_are_of_every_series_and_what_is_not_used_is_said():
    panel = priced()
    dates = pd.date_range("2024-04-20", periods=30)
    found = with_future(panel, pd.DataFrame({"date": dates, "price": dates.day, "rain": 1}), 3)
    assert found.values[found.ends[:, None] + np.arange(3), 1].tolist() == [[30, 1, 2], [2, 3, 4]]
    assert found.notes == (
        "future: not used: rain.",
        "future: without a column shop, its rows are taken for every series.",
        "future: 25 rows not used, before or beyond those to be forecast: 2024-04-20, ...",
    )
    every = wanted(priced(frequency="B"), 5)
    days = pd.date_range(every["date"].min(), every["date"].max())
    alike = pd.DataFrame({"shop": "000", "date": days, "price": 1.0})
    both = pd.concat([alike, alike.assign(shop="001")])
    said = with_future(priced(frequency="B"), both, 5).notes[0]
    few = "2024-05-04 (000), 2024-05-05 (000), 2024-05-04 (001)"
    assert said == f"future: 4 rows not used, at dates of no row to be forecast: {few}, ..."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.iloc[:5], "Received: 1 of 6 missing, the first for 2024-05-04 (001)."),
        (lambda frame: frame.iloc[[0, 1, 2, 3, 4, 5, 4]], "Received: 2024-05-03 (001) again. Remove one."),
        (lambda frame: frame.drop(columns="shop").iloc[[0, 0]], "again. Give a column shop, or remove one."),
        (
            lambda frame: frame.assign(price=np.nan),
            "2024-04-30 (000): known columns must hold a number.",
        ),
        (lambda frame: frame.assign(shop="9"), "must name a series of shops. Received: 9."),
        (lambda frame: frame.assign(shop=None), "must name a series of shops. Received: no id."),
        (lambda frame: frame.drop(columns="price"), "a known column of the model is needed, price."),
        (lambda frame: frame.drop(columns="date"), "a column of dates is needed. Received: none."),
        (lambda frame: frame.assign(price=["1", "2", "x", "4", "5", "6"]), "column price: expected a number."),
        (lambda frame: frame.assign(price=np.inf), "column price: expected a finite number."),
        (lambda frame: frame.assign(date=frame["date"] + pd.Timedelta(days=9)), "Received: none, the first for"),
        (lambda frame: frame.iloc[:0], "expected rows"),
    ],
)
def test_a_future_frame_that_does_not_fit_is_one_line(change, words):
    panel = priced()
    frame = wanted(panel, 3).assign(price=np.arange(6.0))
    with pytest.raises(DataError, match=re.escape(words)) as caught, flags_wanted():
        with_future(panel, change(frame), 3)
    assert len(str(caught.value).splitlines()) == 1


def test_rows_of_series_that_are_not_forecast_are_left_out_and_that_is_said(tmp_path):
    panel = priced()
    frame = wanted(panel, 3).assign(price=np.arange(6.0))
    others = frame.assign(shop=frame["shop"].map({"000": "0007", "001": "x"}), price="?")  # nobody needs them
    found = with_future(panel, pd.concat([others, frame]), 3)
    np.testing.assert_array_equal(found.values, with_future(panel, frame, 3).values)
    assert found.notes == ("future: 6 rows not used, of series that are not forecast: 0007, x.",)
    one = replace(Panel.of(panel["001"]), roles=("target", "known"), name="shops-001")
    config = DataConfig(id="shop", series="1")
    frame.assign(shop=["0"] * 3 + ["1"] * 3).to_csv(tmp_path / "week.csv", index=False)
    alone = with_future(one, tmp_path / "week.csv", 3, config)
    assert alone.values[-3:, 1].tolist() == [3, 4, 5]
    assert alone.notes[0].endswith("week.csv: 3 rows not used, of series that are not forecast: 0.")
    with pytest.raises(DataError, match=r"shop must name a series of shops-001\. Received: 0, 1\."):
        with_future(one, tmp_path / "week.csv", 3, config.model_copy(update={"series": "2"}))


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"--future must name a table\. Received: .*no such file"):
        with_future(priced(), tmp_path / "none.csv", 3)


def test_without_known_columns_there_is_nothing_to_say():
    panel = panel_of([CASES["D"], CASES["D"]])
    with pytest.raises(OptionError, match="--print-future needs known columns that do not follow from the dates"):
        wanted(panel, 3)
    with pytest.raises(OptionError, match=r"the dates give all of .*weekday_sin.*Leave it out"):
        with_future(with_calendar(panel, DataConfig(calendar_features="weekday")), pd.DataFrame({"date": []}), 3)


def test_steps_without_dates_have_a_frame_too():
    panel = panel_of(
        [pd.RangeIndex(10), pd.RangeIndex(0, 24, 2)], columns=("y", "k"), roles=("target", "known"), frequency=None
    )
    frame = wanted(panel, 2)
    assert frame["step"].tolist() == [10, 11, 24, 26]
    found = with_future(panel, frame.assign(k=[1, 2, 3, 4]), 2)
    assert found.values[found.ends[:, None] + np.arange(2), 1].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(DataError, match="a column step of integer steps is needed"):
        with_future(panel, frame.drop(columns="step").assign(k=1), 2)
    with pytest.raises(DataError, match="must hold whole numbers"):
        with_future(panel, frame.assign(k=1, step=frame["step"] + 0.5), 2)


def test_a_python_caller_reads_of_arguments():
    with pytest.raises(InputError) as caught, callers_words():
        reaching(priced(), future_dates(priced(), 3))
    assert "Give future= with a table of them" in str(caught.value)
    assert "future_frame writes the frame that is wanted" in str(caught.value)
    assert "--" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 6)), min_size=1, max_size=5), st.integers(1, 6), st.data())
def test_whatever_a_panel_and_a_frame_hold_the_rows_ahead_are_whole(shapes, steps, data):
    """Rows known in the panel, in the frame or in neither: together they are all rows, or the first absent is named."""
    made = [pd.date_range(f"2024-01-{place + 1:02d}", periods=sum(shape)) for place, shape in enumerate(shapes)]
    ahead = [later for _, later in shapes]
    panel = panel_of(made, ahead=ahead, columns=("y", "price"), roles=("target", "known"))
    frame = wanted(panel, steps)
    given_rows = data.draw(st.lists(st.booleans(), min_size=len(frame), max_size=len(frame)))
    rows = frame[given_rows].assign(price=7.0)
    known = frame["price"].notna() | np.array(given_rows)
    if not len(rows):
        return
    if known.all():
        found = with_future(panel, rows, steps)
        assert found.values[(found.ends[:, None] + np.arange(steps)).ravel(), 1].tolist() == [
            7.0 if told else own for told, own in zip(given_rows, frame["price"], strict=True)
        ]
        return
    first = frame[~known].iloc[0]
    with pytest.raises(DataError, match=rf"{first['date'].date()} \({first['shop']}\)"):
        with_future(panel, rows, steps)

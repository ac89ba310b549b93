"""The panel: flat arrays of one or more series, valid from the moment it exists, whose views are those series."""

import dataclasses
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.data.load import load_panel, load_series
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig


def series_of(rows, start="2020-01-01", seed=0, name="series", columns=("y", "x")):
    index = pd.RangeIndex(rows) if start is None else pd.bdate_range(start, periods=rows)
    return Series(np.random.default_rng(seed).normal(size=(rows, len(columns))), index, columns, "B", name=name)


def pair():
    return Panel.joined([series_of(5), series_of(7, "2019-06-03", 1)], ["north", "south"], key="shop")


def same(one, other):
    return (
        np.array_equal(one.values, other.values)
        and one.index.equals(other.index)
        and one.sha256 == other.sha256
        and (one.columns, one.frequency, one.calendar) == (other.columns, other.frequency, other.calendar)
    )


@pytest.mark.parametrize("start", ["2020-01-01", None])
def test_one_series_is_a_panel_of_one_with_the_same_hash_and_no_copy(start):
    series = series_of(6, start, name="acme")
    panel = Panel.of(series)
    assert (len(panel), panel.name, panel.key, panel.ids.tolist()) == (1, "acme", None, ["acme"])
    assert panel.roles == ("target", "past")
    assert panel.sha256 == series.sha256
    assert np.shares_memory(panel.values, series.values)
    assert np.shares_memory(panel[0].values, series.values)
    assert same(panel[0], series)
    assert same(panel.single("anyone"), series)
    assert Panel.of(panel) is panel


def test_what_is_loaded_is_a_panel_of_one():
    panel, series = load_panel(DataConfig()), load_series(DataConfig())
    assert len(panel) == 1
    assert panel.sha256 == series.sha256
    assert (panel.name, panel.calendar, panel.source, panel.notes) == (
        series.name,
        series.calendar,
        series.source,
        series.notes,
    )


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_each_view_is_the_series_it_was_made_of(lengths):
    made = [series_of(rows, f"20{10 + rows}-01-01", rows) for rows in lengths]
    panel = Panel.joined(made, [f"s{place}" for place in range(len(made))])
    assert [same(view, series) for view, series in zip(panel, made, strict=True)] == [True] * len(made)
    assert same(panel[f"s{len(made) - 1}"], made[-1])
    assert same(panel[-1], made[-1])
    owner = np.repeat(np.arange(len(made)), lengths)
    assert panel.places(np.arange(sum(lengths))).tolist() == owner.tolist()


def test_a_series_is_found_by_its_id_or_refused():
    panel = pair()
    assert panel["south"].name == "south"
    assert len(panel["south"]) == 7
    with pytest.raises(KeyError):
        panel["east"]
    with pytest.raises(IndexError):
        panel[2]


def test_nobody_changes_a_panel_or_the_series_in_it():
    given_values = np.ones((3, 1))
    series = Series(given_values, pd.RangeIndex(3), ("y",))
    panel = Panel.of(series)
    given_values[:] = 5
    assert (panel.values == 1).all()
    for array in (panel.values, panel.float32, panel.starts, panel.ids, panel.observed, panel[0].values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 2
    view = np.ones((3, 1))
    shown = view.view()
    shown.setflags(write=False)  # the caller can still write to what it looks at
    kept = Series(shown, pd.RangeIndex(3), ("y",))
    view[:] = 7
    assert (kept.values == 1).all()


def test_the_hash_knows_values_borders_ids_and_their_name():
    panel = pair()
    others = [
        dataclasses.replace(panel, ids=np.array(["north", "west"])),
        dataclasses.replace(panel, key="store"),
        dataclasses.replace(panel, values=panel.values + 1),
        dataclasses.replace(panel, static=np.array([[1.0], [2.0]]), static_columns=("size",)),
        dataclasses.replace(panel, roles=("target", "known")),
    ]
    whole = Panel.joined([series_of(4, None), series_of(4, None, 1)], ["a", "b"])
    steps = dataclasses.replace(whole, index=pd.Index([0, 1, 2, 3, 4, 5, 6, 7]))
    moved = dataclasses.replace(steps, starts=np.array([0, 3, 8]), observed=np.array([3, 5]))
    assert len({each.sha256 for each in (panel, *others, whole, steps, moved)}) == 9
    assert pair().sha256 == panel.sha256


def test_several_series_are_never_taken_for_the_first():
    with pytest.raises(DataError, match=r"backtest takes one series\. Received: 2\."):
        pair().single("backtest")


def test_rows_known_ahead_follow_the_last_target():
    values = np.array([[1.0, 5.0, 1.0], [2.0, 6.0, 2.0], [np.nan, np.nan, 3.0], [4.0, 7.0, 4.0]])
    made = {
        "values": values,
        "index": pd.Index([0, 1, 2, 0]),
        "starts": [0, 3, 4],
        "ids": ["a", "b"],
        "columns": ("y", "x", "holiday"),
        "roles": ("target", "past", "known"),
        "observed": [2, 1],
        "key": "id",
    }
    panel = Panel(**made)
    assert panel.ends.tolist() == [2, 4]
    assert len(panel["a"]) == 2
    for place, wrong in ((2, 1.0), (2, np.inf)):
        bad = values.copy()
        bad[place, 0] = wrong  # a target after the last one
        with pytest.raises(DataError, match=r"Received: .* at 2 in a, column y\."):
            Panel(**made | {"values": bad})
    bad = values.copy()
    bad[2, 2] = np.nan  # what is to be known is not
    with pytest.raises(DataError, match=r"Received: nan at 2 in a, column holiday"):
        Panel(**made | {"values": bad})
    with pytest.raises(DataError, match="Known and static columns are none of fit's"):
        panel.single("fit")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.ones((11, 2))}, r"must have shape \(rows, columns\)"),
        ({"values": np.full((12, 2), np.nan)}, "Received: nan at 2020-01-01 00:00:00 in north, column y"),
        ({"starts": [0, 5]}, "starts must hold the first row of each series"),
        ({"starts": [0, 13, 12]}, "starts must hold"),
        ({"starts": [1, 5, 12]}, "starts must hold"),
        ({"observed": [6, 7]}, "observed must count"),
        ({"observed": [5]}, "observed must count"),
        ({"ids": ["a", "a"]}, "ids must differ"),
        ({"key": None}, r"ids need a name \(key\). Received: none for 2 series"),
        ({"key": "y"}, "columns must differ"),
        ({"columns": ("y", "y")}, "columns must differ"),
        ({"roles": ("past", "target")}, "roles must name the first column the target"),
        ({"roles": ("target", "target")}, "roles must name"),
        ({"static_columns": ("size",)}, "static must be finite"),
        (
            {"columns": ("y", "x", "z"), "roles": ("target", "known", "past"), "values": np.ones((12, 3))},
            "columns must stand in the order target, past, known",
        ),
        (
            {"static": np.array([[0.0], [2.0]]), "static_columns": ("kind",), "categories": (("mall", "street"),)},
            "static kind must hold numbers of its categories",
        ),
        ({"static": np.array([[np.nan], [1.0]]), "static_columns": ("size",)}, "static must be finite"),
        ({"index": pd.bdate_range("2020-01-01", periods=12)[::-1]}, "strictly increasing within each series"),
        ({"index": pd.bdate_range("2020-01-01", periods=12, tz="UTC")}, "tz-naive"),
    ],
)
def test_what_is_no_panel_is_refused_when_it_is_made(changes, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(pair(), **changes)


def test_a_doubled_date_is_named_with_its_series():
    panel = pair()
    index = panel.index.to_series().reset_index(drop=True)
    index[8] = index[7]
    with pytest.raises(DataError, match=rf"Received: {index[8]} after {index[7]} in south"):
        dataclasses.replace(panel, index=pd.DatetimeIndex(index))


def test_series_of_different_kinds_make_no_panel():
    with pytest.raises(DataError, match="Received: 2 series of 2 kinds"):
        Panel.joined([series_of(4), series_of(4, columns=("y", "z"))], ["a", "b"])


def test_a_hundred_thousand_series_take_the_memory_of_their_rows():
    count, rows = 100_000, 20
    values = np.random.default_rng(0).normal(size=(count * rows, 1))
    index = pd.Index(np.tile(np.arange(rows), count))
    ids = np.char.add("shop-", np.arange(count).astype(str))
    tracemalloc.start()
    panel = Panel(
        values, index, np.arange(count + 1) * rows, ids, ("y",), ("target",), np.full(count, rows), key="shop"
    )
    size, objects = tracemalloc.get_traced_memory()[0], len(tracemalloc.take_snapshot().traces)
    tracemalloc.stop()
    assert size < 1.5 * values.nbytes + ids.nbytes
    assert objects < 1_000  # an object a series would be 100,000
    assert np.array_equal(panel["shop-77777"].values, values[77_777 * rows : 77_778 * rows])


@pytest.mark.parametrize("frequency", ["fortnightly", "", "-1D", "SM-1", "C-NODAY", "M\n"])
def test_a_step_that_no_dates_follow_from_is_refused(frequency):
    with pytest.raises(DataError, match="frequency must be the alias of a step of time"):
        Series(np.ones((3, 1)), pd.date_range("2024-01-01", periods=3), ("sales",), frequency=frequency)


@pytest.mark.parametrize(
    "frequency", [None, "B", "2ME", "15min", "W-SAT", "SM-1,15", "C-MON,TUE,SAT", "WOM-3FRI", "QS-OCT"]
)
def test_every_step_that_is_found_is_one(frequency):
    one = Series(np.ones((3, 1)), pd.date_range("2024-01-01", periods=3), ("sales",), frequency=frequency)
    assert Panel.of(one).frequency == frequency

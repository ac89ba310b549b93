"""Panels from any table: long and wide, frames of every kind, steps and dates; each series keeps its own rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.config import Config
from kerasforecast.data.check import examine
from kerasforecast.data.load import load_panel, load_series
from kerasforecast.errors import DataError, OptionError
from kerasforecast.sections.data import DataConfig

DAYS = pd.date_range("2024-01-01", periods=60)
IDS = st.text(max_size=8).map(lambda text: text.replace("\0", "").strip() or "a")


def load(data, **options):
    return load_panel(DataConfig(**options), data)


def long_of(parts):
    """The rows of each series one after another."""
    return pd.concat([part.assign(shop=name) for name, part in parts.items()], ignore_index=True)


def part_of(start, rows, seed=0, gap=None):
    values = np.random.default_rng(seed).normal(size=rows).cumsum()
    part = pd.DataFrame({"ds": DAYS[start : start + rows], "y": values})
    return part.drop(index=part.index[gap]) if gap is not None and 0 < gap < rows - 1 else part


def same(one, other):
    assert one.ids.tolist() == other.ids.tolist()
    assert one.starts.tolist() == other.starts.tolist()
    assert one.observed.tolist() == other.observed.tolist()
    assert one.index.equals(other.index)
    np.testing.assert_array_equal(one.values, other.values)
    assert (one.frequency, one.calendar) == (other.frequency, other.calendar)


series_of_any_length = st.lists(
    st.tuples(IDS, st.integers(0, 8), st.integers(1, 30)), min_size=2, max_size=6, unique_by=lambda part: part[0]
)


@settings(max_examples=30)
@given(series_of_any_length, st.randoms(use_true_random=False))
def test_long_wide_and_a_dict_of_frames_are_the_same_panel(drawn, random):
    """Series start and end at different times; the rows of a long table stand in any order between series."""
    parts = {name: part_of(start, rows + 5, seed) for seed, (name, start, rows) in enumerate(drawn)}
    long = long_of(parts)
    panel = load(long, id="shop")
    assert panel.key == "shop"
    for name, part in parts.items():
        assert panel[name].index.equals(pd.DatetimeIndex(part["ds"]))
        np.testing.assert_array_equal(panel[name].values[:, 0], part["y"])
    turns = [name for name in parts for _ in range(len(parts[name]))]
    random.shuffle(turns)
    left = {name: iter(part.index) for name, part in ((n, long[long["shop"] == n]) for n in parts)}
    mixed = long.loc[[next(left[name]) for name in turns]]
    again = load(mixed, id="shop")
    assert sorted(again.ids) == sorted(panel.ids)
    for name in parts:
        np.testing.assert_array_equal(again[name].values, panel[name].values)
    same(load(parts), panel)
    wide = pd.concat([part.set_index("ds")["y"].rename(name) for name, part in parts.items()], axis=1, sort=True)
    if "all" not in {name.casefold() for name in parts} and len({name.casefold() for name in parts}) == len(parts):
        wide = wide.reset_index()
        # A column may be called as prices are, which are refused where logs of them are to be taken.
        columns = DataConfig(targets=tuple(parts), date_column="ds")
        same(load_panel(columns, wide, positive_prices=False), panel)


@pytest.mark.parametrize("policy", ["ffill", "interpolate", "drop"])
def test_gaps_are_filled_within_each_series_as_if_it_were_alone(policy):
    parts = {name: part_of(0, 30, seed) for seed, name in enumerate("abc")}
    for seed, part in enumerate(parts.values()):
        part.loc[np.random.default_rng(seed).choice(30, 9, replace=False), "y"] = np.nan
        part.loc[[0, 29], "y"] = np.nan  # neither the end of one nor the start of the next fills the other
    panel = load(long_of(parts), id="shop", missing=policy)
    for name, part in parts.items():
        alone = load_series(DataConfig(missing=policy), part)
        np.testing.assert_array_equal(panel[name].values, alone.values)
        assert panel[name].index.equals(alone.index)
        pandas = part.set_index("ds")["y"]
        wanted = {"ffill": pandas.ffill(), "drop": pandas}.get(policy)
        wanted = pandas.interpolate("time", limit_area="inside") if wanted is None else wanted
        np.testing.assert_array_equal(alone.values[:, 0], wanted.dropna())


@pytest.mark.parametrize("policy", ["last", "first", "mean"])
def test_doubled_dates_are_merged_within_each_series(policy):
    parts = {name: part_of(0, 30, seed) for seed, name in enumerate("ab")}
    parts = {name: pd.concat([part, part.iloc[[7, 7]].assign(y=[1.0, 5.0])]).sort_values("ds", kind="stable")
             for name, part in parts.items()}  # fmt: skip
    panel = load(long_of(parts), id="shop", duplicates=policy)
    for name, part in parts.items():
        alone = load_series(DataConfig(duplicates=policy), part)
        np.testing.assert_array_equal(panel[name].values, alone.values)
    with pytest.raises(DataError, match=r"row 8 \(a, 2024-01-08\), column ds: dates must not repeat"):
        load(long_of(parts), id="shop")


def test_a_few_doubled_rows_do_not_hide_the_ids():
    long = long_of({name: part_of(0, 30, seed) for seed, name in enumerate("abc")})
    doubled = pd.concat([long, long.iloc[[40]]]).sort_values(["shop", "ds"], kind="stable")
    with pytest.raises(DataError, match="dates must not repeat"):
        load(doubled)
    assert len(load(doubled, duplicates="last")) == 3


def test_one_backward_series_is_turned_and_one_in_disorder_is_refused():
    parts = {name: part_of(0, 20, seed) for seed, name in enumerate("abc")}
    parts["b"] = parts["b"][::-1]
    panel = load(long_of(parts), id="shop")
    assert "Rows of 1 series (b) ran from newest to oldest and were turned." in panel.notes
    assert panel["b"].index.equals(DAYS[:20])
    parts["c"] = parts["c"].iloc[[*range(10), 11, 10, *range(12, 20)]]
    with pytest.raises(DataError, match=r"row 51 \(c, 2024-01-11\), column ds: dates must not go back"):
        load(long_of(parts), id="shop")


@pytest.mark.parametrize(
    "ids", [[7, 3, 11], [1.0, 2.0, 30.0], ["a b", "ü ñ", "日本"], ["<b>", "' --", "x" * 200], [True, False, "?"]]
)
def test_ids_are_text_in_the_order_of_their_first_rows(tmp_path, ids):
    parts = [part_of(0, 12, seed).assign(shop=[name] * 12) for seed, name in enumerate(ids)]
    long = pd.concat(parts, ignore_index=True).sort_values("ds", kind="stable")
    wanted = [str(int(name)) if isinstance(name, float) else str(name) for name in ids]
    long.to_csv(tmp_path / "t.csv", index=False)
    for panel in (load(long, id="shop"), load_panel(DataConfig(file=str(tmp_path / "t.csv"), id="shop"))):
        assert panel.ids.tolist() == wanted
        assert panel.ids.dtype.kind == "U"


def test_ids_that_are_no_ids_are_refused_or_left_out():
    long = long_of({"a": part_of(0, 12), " ": part_of(0, 3), "b": part_of(0, 12, 1)})
    panel = load(long, id="shop")
    assert panel.ids.tolist() == ["a", "b"]
    assert any("3 rows without an id left out" in note for note in panel.notes)
    with pytest.raises(DataError, match=r"ids must have 256 characters at most\. Received: one of 300 in column shop"):
        load(long_of({"a": part_of(0, 12), "x" * 300: part_of(0, 12)}), id="shop")
    with pytest.raises(DataError, match=r"--id shop must hold ids\. Received: only empty cells"):
        load(long.assign(shop=None), id="shop")


def test_one_id_alone_is_a_panel_of_one_where_it_is_asked_for():
    part = part_of(0, 20)
    panel = load(long_of({"a": part}), id="shop")
    assert (len(panel), panel.key, panel.ids.tolist()) == (1, "shop", ["a"])
    lone = load(part)
    assert (lone.key, lone.ids.tolist()) == (None, ["series"])
    assert load_series(DataConfig(id="shop", series="a"), long_of({"a": part})).sha256 == lone.sha256


def test_wide_tables_say_what_was_taken_and_left_out():
    wide = pd.DataFrame(
        {"Date": DAYS[:40], "A": 1.5 + np.arange(40), "B": np.nan, "note": "x", "C": np.arange(40) * 2.0}
    )
    wide.loc[:4, "C"] = np.nan
    wide.loc[35:, "A"] = np.nan
    panel = load(wide, targets="all")
    assert (panel.ids.tolist(), panel.key, panel.columns) == (["A", "C"], "series", ("value",))
    assert np.diff(panel.starts).tolist() == [35, 35]
    assert "3 columns to forecast, each a series: A, B, C. Not used: note." in panel.notes
    assert "1 column without values left out: B." in panel.notes
    few = load(wide, targets=("C", "A"))
    assert few.ids.tolist() == ["C", "A"]
    with pytest.raises(DataError, match=r"--targets must name a column\. Received: 'D'"):
        load(wide, targets=("A", "D"))
    newer = load_panel(DataConfig(targets=("A", "D")), wide, inherited={"targets"})
    assert newer.ids.tolist() == ["A"]
    wide.loc[10, "A"] = np.nan
    with pytest.raises(DataError, match=r"row 10 \(A, 2024-01-11\), column A: expected a number"):
        load(wide, targets="all")
    assert len(load(wide, targets="all", missing="ffill")["A"]) == 35


def test_steps_of_a_wide_table_are_those_of_all_its_series():
    wide = pd.DataFrame({"A": np.arange(9.0), "B": [np.nan] * 4 + [1.0, 2.0, 4.0, 1.0, 3.0]})
    panel = load(wide, targets="all")
    assert (panel["A"].index.tolist(), panel["B"].index.tolist()) == (list(range(9)), list(range(4, 9)))
    assert load(wide.set_axis(range(20, 29)), targets="all")["B"].index.tolist() == list(range(24, 29))


def test_columns_that_all_series_of_a_wide_table_share():
    wide = pd.DataFrame(
        {"Date": DAYS[:40], "A": 1.5 + np.arange(40), "C": np.arange(40) * 2.0, "sun": np.arange(40) % 5}
    )
    wide.loc[30:, "A"] = np.nan
    wide.loc[38:, "C"] = np.nan
    panel = load(wide, targets="all", known=("sun",))
    assert panel.observed.tolist() == [30, 38]
    assert np.diff(panel.starts).tolist() == [40, 40]
    assert panel.roles == ("target", "known")
    assert load(wide, targets="all", past=("sun",)).observed.tolist() == [30, 38]
    with pytest.raises(DataError, match="--static needs rows of each series, with --id"):
        load(wide, targets="all", static=("sun",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "y", "targets": ("a", "b")}, "target= has no effect beside targets="),
        ({"id": "shop", "targets": "all"}, "id= has no effect beside targets="),
        ({"ticker": "A,B", "id": "shop"}, "id= has no effect with several tickers, which are the ids"),
        ({"ticker": "A,B", "targets": "all"}, "targets= has no effect with several tickers, each of which is a series"),
    ],
)
def test_options_that_exclude_each_other(options, message):
    with pytest.raises(OptionError, match=message):
        Config.from_options(**options)


def test_a_long_table_is_not_read_as_a_wide_one():
    long = long_of({name: part_of(0, 30, seed) for seed, name in enumerate("abc")})
    with pytest.raises(DataError, match=r"--targets takes columns of one row per date\. Received: 3 series in"):
        load(long, targets="all")


@pytest.mark.parametrize("form", ["columns", "index", "float", "interleaved"])
def test_integer_steps_are_kept(form):
    steps = {"a": range(30), "b": range(10, 34), "c": range(5)}
    long = pd.concat([pd.DataFrame({"unique_id": name, "ds": list(of), "y": np.sin(np.arange(len(of)))})
                      for name, of in steps.items()], ignore_index=True)  # fmt: skip
    if form == "index":
        long = long.set_index(["unique_id", "ds"])
    if form == "float":
        long = long.astype({"ds": float})
    if form == "interleaved":
        long = long.sort_values("ds", kind="stable")
    panel = load(long)
    for name, of in steps.items():
        assert panel[name].index.tolist() == list(of)
    assert (panel.frequency, panel.dated) == (None, False)
    if form == "columns":
        with pytest.raises(DataError, match="must rise by one step from row to row of each unique_id"):
            load(long.set_index(["unique_id", "ds"]).iloc[[1, 0, *range(2, 59)]])


def test_rows_without_dates_or_steps_are_taken_as_they_stand_in_each_series():
    long = pd.DataFrame({"unique_id": list("abab") * 10, "y": np.arange(40.0)})
    for frame in (long, long.iloc[::1].set_index(np.arange(40))):
        panel = load(frame)
        assert panel["b"].index.tolist() == list(range(20))
        assert panel["b"].values[:, 0].tolist() == list(range(1, 41, 2))


def test_the_step_of_the_longest_series_is_that_of_all():
    daily = {"a": part_of(0, 40), "b": part_of(3, 2, 1), "c": part_of(7, 1, 2)}
    assert load(long_of(daily), id="shop").frequency == "D"
    weekly = pd.DataFrame({"ds": pd.date_range("2024-01-07", periods=9, freq="W"), "y": np.arange(9.0)})
    with pytest.raises(DataError, match=r"must keep one step, D as in a\. Received: W-SUN in w"):
        load(long_of(daily | {"w": weekly}), id="shop")
    half = pd.DataFrame({"ds": pd.date_range("2024-01-07", periods=30, freq="12h"), "y": np.arange(30.0)})
    with pytest.raises(DataError, match=r"must keep one step, D as in a\. Received: 12h in h"):
        load(long_of(daily | {"h": half}), id="shop")
    market = pd.DataFrame({"ds": pd.bdate_range("2024-01-01", periods=25), "y": np.arange(25.0)})
    with pytest.raises(DataError, match=r"must keep one step, D as in a\. Received: B in m"):
        load(long_of(daily | {"m": market}), id="shop")
    sparse = part_of(0, 40, 3).iloc[[0, 1, 4, 9, 15, 22, 30]]
    notes = load(long_of(daily | {"s": sparse}), id="shop").notes
    assert "1 series lack rows at most steps of D: s." in notes


def test_dates_that_two_formats_fit_are_told_by_each_series():
    days = DAYS[DAYS.day <= 12].strftime("%d/%m/%Y")
    long = pd.concat([pd.DataFrame({"shop": name, "ds": days, "y": np.arange(24.0)}) for name in "ab"])
    panel = load(long, id="shop")
    assert panel["b"].index[-1] == pd.Timestamp("2024-02-12")
    assert load(long).sha256 == panel.sha256


def test_local_time_of_each_series_is_kept():
    bars = pd.bdate_range("2024-03-01", periods=40, tz="America/New_York") + pd.Timedelta(hours=9.5)
    long = pd.concat([pd.DataFrame({"shop": name, "ds": bars, "y": np.arange(40.0)}) for name in "ab"])
    assert load(long, id="shop")["b"].index[0] == pd.Timestamp("2024-03-01 09:30")


def test_a_panel_is_checked_as_it_is_fitted(tmp_path):
    parts = {name: part_of(start, 35, seed) for seed, (name, start) in enumerate((("a", 0), ("b", 5), ("c", 2)))}
    parts["b"] = parts["b"].drop(index=[4, 5, 6, 20])
    parts["c"].loc[9, "y"] = np.nan
    found = examine(DataConfig(), long_of(parts)).as_json()
    assert (found["series"], found["key"], found["rows"]) == (3, "shop", 100)
    assert (found["longest"], found["shortest"]) == ({"series": "a", "rows": 35}, {"series": "b", "rows": 31})
    assert (found["gap_rows"], found["series_with_gaps"], found["missing"]) == (5, 2, 1)
    assert found["gaps"][0] == {"start": "2024-01-10", "end": "2024-01-12", "rows": 3, "series": "b"}
    assert any("fit needs --missing drop" in note for note in found["notes"])
    assert any("not positive (in a, b, c)" in note for note in found["notes"])


def test_series_that_look_wrong_are_named():
    parts = {name: part_of(0, 40, seed) for seed, name in enumerate("abc")}
    parts["a"].loc[30:, "y"] = 4.0
    parts["b"]["y"] = 2.0
    notes = load(long_of(parts), id="shop").notes
    assert "1 series hold one value of y throughout: b." in notes
    assert any(note.startswith("1 series end in 5 equal values or more") and note.endswith(": a.") for note in notes)
    prices = {name: part.assign(y=100 + part["y"]) for name, part in parts.items() if name != "b"}
    prices["c"].loc[20:, "y"] /= 2
    found = load(long_of(prices).rename(columns={"y": "Close"}), id="shop")
    assert any(note.startswith("Split suspected on 2024-01-21 (2 for 1) in c") for note in found.notes)
    low = long_of(prices).rename(columns={"y": "Close"})
    low.loc[41, "Close"] = -1
    with pytest.raises(DataError, match=r"row 41 \(c, 2024-01-02\), column Close: prices must be positive"):
        load(
            long_of(prices)
            .rename(columns={"y": "Close"})
            .assign(Close=lambda at: at["Close"].where(at.index != 41, -1))
        )
    with pytest.raises(DataError, match=r"values that change\. Received: 2\.0 in all rows of each of 2 series"):
        load(long_of({"a": parts["b"], "c": parts["b"]}), id="shop")


def test_a_range_and_dates_to_come_hold_for_each_series():
    parts = {"a": part_of(0, 20), "b": part_of(15, 20, 1)}
    panel = load(long_of(parts), id="shop", start="2024-01-10", end="2024-01-15")
    assert panel.ids.tolist() == ["a"]
    assert "1 series without rows of y left out: b." in panel.notes
    parts["b"]["ds"] += pd.Timedelta(days=3000)
    with pytest.raises(DataError, match=r"row 20 \(b, .*\), column ds: dates must not lie in the future"):
        load(long_of(parts), id="shop")


def test_a_hundred_thousand_series_are_a_matter_of_arrays():
    count, rows = 100_000, 3
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.char.add("s", np.arange(count).astype(str)), rows),
            "ds": np.tile(DAYS[:rows], count),
            "y": np.random.default_rng(0).normal(size=count * rows),
        }
    )
    panel = load(frame.sort_values("ds", kind="stable"))
    assert len(panel) == count
    np.testing.assert_array_equal(panel.values[:, 0], frame["y"])

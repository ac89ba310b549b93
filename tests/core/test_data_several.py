"""Tables of several series are never read as one: they are a panel where their ids are plain, else ids are named."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.config import Config
from kerasforecast.data.check import examine
from kerasforecast.data.load import load_panel, load_series
from kerasforecast.data.table.ids import identified
from kerasforecast.errors import DataError, OptionError, addressed
from kerasforecast.sections.data import DataConfig

try:
    from kerasforecast_cli.data import data
    from kerasforecast_cli.main import Commands
except ImportError:  # run from the checkout, not installed
    from cli.data import data
    from cli.main import Commands

DAYS = pd.bdate_range("2024-01-02", periods=40)
VALUES = np.round(100 + np.sin(np.arange(40)) * 5, 2)
ONE = pd.DataFrame({"Close": VALUES}, index=DAYS)
MANY = pd.concat({"AAPL": ONE, "MSFT": ONE * 2, "Coca Cola": ONE * 3}, names=["Name", "Date"])
LONG = MANY.reset_index()
WIDE = pd.concat(
    {(name, ticker): ONE["Close"] * 2 for name in ("Close", "Volume") for ticker in ("AAPL", "MSFT")},
    axis=1,
    names=["Price", "Ticker"],
)
STORES = pd.DataFrame(
    [(day, store, item, item + day.day) for day in DAYS for store in (1, 2) for item in (7, 8, 9)],
    columns=["date", "store", "item", "sales"],
)


def load(frame, **options):
    return load_series(DataConfig(**options), frame)


def numbered(ids):
    return LONG.assign(Name=LONG["Name"].map(dict(zip(["AAPL", "MSFT", "Coca Cola"], ids, strict=True))))


@pytest.mark.parametrize(
    ("frame", "options", "column", "first", "count"),
    [
        (LONG, {}, "Name", "AAPL", 3),
        (LONG.sort_values("Date"), {}, "Name", "AAPL", 3),
        (LONG.sort_values("Date"), {"duplicates": "mean"}, "Name", "AAPL", 3),
        (LONG.assign(sector="tech", note=LONG["Close"].astype(str)), {}, "Name", "AAPL", 3),
        (LONG.astype({"Name": "category"}), {}, "Name", "AAPL", 3),
        (LONG.assign(Name=LONG["Name"].mask(LONG["Date"] == DAYS[3])), {}, "Name", "AAPL", 3),
        (LONG.rename(columns={"Name": "Store name"}), {}, "Store name", "AAPL", 3),
        (MANY, {}, "Name", "AAPL", 3),
        (MANY.swaplevel().sort_index(), {}, "Name", "AAPL", 3),
        (MANY.rename_axis([None, None]), {}, "level_0", "AAPL", 3),
        (MANY.set_axis(pd.MultiIndex.from_product([["a", "b", "c"], range(40)])), {}, "level_0", "a", 3),
        (WIDE, {}, "Ticker", "AAPL", 2),
        (WIDE.swaplevel(axis=1), {}, "Ticker", "AAPL", 2),
        (WIDE[["Close"]], {}, "Ticker", "AAPL", 2),
        (WIDE.rename_axis([None, None], axis=1), {}, "id", "AAPL", 2),
        ({"AAPL": ONE, "MSFT": ONE}, {}, "id", "AAPL", 2),
        ({"AAPL": ONE.iloc[:20], "MSFT": ONE.iloc[20:]}, {}, "id", "AAPL", 2),
        (LONG.set_axis(["unique_id", "ds", "y"], axis=1), {}, "unique_id", "AAPL", 3),
        (LONG.set_axis(["unique_id", "ds", "y"], axis=1).assign(ds=[*range(40)] * 3), {}, "unique_id", "AAPL", 3),
        (LONG.set_axis(["item_id", "timestamp", "target"], axis=1), {}, "item_id", "AAPL", 3),
        (numbered([17, 4, 5]).rename(columns={"Name": "shop"}), {"id": "shop"}, "shop", "17", 3),
    ],
)
def test_several_series_with_plain_ids_are_a_panel_and_that_is_said(frame, options, column, first, count):
    panel = load_panel(DataConfig(**options), frame)
    assert (len(panel), panel.key, panel.ids[0]) == (count, column, first)
    said = [note for note in panel.notes if note.startswith(f"{count} series of column {column}")]
    assert len(said) == 1
    quoted = f"'{column}'" if " " in column else column
    told = "id" not in options
    assert told == (f"give --id {quoted} --series {first} to take one of them." in said[0])
    chosen = load(frame, **{**options, "id": column, "series": first})
    assert chosen.values.tolist() == panel[0].values.tolist()
    assert chosen.index.equals(panel[0].index)
    assert any(note.startswith(f"Series {first} of column") for note in chosen.notes)
    assert chosen.name == f"series-{first}"


@pytest.mark.parametrize(
    ("frame", "options", "column", "first", "count"),
    [
        (numbered([17, 4, 5]).rename(columns={"Name": "shop"}), {}, "shop", "17", 3),
        (STORES, {"target": "sales"}, "store,item", "1,7", 6),
        (LONG.drop(columns="Date").rename(columns={"Name": "Ticker"}), {}, "Ticker", "AAPL", 3),
    ],
)
def test_several_series_whose_ids_are_not_plain_are_refused_with_remedies_that_work(
    frame, options, column, first, count
):
    with pytest.raises(DataError) as caught:
        load(frame, **options)
    text = str(caught.value)
    assert f"Received: {count} series in column" in text
    assert text.endswith(
        f"Use --id {column} to take all of them, or --id {column} --series {first} to take one of them."
    )
    assert "--duplicates" not in text
    panel = load_panel(DataConfig(**{**options, "id": column}), frame)
    assert (len(panel), panel.key, panel.ids[0]) == (count, column, first)
    chosen = load(frame, **{**options, "id": column, "series": first})
    assert chosen.values.tolist() == panel[0].values.tolist()


@pytest.mark.parametrize("series", ["Coca Cola", "coca cola"])
def test_one_series_of_a_long_file_is_the_same_as_alone(tmp_path, series):
    path = tmp_path / "all.csv"
    LONG.to_csv(path, index=False)
    found = load_series(DataConfig(file=str(path), id="name", series=series))
    assert found.sha256 == load(ONE * 3).sha256
    assert found.name == f"all-{series}"
    assert found.notes == ("Series Coca Cola of column Name: 40 of 120 rows.",)


def test_faults_of_one_series_are_addressed_in_the_whole_file(tmp_path):
    path = tmp_path / "all.csv"
    faulty = LONG.assign(Close=np.where(LONG.index == 45, "x", LONG["Close"].astype(str)))
    faulty.to_csv(path, index=False)
    with pytest.raises(DataError, match="row 47, column Close: expected a number"):
        load_series(DataConfig(file=str(path), id="Name", series="MSFT"))
    assert len(load_series(DataConfig(file=str(path), id="Name", series="AAPL"))) == 40


def test_ids_are_numbers_too():
    for series in (4, np.int64(4), "4"):
        assert load(numbered([17, 4, 5]), id="Name", series=series).values[0, 0] == VALUES[0] * 2
    gaps = numbered([17.0, 4.0, 5.0])
    gaps.loc[0, "Name"] = np.nan
    series = load(gaps, id="Name", series=17)
    assert series.notes == ("Series 17 of column Name: 39 of 120 rows. 1 row without an id left out.",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": "ticker"}, r"--id must name a column\. Received: 'ticker'\. Columns: Name, Date, Close\."),
        (
            {"id": "Name", "series": "IBM"},
            r"--series must name a series of column Name\. Received: 'IBM'\. It ",
        ),
        ({"series": "AAPL"}, r"--series needs --id, .* Received: --series AAPL alone\. Columns: Name, Date, Close\."),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(options, message):
    with pytest.raises(DataError, match=message):
        load(LONG, **options)


def test_a_ticker_has_no_ids():
    with pytest.raises(OptionError, match="id= has no effect with ticker="):
        Config.from_options(ticker="AAPL", id="Name", series="AAPL")


@pytest.mark.parametrize(
    "frame",
    [
        ONE.reset_index(names="Date").assign(ticker="AAPL"),
        ONE.reset_index(names="Date").assign(unique_id=7),
        ONE.reset_index(names="Date").assign(symbol=["ESH4"] * 20 + ["ESM4"] * 20),
        pd.concat({"AAPL": ONE}, names=["symbol"]),
        pd.concat({"AAPL": ONE}, axis=1),
        WIDE.loc[:, [("Close", "AAPL"), ("Volume", "AAPL")]],
        {"AAPL": ONE},
    ],
)
def test_one_ticker_is_no_obstacle(frame):
    assert load(frame).index.equals(DAYS)


def test_the_columns_of_one_series_come_with_it():
    assert load(WIDE, id="Ticker", series="MSFT", past=("Volume",)).columns == ("Close", "Volume")


def doubled(**columns):
    """Forty days of which one stands twice, its second row told apart by `columns`."""
    frame = ONE.reset_index(names="Date").assign(**{name: cells[0] for name, cells in columns.items()})
    again = frame.iloc[19:20].assign(Close=3.0, **{name: cells[1] for name, cells in columns.items()})
    return pd.concat([frame.iloc[:20], again, frame.iloc[20:]], ignore_index=True)


def test_few_repeated_dates_that_another_column_tells_apart():
    flagged = doubled(flag=("final", "early"))
    with pytest.raises(
        DataError,
        match=r"2 series in column flag: final, early\. .* or --id flag --series final",
    ):
        load(flagged)
    assert len(load(flagged, id="flag", series="final")) == 40
    assert len(load(flagged, duplicates="first")) == 40  # who says so knows of them
    notes = examine(DataConfig(), flagged).as_json()["notes"]
    assert "1 row of a date seen before: fit needs --id flag --series final, one of several series." in notes


def test_what_happens_to_differ_names_no_series():
    ways = doubled().assign(way=["up", "down", "flat"] * 13 + ["up", "down"], count=np.arange(41) % 7)
    with pytest.raises(DataError, match="Use --duplicates last"):
        load(ways)
    twice = pd.concat([ONE, ONE + 1]).sort_index().reset_index(names="Date")
    with pytest.raises(DataError, match="Use --duplicates last"):
        load(twice.assign(volume=np.random.default_rng(0).integers(0, 10_000, 80)))


def test_data_check_says_what_fit_says(tmp_path):
    path = tmp_path / "all.csv"
    LONG.to_csv(path, index=False)
    cli = Commands("kerasforecast", {"data": data})
    panel = load_panel(DataConfig(file=str(path)))
    whole = CliRunner().invoke(cli, ["data", "check", str(path), "--json"])
    found = json.loads(whole.stdout)
    assert (found["series"], found["key"], found["rows"], found["sha256"]) == (3, "Name", 120, panel.sha256)
    assert tuple(found["notes"]) == panel.notes
    taken = CliRunner().invoke(cli, ["data", "check", str(path), "--id", "Name", "--series", "MSFT", "--json"])
    found = json.loads(taken.stdout)
    assert (found["name"], found["rows"], found["duplicates"]) == ("all-MSFT", 40, 0)
    LONG.assign(Name=LONG["Name"].str.len()).to_csv(path, index=False)
    refused = CliRunner().invoke(cli, ["data", "check", str(path)])
    assert refused.exit_code == 2


def test_ids_of_several_columns():
    codes, ids = identified(pd.DataFrame({"a": ["x", "y", None, "x ", "y"], "b": [1.0, 2.0, 1.0, 1.0, np.nan]}))
    assert (codes.tolist(), ids) == ([0, 1, -1, 0, -1], ["x,1", "y,2"])


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_panel_is_told_from_one_series(draw):
    """Series of any lengths and ids on the same dates, rows in any order: a panel of them all."""
    called = st.tuples(st.sampled_from("abcxyz-.é01"), st.text("abcxyz-. é01", max_size=4)).map("".join).map(str.rstrip)
    names = draw.draw(st.lists(called, min_size=2, max_size=5, unique_by=str.casefold))
    lengths = [draw.draw(st.integers(3, 12)) for _ in names]
    parts = {name: ONE.iloc[:length] + place for place, (name, length) in enumerate(zip(names, lengths, strict=True))}
    frame = pd.concat(parts, names=["who", "Date"]).reset_index()
    if draw.draw(st.booleans()):
        frame = frame.sort_values("Date", kind="stable", ignore_index=True)
    try:
        panel = load_panel(DataConfig(), frame)
    except DataError as error:  # few dates repeat, where one series is much longer than the others
        assert re.search(rf"Received: {len(names)} series in column who.*Use --id who to take all", str(error))
        panel = load_panel(DataConfig(id="who"), frame)
    assert sorted(panel.ids) == sorted(names)
    for name, part in parts.items():
        np.testing.assert_array_equal(panel[name].values, part.to_numpy())
        np.testing.assert_array_equal(load(frame, id="who", series=name).values, part.to_numpy())


REGIONS = STORES.assign(item=1, region=STORES["store"].map({1: "north", 2: "north"})).drop_duplicates(["date", "store"])


@pytest.mark.parametrize("frame", [REGIONS, REGIONS.sort_values(["store", "date"], kind="stable")])
def test_ids_that_several_rows_of_a_date_share_name_too_little(frame):
    with pytest.raises(DataError) as refused:
        load_panel(DataConfig(id="region", target="sales"), frame)
    said = str(refused.value)
    assert "column region, where north has 2 rows of 2024-01-02, told apart by column store. Use --id region,st" in said
    assert addressed(said).endswith(
        "Use id='region,store' to take them as series, or id='store' to take that column alone."
    )
    assert len(load_panel(DataConfig(id="region,store", target="sales"), frame)) == 2


def test_rows_of_an_id_that_nothing_tells_apart_are_repeated_dates():
    twice = pd.concat([ONE, ONE]).rename_axis("Date").reset_index().assign(shop="one").sort_values("Date")
    with pytest.raises(DataError, match="dates must not repeat"):
        load_panel(DataConfig(id="shop", target="Close"), twice)


def test_ids_of_a_parquet_file_keep_their_order_and_gaps(tmp_path):
    pytest.importorskip("pyarrow")
    some = LONG.sort_values("Date", kind="stable").assign(Name=lambda rows: rows["Name"].where(rows.index % 40 != 3))
    some.to_parquet(tmp_path / "many.parquet", index=False)
    some.to_csv(tmp_path / "many.csv", index=False)
    by_file, by_text = (
        load_panel(DataConfig(file=str(tmp_path / name), id="Name")) for name in ("many.parquet", "many.csv")
    )
    assert by_file.ids.tolist() == ["AAPL", "MSFT", "Coca Cola"]
    assert by_file.sha256 == by_text.sha256
    assert "3 rows without an id left out" in " ".join(by_file.notes)

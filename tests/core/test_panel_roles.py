"""What each column of a panel is for: known until now, known ahead, one value a series, and rows that come after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.categories import recoded
from kerasforecast.data.load import load_panel
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

DAYS = pd.date_range("2024-01-01", periods=30)
SHOPS = {"north": ("mall", 5.0, True), "south": ("street", 7.0, False), "west": ("mall", 9.0, True)}
TABLE = pd.concat(
    [
        pd.DataFrame(
            {"shop": name, "ds": DAYS, "y": np.sin(np.arange(30.0)) + place, "visits": np.arange(30.0) % 5,
             "promo": [True, False, False] * 10, "kind": kind, "size": size, "corner": corner, "note": "x"}
        )
        for place, (name, (kind, size, corner)) in enumerate(SHOPS.items())
    ],
    ignore_index=True,
)  # fmt: skip
ROLES = {"past": ("visits",), "known": ("promo",), "static": ("kind", "size", "corner")}


def load(table, **options):
    return load_panel(DataConfig(**options), table)


def ahead(rows=6):
    """The last rows of each shop without a target, as a table that holds what is known of the future."""
    return TABLE.assign(y=TABLE["y"].where(TABLE["ds"] < DAYS[-rows]))


@pytest.mark.parametrize("form", ["frame", "csv", "categories", "interleaved"])
def test_every_column_has_its_role(tmp_path, form):
    table = TABLE
    if form == "categories":
        table = table.astype({"kind": "category", "shop": "category"})
    if form == "interleaved":
        table = table.sort_values("ds", kind="stable")
    options = ROLES
    if form == "csv":
        table.to_csv(tmp_path / "t.csv", index=False)
        table, options = None, ROLES | {"file": str(tmp_path / "t.csv")}
    panel = load(table, **options)
    assert (panel.columns, panel.roles) == (("y", "visits", "promo"), ("target", "past", "known"))
    assert panel.static_columns == ("kind", "size", "corner")
    assert panel.categories == (("mall", "street"), (), ())
    assert panel.static.tolist() == [[0, 5, 1], [1, 7, 0], [0, 9, 1]]
    assert "Not used: note." in panel.notes
    assert any("3 series of column shop" in note for note in panel.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"known": ("promo",), "past": ("promo",)},
            r"one role\. Received: 'promo' in --past and in --known",
        ),
        (
            {"static": ("size",), "known": ("size",)},
            r"one role\. Received: 'size' in --known and in --static",
        ),
        ({"known": ("y",)}, r"--known must name each column once, and not the target y\. Received: 'y'"),
        ({"static": ("size", "Size")}, r"--static must name each column once, and not the target y"),
        ({"static": ("sise",)}, r"--static must name a column\. Received: 'sise'"),
        ({"id": "shop", "static": ("shop",)}, r"--static must name a column\. Received: 'shop'"),
    ],
)
def test_a_column_has_one_role(options, message):
    with pytest.raises(DataError, match=message):
        load(TABLE, **{"id": "shop"} | options)


def test_a_target_that_is_not_found_is_to_be_named_and_columns_are_series_only_where_dates_differ():
    table = TABLE.rename(columns={"y": "sales"})
    for options in ({"id": "shop"}, {}):
        with pytest.raises(DataError, match=r"Give --target NAME\.$"):
            load(table, **options)
    with pytest.raises(DataError, match=r"Or --targets all, where each column is a series\.$"):
        load(table[table["shop"] == "north"])


def test_one_of_several_columns_of_ids_may_be_static():
    panel = load(TABLE, id="kind,shop", static=("kind",))
    assert (panel.key, panel.ids.tolist()) == ("kind,shop", ["mall,north", "street,south", "mall,west"])
    assert panel.categories == (("mall", "street"),)


def test_a_static_column_that_changes_or_is_empty_is_refused():
    changes = TABLE.copy()
    changes.loc[45, "size"] = 8.0
    with pytest.raises(DataError, match=r"row 45 \(south\), column size: .* Received: '8\.0' after '7\.0'"):
        load(changes, static=("size",))
    changes = TABLE.assign(kind=TABLE["kind"].where(TABLE.index != 33, "other"))
    with pytest.raises(DataError, match=r"row 33 \(south\), column kind: .* Received: 'other' after 'street'"):
        load(changes, static=("kind",))
    empty = TABLE.assign(kind=TABLE["kind"].where(TABLE["shop"] != "west"))
    with pytest.raises(DataError, match=r"column kind: expected a value for every shop, .* none for west"):
        load(empty, static=("kind",))
    filled = TABLE.assign(kind=TABLE["kind"].where(TABLE["ds"] < DAYS[20]))
    assert load(filled, static=("kind",)).static.tolist() == [[0], [1], [0]]


def test_rows_after_the_last_target_hold_what_is_known_of_them():
    panel = load(ahead(), **ROLES)
    assert panel.observed.tolist() == [24, 24, 24]
    assert np.diff(panel.starts).tolist() == [30, 30, 30]
    rows = panel.values[panel.ends[1] : panel.starts[2]]
    assert np.isnan(rows[:, :2]).all()
    assert rows[:, 2].tolist() == [1, 0, 0, 1, 0, 0]
    assert "18 rows after the last y: to be forecast, promo known; what visits holds there is not used." in panel.notes
    assert len(panel["south"]) == 24


def test_rows_to_come_may_lie_in_the_future_without_a_target():
    later = ahead().assign(ds=lambda table: table["ds"] + (pd.Timestamp.today().normalize() - DAYS[23]))
    assert load(later, known=("promo",)).observed.tolist() == [24, 24, 24]
    with pytest.raises(DataError, match="dates must not lie in the future"):
        load(later.assign(y=1.0 + later.index), known=("promo",))


def test_empty_targets_without_known_columns_are_missing_values():
    with pytest.raises(DataError, match=r"row 24 \(north, 2024-01-25\), column y: expected a number.* with --known\."):
        load(ahead())
    gap = TABLE.assign(y=TABLE["y"].where(TABLE.index != 40))
    with pytest.raises(DataError, match=r"row 40 \(south, 2024-01-11\), column y: expected a number"):
        load(gap, **ROLES)
    assert load(gap, **ROLES, missing="interpolate").observed.tolist() == [30, 30, 30]


def test_what_is_to_be_known_and_is_not_is_named():
    table = ahead()
    table["promo"] = table["promo"].astype(object).where(table.index != 57)
    with pytest.raises(DataError, match=r"row 57 \(south, 2024-01-28\), column promo: expected a value in a row after"):
        load(table, known=("promo",), missing="ffill")


def test_a_series_that_is_all_future_is_left_out_and_said():
    table = TABLE.assign(y=TABLE["y"].where(TABLE["shop"] != "west"))
    panel = load(table, known=("promo",))
    assert panel.ids.tolist() == ["north", "south"]
    assert "1 series without rows of y left out: west." in panel.notes


def test_one_series_has_rows_to_come_too():
    table = ahead()[lambda each: each["shop"] == "north"].drop(columns="shop")
    panel = load(table, known=("promo",))
    assert (panel.key, panel.observed.tolist(), len(panel.index)) == (None, [24], 30)


def test_doubled_rows_to_come_are_merged_by_the_same_policy():
    table = pd.concat([ahead(), ahead().iloc[[29]]]).sort_values(["shop", "ds"], kind="stable")
    with pytest.raises(DataError, match=r"\(north, 2024-01-30\), column ds: dates must not repeat"):
        load(table, known=("promo",), id="shop")
    for policy in ("last", "mean"):
        assert load(table, known=("promo",), duplicates=policy).observed.tolist() == [24, 24, 24]


def test_columns_that_the_dates_give_come_last_and_reach_the_rows_to_come():
    table = ahead().assign(weekday=lambda each: each["ds"].dt.day_of_week)
    panel = load(table, past=("weekday", "visits"), known=("promo",))
    assert (panel.columns, panel.roles) == (
        ("y", "visits", "promo", "weekday"),
        ("target", "past", "known", "known"),
    )
    assert dict(panel.calendar_columns) == {"weekday": "weekday"}
    assert np.isfinite(panel.values[:, 2:]).all()


def test_categories_are_those_of_the_model_by_name():
    panel = load(TABLE, static=("kind", "size"))
    ours = recoded(panel, [("kiosk", "street", "mall"), ()])
    assert ours.static.tolist() == [[2, 5], [1, 7], [2, 9]]
    assert ours.categories == (("kiosk", "street", "mall"), ())
    with pytest.raises(DataError, match=r"column kind: the model knows mall\. Received: 'street' in south\."):
        recoded(panel, [("mall",), ()])
    with pytest.raises(DataError, match=r"column kind: the model takes a number\. Received: 'mall' in north\."):
        recoded(panel, [(), ()])
    with pytest.raises(DataError, match="the model takes 1 static columns"):
        recoded(panel, [()])
    numbers = load(TABLE, static=("size",))
    assert recoded(numbers, [("9", "7", "5")]).static.tolist() == [[2], [1], [0]]


def test_newer_tables_of_a_model_that_learned_from_a_panel():
    inherited = {"id", "series", "date_column"}
    config = DataConfig(id="shop", date_column="ds")
    fewer = TABLE[TABLE["shop"] != "south"]
    assert load_panel(config, fewer, inherited=inherited).ids.tolist() == ["north", "west"]
    renamed = TABLE.rename(columns={"shop": "store", "ds": "day"})
    assert load_panel(config, renamed, inherited=inherited).key == "store"
    one = TABLE[TABLE["shop"] == "west"]
    assert load_panel(config, one, inherited=inherited).ids.tolist() == ["west"]
    lone = load_panel(config, one.drop(columns=["shop", "kind", "note"]), inherited=inherited)
    assert lone.key is None
    assert "No column shop: all rows are taken as one series." in lone.notes

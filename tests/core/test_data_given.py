"""What Python users hand over: frames of other libraries, arrays, lists, dicts; what is none of these is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kerasforecast.data.load import load_panel, load_series
from kerasforecast.errors import DataError, InputError
from kerasforecast.sections.data import DataConfig

DAYS = pd.bdate_range("2024-01-02", periods=40)
VALUES = np.round(100 + np.sin(np.arange(40)) * 5, 2)
TABLE = pd.DataFrame({"Date": DAYS, "Close": VALUES})
ARROW = pa.Table.from_pandas(TABLE)


def load(data, **options):
    return load_series(DataConfig(**options), data)


@pytest.mark.parametrize(
    "data",
    [
        ARROW,
        {"Date": list(DAYS), "Close": list(VALUES)},
        {"Date": DAYS.strftime("%Y-%m-%d"), "Close": VALUES},
        [{"Date": day, "Close": value} for day, value in zip(DAYS, VALUES, strict=True)],
        list(zip(DAYS, VALUES, strict=True)),
        np.rec.fromarrays([DAYS.to_numpy(), VALUES], names="Date,Close"),
    ],
)
def test_tables_with_dates(data):
    series = load(data)
    assert series.index.equals(DAYS)
    assert series.values[:, 0].tolist() == VALUES.tolist()


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"Date": list(DAYS.date), "Close": VALUES, "note": ["a"] * 40})
    for data in (frame, frame.lazy()):
        assert load(data).index.equals(DAYS)
    zoned = polars.DataFrame({"Date": DAYS.tz_localize("America/New_York").tolist(), "Close": VALUES})
    assert load(zoned).index.equals(DAYS)
    assert load(polars.Series("sales", VALUES)).target == "sales"
    long = polars.concat([frame.with_columns(shop=polars.lit(shop)) for shop in ("north", "south")])
    assert load_panel(DataConfig(), long).ids.tolist() == ["north", "south"]


@pytest.mark.parametrize(
    "data",
    [VALUES, VALUES[:, None], list(VALUES), tuple(VALUES), [[value] for value in VALUES], VALUES.astype(object),
     pa.chunked_array([VALUES])],
)  # fmt: skip
def test_values_alone(data):
    series = load(data)
    assert (series.columns, series.index.equals(pd.RangeIndex(40))) == (("value",), True)
    assert series.values[:, 0].tolist() == VALUES.tolist()


def test_columns_without_names():
    table = np.column_stack([VALUES, VALUES * 2])
    with pytest.raises(DataError, match=r"Received: value 1, value 2\. Give --target NAME"):
        load(table)
    assert load(table, target="value 2", past=("value 1",)).values[0].tolist() == [VALUES[0] * 2, VALUES[0]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (object(), r"Data must be a DataFrame \(pandas, polars, pyarrow, \.\.\.\), an array, .* Received: object\."),
        (5, "Received: int"),
        ({1.0, 2.0}, "Received: set"),
        ((value for value in VALUES), "Received: generator"),
        (b"Date,Close", "Received: bytes"),
        (np.zeros((2, 2, 2)), r"An array must have shape \(rows,\) or \(rows, columns\)\. Received: \(2, 2, 2\)\."),
        (np.float64(3), r"An array must have shape .* Received: \(\)\."),
        ([], r"expected rows and columns\. Received: shape \(0, 0\)"),
        ({}, r"expected rows and columns\. Received: shape \(0, 0\)"),
        (np.zeros(0), r"expected rows and columns\. Received: shape \(0, 1\)"),
        ({"a": [1, 2], "b": [1]}, "A dict must hold columns of one length"),
        ({"a": 1.0}, "A dict must hold columns of one length"),
        (["a", "b"], "column value: expected a number"),
    ],
)
def test_what_is_no_table_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        load(data)


def test_a_frame_that_needs_another_package_says_so(monkeypatch):
    def absent(self):
        raise ModuleNotFoundError("pa.Table.to_pandas requires pyarrow")

    monkeypatch.setattr("narwhals.DataFrame.to_pandas", absent)
    with pytest.raises(InputError, match=r"is read through pyarrow\. .* Install kerasforecast\[parquet\]"):
        load(ARROW)


def test_pandas_needs_no_narwhals():
    code = (
        "import sys, pandas as pd; from kerasforecast.data.load import load_panel, load_series; "
        "from kerasforecast.sections.data import DataConfig; "
        "load_series(DataConfig(), pd.DataFrame({'y': [1.0, 2.0]})); assert 'narwhals' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

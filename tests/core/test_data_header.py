"""Where the header is: below `sep=`, titles and facts, in several rows; what stands above is said to be left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

DAYS = pd.bdate_range("2024-01-02", periods=40)
VALUES = np.round(100 + np.sin(np.arange(40)) * 5, 2)
TABLE = pd.DataFrame({"Date": DAYS.strftime("%Y-%m-%d"), "Close": VALUES})
TEXT = TABLE.to_csv(index=False)
GERMAN = TABLE.to_csv(index=False, sep=";", decimal=",")


def load(tmp_path, content, **options):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_series(DataConfig(file=str(path), **options))


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\n" + GERMAN,
        "sep=,\r\n" + TEXT.replace("\n", "\r\n"),
        '"sep=|"\n' + TABLE.to_csv(index=False, sep="|"),
        "SEP=:\n" + TABLE.to_csv(index=False, sep=":"),
        ("sep=;\n" + GERMAN).encode("utf-8-sig"),
        ("sep=\t\n" + TABLE.to_csv(index=False, sep="\t")).encode("utf-16"),
    ],
)
def test_a_line_that_states_the_separator(tmp_path, content):
    series = load(tmp_path, content)
    assert series.index.equals(DAYS)
    assert series.values[:, 0].tolist() == VALUES.tolist()
    assert not any("left out" in note for note in series.notes)


@pytest.mark.parametrize(
    ("above", "row"),
    [
        ("Prices of IBM\n", 2),
        ("Prices of IBM\n\nSource: exchange, 2024\n", 4),
        ("# a\n# b, c, d\n\n\n", 5),
        ("Report,\n,\n", 3),
        ("Series,GDP\nUnits,USD\n", 3),
        ("Created,2024-01-01,x,y\n", 2),
        ("Made,2024-01-01\nby,hand\n", 3),
    ],
)
def test_lines_above_the_header_are_left_out(tmp_path, above, row):
    series = load(tmp_path, above + TEXT)
    assert series.index.equals(DAYS)
    assert series.target == "Close"
    assert f"The header is row {row}; what stands above it was left out." in series.notes
    with pytest.raises(DataError, match=rf"row {row + 7}, column Close: expected a number\. Received: 'x'"):
        load(tmp_path, above + TEXT.replace("98.6\n", "x\n"))
    ragged = TEXT.replace("98.6\n", "98.6,1\n")
    with pytest.raises(DataError, match=rf"row {row + 7}: expected 2 columns, as in the header\. Received: 3 columns"):
        load(tmp_path, above + ragged)
    gappy = load(tmp_path, above + TEXT.replace("98.6\n", "\n"))
    assert len(gappy) == 39
    with pytest.raises(DataError, match=rf"row {row}: column names must differ"):
        load(tmp_path, above + TEXT.replace("Date,Close", "Date,Date"))


def test_a_title_does_not_hide_the_separator(tmp_path):
    series = load(tmp_path, "Kurse, täglich\nStand: heute\n" + GERMAN)
    assert series.values[:, 0].tolist() == VALUES.tolist()
    assert "Separator semicolon detected." in series.notes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Date\n" + TEXT.partition("\n")[2], "row 2: expected 1 columns, as in the header"),
        ("Date,Close,Volume\n" + TEXT.partition("\n")[2], "row 2: expected 3 columns, as in the header"),
        (TEXT.partition("\n")[2], "row 1: expected a header of column names"),
        (TEXT.partition("\n")[2] + TEXT, "row 1: expected a header of column names"),
        ("Date,Close\nday,USD\n" + TEXT.partition("\n")[2], "row 2, column Close: expected a number. Received: 'USD'"),
    ],
)
def test_no_row_of_data_is_taken_for_a_title(tmp_path, content, message):
    with pytest.raises(DataError) as caught:
        load(tmp_path, content)
    assert message in str(caught.value)


def test_columns_of_several_levels(tmp_path):
    rows = "".join(f"{day},{value},{value * 2}\n" for day, value in TABLE.itertuples(index=False))
    one = load(tmp_path, "Price,Close,High\nTicker,AAPL,AAPL\nDate,,\n" + rows, past=("High",))
    assert one.index.equals(DAYS)
    assert one.columns == ("Close", "High")
    assert load(tmp_path, "Price,Close,High\nDate,,\n" + rows).index.equals(DAYS)
    with pytest.raises(DataError, match=r"Received: Close AAPL, High MSFT\. Give --target NAME\."):
        load(tmp_path, "Price,Close,High\nTicker,AAPL,MSFT\nDate,,\n" + rows)
    chosen = load(tmp_path, "Price,Close,High\nTicker,AAPL,MSFT\nDate,,\n" + rows, target="High MSFT")
    np.testing.assert_allclose(chosen.values[:, 0], VALUES * 2)
    with pytest.raises(DataError, match="row 10, column Close: expected a number"):
        load(tmp_path, "Price,Close,High\nTicker,AAPL,AAPL\nDate,,\n" + rows.replace(",98.6,", ",x,"))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.sampled_from("abc XYZ:#-é"), max_size=30), max_size=6), st.booleans())
def test_any_title_leaves_the_rows_as_they_are(tmp_path_factory, above, spaced):
    """Whatever plain lines stand above, blank ones among them: the same rows."""
    lines = [line + ("," if line.strip() and spaced else "") for line in above]
    series = load(tmp_path_factory.mktemp("t"), "\n".join([*lines, TEXT]))
    assert series.values[:, 0].tolist() == VALUES.tolist()
    assert series.index.equals(DAYS)

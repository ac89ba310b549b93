"""Tables in every dialect load to the same series; what was detected is said, and can be forced."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError, InputError, OptionError
from kerasforecast.sections.data import DataConfig

DATES = pd.bdate_range("2024-01-02", periods=40)
CLOSE = np.round(100 + np.sin(np.arange(40)) * 5, 2)
TABLE = pd.DataFrame({"Date": DATES.strftime("%Y-%m-%d"), "Close": CLOSE, "Volume": np.arange(40) + 1_000})


def text(**options):
    return TABLE.to_csv(index=False, lineterminator="\n", **options)


def load(tmp_path, content, name="prices.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_series(DataConfig(file=str(path), **options))


GERMAN = text(sep=";", decimal=",", date_format="%d.%m.%Y").encode("utf-8")


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (text(), None),
        (text().replace("\n", "\r\n"), None),
        (text().replace("\n", "\r"), None),
        ("\n\n" + text().replace("\n", "\n\n"), None),
        (text().replace(",", " , "), None),
        (text().encode("utf-8-sig"), None),
        (text().encode("utf-16"), "Encoding utf-16 detected."),
        (text().encode("utf-16-le"), "Encoding utf-16-le detected."),
        (text().encode("utf-16-be"), "Encoding utf-16-be detected."),
        (text(sep="\t"), "Separator tab detected."),
        (text(sep="|"), "Separator bar detected."),
        (text(sep=";"), "Separator semicolon detected."),
        (GERMAN, "Decimal comma detected."),
        (text(quoting=1), None),
        (text(quoting=1, decimal=","), "Decimal comma detected."),
        (gzip.compress(text().encode(), mtime=0), None),
        (text().replace("Date,", "datetime,"), None),
        (text().replace("Date,", "ds,").replace("Close", "y"), None),
        (text().replace("Date,", "timestamp,").replace("Close", "value"), None),
        (text().replace("Date,", ","), None),
        ("\n".join([text().splitlines()[0], *text().splitlines()[:0:-1]]), "Rows ran from newest to oldest"),
    ],
)
def test_dialects(tmp_path, content, note):
    series = load(tmp_path, content)
    np.testing.assert_allclose(series.values[:, 0], CLOSE, rtol=1e-15)
    assert series.index.equals(DATES)
    assert series.name == "prices"
    assert series.frequency == "B"
    if note:
        assert any(said.startswith(note) for said in series.notes)
    else:
        assert not any("detected" in said for said in series.notes)


@pytest.mark.parametrize(
    "form",
    ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%b-%Y", "%b %d, %Y", "%Y/%m/%d", "%Y%m%d", "%d/%m/%y",
     "%Y-%m-%dT%H:%M:%SZ", "%m/%d/%Y %I:%M %p", "%Y-%m-%d %H:%M:%S+00:00", "%B %d, %Y"],
)  # fmt: skip
def test_date_formats_are_detected(tmp_path, form):
    series = load(tmp_path, TABLE.assign(Date=DATES.strftime(form)).to_csv(index=False))
    assert series.index.equals(DATES)


def test_unix_seconds(tmp_path):
    seconds = DATES.as_unit("s").asi8
    series = load(tmp_path, TABLE.assign(Date=seconds).to_csv(index=False))
    assert series.index.equals(DATES)
    assert "Dates are Unix times in s, taken as UTC." in series.notes


def test_quarters_and_years(tmp_path):
    quarters = load(tmp_path, "Quarter,y\n2020Q1,1\n2020Q2,2\n2020Q3,4\n2020Q4,3\n")
    assert (quarters.frequency, str(quarters.index[1].date())) == ("QS-OCT", "2020-04-01")
    years = load(tmp_path, "Year,y\n1999,1\n2000,2\n2001,4\n2002,3\n")
    assert (years.frequency, str(years.index[1].date())) == ("YS-JAN", "2000-01-01")


def test_day_and_month_that_cannot_be_told_apart(tmp_path):
    both_ways = "Date,y\n01/02/2020,1\n02/03/2020,2\n03/04/2020,5\n"
    with pytest.raises(DataError, match="the day and the month cannot be told apart") as caught:
        load(tmp_path, both_ways)
    assert "--date-format '%d/%m/%Y' or '%m/%d/%Y'" in str(caught.value)
    assert load(tmp_path, both_ways, date_format="%m/%d/%Y").index[0] == pd.Timestamp("2020-01-02")


def test_everything_detected_can_be_forced(tmp_path):
    content = "Day;Last\n01-02-2020;1.234,5\n02-02-2020;1.235,5\n03-02-2020;1.236,5\n".encode("cp1252")
    written = {"separator": ";", "decimal": ",", "thousands": ".", "encoding": "cp1252", "date_format": "%d-%m-%Y"}
    series = load(tmp_path, content, target="Last", date_column="Day", **written)
    assert series.values[:, 0].tolist() == [1234.5, 1235.5, 1236.5]
    assert series.index[0] == pd.Timestamp("2020-02-01")
    assert not any("detected" in note for note in series.notes)


@pytest.mark.parametrize(("mark", "decimal"), [(" ", ","), ("'", "."), (".", ","), (",", ".")])
def test_marks_between_thousands(tmp_path, mark, decimal):
    content = f"Date;Close\n2020-01-02;1{mark}234{decimal}5\n2020-01-03;1{mark}234{mark}567{decimal}5\n"
    assert load(tmp_path, content, thousands=mark, decimal=decimal).values[:, 0].tolist() == [1234.5, 1234567.5]


def test_parquet(tmp_path):
    for number, frame in enumerate([TABLE, TABLE.assign(Date=DATES), TABLE.assign(Date=DATES).set_index("Date")]):
        path = tmp_path / f"{number}.parquet"
        frame.to_parquet(path)
        series = load_series(DataConfig(file=str(path), past=("Volume",)))
        assert series.index.equals(DATES)
        assert series.columns == ("Close", "Volume")
    with pytest.raises(DataError, match=r"bad\.parquet: row 3, column Close: prices must be positive"):
        bad = tmp_path / "bad.parquet"
        TABLE.assign(Close=np.where(TABLE.index == 2, -1.0, CLOSE)).to_parquet(bad)
        load_series(DataConfig(file=str(bad)))


@pytest.mark.skipif(sys.platform != "linux", reason="counts the threads of Linux")
def test_parquet_is_read_without_threads_of_its_own(tmp_path):
    """A process that ends while Arrow's threads still begin or stop aborts, though its work was done."""
    TABLE.to_parquet(tmp_path / "t.parquet")
    code = f"""
import os
os.environ["KERASFORECAST_CACHE"] = {str(tmp_path)!r}
import numpy as np, pandas as pd, pyarrow.compute, pyarrow.parquet
from kerasforecast.data.load import load_series
from kerasforecast.data.yahoo import snapshots
from kerasforecast.sections.data import DataConfig
before = len(os.listdir("/proc/self/task"))
load_series(DataConfig(file={str(tmp_path / "t.parquet")!r}))
index = pd.bdate_range("2000-01-03", periods=300, tz="America/New_York")
frame = pd.DataFrame({{"Close": np.full(300, 10.0), "Volume": 1.0}}, index=index)
snapshots.save(frame, snapshots.Meta("AAPL", "1d", None, None, "2024-01-01T00:00:00+00:00", "test", "America/New_York"))
assert snapshots.read("AAPL", "1d").path.suffix == ".parquet"
assert len(os.listdir("/proc/self/task")) == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    TABLE.to_parquet(tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=r"Install kerasforecast\[parquet\]"):
        load_series(DataConfig(file=str(tmp_path / "t.parquet")))


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(monkeypatch, packed):
    content = gzip.compress(text().encode()) if packed else text().encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    series = load_series(DataConfig(file="-"))
    assert (len(series), series.name, series.source.location) == (40, "series", "-")


def test_columns_are_found_and_given(tmp_path):
    table = TABLE.assign(**{"Adj Close": CLOSE / 2, "Open": CLOSE + 1})
    assert load(tmp_path, table.to_csv(index=False)).target == "Close"
    assert load(tmp_path, table.drop(columns="Close").to_csv(index=False)).target == "Adj Close"
    options = {"target": "adj_close", "past": ("volume", "Open"), "calendar_features": "weekday"}
    series = load(tmp_path, table.to_csv(index=False), **options)
    assert series.columns == ("Adj Close", "Volume", "Open", "weekday_sin", "weekday_cos")
    np.testing.assert_allclose(series.values[:, 3], np.sin(2 * np.pi * DATES.day_of_week / 7))
    only = load(tmp_path, "when,temperature\n2020-01-01,1\n2020-01-02,2\n", date_column="when")
    assert only.notes[0] == "Target column temperature: the only column of numbers."


def test_frames():
    dated = TABLE.assign(Date=DATES)
    for frame in (dated, dated.set_index("Date"), TABLE, dated.set_index("Date")["Close"]):
        series = load_series(DataConfig(), frame)
        assert series.index.equals(DATES)
        np.testing.assert_array_equal(series.values[:, 0], CLOSE)
    monthly = pd.DataFrame({"y": CLOSE}, index=pd.period_range("2000-01", periods=40, freq="M"))
    assert load_series(DataConfig(), monthly).frequency == "MS"
    before = dated.copy()
    load_series(DataConfig(missing="drop"), dated)
    pd.testing.assert_frame_equal(dated, before)


def test_frames_refused():
    with pytest.raises(
        DataError, match=r"DataFrame: row 7, column Close: prices must be positive .* Received: '-1\.0'"
    ):
        load_series(DataConfig(), TABLE.assign(Close=np.where(TABLE.index == 7, -1.0, CLOSE)))
    with pytest.raises(DataError, match="expected one row of column names"):
        load_series(DataConfig(), pd.concat({"a": TABLE[["Volume"]], "b": TABLE[["Date"]]}, axis=1))
    with pytest.raises(DataError, match=r"Data must be a DataFrame \(pandas, polars, .*\. Received: object"):
        load_series(DataConfig(), object())
    with pytest.raises(OptionError, match="Give a DataFrame, a file or a ticker"):
        load_series(DataConfig(file="x.csv"), TABLE)
    with pytest.raises(DataError, match="column names must differ"):
        load_series(DataConfig(), pd.DataFrame([[1.0, 2.0]], columns=["y", "y"]))


GAPPY = (
    "Date,Close,Volume\n2024-01-02,10,1\n2024-01-03,,2\n2024-01-04,,\n2024-01-05,16,3\n2024-01-08,18,4\n2024-01-09,,5\n"
)


@pytest.mark.parametrize(
    ("policy", "values"),
    [("drop", [10, 16, 18]), ("ffill", [10, 10, 10, 16, 18, 18]), ("interpolate", [10, 12, 14, 16, 18])],
)
def test_missing_policies(tmp_path, policy, values):
    series = load(tmp_path, GAPPY, missing=policy)
    assert series.values[:, 0].tolist() == values
    assert any("1 row without any value dropped" in note for note in series.notes) == (policy == "drop")
    assert any("looks at the row after the gap" in note for note in series.notes) == (policy == "interpolate")


def test_missing_in_an_unused_column_does_not_matter(tmp_path):
    series = load(tmp_path, "Date,Close,Note\n2024-01-02,1,\n2024-01-03,2,\n2024-01-04,3,x\n")
    assert len(series) == 3


@pytest.mark.parametrize(("policy", "value"), [("first", 2.0), ("last", 4.0), ("mean", 3.0)])
def test_duplicate_policies(tmp_path, policy, value):
    series = load(tmp_path, "Date,Close\n2024-01-02,1\n2024-01-03,2\n2024-01-03,4\n2024-01-04,5\n", duplicates=policy)
    assert series.values[:, 0].tolist() == [1.0, value, 5.0]
    assert any("1 row of repeated dates merged" in note for note in series.notes)


def test_end_accepts_future_dates_and_range_is_inclusive(tmp_path):
    ahead = "Date,Close\n2098-01-01,1\n2099-01-01,2\n2100-01-01,3\n"
    assert len(load(tmp_path, ahead, end="2099-01-01")) == 2
    series = load(tmp_path, text(), start="2024-01-04", end="2024-01-10")
    assert [str(date.date()) for date in series.index[[0, -1]]] == ["2024-01-04", "2024-01-10"]


def test_scalings_without_logs_take_any_price(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Date,Close\n2024-01-02,1\n2024-01-03,-3.1\n")
    assert load_series(DataConfig(file=str(path)), positive_prices=False).values[1, 0] == -3.1
    path.write_text("Date,y\n2024-01-02,1\n2024-01-03,-3.1\n")  # not called a price
    assert load_series(DataConfig(file=str(path))).values[1, 0] == -3.1


def test_the_same_rows_hash_alike_whatever_their_file(tmp_path):
    parquet = tmp_path / "t.parquet"
    TABLE.to_parquet(parquet)
    hashes = {
        load(tmp_path, text()).sha256,
        load(tmp_path, GERMAN).sha256,
        load_series(DataConfig(file=str(parquet))).sha256,
    }
    assert len(hashes) == 1


BARS = pd.date_range("2024-01-12 09:30", periods=40, freq="30min")


def intraday(day="%Y-%m-%d", clock="%H:%M", names=("Date", "Time")):
    columns = {names[0]: BARS.strftime(day), names[1]: BARS.strftime(clock), "Close": CLOSE}
    return pd.DataFrame(columns).to_csv(index=False)


@pytest.mark.parametrize(
    ("day", "clock"),
    [("%Y-%m-%d", "%H:%M"), ("%Y-%m-%d", "%H:%M:%S"), ("%d/%m/%Y", "%H:%M"), ("%Y.%m.%d", "%H:%M"),
     ("%Y%m%d", "%H:%M:%S"), ("%m/%d/%Y", "%I:%M %p"), ("%d-%b-%Y", "%H:%M"), ("%d/%m/%Y", "%I:%M:%S %p")],
)  # fmt: skip
def test_a_column_of_times_belongs_to_the_dates(tmp_path, day, clock):
    series = load(tmp_path, intraday(day, clock), end="2024-02-01")
    assert series.index.equals(BARS)
    assert series.frequency == "30min"
    assert "Dates are columns Date and Time together; --date-column Date takes the first alone." in series.notes


def test_times_can_be_joined_or_left_out_by_option(tmp_path):
    given = load(tmp_path, intraday(names=("Day of trade", "Bar")), date_column="day of trade, Bar")
    assert given.index.equals(BARS)
    assert not any("together" in note for note in given.notes)
    bare = intraday(day="%Y%m%d", clock="%H%M")  # 0930 would be the number 930
    forced = load(tmp_path, bare, date_column="Date,Time", date_format="%Y%m%d %H%M")
    assert forced.index.equals(BARS)
    alone = load(tmp_path, intraday(), date_column="Date", duplicates="last")
    assert alone.index.equals(BARS.normalize().unique())


def test_times_of_a_frame_are_joined_too():
    frame = pd.DataFrame({"Date": BARS.normalize(), "Time": BARS.time, "Close": CLOSE})
    assert load_series(DataConfig(), frame).index.equals(BARS)


def test_a_column_called_time_that_holds_no_clock_stays_apart(tmp_path):
    lines = [f"{date.date()},{step},{value}" for step, (date, value) in enumerate(zip(DATES, CLOSE, strict=True))]
    series = load(tmp_path, "Date,Time,Close\n" + "\n".join(lines), past=("Time",))
    assert series.columns == ("Close", "Time")
    both = intraday().replace("Date,Time", "Datetime,Time")
    assert load(tmp_path, both, duplicates="last").index.equals(BARS.normalize().unique())


def test_metatrader_writes_its_names_in_brackets(tmp_path):
    table = intraday("%Y.%m.%d", "%H:%M:%S", ("<DATE>", "<TIME>")).replace("Close", "<CLOSE>").replace(",", "\t")
    series = load(tmp_path, table)
    assert (series.target, series.index.equals(BARS)) == ("<CLOSE>", True)


@pytest.mark.parametrize(
    "row", ["2024-01-03, 5", " 2024-01-03,5", '2024-01-03, "5"', ' "2024-01-03",5', "2024-01-03,5 ", '"2024-01-03" ,5']
)
def test_spaces_around_a_late_cell_do_not_matter(tmp_path, row):
    early = "".join(
        f"{date.date()},{step + 1}.5\n" for step, date in enumerate(pd.date_range("2023-01-01", periods=367))
    )
    series = load(tmp_path, f"Date,Close\n{early}{row}\n")
    assert (series.values[-1, 0], str(series.index[-1].date())) == (5.0, "2024-01-03")


def test_a_comma_inside_a_quoted_note_after_a_space(tmp_path):
    series = load(tmp_path, 'Date,Close,Note\n2024-01-02,1,a\n2024-01-03,2, "b, c"\n2024-01-04,3,d\n')
    assert series.values[:, 0].tolist() == [1, 2, 3]


def test_empty_cells_are_told_from_written_ones_in_a_table_of_one_column(tmp_path):
    rows = "2024-01-02,1\n2024-01-03,\n2024-01-04, \n2024-01-05,2\n"
    series = load(tmp_path, f"Date,Close\n{rows}")
    assert series.values[:, 0].tolist() == [1, 2]
    assert "2 rows without any value dropped (holidays of the source)." in series.notes
    with pytest.raises(DataError, match=r"row 6, column Close: expected a number\. Received: 'NaN'"):
        load(tmp_path, f"Date,Close\n{rows}2024-01-08,NaN\n")


def test_rows_that_a_spreadsheet_ends_in_are_no_holidays(tmp_path):
    series = load(tmp_path, "Date,Close\n2024-01-02,1\n2024-01-03,\n2024-01-04,2\n,\n,\n")
    assert series.values[:, 0].tolist() == [1, 2]
    assert "1 row without any value dropped (holidays of the source)." in series.notes
    assert "2 rows without a date or any value dropped." in series.notes


def test_parquet_with_text_beside_the_numbers(tmp_path):
    TABLE.assign(Note=["a", None] * 20, Blob=b"x").to_parquet(tmp_path / "t.parquet")
    assert load_series(DataConfig(file=str(tmp_path / "t.parquet"))).index.equals(DATES)

"""Any table either loads into a valid series or is refused in one line, soon."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasforecast.data.calendars import future_index
from kerasforecast.data.load import load_series
from kerasforecast.errors import InputError
from kerasforecast.sections.data import DataConfig

quiet = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
few = settings(quiet, max_examples=60)

numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(
        ["", "n/a", "NaN", "1,5", '"1,234.5"', "1e400", "-0.0", "$5", "0x1", " 7 ", '"', "'", "\x1b[31m", "−3"]
    ),
    st.integers(-(10**20), 10**20).map(str),
)
dates = st.one_of(
    st.dates().map(str),
    st.datetimes().map(str),
    st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
    st.sampled_from(
        ["", "today", "2020-13-01", "2020-02-30", "1e9", "20200101", "2020Q1", "2020-01-01T00:00:00+05:00"]
    ),
)
separators = st.sampled_from([",", ";", "\t", "|"])
clocks = st.one_of(st.times().map(str), st.sampled_from(["", "9:30", "09:30", "25:00", "1 PM", "930", "noon", " "]))
headers = st.sampled_from(
    [["Date", "Close"], ["ds", "y"], ["Close", "Date"], ["", "value"], ["Date", "Close", "Open"], ["<DATE>", "<CLOSE>"]]
)


def outcome(path, **options):
    """Length of the series, or its refusal; fails on anything else."""
    began = time.process_time()  # the machine may be busy
    try:
        series = load_series(DataConfig(file=str(path), **options))
    except InputError as error:
        assert "\n" not in str(error)
        assert str(error).isprintable()
        assert len(str(error)) < 1_000
        return str(error)
    finally:
        assert time.process_time() - began < 5
    assert np.isfinite(series.values).all()
    assert series.index.is_monotonic_increasing
    assert series.index.is_unique
    return len(series)


@quiet
@given(content=st.binary(max_size=400))
def test_any_bytes(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "t.csv"
    path.write_bytes(content)
    outcome(path)


@quiet
@given(
    content=st.text(st.sampled_from('Date,Close;\t"0123456789-:. \n\r\x00é'), max_size=200),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"]),
)
def test_any_text(tmp_path_factory, content, encoding):
    path = tmp_path_factory.mktemp("text") / "t.csv"
    path.write_bytes(("Date,Close\n" + content).encode(encoding))
    outcome(path)


@quiet
@given(
    header=headers,
    separator=separators,
    rows=st.lists(st.tuples(dates, numbers, numbers), max_size=12),
    missing=st.sampled_from(["error", "drop", "ffill", "interpolate"]),
    duplicates=st.sampled_from(["error", "last", "first", "mean"]),
)
def test_any_table(tmp_path_factory, header, separator, rows, missing, duplicates):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    lines = [separator.join(header), *(separator.join(row[: len(header)]) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    outcome(path, missing=missing, duplicates=duplicates)


@quiet
@given(
    rows=st.lists(st.tuples(dates, clocks, numbers), max_size=12),
    asked=st.sampled_from([None, "Date", "Time", "Date,Time", "Time,Date", "Date,Close", ",", "Date,,Time"]),
    date_format=st.sampled_from([None, "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%H:%M", "%z", "%"]),
)
def test_any_table_with_times_beside_its_dates(tmp_path_factory, rows, asked, date_format):
    path = tmp_path_factory.mktemp("times") / "t.csv"
    path.write_text("\n".join(["Date,Time,Close", *map(",".join, rows)]), encoding="utf-8", newline="")
    outcome(path, date_column=asked, date_format=date_format, duplicates="last", missing="drop")


@few
@given(
    values=st.lists(st.floats(0.01, 1e6), min_size=2, max_size=60).filter(lambda cells: len(set(cells)) > 1),
    start=st.dates(min_value=pd.Timestamp("1700-01-01").date(), max_value=pd.Timestamp("2020-01-01").date()),
    frequency=st.sampled_from(["D", "B", "W-SAT", "ME", "MS", "QE-DEC", "YS-JAN", "h", "30min", "15min"]),
    separator=separators,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_sound_table_loads_whatever_its_dialect(tmp_path_factory, values, start, frequency, separator, encoding):
    index = pd.date_range(start, periods=len(values), freq=frequency)
    path = tmp_path_factory.mktemp("sound") / "t.csv"
    comma = separator == ";"
    cells = [repr(value).replace(".", ",") if comma else repr(value) for value in values]
    lines = [f"{date}{separator}{cell}" for date, cell in zip(index, cells, strict=True)]
    path.write_text("\n".join([f"Date{separator}Close", *lines]), encoding=encoding)
    series = load_series(DataConfig(file=str(path), end="2200-01-01", decimal="," if comma else None))
    np.testing.assert_allclose(series.values[:, 0], values, rtol=1e-12)
    assert series.index.equals(index)
    later = future_index(series, 3)
    assert len(later) == 3
    assert later[0] > index[-1]
    assert later.is_monotonic_increasing


@few
@given(st.lists(st.one_of(st.floats(), st.none(), st.text(max_size=3), st.integers()), max_size=12))
def test_any_frame(cells):
    try:
        series = load_series(DataConfig(), pd.DataFrame({"y": cells}))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert len(series) == sum(cell is not None for cell in cells)

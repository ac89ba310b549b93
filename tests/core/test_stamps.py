"""Dates and steps as text: one form for all rows, which reads back as what it was."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.data.stamps import iso_text, iso_texts, parsed

# The years that a unit of pandas reaches, within the four digits that ISO 8601 has.
REACH = {
    "s": (dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
    "ms": (dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
    "us": (dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
    "ns": (dt.datetime(1678, 1, 1), dt.datetime(2262, 1, 1)),
}


@st.composite
def indexes(draw, reach=None):
    """Dated indexes of any unit, whose rows are all whole in some unit, which may be a coarser one."""
    unit = draw(st.sampled_from(list(REACH)))
    dates = st.datetimes(*(reach or REACH[unit]))
    rows = np.array(draw(st.lists(dates, min_size=1, max_size=5)), "datetime64[us]")
    whole = draw(st.sampled_from(["D", "m", *list(REACH)[: list(REACH).index(unit) + 1]]))
    values = rows.astype(f"datetime64[{whole}]").astype(f"datetime64[{unit}]")
    if whole == "ns":
        values += np.array(draw(st.lists(st.integers(0, 999), min_size=len(rows), max_size=len(rows))), "m8[ns]")
    return pd.DatetimeIndex(values)


@given(indexes())
def test_text_reads_back_as_the_same_stamps_and_sorts_as_they_do(index):
    texts = iso_texts(index)
    assert [parsed(text) for text in texts] == list(index)
    assert len({len(text) for text in texts}) == 1
    assert sorted(texts) == iso_texts(index.sort_values())
    assert [iso_text(stamp, index) for stamp in index] == texts


@given(indexes(REACH["ns"]), indexes())
def test_stamps_beside_an_index_lose_nothing(stamps, among):
    texts = iso_texts(stamps, among)
    assert [parsed(text) for text in texts] == list(stamps)
    assert len(texts[0]) >= len(iso_texts(among)[0])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_steps_stay_integers(steps):
    assert iso_texts(pd.Index(steps, dtype=np.int64)) == steps
    assert all(type(step) is int for step in iso_texts(pd.Index(steps, dtype=np.int64)))
    assert iso_text(pd.Index(steps)[0], pd.Index(steps)) == steps[0]


def test_the_time_of_day_stands_where_any_row_has_one():
    days = pd.DatetimeIndex(["2024-02-28", "2024-02-29"])
    bars = pd.DatetimeIndex(["2024-02-28", "2024-02-28T09:30"])
    assert iso_texts(days) == ["2024-02-28", "2024-02-29"]
    assert iso_texts(bars) == ["2024-02-28T00:00:00", "2024-02-28T09:30:00"]
    assert iso_text(days[1], bars) == "2024-02-29T00:00:00"
    assert iso_text(bars[1], days) == "2024-02-28T09:30:00"


STRANGE = [
    *("now", "today", "NaT", "", "2024", "2024-13-01", "2024-02-30", "2024-01-01T25:00:00", "2024-01-01T00:00:00Z"),
    *("2024-01-01 00:00:00", "2024-01-01\n", "\u0662024-01-01", 5, None),
]


@pytest.mark.parametrize("text", STRANGE)
def test_what_was_not_written_so_is_no_stamp(text):
    assert parsed(text) is None

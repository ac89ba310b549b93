"""Dates with all their digits, read in blocks: the same as pandas reads them one by one."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.table import layout
from kerasforecast.data.table.layout import iso_layout, read_layout

FORMS = ["%d/%m/%Y", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y%m%d", "%Y.%m.%d %H:%M", "%Y%m%d%H%M%S", "%m/%Y", "%Y"]
digits = st.text("0123456789", min_size=14, max_size=14)


def written(form, number):
    """`form` with the digits of `number` in place of its directives, a date or not."""
    for code, width in {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}.items():
        if f"%{code}" in form:
            form, number = form.replace(f"%{code}", number[:width]), number[width:]
    return form


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(FORMS), st.lists(digits, min_size=1, max_size=5), st.lists(st.datetimes(), max_size=5))
def test_it_reads_what_pandas_reads_and_refuses_what_it_refuses(form, numbers, dates):
    dates = [date for date in dates if date.year >= 1000]  # strftime pads no earlier ones
    cells = pd.Series([*(written(form, number) for number in numbers), *(date.strftime(form) for date in dates)])
    (found,) = read_layout(cells, [form])
    expected = pd.to_datetime(cells, format=form, errors="coerce")
    pd.testing.assert_series_equal(pd.Series(found), expected, check_dtype=False)


@pytest.mark.parametrize("cell", ["1/2/2020", "01/02/2020 ", "01-02-2020", "01/02/202x", "01/02/２０２０", ""])
def test_another_layout_is_left_to_pandas(cell):
    assert read_layout(pd.Series(["01/02/2020", cell]), ["%d/%m/%Y"]) is None


def test_lengths_that_make_up_for_each_other_are_another_layout():
    assert read_layout(pd.Series(["2020010", "120200102"]), ["%Y%m%d"]) is None


def test_day_and_month_first_are_read_at_once_over_many_blocks(monkeypatch):
    monkeypatch.setattr(layout, "_BLOCK", 3)
    days = pd.date_range("2020-01-01", "2020-01-20")
    first, second = read_layout(pd.Series(days.strftime("%d/%m/%Y")), ["%d/%m/%Y", "%m/%d/%Y"])
    assert pd.DatetimeIndex(first).equals(days)
    assert pd.isna(second).sum() == 8


@pytest.mark.parametrize("form", ["%d %b %Y", "%I:%M %p", "%d/%m/%y", "%j%Y%%", "%H:%M", ""])
def test_only_plain_numbers_have_a_layout(form):
    assert read_layout(pd.Series(["x"]), [form]) is None


def test_the_layout_of_an_iso_date():
    assert iso_layout("2020-01-02") == "%Y-%m-%d"
    assert iso_layout("2020-01-02 09:30") == "%Y-%m-%d %H:%M"
    assert iso_layout("2020-01-02T09:30:00") == "%Y-%m-%dT%H:%M:%S"
    assert iso_layout("2020-01-02T09:30:00.5") is None
    assert iso_layout("2020-01") is None

"""Numbers as text: significant digits at every size."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.data import numerals
from kerasforecast.data.chart import chart
from kerasforecast.data.numerals import digits, number, numbers
from kerasforecast.report.scores import score_cells


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.0000"), (1.23456, "1.2346"), (-80.4, "-80.4000"), (999.99991, "999.9999"), (1234.56789, "1,234.568"),
     (123456.789, "123,456.8"), (12345678.9, "12,345,679"), (0.12345, "0.1235"), (0.012345, "0.01235"),
     (0.00001234, "0.00001234"), (1.234e-6, "1.234e-06"), (1.234e-12, "1.234e-12"),
     (2.5e17, "250,000,000,000,000,000"),
     (float("inf"), "inf")],
)  # fmt: skip
def test_a_number_of_any_size(value, text):
    assert number(value) == text


def test_a_column_has_one_number_of_decimals_unless_nothing_would_be_left():
    assert numbers([0.00001234, 0.00000123, None]) == ["0.00001234", "0.00000123", "-"]
    assert numbers([12.5, 0.00123]) == ["12.5000", "0.0012"]
    assert numbers([12.5, 0.0000123]) == ["12.5000", "0.00001230"]


@given(st.floats(1e-30, 1e18))
def test_no_number_loses_more_than_its_fifth_digit(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=6e-4)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00001234, "0.00001234"), (12345678.0, "12345678"), (1234.5, "1234.5"), (0.1 + 0.2, "0.3"), (1e17, "1e+17")],
)
def test_a_number_as_it_was_given(value, text):
    assert digits(value) == text


def test_the_example_holds():
    assert doctest.testmod(numerals).failed == 0


def test_scores_of_small_prices_have_their_digits():
    header, rows = score_cells([{"rmse": 0.00000123, "mase": 0.9}, {"rmse": 0.00000131, "mase": 1.0}], ("rmse", "mase"))
    assert header == ["RMSE", "MASE"]
    assert rows == [["1.230e-06", "0.9000"], ["1.310e-06", "1.0000"]]


@pytest.mark.parametrize(
    ("size", "high", "low"), [(1e-6, "0.00001200", "0.00001000"), (1e6, "12,000,000", "10,000,000")]
)
def test_the_ends_of_a_chart_have_their_digits(size, high, low):
    lines = chart(np.array([10.0, 11.0, 12.0]) * size)
    assert lines[0].endswith(high)
    assert lines[-1].endswith(low)

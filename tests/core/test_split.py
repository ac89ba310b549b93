"""The split: parts by time, windows by where their targets lie, and nothing of the future in training."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.config import DataConfig, NetworkConfig, SplitConfig
from kerasforecast.data.load import load_series
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.split import PARTS, Split, split_series


def series_of(rows, start=None):
    """`rows` rows, by integer steps or by business days from `start` on."""
    index = pd.RangeIndex(rows) if start is None else pd.bdate_range(start, periods=rows)
    return Series(np.arange(1.0, rows + 1)[:, None], index, ("Close",))


def network(window=5, horizon=1):
    return NetworkConfig(window=window, horizon=horizon)


splits = st.tuples(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(2, 30), st.integers(1, 8)
).map(lambda drawn: Split(drawn[0], drawn[0] + drawn[1], sum(drawn[:3]), *drawn[3:]))


@given(splits)
def test_parts_follow_one_another_and_cover_every_row_once(split):
    rows = [row for part in PARTS for row in split.rows_of(part)]
    assert rows == list(range(split.rows))


@given(splits)
def test_windows_are_exactly_those_whose_targets_all_lie_in_the_part(split):
    for part in PARTS:
        rows = set(split.rows_of(part))
        expected = [
            origin
            for origin in range(split.rows)
            if origin - split.window + 1 >= 0 and {origin + step for step in range(1, split.horizon + 1)} <= rows
        ]
        origins = split.origins(part)
        assert origins.tolist() == expected
        assert origins.dtype == np.int32


@given(splits)
def test_no_target_is_in_two_parts_and_training_sees_nothing_after_its_end(split):
    targets = {
        part: {int(origin) + step for origin in split.origins(part) for step in range(1, split.horizon + 1)}
        for part in PARTS
    }
    assert not targets["train"] & targets["validation"]
    assert not targets["validation"] & targets["test"]
    assert not targets["train"] & targets["test"]
    assert all(row < split.train_end for row in targets["train"])


@given(splits.filter(lambda split: split.horizon == 1 and split.window < split.train_end))
def test_one_step_ahead_every_row_after_the_first_window_is_a_target(split):
    targets = [int(origin) + 1 for part in PARTS for origin in split.origins(part)]
    assert targets == list(range(split.window, split.rows))


def test_inputs_may_reach_back_into_the_part_before():
    split = Split(train_end=10, validation_end=14, rows=20, window=6, horizon=2)
    assert split.origins("validation").tolist() == [9, 10, 11]  # the first reads rows 4 to 9, all of training


def test_the_sample_divides_as_the_specification_counts():
    split = split_series(load_series(DataConfig()), SplitConfig(), NetworkConfig())
    assert [len(split.origins(part)) for part in PARTS] == [2229, 490, 491]


@given(st.integers(1, 400), st.integers(2, 60), st.integers(1, 10), st.floats(0.01, 0.98), st.floats(0.01, 0.98))
def test_every_part_of_a_split_has_a_window_or_the_split_is_refused(rows, window, horizon, train, validation):
    if train + validation >= 1:
        train, validation = train / 2, validation / 2
    config = SplitConfig(train_fraction=train, validation_fraction=validation)
    try:
        split = split_series(series_of(rows), config, network(window, horizon))
    except DataError as error:
        lengths = [int(text) for text in str(error).split() if text.isdigit()]
        assert lengths[:2] == [window, horizon]  # it says what is needed and what there was
        assert rows in lengths
        assert rows < window + horizon or rows * min(train, validation, 1 - train - validation) < window + horizon + 1
    else:
        assert min(len(split.origins(part)) for part in PARTS) >= 1
        assert abs(split.train_end - rows * train) <= 1
        assert abs(split.validation_end - rows * (train + validation)) <= 1


@pytest.mark.parametrize(
    ("rows", "ends"), [(20, (14, 17)), (100, (70, 85)), (1000, (700, 850)), (3270, (2289, 2779)), (90, (63, 76))]
)
def test_shares_are_not_off_by_a_row_for_the_sake_of_binary_fractions(rows, ends):
    split = split_series(series_of(rows), SplitConfig(), network(2))
    assert (split.train_end, split.validation_end) == ends


def test_too_few_rows_are_refused_with_what_is_needed():
    with pytest.raises(DataError) as caught:
        split_series(series_of(60), SplitConfig(), NetworkConfig())
    message = str(caught.value)
    assert "a window of 60 rows and 1 to forecast" in message
    assert "60 rows, of which 42 for train" in message


def test_a_window_as_long_as_training_is_too_long_and_one_row_less_is_not():
    config, series = SplitConfig(), series_of(100)  # 70 rows of training
    assert len(split_series(series, config, network(69)).origins("train")) == 1
    with pytest.raises(DataError, match="of which 70 for train"):
        split_series(series, config, network(70))


def test_a_horizon_longer_than_a_part_is_refused_with_the_part():
    with pytest.raises(DataError, match="of which 15 for validation"):
        split_series(series_of(100), SplitConfig(), network(5, horizon=16))


def by_dates(validation, test):
    return SplitConfig(validation_start=validation, test_start=test)


def test_a_date_is_the_first_row_of_its_part():
    series = series_of(100, "2020-01-01")
    split = split_series(series, by_dates(dt.date(2020, 3, 2), dt.date(2020, 4, 1)), network())
    assert series.index[split.rows_of("validation")[0]] == pd.Timestamp("2020-03-02")
    assert series.index[split.rows_of("test")[0]] == pd.Timestamp("2020-04-01")


def test_a_date_without_a_row_means_the_next_row():
    series = series_of(100, "2020-01-01")
    split = split_series(series, by_dates(dt.date(2020, 2, 29), dt.date(2020, 4, 4)), network())  # two Saturdays
    assert series.index[split.train_end - 1] == pd.Timestamp("2020-02-28")
    assert series.index[split.train_end] == pd.Timestamp("2020-03-02")
    assert series.index[split.validation_end] == pd.Timestamp("2020-04-06")


@pytest.mark.parametrize(
    ("validation", "test", "flag"),
    [
        ("2020-01-01", "2020-03-02", "--validation-start"),  # the first row: nothing is left to train on
        ("1999-01-01", "2020-03-02", "--validation-start"),
        ("2020-03-02", "2031-01-01", "--test-start"),
    ],
)
def test_a_date_outside_the_series_is_refused_with_the_series_range(validation, test, flag):
    with pytest.raises(DataError) as caught:
        split_series(series_of(100, "2020-01-01"), by_dates(validation, test), network())
    assert str(caught.value).startswith(f"{flag} must lie within the series.")
    assert "from 2020-01-01 to 2020-05-19" in str(caught.value)


def test_two_dates_with_no_row_between_are_refused():
    with pytest.raises(DataError, match="of which 0 for validation"):
        split_series(series_of(100, "2020-01-01"), by_dates("2020-02-29", "2020-03-01"), network())


def test_dates_need_a_series_with_dates():
    with pytest.raises(DataError, match="--validation-start needs a series with dates"):
        split_series(series_of(100), by_dates("2020-02-29", "2020-03-31"), network())


def test_dates_go_before_shares():
    dates = {"validation_start": "2020-03-02", "test_start": "2020-04-01"}
    series = series_of(100, "2020-01-01")
    some, others = (
        split_series(series, SplitConfig(train_fraction=share, validation_fraction=0.2, **dates), network())
        for share in (0.2, 0.7)
    )
    assert some == others

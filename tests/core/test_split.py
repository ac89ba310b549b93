"""The split: parts by time, windows by where their targets lie, and nothing of the future in training."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.data.load import load_panel
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.split import PARTS, Split, held_out, split_panel, too_short
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.split import SplitConfig


def series_of(rows, start=None):
    """`rows` rows, by integer steps or by business days from `start` on."""
    index = pd.RangeIndex(rows) if start is None else pd.bdate_range(start, periods=rows)
    return Series(np.arange(1.0, rows + 1)[:, None], index, ("Close",))


def panel_of(rows, start=None):
    return Panel.of(series_of(rows, start))


def network(window=5, horizon=1):
    return NetworkConfig(window=window, horizon=horizon)


splits = st.tuples(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(2, 30), st.integers(1, 8)
).map(lambda drawn: Split.of_one(drawn[0], drawn[0] + drawn[1], sum(drawn[:3]), *drawn[3:]))


def rows_of(split, part):
    """Those of one series."""
    place = PARTS.index(part)
    return range(*split.edges[0, place : place + 2])


@given(splits)
def test_parts_follow_one_another_and_cover_every_row_once(split):
    rows = [row for part in PARTS for row in rows_of(split, part)]
    assert rows == list(range(split.rows))


@given(splits)
def test_windows_are_exactly_those_whose_targets_all_lie_in_the_part(split):
    for part in PARTS:
        rows = set(rows_of(split, part))
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
    split = Split.of_one(train_end=10, validation_end=14, rows=20, window=6, horizon=2)
    assert split.origins("validation").tolist() == [9, 10, 11]  # the first reads rows 4 to 9, all of training


def test_the_sample_divides_as_the_specification_counts():
    split = split_panel(load_panel(DataConfig()), SplitConfig(), NetworkConfig())
    assert [len(split.origins(part)) for part in PARTS] == [2229, 490, 491]


@given(st.integers(1, 400), st.integers(2, 60), st.integers(1, 10), st.floats(0.01, 0.98), st.floats(0.01, 0.98))
def test_every_part_of_a_split_has_a_window_or_the_split_is_refused(rows, window, horizon, train, validation):
    if train + validation >= 1:
        train, validation = train / 2, validation / 2
    config = SplitConfig(train_fraction=train, validation_fraction=validation)
    try:
        split = split_panel(panel_of(rows), config, network(window, horizon))
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
    split = split_panel(panel_of(rows), SplitConfig(), network(2))
    assert (split.train_end, split.validation_end) == ends


def test_too_few_rows_are_refused_with_what_is_needed():
    with pytest.raises(DataError) as caught:
        split_panel(panel_of(60), SplitConfig(), NetworkConfig())
    message = str(caught.value)
    assert "a window of 60 rows and 1 to forecast" in message
    assert "60 rows, of which 42 for train" in message


def test_a_window_as_long_as_training_is_too_long_and_one_row_less_is_not():
    config, series = SplitConfig(), series_of(100)  # 70 rows of training
    assert len(split_panel(Panel.of(series), config, network(69)).origins("train")) == 1
    with pytest.raises(DataError, match="of which 70 for train"):
        split_panel(Panel.of(series), config, network(70))


def test_a_horizon_longer_than_a_part_is_refused_with_the_part():
    with pytest.raises(DataError, match="of which 15 for validation"):
        split_panel(panel_of(100), SplitConfig(), network(5, horizon=16))


def by_dates(validation, test):
    return SplitConfig(validation_start=validation, test_start=test)


def test_a_date_is_the_first_row_of_its_part():
    series = series_of(100, "2020-01-01")
    split = split_panel(Panel.of(series), by_dates(dt.date(2020, 3, 2), dt.date(2020, 4, 1)), network())
    assert series.index[split.train_end] == pd.Timestamp("2020-03-02")
    assert series.index[split.validation_end] == pd.Timestamp("2020-04-01")


def test_a_date_without_a_row_means_the_next_row():
    series = series_of(100, "2020-01-01")
    saturdays = by_dates(dt.date(2020, 2, 29), dt.date(2020, 4, 4))
    split = split_panel(Panel.of(series), saturdays, network())
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
        split_panel(panel_of(100, "2020-01-01"), by_dates(validation, test), network())
    assert str(caught.value).startswith(f"{flag} must lie within the series.")
    assert "from 2020-01-01 to 2020-05-19" in str(caught.value)


def test_two_dates_with_no_row_between_are_refused():
    with pytest.raises(DataError, match="of which 0 for validation"):
        split_panel(panel_of(100, "2020-01-01"), by_dates("2020-02-29", "2020-03-01"), network())


def test_dates_need_a_series_with_dates():
    with pytest.raises(DataError, match="--validation-start needs dates"):
        split_panel(panel_of(100), by_dates("2020-02-29", "2020-03-31"), network())


def test_dates_go_before_shares():
    dates = {"validation_start": "2020-03-02", "test_start": "2020-04-01"}
    series = series_of(100, "2020-01-01")
    some, others = (
        split_panel(Panel.of(series), SplitConfig(train_fraction=share, validation_fraction=0.2, **dates), network())
        for share in (0.2, 0.7)
    )
    assert np.array_equal(some.edges, others.edges)


def pair(*rows):
    """Series that end on different dates, years apart."""
    return Panel.joined([series_of(count, f"20{10 + count % 7}-01-01") for count in rows], list("abcdef"[: len(rows)]))


def ending(*rows):
    """Series that end on one date."""
    whole = series_of(max(rows), "2020-01-01")
    parts = [replace(whole, values=whole.values[-count:], index=whole.index[-count:]) for count in rows]
    return Panel.joined(parts, [f"s{place}" for place in range(len(rows))])


@given(st.lists(st.integers(50, 90), min_size=1, max_size=4), st.integers(2, 4), st.integers(1, 3))
def test_series_that_end_apart_are_split_as_if_alone(rows, window, horizon):
    config = SplitConfig(train_fraction=0.5, validation_fraction=0.25, min_rows=window)
    series = [series_of(count, f"20{10 + place}-01-01") for place, count in enumerate([*rows, 50, 50])]
    panel, sizes = Panel.joined(series, [f"s{place}" for place in range(len(series))]), network(window, horizon)
    split = split_panel(panel, config, sizes)
    alone = [split_panel(Panel.of(each), config, sizes) for each in panel]
    for part in PARTS:
        expected = [start + each.origins(part) for start, each in zip(panel.starts[:-1], alone, strict=True)]
        assert split.origins(part).tolist() == np.concatenate(expected).tolist()
        assert split.origins(part).dtype == np.int32
        assert split.windows_in(part).tolist() == [len(each.origins(part)) for each in alone]
        assert split.rows_in(part).tolist() == [len(rows_of(each, part)) for each in alone]
    train, starts = split.training_rows(panel)
    parts = [own.values[: each.train_end] for own, each in zip(panel, alone, strict=True)]
    assert np.array_equal(train, np.concatenate(parts))
    assert [len(part) for part in np.split(train, starts[1:])] == [len(part) for part in parts]


def test_series_that_end_together_are_cut_on_the_same_dates():
    panel = ending(100, 90, 60, 12, 3)
    split = split_panel(panel, SplitConfig(), network(20, 2))
    cuts = [{str(panel.index[row])[:10] for row in split.edges[:3, place]} for place in (1, 2)]
    assert [len(cut) for cut in cuts] == [1, 1]
    assert split.rows_in("test").tolist() == [9, 9, 9, 9, 3]  # of the median series of 60 rows
    assert split.windows_in("train").tolist()[3:] == [0, 0]  # those that are too short lose their earlier parts
    assert too_short(split).tolist() == [False, False, False, False, True]
    assert split.context == 4  # rows of its own that a series needs


def test_rows_of_the_parts_are_counted_from_the_end_of_each_series():
    config = SplitConfig(validation_rows=6, test_rows=8)
    split = split_panel(pair(60, 30, 10), config, network(5, 2))
    assert [split.rows_in(part).tolist() for part in PARTS] == [[46, 16, 0], [6, 6, 2], [8, 8, 8]]
    one = split_panel(panel_of(100), config, network(5, 2))
    assert (one.train_end, one.validation_end, one.rows, one.context) == (86, 92, 100, 5)


def test_min_rows_says_from_how_few_rows_there_is_a_forecast():
    panel = pair(40, 35)
    for least, context in ((None, 4), (2, 2), (9, 9), (500, 20)):
        split = split_panel(panel, SplitConfig(min_rows=least), network(20))
        assert split.context == context
        assert (split.origins("train")[0], len(split.origins("train")) > 0) == (context - 1, True)
    assert split_panel(panel_of(40), SplitConfig(min_rows=3), network(20)).origins("train")[0] == 2


@given(st.integers(8, 200), st.integers(2, 60), st.integers(1, 6), st.integers(1, 12))
def test_a_series_trains_on_mirrored_rows_only_where_most_of_its_windows_have_some(rows, window, horizon, context):
    edges = np.array([[0, rows - 6, rows - 3, rows]])
    split = Split(edges, np.zeros(1, np.int64), window, horizon, min(context, window))
    origins = np.arange(split.context - 1, rows - 6 - horizon)  # every window that may be
    whole = origins[origins >= window - 1]  # those of the series' own rows alone
    assert split.origins("train").tolist() == (whole if 2 * len(whole) >= len(origins) else origins).tolist()
    assert split.windows_in("train").tolist() == [len(split.origins("train"))]


def test_series_held_out_have_a_test_part_alone_and_more_series_change_none_of_them():
    panel = ending(*[100] * 20)
    config = SplitConfig(holdout_series=0.2)
    split = split_panel(panel, config, network())
    held = held_out(panel, config)
    assert held.sum() == 4
    assert not split.rows_in("train")[held].any()
    assert not split.rows_in("validation")[held].any()
    assert split.windows_in("test").tolist() == [15] * 20
    assert split.windows_in("train")[~held].all()
    turned = Panel.joined([panel[place] for place in range(19, -1, -1)], panel.ids[::-1].tolist())
    assert np.array_equal(held_out(turned, config)[::-1], held)
    with pytest.raises(DataError, match="--holdout-series needs several series"):
        split_panel(panel_of(100), config, network())


def test_the_training_rows_of_one_series_are_a_view():
    panel = panel_of(100)
    rows, starts = split_panel(panel, SplitConfig(), network()).training_rows(panel)
    assert np.shares_memory(rows, panel.values)
    assert (len(rows), starts.tolist()) == (70, [0])


def test_parts_that_no_series_fills_are_refused():
    with pytest.raises(DataError, match=r"^a: each part needs a window of 4 rows and 9 to forecast. Received: 12 rows"):
        split_panel(pair(12, 6, 9), SplitConfig(), network(5, 9))
    with pytest.raises(DataError, match=r"of which 15 for validation\. Give more rows, a smaller --horizon or"):
        split_panel(panel_of(100), SplitConfig(), network(5, 16))  # windows reach back: a smaller one would not help
    with pytest.raises(DataError, match=r"of which 70 for train\. Give more rows, a smaller --window or"):
        split_panel(panel_of(100), SplitConfig(), network(65, 10))


def test_dates_split_every_series_of_a_panel():
    series = [series_of(100, "2020-01-01"), series_of(90, "2020-01-15"), series_of(90, "2020-03-16")]
    panel = Panel.joined(series, ["a", "b", "c"])
    split = split_panel(panel, by_dates("2020-03-02", "2020-04-01"), network())
    for place in (1, 2):
        assert len(set(panel.index[split.edges[:2, place]])) == 1
    assert split.rows_in("train").tolist()[2] == 0  # it begins after
    with pytest.raises(
        DataError, match=r"must lie within the series. Received: 2030-03-02; panel runs from 2020-01-01"
    ):
        split_panel(panel, by_dates("2030-03-02", "2030-04-01"), network())


def test_several_series_have_no_one_boundary():
    split = split_panel(pair(60, 50), SplitConfig(), network())
    with pytest.raises(DataError, match="Several series have no one boundary"):
        _ = split.train_end

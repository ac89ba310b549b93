"""In which order training goes through windows: by `--sample series` every series counts alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.training.order import BySeries, passes, shuffled

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(SIZES, st.integers(1, 300), st.integers(0, 5))
def test_series_take_turns_and_none_repeats_a_window_before_all_have_passed(sizes, count, epoch):
    owners = np.repeat(np.arange(len(sizes)), sizes)
    count = min(count, len(owners)) if len(sizes) == 1 else count
    order = BySeries(owners).drawn(count, 0, epoch)
    drawn = np.bincount(owners[order], minlength=len(sizes))
    assert len(order) == count and drawn.max() - drawn.min() <= 1
    for series, size in enumerate(sizes):
        own = order[owners[order] == series]
        for start in range(0, len(own), size):
            assert len(set(own[start : start + size].tolist())) == len(own[start : start + size])


def test_ids_of_series_need_not_be_consecutive():
    order = BySeries(np.array([3, 3, 3, 3, 9, 9])).drawn(6, 0, 0)
    assert np.sum(order >= 4) == 3


def test_it_follows_from_seed_and_epoch_alone():
    draws = BySeries(np.repeat([0, 1, 2], [5, 50, 500]))
    np.testing.assert_array_equal(draws.drawn(555, 1, 2), draws.drawn(555, 1, 2))
    assert not np.array_equal(draws.drawn(555, 1, 2), draws.drawn(555, 1, 3))
    assert not np.array_equal(draws.drawn(555, 1, 2), draws.drawn(555, 2, 2))


@pytest.mark.parametrize("count", [8, 5])
def test_one_series_goes_as_windows_do(count):
    np.testing.assert_array_equal(BySeries(np.zeros(8, int)).drawn(count, 0, 4), shuffled(8, 0, 4)[:count])


def test_where_windows_are_few_they_pass_again_and_again_in_other_orders():
    drawn = passes(5, 17, 0, 4)
    np.testing.assert_array_equal(drawn[:5], shuffled(5, 0, 4))
    for turn in range(3):
        assert sorted(drawn[5 * turn : 5 * turn + 5]) == [0, 1, 2, 3, 4]
    assert len({tuple(drawn[5 * turn : 5 * turn + 5]) for turn in range(3)}) > 1
    np.testing.assert_array_equal(drawn, passes(5, 17, 0, 4))
    assert not np.array_equal(drawn, passes(5, 17, 0, 5))
    np.testing.assert_array_equal(BySeries(np.zeros(5, int)).drawn(17, 0, 4), drawn)

"""Windows: views over one array, equal to naive slicing, with memory that grows with rows and not rows x window."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.data.series import Series
from kerasforecast.preprocessing.scaling import FittedScaling, fit_scaling
from kerasforecast.preprocessing.windows import Samples, all_origins, pairs, windows_of


def series_of(rows, columns=2, seed=0):
    values = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(seed).normal(size=(rows, columns)), axis=0))
    return Series(values, pd.RangeIndex(rows), tuple(f"c{number}" for number in range(columns)))


def fitted(series):
    return fit_scaling("anchor", series.values, series.columns)


shapes = st.tuples(st.integers(2, 12), st.integers(1, 5), st.integers(1, 3), st.integers(1, 30))


@given(shapes)
def test_windows_are_what_slicing_gives(shape):
    window, horizon, columns, more = shape
    series = series_of(window + horizon + more, columns)
    windows = windows_of(series, all_origins(len(series), window, horizon), window, horizon)
    inputs, targets, last = windows.inputs(), windows.targets(), windows.last()
    assert len(windows) == len(inputs) == len(targets) == more + 1
    assert inputs.dtype == np.float32
    assert targets.dtype == last.dtype == np.float64
    for place, origin in enumerate(windows.origins):
        assert (inputs[place] == series.values[origin - window + 1 : origin + 1].astype(np.float32)).all()
        assert (targets[place] == series.values[origin + 1 : origin + 1 + horizon, 0]).all()
        assert last[place] == series.values[origin, 0]


@given(shapes, st.data())
def test_a_gathered_batch_is_those_windows_in_that_order(shape, data):
    window, horizon, columns, more = shape
    series = series_of(window + horizon + more, columns)
    windows = windows_of(series, all_origins(len(series), window, horizon), window, horizon)
    indices = np.array(data.draw(st.lists(st.integers(0, more), min_size=1, max_size=8)))
    assert (windows.inputs(indices) == windows.inputs()[indices]).all()
    assert (windows.targets(indices) == windows.targets()[indices]).all()
    assert (windows.inputs(slice(0, 1)) == windows.inputs()[:1]).all()


@given(st.integers(2, 20), st.integers(1, 8), st.integers(0, 60))
def test_all_origins_are_those_with_a_whole_window_and_a_whole_target(window, horizon, rows):
    expected = [row for row in range(rows) if row + 1 >= window and row + horizon < rows]
    assert all_origins(rows, window, horizon).tolist() == expected


def test_only_the_origins_given_make_windows():
    series = series_of(50)
    windows = windows_of(series, np.array([9, 30]), 5, 2)
    assert (windows.inputs()[1] == series.values[26:31].astype(np.float32)).all()
    assert len(windows) == 2


def test_targets_are_the_scaled_futures_of_exact_windows():
    series = series_of(80)
    windows = windows_of(series, all_origins(80, 6, 3), 6, 3)
    exact = np.stack([series.values[origin - 5 : origin + 1] for origin in windows.origins])
    scaling = fitted(series)
    assert (windows.scaled_targets(scaling) == scaling.scaled_targets(exact, windows.targets())).all()


def test_targets_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    series = series_of(80)
    windows = windows_of(series, all_origins(80, 6, 3), 6, 3)
    whole = windows.scaled_targets(fitted(series))
    monkeypatch.setattr("kerasforecast.preprocessing.windows._CHUNK", 7)
    assert (windows.scaled_targets(fitted(series)) == whole).all()


def test_a_batch_is_a_copy_so_that_nobody_can_change_the_series_through_it():
    series = series_of(40)
    windows = windows_of(series, all_origins(40, 5, 1), 5, 1)
    before = windows.values.copy()
    windows.inputs()[:] = 0
    windows.targets()[:] = 0
    assert (windows.values == before).all()


def _peak(action):
    tracemalloc.start()
    try:
        kept = action()
        return tracemalloc.get_traced_memory()[1], kept
    finally:
        tracemalloc.stop()


def test_making_windows_takes_one_float32_copy_of_the_rows_whatever_the_window():
    series = series_of(50_000, columns=1)
    peaks = [
        _peak(lambda window=window: windows_of(series, all_origins(50_000, window, 1), window, 1))[0]
        for window in (10, 1_000)
    ]
    origins, values = 8 * 50_000, 4 * 50_000
    assert max(peaks) < 1.1 * (origins + values)


def test_a_batch_takes_the_memory_of_a_batch():
    series = series_of(50_000, columns=1)
    windows = windows_of(series, all_origins(50_000, 500, 1), 500, 1)
    indices = np.arange(0, 49_000, 1_600)
    peak, batch = _peak(lambda: windows.inputs(indices))
    assert peak < 3 * batch.nbytes


def test_targets_take_memory_that_grows_with_rows_not_rows_x_window():
    window = 100
    peaks = []
    for rows in (20_000, 40_000):
        series = series_of(rows, columns=1)
        windows, scaling = windows_of(series, all_origins(rows, window, 1), window, 1), fitted(series)
        peaks.append(_peak(lambda windows=windows, scaling=scaling: windows.scaled_targets(scaling))[0])
    growth = peaks[1] - peaks[0]
    assert growth < 20_000 * 4 * 4  # a few numbers a row, far from the 100 a window has


@pytest.mark.parametrize("horizon", [1, 3])
def test_pairs_are_windows_and_what_followed_without_a_copy_of_x(horizon):
    values = np.arange(20.0)
    X, y = pairs(values, 4, horizon)
    assert np.shares_memory(X, values)
    assert X.shape == (20 - 4 - horizon + 1, 4)
    assert y.shape == ((len(X),) if horizon == 1 else (len(X), horizon))
    for row in range(len(X)):
        assert X[row].tolist() == list(range(row, row + 4))
        assert np.ravel(y[row]).tolist() == list(range(row + 4, row + 4 + horizon))


def test_samples_give_rows_as_windows_do():
    series = series_of(40, columns=1)
    windows = windows_of(series, all_origins(40, 5, 2), 5, 2)
    exact = np.stack([series.values[origin - 4 : origin + 1] for origin in windows.origins])
    samples, scaling = Samples(exact, windows.targets()), fitted(series)
    indices = np.array([3, 0, 7])
    assert len(samples) == len(windows)
    assert (samples.inputs(indices) == windows.inputs(indices)).all()
    assert samples.inputs(indices).dtype == np.float32
    assert (samples.scaled_targets(scaling) == windows.scaled_targets(scaling)).all()


def test_values_keep_their_precision_where_float32_would_lose_it():
    """Targets come from the float64 rows: at 16,777,217 float32 counts in twos."""
    values = 2.0**24 + np.array([[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]])
    series = Series(values, pd.RangeIndex(6), ("level",))
    windows = windows_of(series, all_origins(6, 2, 1), 2, 1)
    plain = FittedScaling(kind="difference", transforms=("difference",), offset=(0.0,), scale=(1.0,))
    assert windows.scaled_targets(plain)[:, 0].tolist() == [-1.0, 1.0, -1.0, 1.0]

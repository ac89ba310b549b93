"""Windows: views over one array, equal to naive slicing, with memory that grows with rows and not rows x window."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.windows import Samples, ScaledTargets, all_origins, pairs, windows_of


def panel_of(rows, columns=2, seed=0):
    values = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(seed).normal(size=(rows, columns)), axis=0))
    return Panel.of(Series(values, pd.RangeIndex(rows), tuple(f"c{number}" for number in range(columns))))


def fitted(panel):
    return fit_scaling("anchor", panel.values, panel.columns)


shapes = st.tuples(st.integers(2, 12), st.integers(1, 5), st.integers(1, 3), st.integers(1, 30))


@given(shapes)
def test_windows_are_what_slicing_gives(shape):
    window, horizon, columns, more = shape
    panel = panel_of(window + horizon + more, columns)
    windows = windows_of(panel, all_origins(panel, window, horizon), window, horizon)
    inputs, targets, last = windows.batch().past, windows.targets(), windows.last()
    assert len(windows) == len(inputs) == len(targets) == more + 1
    assert inputs.dtype == np.float32
    assert targets.dtype == last.dtype == np.float64
    for place, origin in enumerate(windows.origins):
        assert (inputs[place] == panel.values[origin - window + 1 : origin + 1].astype(np.float32)).all()
        assert (targets[place] == panel.values[origin + 1 : origin + 1 + horizon, 0]).all()
        assert last[place] == panel.values[origin, 0]


@given(shapes, st.data())
def test_a_gathered_batch_is_those_windows_in_that_order(shape, data):
    window, horizon, columns, more = shape
    panel = panel_of(window + horizon + more, columns)
    windows = windows_of(panel, all_origins(panel, window, horizon), window, horizon)
    indices = np.array(data.draw(st.lists(st.integers(0, more), min_size=1, max_size=8)))
    assert (windows.batch(indices).past == windows.batch().past[indices]).all()
    assert (windows.targets(indices) == windows.targets()[indices]).all()
    assert (windows.batch(slice(0, 1)).past == windows.batch().past[:1]).all()


@given(st.integers(2, 20), st.integers(1, 8), st.integers(0, 60))
def test_all_origins_are_those_with_a_whole_window_and_a_whole_target(window, horizon, rows):
    expected = [row for row in range(rows) if row + 1 >= window and row + horizon < rows]
    panel, _ = several([30, rows + 1, 30])
    found = all_origins(panel, window, horizon)
    own = found[(found >= 30) & (found < 31 + rows)] - 30
    assert own.tolist() == [row for row in range(rows + 1) if row + 1 >= window and row + horizon < rows + 1]
    assert own.tolist()[: len(expected)] == expected


def test_only_the_origins_given_make_windows():
    panel = panel_of(50)
    windows = windows_of(panel, np.array([9, 30]), 5, 2)
    assert (windows.batch().past[1] == panel.values[26:31].astype(np.float32)).all()
    assert len(windows) == 2


def test_targets_are_the_scaled_futures_of_exact_windows():
    panel = panel_of(80)
    windows = windows_of(panel, all_origins(panel, 6, 3), 6, 3)
    exact = np.stack([panel.values[origin - 5 : origin + 1] for origin in windows.origins])
    scaling = fitted(panel)
    assert (windows.training_set(scaling).targets == scaling.scaled_targets(exact, windows.targets())).all()


def test_targets_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    panel = panel_of(80)
    windows = windows_of(panel, all_origins(panel, 6, 3), 6, 3)
    whole = windows.training_set(fitted(panel)).targets
    monkeypatch.setattr("kerasforecast.preprocessing.windows._CHUNK", 7)
    assert (windows.training_set(fitted(panel)).targets == whole).all()


@pytest.mark.parametrize("kind", ["anchor", "level", "standard"])
def test_targets_of_very_many_windows_are_made_batch_by_batch_and_the_same(monkeypatch, kind):
    panel, _ = several([40, 30, 50])
    windows = windows_of(panel, all_origins(panel, 6, 3), 6, 3)
    scaling = fit_scaling(kind, panel.values, panel.columns, starts=panel.starts[:-1])
    held = windows.training_set(scaling)
    monkeypatch.setattr("kerasforecast.preprocessing.windows._MANY", len(windows) - 1)
    monkeypatch.setattr("kerasforecast.preprocessing.windows._COPIED", 3 * len(windows) - 1)
    made = windows.training_set(scaling)
    assert isinstance(made.targets, ScaledTargets) and not isinstance(held.targets, ScaledTargets)
    assert made.targets.shape == held.targets.shape
    for indices in (np.array([70, 2, 2]), slice(5, 60, 7), slice(None)):
        assert (made.targets[indices] == held.targets[indices]).all()
    assert (made.fed(np.array([9, 1]), (0,))[1] == held.targets[[9, 1]]).all()
    assert (made.typical_targets == held.typical_targets).all()


def test_a_batch_is_a_copy_so_that_nobody_can_change_the_series_through_it():
    panel = panel_of(40)
    windows = windows_of(panel, all_origins(panel, 5, 1), 5, 1)
    before = panel.values.copy()
    windows.batch().past[:] = 0
    windows.targets()[:] = 0
    assert (panel.values == before).all()
    assert (panel.float32 == before.astype(np.float32)).all()


lengths = st.lists(st.integers(1, 14), min_size=1, max_size=5)


def several(rows):
    """A panel of series of these lengths, each of its own values, and its series."""
    made = [panel_of(count, 2, seed)[0] for seed, count in enumerate(rows)]
    return Panel.joined(made, [f"s{place}" for place in range(len(made))]), made


@given(lengths, st.integers(2, 5), st.integers(1, 3))
def test_windows_of_several_series_are_those_of_each_alone(rows, window, steps):
    panel, made = several(rows)
    origins = [all_origins(Panel.of(series), window, steps) for series in made]
    all_of_them = np.concatenate([start + own for start, own in zip(panel.starts[:-1], origins, strict=True)])
    together = windows_of(panel, all_of_them, window, steps)
    alone = [windows_of(Panel.of(series), o, window, steps) for series, o in zip(made, origins, strict=True)]
    alone = [each for each in alone if len(each)]  # a series may be too short for one
    scaling = FittedScaling(kind="none", transforms=("linear",) * 2, offset=(1.0, 2.0), scale=(3.0, 4.0))
    for gathered in (
        lambda windows: windows.batch().past,
        lambda windows: windows.targets(),
        lambda windows: windows.last(),
        lambda windows: windows.context(),
        lambda windows: windows.training_set(scaling).targets,
    ):
        if alone:
            assert gathered(together).tobytes() == np.concatenate([gathered(each) for each in alone]).tobytes()
    assert len(together) == sum(len(each) for each in alone)


@given(lengths.filter(lambda rows: len(rows) > 1), st.integers(2, 5), st.data())
def test_no_window_straddles_two_series_and_rows_before_the_first_mirror_those_after(rows, window, data):
    panel, made = several(rows)
    origin = data.draw(st.integers(0, sum(rows) - 1))
    place = panel.places(np.array([origin]))[0]
    own, row = made[place].values, origin - panel.starts[place]
    past = windows_of(panel, np.array([origin]), window, 1).batch().past[0]
    there_and_back = [*range(row + 1), *range(row - 1, 0, -1)] if row else [0]
    wanted = [own[(there_and_back * window)[abs(row - back)]] for back in range(window)][::-1]
    assert np.array_equal(past, np.float32(wanted))


@pytest.mark.parametrize("origins", [[-1], [30], [4, 40]])
def test_origins_outside_the_rows_are_refused(origins):
    with pytest.raises(ValueError, match="end within the observed rows"):
        windows_of(panel_of(30), np.array(origins), 5, 1)


def test_targets_end_with_their_series():
    panel, made = several([6, 8])
    targets = windows_of(panel, np.array([4, 5, 10]), 3, 2).targets()
    assert targets[0, 0] == made[0].values[5, 0]
    assert np.isnan(targets[0, 1])
    assert np.isnan(targets[1]).all()  # the next row is another series'
    assert targets[2].tolist() == made[1].values[5:7, 0].tolist()


@given(st.integers(0, 2**16), st.integers(1, 19))
def test_neither_later_rows_nor_another_series_reach_an_earlier_window(seed, cut):
    """Every later value of one series, and all of the other, are changed: no window that ends before moves by a bit."""
    panel, made = several([20, 15])
    random = np.random.default_rng(seed)
    values = panel.values.copy()
    values[cut:20] = np.exp(random.normal(size=(20 - cut, 2)))
    values[20:] = np.exp(random.normal(size=(15, 2)))
    changed = replace(panel, values=values)
    origins = np.arange(2, max(cut, 3))
    before, after = (windows_of(each, origins, 3, 2) for each in (panel, changed))
    known = origins < cut
    assert before.batch(known).past.tobytes() == after.batch(known).past.tobytes()
    scaling = fitted(Panel.of(made[0]))
    inside = origins + 2 < cut  # windows whose targets, too, lie before
    targets = [each.training_set(scaling).targets[inside] for each in (before, after)]
    assert targets[0].tobytes() == targets[1].tobytes()


def test_what_a_network_is_fed_is_bare_where_it_is_alone_and_named_where_not():
    past, known, static = np.zeros((2, 3, 1)), np.zeros((2, 5, 1)), np.zeros((2, 4))
    assert WindowBatch(past).fed() is past
    assert set(WindowBatch(past, known).fed()) == {"past", "known"}
    assert set(WindowBatch(past, static=static).fed()) == {"past", "static"}
    assert len(WindowBatch(past, known, static)) == 2
    batch = windows_of(panel_of(30), np.array([9, 10]), 5, 1).batch()
    assert batch.known is batch.static is None


def known_ahead(ahead=3):
    """Two series of a target, a past and a known column, which goes on for `ahead` rows, and one attribute."""
    panel, _ = several([10 + ahead, 8 + ahead])
    values = np.concatenate([panel.values, np.arange(len(panel.index))[:, None]], axis=1)
    for end in panel.starts[1:]:
        values[end - ahead : end, :2] = np.nan
    return replace(
        panel,
        values=values,
        columns=(*panel.columns, "hour"),
        roles=("target", "past", "known"),
        observed=np.array([10, 8]),
        static=np.array([[1.5], [2.5]]),
        static_columns=("size",),
    )


def test_windows_hold_what_is_known_of_the_rows_to_be_forecast_and_of_their_series():
    panel = known_ahead()
    origins = np.array([4, 9, 17, 20])  # 9 and 20 are the last observed rows: nothing but the known follows them
    batch = windows_of(panel, origins, 4, 3).batch()
    assert batch.past.shape == (4, 4, 2)
    assert np.isfinite(batch.past).all()
    assert batch.known[:, :, 0].tolist() == [list(range(origin - 3, origin + 4)) for origin in origins]
    assert batch.static.tolist() == [[1.5], [1.5], [2.5], [2.5]]


def test_a_window_that_needs_more_than_is_known_is_refused():
    with pytest.raises(ValueError, match="Known columns must reach 4 rows beyond every window"):
        windows_of(known_ahead(), np.array([9]), 4, 4)
    windows_of(known_ahead(), np.array([8]), 4, 4)


def _peak(action):
    tracemalloc.start()
    try:
        kept = action()
        return tracemalloc.get_traced_memory()[1], kept
    finally:
        tracemalloc.stop()


def test_making_windows_takes_one_float32_copy_of_the_rows_whatever_the_window():
    panel = panel_of(50_000, columns=1)
    peaks = [
        _peak(lambda window=window: windows_of(panel, all_origins(panel, window, 1), window, 1).batch(slice(0, 1)))[0]
        for window in (10, 1_000)
    ]
    origins, values = 8 * 50_000, 4 * 50_000
    assert max(peaks) < 1.1 * (origins + values)


def test_a_batch_takes_the_memory_of_a_batch():
    panel = panel_of(50_000, columns=1)
    windows = windows_of(panel, all_origins(panel, 500, 1), 500, 1)
    windows.batch(slice(0, 1))  # makes the float32 rows, once for all
    indices = np.arange(0, 49_000, 1_600)
    peak, batch = _peak(lambda: windows.batch(indices).past)
    assert peak < 3 * batch.nbytes


def test_targets_take_memory_that_grows_with_rows_not_rows_x_window():
    window = 100
    peaks = []
    for rows in (20_000, 40_000):
        panel = panel_of(rows, columns=1)
        windows, scaling = windows_of(panel, all_origins(panel, window, 1), window, 1), fitted(panel)
        peaks.append(_peak(lambda windows=windows, scaling=scaling: windows.training_set(scaling).targets)[0])
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
    panel = panel_of(40, columns=1)
    windows = windows_of(panel, all_origins(panel, 5, 2), 5, 2)
    exact = np.stack([panel.values[origin - 4 : origin + 1] for origin in windows.origins])
    samples, scaling = Samples(exact, windows.targets()), fitted(panel)
    indices = np.array([3, 0, 7])
    assert len(samples) == len(windows)
    assert (samples.batch(indices).past == windows.batch(indices).past).all()
    assert samples.batch(indices).past.dtype == np.float32
    assert (samples.training_set(scaling).targets == windows.training_set(scaling).targets).all()


def test_values_keep_their_precision_where_float32_would_lose_it():
    """Targets come from the float64 rows: at 16,777,217 float32 counts in twos."""
    values = 2.0**24 + np.array([[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]])
    panel = Panel.of(Series(values, pd.RangeIndex(6), ("level",)))
    windows = windows_of(panel, all_origins(panel, 2, 1), 2, 1)
    plain = FittedScaling(kind="difference", transforms=("difference",), offset=(0.0,), scale=(1.0,))
    assert windows.training_set(plain).targets[:, 0].tolist() == [-1.0, 1.0, -1.0, 1.0]

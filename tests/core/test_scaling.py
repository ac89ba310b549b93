"""Scaling, recomputed by hand from its formulas in plain loops; and what follows from them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kerasforecast_cli.options import choices
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.suitability import check_rows
from kerasforecast.preprocessing.volatility import EWMA_LAMBDA, VOLATILITY_FLOOR, ewma_weights, volatility_of
from kerasforecast.sections.network import NetworkConfig

KINDS = [kind for kind in choices(NetworkConfig, "scaling") if kind != "auto"]
RELATIVE = ("anchor", "difference")
LAMBDA, FLOOR = 0.94, 0.1


def walk(rows=200, columns=1, seed=0, spread=0.02):
    """A geometric random walk, `(rows, columns)`, positive."""
    steps = spread * np.random.default_rng(seed).normal(size=(rows, columns))
    return 100 * np.exp(np.cumsum(steps, axis=0))


def windows_of(values, window=8, horizon=3):
    """Windows `(N, L, F)` and targets of the first column `(N, H)`, by slicing."""
    ends = range(window, len(values) - horizon + 1)
    windows = np.stack([values[end - window : end] for end in ends])
    return windows, np.stack([values[end : end + horizon, 0] for end in ends])


def fitted(kind, values):
    return fit_scaling(kind, values, tuple(f"c{place}" for place in range(values.shape[1])))


# The definitions, once more, in loops.


def changes_by_hand(column, transform):
    changes = []
    for now, before in zip(column[1:], column[:-1], strict=True):
        changes.append(math.log(now / before) if transform == "log" else now - before)
    return changes


def volatility_by_hand(column, transform, training_volatility):
    """RiskMetrics: the newest change weighs 1, the one before 0.94, ...; normalised; at least a tenth of training's."""
    total = weights = 0.0
    for age, change in enumerate(reversed(changes_by_hand(column, transform))):
        total += LAMBDA**age * change**2
        weights += LAMBDA**age
    return max(math.sqrt(total / weights), FLOOR * training_volatility)


def inputs_by_hand(window, scaling):
    """`(L, C)` of one window `(L, F)`."""
    columns, spreads = [], []
    for place, transform in enumerate(scaling.transforms):
        spread = volatility_by_hand(window[:, place], transform, scaling.scale[place])
        columns.append([0.0] + [change / spread for change in changes_by_hand(window[:, place], transform)])
        spreads.append(spread)
    if len(columns) > 1:
        columns.append([math.log(spreads[0] / scaling.scale[0])] * len(window))
    return np.array(columns).T


def targets_by_hand(window, future, scaling):
    """`(H,)` of one window `(L, F)` and what followed `(H,)`."""
    last, transform = window[-1, 0], scaling.transforms[0]
    spread = volatility_by_hand(window[:, 0], transform, scaling.scale[0])
    return [
        (math.log(price / last) if transform == "log" else price - last) / (spread * math.sqrt(step))
        for step, price in enumerate(future, start=1)
    ]


def test_the_constants_are_those_documented():
    assert (EWMA_LAMBDA, VOLATILITY_FLOOR) == (LAMBDA, FLOOR)


@pytest.mark.parametrize("window", [2, 3, 60])
def test_weights_decay_from_the_newest_change_and_sum_to_one(window):
    weights = ewma_weights(window)
    assert weights.shape == (window,)
    assert weights[0] == 0  # the first row of a window has no change
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert weights[2:] * LAMBDA == pytest.approx(weights[1:-1], rel=1e-6)


@pytest.mark.parametrize("kind", RELATIVE)
@pytest.mark.parametrize("columns", [1, 3])
def test_inputs_and_targets_are_their_definitions(kind, columns):
    values = walk(40, columns)
    scaling = fitted(kind, values)
    windows, targets = windows_of(values)
    inputs, scaled = scaling.inputs(windows), scaling.scaled_targets(windows, targets)
    assert inputs.shape == (len(windows), 8, scaling.channels)
    assert scaled.shape == targets.shape
    assert scaled.dtype == np.float32
    for place, window in enumerate(windows):
        assert inputs[place] == pytest.approx(inputs_by_hand(window, scaling), rel=1e-5, abs=1e-6)
        assert scaled[place] == pytest.approx(targets_by_hand(window, targets[place], scaling), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("kind", "transform"), [("anchor", "log"), ("difference", "difference")])
def test_a_column_s_unit_is_the_root_mean_square_of_its_training_changes(kind, transform):
    values = walk(50, 2)
    scaling = fitted(kind, values)
    for place in range(2):
        changes = changes_by_hand(values[:, place], transform)
        expected = math.sqrt(sum(change**2 for change in changes) / len(changes))
        assert scaling.scale[place] == pytest.approx(expected, rel=1e-6)
    assert scaling.transforms == (transform, transform)
    assert scaling.offset == (0.0, 0.0)


def test_separate_stretches_of_rows_have_no_change_between_them():
    stretches = np.stack([walk(20, seed=1), 1000 * walk(20, seed=2)])
    together = [change for stretch in stretches for change in changes_by_hand(stretch[:, 0], "log")]
    scaling = fit_scaling("anchor", stretches, ("Close",))
    assert scaling.scale[0] == pytest.approx(np.sqrt(np.mean(np.square(together))), rel=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "level"])
def test_of_several_series_the_middle_one_is_the_unit_and_a_quiet_one_the_floor(kind):
    parts = [walk(20, 2, seed=1), 1000 * walk(31, 2, seed=2), walk(5, 2, seed=3)]
    scaling = fit_scaling(kind, np.concatenate(parts), ("a", "b"), starts=np.array([0, 20, 51]))
    if kind in RELATIVE:
        for place in range(2):
            transform = scaling.transforms[place]
            own = [np.sqrt(np.mean(np.square(changes_by_hand(part[:, place], transform)))) for part in parts]
            assert scaling.scale[place] == pytest.approx(np.median(own), rel=1e-6)
            assert scaling.least[place] == pytest.approx(VOLATILITY_FLOOR * min(own), rel=1e-6)
    else:
        assert scaling == fitted(kind, np.concatenate(parts))
    assert FittedScaling.model_validate_json(scaling.model_dump_json()) == scaling
    alone = fit_scaling(kind, parts[0], ("a", "b"), starts=np.array([0]))
    assert alone == fit_scaling(kind, parts[0], ("a", "b"))
    assert "least" not in alone.model_dump_json()  # a lone series has the file that it always had


def test_one_series_in_other_units_moves_no_other_s_window():
    """Counts with zeros have no logs: a floor made of all changes together would be larger than the small series."""
    parts = [np.random.default_rng(seed).poisson(2.0, (40, 1)).astype(float) for seed in range(9)]
    small = np.concatenate(parts)[None, :20]
    found = []
    for factor in (1.0, 1e6):
        rows = np.concatenate([*parts[:8], parts[8] * factor])
        scaling = fit_scaling("difference", rows, ("y",), starts=np.arange(9) * 40)
        scaled = scaling.inputs(small), scaling.scaled_targets(small, small[:, :3, 0])
        assert [np.abs(each).max() > 0.5 for each in scaled] == [True, True]
        found.append([each.tobytes() for each in scaled])
    assert found[0] == found[1]


def test_a_column_that_is_constant_in_every_series_is_named():
    rows = np.repeat([[1.0], [2.0], [3.0]], 10, axis=0)
    with pytest.raises(DataError, match=r"^Column y must change within .* throughout each of 3 series\. Declare it"):
        fit_scaling("anchor", rows, ("y",), starts=np.array([0, 10, 20]))


def test_a_value_that_cannot_be_is_named_with_its_series():
    series = [Series(np.array([[1.0], [value]]), pd.RangeIndex(2), ("Close",)) for value in (2.0, -1.0)]
    with pytest.raises(DataError, match=r"^south: Close must be positive .* Received: -1\.0 at 1"):
        check_rows(fitted("anchor", walk(50)), Panel.joined(series, ["north", "south"]))


@pytest.mark.parametrize("kind", RELATIVE)
def test_intervals_are_measured_in_the_units_of_the_network(kind):
    """One formula for both, and one floor, of the training rows: flat windows too have the same unit."""
    values = walk(200) - (0 if kind == "anchor" else 150)
    train, later = values[:100], values[100:] * 1.3
    later[40:60] = later[40]
    windows, targets = windows_of(later)
    scaling = fitted(kind, train)
    history = np.concatenate([train, later])[:, 0]
    volatility = volatility_of(history, train[:, 0])
    assert volatility.logarithmic == (kind == "anchor")
    moves = targets - windows[:, -1, :1] if kind == "difference" else np.log(targets / windows[:, -1, :1])
    size = np.abs(windows[:, -1, :1]) if kind == "anchor" else 1.0
    unit = volatility.standard_moves(windows[:, :, 0], 3) / size
    assert moves / unit == pytest.approx(scaling.scaled_targets(windows, targets).astype(float), rel=1e-5, abs=1e-5)
    assert (volatility.of_windows(windows[:, :, 0]) == volatility.floor).sum() > 5


def test_training_rows_that_stand_still_leave_the_floor_to_the_history():
    flat, moving = np.full(50, 7.0), walk(50)[:, 0]
    history = np.concatenate([flat, moving])
    assert volatility_of(history, flat) == volatility_of(history)


def test_which_columns_must_be_positive_is_said_once():
    values = np.column_stack([walk(60), walk(60) * 1.0001, walk(60, seed=1) - 100, walk(60, seed=2)])
    scaling = fit_scaling("anchor", values, ("y", "High", "c", "d"))
    assert scaling.transforms == ("log", "ratio", "difference", "log")
    assert scaling.logged == (0, 1)  # prices and the target: another feature has a floor
    for kind in KINDS:
        assert bool(fitted(kind, walk(60)).logged) == NetworkConfig(scaling=kind).wants_logs


def test_columns_that_are_not_positive_throughout_are_differenced_alone():
    values = np.column_stack([walk(60), walk(60, seed=1) - 100, np.abs(walk(60, seed=2) - 100)])
    values[7, 2] = 0.0
    scaling = fitted("anchor", values)
    assert scaling.transforms == ("log", "difference", "difference")
    windows, targets = windows_of(values)
    for place, window in enumerate(windows):
        assert scaling.inputs(windows)[place] == pytest.approx(inputs_by_hand(window, scaling), rel=1e-5, abs=1e-5)
        expected = targets_by_hand(window, targets[place], scaling)
        assert scaling.scaled_targets(windows, targets)[place] == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("kind", RELATIVE)
def test_several_columns_bring_one_channel_with_the_level_of_volatility(kind):
    calm, wild = walk(60, spread=0.01), walk(60, seed=1, spread=0.05)
    values = np.column_stack([np.concatenate([calm, wild]), walk(120, seed=2)])
    scaling = fitted(kind, values)
    windows, _ = windows_of(values)
    inputs = scaling.inputs(windows)
    assert inputs.shape[-1] == scaling.channels == 3
    level = inputs[:, :, 2]
    assert (level == level[:, :1]).all()  # one number a window
    assert level[:40, 0].mean() < 0 < level[-40:, 0].mean()  # below training's volatility, then above


@pytest.mark.parametrize("kind", KINDS)
def test_one_column_is_one_channel(kind):
    assert fitted(kind, walk()).channels == 1


def test_linear_scalings_keep_one_channel_a_column():
    assert [fitted(kind, walk(columns=3)).channels for kind in ("minmax", "standard", "none")] == [3, 3, 3]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("columns", [1, 3])
def test_restoring_the_targets_gives_the_futures_back(kind, columns):
    values = walk(100, columns)
    scaling = fitted(kind, values)
    windows, targets = windows_of(values, window=10, horizon=5)
    assert scaling.restore(windows, scaling.scaled_targets(windows, targets)) == pytest.approx(targets, rel=1e-6)


prices = st.lists(st.floats(2**-6, 1e6, width=32), min_size=9, max_size=30).filter(lambda drawn: len(set(drawn)) > 1)


@given(st.sampled_from(["anchor", "difference", "minmax", "standard"]), prices)
def test_restoring_the_targets_gives_the_futures_back_for_any_prices(kind, drawn):
    values = np.array(drawn)[:, None]
    scaling = fitted(kind, values)
    windows, targets = windows_of(values, window=5, horizon=2)
    restored = scaling.restore(windows, scaling.scaled_targets(windows, targets))
    assert restored == pytest.approx(targets, rel=1e-4, abs=1e-5 * values.max())


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecast_of_nothing_is_the_naive_forecast_where_windows_are_relative(kind):
    values = walk(60)
    windows, _ = windows_of(values)
    restored = fitted(kind, values).restore(windows, np.zeros((len(windows), 3), np.float32))
    assert (restored == windows[:, -1, :1]).all() == (kind in RELATIVE)


@given(st.integers(-20, 20), st.integers(0, 5))
def test_anchored_windows_do_not_know_the_price_level(power, seed):
    """Exactly: a power of two changes no mantissa. So a split of shares, or another currency, changes no forecast."""
    values, factor = walk(40, 2, seed), 2.0**power
    windows, targets = windows_of(values)
    scaling, scaled_up = fitted("anchor", values), fitted("anchor", factor * values)
    assert scaled_up == scaling.model_copy(update={"floor": scaled_up.floor})  # the price of another column has one
    assert scaled_up.floor == tuple(factor * floor for floor in scaling.floor)
    assert (scaling.inputs(factor * windows) == scaling.inputs(windows)).all()
    assert (
        scaling.scaled_targets(factor * windows, factor * targets) == scaling.scaled_targets(windows, targets)
    ).all()
    answer = scaling.scaled_targets(windows, targets)
    assert (scaling.restore(factor * windows, answer) == factor * scaling.restore(windows, answer)).all()


def test_differences_do_not_know_the_zero_point():
    values = np.round(walk(40, 2), 2)
    windows, targets = windows_of(values)
    scaling = fitted("difference", values)
    assert scaling.inputs(windows + 1024) == pytest.approx(scaling.inputs(windows), abs=1e-6)
    assert scaling.scaled_targets(windows + 1024, targets + 1024) == pytest.approx(
        scaling.scaled_targets(windows, targets), abs=1e-6
    )


def test_other_scalings_do_know_the_price_level():
    values = walk(60)
    windows, _ = windows_of(values)
    for kind in ("minmax", "standard", "none"):
        scaling = fitted(kind, values)
        assert not np.allclose(scaling.inputs(2 * windows), scaling.inputs(windows))


def test_a_random_walk_has_targets_of_about_unit_variance_at_every_step():
    values = walk(20_000)
    windows, targets = windows_of(values, window=60, horizon=4)
    spread = fitted("anchor", values).scaled_targets(windows, targets).std(axis=0)
    assert spread == pytest.approx([1, 1, 1, 1], abs=0.07)


def test_after_a_flat_stretch_volatility_counts_as_a_tenth_of_trainings():
    scaling = fitted("anchor", walk())
    flat = np.full((1, 8, 1), 50.0)
    future = np.array([[50.0 * math.exp(scaling.scale[0])]])  # one ordinary day
    assert scaling.inputs(flat).tolist() == np.zeros((1, 8, 1)).tolist()
    assert scaling.scaled_targets(flat, future)[0, 0] == pytest.approx(10, rel=1e-5)


@pytest.mark.parametrize(("kind", "scaler"), [("minmax", MinMaxScaler), ("standard", StandardScaler)])
def test_linear_scalings_are_scikit_learn_s(kind, scaler):
    values = walk(120, 3)
    train = values[:80]
    scaling, reference = fitted(kind, train), scaler().fit(train)
    windows, targets = windows_of(values)
    expected = reference.transform(windows.reshape(-1, 3)).reshape(windows.shape)
    assert scaling.inputs(windows) == pytest.approx(expected, abs=1e-5)
    column = scaler().fit(train[:, :1])
    assert scaling.scaled_targets(windows, targets) == pytest.approx(
        column.transform(targets.reshape(-1, 1)).reshape(targets.shape), abs=1e-5
    )


def test_none_changes_nothing():
    values = walk(40, 2)
    windows, targets = windows_of(values)
    scaling = fitted("none", values)
    assert (scaling.inputs(windows) == windows).all()
    assert scaling.scaled_targets(windows, targets) == pytest.approx(targets, rel=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_training_has_no_influence(kind):
    """`fit_scaling` reads a view of the training rows; a million in the next row must not show."""
    values = walk(100, 2)
    before = fitted(kind, values[:70])
    values[70:] = 1e6
    assert fitted(kind, values[:70]) == before


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_learned_are_the_float32_ones_of_the_saved_network(kind):
    scaling = fitted(kind, walk(50, 2))
    for number in (*scaling.offset, *scaling.scale):
        assert number == float(np.float32(number))


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaling_survives_the_manifest(kind):
    scaling = fitted(kind, walk(50, 2))
    assert FittedScaling.model_validate_json(scaling.model_dump_json()) == scaling


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "none"])
def test_a_column_that_does_not_change_is_refused_by_name(kind):
    values = np.column_stack([walk(50), np.full(50, 7.0)])
    with pytest.raises(DataError) as caught:
        fitted(kind, values)
    assert str(caught.value).startswith("Column c1 must change within the training rows")
    assert "Received: 7.0 in all 50 of them" in str(caught.value)


def test_unscaled_a_column_need_not_change():
    assert fitted("none", np.full((50, 1), 7.0)).scale == (1.0,)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "none"])
def test_a_change_too_small_for_the_network_s_numbers_is_refused(kind):
    values = 1e9 + np.arange(10.0)[:, None]  # the network computes in float32, which counts in 64s there
    with pytest.raises(DataError, match=r"^Column c0 must change by what the network's 32-bit numbers tell apart"):
        fitted(kind, values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1e39, -1e39, 1e300])
def test_a_value_too_large_for_the_network_s_numbers_is_refused(kind, size):
    values = walk(50)
    values[20] = size
    with pytest.raises(DataError, match=r"^Column c0 must stay within "):
        fitted(kind, values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_values_allowed_give_finite_numbers_in_float32(kind):
    values = 1e18 * np.cos(np.arange(40.0))[:, None]
    scaling = fitted(kind, values)
    windows, targets = windows_of(values)
    windows = windows.astype(np.float32)
    scaled = scaling.scaled_targets(windows, targets)
    assert np.isfinite(scaling.inputs(windows)).all()
    assert scaling.restore(windows, scaled) == pytest.approx(targets, rel=1e-4, abs=1e13)


def _panel(*target):
    values = np.column_stack([target, np.arange(1.0, len(target) + 1)])
    return Panel.of(Series(values, pd.RangeIndex(len(target)), ("Close", "n")))


def test_a_later_value_without_a_log_is_refused_with_its_place():
    scaling = fitted("anchor", walk(50, 2))
    check_rows(scaling, _panel(1.0, 2.0, 3.0))
    with pytest.raises(DataError) as caught:
        check_rows(scaling, _panel(1.0, 2.0, 0.0, -1.0))
    assert "Close must be positive" in str(caught.value)
    assert "Received: 0.0 at 2" in str(caught.value)
    assert "--scaling difference" in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_value_too_large_is_refused_with_its_column(kind):
    with pytest.raises(DataError, match=r"^series: Close must stay within 1e\+18"):
        check_rows(fitted(kind, walk(50, 2)), _panel(1.0, 1e19))


@pytest.mark.parametrize("kind", ["difference", "minmax", "standard", "none"])
def test_without_logs_any_value_passes(kind):
    check_rows(fitted(kind, walk(50, 2)), _panel(1.0, -2.0, 0.0))


def test_a_feature_close_by_another_column_enters_as_their_ratio():
    """High and low beside the close; a price of another size, and volume, by their own changes."""
    generator = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(0.02 * generator.normal(size=200)))
    high, low = close * np.exp(0.01 * generator.random(200)), close * np.exp(-0.01 * generator.random(200))
    columns = ("Close", "Other", "High", "Low", "OtherLow", "Volume")
    other = 4 * close[::-1]
    values = np.column_stack([close, other, high, low, other * 0.99, np.exp(generator.normal(size=200))])
    scaling = fit_scaling("anchor", values[:150], columns)
    assert scaling.transforms == ("log", "log", "ratio", "ratio", "ratio", "log")
    assert [scaling.reference[place] for place in (2, 3, 4)] == [0, 0, 1]
    windows = values[None, 150:160].astype(np.float32)
    inputs = scaling.inputs(windows)
    changes = np.log(values[151:160, 0] / values[150:159, 0])
    weights = 0.94 ** np.arange(9)[::-1]
    spread = np.sqrt(np.sum(weights / weights.sum() * changes**2))
    np.testing.assert_allclose(inputs[0, 1:, 2], np.log(high[151:160] / close[151:160]) / spread, rtol=1e-3)
    np.testing.assert_allclose(inputs[0, 1:, 0], changes / spread, rtol=1e-3)
    doubled = scaling.inputs(2 * windows)
    np.testing.assert_allclose(doubled, inputs, rtol=1e-3, atol=1e-3)

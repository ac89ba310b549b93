"""Conformal intervals: they cover, they know nothing of the future, they do not cross, they correct only what pays."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.forecasting.adaptive import Adapted, adapt
from kerasforecast.forecasting.conformal import Calibration, calibrate, errors_needed, supported
from kerasforecast.forecasting.levels import within_validation
from kerasforecast.metrics import probabilistic as interval_metrics
from kerasforecast.preprocessing.volatility import volatility_of

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
NORMAL = np.array([-1.6449, -1.2816, 0.0, 1.2816, 1.6449])


def walk(count, spread, seed, steps=1):
    """Zero forecasts of a normal quantity whose standard deviation is `spread`."""
    actual = spread * np.random.default_rng(seed).normal(size=(count, steps))
    return np.zeros((count, steps)), np.zeros((count, steps, len(LEVELS))), np.ones((count, steps)), actual


def inside(actual, intervals, low=1, high=3):
    return interval_metrics.coverage(actual, intervals[..., low], intervals[..., high])


def test_intervals_around_a_point_cover_what_they_say():
    points, base, units, actual = walk(4000, 3.0, seed=1)
    calibration = calibrate(points, base, units, actual, LEVELS, "point", 1)
    intervals = calibration.intervals(*walk(1, 3.0, seed=2)[1:3])
    assert intervals[0, 0] == pytest.approx(3 * NORMAL, abs=0.2)


def test_intervals_are_as_wide_as_the_volatility_of_now():
    points, base, units, actual = walk(500, 1.0, seed=1)
    calibration = calibrate(points, base, units, actual, LEVELS, "point", 1)
    once, twice = (calibration.intervals(base[:1], units[:1] * factor) for factor in (1, 2))
    assert twice == pytest.approx(2 * once)


def test_a_right_quantile_head_is_left_alone_and_a_wrong_one_is_corrected():
    points, base, units, actual = walk(600, 1.0, seed=3)
    wrong = calibrate(points, base + 0.3 * NORMAL, units, actual, LEVELS, "quantiles", 1)
    assert wrong.kept
    assert (
        inside(*[walk(4000, 1.0, seed=4)[3], wrong.intervals(np.tile(0.3 * NORMAL, (4000, 1, 1)), np.ones((4000, 1)))])
        > 0.75
    )
    # A correction learned on a calmer first half would hurt in the second.
    calm = np.concatenate([actual[:300] * 0.2, actual[300:]])
    right = calibrate(points, base + NORMAL, units, calm, LEVELS, "quantiles", 1)
    assert not right.kept
    assert right.intervals(base[:1] + NORMAL, units[:1])[0, 0] == pytest.approx(NORMAL)


def test_levels_adapt_where_the_spread_has_changed():
    calibration = calibrate(*walk(1000, 1.0, seed=5), LEVELS, "point", 1)
    _, base, units, actual = walk(3000, 1.3, seed=6)
    still = adapt(calibration, base, units, actual, rate=0.0)[0]
    adapted = adapt(calibration, base, units, actual)[0]
    assert inside(actual, still) < 0.72
    assert inside(actual, adapted) == pytest.approx(0.8, abs=0.02)


def test_adapting_goes_on_where_it_was_left():
    calibration = calibrate(*walk(300, 1.0, seed=5), LEVELS, "point", 1)
    _, base, units, actual = walk(200, 1.5, seed=6)
    whole, end = adapt(calibration, base, units, actual)
    first, kept = adapt(calibration, base[:120], units[:120], actual[:120])
    second, after = adapt(calibration, base[120:], units[120:], actual[120:], kept)
    assert np.array_equal(np.concatenate([first, second]), whole)
    assert np.array_equal(after, end)
    assert np.array_equal(calibration.intervals(base[:1], units[:1], kept)[0], second[0])
    assert np.abs(kept - LEVELS).max() > 0.01
    later = calibration.intervals(
        np.zeros((1, 3, 5)), np.ones((1, 3)), kept
    )  # steps that never adapted, as the last did
    assert np.array_equal(later[0, 1], later[0, 2])


DAYS = pd.bdate_range("2020-01-01", periods=5)


@pytest.mark.parametrize(
    ("at", "index", "place"),
    [
        (dt.datetime(2020, 1, 3), DAYS, 2),
        (dt.datetime(2020, 1, 4), DAYS, 3),  # a day that the table leaves out
        (dt.datetime(2019, 1, 1), DAYS, 0),
        (dt.datetime(2020, 1, 8), DAYS, None),  # ends before: it must not know what came later
        (dt.datetime(1, 1, 1), DAYS, 0),
        (dt.datetime(9999, 12, 31), DAYS, None),
        (3, pd.RangeIndex(5), 3),
        (5, pd.RangeIndex(5), None),
        (3, DAYS, None),
        (dt.datetime(2020, 1, 3), pd.RangeIndex(5), None),
    ],
)
def test_the_rows_since_are_found_by_date_or_step(at, index, place):
    series = Series(np.ones((5, 1)), index, ("y",))
    rows = Adapted(at=at, levels=((0.5,),)).first_rows(Panel.of(series))
    assert (None if rows is None else rows.tolist()) == (None if place is None else [place])


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**16))
def test_a_interval_depends_on_no_outcome_its_origin_did_not_know(origin, steps, seed):
    """What step h of origin t forecasts is known from origin t + h on, and changes nothing before."""
    calibration = calibrate(*walk(60, 1.0, seed, steps), LEVELS, "point", steps)
    _, base, units, actual = walk(45, 2.0, seed + 1, steps)
    before = adapt(calibration, base, units, actual)[0]
    known = np.arange(45)[:, None] + np.arange(1, steps + 1) <= origin
    after = adapt(calibration, base, units, np.where(known, actual, -actual * 100))[0]
    assert before[: origin + 1].tobytes() == after[: origin + 1].tobytes()


@given(st.integers(0, 2**16), st.sampled_from(["point", "quantiles", "mc_dropout"]))
def test_quantiles_never_cross(seed, source):
    points, base, units, actual = walk(40, 1.0, seed, 2)
    generator = np.random.default_rng(seed)
    base = base + np.sort(generator.normal(size=base.shape), axis=-1)
    calibration = calibrate(points, base, units, actual, LEVELS, source, 1)
    for intervals in (calibration.intervals(base, units), adapt(calibration, base, units, actual * 5, rate=0.3)[0]):
        assert np.all(np.diff(intervals, axis=-1) >= 0)


def test_a_head_s_median_stays_the_forecast():
    points, base, units, actual = walk(400, 1.0, seed=7)
    calibration = calibrate(points, base + 0.2 * NORMAL, units, actual + 3, LEVELS, "quantiles", 1)
    assert calibration.kept
    assert np.array_equal(calibration.intervals(base + 0.2 * NORMAL, units)[..., 2], points)


@pytest.mark.parametrize("basis", ["quantiles", "mc_dropout"])
def test_one_level_alone_is_corrected_as_one_among_many(basis):
    """Whether a step has a base of its own is decided by what it is, not by how many levels there are."""
    points, _, units, actual = walk(400, 1.0, seed=7)
    base = points[..., None] + 0.2
    calibration = calibrate(points, base, units, actual + 3, (0.5,), basis, 1)
    assert np.array_equal(calibration.intervals(base, units), base)  # the median stays the forecast


@pytest.mark.parametrize(("basis", "steps"), [("quantiles", (5, 1)), ("mc_dropout", (5, 1)), ("point", (1, 1))])
def test_each_step_has_as_many_tables_as_it_has_bases(basis, steps):
    calibration = calibrate(*walk(60, 1.0, 1, 2), LEVELS, basis, 1)
    assert tuple(map(len, calibration.errors)) == steps
    assert Calibration.model_validate_json(calibration.model_dump_json()) == calibration
    for wrong in (calibration.errors[::-1], (calibration.errors[0] * 2, calibration.errors[1])):
        if tuple(map(len, wrong)) != steps:
            with pytest.raises(ValidationError, match="needs errors of"):
                Calibration.model_validate(calibration.model_dump() | {"errors": wrong})
    with pytest.raises(ValidationError, match="a horizon of 3 needs errors of as many steps, not of 2"):
        Calibration.model_validate(calibration.model_dump() | {"horizon": 3})


def test_steps_never_measured_take_the_last_errors():
    points, base, units, actual = walk(300, 1.0, seed=8, steps=2)
    calibration = calibrate(points, base, units, actual, LEVELS, "point", 2)
    longer = calibration.intervals(np.zeros((1, 4, 5)), np.sqrt(np.arange(1, 5))[None])
    assert longer[0, 3] == pytest.approx(longer[0, 1] * np.sqrt(2))


def test_volatility_is_that_of_the_window_s_own_last_rows():
    volatility = volatility_of(np.array([1.0, 2.0, 1.0, 2.0]))
    assert volatility.logarithmic
    windows = np.array([[100.0, 110.0, 100.0]])
    moves = np.log([1.1, 1 / 1.1])
    expected = np.sqrt((0.94 * moves[0] ** 2 + moves[1] ** 2) / 1.94)
    assert volatility.of_windows(windows) == pytest.approx([expected])
    assert volatility.standard_moves(windows, 4)[0] == pytest.approx(100 * expected * np.sqrt([1, 2, 3, 4]))
    assert not volatility_of(np.array([1.0, -2.0, 1.0])).logarithmic


def overlapping(windows, steps, seed, levels=(0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975), walks=True):
    """Forecasts of a random walk from consecutive origins, as a short validation part and what follows it have them.

    One that does not walk is noise around a level that is known.
    """
    noise = np.random.default_rng(seed).normal(size=windows + 2 * steps + 9)
    values = noise.cumsum() if walks else noise
    units = np.sqrt(np.arange(1, steps + 1))

    def part(origins):
        actual = values[origins[:, None] + np.arange(1, steps + 1)]
        points = np.repeat(values[origins, None] if walks else np.zeros((len(origins), 1)), steps, axis=1)
        return points, np.repeat(points[..., None], len(levels), axis=2), np.tile(units, (len(origins), 1)), actual

    known, later = part(np.arange(windows)), part(np.arange(windows + steps, windows + steps + 8))
    return calibrate(*known, levels, "point", steps), later


@pytest.mark.parametrize(("windows", "widest"), [(5, 0.8), (11, 0.8), (40, 0.95), (120, 0.95)])
def test_few_windows_of_many_steps_cover_what_they_say(windows, widest):
    """Quantiles of each step alone cover 40 % of 80 after 5 windows, and 61 % after 11."""
    inside_of = {0.8: (1, 5), 0.95: (0, 6)}[widest]
    shares = []
    for seed in range(150):
        calibration, (_, base, units, actual) = overlapping(windows, 12, seed)
        shares.append(inside(actual, calibration.intervals(base, units), *inside_of))
    assert np.mean(shares) == pytest.approx(widest, abs=0.06)


@pytest.mark.parametrize(("windows", "steps"), [(25, 12), (53, 52)])
def test_errors_of_one_window_that_do_not_hang_together_count_for_more_than_one(windows, steps):
    """Taken for one they cover 86 to 94 % of 80 and 99 to 100 % of 95."""
    shares = []
    for seed in range(60):
        calibration, (_, base, units, actual) = overlapping(windows, steps, seed, walks=False)
        assert calibration.pooled
        found = calibration.intervals(base, units)
        shares.append((inside(actual, found, 1, 5), inside(actual, found, 0, 6)))
    assert np.mean(shares, axis=0) == pytest.approx([0.8, 0.95], abs=0.03)


def test_no_two_levels_are_the_same_where_errors_are_pooled():
    calibration, (_, base, units, _) = overlapping(5, 12, 0)
    assert calibration.pooled
    assert np.all(np.diff(calibration.intervals(base, units), axis=-1) > 0)


@pytest.mark.parametrize(
    ("windows", "steps", "note"),
    [
        (5, 1, "Prediction intervals rest on 5 validation windows only."),
        (1, 1, "Prediction intervals rest on 1 validation window only."),
        (5, 12, "Prediction intervals rest on 5 validation windows only, the errors of their 12 steps taken together."),
        (100, 12, "Prediction intervals rest on 100 validation windows, the errors of their 12 steps taken together."),
        (100, 1, None),
        (120, 12, None),
    ],
)
def test_it_is_said_how_few_errors_intervals_rest_on(windows, steps, note):
    assert overlapping(windows, steps, 0)[0].note == note


@pytest.mark.parametrize(("level", "needed"), [(0.5, 1), (0.25, 3), (0.9, 9), (0.975, 39), (0.025, 39), (0.999, 999)])
def test_errors_that_a_level_needs(level, needed):
    assert errors_needed(level) == needed
    assert supported((level,), needed, 1) == supported((level,), 1, needed) == (level,)
    assert supported((level,), needed - 1, 1) == ()


@given(st.floats(0.001, 0.999), st.integers(1, 60))
def test_a_level_that_so_many_errors_support_lies_within_them(level, count):
    errors = np.random.default_rng(count).normal(size=(count, 1))
    calibration = calibrate(
        np.zeros((count, 1)), np.zeros((count, 1, 1)), np.ones((count, 1)), errors, (level,), "point", 1
    )
    found = calibration.intervals(np.zeros((1, 1, 1)), np.ones((1, 1)))[0, 0, 0]
    if supported((level,), count, 1) and count > 1:
        place = level * (count + 1)  # Weibull's, between the order statistics beside it
        low, high = np.sort(errors[:, 0])[[max(0, int(place) - 2), min(count - 1, int(place) + 1)]]
        assert low - 1e-9 <= found <= high + 1e-9


def config_of(**options):
    return Config.from_options(window=5, **options)


def test_levels_that_validation_cannot_give_are_left_out_and_said():
    config, note = within_validation(config_of(horizon=12), 5)
    assert config.levels == (0.1, 0.25, 0.5, 0.75, 0.9)
    assert note == (
        "Prediction intervals of 95 % (levels 0.025, 0.975) are left out: they need errors on 39 validation rows, and "
        "there are 16."
    )
    few = within_validation(config_of(), 6)[1]
    assert few == (
        "Prediction intervals of 95 % and 80 % (levels 0.025, 0.1, 0.9, 0.975) are left out: they need errors on 39 "
        "and 9 validation rows, and there are 6."
    )
    assert within_validation(config_of(), 39) == (config_of(), None)
    assert within_validation(config_of(), 1)[0].levels == (0.5,)
    head = config_of(quantiles=(0.025, 0.5, 0.975))
    assert within_validation(head, 5) == (head, None)  # the network's own


def test_levels_of_which_none_can_be_had_are_refused():
    with pytest.raises(DataError, match=r"of levels 0\.1, 0\.9 need errors on 9 validation rows\. Received: 5\."):
        within_validation(config_of(levels=(0.1, 0.9)), 5)


def test_few_windows_that_all_erred_on_one_side_say_little_of_the_next():
    """What five windows of a walk missed by is mostly chance: half of it is believed, and it counts on both sides."""
    _, (points, base, units, _) = overlapping(5, 12, 0, (0.1, 0.5, 0.9))
    drifted = points + 2 * units  # each outcome lies above its forecast
    found = calibrate(points, base, units, drifted, (0.1, 0.5, 0.9), "point", 12).intervals(base[:1], units[:1])[0]
    apart = (len(points) + 11) / 12
    moved = found - points[:1].T
    assert moved[:, 1] == pytest.approx(2 * units[0] * apart / (apart + 1), rel=0.2)
    assert moved[:, 2] - moved[:, 1] == pytest.approx(moved[:, 1] - moved[:, 0])
    assert (moved[:, 2] > 2 * units[0]).all()

"""The Diebold-Mariano test against R's figures, its size under the null, its degenerate cases, too few forecasts."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.errors import DataError
from kerasforecast.metrics.significance import certainty, compare_losses, diebold_mariano, enough_to_test

# The first 40 years of R's `Nile` (annual flow at Aswan from 1871, 1e8 m^3).
NILE = np.array(
    [
        [1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140],
        [995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140],
        [1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840],
        [874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969],
    ],
    dtype=float,
).ravel()


def nile_errors(steps):
    """Errors of the naive forecast and of the mean of the last five, `steps` years ahead."""
    years = np.arange(4 + steps, len(NILE))
    naive = NILE[years - steps]
    average = np.array([NILE[year - steps - 4 : year - steps + 1].mean() for year in years])
    return NILE[years] - naive, NILE[years] - average


@pytest.mark.parametrize(
    ("steps", "power", "statistic", "p_value"),
    [
        (1, 1, 0.748187863712, 0.459491222192),
        (1, 2, 1.16072811808, 0.253837666676),
        (4, 1, 0.300873711187, 0.765519585092),
        (4, 2, 0.743220423549, 0.462943973842),
    ],
)
def test_agrees_with_dm_test_of_r(steps, power, statistic, p_value):
    # R 4.2.2, forecast 8.20: dm.test(e1, e2, h = steps, power = power)
    first, second = nile_errors(steps)
    result = diebold_mariano(np.abs(first) ** power, np.abs(second) ** power, steps)
    assert result.statistic == pytest.approx(statistic, rel=1e-10)
    assert result.p_value == pytest.approx(p_value, rel=1e-10)


def test_negative_variance_goes_on_with_horizon_one_as_r_does():
    # R 4.2.2, forecast 8.20: "Variance is negative. [...] Proceeding with horizon h=1."
    first = np.array([1.2, -0.3, 1.1, -0.2, 1.4, -0.1, 1.3, -0.4, 1.0, -0.2])
    second = np.array([0.5, 0.6, 0.4, 0.7, 0.5, 0.6, 0.5, 0.4, 0.6, 0.5])
    result = diebold_mariano(first**2, second**2, steps=2)
    assert result.statistic == pytest.approx(1.822785758, rel=1e-9)
    assert result.p_value == pytest.approx(0.101653014, rel=1e-8)


def test_by_hand_for_one_step():
    # d = 1, 2, 3, 2: mean 2, variance 0.5; 2 / sqrt(0.5 / 4) * sqrt((4 + 1 - 2) / 4)
    result = diebold_mariano(np.array([2.0, 3.0, 4.0, 3.0]), np.ones(4))
    assert result.statistic == pytest.approx(math.sqrt(24))


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=40), st.integers(1, 5), st.integers(0, 2**16))
def test_swapping_the_forecasts_turns_the_sign_only(losses, steps, seed):
    a = np.array(losses)
    b = np.random.default_rng(seed).normal(size=len(a))
    there, back = diebold_mariano(a, b, steps), diebold_mariano(b, a, steps)
    assert there.statistic == -back.statistic
    assert there.p_value == back.p_value
    assert 0 <= there.p_value <= 1


@given(st.floats(1e-3, 1e3), st.integers(1, 4))
def test_the_unit_of_the_loss_does_not_matter(unit, steps):
    first, second = nile_errors(steps)
    plain = diebold_mariano(first**2, second**2, steps)
    scaled = diebold_mariano(unit * first**2, unit * second**2, steps)
    assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-9)


@pytest.mark.parametrize("steps", [1, 3])
def test_size_under_the_null(steps):
    """Equally good forecasts, errors correlated as overlapping h-step errors are: 5 % rejections, give or take."""
    generator = np.random.default_rng(20)
    rejected = 0
    for _ in range(2000):
        a, b = (np.convolve(generator.normal(size=119 + steps), np.ones(steps), "valid") for _ in range(2))
        rejected += diebold_mariano(a**2, b**2, steps).p_value < 0.05
    assert 0.03 < rejected / 2000 < 0.075


def test_overlap_matters():
    """Taken for independent, overlapping three-step losses reject far too often: the steps are not decoration."""
    generator = np.random.default_rng(21)
    rejected = 0
    for _ in range(1000):
        a, b = (np.convolve(generator.normal(size=122), np.ones(3), "valid") for _ in range(2))
        rejected += diebold_mariano(a**2, b**2, steps=1).p_value < 0.05
    assert rejected / 1000 > 0.1


def test_power_against_a_worse_forecast():
    generator = np.random.default_rng(22)
    good, bad = generator.normal(size=400), 1.5 * generator.normal(size=400)
    result = diebold_mariano(good**2, bad**2)
    assert result.statistic < 0
    assert result.p_value < 0.001


def test_equal_losses_say_nothing():
    assert diebold_mariano(np.arange(9.0), np.arange(9.0)).p_value == 1.0


@pytest.mark.parametrize("steps", [5, 6])
def test_as_few_origins_as_the_horizon_say_nothing(steps):
    result = diebold_mariano(np.array([1.0, 2.0, 1.5, 1.2, 1.1]), np.full(5, 9.0), steps)
    assert (result.statistic, result.p_value) == (0.0, 1.0)


def test_a_constant_difference_falls_back_on_the_sign_test():
    result = diebold_mariano(np.zeros(10), np.full(10, 0.1))
    assert result.statistic == -math.inf
    assert result.p_value == pytest.approx(2 / 2**10)
    assert diebold_mariano(np.zeros(10), np.full(10, 0.1), steps=3).p_value == pytest.approx(2 / 2**4)
    assert json.loads(json.dumps(result.as_json(), allow_nan=False))["statistic"] is None


def test_json_form():
    first, second = nile_errors(1)
    shown = diebold_mariano(np.abs(first), np.abs(second)).as_json("absolute")
    assert shown["loss"] == "absolute"
    assert shown["p_value"] == pytest.approx(0.459491222192)


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [([1.0, 2.0], [1.0], 1), ([1.0, math.nan], [1.0, 2.0], 1), ([[1.0]], [[1.0]], 1), ([1.0, 2.0], [2.0, 1.0], 0)],
)
def test_wrong_input_is_one_line(a, b, steps):
    with pytest.raises(DataError, match="Received"):
        diebold_mariano(np.array(a), np.array(b), steps)


@pytest.mark.parametrize(
    ("forecasts", "steps", "enough"), [(8, 1, True), (7, 1, False), (11, 12, False), (84, 12, False), (85, 12, True)]
)
def test_eight_forecasts_that_do_not_overlap_are_the_fewest(forecasts, steps, enough):
    assert enough_to_test(forecasts, steps) is enough


@given(st.integers(1, 90), st.integers(1, 24), st.integers(0, 2**16))
def test_too_few_forecasts_have_no_p_value_and_enough_have_one(forecasts, steps, seed):
    generator = np.random.default_rng(seed)
    ours, theirs = generator.normal(size=(2, forecasts, steps)) ** 2
    found = compare_losses(ours, theirs, "squared")
    assert (found["p_value"] is not None) == enough_to_test(forecasts, steps)
    assert found["p_value"] is not None or found["statistic"] is None


def test_several_steps_use_the_mean_loss_and_the_horizon():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 60, 3)) ** 2
    found = diebold_mariano(ours.mean(axis=1), theirs.mean(axis=1), steps=3)
    assert compare_losses(ours, theirs, "squared") == found.as_json()


def test_windows_that_forecast_the_same_rows_count_once_in_how_certain_a_gain_is():
    random = np.random.default_rng(0)
    apart = 0.1 + random.normal(size=(400, 5))
    assert certainty(apart, 5) == pytest.approx(apart.mean() / (apart.mean(axis=1).std() / 20))
    assert certainty(np.repeat(apart, 5, axis=0)) == pytest.approx(certainty(apart, 5))
    assert certainty(-apart, 5) == -certainty(apart, 5)
    assert certainty(np.zeros((3, 5))) == 0

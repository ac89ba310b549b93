"""Whole paths: their scores by hand, the noise they drown in, the start they depart from, and events on them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from kerasforecast.baselines.paths import copula_paths, gaussian_paths, rival_paths
from kerasforecast.errors import DataError, OptionError
from kerasforecast.forecasting.events import event
from kerasforecast.metrics.paths import (
    energy_scores,
    path_coverage,
    rank_histogram,
    ranks,
    sample_crps,
    variogram_scores,
)
from kerasforecast.models.frame import Frame, fit_frame
from kerasforecast.models.mean import Mean, chance, fit_mean, near, newest
from kerasforecast.models.noise import Noising, angles, bank, betas, features, noised, steps_back
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.paths import path_quantiles
from kerasforecast.preprocessing.volatility import Volatility
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.sections.network import NetworkConfig
from tests.stand_ins import Rows


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_scores_are_their_formulas_over_all_pairs(random):
    actual, samples = random.normal(size=(3, 4)), random.normal(size=(3, 7, 4))
    for n in range(3):
        y, x = actual[n], samples[n]
        pairs = list(itertools.product(range(7), range(7)))
        crps = np.abs(x - y).mean(axis=0) - np.mean([np.abs(x[a] - x[b]) for a, b in pairs], axis=0) / 2
        np.testing.assert_allclose(sample_crps(actual, samples)[n], crps)
        apart = np.mean([np.linalg.norm(x[a] - x[b]) for a, b in pairs])
        energy = np.mean([np.linalg.norm(x[a] - y) for a in range(7)]) - apart / 2
        np.testing.assert_allclose(energy_scores(actual, samples)[n], energy)
        steps = list(itertools.combinations(range(4), 2))
        missed = [abs(y[i] - y[j]) ** 0.5 - np.mean(np.abs(x[:, i] - x[:, j]) ** 0.5) for i, j in steps]
        np.testing.assert_allclose(variogram_scores(actual, samples)[n], np.mean(np.square(missed)))
    assert (variogram_scores(actual[:, :1], samples[:, :, :1]) == 0).all()
    with pytest.raises(DataError, match=r"shape \(N, S, H\)"):
        energy_scores(actual, samples[:, :, :2])


def test_right_paths_are_covered_and_ranked_evenly_and_narrow_ones_are_not(random):
    walks = random.normal(size=(400, 81, 6)).cumsum(axis=2)
    actual, samples = walks[:, 0], walks[:, 1:]
    assert path_coverage(actual, samples, 0.8) == pytest.approx(0.8, abs=0.06)
    assert np.ptp(rank_histogram(actual, samples)) < 0.06
    assert path_coverage(actual, samples / 2, 0.8) < 0.6
    narrow = rank_histogram(actual, samples / 2)
    assert min(narrow[0], narrow[-1]) > 0.15 > 0.08 > max(narrow[4:6])
    single = (np.quantile(samples, 0.9, axis=1) >= actual) & (np.quantile(samples, 0.1, axis=1) <= actual)
    assert single.all(axis=1).mean() < 0.6  # a band of single steps holds far fewer whole paths
    assert ranks(actual, samples).min() > 0 and ranks(actual, samples).max() < 1


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_forward_process_step_by_step_has_the_closed_marginal(schedule, random):
    each, known = betas(schedule, 50), angles(schedule, 50)
    mean, variance = 1.0, 0.0  # of z_t, where z_0 is 1
    for beta, angle in zip(each, known, strict=True):
        mean, variance = np.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        assert (mean, variance) == pytest.approx((np.cos(angle), np.sin(angle) ** 2))
    assert (np.diff(known) > 0).all() and mean < 0.05
    assert betas("linear", 1_000)[[0, -1]] == pytest.approx([1e-4, 0.02])  # as Ho et al. have it
    drawn = noised(np.ones((200_000, 1)), random.normal(size=(200_000, 1)), np.full(200_000, known[20]))
    assert drawn.mean() == pytest.approx(np.cos(known[20]), abs=0.01)
    assert drawn.std() == pytest.approx(np.sin(known[20]), abs=0.01)


def test_an_oracle_s_noise_gives_the_path_back_in_one_step_and_its_speed_in_a_few(random):
    path, noise = random.normal(size=(2, 5, 8))
    angle = np.full(5, 1.1)
    given = noised(path, noise, angle)
    np.testing.assert_allclose((given - np.sin(1.1) * noise) / np.cos(1.1), path)
    speed = np.cos(1.1) * noise - np.sin(1.1) * path
    np.testing.assert_allclose(np.sin(1.1) * given + np.cos(1.1) * speed, noise)
    z = noise
    before = np.zeros_like(z)
    for step in steps_back("cosine", 200, 16):
        seen = (z - np.cos(step.angle) * path) / np.sin(step.angle)  # the noise of one who knows the path
        speed = np.cos(step.angle) * seen - np.sin(step.angle) * path
        z, before = z - step.turn * (step.now * speed + step.before * before), speed
    np.testing.assert_allclose(z, path, atol=0.04)


@pytest.mark.parametrize("spread", [1.0, 0.5, 2.0])
def test_few_steps_keep_the_spread_of_many(spread):
    for count in (12, 16, 200):
        z, before = 1.0, 0.0
        for step in steps_back("cosine", 200, count):
            cosine, sine = np.cos(step.angle), np.sin(step.angle)
            speed = cosine * sine * (1 - spread**2) / (spread**2 * cosine**2 + sine**2) * z
            z, before = z - step.turn * (step.now * speed + step.before * before), speed
        assert z == pytest.approx(spread, rel=0.015)
    steps = steps_back("linear", 100, 100)
    assert len({step.angle for step in steps}) == 100
    assert sum(step.turn for step in steps) == pytest.approx(steps[0].angle)


def test_noise_of_a_step_follows_from_its_key_and_spreads_over_all_angles():
    drawing, paths = Noising(angles("cosine", 100), 8), np.zeros((50, 3), np.float32)
    one, same, other = (drawing(paths, key) for key in [(0, 6, 1, 2), (0, 6, 1, 2), (0, 6, 1, 3)])
    np.testing.assert_array_equal(one[0]["noised"], same[0]["noised"])
    np.testing.assert_array_equal(one[1], same[1])
    assert not np.array_equal(one[1], other[1])
    sine = one[0]["angle"][:, :, 1]
    assert (np.diff(sine, axis=1) >= 0).all()  # one of each eighth of the steps
    np.testing.assert_allclose(one[0]["noised"], sine[:, :, None] * one[1], atol=1e-6)
    np.testing.assert_allclose(features(np.array([0.3]))[0, :2], [np.cos(0.3), np.sin(0.3)], rtol=1e-6)


def test_a_flow_is_taught_the_speed_at_which_a_path_becomes_noise(random):
    """The derivative by the angle of `cos(a) z + sin(a) e`."""
    paths, key, turned = random.normal(size=(40, 3)), (0, 6, 1, 2), 1e-4
    given, noise = Noising(angles("linear", 50), 4)(paths, key)
    also_given, speed = Noising(angles("linear", 50), 4, "flow")(paths, key)
    np.testing.assert_array_equal(given["noised"], also_given["noised"])
    angle = np.arctan2(given["angle"][:, :, 1].astype(np.float64), given["angle"][:, :, 0])
    later, before = (noised(paths[:, None], noise, angle + turn) for turn in (turned, -turned))
    np.testing.assert_allclose(speed, (later - before) / (2 * turned), atol=1e-5)


def test_a_bank_has_the_mean_and_the_covariance_of_all_noise(random):
    drawn = bank(100, 6, random).astype(np.float64)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(drawn.T @ drawn / 100, np.eye(6), atol=1e-5)
    assert bank(7, 30, random).shape == (7, 30)


@pytest.fixture
def skewed(random):
    """Targets that depend on the window, with errors that are skewed, hang together and grow."""
    past = random.normal(size=(3_000, 4, 1)).astype(np.float32)
    errors = np.exp(0.5 * random.normal(size=(3_000, 3)).cumsum(axis=1)) - 1
    targets = (past[:, -1] * [[1.0, 0.5, 0.2]] + errors).astype(np.float32)
    return [TrainingSet(Rows(past[part]), targets[part]) for part in (slice(0, 2_000), slice(2_000, None))], errors


def test_the_frame_takes_paths_to_plain_noise_and_its_layers_hold_it(skewed):
    (training, validation), errors = skewed
    sizes = NetworkConfig(model="diffusion", window=4, horizon=3).sizes(1)
    frame = fit_frame(training, validation, sizes, 8)
    np.testing.assert_allclose(frame.mean.weights[-1], [1.0, 0.5, 0.2], atol=0.08)
    held = Frame.of_layers(frame.layers(100))
    found = held.coordinates(validation, sizes).astype(np.float64)
    np.testing.assert_allclose(found, frame.coordinates(validation, sizes), atol=1e-3)
    np.testing.assert_allclose(np.cov(found.T), np.eye(3), atol=0.12)
    normal = held.bank(100) @ held.lower.T  # the bank's paths, as many as stand for all
    drawn = np.stack([np.interp(normal[:, h], np.linspace(-2.75, 2.75, 12), held.knots[h]) for h in range(3)], axis=1)
    levels, batch = [0.1, 0.5, 0.9], validation.batch(slice(None))
    moved = (held.mean.of(batch, sizes) - batch.past[:, -1] * [[1.0, 0.5, 0.2]]).mean(axis=0)  # from mean to median
    np.testing.assert_allclose(
        path_quantiles(drawn[None] + moved, levels)[0], np.quantile(errors, levels, axis=0).T, atol=0.12
    )


def test_a_regression_that_does_not_pay_is_left_out(random):
    past, targets = random.normal(size=(600, 4, 1)), random.normal(size=(600, 3))
    sets = [TrainingSet(Rows(past[part]), targets[part]) for part in (slice(0, 400), slice(400, None))]
    frame = fit_frame(*sets, NetworkConfig(model="diffusion", window=4, horizon=3).sizes(1), 8)
    assert not frame.mean.moves
    whole = np.concatenate([part.targets for part in sets])
    np.testing.assert_allclose(frame.mean.bias, sets[0].targets.mean(axis=0) - chance(whole))


def test_of_a_drift_stays_what_is_clear_and_it_misses_by_less_than_the_whole(random):
    spread = np.sqrt(np.arange(1, 11))
    missed = []
    for drift in (0.0, 0.02) * 200:  # of a step; its standard error is 0.03
        targets = drift * spread + random.normal(size=(110, 10)).cumsum(axis=1) / spread  # windows apart
        targets = np.repeat(targets, 10, axis=0)  # and their neighbours
        mean, t2 = targets.mean(axis=0), np.mean(110 * targets.mean(axis=0) ** 2 / targets.var(axis=0))
        kept = mean - chance(targets)
        np.testing.assert_allclose(kept, mean * t2 / (1 + t2))
        assert np.mean((kept - mean) ** 2 / targets.var(axis=0)) <= 0.2501 / 110
        missed.append([np.mean((found - drift * spread) ** 2) for found in (kept, mean)])
    assert np.divide(*np.mean(missed, axis=0)) < 0.7
    clear = 1.0 + random.normal(size=(1_100, 10))
    np.testing.assert_allclose(chance(clear), 0, atol=0.02)


def test_the_mean_bends_where_a_straight_one_misses_and_its_layers_hold_it(random):
    sizes = NetworkConfig(model="diffusion", window=4, horizon=3).sizes(1)
    past = random.normal(size=(3_000, 4, 1)).astype(np.float32)
    bent = np.abs(past[:, -1]) * [[1.0, 0.5, 0.2]]
    for law, found in ((bent, True), (past[:, -1] * [[1.0, 0.5, 0.2]], False)):
        targets = (law + 0.3 * random.normal(size=law.shape)).astype(np.float32)
        sets = [TrainingSet(Rows(past[part]), targets[part]) for part in (slice(0, 2_000), slice(2_000, None))]
        mean, batch = fit_mean(*sets, sizes, 16), sets[1].batch(slice(None))
        held = Mean.of_layers(mean.layers())
        np.testing.assert_allclose(held.of(batch, sizes), mean.of(batch, sizes), rtol=1e-5)
        assert np.abs(mean.of(batch, sizes) - law[2_000:]).mean() < 0.06
        assert (mean.outer != 0).any() == found


def test_of_too_many_inputs_the_newest_rows_stay():
    sizes = NetworkConfig(model="diffusion", window=5, horizon=2).sizes(2, known=3, static=4)
    found = newest(sizes, 100)
    np.testing.assert_array_equal(found, np.arange(5 * 2 + 7 * 3 + 4))
    np.testing.assert_array_equal(newest(sizes, 26), [*range(10), *range(19, 35)])  # four rows of what is known
    np.testing.assert_array_equal(newest(sizes, 15), [*range(6, 10), *range(25, 35)])  # those ahead alone; two of past
    np.testing.assert_array_equal(near(sizes), [*range(10), *range(25, 35)])  # of what is known the two rows ahead


def test_rivals_are_past_errors_as_whole_paths(random):
    from kerasforecast.data.series import Series

    values = 100 * np.exp(0.01 * random.normal(size=300).cumsum())
    panel = Series(values[:, None], pd.date_range("2024-01-01", periods=300, freq="D"), ("x",), "D")
    from kerasforecast.data.panel import Panel

    panel, volatility = Panel.of(panel), Volatility(logarithmic=True, floor=1e-4)
    history, windows = (windows_of(panel, np.arange(*span), 20, 5) for span in ((30, 230), (240, 290)))
    found = dict(rival_paths(windows, history, volatility, (7,), 50))
    assert {name: paths.shape for name, paths in found.items()} == {
        "ewma_fhs": (50, 50, 5),
        "seasonal_naive_7": (50, 50, 5),
    }
    assert (found["ewma_fhs"] > 0).all()
    spread = np.log(found["ewma_fhs"] / windows.last()[:, None, None]).std(axis=1).mean(axis=0)
    assert spread[4] / spread[0] == pytest.approx(np.sqrt(5), rel=0.25)
    errors = random.normal(size=(4_000, 3)).cumsum(axis=1)
    drawn = gaussian_paths(np.zeros((1, 3)), np.full((1, 3), 2.0), errors, 2_000, random)[0]
    np.testing.assert_allclose(np.cov(drawn.T), 4 * np.cov(errors.T), rtol=0.15, atol=0.3)


def test_a_copula_joins_single_steps_as_outcomes_before_were_joined(random):
    levels = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
    spread, middle = np.array([1.0, 2.0, 3.0]), random.normal(size=(2_000, 1, 1))
    quantiles = middle + spread[:, None] * ndtri(levels)  # (2000, 3, 7)
    correlation = np.array([[1.0, 0.8, 0.6], [0.8, 1.0, 0.8], [0.6, 0.8, 1.0]])
    errors = spread * (random.normal(size=(2_000, 3)) @ np.linalg.cholesky(correlation).T)
    drawn = copula_paths(quantiles[:5], quantiles, middle[:, :, 0] + errors, levels, 400)
    assert drawn.shape == (5, 400, 3)
    np.testing.assert_allclose(path_quantiles(drawn, levels), quantiles[:5], atol=0.05)  # single steps are as they were
    np.testing.assert_allclose(np.corrcoef(drawn[0].T), correlation, atol=0.06)
    apart = copula_paths(
        quantiles[:1], quantiles, middle[:, :, 0] + spread * random.normal(size=(2_000, 3)), levels, 400
    )
    assert np.abs(np.corrcoef(apart[0].T) - np.eye(3)).max() < 0.1
    few = copula_paths(quantiles[:1, :1], quantiles[:1, :1], np.array([[1e9]]), levels, 10)
    assert np.isfinite(few).all()  # an outcome beyond all that was thought possible


PATHS = np.array([[[3.0, 1.0, 2.0], [5.0, 6.0, 7.0]]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("min < 2", [True, False]),
        ("max>=7", [False, True]),
        ("last > now", [False, True]),
        ("first - last == 1", None),
        ("step 2 < step 1 and last > 1", [True, False]),
        ("mean > 5.5 or sum <= 6", [True, True]),
        ("(min < 2 or max > 6) and last > 3", [False, True]),
        ("(max - min) / 2 > 0.75", [True, True]),
        ("-min > -2", [True, False]),
        ("1 + 2 * 3 < last", [False, False]),
        ("min <", None),
        ("min", None),
        ("min < 2 2", None),
        ("(min < 2", None),
        ("step 0 > 1", None),
        ("step 4 > 1", None),
        ("step x > 1", None),
        ("__import__('os') > 1", None),
        ("min < 1e", None),
        ("1..2 < min", None),
        ("", None),
        ("(" * 40 + "min" + ")" * 40 + " < 1", None),
        ("-" * 40 + "1 < min", None),
        ("min < 2 and " * 100 + "min < 2", None),
    ],
)
def test_events_are_read_by_their_grammar_alone(text, expected):
    if expected is None:
        with pytest.raises(OptionError, match="--probability must"):
            event(text).on(PATHS, np.array([4.0]))
    else:
        assert event(text).on(PATHS, np.array([4.0])).tolist() == [expected]

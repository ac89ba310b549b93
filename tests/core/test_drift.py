"""Statistics of drift: what is planted is found, and what never changed is left in peace."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp, norm

from kerasforecast.metrics.drift import (
    coverage_p_value,
    kolmogorov_smirnov,
    level_scores,
    normal_scores,
    page_hinkley,
    population_stability,
    spells,
)
from kerasforecast.serving.signs import signs_of
from kerasforecast.serving.stretch import Stretch

LEVELS = (0.1, 0.5, 0.9)


def draws(seed, count):
    return np.random.default_rng(seed).normal(size=count)


def test_page_hinkley_is_its_recursion():
    scores, evidence = draws(0, 300) + 0.5, 0.0
    largest = []
    for score in scores:
        evidence = max(0.0, evidence + score - 0.25)
        largest.append(evidence)
    found = page_hinkley(scores)
    assert found.statistic == pytest.approx(max(largest))
    assert found.row == next(row for row, each in enumerate(largest) if each >= 12)
    assert found.way == 1
    assert page_hinkley(-scores).way == -1
    assert page_hinkley(-scores, both=False).row is None


def test_page_hinkley_leaves_100_000_rows_in_peace_but_for_a_few():
    alarms, scores = 0, draws(1, 100_000)
    while (found := page_hinkley(scores)).row is not None:
        alarms += 1
        scores = scores[found.row + 1 :]
    assert alarms < 50  # 1 in 1,000 would be 100


def test_normal_scores_are_places_among_the_reference():
    reference = np.exp(draws(2, 4_000))
    found = normal_scores(np.exp(np.array([-1.0, 0.0, 1.0])), reference)
    np.testing.assert_allclose(found, [-1, 0, 1], atol=0.08)
    assert np.isfinite(normal_scores(np.array([-1e9, 1e9]), reference)).all()


def test_level_scores_are_straight_between_quantiles_and_beyond():
    quantiles = np.array([[-1.2815515655446, 0.0, 1.2815515655446]]).repeat(5, axis=0)
    values = np.array([-2.0, -1.0, 0.0, 1.0, 99.0])
    np.testing.assert_allclose(level_scores(values, quantiles, LEVELS), [-2, -1, 0, 1, 4], atol=1e-6)


def test_spells_are_one_without_and_as_long_as_they_are_with():
    noise = draws(3, 20_000)
    again = np.convolve(noise, np.ones(3) / np.sqrt(3), "valid")  # sums vary by 3 where a row does by 1
    assert spells(noise) < 1.1
    assert spells(again) == pytest.approx(np.sqrt(3), rel=0.08)
    assert spells(np.ones(5)) == 1


def test_coverage_is_judged_by_what_the_test_part_says_as_far_as_it_says_it():
    assert coverage_p_value(48, 60, 0.8) > 0.9
    assert coverage_p_value(30, 60, 0.8) < 1e-6
    assert coverage_p_value(30, 60, 0.8, (500, 1_000)) > 0.9
    assert coverage_p_value(30, 60, 0.8, (8, 10)) > coverage_p_value(30, 60, 0.8, (800, 1_000))


def test_distances_of_distributions():
    values, reference = draws(4, 80) + 0.7, draws(5, 200)
    assert kolmogorov_smirnov(values, reference) == pytest.approx(ks_2samp(values, reference).statistic)
    assert population_stability(reference, reference) == 0
    assert population_stability(values, reference) > 0.25 > population_stability(draws(6, 80), reference)


def stretch(errors, inputs, start="2020-01-01"):
    """Forecasts of zero, whose errors are what came."""
    count, z = len(errors), norm.ppf(LEVELS)
    quantiles = np.tile(z, (count, 1))
    times = pd.date_range(start, periods=count)
    zeros = np.zeros(count)
    return Stretch(
        times, np.zeros(count, int), errors, zeros, draws(9, count), errors, quantiles, quantiles, {"y": inputs}
    )


MODEL = SimpleNamespace(
    config=SimpleNamespace(levels=LEVELS), manifest=SimpleNamespace(metrics=None, baselines=None), forecaster=None
)


def statuses(newer, before):
    return {sign.name: sign.status for sign in signs_of(MODEL, newer, before)[0]}


CHANGES = {
    "the level": (lambda e: e + 1.2, "bias"),
    "the variance": (lambda e: 2.5 * e, "size"),
    "the season": (lambda e: e + 2 * np.sin(np.arange(len(e)) * 2 * np.pi / 12), "size"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("tails", ["normal", "heavy"])
def test_a_change_is_found_within_60_rows(change, tails):
    alter, sign = CHANGES[change]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        errors = rng.normal(size=500) if tails == "normal" else rng.standard_t(4, 500) / np.sqrt(2)
        before = stretch(errors[:300], draws(seed, 300))
        newer = stretch(np.concatenate([errors[300:440], alter(errors[440:])]), draws(seed + 50, 200))
        found = {each.name: each for each in signs_of(MODEL, newer, before)[0]}
        assert found[sign].status == "retrain", seed
        assert pd.Timestamp(found[sign].since) >= newer.times[140], seed
        assert statuses(newer.at(np.arange(140)), before)[sign] == "fine", seed


def test_nothing_is_found_where_nothing_changed():
    """Each row of 10 stretches of 400 would be 4,000 looks; every tenth is taken, and an alarm ends its stretch."""
    alarms = 0
    for seed in range(10):
        rng = np.random.default_rng(100 + seed)
        before = stretch(rng.normal(size=300), rng.normal(size=300))
        newer = stretch(rng.normal(size=400), rng.normal(size=400))
        looks = (statuses(newer.at(np.arange(end)), before) for end in range(20, 401, 20))
        alarms += any(set(each.values()) != {"fine"} for each in looks)
    assert alarms < 4  # 1 in 1,000 rows


def test_inputs_that_are_spread_otherwise_are_watched():
    before = stretch(draws(1, 300), draws(2, 300))
    assert statuses(stretch(draws(3, 100), 3 * draws(4, 100)), before)["inputs"] == "watch"
    assert statuses(stretch(draws(3, 100), draws(4, 100)), before)["inputs"] == "fine"


def test_without_a_reference_the_intervals_serve_and_that_is_said():
    signs, notes = signs_of(MODEL, stretch(draws(1, 100) + 1.5, draws(2, 100)), None)
    assert {sign.name: sign.status for sign in signs}["bias"] == "retrain"
    assert "inputs" not in {sign.name for sign in signs}
    assert "not at hand" in notes[0]


def test_coverage_that_fell_is_watched():
    signs = signs_of(MODEL, stretch(np.where(np.arange(60) % 2, 2.0, -2.0), draws(2, 60)), None)[0]
    found = {sign.name: sign for sign in signs}["coverage"]
    assert found.status == "watch"
    assert found.values["coverage"] == 0

"""One verdict over several series: what is tested, its false alarms, its words, and that no series' size matters."""

import json
from dataclasses import replace

import numpy as np
import pytest

from kerasforecast.errors import SkillError
from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.evaluation.rival import Rival
from kerasforecast.evaluation.scores import side_by_side, tally_of
from kerasforecast.evaluation.verdict import judged
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.metrics.panels import BySeries, compare_over_series, design_effect, losses_by_date, signed_rank
from kerasforecast.metrics.significance import diebold_mariano
from kerasforecast.report.scores import evidence
from tests.core.panel_outcomes import LEVELS


def world(skill, series=20, dates=40, steps=1, apart=0, sizes=None, common=0.5, seed=0, spread=None):
    """Scores of a model and two rules on series whose moves share `common` of their variance on each date.

    `skill` is the share of a move that the model knows, beside a rule `drift` that knows none and adds noise.
    """
    random = np.random.default_rng(seed)
    places, times = np.repeat(np.arange(series), dates), (np.arange(dates) + apart * np.arange(series)[:, None]).ravel()
    day = random.normal(size=(times.max() + 1, steps))[times]
    moves = np.sqrt(common) * day + np.sqrt(1 - common) * random.normal(size=(series * dates, steps))
    size = (np.ones(series) if sizes is None else sizes)[places][:, None]
    last = 100 * size[:, 0]
    outcomes = Outcomes(last[:, None] + size * moves, last, LEVELS, np.stack([size[::dates, 0]] * 2, 1), places, times)
    noise = 0.05 * random.normal(size=moves.shape)

    def forecast(share, extra=0.0):
        point = last[:, None] + size * (share * moves + extra)
        return Forecast(point, None if spread is None else point[..., None] + spread * size[..., None] * [-1, 0, 1])

    made = {"model": forecast(skill), "naive": forecast(0.0), "drift": forecast(0.0, noise)}
    pairs = (("best", "drift"), ("naive", "naive"))
    tallies = {name: tally_of(outcomes, each) for name, each in made.items()}
    shares = {name: tallies["model"].share_better(tallies[other]) for name, other in pairs}
    counts = {"series": series, "unscored": 0, "unscaled": 0, "better": shares}
    found = {"n": len(places), **side_by_side(tallies, "drift", "naive"), **counts}
    return json.loads(json.dumps(found, allow_nan=False))


def test_series_that_share_their_dates_are_tested_by_date():
    found = judged(world(0.5))
    assert found.status == "better"
    assert found.text.endswith("; better than naive by 50.0 % (p < 0.001), on 100 % of 20 series")
    assert found.text.startswith("better than drift by 50.")
    assert found.tested == "over 20 series, by date: errors of one date go together"
    assert evidence(found).endswith("Tested over 20 series, by date: errors of one date go together.")
    assert found.sentence.startswith("Worth using: its errors are 50.")
    found.require_skill(0.01)


def test_series_that_share_too_few_dates_or_none_are_tested_across():
    for options in ({"dates": 13, "steps": 12}, {"dates": 5, "apart": 50}):
        found = judged(world(0.5, **options))
        assert found.status == "better"
        assert found.tested.startswith("across 20 series, ")
    none = judged(world(0.0, dates=5, apart=50))
    assert none.naive.p_value == 1.0
    assert "no better than naive (rank p = 1.00), better on 0 % of 20 series" in none.text


def test_few_series_of_few_dates_are_not_tested():
    found = judged(world(0.5, series=4, dates=13, steps=12, spread=1.0))
    assert found.status == "too few to test"
    few = "too few forecasts to test (52 of 12 steps in 4 series): "
    assert found.text.startswith(f"{few}RMSSE 0.50 times that of drift, better on 100 % of 4 series, ")
    assert found.text.endswith(", 0.50 times that of naive, better on 100 % of 4 series")
    assert found.interval_text.startswith(f"{few}scaled CRPS 0.")
    assert "where a test needs 8 series with a scale, or 8 dates" in found.sentence
    assert found.tested is None
    with pytest.raises(SkillError, match="too few forecasts"):
        found.require_skill(1.0)


def test_worse_is_said_as_such():
    found = judged(world(-0.2))
    assert (found.status, found.tone) == ("worse", "bad")
    assert "worse than naive by 20.0 % (p < 0.001), better on 0 % of 20 series" in found.text


@pytest.mark.parametrize("options", [{}, {"dates": 13, "steps": 12}, {"dates": 5, "apart": 50}])
def test_the_size_of_a_series_changes_nothing(options):
    sizes = np.ones(20)
    plain = judged(world(0.1, spread=1.0, **options))
    sizes[3] = 1e6
    scaled = judged(world(0.1, spread=1.0, sizes=sizes, **options))
    assert (scaled.text, scaled.interval_text, scaled.status) == (plain.text, plain.interval_text, plain.status)


def test_a_series_without_a_unit_takes_no_part():
    sizes = np.ones(20)
    places, times = np.repeat(np.arange(20), 30), np.tile(np.arange(30), 20)
    random = np.random.default_rng(0)
    actual = random.normal(size=(600, 1))
    broken = actual.copy()
    broken[places == 7] *= 1e9
    units = np.stack([sizes, sizes], axis=1)
    units[7] = np.nan
    found = []
    for values in (actual, broken):
        outcomes = Outcomes(values, np.ones(600), (), units, places, times)
        ours, theirs = (tally_of(outcomes, Forecast(values * share)) for share in (0.9, 0.0))
        found.append((ours.tests(theirs)[0], ours.scores()["mase"]))
    assert found[0] == found[1]
    none = Outcomes(actual, np.ones(600), (), np.zeros((20, 2)), places, times)
    test = tally_of(none, Forecast(actual)).tests(tally_of(none, Forecast(0 * actual)))[0]
    assert test["p_value"] is None


def losses(random, series, dates, steps, common, apart=0, skill=1.0):
    """Losses of two forecasts whose errors share `common` of their variance on each date; levels are heavy-tailed."""
    starts = apart * np.arange(series)
    rows = starts[:, None] + np.arange(dates + steps - 1)

    def errors():
        day = random.normal(size=rows.max() + 1)[rows]
        return np.sqrt(common) * day + np.sqrt(1 - common) * random.normal(size=rows.shape)

    both = errors()
    level = np.exp(random.normal(size=series))[:, None]

    def loss(each):
        paths = np.stack([np.cumsum(each[:, date : date + steps], axis=1) for date in range(dates)], axis=1)
        return (level * (paths**2).mean(axis=2)).ravel()

    times = (starts[:, None] + np.arange(dates)).ravel()
    ours, theirs = skill * (0.8 * both + 0.6 * errors()), 0.8 * both + 0.6 * errors()
    return loss(ours), loss(theirs), BySeries(np.repeat(np.arange(series), dates), series), times, steps


@pytest.mark.parametrize(
    ("world", "over", "most"),
    [
        ({"series": 20, "dates": 60, "steps": 1, "common": 0.9}, "dates", 0.09),
        ({"series": 20, "dates": 100, "steps": 12, "common": 0.5}, "dates", 0.14),
        ({"series": 60, "dates": 13, "steps": 12, "common": 0.5}, "series", 0.09),
        ({"series": 60, "dates": 5, "steps": 1, "common": 0.3}, "series", 0.12),
        ({"series": 60, "dates": 13, "steps": 12, "common": 0.0, "apart": 100}, "series", 0.09),
        ({"series": 40, "dates": 30, "steps": 1, "common": 0.5, "apart": 3}, "series", 0.09),
    ],
)
def test_equal_skill_is_rarely_taken_for_more(world, over, most):
    random = np.random.default_rng(4)
    found = [compare_over_series(*losses(random, **world)) for _ in range(200)]
    assert {each["over"] for each in found} == {over}
    assert np.mean([each["p_value"] < 0.05 for each in found]) <= most


@pytest.mark.parametrize(
    "world",
    [
        {"series": 20, "dates": 200, "steps": 1, "common": 0.5, "skill": 0.85},
        {"series": 200, "dates": 13, "steps": 12, "common": 0.0, "skill": 0.85},
        {"series": 200, "dates": 13, "steps": 12, "common": 0.0, "apart": 100, "skill": 0.85},
        {"series": 100, "dates": 16, "steps": 3, "common": 0.3, "skill": 0.4},
    ],
)
def test_more_skill_is_found(world):
    random = np.random.default_rng(5)
    found = [compare_over_series(*losses(random, **world)) for _ in range(40)]
    assert np.mean([each["p_value"] < 0.05 and each["ratio"] < 1 for each in found]) > 0.85


def test_a_series_gone_wrong_does_not_decide_alone():
    random = np.random.default_rng(0)
    ours, theirs, series, times, steps = losses(random, 100, 5, 1, 0.0, apart=50, skill=0.7)
    wild = np.where(series.places == 9, 1e4, 1.0)
    assert compare_over_series(ours * wild, theirs * wild, series, times, steps)["p_value"] < 0.01
    against = compare_over_series(np.where(series.places == 9, 1e6, ours), theirs, series, times, steps)
    assert (against["p_value"], against["ratio"] > 1) == (1.0, True)  # ranks and means contradict one another


def test_dates_of_a_lone_series_and_of_a_full_panel_are_the_losses_themselves():
    random = np.random.default_rng(0)
    lone = random.random(50)
    assert losses_by_date(lone, np.arange(50)).tolist() == lone.tolist()
    many = random.random((7, 50))
    dates = losses_by_date(many.ravel(), np.tile(np.arange(50), 7))
    assert dates == pytest.approx(many.mean(axis=0), rel=1e-12)
    uneven = losses_by_date(many.ravel()[:300], np.tile(np.arange(50), 7)[:300])
    assert uneven.mean() == pytest.approx(many.ravel()[:300].mean(), rel=1e-12)
    found = compare_over_series(lone, lone + 0.1 * lone, BySeries(np.zeros(50, int), 1), np.arange(50), 1)
    plain = diebold_mariano(lone, lone + 0.1 * lone)
    assert (found["statistic"], found["p_value"], found["over"]) == (plain.statistic, plain.p_value, "dates")


def test_the_rank_test_at_its_edges():
    assert signed_rank(np.ones(9), np.ones(9)).p_value == 1.0
    worse = signed_rank(np.arange(1, 10) + 1.0, np.arange(1, 10))
    assert worse.statistic > 0
    assert worse.p_value < 0.02
    assert signed_rank(np.arange(9.0), np.arange(9.0) + 1, effect=9.0).p_value > 0.3
    same = BySeries(np.repeat(np.arange(4), 3), 4)
    assert design_effect(np.ones(12), same, np.tile(np.arange(3), 4)) == 1.0
    ups = np.tile([-1.0, 2.0, -1.0], 4)  # the same ups and downs in all four
    assert design_effect(ups, same, np.tile(np.arange(3), 4)) == pytest.approx(4.0)
    assert design_effect(ups + 1e3, same, np.tile(np.arange(3), 4)) == pytest.approx(1.0, abs=0.01)
    assert design_effect(ups + 1e3, same, np.tile(np.arange(3), 4), steps=2) == pytest.approx(4.0)


def test_whoever_beats_the_best_rule_beats_a_naive_one_that_does_worse():
    """Of few dates shared by all series: the season makes naive errors differ by date, and its own test gives in."""
    best = Rival("seasonal_naive_12", 0.8, 0.0001, 300, 0.76, "series", "RMSSE")
    naive = Rival("naive", 0.3, 0.23, 300, 1.0, "series", "RMSSE", implied=True)
    assert naive.status == "better"
    assert naive.beaten(0.001)
    assert naive.text == "RMSSE 0.30 times that of naive, better on 100 % of 300 series"
    assert not replace(naive, ratio=1.2).beaten(0.05)
    assert best.beaten(0.001)

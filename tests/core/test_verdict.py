"""The judgement on a model: its status, its words, what makes it green, and the gate of --require-skill."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.errors import SkillError
from kerasforecast.evaluation.scores import Outcomes, dm_tests, score_rows, scores
from kerasforecast.evaluation.verdict import Rival, judged, judged_row, not_judged, spoken
from kerasforecast.forecasting.forecast import Forecast

LEVELS = (0.1, 0.5, 0.9)
GROWTH = "seasonal_growth_12"


def world(skill, rival=None, n=400, steps=1, spread=None, seed=3):
    """A random walk's next values and forecasts that know the share `skill` of each move, `rival` that of a rule."""
    generator = np.random.default_rng(seed)
    last = 100 + generator.normal(size=n).cumsum()
    moves = generator.normal(size=(n, steps))
    outcomes = Outcomes(last[:, None] + moves, last, LEVELS)

    def knowing(share, width):
        point = last[:, None] + share * moves
        return Forecast(point, point[..., None] + width * np.array([-1.28, 0, 1.28]) if spread else None)

    forecasts = {"model": knowing(skill, spread[0] if spread else 0), "naive": knowing(0, spread[1] if spread else 0)}
    if rival is not None:
        forecasts[GROWTH] = knowing(rival, spread[1] if spread else 0)
    return outcomes, forecasts


def scored(outcomes, forecasts, best="naive", best_intervals=None):
    """As `metrics.json` holds it, through JSON."""
    others = [name for name in forecasts if name != "model"]
    against = [
        {"baseline": name, **test}
        for name in others
        for test in dm_tests(outcomes, forecasts["model"], forecasts[name])
    ]
    found = {"n": len(outcomes.actual), **{name: scores(outcomes, each) for name, each in forecasts.items()}}
    dm = {name: value for name, value in against[0].items() if name != "baseline"}
    found |= {"dm": dm, "tests": against, "best": best, "best_intervals": best_intervals}
    return json.loads(json.dumps(found, allow_nan=False))


def judgement(*args, best="naive", best_intervals=None, **options):
    return judged(scored(*world(*args, **options), best, best_intervals))


def test_better_than_naive():
    found = judgement(0.5)
    assert (found.status, found.tone) == ("better", "good")
    assert found.text == "better than naive by 50.0 % (p < 0.001)"
    assert found.sentence == (
        "Worth using: its errors are 50.0 % smaller than those of repeating the last value, "
        "more than chance would make."
    )
    assert (found.n, found.steps, found.best.ratio) == (400, 1, pytest.approx(0.5))
    found.require_skill(0.05)


def test_worse_than_naive():
    found = judgement(-0.124)
    assert (found.status, found.tone) == ("worse", "bad")
    assert found.text == "worse than naive by 12.4 % (p < 0.001)"
    assert found.sentence == "Do not use: its errors are 12.4 % larger than those of repeating the last value."


def test_no_better_than_naive():
    outcomes, forecasts = world(0)
    noise = 0.02 * np.random.default_rng(5).normal(size=(400, 1))
    forecasts["model"] = Forecast(forecasts["model"].point + noise)
    found = judged(scored(outcomes, forecasts))
    assert (found.status, found.tone) == ("no better", "neutral")
    assert found.text == f"no better than naive (DM p = {found.naive.p_value:.2f})"
    assert found.sentence == "Not worth using: it is no better than repeating the last value."


def test_naive_itself_is_no_better_than_naive():
    assert judgement(0).text == "no better than naive (DM p = 1.00)"


def test_a_model_that_a_trivial_rule_beats_is_not_worth_using():
    """Better than naive by a third, and beaten by last year's value with its growth: never green."""
    found = judgement(0.34, 0.6, best=GROWTH)
    assert (found.status, found.tone) == ("worse", "bad")
    assert found.text == (
        "worse than seasonal naive of 12 rows with growth by 65.0 % (p < 0.001); "
        "better than naive by 34.0 % (p < 0.001)"
    )
    assert found.sentence == (
        "Do not use: its errors are 65.0 % larger than those of repeating what happened 12 rows earlier, "
        "with the growth since."
    )
    with pytest.raises(SkillError, match="better than seasonal naive of 12 rows with growth with p below"):
        found.require_skill(0.05)


def test_both_must_be_beaten():
    """The best on validation may do badly on test: to beat that alone is nothing."""
    found = judgement(-0.1, -0.5, best=GROWTH)
    assert (found.best.status, found.naive.status, found.status, found.tone) == ("better", "worse", "worse", "bad")
    with pytest.raises(SkillError):
        found.require_skill(0.05)
    assert judgement(0.5, 0.2, best=GROWTH).status == "better"


def test_too_few_forecasts_are_not_tested_however_small_their_errors():
    found = judgement(0.52, n=11, steps=12)
    assert (found.status, found.tone) == ("too few to test", "neutral")
    assert found.text == "too few forecasts to test (11 of 12 steps): RMSE 0.48 times that of naive"
    assert found.sentence == (
        "Too few forecasts to tell: 11 of 12 steps, of which 1 does not overlap, where a test needs 8. Its errors are "
        "52.0 % smaller than those of repeating the last value, which may be luck."
    )
    both = judgement(0.52, 0.2, n=11, steps=12, best=GROWTH).text
    assert both.endswith(": RMSE 0.60 times that of seasonal naive of 12 rows with growth, 0.48 times that of naive")
    with pytest.raises(SkillError, match=r"Received: too few forecasts to test \(11 of 12 steps\)"):
        found.require_skill(1.0)
    assert judgement(0.5, n=5).text.startswith("too few forecasts to test (5 of 1 step): ")


@pytest.mark.parametrize(
    ("skill", "spread", "status", "sharp", "tone", "words"),
    [
        (0.0, (1, 5), "no better", "better", "good", "Worth using for its prediction intervals alone"),
        (0.5, (8, 1), "better", "worse", "neutral", "but its prediction intervals are worse than a simple rule's"),
        (0.5, (0.5, 3), "better", "better", "good", "and its prediction intervals are better than any simple rule's"),
        (-0.2, (1, 9), "worse", "better", "neutral", "but its prediction intervals are better"),
        (-0.2, (9, 1), "worse", "worse", "bad", "and its prediction intervals are worse"),
    ],
)
def test_points_and_intervals_are_said_together_and_never_green_when_half_is_worse(
    skill, spread, status, sharp, tone, words
):
    found = judgement(skill, spread=spread, best_intervals="naive")
    assert (found.status, found.sharpest.status, found.tone) == (status, sharp, tone)
    assert words in found.sentence
    assert found.interval_text.startswith(sharp)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(2, 60), st.integers(1, 9), st.integers(0, 99))
def test_green_is_never_beside_worse_and_every_reader_says_the_same(skill, rival, n, steps, seed):
    outcomes, forecasts = world(skill, rival, n, steps, (1.0, 1.0), seed)
    found = judged(scored(outcomes, forecasts, GROWTH, GROWTH))
    assert found.tone != "good" or not {"worse", "too few to test"} & {found.status, found.sharpest.status}
    rows = json.loads(json.dumps(score_rows(outcomes, forecasts, "all", GROWTH, GROWTH)))
    assert judged_row(rows, "model", GROWTH, GROWTH) == found


def test_exact_naive_forecast():
    flat = np.full((50, 1), 7.0)
    outcomes = Outcomes(flat, flat[:, 0])
    noisy = Forecast(flat + np.random.default_rng(0).normal(size=(50, 1)))
    found = judged(scored(outcomes, {"model": noisy, "naive": Forecast(flat)}))
    assert found.text == "worse than naive, which is exact here (p < 0.001)"
    assert judged(scored(outcomes, {"model": Forecast(flat), "naive": Forecast(flat)})).best.ratio == 1


@pytest.mark.parametrize(("p_value", "text"), [(0.0009, "p < 0.001"), (0.002, "p = 0.002"), (0.412, "p = 0.41")])
def test_p_values_as_printed(p_value, text):
    assert text in Rival("naive", 0.9, p_value).text


def test_a_tiny_difference_is_not_printed_as_zero():
    assert Rival("naive", 0.99979, 0.01).text == "better than naive by 0.02 % (p = 0.010)"


def test_a_best_or_intervals_that_were_not_scored_do_not_count():
    """A stranger's file may name any."""
    found = judgement(0.5, spread=(0.5, 3), best="drift", best_intervals="unheard_of")
    assert (found.best.name, found.sharpest.name) == ("naive", "naive")


def test_nothing_judged_is_no_skill():
    found = not_judged("the model has learned from all", 30, 1)
    assert (found.status, found.text) == ("not judged", "no verdict: the model has learned from all")
    with pytest.raises(SkillError, match="Received: no verdict"):
        found.require_skill(0.05)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("seasonal_naive_336", "seasonal naive of 336 rows"),
        ("seasonal_drift_4", "seasonal naive of 4 rows with drift"),
        ("moving_average", "moving average"),
        ("ewma_fhs", "ewma_fhs"),
    ],
)
def test_rules_by_their_names(name, words):
    assert spoken(name) == words

"""Which covariate earns its place: one that matters is found, noise at the nominal rate alone."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.artifact.importance import CovariateWorth, Importance
from kerasforecast.artifact.records import Metrics
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation.importance import earns, importance_lines, importance_of
from kerasforecast.evaluation.shuffling import covariates_of, pools_of
from kerasforecast.metrics.rise import holm, rise_p_value
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.report.importance import importance_section

WINDOW, HORIZON = 12, 4


def plain(columns):
    return FittedScaling(kind="none", transforms=("linear",) * columns, offset=(0.0,) * columns, scale=(1.0,) * columns)


def autoregressive(random, rows, persistence):
    noise, values = random.normal(size=rows), np.zeros(rows)
    for row in range(1, rows):
        values[row] = persistence * values[row - 1] + noise[row]
    return values


def lone(seed, effect=0.0, rows=260, role="known", persistence=0.9):
    """A series that a persistent covariate moves by `effect`."""
    random = np.random.default_rng(seed)
    covariate = autoregressive(random, rows, persistence)
    target = autoregressive(random, rows, 0.5) + effect * covariate
    return Panel(
        values=np.stack([target, covariate], axis=1),
        index=pd.RangeIndex(rows),
        starts=np.array([0, rows]),
        ids=np.array(["a"]),
        columns=("y", "x"),
        roles=("target", role),
        observed=np.array([rows]),
    )


def windows_in(panel, horizon=HORIZON, window=WINDOW, first=None):
    first = window - 1 if first is None else first
    starts, ends = panel.starts[:-1], panel.ends
    origins = [np.arange(start + first, end - horizon) for start, end in zip(starts, ends, strict=True)]
    return windows_of(panel, np.concatenate(origins), window, horizon)


def leaning(weight):
    """A model that leans on its covariate, rightly or not."""

    def answer(batch):
        if batch.known is not None:
            return weight * batch.known[:, WINDOW : WINDOW + HORIZON, 0]
        return np.repeat(weight * batch.past[:, -5:, 1].mean(axis=1, keepdims=True), HORIZON, axis=1)

    return answer


def worth(panel, answer, units=None, trained=10**5, **window):
    found = importance_of(answer, plain(len(panel.past_columns)), windows_in(panel, **window), HORIZON, trained, units)
    return {each.name: each for each in found.covariates}


@pytest.mark.parametrize("role", ["known", "past"])
def test_noise_that_a_model_leans_on_is_found_useful_at_the_nominal_rate(role):
    """At 5 %, in 200 simulations: up to 18 with a probability of 99 %."""
    found = [worth(lone(seed, role=role), leaning(0.3))["x"] for seed in range(200)]
    assert sum(map(earns, found)) <= 18


def test_a_covariate_that_matters_is_found():
    found = [worth(lone(seed, effect=0.5), leaning(0.5))["x"] for seed in range(20)]
    assert all(map(earns, found))
    assert np.mean([each.increase for each in found]) > 0.1


def test_one_that_is_not_looked_at_costs_exactly_nothing():
    found = worth(lone(0), lambda batch: np.zeros((len(batch), HORIZON)))["x"]
    assert (found.increase, found.p_value) == (0, 1)


def shops(seed, count=40, rows=60, effect=0.0, common=0.0):
    """Series of very different scale whose level an attribute tells where there is an effect."""
    random = np.random.default_rng(seed)
    kind, shared = random.normal(size=count), random.normal(size=rows)
    size = np.exp(random.normal(size=count))
    parts = [
        size[place]
        * np.stack([effect * kind[place] + common * shared + random.normal(size=rows), random.normal(size=rows)], 1)
        for place in range(count)
    ]
    return Panel(
        values=np.concatenate(parts),
        index=pd.Index(np.tile(np.arange(rows), count)),
        starts=np.arange(count + 1) * rows,
        ids=np.array([f"shop {place}" for place in range(count)]),
        columns=("y", "x"),
        roles=("target", "past"),
        observed=np.full(count, rows),
        key="shop",
        static=np.stack([kind, size], axis=1),
        static_columns=("kind", "size"),
    ), size


def of_shops(static, past):
    def answer(batch):
        size = batch.static[:, 1:2]
        mean = size * static * batch.static[:, :1] + past * batch.past[:, -5:, 1].mean(axis=1, keepdims=True)
        return np.repeat(mean, HORIZON, axis=1)

    return answer


@pytest.mark.parametrize(("rows", "over"), [(60, "dates"), (19, "series")])
def test_noise_in_a_panel_is_found_useful_at_the_nominal_rate(rows, over):
    """An attribute that many have and one that few have, and a column; many dates, or few that many series share."""
    counts = {"x": 0, "kind": 0}
    for seed in range(60):
        panel, size = shops(seed, rows=rows, common=1.0)
        found = worth(panel, of_shops(0.4, 0.4), units=size)
        assert (found["x"].over, found["kind"].over) == (over, "series")
        for name in counts:
            counts[name] += earns(found[name])
    assert max(counts.values()) <= 8  # of 60 at 5 %, with a probability of 99 %


def test_an_attribute_that_matters_is_found():
    panel, size = shops(0, effect=1.0)
    found = worth(panel, of_shops(1.0, 0.0), units=size)
    assert earns(found["kind"])
    assert not earns(found["x"])


def test_too_few_series_or_forecasts_are_not_tested():
    panel, size = shops(0, count=5, rows=18)
    found = worth(panel, of_shops(0.4, 0.4), units=size)
    assert found["kind"].p_value is found["x"].p_value is None
    assert worth(lone(0, rows=40), leaning(1.0))["x"].p_value is None


def test_a_series_without_a_unit_does_not_count():
    panel, size = shops(0)
    units = np.where(np.arange(len(panel)) < 39, size, np.nan)
    found = importance_of(of_shops(1, 1), plain(2), windows_in(panel), HORIZON, 10**6, units)
    assert np.isfinite([each.increase for each in found.covariates]).all()
    assert importance_of(of_shops(1, 1), plain(2), windows_in(panel), HORIZON, 10**6, units * np.nan) is None


def test_columns_that_say_one_thing_are_one_covariate():
    rows = 80
    dates = pd.date_range("2024-01-01", periods=rows, freq="h")
    weekday = dates.day_of_week.to_numpy(np.float64)
    panel = Panel(
        values=np.stack([np.arange(rows), np.arange(rows), weekday, weekday, weekday], axis=1),
        index=dates,
        starts=np.array([0, rows]),
        ids=np.array(["a"]),
        columns=("y", "visitors", "temperature", "weekday", "dow"),
        roles=("target", "past", "known", "known", "known"),
        observed=np.array([rows]),
        frequency="h",
        calendar_columns={"weekday": "weekday", "dow": "weekday"},
    )
    found = {each.name: (each.role, each.columns, each.places) for each in covariates_of(panel)}
    assert found == {
        "visitors": ("past", ("visitors",), (1,)),
        "temperature": ("known", ("temperature",), (0,)),
        "weekday": ("known", ("weekday", "dow"), (1, 2)),
    }


def test_rows_come_from_afar_and_neighbours_stay_neighbours():
    windows = windows_in(lone(0))
    pools = pools_of(windows)
    for part in (0.0, 0.3, 0.999):
        donors = pools.later(windows.origins, WINDOW + HORIZON, part)
        assert sorted(donors) == sorted(windows.origins)
        assert (np.abs(donors - windows.origins) >= WINDOW + HORIZON).all()
        assert np.mean(np.diff(donors) == 1) > 0.99


def test_few_windows_are_given_earlier_rows_of_their_series():
    windows = windows_in(lone(0), first=250)
    pools = pools_of(windows)
    assert (pools.first.item(), pools.stop.item()) == (WINDOW - 1, 256)


def test_a_column_that_stays_beside_the_target_keeps_its_distance():
    """The day's high of another year beside today's close would be nonsense that costs every model much."""
    random = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(random.normal(0.002, 0.01, size=900)))
    high = close * np.exp(np.abs(random.normal(0, 0.004, size=900)))
    panel = Panel(
        values=np.stack([close, high], axis=1),
        index=pd.RangeIndex(900),
        starts=np.array([0, 900]),
        ids=np.array(["a"]),
        columns=("close", "high"),
        roles=("target", "past"),
        observed=np.array([900]),
    )
    scaling = FittedScaling(
        kind="anchor", transforms=("log", "ratio"), offset=(0, 0), scale=(0.01, 0.004), reference=(0, 0)
    )
    seen = []

    def answer(batch):
        seen.append(scaling.inputs(batch.past.astype(np.float64))[:, 1:, 1])
        return batch.past[:, -1:, 0] * (1 + 0.0001 * seen[-1][:, -1:])

    found = importance_of(answer, scaling, windows_in(panel, horizon=1), 1, 10**6).covariates[0]
    own, *others = seen
    for other in others[:3]:
        np.testing.assert_allclose(np.sort(other.ravel()), np.sort(own.ravel()), atol=0.02)
    assert abs(found.increase) < 0.01


def test_what_is_spent_is_a_share_of_the_training_and_the_same_on_every_machine():
    calls = []

    def answer(batch):
        calls.append(len(batch))
        return leaning(1.0)(batch)

    panel = lone(0, rows=6_000)
    first = importance_of(answer, plain(1), windows_in(panel), HORIZON, 30 * 4_000)
    assert sum(calls) <= 0.1 * 3 * 30 * 4_000 + 2_000
    assert first.windows <= 2_000
    assert first == importance_of(answer, plain(1), windows_in(panel), HORIZON, 30 * 4_000)
    calls.clear()
    importance_of(answer, plain(1), windows_in(panel), HORIZON, 1)
    assert sum(calls) <= 200 * 6


def test_without_covariates_there_is_nothing():
    panel = Panel.of(lone(0)[0])
    alone = Panel(
        values=panel.values[:, :1],
        index=panel.index,
        starts=panel.starts,
        ids=panel.ids,
        columns=("y",),
        roles=("target",),
        observed=panel.observed,
    )
    assert importance_of(leaning(1.0), plain(1), windows_in(alone), HORIZON, 10**6) is None
    assert "importance" not in Metrics.model_construct(importance=None).model_dump()
    assert importance_section(None) == []


def record(**changes):
    fields = {"name": "x", "role": "past", "columns": ("x",), "increase": 0.41, "p_value": 0.0004, "over": "dates"}
    return CovariateWorth(**fields | changes)


def test_lines_say_what_was_found():
    found = [
        record(),
        record(increase=29.6),
        record(increase=0.031, p_value=0.013),
        record(increase=-0.2, p_value=0.97),
        record(increase=1e-6),
        record(p_value=None, over=None),
        record(increase=None, p_value=None, over=None),
    ]
    assert importance_lines(Importance(windows=10, shuffles=5, steps=1, covariates=found)) == [
        "x earns its place: error 41 % larger when shuffled (p < 0.001)",
        "x earns its place: error 31 times as large when shuffled (p < 0.001)",
        "x earns its place: error 3.1 % larger when shuffled (p = 0.013)",
        "x: no gain (p = 0.97)",
        "x: no gain (p < 0.001)",
        "x: error 41 % larger when shuffled; too few forecasts to test",
        "x: the model makes no errors",
    ]
    many = importance_lines(Importance(windows=10, shuffles=5, steps=1, covariates=[record()] * 20))
    assert many[-1] == "8 more, of which 8 earn their place; metrics.json has all."


def test_the_report_has_a_bar_and_a_row_for_each_and_names_are_text():
    covariates = [record(name="<b>heat"), record(name="rain", increase=-0.1, p_value=0.8)]
    metrics = Metrics.model_construct(importance=Importance(windows=10, shuffles=5, steps=1, covariates=covariates))
    (section,) = importance_section(metrics)
    assert section.note.startswith("1 of 2 covariates: ")
    assert "&lt;b&gt;heat" in section.body
    worthy, luck = section.figures[0][1]["data"]
    assert (worthy["y"], luck["y"]) == ([41.0, None], [None, -10.0])
    assert worthy["x"] == ["&lt;b&gt;heat", "rain"]


def test_rises_of_neighbours_that_go_together_are_no_proof():
    """Averages over 20 rows of noise, 400 simulations: Student's t takes 40 % of them for rises, or more."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(400, 319))
    moving = np.stack([np.convolve(row, np.ones(20), "valid") for row in noise])
    assert np.mean([rise_p_value(row, overlap=20) < 0.05 for row in moving]) < 0.09
    assert np.mean([rise_p_value(row + 8, overlap=20) < 0.05 for row in moving]) > 0.9


def test_rises_that_are_always_the_same():
    assert rise_p_value(np.zeros(10)) == 1
    assert rise_p_value(np.full(10, 2.0)) == 0.5**10
    assert rise_p_value(np.full(10, 2.0), overlap=5) == 0.25
    assert rise_p_value(np.full(10, -2.0)) == 1
    for wrong in ([], [np.nan, 1.0]):
        with pytest.raises(DataError, match="must be finite"):
            rise_p_value(np.array(wrong))


def test_holm_by_hand():
    """Holm (1979): the least of three times three, the next times two, never below one before."""
    assert holm([0.01, 0.04, None, 0.03]) == pytest.approx([0.03, 0.06, None, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []

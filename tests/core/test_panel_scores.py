"""Scores over several series: each one's own, their means and medians, against plain loops; a lone one as before."""

import json
from dataclasses import replace

import numpy as np
import pytest
from kerasforecast_cli import output

from kerasforecast.artifact import records
from kerasforecast.data.id_column import id_column
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation import outcomes as outcomes_module
from kerasforecast.evaluation.evaluation import evaluate_windows, every_window, outcomes_of, scored_windows
from kerasforecast.evaluation.per_series import NO_SCALE, TOO_SHORT
from kerasforecast.evaluation.scores import score_rows, scores, tally_of
from kerasforecast.evaluation.verdict import judged, judged_row
from kerasforecast.metrics.panels import BySeries
from kerasforecast.metrics.point import mae, rmse, seasonal_scales, smape
from kerasforecast.metrics.probabilistic import coverage, crps
from kerasforecast.preprocessing.windows import windows_of
from tests.core.panel_outcomes import LEVELS, Rules, Skilled, panel_of, split_of, walks

TEST, STEPS, WINDOW = 12, 3, 5


def made(skill=0.3, count=12, rows=60):
    """A panel with a series too short to score and one that never changed in training, its split, its evaluation."""
    values = walks(count, rows)
    values[2] = np.where(np.arange(rows) < rows - TEST, 7.0, values[2])
    values[4] = values[4][:9]
    panel = panel_of(values)
    split = split_of(panel, TEST, TEST, WINDOW, STEPS)
    windows = windows_of(panel, split.origins("test"), WINDOW, STEPS)
    return panel, split, windows, evaluate_windows(Skilled(skill), windows, Rules(), None, split.trained)


@pytest.fixture(scope="module")
def evaluated():
    return made()


def by_hand(panel, split, place, forecaster):
    """The scores of one series by the functions for one."""
    edges = split.edges[place]
    origins = np.arange(edges[2] - 1, edges[3] - STEPS)
    windows = windows_of(panel, origins, WINDOW, STEPS)
    found, actual = forecaster.in_sequence(windows)[0], windows.targets()
    absolute, squared = seasonal_scales(panel.values[edges[0] : edges[1], 0])
    score = crps(actual, found.quantiles, LEVELS)
    return {
        "windows": len(origins),
        "mase": mae(actual, found.point) / absolute if absolute else np.nan,
        "rmsse": rmse(actual, found.point) / squared if squared else np.nan,
        "smape": smape(actual, found.point),
        "crps": score,
        "scaled_crps": score / absolute if absolute else np.nan,
        "in_80": coverage(actual, found.quantiles[..., 0], found.quantiles[..., 2]),
    }


def test_each_series_has_the_scores_that_it_has_alone(evaluated):
    panel, split, _, found = evaluated
    table = found.per_series.set_index("shop")
    assert list(table.index) == list(panel.ids)
    for place, name in enumerate(panel.ids):
        if name == "s4":
            continue
        expected = by_hand(panel, split, place, Skilled(0.3))
        naive = by_hand(panel, split, place, Skilled(0.0))["mase"]
        best = by_hand(panel, split, place, Skilled(0.1))["mase"]
        got = table.loc[name]
        for key, value in (expected | {"naive_mase": naive, "best_mase": best}).items():
            assert got[key] == pytest.approx(value, rel=1e-9, nan_ok=True), (name, key)
        assert bool(got["better"])
    assert (table.loc["s4", "windows"], table.loc["s4", "note"]) == (0, TOO_SHORT)
    assert table.loc["s4", "better"] is None
    assert table.loc["s2", "note"] == NO_SCALE
    assert np.isnan(table.loc["s2", "mase"])
    assert table["note"].eq("").sum() == 10


def test_scores_over_all_are_the_means_and_medians_of_each(evaluated):
    _, _, windows, found = evaluated
    table, ours = found.per_series, found.scores["model"]
    for key in ("mase", "rmsse", "smape", "scaled_crps"):
        assert ours[key] == pytest.approx(table[key].mean(), rel=1e-12), key
        assert ours["median"][key] == pytest.approx(table[key].median(), rel=1e-12), key
    lone = scores(
        outcomes_module.Outcomes(windows.targets(), windows.last(), LEVELS), Skilled(0.3).in_sequence(windows)[0]
    )
    for key in ("rmse", "mae", "mape", "crps", "directional_accuracy", "directional_interval"):
        assert ours[key] == pytest.approx(lone[key], rel=1e-9), key
    for key in ("coverage", "pinball", "winkler"):
        assert ours[key] == pytest.approx(lone[key], rel=1e-9), key
    for step, expected in zip(ours["steps"], lone["steps"], strict=True):
        assert step["rmse"] == pytest.approx(expected["rmse"], rel=1e-9)
        assert step["winkler"] == pytest.approx(expected["winkler"], rel=1e-9)
    assert np.mean([step["mase"] for step in ours["steps"]]) == pytest.approx(ours["mase"], rel=1e-9)
    counted = {key: found.scores[key] for key in ("n", "series", "unscored", "unscaled", "better")}
    assert counted == {"n": 110, "series": 11, "unscored": 1, "unscaled": 1, "better": {"best": 1.0, "naive": 1.0}}


def test_a_few_windows_at_a_time_give_the_same(evaluated, monkeypatch):
    monkeypatch.setattr(outcomes_module, "_AT_ONCE", 7 * STEPS * len(LEVELS))
    again = made()[3]
    for name in ("model", "naive", "drift"):
        few, whole = (tally.scores[name] for tally in (again, evaluated[3]))
        assert few["winkler"] == pytest.approx(whole["winkler"], rel=1e-9)
        assert [few[key] for key in ("mase", "rmse", "crps")] == pytest.approx(
            [whole[key] for key in ("mase", "rmse", "crps")], rel=1e-9
        )
    assert again.judgement.text == evaluated[3].judgement.text


def test_what_is_written_says_the_same_as_what_was_made(evaluated):
    found = evaluated[3]
    written = records.TestScores(**found.scores).model_dump(mode="json")
    assert written["better"] == found.scores["better"]
    assert judged(json.loads(json.dumps(written, allow_nan=False))) == found.judgement
    assert records.TestScores.model_validate_json(json.dumps(written)).model_dump(mode="json") == written


def test_a_lone_series_is_scored_and_written_as_ever():
    panel = panel_of(walks(1, 60))
    split = split_of(panel, TEST, TEST, WINDOW, STEPS)
    windows = windows_of(panel, split.origins("test"), WINDOW, STEPS)
    found = evaluate_windows(Skilled(0.3), windows, Rules(), None, split.trained)
    more = {"series", "unscored", "unscaled", "better", "scaled_crps", "median", "ratio", "over"}
    assert found.per_series is None
    written = records.TestScores(**found.scores).model_dump(mode="json")
    for level in (found.scores, written, written["model"], written["dm"], written["tests"][0], written["naive"]):
        assert not more & level.keys()
    scale = seasonal_scales(panel.values[: 60 - 2 * TEST, 0])[0]
    assert found.scores["model"]["mase"] == found.scores["model"]["mae"] / scale
    metrics = records.Metrics(target="sales", test=written, verdict=found.verdict).model_dump(mode="json")
    assert not more & metrics["test"].keys()


def test_rows_of_a_walk_over_several_series_say_the_same_verdict(evaluated):
    _, split, windows, found = evaluated
    skills = {"model": 0.3, "naive": 0.0, "drift": 0.1}
    forecasts = {name: Skilled(skill).in_sequence(windows)[0] for name, skill in skills.items()}
    rows = score_rows(outcomes_of(windows, Rules(), split.trained), forecasts, "all", "drift", "naive")
    assert rows[0]["series"] == 11
    assert rows[0]["relative_rmse"] == pytest.approx(rows[0]["rmsse"] / rows[1]["rmsse"])
    read = json.loads(json.dumps(rows, allow_nan=False))
    assert judged_row(read, "model", "drift", "naive") == found.judgement


@pytest.mark.parametrize(
    "fault",
    [
        {"better": {"best": 1.5, "naive": 0.5}}, {"series": 0}, {"series": -3}, {"series": None},
        {"better": {"best": 0.5}}, {"unscored": -1}, {"series": 10**12},
    ],
)  # fmt: skip
def test_records_of_strangers_are_bounded(evaluated, fault):
    with pytest.raises(ValueError, match="validation error"):
        records.TestScores(**evaluated[3].scores | fault)


def test_a_part_is_refused_only_where_no_series_has_a_window(evaluated):
    panel, split, *_ = evaluated
    config = type("Config", (), {"steps": 3})
    assert len(scored_windows(config, panel, split, "test")) == 110
    with pytest.raises(DataError, match=r"s0, the longest in it: test has 12 rows\. Received: --steps 13\."):
        scored_windows(type("Config", (), {"steps": 13}), panel, split, "test")


def test_every_window_of_every_series():
    panel = panel_of([np.arange(1.0, 20), np.arange(1.0, 4), np.arange(1.0, 9)])
    manifest = type("Manifest", (), {"window": 5, "context": 5, "horizon": 2})
    windows = every_window(manifest, panel, 2)
    assert np.bincount(panel.places(windows.origins), minlength=3).tolist() == [13, 0, 2]
    with pytest.raises(DataError, match=r"series: an evaluation needs a window of 30 rows and 2 more\. Rec"):
        every_window(type("Manifest", (), {"window": 30, "context": 30, "horizon": 2}), panel, 2)


def test_tables_of_many_forecasts_are_small(evaluated):
    panel, _, windows, found = evaluated
    assert found.table["shop"].dtype == "category"
    assert {str(kind) for kind in found.table.dtypes[["forecast", "naive", "q0.1"]]} == {"float32"}
    assert found.table["actual"].dtype == np.float64
    assert list(found.table.columns[:2]) == ["shop", "date"]
    assert (
        found.table["shop"].astype(str).tolist() == np.repeat(panel.ids[panel.places(windows.origins)], STEPS).tolist()
    )


def test_the_terminal_says_how_many_series_and_which_went_worst(evaluated, capsys, monkeypatch):
    monkeypatch.setattr(output, "terminal_width", lambda: 80)
    found = evaluated[3]
    found.per_series.loc[0, "shop"] = "\x1b[31m" + "long " * 50
    output.print_scores(found.scores, found.judgement, "Test on sales", per_series=found.per_series)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    assert "110 forecasts of 11 series; 1 too short to score; 1 without a scale." in flat
    assert "better than drift on 100% and better than naive on 100% of 11 series" in flat
    assert "Worst series, by MASE: " in flat
    assert "CRPS/scale" in flat
    assert "\x1b" not in text


def test_means_of_series_in_any_order():
    random = np.random.default_rng(0)
    places, values = random.integers(0, 5, 40), random.normal(size=(40, 2))
    places[places == 3] = 0
    found = BySeries(places, 6).means(values)
    for place in range(6):
        expected = values[places == place].mean(axis=0) if (places == place).any() else [np.nan] * 2
        assert found[place] == pytest.approx(expected, nan_ok=True)


def test_a_zero_is_no_percentage_and_not_a_number_is_refused():
    panel = panel_of([np.r_[walks(1, 30)[0], 0.0, 1.0], walks(1, 32, 1)[0]])
    windows = windows_of(panel, np.array([29, 30, 61, 62]), 5, 1)
    outcomes = outcomes_of(windows, Rules())
    assert scores(outcomes, Skilled(0.5).in_sequence(windows)[0])["mape"] is None
    broken = Skilled(0.5).in_sequence(windows)[0]
    broken.quantiles[1, 0, 1] = np.nan
    with pytest.raises(DataError, match="finite"):
        tally_of(outcomes, broken)
    assert isinstance(panel, Panel)


@pytest.mark.parametrize("key", ["note", "windows", "q0.5", "in_80", "forecast"])
def test_ids_that_are_called_as_a_score_stand_beside_it(evaluated, key):
    panel, split, windows, found = evaluated
    other = replace(panel, key=key)
    assert id_column(other) == f"{key} id"
    assert id_column(other, [f"{key} id"]) == f"{key} id id"
    assert id_column(panel) == "shop"
    windows = replace(windows, panel=other)
    table = evaluate_windows(Skilled(0.3), windows, Rules(), trained=split.trained).per_series
    assert table[f"{key} id"].tolist() == list(panel.ids)
    assert len(set(table.columns)) == len(found.per_series.columns)

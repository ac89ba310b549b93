"""A fit as a whole on series of which a simple rule knows more: what is printed, kept in the file, and asked for."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from tests.backend.conftest import SMALL

TINY = SMALL | {"epochs": 1, "layers": 1}
FLAGS = [part for name, value in TINY.items() for part in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def monthly(tmp_path_factory):
    """Twenty years of months that grow, and whose season grows with them."""
    path = tmp_path_factory.mktemp("monthly") / "sales.csv"
    time = np.arange(240)
    values = 100 * 1.01**time * (1 + 0.3 * np.sin(2 * np.pi * time / 12))
    values *= np.exp(0.01 * np.random.default_rng(0).normal(size=240))
    dates = pd.date_range("2000-01-01", periods=240, freq="MS", name="Month")
    pd.DataFrame({"Sales": values}, index=dates).to_csv(path)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_a_model_that_last_year_with_its_growth_beats_is_not_worth_using(monthly, tmp_path):
    flags = ("--horizon", 3, "--output-dir", tmp_path, "--require-skill", 0.05)
    found = run("fit", monthly, *FLAGS, *flags)
    assert found.exit_code == 4
    assert "Season of 12 rows, for the rules to beat; --period sets one." in found.stderr
    assert found.stdout.startswith("Verdict: worse than seasonal naive of 12 rows with growth by ")
    assert max(map(len, found.stdout.splitlines()[:20])) <= 80
    metrics = json.loads((tmp_path / "sales" / "metrics.json").read_text())
    assert (metrics["test"]["best"], "seasonal_growth_12" in metrics["test"]) == ("seasonal_growth_12", True)
    assert '<header class="bad">' in (tmp_path / "sales" / "report.html").read_text()
    loaded = kf.load(tmp_path / "sales.keras")
    assert (loaded.verdict, loaded.test.better) == (metrics["verdict"], False)
    again = loaded.evaluate(monthly)
    assert (again.verdict, again.scores["n"]) == (metrics["verdict"], metrics["test"]["n"])


def test_long_forecasts_of_a_short_series_are_not_tested_and_say_what_intervals_rest_on(monthly):
    frame = pd.read_csv(monthly, index_col="Month", parse_dates=True)[-144:]
    model = kf.fit(frame, horizon=12, progress=False, **TINY)
    assert model.verdict.startswith("too few forecasts to test (11 of 12 steps): RMSE ")
    assert model.config.levels == model.manifest.calibration.levels == (0.1, 0.25, 0.5, 0.75, 0.9)
    assert [name for name in model.forecast(13) if name != "forecast"] == ["q0.1", "q0.25", "q0.5", "q0.75", "q0.9"]
    assert model.interval_note.startswith("Prediction intervals rest on 11 validation windows only, the errors of")
    with pytest.raises(kf.SkillError, match=r"Received: too few forecasts to test \(11 of 12 steps\)"):
        model.test.require_skill(0.5)
    with pytest.raises(kf.DataError, match=r"has 36 rows\. Received: steps=40"):
        kf.fit(monthly, steps=40, progress=False, **TINY)  # said before training


def test_levels_left_out_are_said_by_a_fit_and_a_backtest(monthly, tmp_path):
    few = ("--start", "2010-01-01", "--output-dir", tmp_path)
    words = "Prediction intervals of 95 % (levels 0.025, 0.975) are left out: they need errors on 39 validation rows"
    assert words in run("fit", monthly, *FLAGS, *few).stderr
    walked = run("backtest", monthly, *FLAGS, *few, "--folds", 2)
    assert walked.exit_code == 0, walked.output
    assert words in walked.stdout
    assert "in 95%" not in walked.stdout


def test_an_evaluation_may_score_fewer_steps_than_the_fit_did():
    hours = pd.date_range("2024-01-01", periods=600, freq="h", name="Date")
    frame = pd.DataFrame({"y": 100 + 10 * np.sin(hours.hour / 4) + np.arange(600) % 7}, index=hours)
    model = kf.fit(frame, calendar_features="hour", horizon=3, steps=5, **SMALL)
    whole = model.evaluate(frame)
    for steps in (1, 2, 5):
        few = model.evaluate(frame, steps=steps)
        last = whole.table[whole.table["step"] <= steps]
        both = few.table.merge(last, on="date" if steps == 1 else ["date", "step"], suffixes=("", " whole"))
        if steps == 1:
            both = both[both["step"] == 1]
        assert len(both) >= whole.scores["n"]
        np.testing.assert_allclose(both["forecast"], both["forecast whole"], rtol=1e-5)
        np.testing.assert_allclose(both["q0.1"], both["q0.1 whole"], rtol=0.2)  # they adapt from another origin on
        assert few.judgement.steps == steps
        assert set(few.scores) == set(whole.scores)
    with pytest.raises(kf.InputError, match=r"^steps= must be at most 5, as many as the fit learned the errors of\."):
        model.evaluate(frame, steps=6)

"""Folds of real networks: one compiled network for all, no trace of what comes after, and the two commands."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.load import load_series
from kerasforecast.evaluation.backtest import run_backtest
from kerasforecast.evaluation.refit import Refitter
from kerasforecast.pipeline import fit
from kerasforecast.sections.split import BacktestConfig
from tests.backend.conftest import SMALL, prices
from tests.backend.test_leakage import ROLES, shops

ROLES_ALONE = {name: ROLES[name] for name in ("window", "horizon")}
OPTIONS = SMALL | {"layers": 1}
FLAGS = [part for name, value in OPTIONS.items() for part in (f"--{name.replace('_', '-')}", str(value))]


class Kept:
    """A refitter that remembers what it has fitted."""

    def __init__(self, config):
        self._refitter = Refitter(config)
        self.fitted = []

    def __call__(self, series, split, baselines):
        self.fitted.append(self._refitter(series, split, baselines))
        return self.fitted[-1]


def weights(refitter, place):
    return refitter.fitted[place].forecaster.predictor.weights


def walk(frame, refitter, config, **options):
    return run_backtest(load_series(config.data, frame), config, BacktestConfig(folds=3, **options), refitter)


def config_of(**options):
    return Config.from_options(**(OPTIONS | options))


def test_a_fold_does_not_depend_on_the_folds_before_it():
    """Dropout's seeds, the optimizer's moments and its rate are put back too, so a resumed walk gives the same."""
    config = config_of(dropout=0.3, lr_patience=1, epochs=3)
    shared, alone = Kept(config), Kept(config)
    folds = walk(prices(), shared, config).folds
    cut = BacktestConfig(folds=1)
    test_start = prices().index[folds[-1].start[0]].date()
    validation_start = prices().index[folds[-1].train_end[0]].date()
    last = config_of(
        dropout=0.3, lr_patience=1, epochs=3, validation_start=str(validation_start), test_start=str(test_start)
    )
    run_backtest(load_series(config.data, prices()), last, cut, alone)
    assert [a.tobytes() for a in weights(shared, -1)] == [a.tobytes() for a in weights(alone, 0)]


@pytest.mark.parametrize("options", [{}, {"quantiles": (0.1, 0.5, 0.9)}], ids=["point", "quantiles"])
def test_a_frozen_walk_is_the_test_part_of_a_fit(options):
    """The same rows, the same weights, intervals that go on adapting: the same forecasts and scores."""
    config = config_of(dropout=0.0, **options)
    series = load_series(config.data, prices())
    refitter = Kept(config)
    found = run_backtest(series, config, BacktestConfig(folds=2, refit=False), refitter)
    model = fit(config, series)
    for ours, theirs in zip(weights(refitter, 0), model.predictor.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    assert list(found.table.drop(columns="fold")) == list(model.test.table)
    for column in model.test.table.columns[1:]:
        np.testing.assert_allclose(found.table[column], model.test.table[column], rtol=1e-5)
    total = {row["model"]: row for row in found.rows if row["fold"] == "all"}
    for ours, theirs in (("lstm", "model"), ("naive", "naive"), ("ewma_fhs", "ewma_fhs")):
        for score in ("rmse", "mase", "crps"):
            assert total[ours][score] == pytest.approx(model.test.scores[theirs][score], rel=1e-4)
        assert total[ours]["coverage"] == pytest.approx(model.test.scores[theirs]["coverage"], abs=0.03)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("walk") / "acme.csv"
    prices().to_csv(path)
    return path


def run(*arguments):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_backtest_prints_folds_and_total_and_goes_on_where_it_stopped(table, tmp_path):
    command = ["backtest", table, "--folds", 3, "--output-dir", tmp_path, *FLAGS]
    first = run(*command)
    assert "Verdict on lstm: " in first.stdout
    assert "fold   3/3     15 forecasts  2 epochs" in first.stderr
    folder = tmp_path / "acme" / "backtest"
    written = {path.name for path in folder.iterdir()}
    assert written == {"backtest.csv", "backtest.html", "backtest.json", *(f"fold-000{n}.npz" for n in (1, 2, 3))}
    (folder / "fold-0003.npz").unlink()
    again = run(*command)
    assert again.stderr.count("kept from before") == 2
    rows = json.loads(run(*command, "--json", "--quiet").stdout)
    assert rows == json.loads((folder / "backtest.json").read_text())["rows"]
    assert {(row["model"], row["fold"]) for row in rows} >= {("lstm", 1), ("naive", 3), ("lstm", "all")}
    total = next(row for row in rows if (row["model"], row["fold"]) == ("lstm", "all"))
    forecasts = pd.read_csv(folder / "backtest.csv")
    error = np.sqrt(((forecasts["forecast"] - forecasts["actual"]) ** 2).mean())
    assert total["rmse"] == pytest.approx(error, rel=1e-6)
    inside = (forecasts["q0.1"] <= forecasts["actual"]) & (forecasts["actual"] <= forecasts["q0.9"])
    assert total["coverage"]["0.8"] == pytest.approx(inside.mean())
    assert total["crps"] > 0
    assert list(rows[0])[:3] == ["model", "fold", "n"]
    page = (folder / "backtest.html").read_bytes()
    assert run("report", folder / "backtest.json").stdout == f"{folder / 'backtest.html'}\n"
    assert (folder / "backtest.html").read_bytes() == page


def test_compare_ranks_files_networks_and_baselines(table, tmp_path):
    run("fit", table, "--name", "old", "--output-dir", tmp_path, "--quiet", *FLAGS, "--train-fraction", 0.8)
    command = ["compare", "rnn", tmp_path / "old.keras", "--file", table, "--output-dir", tmp_path, *FLAGS]
    text = run(*command).stdout
    for name in ("rnn", "old", "naive", "drift", "moving average", "ewma fhs"):
        assert f"\n  {name} " in text
    assert "No verdict on old: the model has learned from these forecasts (30 in its" in text
    assert "old has learned from these forecasts (30 in its validation part): its scores flatter it." in text
    folder = tmp_path / "acme" / "compare"
    assert sorted(path.name for path in folder.iterdir()) == ["compare.csv", "compare.html", "compare.json"]
    rows = json.loads((folder / "compare.json").read_text())["rows"]
    forecasts = pd.read_csv(folder / "compare.csv")
    for row in rows:
        error = np.sqrt(((forecasts[row["model"]] - forecasts["actual"]) ** 2).mean())
        assert row["rmse"] == pytest.approx(error, rel=1e-5)
    assert all((row["predict_ms"] is not None) == (row["model"] in ("rnn", "old")) for row in rows)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (["lstmm"], "must be a .keras file or one of lstm, gru"),
        (["rnn", "rnn"], "must differ. Received: 'rnn' twice."),
        (["absent.keras", "rnn"], "no such model file"),
        (["absent.keras"], "has no effect where no network is trained"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(models, message, table, tmp_path):
    result = CliRunner().invoke(cli, ["compare", *models, "--file", str(table), "--output-dir", str(tmp_path), *FLAGS])
    assert result.exit_code == 2
    assert message in result.stderr


def test_models_of_several_series_are_compared_by_names_of_columns_and_categories():
    data = shops()
    static = np.array([[1.5, 1], [2.5, 0], [3.0, 0], [2.0, 1]])  # the same attributes in another order
    other = replace(data, static=static, static_columns=("Size", "Region"), categories=((), ("b", "a")))
    model = kf.fit(data, name="naive", **ROLES)
    alone, both = kf.compare([model], data, **ROLES_ALONE), kf.compare([model, "gru"], other, **ROLES)
    assert set(both.verdicts) == {"naive (model)", "gru"}  # apart from the baseline
    assert both.table["naive (model)"].to_numpy().tobytes() == alone.table["naive (model)"].to_numpy().tobytes()
    assert both.record.rows[0].series == 4
    with pytest.raises(kf.InputError, match=r"needs the static columns region, size\. Received: none\."):
        kf.compare([model], replace(data, static=None, static_columns=(), categories=()), **ROLES_ALONE)

"""Folds of real networks: one compiled network for all, no trace of what comes after, and the two commands."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

from kerasforecast.backtest import run_backtest
from kerasforecast.config import BacktestConfig, Config
from kerasforecast.data.load import load_series
from kerasforecast.pipeline import fit
from kerasforecast.refit import Refitter
from tests.backend.conftest import SMALL, prices

OPTIONS = SMALL | {"layers": 1}
FLAGS = [part for name, value in OPTIONS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
COLUMNS = ("Close", "Volume")


class Kept:
    """A refitter that remembers what it has fitted."""

    def __init__(self, config, columns):
        self._refitter = Refitter(config, columns)
        self.fitted = []

    def __call__(self, series, split, rivals):
        self.fitted.append(self._refitter(series, split, rivals))
        return self.fitted[-1]


def walk(frame, refitter, config, **options):
    return run_backtest(load_series(config.data, frame), config, BacktestConfig(folds=3, **options), refitter)


def config_of(**options):
    return Config.from_options(**(OPTIONS | options))


@pytest.mark.parametrize(
    ("scaling", "features", "options"),
    [
        ("anchor", (), {}),
        ("anchor", ("Volume",), {"scheme": "sliding"}),
        ("difference", (), {"refit": False}),
        ("minmax", ("Volume",), {"gap": 5}),
        ("standard", (), {}),
    ],
)
def test_nothing_after_a_fold_reaches_its_model(scaling, features, options):
    """Change every value from a fold's first row on: weights, scaling and earlier forecasts stay bit-identical."""
    config = config_of(scaling=scaling, features=features)
    before, refitter = prices(columns=COLUMNS), Kept(config, 1 + len(features))
    whole = walk(before, refitter, config, **options)
    fold, after = whole.folds[1], before.copy()
    after.iloc[fold.start :] = after.iloc[fold.start :].to_numpy()[::-1] * 1.7
    changed = walk(after, refitter, config, **options)
    first, second = np.array_split(np.array(refitter.fitted, dtype=object), 2)
    for ours, theirs in list(zip(first, second, strict=True))[:2]:  # a frozen walk has but one
        assert [a.tobytes() for a in ours.weights] == [a.tobytes() for a in theirs.weights]
        assert ours.scaling == theirs.scaling
    earlier = [found.table.loc[found.table["fold"] < fold.number, "forecast"] for found in (whole, changed)]
    assert earlier[0].to_numpy().tobytes() == earlier[1].to_numpy().tobytes()
    assert not whole.table["forecast"].equals(changed.table["forecast"])


def test_a_fold_does_not_depend_on_the_folds_before_it():
    """Dropout's seeds, the optimizer's moments and its rate are put back too, so a resumed walk gives the same."""
    config = config_of(dropout=0.3, lr_patience=1, epochs=3)
    shared, alone = Kept(config, 1), Kept(config, 1)
    folds = walk(prices(), shared, config).folds
    cut = BacktestConfig(folds=1)
    test_start = prices().index[folds[-1].start].date()
    validation_start = prices().index[folds[-1].train_end].date()
    last = config_of(
        dropout=0.3, lr_patience=1, epochs=3, validation_start=str(validation_start), test_start=str(test_start)
    )
    run_backtest(load_series(config.data, prices()), last, cut, alone)
    assert [a.tobytes() for a in shared.fitted[-1].weights] == [a.tobytes() for a in alone.fitted[0].weights]


def test_a_fold_s_model_is_that_of_a_fit_on_the_same_rows():
    config = config_of(dropout=0.0)
    series = load_series(config.data, prices())
    refitter = Kept(config, 1)
    found = run_backtest(series, config, BacktestConfig(folds=2, refit=False), refitter)
    model = fit(config, series)
    for ours, theirs in zip(refitter.fitted[0].weights, model.predictor.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.table["forecast"], model.test.table["forecast"], rtol=1e-5)


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
    assert written == {"backtest.csv", "backtest.html", "backtest.json", *(f"fold-000{n}.json" for n in (1, 2, 3))}
    (folder / "fold-0003.json").unlink()
    again = run(*command)
    assert again.stderr.count("kept from before") == 2
    rows = json.loads(run(*command, "--json", "--quiet").stdout)
    assert rows == json.loads((folder / "backtest.json").read_text())["rows"]
    assert {(row["model"], row["fold"]) for row in rows} >= {("lstm", 1), ("naive", 3), ("lstm", "all")}
    total = next(row for row in rows if (row["model"], row["fold"]) == ("lstm", "all"))
    forecasts = pd.read_csv(folder / "backtest.csv")
    error = np.sqrt(((forecasts["forecast"] - forecasts["actual"]) ** 2).mean())
    assert total["rmse"] == pytest.approx(error, rel=1e-6)
    page = (folder / "backtest.html").read_bytes()
    assert run("report", folder / "backtest.json").stdout == f"{folder / 'backtest.html'}\n"
    assert (folder / "backtest.html").read_bytes() == page


def test_compare_ranks_files_networks_and_baselines(table, tmp_path):
    run("fit", table, "--name", "old", "--output-dir", tmp_path, "--quiet", *FLAGS, "--train-fraction", 0.8)
    command = ["compare", "rnn", tmp_path / "old.keras", "--file", table, "--output-dir", tmp_path, *FLAGS]
    text = run(*command, "--quiet").stdout
    known = prices().index[284].date()  # 0.8 and 0.15 of 300 rows
    for name in ("rnn", "old", "naive", "drift", "moving average"):
        assert f"\n  {name} " in text
    assert "Verdict on old: " in text
    assert f"old learned from rows up to {known}, within the test part: its scores flatter it." in text
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
        (["absent.keras"], "no such model file"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(models, message, table, tmp_path):
    result = CliRunner().invoke(cli, ["compare", *models, "--file", str(table), "--output-dir", str(tmp_path), *FLAGS])
    assert result.exit_code == 2
    assert message in result.stderr

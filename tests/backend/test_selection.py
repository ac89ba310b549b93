"""`--model auto`: a few networks tried for a few steps, and what comes of the choice."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import OptionError, StoppedError
from kerasforecast.evaluation.frame import better_suited
from kerasforecast.evaluation.leaving import Begun
from kerasforecast.forecasting.fitting import Fitting
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.selection import budgets, rounds
from kerasforecast.selection.bending import bending_of
from kerasforecast.selection.candidates import setting_of
from tests.backend.conftest import prices
from tests.backend.test_joined import waves

OPTIONS = {"model": "auto", "horizon": 3, "budget": "small", "progress": False}


@pytest.fixture(scope="module", autouse=True)
def few():
    """Three families, for a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasforecast.models.families.registry.names", lambda: ("linear", "nhits", "seasonal"))
        small = budgets.Budget(rounds=(4, 8), proposals=1, solved=2, stretch=2, seeds=1)
        patch.setitem(budgets._BUDGETS, "small", small)
        yield


class Killed(BaseException):
    """Nobody is told of it, nothing is tidied: as SIGKILL leaves a run."""


def killed(*arguments, **named):
    raise Killed


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    return kf.fit(waves(), **OPTIONS, output_dir=tmp_path_factory.mktemp("auto"), name="waves")


def test_the_best_are_joined_scored_and_kept_in_one_file(chosen):
    found = chosen.manifest.selection
    assert sum(each.weight for each in found.tried) == pytest.approx(1)
    assert {each.model for each in found.tried} == {"linear", "nhits", "seasonal"}
    losses = [each.mase + each.crps for each in found.tried]
    assert losses == sorted(losses)
    assert found.mase + found.crps <= 1.05 * losses[0]  # by shares of other blocks it is hardly worse than the best
    assert len(chosen.manifest.members) == sum(each.weight > 0 for each in found.tried)
    assert chosen.config.network.model == "auto"
    assert chosen.config.network.window == chosen.manifest.window
    assert chosen.test.scores["model"]["mase"] < 0.5 * chosen.test.scores["naive"]["mase"]
    loaded = kf.load(chosen.files["model"])
    assert loaded.manifest.selection == found
    np.testing.assert_array_equal(loaded.forecast(3, waves()), chosen.forecast(3))


def test_values_with_a_few_peaks_are_bent_though_validation_is_calm():
    values, random = waves(240) - 100, np.random.default_rng(1)
    peaks = np.where(random.random(240) < 0.04, 500 * random.random(240), 0.0)
    peaks[168:] = 0
    config = Config.from_options(model="auto", horizon=3, window=12)
    panel = Panel.of(Series((values + peaks)[:, None], pd.RangeIndex(240), ("y",), name="waves"))
    split = split_panel(panel, config.split, config.network, 3)
    setting, budget = setting_of(config, panel, split, (6,)), budgets.budget_of(config.network.options)
    found = bending_of(config, panel, split, setting, budget, 6)
    assert found.bent < found.plain
    assert found.settled == "asinh"


def test_the_report_has_the_leaderboard(chosen):
    page = chosen.files["report"].read_text()
    assert chosen.manifest.selection.text in page
    for each in chosen.manifest.selection.tried:
        assert each.words in page


def test_a_run_that_was_stopped_goes_on_to_the_same_model(chosen, tmp_path, monkeypatch):
    trained, saved = [], []
    train, save = Fitting.train, rounds.Store.save
    monkeypatch.setattr(Fitting, "train", lambda self, **watched: trained.append(1) or train(self, **watched))

    def stopping(self, *arguments):
        save(self, *arguments)
        saved.append(arguments[0])
        if len(saved) == 3:
            raise StoppedError("Training was stopped.", signal_number=15)

    monkeypatch.setattr(rounds.Store, "save", stopping)
    with pytest.raises(StoppedError, match=r"resume=.waves. goes on"):
        kf.fit(waves(), **OPTIONS, output_dir=tmp_path, name="waves")
    assert len(list((tmp_path / "waves" / "tried").iterdir())) == 3
    with monkeypatch.context() as patch:  # and once more, after the last network was tried
        patch.setattr(Begun, "refitted", killed)
        with pytest.raises(Killed):
            kf.fit(waves(), resume="waves", output_dir=tmp_path, progress=False)
    again = kf.fit(waves(), resume="waves", output_dir=tmp_path, progress=False)
    written = saved[3:]
    assert not set(saved[:3]) & set(written[: len(written) - 1])  # none is trained twice in a round
    for one, other in zip(again.predictor.weights, chosen.predictor.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "waves" / "tried").exists()


def test_where_nothing_beats_the_last_value_the_forecast_is_nearly_that():
    model = kf.fit(prices(400), model="auto", budget="small", baselines="linear", progress=False)
    found = model.manifest.selection
    assert found.beside[0].name == "linear"
    assert found.beaten == (found.beside[0].mase + found.beside[0].crps < found.mase + found.crps)
    scores = model.test.scores
    assert scores["model"]["rmse"] < 1.005 * scores["naive"]["rmse"]
    assert "last value" in model.manifest.selection.text
    assert not model.test.better


@pytest.mark.parametrize("option", [{"checkpoint_every": 5}, {"tensorboard": "logs"}, {"init_from": "x.keras"}])
def test_what_one_training_has_is_refused(option, tmp_path):
    with pytest.raises(OptionError, match="chooses among many"):
        kf.fit(waves(), **OPTIONS, **option, output_dir=tmp_path)


def test_a_backtest_chooses_on_what_each_fold_knows(monkeypatch):
    monkeypatch.setattr("kerasforecast.models.families.registry.names", lambda: ("linear", "seasonal"))
    series = waves()
    found = kf.backtest(series, **OPTIONS, folds=2)
    scores = found.scores[found.scores["fold"] == "all"].set_index("model")
    assert scores.loc["auto", "rmse"] < 0.5 * scores.loc["naive", "rmse"]
    assert scores.loc["seasonal_naive_6", "rmse"] < 0.5 * scores.loc["naive", "rmse"]  # rules see whole seasons too
    assert "Every fold chooses its networks anew." in found.record.notes
    series[-10:] += 50  # of the last fold alone
    once = kf.backtest(series, **OPTIONS, folds=2, refit=False)
    assert "Networks are chosen before the first fold." in once.record.notes
    first = [each.table[each.table["fold"] == 1]["forecast"].to_numpy() for each in (found, once)]
    np.testing.assert_array_equal(*first)


def test_windows_alone_are_not_chosen_for():
    windows = np.lib.stride_tricks.sliding_window_view(waves(), 13)
    with pytest.raises(OptionError, match="chooses windows too"):
        kf.KerasForecaster(model="auto").fit(windows[:, :12], windows[:, 12])


def test_a_comparison_takes_it():
    found = kf.compare(["auto"], waves(), horizon=3, budget="small", progress=False)
    assert "auto" in found.verdicts


def test_the_default_network_says_what_suits_a_season_better():
    assert "--model auto --horizon 7" in better_suited(Config(), (7, 364))
    assert better_suited(Config(), ()) is None
    assert better_suited(Config.from_options(model="nhits"), (7,)) is None
    assert better_suited(Config.from_options(horizon=7), (7,)) is None

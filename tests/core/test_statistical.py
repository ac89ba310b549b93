"""The classical models: what they say when absent, and what they may see when present."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kerasforecast.artifact import records
from kerasforecast.baselines.classical import STATISTICAL, classical_forecasts, require_extra, statistical
from kerasforecast.baselines.fitted import learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import OptionError
from kerasforecast.evaluation.compare import compare
from kerasforecast.evaluation.evaluation import evaluate_windows, scored_windows
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.split import Split, split_panel
from tests.core import test_backtest, test_compare


def seasonal(rows=144):
    time = np.arange(rows)
    noise = np.random.default_rng(0).normal(scale=0.3, size=rows)
    return 100 + 0.05 * time + 5 * np.sin(2 * np.pi * time / 12) + noise


def test_absent_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    with pytest.raises(OptionError, match=r"pip install 'kerasforecast\[baselines\]'"):
        statistical("theta", seasonal(), 100, np.array([100]), 1)


def test_unknown_model():
    with pytest.raises(OptionError, match="must be one of auto_ets, auto_arima, theta"):
        statistical("prophet", seasonal(), 100, np.array([100]), 1)


@pytest.mark.parametrize("name", STATISTICAL)
def test_forecasts_a_season_and_sees_nothing_later(name):
    pytest.importorskip("statsforecast")
    values, origins, levels = seasonal(), np.array([119, 125]), [0.1, 0.5, 0.9]
    points, intervals = statistical(name, values, 100, origins, 6, period=12, levels=levels)
    assert points.shape == (2, 6)
    assert intervals.shape == (2, 6, 3)
    assert np.all(np.diff(intervals, axis=-1) > 0)
    actual = values[origins[:, None] + np.arange(1, 7)]
    assert np.sqrt(np.mean((actual - points) ** 2)) < 1.0  # the season's amplitude is 5, the noise 0.3
    changed = values.copy()
    changed[120:] = 1.0
    assert np.array_equal(statistical(name, changed, 100, origins, 6, period=12)[0][0], points[0])


class Naive:
    def in_sequence(self, windows, start=None):
        return Forecast(np.repeat(windows.last()[:, None], windows.steps, axis=1), None), None


class Drifting:
    """Stands in for a model of statsforecast where that is not installed: the last value, intervals of fixed width."""

    seen = 0

    def __init__(self, season_length):
        self.season = season_length

    def fit(self, y):
        Drifting.seen = len(y)

    def forward(self, y, h, level):
        found = {"mean": np.repeat(y[-1], h)}
        for width in level or ():
            found |= {f"lo-{width}": found["mean"] - width / 100, f"hi-{width}": found["mean"] + width / 100}
        return found


@pytest.fixture
def installed(monkeypatch):
    models = SimpleNamespace(**dict.fromkeys(STATISTICAL.values(), Drifting))
    monkeypatch.setitem(sys.modules, "statsforecast", SimpleNamespace(models=models, __spec__=True))


def test_they_stand_beside_the_simple_baselines_with_the_same_scores(installed):
    config = Config.from_options(window=5, baselines=("theta", "auto_ets"))
    series = Series(seasonal()[:, None], pd.bdate_range("2020-01-01", periods=144), ("Close",))
    panel = Panel.of(series)
    split = split_panel(panel, config.split, config.network)
    baselines, windows = learn_baselines(config, panel, split), scored_windows(config, panel, split, "test")
    classical = classical_forecasts(config, windows, split.edges[:, 2], baselines)
    assert Drifting.seen == split.validation_end
    scores = evaluate_windows(Naive(), windows, baselines, classical).scores
    assert list(scores)[:2] == ["n", "model"]
    assert set(scores["theta"]) == set(scores["auto_ets"]) == set(scores["ewma_fhs"])
    assert set(scores["theta"]["coverage"]) == set(scores["ewma_fhs"]["coverage"])
    assert scores["theta"]["rmse"] == scores["naive"]["rmse"]
    assert {test["baseline"] for test in scores["tests"]} >= {"theta", "auto_ets"}
    records.TestScores(**scores)  # as the manifest takes them


def test_each_fold_fits_them_anew_on_its_known_rows(installed):
    config = Config.from_options(window=5, baselines=("theta",))
    found = test_backtest.walk(config=config, folds=2)
    rows = {(row["model"], row["fold"]): row for row in found.rows}
    assert rows["theta", "all"]["rmse"] == pytest.approx(rows["naive", "all"]["rmse"])
    assert Drifting.seen == found.folds[-1].known_end
    compared = compare(test_compare.SERIES, config, test_compare.SPLIT, [test_compare.oracle(0.5)])
    assert "theta" in {row["model"] for row in compared.rows}


def test_each_series_of_a_panel_has_a_model_of_its_own(installed, monkeypatch):
    """Fitted on its own known rows; one with too few of them is forecast as the naive baseline does."""
    config = Config.from_options(window=5, horizon=2, baselines=("theta",))
    parts = [seasonal(60), 1000 + seasonal(80), np.arange(12.0)]
    series = [Series(part[:, None], pd.RangeIndex(len(part)), ("y",)) for part in parts]
    panel = Panel.joined(series, ["a", "b", "c"])
    edges = np.stack([panel.starts[:-1], panel.ends - 8, panel.ends - 4, panel.ends], axis=1)
    split = Split(edges, panel.starts[:-1], 5, 2, 5)
    fitted = []
    monkeypatch.setattr(Drifting, "fit", lambda self, y: fitted.append(y))
    baselines = learn_baselines(config, panel, split)
    windows = scored_windows(config, panel, split, "test")
    found = classical_forecasts(config, windows, split.edges[:, 2], baselines)["theta"]
    assert [each.tolist() for each in fitted] == [part[:-4].tolist() for part in parts[:2]]
    assert np.array_equal(found.point, np.repeat(windows.last()[:, None], 2, axis=1))
    assert found.quantiles.shape == (len(windows), 2, len(config.levels))
    monkeypatch.setattr("kerasforecast.baselines.classical._MOST", 2)
    with pytest.raises(
        OptionError, match=r"of which there may be 2\. Received: 3 series\. Leave it out, or take fewer"
    ):
        require_extra(config, panel)


def test_their_absence_is_said_before_anything_takes_long(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    require_extra(Config())
    with pytest.raises(OptionError, match=r"theta needs .* pip install 'kerasforecast\[baselines\]'"):
        require_extra(Config.from_options(baselines=("theta",)))


def test_no_levels_no_quantiles():
    pytest.importorskip("statsforecast")
    assert statistical("theta", seasonal(), 100, np.array([110]), 3)[1] is None

"""No value reaches what was made before it: every scaling, model, kind of feature and interval, at least once each."""

import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.load import load_series
from kerasforecast.evaluation.backtest import run_backtest
from kerasforecast.evaluation.refit import Refitter
from kerasforecast.sections.split import BacktestConfig
from tests.backend.conftest import SMALL, prices

LEVELS = (0.1, 0.5, 0.9)
TEST = 255  # the first row of the test part, of 300

# "High" stays close to the target and enters as their ratio, "Volume" by its own changes.
CASES = {
    "lstm-anchor-point": ({"model": "lstm", "scaling": "anchor"}, {}),
    "gru-anchor-ratio-quantiles": (
        {"model": "gru", "scaling": "anchor", "past": ("High", "Volume"), "quantiles": LEVELS},
        {"scheme": "sliding"},
    ),
    "rnn-difference-dropout": (
        {"model": "rnn", "scaling": "difference", "past": ("Volume",), "mc_dropout": 2},
        {"refit": False},
    ),
    "peephole-minmax-quantiles": ({"model": "peephole", "scaling": "minmax", "quantiles": LEVELS}, {"gap": 5}),
    "coupled-standard-batch-norm": (
        {"model": "coupled", "scaling": "standard", "past": ("Volume",), "norm": "batch", "layers": 2},
        {},
    ),
    "both-ways-unscaled-rolled": (
        {"model": "gru", "scaling": "none", "bidirectional": True, "horizon": 2, "steps": 3, "norm": "layer"},
        {"refit": False},
    ),
}


def table():
    frame = prices(columns=("Close", "Volume"))
    return frame.assign(High=frame["Close"] * (1 + 0.005 * np.random.default_rng(1).random(len(frame))))


def changed(frame, row):
    """The table with every value from `row` on another."""
    after = frame.copy()
    after.iloc[row:] = after.iloc[row:].to_numpy()[::-1] * 1.7
    return after


def forecasts(found):
    """Forecasts with their intervals, a row each."""
    table = found.table
    return table[["forecast", "naive", *(name for name in table if name.startswith("q"))]].to_numpy()


@pytest.mark.parametrize("case", CASES)
def test_nothing_after_validation_reaches_the_model(case):
    options = SMALL | {"layers": 1} | CASES[case][0]
    first, second = (kf.fit(frame, **options) for frame in (table(), changed(table(), TEST)))
    assert [a.tobytes() for a in first.predictor.weights] == [a.tobytes() for a in second.predictor.weights]
    assert first.manifest.members[0].scaling == second.manifest.members[0].scaling
    for part in ("calibration", "baselines"):
        assert getattr(first.manifest, part) == getattr(second.manifest, part)
    assert [e.val_loss for e in first.history.epochs] == [e.val_loss for e in second.history.epochs]
    steps = first.config.steps  # of the first origin, which had seen no changed value
    assert forecasts(first.test)[:steps].tobytes() == forecasts(second.test)[:steps].tobytes()
    assert first.test.scores != second.test.scores


def test_forecasts_know_no_later_value_while_intervals_adapt(small, frame):
    later = TEST + 20  # what comes before the test part the model has learned from: that is not evaluated
    before, after = (forecasts(small.evaluate(data)) for data in (frame, changed(frame, later)))
    known = later - TEST + 1
    assert before[:known].tobytes() == after[:known].tobytes()
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("case", CASES)
def test_nothing_after_a_fold_reaches_its_model(case):
    options, walk = CASES[case]
    config = Config.from_options(**SMALL | {"layers": 1} | options)
    fitted = []
    refit = Refitter(config)

    def fit(series, split, baselines):
        fitted.append(refit(series, split, baselines))
        return fitted[-1]

    def run(frame):
        return run_backtest(load_series(config.data, frame), config, BacktestConfig(folds=3, **walk), fit)

    whole = run(table())
    fold = whole.folds[1]
    other = run(changed(table(), int(fold.start[0])))
    half = len(fitted) // 2
    for ours, theirs in list(zip(fitted[:half], fitted[half:], strict=True))[:2]:  # a frozen walk has but one
        ours, theirs = ours.forecaster, theirs.forecaster
        assert [a.tobytes() for a in ours.predictor.weights] == [a.tobytes() for a in theirs.predictor.weights]
        assert ours.predictor.members == theirs.predictor.members
        assert ours.calibration == theirs.calibration
        assert ours.volatility == theirs.volatility
    first = int(fold.start[0] - whole.folds[0].start[0])
    known = (first + 1) * config.steps  # the fold's first origin had seen none either
    before, after = forecasts(whole), forecasts(other)
    assert before[:known].tobytes() == after[:known].tobytes()
    assert not np.array_equal(before, after)
    scored = [[row for row in found.rows if row["fold"] == 1] for found in (whole, other)]
    if config.steps == 1:
        assert [row | {"fit_seconds": 0} for row in scored[0]] == [row | {"fit_seconds": 0} for row in scored[1]]

"""No value reaches what was made before it: every scaling, model, kind of feature and interval, at least once each."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.load import load_series
from kerasforecast.data.panel import Panel
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


ROLES = {"window": 8, "horizon": 2, "units": 3, "layers": 1, "epochs": 2, "batch_size": 16}


def shops(known_from=None, which=None):
    """Four daily series with columns of every role; from a day on, those of `which` have other values."""
    rng, days = np.random.default_rng(3), pd.date_range("2021-01-04", periods=150)
    lengths = np.array([150, 150, 110, 40])
    index = [days[-length:] for length in lengths]
    values = np.concatenate(
        [
            np.column_stack([scale * np.exp(np.cumsum(0.03 * rng.normal(size=n))), rng.random(n), rng.random(n)])
            for scale, n in zip((1, 50, 900, 7), lengths, strict=True)
        ]
    )
    starts = np.concatenate([[0], np.cumsum(lengths)])
    if known_from is not None:
        stamps = index[0].append(index[1:])
        later = (stamps >= known_from) & np.isin(np.searchsorted(starts, np.arange(len(stamps)), "right") - 1, which)
        values[later] = values[later][::-1] * 1.7 + 0.1
    return Panel(
        values,
        index[0].append(index[1:]),
        starts,
        np.array(["north", "south", "west", "new"]),
        ("sales", "visitors", "price"),
        ("target", "past", "known"),
        lengths,
        key="shop",
        static=np.array([[0, 1.5], [1, 2.5], [1, 3.0], [0, 2.0]]),
        static_columns=("region", "size"),
        categories=(("a", "b"), ()),
        frequency="D",
        name="shops",
    )


LATER = {"of one series": [0], "of all other series": [1, 2, 3]}


@pytest.mark.parametrize("which", LATER.values(), ids=LATER)
def test_nothing_later_of_any_series_reaches_a_model_of_several(which):
    day = shops().index[150 * 85 // 100]  # the first day of the test part, of the longest series
    first, second = (kf.fit(data, **ROLES, final="none") for data in (shops(), shops(day, which)))
    assert [a.tobytes() for a in first.predictor.weights] == [a.tobytes() for a in second.predictor.weights]
    assert first.manifest.members[0].scaling == second.manifest.members[0].scaling
    assert first.manifest.members[0].covariates == second.manifest.members[0].covariates
    for part in ("calibration", "baselines"):
        assert getattr(first.manifest, part) == getattr(second.manifest, part)
    assert [e.val_loss for e in first.history.epochs] == [e.val_loss for e in second.history.epochs]
    ours, theirs = (found.test.table for found in (first, second))
    assert ours["date"].min() == day
    others = ~np.isin(ours["shop"].cat.codes, which)
    assert forecasts(first.test)[others][:, :2].tobytes() == forecasts(second.test)[others][:, :2].tobytes()
    assert not np.array_equal(ours["forecast"], theirs["forecast"])


@pytest.mark.parametrize("which", LATER.values(), ids=LATER)
def test_intervals_of_several_series_know_no_later_value_of_any(which):
    model = kf.fit(shops(), **ROLES)
    later = pd.Timestamp("2021-05-25")
    before, after = (model.evaluate(data).table for data in (shops(), shops(later, which)))
    columns = ["forecast", *(name for name in before if name.startswith("q"))]
    origins = before["date"] - pd.to_timedelta(before["step"], unit="D")
    made = (origins < later - pd.Timedelta(days=2)).to_numpy()  # whose known columns do not reach that day
    assert made.sum() > 20
    ours, theirs = (table[columns].to_numpy()[made] for table in (before, after))
    assert ours.tobytes() == theirs.tobytes()
    assert not np.array_equal(before[columns], after[columns])


@pytest.mark.parametrize("walk", [{}, {"scheme": "sliding", "gap": 2}, {"refit": False}], ids=str)
def test_nothing_later_of_any_series_reaches_a_fold(walk):
    config = Config.from_options(**ROLES)
    fitted, refit = [], Refitter(config)

    def fit(panel, split, baselines):
        fitted.append(refit(panel, split, baselines))
        return fitted[-1]

    whole = run_backtest(shops(), config, BacktestConfig(folds=2, **walk), fit)
    fold = whole.folds[1]
    day = shops().index[fold.start[0]]
    half = len(fitted)
    for which in LATER.values():
        other = run_backtest(shops(day, which), config, BacktestConfig(folds=2, **walk), fit)
        for ours, theirs in zip(fitted[:half], fitted[-half:], strict=True):
            ours, theirs = ours.forecaster, theirs.forecaster
            assert [a.tobytes() for a in ours.predictor.weights] == [a.tobytes() for a in theirs.predictor.weights]
            assert ours.predictor.members == theirs.predictor.members
            assert ours.calibration == theirs.calibration
            assert ours.volatility == theirs.volatility
        before, after = (found.table[found.table["fold"] == 1] for found in (whole, other))
        made = before["date"] + pd.to_timedelta(config.steps - before["step"], unit="D") < day
        names = ["forecast", "naive", *(name for name in before if name.startswith("q"))]
        assert made.any()
        assert before[made][names].to_numpy().tobytes() == after[made][names].to_numpy().tobytes()
        assert not np.array_equal(whole.table["actual"], other.table["actual"])

"""The walk over the folds, with models of a line of NumPy: what each may see, what is kept, what is scored."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.config import Config
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, DivergedError, SkillError
from kerasforecast.evaluation.backtest import Fitted, fingerprint, folds_of, run_backtest
from kerasforecast.evaluation.folds import FoldStore, Forecasts
from kerasforecast.evaluation.verdict import Rival
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.sections.split import BacktestConfig

ROWS = 200
CONFIG = Config.from_options(window=5)


def series(rows=ROWS, changed_from=None):
    values = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(0).normal(size=(rows, 1)), axis=0))
    if changed_from is not None:
        values[changed_from:] = values[changed_from:][::-1] * 1.7
    return Series(values, pd.bdate_range("2020-01-01", periods=rows), ("Close",))


class Fits:
    """Forecasts the last value times what the mean move of the training part was; remembers what it was given."""

    def __init__(self, stop_at=None):
        self.seen = []
        self.batches = []
        self.states = []
        self._stop_at = stop_at

    def __call__(self, known, split, baselines):
        if len(self.seen) == self._stop_at:
            raise DivergedError("The loss must stay a finite number.")
        self.seen.append((known, split))
        moves = np.diff(np.log(known.values[: split.train_end, 0]))
        growth = np.exp(moves.mean() * np.arange(1, split.horizon + 1))
        return Fitted(_Mean(growth, 2 * moves.std() * (np.array(baselines.levels) - 0.5), self), 7)


class _Mean:
    def __init__(self, growth, moves, fits):
        self._growth, self._moves, self._fits = growth, moves, fits

    def in_sequence(self, windows, start=None):
        self._fits.batches.append(len(windows))
        self._fits.states.append(start)
        points = (windows.batch().past[:, -1, :1] * self._growth).astype(np.float64)
        return Forecast(points, points[..., None] * np.exp(self._moves)), (0 if start is None else start) + 1


def walk(data=None, config=CONFIG, fit=None, store=None, on_fold=None, **options):
    return run_backtest(data or series(), config, BacktestConfig(**options), fit or Fits(), store, on_fold)


@given(
    st.integers(1, 12), st.sampled_from(["expanding", "sliding"]), st.booleans(), st.integers(0, 20), st.integers(1, 4)
)
def test_folds_cover_the_test_part_once_and_know_only_what_lies_before(folds, scheme, refit, gap, horizon):
    config = Config.from_options(window=5, horizon=horizon)
    found = folds_of(series(), config, BacktestConfig(folds=folds, scheme=scheme, refit=refit, gap=gap))
    assert [fold.number for fold in found] == list(range(1, folds + 1))
    assert found[0].start == 170
    assert found[-1].stop == ROWS - horizon + 1
    assert all(before.stop == after.start for before, after in pairwise(found))
    for fold in found:
        assert 0 <= fold.first < fold.train_end < fold.known_end == (fold.start if refit else 170) - gap
        assert fold.known_end - fold.train_end == 30  # the same validation for all
        assert fold.stop > fold.start
        if scheme == "sliding" and refit:
            assert fold.known_end - fold.first == 170 - gap
        else:
            assert fold.first == 0


def test_a_fit_is_given_the_known_rows_alone():
    fit = Fits()
    found = walk(fit=fit, folds=3, gap=4)
    assert [len(known.values) for known, _ in fit.seen] == [fold.known_end for fold in found.folds]
    for known, split in fit.seen:
        np.testing.assert_array_equal(known.values, series().values[: len(known.values)])
        assert split.rows == split.validation_end == len(known.values)
        assert len(split.origins("test")) == 0
        assert split.rows_in("validation").tolist() == [30]


def test_sliding_folds_forget_the_oldest_rows():
    fit = Fits()
    walk(fit=fit, folds=3, scheme="sliding")
    assert [len(known.values) for known, _ in fit.seen] == [170] * 3
    assert [known.index[0] for known, _ in fit.seen] == [series().index[row] for row in (0, 10, 20)]


def test_each_fold_is_forecast_in_one_call_and_frozen_ones_by_one_model():
    fit = Fits()
    walk(fit=fit, folds=4)
    assert (len(fit.seen), fit.batches) == (4, [8, 7, 7, 8])
    frozen = Fits()
    walk(fit=frozen, folds=4, refit=False)
    assert (len(frozen.seen), frozen.batches) == (1, [8, 7, 7, 8])


def test_intervals_start_anew_with_each_model_and_go_on_with_a_frozen_one():
    fit, frozen = Fits(), Fits()
    walk(fit=fit, folds=3)
    walk(fit=frozen, folds=3, refit=False)
    assert fit.states == [None, None, None]
    assert frozen.states == [None, 1, 2]


@pytest.mark.parametrize("options", [{}, {"scheme": "sliding"}, {"refit": False}, {"gap": 3}])
def test_what_comes_after_a_fold_changes_nothing_before(options):
    before = walk(folds=3, **options)
    for fold in before.folds:
        after = walk(series(changed_from=int(fold.start[0])), folds=3, **options)
        known = ["forecast", "naive", *(f"q{level:g}" for level in CONFIG.levels)]
        ours, theirs = (found.table.loc[found.table["fold"] < fold.number, known] for found in (before, after))
        assert ours.to_numpy().tobytes() == theirs.to_numpy().tobytes()
        first = [found.table.loc[found.table["fold"] == fold.number, known].iloc[0] for found in (before, after)]
        assert first[0].tolist() == first[1].tolist()  # the fold's own model, and a window that ends before the change
        earlier = [
            [row | {"fit_seconds": None} for row in found.rows if row["fold"] in range(1, fold.number)]
            for found in (before, after)
        ]
        assert earlier[0] == earlier[1]


def test_the_table_holds_what_happened_and_what_was_forecast():
    found = walk(folds=4)
    data = series()
    intervals = [f"q{level:g}" for level in CONFIG.levels]
    assert list(found.table.columns) == ["date", "fold", "actual", "forecast", "naive", *intervals]
    np.testing.assert_array_equal(found.table["actual"], data.values[170:, 0])
    np.testing.assert_array_equal(found.table["naive"], data.values[169:-1, 0])
    assert list(found.table["date"]) == list(data.index[170:])
    assert found.table["fold"].value_counts(sort=False).tolist() == [8, 7, 7, 8]


def test_rows_score_each_forecaster_in_each_fold_and_over_all():
    found = walk(folds=2)
    assert {row["fold"] for row in found.rows} == {1, 2, "all"}
    names = ["lstm", "naive", "drift", "moving_average", "smoothing", "ewma", "ewma_fhs"]
    assert [row["model"] for row in found.rows] == names * 3
    for fold, part in found.table.groupby("fold"):
        row = next(row for row in found.rows if row["fold"] == fold and row["model"] == "lstm")
        assert row["rmse"] == pytest.approx(np.sqrt(((part["forecast"] - part["actual"]) ** 2).mean()), rel=1e-6)
        naive = np.sqrt(((part["naive"] - part["actual"]) ** 2).mean())
        assert row["relative_rmse"] == pytest.approx(row["rmse"] / naive, rel=1e-6)
        assert row["n"] == len(part)
        inside = (part["q0.1"] <= part["actual"]) & (part["actual"] <= part["q0.9"])
        assert row["coverage"]["0.8"] == pytest.approx(inside.mean())
    total = {row["model"]: row for row in found.rows if row["fold"] == "all"}
    assert total["lstm"]["n"] == 30
    assert total["naive"]["p_value"] is None
    assert 0 <= total["lstm"]["p_value"] <= 1
    assert 0 <= total["lstm"]["crps_p_value"] <= 1
    assert total["lstm"]["relative_crps"] == total["lstm"]["crps"] / total["naive"]["crps"]
    assert "naive" in found.judgement.text
    assert found.judgement.interval_text
    json.dumps(found.rows, allow_nan=False)


def test_a_walk_is_held_to_the_skill_required():
    found = walk(folds=2)
    with pytest.raises(SkillError, match=r"must be better than naive with p below 0\.05\. Received: "):
        found.require_skill(0.05)
    won = Rival("naive", 0.975, 0.004)
    better = replace(found, judgement=replace(found.judgement, **dict.fromkeys(("best", "naive"), won)))
    better.require_skill(0.05)
    with pytest.raises(SkillError):
        better.require_skill(0.004)


def test_several_steps_ahead_have_a_row_each():
    found = walk(config=Config.from_options(window=5, horizon=3), folds=2)
    assert len(found.table) == 3 * 28
    assert found.table["step"].tolist()[:4] == [1, 2, 3, 1]
    assert found.table["date"].tolist()[:3] == series().index[170:173].tolist()


def store(folder, data=None, config=CONFIG, **options):
    return FoldStore(folder, fingerprint(data or series(), config, BacktestConfig(**options)))


def test_an_interrupted_walk_goes_on_where_it_stopped(tmp_path):
    with pytest.raises(DivergedError, match=r"^Fold 3: The loss .* The folds before it are kept\.$"):
        walk(fit=Fits(stop_at=2), store=store(tmp_path, folds=4), folds=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fold-0001.npz", "fold-0002.npz"]
    fit, told = Fits(), []
    found = walk(
        fit=fit, store=store(tmp_path, folds=4), on_fold=lambda fold, _, kept: told.append((fold.number, kept)), folds=4
    )
    assert told == [(1, True), (2, True), (3, False), (4, False)]
    assert len(fit.seen) == 2
    whole = walk(folds=4)
    pd.testing.assert_frame_equal(found.table, whole.table)


def test_results_of_other_data_or_options_do_not_count(tmp_path):
    walk(store=store(tmp_path, folds=2), folds=2)
    for other in (
        store(tmp_path, series(changed_from=190), folds=2),
        store(tmp_path, config=Config.from_options(window=5, seed=1), folds=2),
        store(tmp_path, folds=2, gap=1),
        store(tmp_path, folds=3),
    ):
        assert other.load(1) is None
    assert store(tmp_path, folds=2).load(1) is not None


def test_a_damaged_result_is_made_again(tmp_path):
    kept = store(tmp_path, folds=2)
    for intervals in (np.ones((2, 1, 3)), None):
        kept.save(1, Forecasts(Forecast(np.ones((2, 1)), intervals), 3, 1.0))
        assert kept.load(1).forecast.point.tolist() == [[1.0], [1.0]]
        found = kept.load(1).forecast.quantiles
        assert found is intervals is None or np.array_equal(found, intervals)
    path = tmp_path / "fold-0001.npz"
    for content in (path.read_bytes()[:-9], b"", b"[]"):
        path.write_bytes(content)
        assert kept.load(1) is None


def test_frozen_folds_are_kept_all_or_none(tmp_path):
    """They are forecasts of one model: half of them from another training would be a patchwork."""
    walk(store=store(tmp_path, folds=3, refit=False), folds=3, refit=False)
    fit = Fits()
    walk(fit=fit, store=store(tmp_path, folds=3, refit=False), folds=3, refit=False)
    assert fit.seen == []
    (tmp_path / "fold-0002.npz").unlink()
    walk(fit=fit, store=store(tmp_path, folds=3, refit=False), folds=3, refit=False)
    assert fit.batches == [10, 10, 10]


def test_the_scaling_that_folds_have_chosen_is_said_also_of_kept_ones(tmp_path):
    class Chooses(Fits):
        def __call__(self, *known):
            return replace(super().__call__(*known), scaling=("level", "anchor", "level")[len(self.seen) - 1])

    said = "Scaling chosen on validation, by folds: level in 1, 3; anchor in 2."
    for fit in (Chooses(), Fits(stop_at=0)):  # the second time all come from the store
        assert walk(fit=fit, store=store(tmp_path, folds=3), folds=3).notes == (said,)
    assert walk(fit=Chooses(), folds=1).notes == ("Scaling chosen on validation: level in every fold.",)
    assert walk(folds=3).notes == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 31}, "31 folds for 30 forecasts of the test part. Give fewer --folds"),
        ({"gap": 140}, "the first fold needs a window of 5 rows and 1 to learn from. Received: 0 training rows"),
        ({"gap": 136}, "Received: 4 training rows before the gap. Give a smaller --gap or --window."),
    ],
)
def test_a_walk_that_cannot_be_is_refused(options, message):
    with pytest.raises(DataError, match=message):
        walk(**options)


def test_results_keep_samples_too(tmp_path):
    kept = store(tmp_path, folds=2)
    forecast = Forecast(np.ones((2, 1)), None, np.arange(6.0).reshape(2, 3, 1))
    kept.save(1, Forecasts(forecast, 3, 1.0))
    assert np.array_equal(kept.load(1).forecast.samples, forecast.samples)

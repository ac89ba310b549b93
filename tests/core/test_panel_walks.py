"""Walks and comparisons over several series: what each fold may know, what is kept, what is scored."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.artifact.data_record import data_record
from kerasforecast.config import Config
from kerasforecast.data.cut import between
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation import tables
from kerasforecast.evaluation.backtest import Fitted, fingerprint, run_backtest
from kerasforecast.evaluation.compare import Contender, compare
from kerasforecast.evaluation.cuts import common_dates, folds_of, left_out_of
from kerasforecast.evaluation.evaluation import outcomes_of
from kerasforecast.evaluation.folds import FoldStore
from kerasforecast.evaluation.matching import Wanted, matched
from kerasforecast.evaluation.scores import score_rows
from kerasforecast.evaluation.walk import backtest_record, compare_record
from kerasforecast.evaluation.walk_files import read_walk, write_walk
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.split import held_out, split_panel
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.report import walk_report
from kerasforecast.sections.split import BacktestConfig
from tests.core import test_backtest
from tests.core.written_walk import on_a_cpu

CONFIG = Config.from_options(window=5, horizon=2)
IDS = ("007", "NA", "north", "late", "gone")
DAYS = pd.date_range("2020-01-01", periods=240)


def panel(ids=IDS, lengths=(240, 240, 200, 60, 90), known=False, seed=0):
    """Daily series: all end on one day but for the last, which has ended before the others' tests."""
    rng = np.random.default_rng(seed)
    parts, index = [], []
    for place, (name, length) in enumerate(zip(ids, lengths, strict=True)):
        level = 10.0 ** (place + 1)
        values = level * np.exp(np.cumsum(0.02 * rng.normal(size=length)))
        parts.append(np.column_stack([values, rng.normal(size=length)]) if known else values[:, None])
        index.append(DAYS[:length] if name == "gone" else DAYS[-length:])
    return Panel(
        np.concatenate(parts),
        index[0].append(index[1:]),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.array(ids),
        ("sales", "price") if known else ("sales",),
        ("target", "known") if known else ("target",),
        np.array(lengths),
        key="shop",
        frequency="D",
        name="shops",
    )


class Fits:
    """Forecasts the last value times a growth that every known number has a part in; remembers what it was given."""

    def __init__(self):
        self.seen = []

    def __call__(self, known, split, baselines):
        self.seen.append((known, split))
        growth = 1 + 1e-3 * np.sin(np.sum(known.values)) * np.arange(1, split.horizon + 1)
        return Fitted(_Grows(growth, np.array(baselines.levels) - 0.5), 3)


class _Grows:
    def __init__(self, growth, width):
        self._growth, self._width = growth, width

    def in_sequence(self, windows, start=None):
        points = windows.batch().past[:, -1, :1].astype(np.float64) * self._growth
        return Forecast(points, points[..., None] * (1 + 0.1 * self._width)), (0 if start is None else start) + 1


class _Worse(Fits):
    """Errs by far more on the series that are held out."""

    def __init__(self, held):
        super().__init__()
        self._held = held

    def __call__(self, known, split, baselines):
        fitted = super().__call__(known, split, baselines)
        return Fitted(_Spoilt(fitted.forecaster, self._held), 3)


class _Spoilt:
    def __init__(self, forecaster, held):
        self._forecaster, self._held = forecaster, held

    def in_sequence(self, windows, start=None):
        forecast, levels = self._forecaster.in_sequence(windows, start)
        wrong = np.where(self._held[windows.panel.places(windows.origins)], 9.0, 1.0)
        return Forecast(forecast.point * wrong[:, None], forecast.quantiles * wrong[:, None, None]), levels


def walk(data=None, config=CONFIG, fit=None, store=None, **options):
    return run_backtest(panel() if data is None else data, config, BacktestConfig(**options), fit or Fits(), store)


def last_known(data, fold):
    """The dates of the last row that each series' model knows, of those that know one."""
    some = fold.known_end > fold.first
    return data.index[fold.known_end[some] - 1]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(20, 240), st.integers(0, 40)), min_size=2, max_size=6),
    st.integers(1, 6),
    st.sampled_from(["expanding", "sliding"]),
    st.booleans(),
    st.integers(0, 5),
)
def test_folds_know_only_dates_before_theirs_and_cover_the_test_part_once(kinds, folds, scheme, refit, gap):
    """Of series that begin when they like, and lack some days."""
    rng = np.random.default_rng(len(kinds))
    index = [DAYS[-n:].delete(rng.choice(np.arange(1, n - 1), min(gone, n - 12), False)) for n, gone in kinds]
    lengths = [len(each) for each in index]
    values = 100 + rng.normal(size=(sum(lengths), 1))
    data = Panel(
        values,
        index[0].append(index[1:]),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.arange(len(kinds)).astype(str),
        ("sales",),
        ("target",),
        np.array(lengths),
        key="shop",
    )
    options = BacktestConfig(folds=folds, scheme=scheme, refit=refit, gap=gap)
    config = Config.from_options(window=5, horizon=2, validation_start="2020-06-20", test_start="2020-07-20")
    try:
        split = split_panel(data, config.split, config.network, config.steps)
        found = folds_of(data, config, options)
    except DataError:
        return  # too few rows for such a walk
    assert common_dates(data, split)
    origins = np.concatenate([fold.origins for fold in found])
    assert np.array_equal(np.sort(origins), split.origins("test", config.steps))
    for fold in found:
        first = data.index[fold.start[fold.forecast > 0]].min()
        assert last_known(data, fold).max() < first
        dates = data.index[fold.origins + 1]
        assert not any(np.isin(dates, data.index[other.origins + 1]).any() for other in found if other is not fold)
        known = fold.known(data)
        assert len(known.ids) == len(data)
        assert len(known.index) == np.sum(fold.known_end - fold.first)
        assert fold.split(config.network).windows_in("train").sum() > 0


def test_a_fit_is_given_every_series_up_to_one_date():
    data, fit = panel(), Fits()
    found = walk(data, fit=fit, folds=3, gap=2)
    for fold, (known, split) in zip(found.folds, fit.seen, strict=True):
        begins = data.index[fold.start[fold.forecast > 0]].min()
        assert known.index.max() == begins - pd.Timedelta(days=3)
        assert [*known.ids] == [*IDS]
        assert (np.diff(known.starts) == fold.known_end - fold.first).all()
        assert (known.observed == np.diff(known.starts)).all()
        assert not len(split.origins("test"))
        assert known.index[split.edges[0, 1]] == begins - pd.Timedelta(days=2 + 36)  # as many dates as the first had
    assert left_out_of(found.folds, data) == [
        "1 of 5 series have no row of the test part to forecast, and are in no fold: gone."
    ]


def test_a_series_that_begins_later_joins_later_folds():
    data = panel(("old", "new"), (240, 24))
    found = folds_of(data, CONFIG, BacktestConfig(folds=3))
    assert [int(fold.forecast[1]) for fold in found] == [0, 7, 12]
    assert [int(fold.known_end[1] - fold.first[1]) for fold in found] == [0, 0, 11]
    assert left_out_of(found, data) == [
        "1 of 2 series begin or end within the walk, and are forecast in some of its folds: new."
    ]


def test_series_that_end_apart_are_cut_by_their_own_rows():
    lengths = (100, 160, 240)
    data = panel(("gone", "b", "c"), lengths)
    data = replace(data, index=DAYS[:100].append([DAYS[20:180], DAYS]))
    config = Config.from_options(window=5, validation_rows=20, test_rows=30)
    split = split_panel(data, config.split, config.network)
    assert not common_dates(data, split)
    for scheme in ("expanding", "sliding"):
        found = folds_of(data, config, BacktestConfig(folds=3, scheme=scheme))
        for number, fold in enumerate(found):
            assert (fold.start - data.starts[:-1] == np.array(lengths) - 30 + 10 * number).all()
            assert (fold.stop - fold.start == 10).all()
            assert (fold.known_end == fold.start).all()
            assert (fold.known_end - fold.train_end == 20).all()
            assert (fold.first - data.starts[:-1] == (10 * number if scheme == "sliding" else 0)).all()


def test_series_held_out_are_forecast_and_never_known():
    config, fit = Config.from_options(window=5, horizon=2, holdout_series=0.4), Fits()
    data = panel()
    found = walk(data, config, fit, folds=2)
    unseen = [place for place in range(5) if found.folds[0].known_end[place] == found.folds[0].first[place]]
    assert len(unseen) == 2
    for known, _ in fit.seen:
        assert (known.observed[unseen] == 0).all()
    assert np.isfinite(found.table["forecast"]).all()


def test_series_held_out_are_scored_apart_from_the_others():
    config, data = Config.from_options(window=5, horizon=2, holdout_series=0.4), panel()
    held = held_out(data, config.split)
    found, other = walk(config=config, folds=2), walk(data, config, _Worse(held), folds=2)
    assert [row | {"fit_seconds": 0} for row in found.rows] == [row | {"fit_seconds": 0} for row in other.rows]
    assert found.notes != other.notes
    assert found.notes[0].startswith("2 series that training never saw are in no score above. lstm: MASE ")
    assert set(found.table["shop"]) == set(IDS) - {"gone"}
    board = compare(data, config, split_panel(data, config.split, config.network, 2), [contender()])
    plain = compared(data, contender())
    assert board.rows[-1]["series"] == plain.rows[-1]["series"] - 2
    assert board.notes[-1].startswith("2 series that training never saw are in no score above. oracle: MASE ")
    pd.testing.assert_frame_equal(board.table[["shop", "date", "oracle"]], plain.table[["shop", "date", "oracle"]])


@pytest.mark.parametrize("options", [{}, {"scheme": "sliding"}, {"refit": False}, {"gap": 3}])
def test_no_later_value_of_any_series_reaches_what_was_made_before(options):
    data = panel()
    before = walk(data, folds=3, **options)
    for number, fold in enumerate(before.folds):
        for which in ("one", "others"):
            values = data.values.copy()
            for place in range(len(data)):
                first = fold.start[place] if fold.forecast[place] else data.ends[place]
                if (place == 0) == (which == "one"):
                    values[first : data.ends[place]] *= 1.7
            after = walk(replace(data, values=values), folds=3, **options)
            made = ["forecast", "naive", *(f"q{level:g}" for level in CONFIG.levels)]
            ours, theirs = (found.table.loc[found.table["fold"] <= number, made] for found in (before, after))
            assert ours.to_numpy().tobytes() == theirs.to_numpy().tobytes()
            nexts = [
                found.table[found.table["fold"] == number + 1].groupby("shop", observed=True)[made].first()
                for found in (before, after)
            ]
            assert nexts[0].to_numpy().tobytes() == nexts[1].to_numpy().tobytes()  # whose windows end before the change


def test_the_table_has_the_ids_first_and_the_scores_are_those_of_all_forecasts():
    data = panel()
    found = walk(data, folds=3)
    assert list(found.table.columns)[:4] == ["shop", "date", "fold", "actual"]
    assert found.table["shop"].astype(str).unique().tolist() == ["007", "NA", "north", "late"]
    assert {row["fold"] for row in found.rows} == {1, 2, 3, "all"}
    origins = np.sort(np.concatenate([fold.origins for fold in found.folds]))
    split = found.folds[0].split_of_all(data, CONFIG.network)
    windows = windows_of(data, origins, 5, 2)
    points = found.table["forecast"].to_numpy(np.float64).reshape(-1, 2)
    naive = Forecast(np.repeat(windows.last()[:, None], 2, axis=1))
    baselines = mock.Mock(levels=(), scales=None, period=1)
    rows = score_rows(outcomes_of(windows, baselines, split.trained), {"lstm": Forecast(points), "naive": naive}, "all")
    totals = {row["model"]: row for row in found.rows if row["fold"] == "all"}
    for row in rows:
        for score in ("mase", "rmsse", "mae", "smape", "n", "series", "p_value"):
            ours, theirs = totals[row["model"]][score], row[score]
            assert ours is theirs is None or ours == pytest.approx(theirs, rel=1e-5), score
    assert totals["lstm"]["series"] == 4
    assert "series" in found.judgement.text


@pytest.mark.parametrize("options", [{}, {"refit": False}, {"scheme": "sliding", "gap": 2}])
def test_a_panel_of_one_is_walked_as_its_series(options):
    series = test_backtest.series()
    alone = test_backtest.walk(series, folds=3, **options)
    one = test_backtest.walk(replace(Panel.of(series), key="shop"), folds=3, **options)
    pd.testing.assert_frame_equal(one.table.drop(columns="shop"), alone.table, check_exact=True)
    for ours, theirs in zip(one.rows, alone.rows, strict=True):
        assert ours | {"fit_seconds": None} == theirs | {"fit_seconds": None}


def test_an_interrupted_walk_over_several_series_goes_on(tmp_path):
    data, config = panel(), BacktestConfig(folds=3)
    store = FoldStore(tmp_path, fingerprint(data, CONFIG, config))
    whole = walk(data, store=store, folds=3)
    (tmp_path / "fold-0002.npz").unlink()
    fit = Fits()
    again = walk(data, fit=fit, store=store, folds=3)
    assert len(fit.seen) == 1
    pd.testing.assert_frame_equal(again.table, whole.table, check_exact=True)


def test_roles_are_part_of_what_a_fold_depends_on():
    data = panel(known=True)
    past = replace(data, roles=("target", "past"))
    assert fingerprint(data, CONFIG, BacktestConfig()) != fingerprint(past, CONFIG, BacktestConfig())


def test_files_of_several_series_are_read_back_as_they_were(tmp_path, monkeypatch):
    data = panel()
    found = walk(data, folds=3)
    with on_a_cpu:
        record = backtest_record(found, data, CONFIG, BacktestConfig(folds=3), "shops", "jax")
    assert record.data == "frame: 5 series, 830 rows, 2020-01-01 to 2020-08-27"
    assert [(fold.series, fold.learned) for fold in record.folds] == [(4, 5)] * 3
    assert record.folds[0].start == "2020-07-23"
    paths = write_walk(tmp_path, record, found.table)
    whole = paths["forecasts"].read_bytes()
    monkeypatch.setattr(tables, "_AT_ONCE", 7)
    assert write_walk(tmp_path, record, found.table)["forecasts"].read_bytes() == whole
    again, table = read_walk(paths["scores"])
    assert again == record
    expected = tables.as_written(found.table)
    assert table["shop"].tolist() == expected["shop"].astype(str).tolist()  # "007" and "NA" too
    pd.testing.assert_frame_equal(table.drop(columns="shop"), expected.drop(columns="shop"), check_dtype=False)
    page = walk_report(again, table)
    assert page == walk_report(record, found.table)
    assert "of 4 series in 3 folds" in page
    assert "RMSSE" in page


def contender(name="oracle", wanted=None, window=5, **options):
    levels = CONFIG.levels
    made = _Grows(1 + 0.001 * np.arange(1, 3), np.array(levels) - 0.5)
    options = {"context": 4} | options
    return Contender(name, wanted or Wanted(("sales",)), window, made, levels, **options)


def compared(data, *contenders):
    split = split_panel(data, CONFIG.split, CONFIG.network, CONFIG.steps)
    return compare(data, CONFIG, split, contenders)


def test_several_series_are_ranked_by_their_mean_scaled_error():
    data = panel()
    found = compared(data, contender(), contender("other", window=9))
    assert list(found.table.columns)[:4] == ["shop", "date", "actual", "oracle"]
    scores = [row["rmsse"] for row in found.rows]
    assert scores == sorted(scores)
    assert {row["series"] for row in found.rows} == {4}
    assert found.notes == ()
    assert "4 series" in found.judgements["oracle"].text
    with on_a_cpu:
        record = compare_record(found, data, CONFIG, "shops", "jax")
    assert "origins of 4 series" in walk_report(record, found.table)


def test_origins_are_those_that_every_model_can_forecast_from():
    data = panel(("old", "new"), (240, 30))
    found = compared(data, contender(), contender("long", window=20, context=20))
    alone = compared(data, contender())
    absent = alone.rows[0]["n"] - found.rows[0]["n"]
    assert absent > 0
    assert found.notes[0].startswith(f"{absent} of {alone.rows[0]['n']} forecasts are left out")
    with pytest.raises(DataError, match=r"^long: needs 300 rows before the test part\. Received: 238\."):
        compared(data, contender("long", window=300, context=300))


def test_series_that_a_model_does_not_know_are_not_pooled_with_the_others_without_a_word():
    config = Config.from_options(window=5, horizon=2, holdout_series=0.4)
    data = panel()
    record = data_record(data, split_panel(data, config.split, config.network, config.steps))
    known = contender("model", records=(record,), holdout=0.4)
    said = "model has learned from 3 of 5 series, and is scored on all together: --holdout-series 0.4 scores the others"
    assert [note.startswith(said) for note in compared(data, known, contender()).notes] == [True]
    apart = compare(data, config, split_panel(data, config.split, config.network, config.steps), [known])
    assert not any("all together" in note for note in apart.notes)


def test_columns_are_matched_by_name_and_role():
    data = panel(known=True)
    assert matched(data, Wanted(("sales",), ("price",)), "m") is data
    alone = matched(data, Wanted(("sales",)), "m")
    assert (alone.columns, alone.roles) == (("sales",), ("target",))
    past = matched(data, Wanted(("sales", "Price")), "m")
    assert (past.columns, past.roles) == (("sales", "Price"), ("target", "past"))
    with pytest.raises(DataError, match=r"^m: needs \['price'\] of the rows to be forecast too\. .* with --known\."):
        matched(past, Wanted(("sales",), ("price",)), "m")
    weekday = matched(data, Wanted(("sales",), ("weekday",), calendar={"weekday": "weekday"}), "m")
    assert (weekday.values[:, 1] == data.index.day_of_week).all()


def test_categories_are_matched_by_name():
    attributes = {"static_columns": ("region", "size"), "categories": (("east", "west"), ())}
    data = replace(panel(), static=np.array([[0, 1.5], [1, 2], [1, 2], [0, 1], [1, 1]]), **attributes)
    wanted = Wanted(("sales",), static=("size", "region"), categories=((), ("north", "west", "east")))
    found = matched(data, wanted, "m")
    assert found.static_columns == ("size", "region")
    assert found.static.tolist() == [[1.5, 2], [2, 1], [2, 1], [1, 2], [1, 1]]
    with pytest.raises(DataError, match="column region: the model knows north, east"):
        matched(data, replace(wanted, categories=((), ("north", "east"))), "m")
    with pytest.raises(DataError, match=r"^m: needs the static columns area\. Received: region, size\."):
        matched(data, Wanted(("sales",), static=("area",), categories=((),)), "m")
    with pytest.raises(DataError, match="column region: the model takes a number"):
        matched(data, Wanted(("sales",), static=("region",), categories=((),)), "m")
    assert matched(data, Wanted(("sales",)), "m").static is None


def test_rows_between_keep_every_series():
    data = panel(known=True)
    some = between(data, data.starts[:-1] + 10, data.starts[:-1] + 80)
    assert np.diff(some.starts).tolist() == [70, 70, 70, 50, 70]
    assert (some["north"].values == data["north"].values[10:80]).all()
    none = between(data, data.starts[:-1], data.starts[:-1])
    assert (len(none), len(none.index)) == (5, 0)


def test_more_folds_than_dates_are_refused():
    with pytest.raises(DataError, match=r"^shops: each fold needs a row to forecast\. Received: 90 folds for 35 dates"):
        walk(folds=90)
    with pytest.raises(DataError, match=r"^shops: the first fold needs a window of 4 rows and 2 to learn from"):
        walk(folds=2, gap=200)


@pytest.mark.parametrize("key", ["date", "fold", "oracle"])
def test_ids_stay_apart_from_the_other_columns(tmp_path, key):
    data = replace(panel(), key=key)
    found = compared(data, contender())
    with on_a_cpu:
        record = compare_record(found, data, CONFIG, "shops", "jax")
    assert record.key == found.table.columns[0] == f"{key} id" if key != "oracle" else "oracle id"
    again, table = read_walk(write_walk(tmp_path, record, found.table)["scores"])
    assert again.key == table.columns[0]
    assert table["date"].iloc[0] == "2020-07-23"

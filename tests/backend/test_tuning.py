"""A study from end to end: what trials see, what is kept, what leaves."""

import json

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.tuning import attempt as attempts
from kerasforecast.tuning.bench import Bench, data_key
from kerasforecast.tuning.ground import ground_of
from kerasforecast.tuning.kept import is_study, rewrite_study
from kerasforecast.tuning.record import Attempt
from kerasforecast.tuning.staged import run_stages
from kerasforecast.tuning.store import Store

OPTIONS = {"window": 8, "model": "gru", "units": 2, "layers": 1, "epochs": 4, "batch_size": 64, "progress": False}
STAGES = {"stages": ["learning_rate", "dropout"], "tries": {"learning_rate": [0.01, 1e-5], "dropout": [0.2, 0.0]}}


def prices(rows=260, last=None):
    random = np.random.default_rng(3)
    values = 100 * np.exp(np.cumsum(0.02 * random.normal(size=rows)))
    if last is not None:
        values[-20:] = last
    return pd.DataFrame({"Close": values}, index=pd.bdate_range("2020-01-01", periods=rows, name="Date"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(folder):
    return kf.tune(prices(), **OPTIONS, **STAGES, output_dir=folder, name="acme")


def test_each_stage_keeps_the_value_with_the_least_error_on_validation(study):
    table, stages = study.trials, study.record.stages
    assert [stage.option for stage in stages] == ["learning_rate", "dropout"]
    assert table["rmsse"].notna().all() and table["best"].sum() == 1
    assert study.record.trial(study.record.best).error("rmsse") == table["rmsse"].min()
    first = table[table["trial"].isin(stages[0].trials)].set_index("learning_rate")["rmsse"]
    assert stages[0].kept == first.idxmin() and set(first.index) == {0.01, 1e-5, 0.001}
    assert (table[table["stage"] == "dropout"]["learning_rate"] == stages[0].kept).all()
    assert stages[1].suggested.startswith("The curves so far read ")
    assert set(study.best.manifest.study.tried) == {"learning_rate", "dropout"}


def test_what_leaves_is_the_fit_with_the_options_that_won(study, folder):
    best = study.record.trial(study.record.best)
    fitted = kf.fit(prices(), **OPTIONS | best.options)
    for ours, theirs in zip(study.best.predictor.weights, fitted.predictor.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    opened = kf.load(folder / "acme.keras")
    assert opened.manifest.study.trial == best.number and opened.manifest.study.trials == len(study.trials)
    assert f"after {len(study.trials)} trials" in study.verdict
    names = {path.name for path in (folder / "acme" / "tune").iterdir()}
    assert {"tune.html", "trials.csv", "study.json", "trials"} <= names
    assert json.loads((folder / "acme" / "tune" / "study.json").read_text())["best"] == best.number
    assert len(study.plot().data) >= 2


def test_the_page_of_a_study_is_made_again_from_its_record(study, folder, tmp_path):
    record, page = (folder / "acme" / "tune" / name for name in ("study.json", "tune.html"))
    before = page.read_bytes()
    page.unlink()
    assert rewrite_study(record) == page and page.read_bytes() == before
    copy = tmp_path / "other.json"
    copy.write_bytes(record.read_bytes())
    assert is_study(copy) and is_study(tmp_path / "study.json") and not is_study(tmp_path / "absent.json")
    content = json.loads(record.read_text())
    for change in ({"best": 99}, {"kind": "staged", "trials": "none"}, {"best": 1, "trials": content["trials"][1:]}):
        copy.write_text(json.dumps(content | change))
        with pytest.raises(kf.ArtifactError, match=r"other\.json: must "):
            rewrite_study(copy)


def test_a_study_goes_on_with_the_trials_that_are_kept(study, folder, monkeypatch):
    kept = sorted((folder / "acme" / "tune" / "trials").iterdir())
    kept[0].unlink()
    kept[1].write_text("{ damaged")
    made = []
    monkeypatch.setattr("kerasforecast.tuning.bench.attempt", lambda *given: made.append(1) or attempts.attempt(*given))
    again = kf.tune(prices(), **OPTIONS, **STAGES, output_dir=folder, name="acme")
    assert len(made) == 2
    columns = [name for name in study.trials if name != "seconds"]
    pd.testing.assert_frame_equal(again.trials[columns], study.trials[columns])


class Made:
    """Attempts without a training."""

    workers = 1

    def map(self, work, shared, tasks, waiting=None):
        for place, task in enumerate(tasks):
            yield place, Attempt(key=task.key, seed=0, status="done", scores={"rmsse": 1 / task.config.flat()["units"]})


@pytest.mark.parametrize(
    ("after", "trials", "found"),
    [
        (1, 2, ["Time was over: 8, 16, layers not tried."]),  # the untuned options are tried all the same
        (3, 3, ["Time was over: 16, layers not tried."]),
        (4, 4, ["Time was over: layers not tried."]),
        (5, 5, ["", "Time was over: 3 not tried."]),
        (6, 6, ["", ""]),
    ],
)
def test_no_trial_begins_when_time_is_over(after, trials, found):
    config = kf.Config.from_options(**{name: OPTIONS[name] for name in OPTIONS if name != "progress"})
    panel = kf.Panel.of(kf.Series(prices().to_numpy(), prices().index, ("Close",), calendar="24/5"))
    bench = Bench(ground_of(panel, config, 1), config, 1, "rows", Store(None), Made())
    bench.over = lambda: len(bench.trials) >= after
    stages = {"units": (4, 2, 8, 16), "layers": (1, 2, 3)}
    best, default, done = run_stages(bench, stages, "rmsse")
    assert len(bench.trials) == trials and not default.options
    assert best.options["units"] == {1: 4, 3: 8}.get(after, 16)
    assert [stage.found.partition("Time")[1] + stage.found.partition("Time")[2] for stage in done] == found


def test_trials_see_nothing_of_the_test_part():
    config = kf.Config.from_options(**{name: OPTIONS[name] for name in OPTIONS if name != "progress"})
    found = []
    for last in (None, 1e6):
        panel = kf.Panel.of(kf.Series(prices(last=last).to_numpy(), prices().index, ("Close",), calendar="24/5"))
        ground = ground_of(panel, config)
        assert ground.panel.values.max() < 1e5
        found.append(attempts.attempt(ground, attempts.Task("key", config)))
    assert found[0].scores == found[1].scores and found[0].curves == found[1].curves


def test_rounds_are_judged_on_rows_that_their_networks_have_not_seen():
    config = kf.Config.from_options(**{name: OPTIONS[name] for name in OPTIONS if name != "progress"})
    panel = kf.Panel.of(kf.Series(prices().to_numpy(), prices().index, ("Close",), calendar="24/5"))
    ground = ground_of(panel, config, 3)
    assert len(ground.folds) == 3 and data_key(panel)
    judged = [rows for fold in ground.folds for rows in fold.origins + 1]
    assert judged == list(range(182, 221))  # the whole validation part, once
    assert all(fold.known_end[0] <= fold.start[0] and fold.train_end[0] < fold.known_end[0] for fold in ground.folds)


def test_a_trial_that_diverges_or_cannot_be_is_one_with_a_reason():
    config = kf.Config.from_options(model="linear", window=8, epochs=1)
    panel = kf.Panel.of(kf.Series(prices().to_numpy(), prices().index, ("Close",), calendar="24/5"))
    found = attempts.attempt(ground_of(panel, config), attempts.Task("key", config.changed(window=500)))
    assert found.status == "refused" and "no window for train" in found.error and not found.scores


def test_each_series_has_a_model_of_its_own(tmp_path):
    shops = [prices(90).assign(shop=name) for name in ("a", "b/c")] + [prices(6).assign(shop="short")]
    table = pd.concat(shops).reset_index()
    options = {"id": "shop", "target": "Close", "model": "linear", "window": 8, "epochs": 1, "scaling": "level"}
    found = kf.fit_each(table, **options, output_dir=tmp_path, name="shops", progress=False)
    assert found.table["id"].tolist() == ["a", "b/c", "short"]
    assert found.table["file"].isna().tolist() == [False, False, True] and "short" in found.table["error"].iloc[2]
    alone = kf.fit(shops[0].drop(columns="shop"), **{name: options[name] for name in options if name != "id"})
    for ours, theirs in zip(found.model("a").predictor.weights, alone.predictor.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "shops").glob("*.keras")}
    again = kf.fit_each(table, **options, output_dir=tmp_path, name="shops", progress=False)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "shops").glob("*.keras")} == before
    pd.testing.assert_frame_equal(again.table.drop(columns="seconds"), found.table.drop(columns="seconds"))
    with pytest.raises(kf.DataError, match="alone"):
        kf.fit_each(prices(), window=8, output_dir=tmp_path, progress=False)

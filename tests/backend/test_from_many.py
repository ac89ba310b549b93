"""From many to one: weights that go on from another model's, with newer rows, or once more over all rows."""

import json
import signal

import numpy as np
import pytest
from click.testing import CliRunner

import kerasforecast as kf
from kerasforecast.artifact.lineage import weights_digest
from kerasforecast.errors import InputError, OptionError, StoppedError
from kerasforecast.training import replay
from tests.backend.conftest import SMALL, prices

TUNED = {"epochs": 1, "batch_size": 16}


@pytest.fixture(scope="module")
def parent_file(tmp_path_factory):
    """A model of other prices."""
    return kf.fit(prices(seed=3), **SMALL).save(tmp_path_factory.mktemp("parent") / "big.keras")


@pytest.fixture(scope="module")
def final(frame):
    return kf.fit(frame, **SMALL, final="all")


def equal(ours, theirs):
    return [bool(np.array_equal(one, other)) for one, other in zip(ours, theirs, strict=True)]


def wave(rows, noise=0.05):
    """A season that a network learns in no time, and drawn weights do not know."""
    random = np.random.default_rng(5)
    values = 10 + np.sin(np.arange(rows) * 2 * np.pi / 8) + noise * random.normal(size=rows)
    frame = prices(rows)
    frame["Close"] = values
    return frame


# --final


def test_final_weights_are_others_and_the_scores_those_of_before(small, final):
    assert final.test.scores == small.test.scores
    before, after = small.manifest, final.manifest
    assert after.calibration.tested and not before.calibration.tested  # what leaves has learned from test rows
    assert (before.calibration.windows, after.calibration.windows) == (45, 90)  # of 45 rows each
    assert after.adapted.at == before.adapted.at
    assert set(after.adapted.levels) == {after.calibration.levels}
    assert not any(equal(final.predictor.weights, small.predictor.weights))
    assert small.manifest.final is None
    record = final.manifest.final
    assert record.rows == 300 and record.windows == 292
    assert record.scored == weights_digest(small.predictor.weights)
    assert record.steps == final.manifest.training.best_epoch * 13
    assert final.manifest.training.history[0].loss == small.manifest.training.history[0].loss


def test_final_weights_have_learned_all_rows_and_are_judged_on_none(final, frame):
    found = final.evaluate()
    assert not found.judged and "45 in its test part" in found.learned
    assert final.evaluate(prices(340)).scores["n"] == 40  # those after the table that it was trained on


def test_a_final_model_survives_its_file(final, frame, tmp_path):
    loaded = kf.load(final.save(tmp_path / "final.keras"))
    assert all(equal(final.predictor.weights, loaded.predictor.weights))
    assert loaded.manifest.final == final.manifest.final and loaded.verdict == final.verdict
    assert loaded.forecast(3, frame).equals(final.forecast(3))
    with pytest.raises(InputError, match="cannot be made again"):
        loaded.panel = final.panel
        loaded.report(tmp_path / "never.html")


def test_the_same_rows_give_the_same_weights_again(frame, small):
    """Steps, rates and order are those of the training before: on its own rows the replay ends where that did."""
    from kerasforecast.config import Config
    from kerasforecast.data.panel import Panel
    from kerasforecast.evaluation.leaving import begin
    from kerasforecast.training.replay import rates_of

    config = Config.from_options(**SMALL)
    _, fitting = begin(config, Panel.of(small.series), "series", None)
    fitting.replay(rates_of(small.history), fitting.steps)
    from kerasforecast.models.network import merged_weights

    assert all(equal(merged_weights(fitting.network), small.predictor.weights))


def test_rates_are_kept_with_their_steps():
    assert replay.by_steps([0.1, 0.1, 0.05, 0.1], 7) == ((14, 0.1), (7, 0.05), (7, 0.1))


def test_a_family_says_whether_its_weights_learn_from_all_rows():
    from tests.backend import toy  # registers its family

    model = kf.fit(prices(), model=toy.TOY.name, rows=2, window=8, epochs=1, batch_size=16)
    assert model.manifest.final is not None
    assert kf.fit(prices(), model="toy", rows=2, window=8, epochs=1, batch_size=16, final="none").manifest.final is None


def test_a_comparison_trains_no_contender_on_what_it_forecasts(frame):
    from tests.backend import toy

    found = kf.compare([toy.TOY.name], frame, window=8, epochs=1, rows=2)
    assert "learned" not in found.verdicts["toy"]
    for walk in (lambda: kf.compare(["lstm"], frame, final="all"), lambda: kf.backtest(frame, final="none")):
        with pytest.raises(OptionError, match="has no effect where the test part is walked over"):
            walk()


@pytest.mark.same_everywhere
def test_stopped_while_training_on_all_rows_the_scored_model_is_kept_and_the_run_resumes(tmp_path, monkeypatch):
    known, options = wave(200), {**SMALL, "final": "all", "learning_rate": 0.01}
    final = kf.fit(known, **options)
    assert final.manifest.training.best_epoch == 2  # so there is a pass to go on after
    begun, stretches = replay._Stretches.on_train_batch_begin, []

    def interrupted(self, batch, logs=None):
        stretches.append(self._kept.halfway.done if self._kept.halfway else 0)
        if batch == 5 and stretches[-1]:
            signal.raise_signal(signal.SIGTERM)
        begun(self, batch, logs)

    monkeypatch.setattr(replay._Stretches, "on_train_batch_begin", interrupted)
    with pytest.raises(StoppedError, match=r"was stopped\. The model that was scored is .*resume=.*goes on from there"):
        kf.fit(known, **options, output_dir=tmp_path, name="acme")
    kept = kf.load(tmp_path / "acme" / "checkpoint.keras")
    assert kept.manifest.training.complete and kept.test.scores["model"]["rmse"] == final.test.scores["model"]["rmse"]
    assert weights_digest(kept.predictor.weights) == final.manifest.final.scored
    monkeypatch.undo()
    resumed = kf.fit(known, resume="acme", output_dir=tmp_path)
    assert stretches[-1] == 1  # the first had been kept
    assert all(equal(resumed.predictor.weights, final.predictor.weights))
    assert not (tmp_path / "acme" / "checkpoint.keras").exists()


def test_several_series_that_count_alike_learn_from_all_rows():
    """The parts that need no score: which rows, and that every series is drawn alike."""
    from kerasforecast.config import Config
    from kerasforecast.data.panel import Panel
    from kerasforecast.forecasting.fitting import sampled, scaled_member, training_sets
    from kerasforecast.preprocessing.split import split_panel
    from kerasforecast.training.feeding import training_batches

    lone = [prices(rows, seed=seed) for seed, rows in enumerate((60, 400))]
    panel = Panel.joined([kf.Series(one.to_numpy(), one.index, ("Close",), frequency="B") for one in lone], ["a", "b"])
    config = Config.from_options(window=8, sample="series", batch_size=16)
    split = split_panel(panel, config.split, config.network)
    assert split.whole.rows_in("train").tolist() == [60, 400]
    assert not split.whole.rows_in("test").any()
    training = training_sets(scaled_member(config.network, panel, split), panel, split)[0]
    drawn = sampled(training, config.training)
    batches = training_batches(drawn, 16, 0, steps=8)
    lasts = np.concatenate([next(batches)[0][:, -1, 0] for _ in range(8)])
    of_first = np.isin(lasts, np.asarray(lone[0]["Close"], np.float32))
    assert of_first.sum() == 64
    assert sampled(training, Config.from_options().training).owners is None


# --init-from


def test_a_child_starts_from_its_parent_and_keeps_what_is_frozen(frame, parent_file, tmp_path):
    parent = kf.load(parent_file)
    child = kf.fit(frame, init_from=parent_file, freeze="lstm_1", **TUNED)
    assert equal(parent.predictor.weights, child.predictor.weights) == [True] * 3 + [False] * 5
    assert child.manifest.members[0].scaling == parent.manifest.members[0].scaling
    assert child.config.network == parent.config.network
    assert child.config.training.learning_rate == parent.config.training.learning_rate
    assert child.manifest.parameters.trained == small_parameters(parent) - (4 * 16 + 16 + 2 * 16)
    lineage = child.manifest.lineage
    assert (lineage.parent, lineage.frozen, lineage.kept) == ("series", ("lstm_1",), "child")
    assert lineage.weights == weights_digest(parent.predictor.weights) and len(lineage.sha256) == 64
    assert lineage.test.n == 45 and lineage.steps == 13
    loaded = kf.load(child.save(tmp_path / "child.keras"))
    assert all(equal(child.predictor.weights, loaded.predictor.weights))
    assert loaded.manifest.lineage == lineage
    assert "45 in its validation part" in loaded.evaluate(prices(seed=3)).learned  # what its parent has learned


def small_parameters(model):
    return model.manifest.parameters.trained


def test_a_child_of_no_steps_forecasts_as_its_parent(frame, parent_file):
    """Merged weights mean the same in training, the second bias vector zero."""
    parent = kf.load(parent_file)
    child = kf.fit(frame, init_from=parent, learning_rate=1e-12, **TUNED)
    windows = frame.to_numpy()[:40].reshape(5, 8, 1)
    np.testing.assert_allclose(child.predict(windows), parent.predict(windows), rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "gru", "norm": "batch", "bidirectional": True},
        {"model": "lstm", "bidirectional": True, "quantiles": (0.1, 0.9)},
        {"model": "peephole", "norm": "layer"},
    ],
)
def test_every_layer_takes_its_parents_weights(frame, options):
    parent = kf.fit(prices(seed=3), **SMALL | {"epochs": 1}, **options)
    child = kf.fit(frame, init_from=parent, learning_rate=1e-12, **TUNED)
    moving = 2 if options.get("norm") == "batch" else 0  # means and variances follow the data
    kept = [
        np.allclose(*pair, atol=1e-6) for pair in zip(parent.predictor.weights, child.predictor.weights, strict=True)
    ]
    assert kept.count(False) <= moving


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "gru"}, "very network of series. Received: model gru, where it is lstm. Leave model= out"),
        ({"units": 5}, r"units 5, where it is 4. Leave units= out, or fit without init_from="),
        ({"window": 9, "units": 5}, r"window 9, where it is 8; units 5, where it is 4. Leave window= out"),
        ({"scaling": "minmax"}, "scaling minmax, where it is anchor"),
        ({"horizon": 2}, "horizon 2, where it is 1"),
        ({"quantiles": (0.1, 0.5)}, "quantiles 0.1,0.5, where it is none"),
        ({"freeze": ["lstm_3"]}, "lstm_1, lstm_2, head. Received: 'lstm_3'"),
        ({"freeze": ["lstm", "head"]}, "all of them"),
        ({"require_better": 0}, "p-value above 0"),
    ],
)
def test_what_the_weights_are_not_for_is_refused(frame, parent_file, options, message):
    with pytest.raises(OptionError, match=message):
        kf.fit(frame, init_from=parent_file, **TUNED, **options)


def test_other_columns_are_refused(parent_file):
    with pytest.raises(InputError, match=r"columns that the weights of series are for: Close. Received: Close, Other"):
        kf.fit(prices(columns=("Close", "Other")), past="Other", init_from=parent_file, **TUNED)


def test_options_of_a_parent_need_one(frame):
    for option in ({"freeze": "lstm_1"}, {"require_better": 0.05}):
        with pytest.raises(OptionError, match="has no effect without init_from= or update="):
            kf.fit(frame, **option)
    with pytest.raises(OptionError, match="both name the model"):
        kf.fit(frame, init_from="a.keras", update="b.keras")


def test_a_better_child_leaves_and_another_gives_way_to_its_parent(tmp_path):
    parent = kf.fit(prices(seed=3), **SMALL, scaling="difference")
    child = kf.fit(wave(600), init_from=parent, learning_rate=0.02, epochs=6, require_better=0.05)
    assert child.manifest.lineage.kept == "child" and child.manifest.lineage.test.better
    child.manifest.lineage.require_better()
    again = kf.fit(wave(700), init_from=child, epochs=1, learning_rate=1e-9, require_better=1e-6)
    lineage = again.manifest.lineage
    assert lineage.kept == "parent" and not lineage.test.better
    with pytest.raises(kf.SkillError, match=r"weights were kept\. Train otherwise, or leave --require-better out\.$"):
        lineage.require_better()
    assert all(equal(again.predictor.weights, child.predictor.weights))
    assert again.manifest.final is None
    loaded = kf.load(again.save(tmp_path / "kept.keras"))
    assert loaded.golden_error() < 1e-5 and loaded.verdict == again.verdict
    again.report(tmp_path / "kept.html")


@pytest.mark.same_everywhere
def test_rows_that_the_parent_has_learned_judge_nobody(frame, final, small):
    child = kf.fit(frame, init_from=final, **TUNED)
    assert child.verdict.startswith("no verdict: its parent has learned from all 45 windows")
    assert child.manifest.lineage.test.text.startswith("not compared, since it has learned from the test part")
    kept = child.manifest.lineage.model_copy(update={"kept": "parent"})
    with pytest.raises(kf.SkillError, match=r"Give rows after those that it has learned from, or a parent fitted with"):
        kept.require_better()
    half = kf.fit(frame[:280], **SMALL, final="all")
    child = kf.fit(frame, init_from=half, **TUNED)
    assert child.test.scores["n"] == child.manifest.lineage.test.n == 20
    assert kf.fit(frame, init_from=small, **TUNED).manifest.lineage.test.n == 45


def test_a_final_child_starts_from_its_parent_in_its_units(frame, parent_file):
    parent = kf.load(parent_file)
    child = kf.fit(frame, init_from=parent, final="all", freeze=["lstm"], **TUNED)
    assert child.manifest.members[0].scaling == parent.manifest.members[0].scaling
    assert equal(parent.predictor.weights, child.predictor.weights)[:6] == [True] * 6
    assert child.manifest.final.rows == 300


def test_a_stopped_child_resumes_and_knows_its_parent_by_its_weights(frame, parent_file, small, tmp_path):
    def stop(epoch):
        if epoch == 0:
            signal.raise_signal(signal.SIGTERM)

    import keras

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            stop(epoch)

    options = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "freeze": ["lstm_2"]}
    with pytest.raises(StoppedError):
        kf.fit(frame, init_from=parent_file, output_dir=tmp_path, name="child", callbacks=[Stop()], **options)
    with pytest.raises(OptionError, match="weights of the parent was"):
        kf.fit(frame, init_from=small, resume="child", output_dir=tmp_path)
    resumed = kf.fit(frame, resume="child", output_dir=tmp_path)
    whole = kf.fit(frame, init_from=parent_file, **options)
    assert all(equal(resumed.predictor.weights, whole.predictor.weights))
    assert resumed.manifest.lineage.frozen == ("lstm_2",)


# --update


@pytest.mark.same_everywhere
def test_an_update_moves_the_parts_on_and_says_what_was_test(frame, small, capsys):
    newer = prices(340)
    child = kf.fit(newer, update=small, progress=True, **TUNED)
    said = capsys.readouterr().err
    assert "Rows that were the test part of series, 2020-12-23 to 2021-02-23, now serve: 45 for validation." in said
    parts = child.manifest.data.split
    assert (parts["train"].rows, parts["validation"].rows, parts["test"].rows) == (249, 51, 40)
    assert parts["test"].start == "2021-02-24"
    assert child.manifest.lineage.how == "update" and child.manifest.lineage.test.n == 40
    assert child.config.network == small.config.network and child.config.training.seed == small.config.training.seed
    longer = kf.fit(prices(600), update=small, **TUNED).manifest.data.split
    assert [longer[part].rows for part in ("train", "validation", "test")] == [420, 90, 90]


@pytest.mark.same_everywhere
def test_rows_that_follow_without_the_old_ones_are_parted_as_ever(small):
    child = kf.fit(prices(600)[310:], update=small, **TUNED)
    assert child.manifest.data.split["train"].start > small.manifest.data.end


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (
            304,
            {},
            r"needs 8 rows after 2021-02-23.*Received: 4\..*test_rows=4 validation_rows=46",
        ),
        (300, {}, "needs rows after 2021-02-23"),
        (340, {"test_rows": 60, "validation_rows": 40}, r"must lie after 2021-02-23.*Received: 40 rows after it"),
    ],
)
def test_an_update_without_rows_to_judge_it_is_refused(small, rows, options, message):
    with pytest.raises(InputError, match=message):
        kf.fit(prices(rows), update=small, **TUNED, **options)


@pytest.mark.same_everywhere
def test_the_remedy_for_few_rows_works(small):
    child = kf.fit(prices(304), update=small, test_rows=4, validation_rows=46, **TUNED)
    assert child.manifest.lineage.test.text.startswith("too few forecasts to test")


def test_other_rows_are_no_newer_form(small):
    with pytest.raises(InputError, match=r"must hold the rows that series was trained on.*Use init_from="):
        kf.fit(prices(340, seed=9), update=small, **TUNED)


# The command line


def run(*arguments):
    from kerasforecast_cli.main import cli

    return CliRunner().invoke(cli, list(map(str, arguments)))


@pytest.mark.same_everywhere
def test_the_command_says_what_became_of_parent_and_rows(frame, parent_file, tmp_path):
    table = tmp_path / "new.csv"
    frame.to_csv(table)
    where = ("--output-dir", tmp_path, "--name", "child", "--epochs", "1", "--batch-size", "16")
    done = run("fit", table, "--init-from", parent_file, "--final", "all", *where)
    assert done.exit_code == 0, done.output
    assert "Starts from the weights of series (2 x lstm of 4 units), with its scaling" in done.output
    flat = " ".join(done.output.split())
    assert "Parent series: " in flat and "than its parent" in flat
    assert "Refitted on all 300 rows for 13 steps; scores are those of the model before." in flat
    done = run("inspect", tmp_path / "child.keras")
    assert "lstm_1, lstm_2, head" in done.output and "13 steps later" in done.output


@pytest.mark.same_everywhere
def test_a_gate_that_is_not_met_keeps_the_parent_and_exits_with_4(frame, parent_file, tmp_path):
    table = tmp_path / "new.csv"
    frame.to_csv(table)
    where = ("--output-dir", tmp_path, "--name", "child", "--epochs", "1", "--learning-rate", "1e-12", "--json")
    done = run("fit", table, "--init-from", parent_file, "--require-better", "1e-9", *where)
    assert done.exit_code == 4, done.output
    found = json.loads(next(line for line in done.output.splitlines() if line.startswith("{")))
    assert found["lineage"]["kept"] == "parent"
    assert weights_digest(kf.load(tmp_path / "child.keras").predictor.weights) == found["lineage"]["weights"]


# Several series


def shops(count, rows):
    each = [prices(rows, seed=seed) for seed in range(count)]
    series = [kf.Series(one.to_numpy(), one.index, ("Close",), frequency="B") for one in each]
    return kf.Panel.joined(series, [f"s{number}" for number in range(count)], key="shop")


@pytest.fixture(scope="module")
def many():
    return kf.fit(shops(4, 200), **SMALL, sample="series")


def test_a_model_of_many_learns_from_all_rows_and_is_tuned_to_one(many):
    assert many.manifest.final.rows == 800 and many.manifest.data.learned == ("train", "validation", "test")
    assert many.evaluate(shops(4, 200)).judged is False
    assert many.evaluate(shops(4, 240)).scores["n"] == 160  # the rows since
    own, new = (kf.fit(prices(200, seed=seed), init_from=many, **TUNED) for seed in (1, 9))
    assert own.verdict.startswith("no verdict") and own.manifest.lineage.test.n == 0
    assert new.manifest.lineage.test.n == 30  # a series that its parent has never seen


@pytest.mark.same_everywhere
def test_an_update_of_many_tests_rows_after_the_old_ones(many):
    child = kf.fit(shops(4, 220), update=many, final="none", **TUNED)
    parts = child.manifest.data.split
    assert parts["test"].rows == 80 and parts["test"].start > many.manifest.data.end
    with pytest.raises(InputError, match=r"must hold the rows"):
        kf.fit(kf.Panel.of(kf.fit(prices(220, seed=8), **SMALL).series), update=many, **TUNED)

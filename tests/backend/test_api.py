"""The public face in Python: it does what the commands do, says nothing unasked, and builds nothing twice."""

import html
import json
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.runtime.locks import locked
from tests.backend.conftest import SMALL, prices

TINY = SMALL | {"layers": 1}


class Counting(keras.callbacks.Callback):
    """Counts what Keras tells it."""

    def __init__(self):
        super().__init__()
        self.epochs, self.batches, self.losses = 0, 0, []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        self.losses.append(logs["val_loss"])

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


class Failing(keras.callbacks.Callback):
    """Fails at the end of its second epoch."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError("the disk of the\nlogs is full")


def same_weights(first, second):
    return [a.tobytes() for a in first.predictor.weights] == [a.tobytes() for a in second.predictor.weights]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "acme.csv"
    prices().to_csv(path)
    return path


@pytest.fixture(scope="module")
def written(table, tmp_path_factory):
    """A model that was fitted into a folder."""
    return kf.fit(table, output_dir=tmp_path_factory.mktemp("models"), **TINY)


def test_keras_callbacks_run_beside_ours_and_change_nothing(written, table):
    counting = Counting()
    model = kf.fit(table, callbacks=[counting], **TINY)
    assert counting.epochs == TINY["epochs"] == len(model.history.epochs)
    assert counting.batches == TINY["epochs"] * -(-202 // 16)  # 210 training rows
    assert counting.losses == [epoch.val_loss for epoch in model.history.epochs]
    assert same_weights(model, written)


def test_a_callback_may_end_training(table):
    class Ending(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    model = kf.fit(table, callbacks=[Ending()], **TINY)
    assert len(model.history.epochs) == 1
    assert model.history.stopped_early


def test_a_callback_that_fails_is_named_in_one_line_and_the_run_goes_on_without_it(table, tmp_path):
    options = TINY | {"epochs": 4}
    with pytest.raises(kf.KerasForecastError) as caught:
        kf.fit(table, output_dir=tmp_path, callbacks=[Counting(), Failing()], **options)
    message = str(caught.value)
    assert "Received: RuntimeError from Failing: 'the disk of the\\nlogs is full'" in message
    assert "resume='acme' goes on from there." in message
    assert message.isprintable()
    assert isinstance(caught.value.__cause__, RuntimeError)  # a traceback leads to the callback's own line
    assert not (tmp_path / "acme.keras").exists()
    resumed = kf.fit(resume="acme", output_dir=tmp_path)
    assert resumed.config.training.epochs == 4
    assert same_weights(resumed, kf.fit(table, **options))
    assert sorted(path.name for path in (tmp_path / "acme").iterdir()) == [
        *("forecast.csv", "history.csv", "metrics.json", "report.html", "test_forecasts.csv")
    ]


def test_a_fault_of_ours_is_not_blamed_on_a_callback(table):
    def broken(*_):
        raise RuntimeError("ours")

    from kerasforecast.config import Config
    from kerasforecast.data.load import load_series
    from kerasforecast.pipeline import fit

    config = Config.from_options(file=str(table), **TINY)
    with pytest.raises(RuntimeError, match="ours"):
        fit(config, load_series(config.data), on_epoch=broken, callbacks=[Counting()])


def test_tensorboard_logs_where_its_extra_is_installed_and_names_it_elsewhere(table, tmp_path):
    logs = tmp_path / "logs"
    if find_spec("tensorboard") and find_spec("tensorflow"):
        kf.fit(table, tensorboard=logs, **TINY)
        assert list(logs.rglob("events*"))
    else:
        with pytest.raises(kf.InputError, match=r'pip install "kerasforecast\[tensorboard\]"'):
            kf.fit(table, tensorboard=logs, **TINY)


def test_python_and_the_command_write_the_same(written, table, tmp_path):
    flags = [part for name, value in TINY.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    done = CliRunner().invoke(cli, ["fit", str(table), "--output-dir", str(tmp_path), "--json", *flags])
    assert done.exit_code == 0, done.output
    assert same_weights(kf.load(tmp_path / "acme.keras"), written)
    for key in ("metrics", "test_forecasts"):
        ours = written.files[key]
        assert ours.read_bytes() == (tmp_path / "acme" / ours.name).read_bytes()
    assert set(json.loads(done.stdout)["files"]) == set(written.files)


@pytest.mark.same_everywhere
def test_nothing_is_written_or_said_unasked(table, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    model = kf.fit(table, **TINY)
    kf.backtest(table, folds=2, **TINY)
    kf.compare(["rnn", model], table, **TINY)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.same_everywhere
def test_progress_says_what_the_command_says(table, capfd):
    kf.fit(table, progress=True, **TINY)
    kf.backtest(table, progress=True, folds=2, **TINY)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch   2/2  loss " in err
    assert "fold   2/2 " in err


@pytest.mark.same_everywhere
def test_progress_shows_on_a_terminal_unless_turned_off(table, monkeypatch, capfd):
    monkeypatch.setattr("kerasforecast.api.progress._on_terminal", lambda: True)
    kf.fit(table, progress=False, **TINY)
    assert capfd.readouterr().err == ""
    kf.fit(table, **TINY)
    assert "trained parameters" in capfd.readouterr().err


@pytest.mark.same_everywhere
def test_a_notebook_gets_lines_where_it_has_no_widgets(table, monkeypatch, capsys):
    """A console that says it is a notebook's: what is shown goes to it, not to stderr."""
    from rich.console import Console

    console = Console(record=True, width=200)
    monkeypatch.setattr("kerasforecast.api.progress._notebook", lambda: console)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    kf.fit(table, **TINY)
    assert "epoch   2/2  loss " in console.export_text()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("option", [{"resume": "acme"}, {"checkpoint_every": 5}])
def test_what_needs_a_folder_is_refused_without_one(option):
    with pytest.raises(kf.OptionError, match=r"no output_dir. Give output_dir=\."):
        kf.fit(**option)


@pytest.mark.same_everywhere
def test_an_option_given_at_its_default_is_compared_when_resuming(table, tmp_path):
    with pytest.raises(kf.KerasForecastError):
        kf.fit(table, output_dir=tmp_path, callbacks=[Failing()], **TINY)
    with pytest.raises(kf.OptionError, match="units was 4, is 50"):
        kf.fit(resume="acme", output_dir=tmp_path, units=50)
    kf.fit(resume="acme", output_dir=tmp_path, units=4)


def test_one_process_at_a_time_trains_a_name(table, tmp_path):
    with locked(tmp_path / "acme"), pytest.raises(kf.LockedError):
        kf.fit(table, output_dir=tmp_path, **TINY)


@pytest.mark.parametrize("option", [{"threads": 3}, {"deterministic": True}])
def test_how_to_compute_cannot_be_changed_once_keras_has_loaded(table, option, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(kf.BackendError, match="must be chosen before Keras loads"):
        kf.fit(table, **option, **TINY)


def test_each_network_is_built_once_for_a_fit_and_its_forecasts(table, monkeypatch):
    from kerasforecast.models import network

    real, roles = network.build, []

    def counting(*args, **kwargs):
        roles.append(next(arg for arg in (*args, *kwargs.values()) if arg in ("training", "inference", "export")))
        return real(*args, **kwargs)

    for module in list(sys.modules.values()):
        if getattr(module, "build", None) is real:
            monkeypatch.setattr(module, "build", counting)
    model = kf.fit(table, **TINY)
    model.forecast(5)
    model.predict(model.series.values[:8][None])
    assert sorted(roles) == ["export", "inference", "training"]


def test_a_loaded_model_tells_what_it_told_after_the_fit(written):
    loaded = kf.load(written.files["model"])
    assert json.loads(json.dumps(loaded.test.scores)) == json.loads(json.dumps(written.test.scores))
    assert loaded.test.table is None
    assert (loaded.verdict, loaded.test.better) == (written.verdict, written.test.better)
    assert loaded.test.interval_verdict == written.test.interval_verdict
    np.testing.assert_array_equal(loaded.test.adapted, written.test.adapted)
    assert loaded.history == written.history
    assert repr(loaded) == repr(written) == "<Model acme: 1 x lstm of 4 units, window 8, horizon 1, forecasts Close>"


def test_a_model_that_was_not_scored_has_no_verdict(written):
    bare = kf.Model(written.manifest.model_copy(update={"metrics": None}), written.predictor.weights)
    assert (bare.verdict, bare.test) == (None, None)
    with pytest.raises(kf.ArtifactError, match="a report needs scores"):
        bare.report("report.html")


def test_the_report_of_a_model_is_the_one_the_fit_wrote(written, tmp_path):
    loaded = kf.load(written.files["model"])
    for number, model in enumerate((written, loaded)):
        path = model.report(tmp_path / f"{number}.html")
        assert path.read_bytes() == written.files["report"].read_bytes()


def test_the_plot_shows_the_forecast_after_the_last_known_rows(written, tmp_path):
    figure = written.plot(3, path=tmp_path / "plot.html")
    traces = {trace.name: trace for trace in figure.data if trace.showlegend is not False}
    assert list(traces) == ["95 % interval", "80 % interval", "known", "forecast"]
    np.testing.assert_allclose(traces["forecast"].y[1:], written.forecast(3)["forecast"])
    np.testing.assert_allclose(traces["known"].y, written.series.values[-60:, 0])
    assert written.verdict in figure.layout.title.text
    loaded = kf.load(written.files["model"]).plot(3)
    assert [list(trace.y) for trace in loaded.data] == [list(trace.y) for trace in figure.data]
    assert (tmp_path / "plot.html").read_text().startswith("<!doctype html>")
    with pytest.raises(kf.OptionError, match=r"ends in \.png, \.svg or \.html"):
        written.plot(path=tmp_path / "plot.pdf")


def test_the_plot_can_follow_other_data(written):
    earlier = written.series.values[:200]
    table = pd.DataFrame(earlier, columns=list(written.series.columns), index=written.series.index[:200])
    traces = {trace.name: trace for trace in written.plot(2, table).data}
    assert traces["known"].y[-1] == earlier[-1, 0]
    np.testing.assert_allclose(traces["forecast"].y[1:], written.forecast(2, table)["forecast"])


def test_the_forecast_that_a_fit_leaves_is_that_of_predict(written):
    table = pd.read_csv(written.files["forecast"])
    np.testing.assert_allclose(table["forecast"], written.forecast(written.config.steps)["forecast"])
    assert written.test.judgement.sentence in written._repr_html_()


@pytest.mark.same_everywhere
def test_of_data_that_changed_the_future_is_drawn_and_the_past_is_not(tmp_path):
    prices().to_csv(tmp_path / "acme.csv")
    model = kf.fit(tmp_path / "acme.csv", output_dir=tmp_path, **TINY)
    prices(310).to_csv(tmp_path / "acme.csv")
    loaded = kf.load(model.files["model"])
    with pytest.raises(kf.DataError, match="has changed since"):
        loaded.report(tmp_path / "report.html")
    traces = {trace.name: trace for trace in loaded.plot().data}
    np.testing.assert_allclose(traces["forecast"].y[1:], loaded.forecast(loaded.config.steps)["forecast"])
    assert traces["known"].y[-1] == prices(310)["Close"].iloc[-1]


def test_a_backtest_gives_what_the_command_writes(table, tmp_path):
    options = TINY | {"folds": 2}
    found = kf.backtest(table, **options)
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    done = CliRunner().invoke(cli, ["backtest", str(table), "--output-dir", str(tmp_path), *flags, "--json"])
    rows = json.loads(done.stdout)
    scores = found.scores
    assert scores["rmse"].tolist() == [row["rmse"] for row in rows]
    covered = [row["coverage"]["0.8"] for row in rows if row["coverage"]]
    assert len(covered) > 2
    assert scores["coverage_0.8"].dropna().tolist() == covered
    assert scores["fold"].tolist() == [row["fold"] for row in rows]
    page = html.unescape(found.report(tmp_path / "page.html").read_text())
    assert found.verdict[1:] in page  # a sentence there
    assert "Backtest acme" in repr(found)
    assert repr(found).endswith(f"lstm: {found.verdict}>")
    assert found.files == {}
    kept = kf.backtest(table, output_dir=tmp_path, **options)  # the folds of the command count
    assert set(kept.files) == {"forecasts", "scores", "report"}
    pd.testing.assert_frame_equal(kept.table, found.table)
    with pytest.raises(kf.SkillError):
        found.require_skill(1e-9)


def test_a_comparison_takes_names_files_and_models(written, table, tmp_path):
    other = written.save(tmp_path / "other.keras")
    found = kf.compare(["rnn", written, other], table, **TINY)
    assert list(found.verdicts) == ["rnn", "acme", "other"]
    rmse = found.scores.set_index("model")["rmse"]
    assert rmse["acme"] == rmse["other"] == pytest.approx(written.test.scores["model"]["rmse"], rel=1e-6)
    assert {"naive", "drift"} <= set(rmse.index)
    assert set(found.table.columns) >= {"date", "actual", "rnn", "acme", "other"}


@pytest.mark.parametrize("models", ["lstm", [], ["lstm", "lstm"], ["lstmm"]])
def test_models_to_compare_are_a_list_of_different_ones(models, table):
    with pytest.raises(kf.OptionError, match=r"odels? to compare must"):
        kf.compare(models, table, **TINY)


def test_a_panel_of_one_is_a_series_and_several_are_one_model(table):
    frame = pd.read_csv(table, index_col=0, parse_dates=True)
    model = kf.fit(frame, **TINY)
    assert same_weights(kf.fit(kf.Panel.of(model.series), **TINY), model)
    both = kf.Panel.joined([model.series, model.series], ["a", "b"])
    several = kf.fit(both, **TINY)
    assert (len(several.panel), several.series, several.manifest.data.series) == (2, None, 2)
    assert several.forecast(2).index.names == ["id", "date"]
    assert several.test.per_series["id"].tolist() == ["a", "b"]


@pytest.mark.same_everywhere
def test_a_newer_table_is_read_by_the_dates_that_the_model_learned_from(tmp_path):
    table = prices().rename_axis("Datum").reset_index()
    later = table.assign(Verfall=table["Datum"][::-1].to_numpy())
    model = kf.fit(later, date_column="Datum", **TINY)
    assert model.series.index.equals(prices().index)
    with pytest.raises(kf.KerasForecastError, match="Datum, Verfall, which all read as dates"):
        kf.fit(later, **TINY)
    path = tmp_path / "later.csv"
    later[::-1].to_csv(path, index=False)
    expected = model.forecast(2)
    pd.testing.assert_frame_equal(model.forecast(2, path), expected)
    pd.testing.assert_frame_equal(model.forecast(2, prices()), expected)
    assert model.evaluate(path).verdict == model.evaluate().verdict

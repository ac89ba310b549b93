"""The command line as its user has it: the installed program, real files, exit codes."""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from tests.backend.conftest import BACKEND, SMALL, prices

FLAGS = [part for name, value in SMALL.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def program(*arguments, **options):
    """The command in a process of its own, as a shell starts it."""
    command = [sys.executable, "-m", "kerasforecast_cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table and a model fitted from it by the command."""
    folder = tmp_path_factory.mktemp("fit")
    prices().to_csv(folder / "acme.csv")
    result = run("fit", folder / "acme.csv", "--output-dir", folder / "models", "--json", *FLAGS)
    assert result.exit_code == 0, result.output
    (folder / "fit.json").write_text(result.stdout)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return folder / "models" / "acme.keras"


def test_fit_writes_the_model_and_what_belongs_to_it(folder, model):
    assert model.is_file()
    assert sorted(path.name for path in (folder / "models" / "acme").iterdir()) == [
        "forecast.csv",
        "history.csv",
        "metrics.json",
        "report.html",
        "test_forecasts.csv",
    ]
    metrics = json.loads((folder / "models" / "acme" / "metrics.json").read_text())
    assert metrics["target"] == "Close"
    assert set(metrics["test"]["model"]) == set(metrics["test"]["naive"])
    assert {"rmse", "mae", "mape", "directional_accuracy"} <= set(metrics["test"]["model"])
    assert {"drift", "moving_average", "ewma", "ewma_fhs"} <= set(metrics["test"])
    assert set(metrics["test"]["ewma_fhs"]["coverage"]) == set(metrics["test"]["model"]["coverage"]) >= {"0.8", "0.95"}
    assert set(metrics["test"]["dm"]) == {"loss", "statistic", "p_value"}
    assert "naive" in metrics["verdict"]
    table = pd.read_csv(folder / "models" / "acme" / "test_forecasts.csv")
    assert list(table.columns)[:5] == ["date", "actual", "forecast", "naive", "q0.025"]
    assert len(table) == metrics["test"]["n"]
    error = np.sqrt(((table["forecast"] - table["actual"]) ** 2).mean())
    assert error == pytest.approx(metrics["test"]["model"]["rmse"], rel=1e-6)
    history = pd.read_csv(folder / "models" / "acme" / "history.csv")
    assert list(history["epoch"]) == [1, 2]
    assert {"loss", "val_loss", "learning_rate"} <= set(history.columns)


def test_json_on_stdout_is_one_object_with_the_same_scores(folder):
    printed = json.loads((folder / "fit.json").read_text())
    written = json.loads((folder / "models" / "acme" / "metrics.json").read_text())
    assert printed["test"] == written["test"]
    assert Path(printed["files"]["model"]).is_file()


def test_fit_prints_scores_and_one_verdict(folder):
    result = run("fit", folder / "acme.csv", "--output-dir", folder / "text", *FLAGS)
    assert result.exit_code == 0
    assert "RMSE" in result.stdout
    assert result.stdout.count("Verdict: ") == 1
    assert "epoch   1/2" in result.stderr
    assert "trained parameters" in result.stderr
    check_same_numbers(folder / "text" / "acme", result.stdout)


def check_same_numbers(run, printed):
    """What the terminal and the report say is what `metrics.json` says, contestant by contestant."""
    metrics = json.loads((run / "metrics.json").read_text())
    page = html.unescape((run / "report.html").read_text())
    table = page[page.index("<h2>Scores</h2>") :].partition("</table>")[0]
    rows = dict(re.findall(r'<tr[^>]*><th scope="row">([^<]*)</th>(.*?)</tr>', table))
    printed_rows = [line.split("  ") for line in printed.splitlines() if line.startswith("  ")]
    for name, scores in metrics["test"].items():
        if isinstance(scores, dict) and "rmse" in scores:
            texts = [f"{scores[key]:,.4f}" for key in ("rmse", "mae", "mase", "crps")]
            texts += [f"{share:.1%}" for share in scores["coverage"].values()]
            spoken = name.replace("_", " ")
            shown = re.findall("<td>([^<]*)</td>", rows[spoken])
            lines = [cell.strip() for row in printed_rows if spoken in row for cell in row]  # of two tables
            assert set(texts) <= set(lines)
            assert set(texts) <= set(shown)
    for verdict in (metrics["verdict"], metrics["interval_verdict"]):
        assert verdict[1:] in page  # a sentence there
        assert f": {verdict}" in re.sub(r"\n  (?=\S)", " ", printed)


@pytest.mark.same_everywhere
def test_quiet_leaves_only_results(folder):
    result = run("fit", folder / "acme.csv", "--output-dir", folder / "quiet", "--quiet", *FLAGS)
    assert result.stdout.startswith("Verdict: ")
    assert "RMSE" not in result.stdout
    assert result.stderr == ""


def test_predict_gives_dates_and_forecasts(folder, model):
    result = run("predict", model, "--steps", 3, "--json")
    rows = json.loads(result.stdout)["forecasts"]
    dates = pd.bdate_range(prices().index[-1], periods=4)[1:].strftime("%Y-%m-%d")
    assert [row["date"] for row in rows] == list(dates)
    expected = kf.load(model).forecast(3, folder / "acme.csv")["forecast"]
    assert [row["forecast"] for row in rows] == list(expected)
    assert list(rows[0]["quantiles"]) == ["0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975"]
    assert sorted(rows[2]["quantiles"].values()) == list(rows[2]["quantiles"].values())
    assert run("predict", model, folder / "acme.csv", "--steps", 3, "--json").stdout == result.stdout


def test_predict_prints_csv_or_writes_it(model, tmp_path):
    printed = run("predict", model, "--steps", 2)
    assert printed.stdout.splitlines()[0] == "date,forecast,q0.025,q0.1,q0.25,q0.5,q0.75,q0.9,q0.975"
    assert len(printed.stdout.splitlines()) == 3
    written = run("predict", model, "--steps", 2, "--output", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == printed.stdout
    assert written.stdout == ""


@pytest.mark.same_everywhere
def test_predict_draws_into_a_file_or_on_stderr(model, tmp_path):
    printed = run("predict", model, "--steps", 6)
    drawn = run("predict", model, "--steps", 6, "--plot")
    assert drawn.stdout == printed.stdout  # the chart is for a person
    assert "acme: forecast of Close\n" in drawn.stderr
    assert "95 % interval" in drawn.stderr
    narrowed = run("predict", model, "--steps", 6, "--levels", "0.1,0.9", "--plot").stderr
    assert ("95 % interval" in narrowed, "80 % interval" in narrowed) == (False, True)
    for kind in ("png", "svg", "html"):
        path = tmp_path / f"out.{kind}"
        assert run("predict", model, "--steps", 6, "--plot", path).stdout == printed.stdout
        assert path.stat().st_size > 5_000
    refused = run("predict", model, "--plot", "newer.csv")
    assert refused.exit_code == 2
    assert "put --plot last, without a file." in refused.stderr


def test_predict_prints_the_levels_that_are_chosen(model):
    """`--levels` are quantile levels, as those of `fit`."""
    lines = run("predict", model, "--levels", "0.9, 0.1,0.1").stdout.splitlines()
    assert lines[0] == "date,forecast,q0.1,q0.9"
    rows = json.loads(run("predict", model, "--levels", "0.5", "--json").stdout)["forecasts"]
    assert list(rows[0]["quantiles"]) == ["0.5"]
    for wrong, more in (("0.7", "'."), ("wide", "'."), ("0.8", "'. The interval that covers 0.8 is --levels 0.1,0.9.")):
        refused = run("predict", model, "--levels", f"0.1,{wrong}")
        one_line_error(refused, "--levels must name quantile levels that the model has: 0.025,0.1,", f"'{wrong}{more}")


@pytest.mark.same_everywhere
def test_a_model_is_found_by_its_name(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder / "models", tmp_path / "saved_models")
    expected = run("predict", folder / "models" / "acme.keras").stdout
    for name in ("acme", "acme.keras", "saved_models/acme", "./saved_models/acme"):
        assert run("predict", name).stdout == expected, name
    assert json.loads(run("inspect", "acme", "--json").stdout)["name"] == "acme"
    assert run("report", "acme").exit_code == 0
    assert "acme" in run("compare", "acme", "--file", folder / "acme.csv", "--quiet").stdout
    (tmp_path / "acme").mkdir()  # a folder is no model
    assert run("predict", "acme").stdout == expected
    for name in ("nosuch", "..", ".", "/", "saved_models"):
        one_line_error(run("predict", name), "no such model file")


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_data_that_is_wrong_is_refused_before_a_backend_loads(command, model, tmp_path):
    (tmp_path / "other.csv").write_text("Date,Open\n2020-01-01,1\n2020-01-02,2\n")
    for file, message in (("nosuch.csv", "no such file"), (tmp_path / "other.csv", "Close")):
        with program(command, model, file, env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}) as process:
            _, said = process.communicate(timeout=120)
        assert process.returncode == 2
        assert message in next(line for line in said.splitlines() if line.startswith("error: "))
        assert not re.search(r"\| +(keras|torch|jax|tensorflow)$", said, re.MULTILINE)


@pytest.mark.same_everywhere
def test_predict_says_when_the_data_has_changed(folder, model):
    changed = folder / "changed"
    changed.mkdir(exist_ok=True)
    (changed / "acme.csv").write_bytes((folder / "acme.csv").read_bytes())
    assert run("fit", changed / "acme.csv", "--output-dir", changed, *FLAGS).exit_code == 0
    prices(310).to_csv(changed / "acme.csv")
    result = run("predict", changed / "acme.keras")
    assert result.exit_code == 0
    assert "has changed since the model was trained" in result.stderr


def test_evaluate_scores_every_window_that_was_not_learned_from(folder, model):
    scores = json.loads(run("evaluate", model, folder / "acme.csv", "--json").stdout)
    assert scores["n"] == 45
    assert scores["learned"] == "202 in its training part and 45 in its validation part"
    assert scores["model"] == json.loads((model.with_suffix("") / "metrics.json").read_text())["test"]["model"]
    learned = run("evaluate", model, folder / "acme.csv", "--end", prices().index[200].date())
    assert learned.stdout.startswith("No verdict: the model has learned from all 193 windows (193 in its training")
    assert run("evaluate", model, "--end", prices().index[200].date(), "--require-skill", 0.5).exit_code == 4
    assert {"rmse", "mae", "mape", "directional_accuracy"} <= set(scores["model"])
    text = run("evaluate", model, folder / "acme.csv").stdout
    assert "Verdict: " in text


@pytest.mark.same_everywhere
def test_a_skill_gate_that_is_not_met_ends_with_4_after_the_files_are_written(folder, model, tmp_path):
    """A random walk cannot be forecast, so no honest model passes."""
    flags = ("--require-skill", "0.0001")
    fitted = run("fit", folder / "acme.csv", "--output-dir", tmp_path, "--json", *flags, *FLAGS)
    for result in (fitted, run("evaluate", model, folder / "acme.csv", "--json", *flags)):
        assert result.exit_code == 4
        assert json.loads(result.stdout)["verdict"]
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        assert "--require-skill: the model must be better than " in errors[0]
    assert (tmp_path / "acme.keras").is_file()
    assert (tmp_path / "acme" / "metrics.json").is_file()


def test_inspect_prints_the_manifest_and_checks_it(model):
    manifest = json.loads(run("inspect", model, "--json").stdout)
    assert manifest["name"] == "acme"
    assert manifest["checks"]["golden_error"] < 1e-5
    text = run("inspect", model).stdout
    for fact in ("acme", "277 trained, 245 saved", "golden batch met", "Verdict: "):
        assert fact in text


def test_the_report_of_a_fit_is_the_one_that_its_files_make(model):
    page = (model.with_suffix("") / "report.html").read_bytes()
    assert run("report", model).stdout == f"{model.with_suffix('') / 'report.html'}\n"
    assert (model.with_suffix("") / "report.html").read_bytes() == page


def test_doctor_reports_the_backend_in_use():
    facts = json.loads(run("doctor", "--json").stdout)
    assert facts["backend"] == BACKEND
    assert BACKEND in facts["installed"]
    assert {"device", "kernel", "python", "versions", "reason", "paths"} <= set(facts)
    assert f"backend      {BACKEND}" in run("doctor").stdout


def test_program_runs_on_the_embedded_sample_without_network(tmp_path):
    process = program("fit", "--epochs", 1, "--units", 2, "--json", cwd=tmp_path)
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert json.loads(out)["test"]["n"] == 491
    assert (tmp_path / "saved_models" / "ibm.keras").is_file()
    ahead = program("predict", tmp_path / "saved_models" / "ibm.keras", "--json", cwd=tmp_path)
    assert json.loads(ahead.communicate(timeout=300)[0])["forecasts"][0]["date"] == "2013-03-04"


def one_line_error(result, *words):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert result.stderr.rstrip().splitlines()[-1] == lines[0]
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in lines[0]


def table(folder, change):
    frame = prices().reset_index().astype({"Close": object})
    frame = change(frame)
    path = folder / "bad.csv"
    frame.to_csv(path, index=False)
    return path


def with_value(value, row=100):
    def change(frame):
        frame.loc[row, "Close"] = value
        return frame

    return change


def swapped(frame):
    frame.loc[[10, 11], "Date"] = frame.loc[[11, 10], "Date"].to_numpy()
    return frame


def doubled(frame):
    frame.loc[11, "Date"] = frame.loc[10, "Date"]
    return frame


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_value("n/k"), ["row 102", "column Close", "n/k"]),
        (with_value(-3.5), ["row 102", "Close", "positive", "-3.5", "--scaling difference"]),
        (swapped, ["row"]),
        (doubled, ["row", "--duplicates"]),
        (lambda frame: frame.rename(columns={"Close": "Notes"}).assign(Notes="x"), ["Close"]),
        (lambda frame: frame.head(12), ["12 rows"]),
        (lambda frame: frame.head(0), ["row"]),
    ],
    ids=["word", "negative", "order", "doubled", "no close", "short", "empty"],
)
def test_bad_tables_end_in_one_line_and_leave_nothing(tmp_path, change, words):
    path = table(tmp_path, change)
    result = run("fit", path, "--output-dir", tmp_path / "models", *FLAGS)
    one_line_error(result, "bad", *words)
    assert [left for left in (tmp_path / "models").rglob("*") if left.is_file()] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "absent.csv"], ["absent.csv", "no such file"]),
        (["fit", "--window", "3000"], ["3000"]),
        (["fit", "--window", "1"], ["--window", "Received: '1'"]),
        (["fit", "--units", "many"], ["--units", "'many'"]),
        (["fit", "--backend", "theano"], ["backend", "theano"]),
        (["fit", "--name", "../evil"], ["--name", "../evil"]),
        (["fit", "--scaling", "fancy"], ["fancy"]),
        (["fit", "a.csv", "--ticker", "IBM"], ["not both"]),
        (["fit", "--no-such-option"], ["--no-such-option"]),
        (["predict", "absent.keras"], ["absent.keras", "no such model file"]),
        (["predict"], ["MODEL"]),
        (["evaluate", "absent.keras"], ["no such model file"]),
        (["inspect", "absent.keras"], ["no such model file"]),
        (["import-torch", "absent.pt", "--out", "x.keras"], ["absent.pt" if BACKEND == "torch" else ""]),
        (["nonsense"], ["nonsense"]),
    ],
)
def test_bad_arguments_end_in_one_line(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    one_line_error(run(*arguments), *words)
    assert list(tmp_path.rglob("*.keras")) == []


def test_a_file_that_is_no_model_and_one_that_is_cut(model, tmp_path):
    (tmp_path / "text.keras").write_text("not a model")
    one_line_error(run("predict", tmp_path / "text.keras"), "whole .keras file")
    (tmp_path / "cut.keras").write_bytes(model.read_bytes()[:5000])
    one_line_error(run("inspect", tmp_path / "cut.keras"), "whole .keras file")


def test_steps_below_one_are_refused(model):
    one_line_error(run("predict", model, "--steps", 0), "--steps")


def test_an_absent_backend_names_the_extra_to_install():
    from kerasforecast.runtime.backend import BACKENDS, installed

    absent = [name for name in BACKENDS if name not in installed()]
    if not absent:
        pytest.skip("every backend is installed here")
    process = program("fit", "--backend", absent[0])
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2
    assert error.count("\n") == 1
    assert f"kerasforecast[{absent[0]}]" in error


def test_an_unwritable_output_folder_is_refused_before_training(folder, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("fit", folder / "acme.csv", "--output-dir", tmp_path / "file" / "models", *FLAGS)
    one_line_error(result, "folder that can be written")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_the_best_model_and_says_where(tmp_path, number, code):
    process = program(
        *("fit", "--epochs", 10_000, "--patience", 9_000, "--units", 2, "--layers", 1, "--name", "stopped"),
        cwd=tmp_path,
        # A test run in the background has SIGINT ignored, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    checkpoint = tmp_path / "saved_models" / "stopped" / "checkpoint.keras"
    while not checkpoint.exists():  # its own end, should it fail, ends the wait
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    process.send_signal(number)
    _, error = process.communicate(timeout=240)
    assert process.returncode == code, error
    last = error.rstrip().splitlines()[-1]
    assert last.startswith("error: Training was stopped. The best model so far (epoch ")
    assert "saved_models/stopped/checkpoint.keras" in last
    assert kf.load(checkpoint).manifest.training.complete is False
    assert not (tmp_path / "saved_models" / "stopped.keras").exists()


def test_one_thread_gives_the_same_bytes_twice(folder, tmp_path):
    weights = []
    for run_number in (1, 2):
        process = program(
            "fit", folder / "acme.csv", "--threads", 1, "--name", f"run{run_number}", "--quiet", *FLAGS, cwd=tmp_path
        )
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        loaded = kf.load(tmp_path / "saved_models" / f"run{run_number}.keras")
        weights.append([array.tobytes() for array in loaded.predictor.weights])
    assert weights[0] == weights[1]


def test_the_console_script_is_installed():
    script = shutil.which("kerasforecast", path=str(Path(sys.executable).parent))
    assert script
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert kf.__version__ in done.stdout

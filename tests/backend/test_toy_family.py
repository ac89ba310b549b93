"""A family that this package has never heard of, in one file beside this one: everything must follow from it."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import kerasforecast as kf
from kerasforecast.artifact.exchange.foreign import known_range
from kerasforecast.config import Config
from kerasforecast.errors import ArtifactError, InputError, OptionError
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import Member
from kerasforecast.sections.network import NetworkConfig
from tests.backend import toy
from tests.backend.conftest import prices
from tests.backend.test_artifact import rewritten

TOY = {"model": "toy", "window": 8, "epochs": 2, "batch_size": 16, "rows": 2}
FLAGS = ["--window", "8", "--epochs", "2", "--batch-size", "16"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "prices.csv"
    prices().to_csv(path)
    return path


@pytest.fixture(scope="module")
def fitted():
    return kf.fit(prices(), **TOY)


def run(*arguments):
    """The command line as it is where the family was registered before its flags were made."""
    import importlib
    import sys

    for name in [name for name in sys.modules if name.startswith("kerasforecast_cli")]:
        del sys.modules[name]
    return CliRunner().invoke(importlib.import_module("kerasforecast_cli.main").cli, list(arguments))


def test_it_is_one_short_file():
    assert len(Path(toy.__file__).read_text().splitlines()) < 60


def test_it_fits_with_its_own_scaling_and_says_what_it_is(fitted):
    assert fitted.config.network.scaling == "difference"
    assert fitted.config.network.describe() == "toy of 2 rows and 4 units"
    assert fitted.manifest.parameters.saved == 2 * 4 + 4 + 4 + 1
    assert np.isfinite(fitted.test.scores["model"]["rmse"])


@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
def test_it_is_saved_loaded_and_opened_by_plain_keras(quantiles, tmp_path):
    model = kf.fit(prices(), quantiles=quantiles, horizon=2, **TOY)
    path = model.save(tmp_path / "toy.keras")
    windows = model.series.values[:80].reshape(10, 8, 1)
    loaded = kf.load(path)
    np.testing.assert_array_equal(loaded.predict(windows), model.predict(windows))
    plain = keras.models.load_model(path).predict(windows.astype(np.float32), verbose=0)
    np.testing.assert_allclose(plain, model.predictor.outputs(windows), rtol=2e-6)


def test_commands_fit_backtest_compare_and_show_it(table, tmp_path):
    fit = run("fit", str(table), "--model", "toy", "--rows", "2", *FLAGS, "--output-dir", str(tmp_path))
    assert fit.exit_code == 0, fit.output
    assert "toy of 2 rows and 4 units on windows of 8" in fit.stderr
    shown = run("inspect", str(tmp_path / "prices.keras"))
    assert "toy of 2 rows and 4 units" in shown.stdout
    assert "toy of 2 rows and 4 units" in (tmp_path / "prices" / "report.html").read_text()
    walked = run(
        "backtest", str(table), "--model", "toy", "--rows", "2", "--folds", "2", *FLAGS, "--output-dir", str(tmp_path)
    )
    assert walked.exit_code == 0, walked.output
    compared = run(
        *("compare", "toy", "gru", str(tmp_path / "prices.keras"), "--file", str(table), "--rows", "3"),
        *("--layers", "1", *FLAGS, "--output-dir", str(tmp_path), "--json"),
    )
    assert compared.exit_code == 0, compared.output
    assert {"toy", "gru", "prices"} <= {row["model"] for row in json.loads(compared.stdout)}


def test_help_has_its_option_and_says_whose_it_is():
    text = " ".join(run("fit", "--help-all").output.split())
    assert "[lstm|gru|rnn|" in text and "|toy|auto]" in text
    assert "--rows INTEGER Last rows of the window that the toy looks at. Only toy. [default: 3]" in text
    assert "4 for toy" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model": "toy", "layers": 2},
            "layers= is no option of toy; only lstm, gru, rnn, peephole, coupled, patch, tide have it",
        ),
        ({"model": "lstm", "rows": 2}, "rows= is no option of lstm; only toy has it"),
        ({"model": "toy", "rows": 0}, "rows: input should be greater than or equal to 1"),
    ],
)
def test_options_of_another_family_are_refused_by_name(options, message):
    with pytest.raises(OptionError, match=f"^{message}"):
        Config.from_options(**options)


def test_it_has_no_inner_states_and_says_so(fitted):
    with pytest.raises(InputError, match=r"Inner states need a recurrent network\. Received: toy of 2 rows"):
        fitted.states(fitted.series.values[None, :8])


def test_its_size_is_bounded_by_its_own_arithmetic():
    levels = tuple(level / 1000 for level in range(5, 995, 10))
    network = NetworkConfig(model="toy", units=64, horizon=1000, quantiles=levels)
    member = Member(network=network, scaling=known_range(None, None))
    assert member.parameters_saved == 3 * 64 + 64 + 65 * 1000 * len(network.quantiles)
    check_size([member])
    with pytest.raises(InputError, match=r"33,554,432 parameters\. .* Use a smaller --units or --rows\."):
        check_size([member.model_copy(update={"weight": 1 / 6})] * 6)


def wrong_arrays(content):
    manifest = json.loads(content["kerasforecast.json"])
    manifest["members"][0]["network"]["options"]["rows"] = 3
    content["kerasforecast.json"] = json.dumps(manifest).encode()


def other_family(content):
    manifest = json.loads(content["kerasforecast.json"])
    manifest["members"][0]["network"]["model"] = "lstm"
    content["kerasforecast.json"] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [(wrong_arrays, "must list the weights that its members imply"), (other_family, "rows= is no option of lstm")],
)
def test_a_file_with_other_arrays_is_refused(fitted, tmp_path, change, message):
    path = rewritten(fitted.save(tmp_path / "toy.keras"), tmp_path / "bad.keras", change)
    with pytest.raises(ArtifactError, match=message):
        kf.load(path)


def test_its_file_names_its_own_layers_alone(fitted, tmp_path):
    with zipfile.ZipFile(fitted.save(tmp_path / "toy.keras")) as archive:
        graph = archive.read("config.json").decode()
    assert '"LSTM"' not in graph
    assert '"Dense"' in graph

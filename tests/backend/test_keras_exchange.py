"""Plain Keras models: refused as strangers, taken in by those who trust them, and then the same."""

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.artifact.exchange.keras_model import import_keras_model
from kerasforecast.errors import InputError
from kerasforecast.model import Model

layers = keras.layers


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def stack(*inner, horizon=1, window=6, **head):
    return keras.Sequential([keras.Input((window, 1)), *inner, layers.Dense(horizon, **head)])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "plain.keras"
    stack(layers.LSTM(4, return_sequences=True), layers.Dropout(0.1), layers.LSTM(4)).save(path)
    return path


@pytest.mark.parametrize("command", ["predict", "evaluate", "inspect"])
def test_a_plain_keras_model_is_refused_with_the_way_to_import_it(command, plain):
    result = run(command, plain)
    assert result.exit_code == 2
    assert "`kerasforecast import-keras --trust-keras-file`" in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_trust_nothing_is_opened(plain, tmp_path):
    result = run("import-keras", plain, "--out", tmp_path / "new.keras")
    assert result.exit_code == 2
    assert "Received: no --trust-keras-file" in result.stderr
    assert not (tmp_path / "new.keras").exists()


def test_with_trust_it_becomes_one_of_ours_and_forecasts_the_same(plain, tmp_path):
    out = tmp_path / "new.keras"
    result = run("import-keras", plain, "--out", out, "--trust-keras-file", "--minmax", 50, 150)
    assert result.exit_code == 0, result.output
    scaled = np.random.default_rng(1).uniform(size=(5, 6, 1)).astype(np.float32)
    theirs = 50 + 100 * np.asarray(keras.models.load_model(plain).predict_on_batch(scaled))
    np.testing.assert_allclose(kf.load(out).predict(50 + 100 * scaled), theirs, atol=1e-3)


@pytest.mark.parametrize(
    ("inner", "family"),
    [
        ([layers.GRU(3)], "gru"),
        ([layers.Bidirectional(layers.SimpleRNN(3))], "rnn"),
        ([layers.LSTM(3, return_sequences=True), layers.LayerNormalization(), layers.LSTM(3)], "lstm"),
    ],
    ids=["gru", "bidirectional", "normalised"],
)
def test_other_stacks_are_taken_in(inner, family, tmp_path):
    path = tmp_path / "plain.keras"
    network = stack(*inner, horizon=2)
    network.save(path)
    model = Model(*import_keras_model(path, target="Close"))
    windows = np.random.default_rng(2).uniform(size=(3, 6, 1)).astype(np.float32)
    np.testing.assert_allclose(model.predict(windows), network.predict_on_batch(windows), atol=1e-5)
    assert model.config.network.model == family


@pytest.mark.parametrize(
    "network",
    [
        stack(layers.LSTM(3), activation="tanh"),
        stack(layers.LSTM(3, activation="relu")),
        stack(layers.LSTM(3, return_sequences=True), layers.LSTM(4)),
        stack(layers.Flatten()),
    ],
    ids=["head that is not linear", "other activation", "unequal layers", "not recurrent"],
)
def test_other_architectures_are_refused(network, tmp_path):
    path = tmp_path / "plain.keras"
    network.save(path)
    with pytest.raises(InputError, match="must be a stack of equal LSTM"):
        import_keras_model(path, target="Close")


def test_code_in_the_file_is_refused_by_safe_mode(tmp_path):
    path = tmp_path / "code.keras"
    stack(layers.Lambda(lambda x: x), layers.LSTM(3)).save(path)
    with pytest.raises(InputError, match="must be a model that Keras opens in safe mode"):
        import_keras_model(path, target="Close")

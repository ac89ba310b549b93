"""Every recurrent family, end to end: trained, saved, opened here and in plain Keras, forecasting the same."""

import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast import layers
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.layers.direct import answering
from kerasforecast.models.member import Member
from kerasforecast.models.network import build, initialise, merged_weights, set_weights
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig
from tests.backend.conftest import SMALL, prices

CELLS = ["lstm", "gru", "rnn", "peephole", "coupled"]
ANCHOR = FittedScaling(kind="anchor", transforms=("log",), offset=(0.0,), scale=(0.02,))
PLAIN = {"lstm", "gru", "rnn"}


@pytest.mark.parametrize(
    ("model", "bidirectional", "norm"),
    [
        *((cell, False, "none") for cell in CELLS),
        ("gru", True, "layer"),
        ("lstm", True, "batch"),
        ("coupled", True, "none"),
    ],
)
def test_a_family_is_trained_saved_and_opened(model, bidirectional, norm, tmp_path):
    fitted = kf.fit(prices(), model=model, bidirectional=bidirectional, norm=norm, **SMALL)
    path = fitted.save(tmp_path / "family.keras")
    windows = fitted.series.values[:80].reshape(10, 8, 1)
    loaded = kf.load(path)
    np.testing.assert_array_equal(loaded.predict(windows), fitted.predict(windows))
    assert np.isfinite(loaded.forecast(3, prices())["forecast"]).all()
    plain = keras.models.load_model(path)  # for peephole and coupled: with our layers loaded, as they are here
    np.testing.assert_allclose(plain.predict(windows.astype(np.float32), verbose=0), fitted.predict(windows), rtol=2e-6)
    cells = {type(getattr(layer, "forward_layer", layer)).__module__.partition(".")[0] for layer in plain.layers}
    assert cells == ({"keras"} if model in PLAIN else {"keras", "kerasforecast"})


@pytest.mark.parametrize("model", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_parameters_by_arithmetic_are_those_built(model, bidirectional, norm):
    config = NetworkConfig(model=model, bidirectional=bidirectional, norm=norm, window=5, units=3, layers=2)
    trained = build(config, ANCHOR, "training")
    initialise(trained, config, 0)
    saved = Member(network=config, scaling=ANCHOR).parameters_saved
    assert saved == sum(array.size for array in merged_weights(trained))


@pytest.mark.parametrize(
    ("model", "bidirectional", "norm"),
    [("lstm", True, "batch"), ("gru", False, "layer"), ("coupled", True, "none")],
)
def test_every_role_forecasts_the_same(model, bidirectional, norm):
    config = NetworkConfig(
        model=model, bidirectional=bidirectional, norm=norm, window=5, units=3, layers=2, initializer="torch"
    )
    trained = build(config, ANCHOR, "training")
    initialise(trained, config, 0)
    x = (100 + np.cumsum(np.random.default_rng(0).normal(size=(4, 5, 1)), axis=1)).astype(np.float32)
    expected = ANCHOR.restore(x.astype(np.float64), np.asarray(trained.predict_on_batch(x), np.float64))
    for role in ("inference", "export"):
        network = build(config, ANCHOR, role)
        set_weights(network, merged_weights(trained))
        np.testing.assert_allclose(np.asarray(network.predict_on_batch(x)), expected, rtol=1e-6)
        answer = answering(network)
        np.testing.assert_allclose(answer(x), expected, rtol=1e-6)
        set_weights(network, [array + 0.1 for array in merged_weights(trained)])  # as folds of a backtest do
        np.testing.assert_allclose(answer(x), np.asarray(network.predict_on_batch(x)), rtol=1e-6)


@pytest.mark.parametrize(("model", "kinds"), [("lstm", 2), ("gru", 1), ("rnn", 1), ("peephole", 2), ("coupled", 2)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_states_of_every_layer_and_direction(model, kinds, bidirectional):
    config = NetworkConfig(model=model, bidirectional=bidirectional, window=5, units=3, layers=1)
    trained = build(config, ANCHOR, "training")
    initialise(trained, config, 0)
    predictor = Predictor([Member(network=config, scaling=ANCHOR)], merged_weights(trained))
    states = predictor.states(np.linspace(90, 110, 10).reshape(2, 5, 1))
    assert len(states) == kinds
    assert {state.shape for state in states} == {(1 + bidirectional, 2, 3)}
    assert np.ptp(states[0]) > 0


def test_export_names_keras_own_initialisers():
    """Someone who clones the plain model to train it anew must not start from zeros."""
    network = build(NetworkConfig(window=5, units=3), ANCHOR, "export")
    config = network.get_layer("lstm_1").get_config()
    assert config["kernel_initializer"]["class_name"] == "GlorotUniform"
    assert config["recurrent_initializer"]["class_name"] == "Orthogonal"


def test_layers_of_training_are_ours_and_run_our_kernels():
    network = build(NetworkConfig(window=5, units=3), ANCHOR, "training")
    assert isinstance(network.get_layer("lstm_1"), layers.LSTM)
    assert isinstance(
        build(NetworkConfig(model="gru", window=5, units=3), ANCHOR, "training").get_layer("gru_2"), layers.GRU
    )

"""The reference model: its size, its shapes, its starting weights and its arithmetic."""

import keras
import numpy as np
import pytest

from kerasforecast.models.member import Member
from kerasforecast.models.network import build, build_states, initialise, merged_weights, set_weights
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig

GOLDEN_KERNEL = [0.1592080444, 0.1218307167, -0.0120640015]
GOLDEN_RECURRENT = [-0.0808807462, -0.0607161522, -0.0324858464]

REFERENCE = NetworkConfig()
ANCHOR = FittedScaling(kind="anchor", transforms=("log",), offset=(0.0,), scale=(0.02,))


def trained_network(config=REFERENCE, scaling=ANCHOR, seed=0):
    model = build(config, scaling, "training", seed)
    initialise(model, config, seed)
    return model


def windows(count=3, length=60, columns=1, seed=1):
    random = np.random.default_rng(seed)
    return (100 * np.exp(np.cumsum(0.02 * random.normal(size=(count, length, columns)), axis=1))).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_the_equations(inputs, weights):
    """SPEC's LSTM, layer by layer, in float64: f, i, g, o, c', h'."""
    *recurrent, head_kernel, head_bias = [np.asarray(array, np.float64) for array in weights]
    sequence, finals = inputs, []
    for layer in range(len(recurrent) // 3):
        kernel, recurrent_kernel, bias = recurrent[3 * layer : 3 * layer + 3]
        units = len(recurrent_kernel)
        h = c = np.zeros((len(sequence), units))
        outputs = []
        for step in range(sequence.shape[1]):
            gates = sequence[:, step] @ kernel + h @ recurrent_kernel + bias
            i, f, g, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        sequence = np.stack(outputs, axis=1)
        finals.append((h, c))
    return sequence[:, -1] @ head_kernel + head_bias, finals


def test_reference_model_has_the_specified_parameters():
    model = trained_network()
    by_layer = {layer.name: layer.count_params() for layer in model.layers if layer.weights}
    assert by_layer["lstm_1"] == 10_600
    assert by_layer["lstm_2"] == 20_400
    assert by_layer["head"] == 51
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 31_051


def test_both_dropouts_stand_where_the_specification_has_them():
    model = trained_network()
    names = [layer.name for layer in model.layers if layer.name.startswith(("lstm", "dropout", "head"))]
    assert names == ["lstm_1", "dropout_1", "lstm_2", "dropout_2", "head"]
    assert [model.get_layer(f"dropout_{n}").rate for n in (1, 2)] == [0.2, 0.2]


def test_merged_model_is_smaller_and_forecasts_the_same():
    model = trained_network(NetworkConfig(initializer="torch"))
    merged = build(REFERENCE, ANCHOR, "inference")
    set_weights(merged, merged_weights(model))
    export = build(REFERENCE, ANCHOR, "export")
    set_weights(export, merged_weights(model))
    x = windows()
    scaled = np.asarray(model.predict_on_batch(x), np.float64)
    raw = np.asarray(merged.predict_on_batch(x), np.float64)
    assert merged.count_params() == export.count_params() == 30_651
    np.testing.assert_allclose(ANCHOR.restore(x.astype(np.float64), scaled), raw, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(export.predict_on_batch(x)), raw, rtol=1e-6)


@pytest.mark.parametrize("kind", ["anchor", "difference", "minmax", "standard", "none"])
@pytest.mark.parametrize("columns", [1, 3])
def test_network_computes_the_equations(kind, columns):
    config = NetworkConfig(window=12, units=5, layers=3, horizon=2, scaling=kind)
    x = windows(4, 12, columns)
    scaling = fit_scaling(kind, x.astype(np.float64), tuple("abc"[:columns]))
    model = build(config, scaling, "inference")
    random = np.random.default_rng(3)
    weights = [random.normal(scale=0.3, size=weight.shape).astype(np.float32) for weight in model.get_weights()]
    set_weights(model, weights)
    scaled, states = lstm_by_the_equations(scaling.inputs(x.astype(np.float64)), weights)
    expected = scaling.restore(x.astype(np.float64), scaled)
    np.testing.assert_allclose(np.asarray(model.predict_on_batch(x)), expected, rtol=2e-5, atol=1e-5)

    state_model = build_states(config, scaling)
    set_weights(state_model, weights[:-2])
    outputs = [np.asarray(output) for output in state_model.predict_on_batch(x)]
    for layer, (h, c) in enumerate(states):
        np.testing.assert_allclose(outputs[2 * layer], h, atol=2e-5)
        np.testing.assert_allclose(outputs[2 * layer + 1], c, atol=2e-5)


def test_starting_weights_are_the_same_on_every_backend():
    kernel, recurrent_kernel, bias, recurrent_bias = trained_network().get_layer("lstm_1").get_weights()
    np.testing.assert_allclose(kernel[0, :3], GOLDEN_KERNEL, atol=1e-6)
    np.testing.assert_allclose(recurrent_kernel[0, :3], GOLDEN_RECURRENT, atol=1e-6)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 50))
    np.testing.assert_array_equal(recurrent_bias, np.zeros(200))
    np.testing.assert_allclose(recurrent_kernel @ recurrent_kernel.T, np.eye(50), atol=1e-5)


def test_torch_initialiser_draws_within_its_bound_and_uses_it():
    config = NetworkConfig(initializer="torch")
    for array in trained_network(config).get_layer("lstm_2").get_weights():
        bound = 1 / np.sqrt(50)
        assert np.abs(array).max() <= bound
        assert np.abs(array).max() > 0.9 * bound


def test_he_and_orthogonal_starts():
    he, orthogonal = (
        trained_network(NetworkConfig(initializer=name)).get_layer("lstm_2").get_weights()
        for name in ("he", "orthogonal")
    )
    assert 0.9 * np.sqrt(6 / 50) < np.abs(he[0]).max() <= np.sqrt(6 / 50)
    for kernel in orthogonal[:2]:
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(50), atol=1e-5)


def test_seeds_differ_and_repeat():
    first, again, other = (trained_network(seed=seed).get_layer("lstm_1").get_weights()[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_dropout_acts_in_training_only():
    model = trained_network()
    x = windows()
    still = [np.asarray(keras.ops.convert_to_numpy(model(x, training=False))) for _ in range(2)]
    noisy = [np.asarray(keras.ops.convert_to_numpy(model(x, training=True))) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    assert not np.array_equal(*noisy)


@pytest.mark.parametrize(
    ("config", "columns"),
    [({}, 1), ({"units": 7, "layers": 3, "horizon": 4}, 1), ({"units": 3, "layers": 1}, 4), ({"scaling": "minmax"}, 2)],
)
def test_parameter_count_by_arithmetic_is_what_is_built(config, columns):
    config = NetworkConfig(window=6, **config)
    scaling = fit_scaling(config.scaling, windows(2, 6, columns).astype(np.float64), tuple("abcd"[:columns]))
    member = Member(network=config, scaling=scaling)
    assert member.parameters_saved == build(config, scaling, "export").count_params()

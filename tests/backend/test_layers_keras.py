"""Our layers against Keras' own with the same weights: the same arguments, config, weights, results, and files."""

import keras
import numpy as np
import pytest

from kerasforecast import layers
from kerasforecast.errors import OptionError
from tests.backend.test_layers_reference import BATCH, FEATURES, STEPS, UNITS, data, numpy_of, randomised

PAIRS = {
    "lstm": (layers.LSTM, keras.layers.LSTM, {}),
    "lstm without bias": (layers.LSTM, keras.layers.LSTM, {"use_bias": False}),
    "gru": (layers.GRU, keras.layers.GRU, {}),
    "gru without bias": (layers.GRU, keras.layers.GRU, {"use_bias": False}),
    "gru reset before": (layers.GRU, keras.layers.GRU, {"reset_after": False}),
    "gru reset before without bias": (layers.GRU, keras.layers.GRU, {"reset_after": False, "use_bias": False}),
    "simple rnn": (layers.SimpleRNN, keras.layers.SimpleRNN, {}),
    "simple rnn without bias": (layers.SimpleRNN, keras.layers.SimpleRNN, {"use_bias": False}),
}
OURS = ["LSTM", "GRU", "SimpleRNN", "PeepholeLSTM", "CoupledLSTM"]


def pair(which, **options):
    ours, stock, own = PAIRS[which]
    ours, stock = randomised(ours(UNITS, **own, **options)), stock(UNITS, **own, **options)
    stock.build((BATCH, STEPS, FEATURES))
    stock.set_weights(ours.keras_weights())
    return ours, stock


def assert_same(ours, stock, *args, atol=2e-6, **kwargs):
    found, expected = ours(*args, **kwargs), stock(*args, **kwargs)
    found, expected = ([a] if not isinstance(a, (list, tuple)) else a for a in (found, expected))
    for a, b in zip(numpy_of(found), numpy_of(expected), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a.astype("float32"), b.astype("float32"), atol=atol, rtol=0)


@pytest.mark.parametrize("name", PAIRS)
def test_config_and_weights_are_keras_own(name):
    ours, stock = pair(name, name="recurrent")
    assert ours.get_config() == stock.get_config()
    assert [weight.path for weight in ours.weights] == [weight.path for weight in stock.weights]
    assert [weight.shape for weight in ours.weights] == [weight.shape for weight in stock.weights]


@pytest.mark.parametrize("name", PAIRS)
def test_results_are_keras_own(name):
    ours, stock = pair(name)
    assert_same(ours, stock, data(1)[0])


@pytest.mark.parametrize("name", ["lstm", "gru", "gru reset before", "simple rnn"])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_sequences_and_states_are_keras_own(name, go_backwards):
    ours, stock = pair(name, go_backwards=go_backwards, return_sequences=True, return_state=True)
    x, states = data(len(ours.state_size))
    assert_same(ours, stock, x, initial_state=states)


def test_unrolling_changes_nothing():
    ours, stock = pair("lstm", unroll=True)
    assert_same(ours, stock, data(1)[0])


@pytest.mark.parametrize("name", ["lstm", "gru", "simple rnn"])
def test_masks_are_keras_own(name):
    ours, stock = pair(name, return_sequences=True, return_state=True)
    x, _ = data(1)
    mask = np.arange(STEPS)[None] < np.array([5, STEPS, 1, 6])[:, None]
    mask[1, 3:6] = False
    assert_same(ours, stock, x, mask=mask)
    unmasked, *_ = numpy_of(ours(x))
    masked, *_ = numpy_of(ours(x, mask=mask))
    assert np.abs(unmasked - masked).max() > 1e-2


@pytest.mark.parametrize("name", ["lstm", "gru", "simple rnn"])
def test_states_carry_over_from_call_to_call(name):
    ours, stock = pair(name, stateful=True)
    x, _ = data(1)
    first, _ = numpy_of([ours(x), stock(x)])
    assert_same(ours, stock, x)
    ours.reset_state()
    again, third = numpy_of([ours(x), ours(x)])
    np.testing.assert_array_equal(again, first)
    assert np.abs(third - first).max() > 1e-4


@pytest.mark.parametrize(("name", "merge"), [("lstm", "concat"), ("lstm", None), ("gru", "sum"), ("simple rnn", "mul")])
def test_bidirectional_is_keras_own(name, merge):
    ours, stock = pair(name, return_sequences=True)
    both = [keras.layers.Bidirectional(layer, merge_mode=merge) for layer in (ours, stock)]
    for layer in both:
        layer.build((None, STEPS, FEATURES))
    both[1].set_weights(both[0].get_weights())
    x, _ = data(1)
    assert type(both[0].backward_layer) is type(ours)
    assert_same(*both, x)


def test_bidirectional_sees_the_second_bias():
    layer = layers.LSTM(UNITS, recurrent_bias=True, recurrent_bias_initializer="ones")
    both = keras.layers.Bidirectional(layer)
    stock = keras.layers.Bidirectional(keras.layers.LSTM(UNITS))
    for each in (both, stock):
        each.build((None, STEPS, FEATURES))
    stock.set_weights([*both.forward_layer.keras_weights(), *both.backward_layer.keras_weights()])
    assert_same(both, stock, data(1)[0])


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("name", ["lstm", "gru", "simple rnn"])
def test_other_precisions_are_keras_own(name, dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX computes in float64 only where the whole process is told to")
    ours, stock = pair(name, dtype=dtype, return_sequences=True)
    assert_same(ours, stock, data(1)[0].astype(ours.compute_dtype), atol=1e-6 if dtype == "float64" else 2e-2)


@pytest.mark.parametrize("name", ["lstm", "gru", "simple rnn"])
def test_input_dropout_drops_features_for_all_steps(name):
    """With a rate of one half a feature is either gone or doubled in the whole window."""
    ours, _ = pair(name, dropout=0.5, seed=3)
    x, _ = data(1)
    (found,) = numpy_of([ours(x, training=True)])
    kept = np.array(np.meshgrid(*[[0, 2]] * FEATURES)).T.reshape(-1, FEATURES)
    possible = np.stack(numpy_of([ours(x * drop[None, None].astype("float32")) for drop in kept]))
    distance = np.abs(possible - found[None]).max(-1).min(0)
    np.testing.assert_allclose(distance, 0, atol=2e-6)
    np.testing.assert_allclose(*numpy_of([ours(x, training=False), ours(x)]))


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("options", [{}, {"dropout": 0.3, "recurrent_dropout": 0.2}], ids=["plain", "dropout"])
def test_config_round_trip(name, options):
    layer = getattr(layers, name)(UNITS, return_sequences=True, go_backwards=True, seed=1, **options)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert numpy_of([layer(data(1)[0], training=True)])[0].shape == (BATCH, STEPS, UNITS)


def test_config_round_trip_of_the_second_bias():
    layer = layers.LSTM(50, recurrent_bias=True, recurrent_bias_initializer="ones", name="two")
    again = layers.LSTM.from_config(layer.get_config())
    again.build((None, STEPS, 1))
    assert again.get_config() == layer.get_config()
    assert again.count_params() == 10_600
    assert [weight.name for weight in again.weights] == ["kernel", "recurrent_kernel", "bias", "recurrent_bias"]
    np.testing.assert_array_equal(again.get_weights()[3], 1)
    assert set(layer.get_config()) - set(layers.LSTM(50).get_config()) == {
        "recurrent_bias",
        "recurrent_bias_initializer",
    }


@pytest.mark.parametrize(("name", "bidirectional"), [*((name, False) for name in OURS), ("PeepholeLSTM", True)])
def test_a_saved_model_opens_with_equal_outputs(name, bidirectional, tmp_path):
    layer = getattr(layers, name)(UNITS, return_sequences=True)
    if name.endswith("LSTM"):
        layer = getattr(layers, name)(UNITS, return_sequences=True, recurrent_bias=True)
    inputs = keras.Input((STEPS, FEATURES))
    outputs = keras.layers.Bidirectional(layer)(inputs) if bidirectional else layer(inputs)
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.4, weight.shape) for weight in model.weights])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x, _ = data(1)
    np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


def test_options_that_exclude_each_other():
    with pytest.raises(OptionError, match="use_bias"):
        layers.LSTM(2, recurrent_bias=True, use_bias=False)
    with pytest.raises(OptionError, match="use_cudnn"):
        layers.PeepholeLSTM(2, use_cudnn=True)
    with pytest.raises(OptionError, match="use_cudnn"):
        layers.LSTM(2, use_cudnn="maybe")
    with pytest.raises(OptionError, match="keras_weights"):
        layers.CoupledLSTM(2).keras_weights()
    with pytest.raises(ValueError, match="unknown_option"):
        layers.LSTM(2, unknown_option=1)

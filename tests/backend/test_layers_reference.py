"""Every cell against NumPy (tests/reference_cells.py), step by step, gate by gate, and against fixed numbers."""

import keras
import numpy as np
import pytest

from kerasforecast import layers
from kerasforecast.runtime.backend import device_name
from tests.backend import reference_cells as reference

UNITS, FEATURES, STEPS, BATCH = 6, 3, 8, 4
# cuDNN sums in another order and takes a faster tanh: up to 5e-6 off on a GPU, a few 1e-7 on a processor.
EXACT = 1e-6 if device_name(keras.backend.backend()) == "cpu" else 1e-5
CELLS = {
    "lstm": (layers.LSTM, {}, reference.lstm),
    "lstm two biases": (layers.LSTM, {"recurrent_bias": True}, reference.lstm),
    "peephole": (layers.PeepholeLSTM, {}, reference.peephole),
    "coupled": (layers.CoupledLSTM, {}, reference.coupled),
    "gru": (layers.GRU, {"reset_after": False}, reference.gru),
    "gru reset after": (layers.GRU, {"reset_after": True}, reference.gru_reset_after),
    "simple rnn": (layers.SimpleRNN, {}, reference.simple_rnn),
}


def randomised(layer, features=FEATURES, seed=0):
    """`layer`, built, with every weight drawn anew (biases and peepholes start at zero and would hide mistakes)."""
    layer.build((BATCH, STEPS, features))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.4, weight.shape).astype("float32") for weight in layer.weights])
    return layer


def weights_of(layer):
    """The layer's weights in float64, the two biases of an LSTM as their sum."""
    weights = [np.asarray(weight, "float64") for weight in layer.get_weights()]
    if getattr(layer, "recurrent_bias", False):
        weights[2:4] = [weights[2] + weights[3]]
    return weights


def numpy_of(tensors):
    return [keras.ops.convert_to_numpy(tensor) for tensor in tensors]


def data(states, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    return x, [rng.normal(size=(BATCH, UNITS)).astype("float32") for _ in range(states)]


@pytest.mark.parametrize("name", CELLS)
def test_every_step_agrees_with_numpy(name):
    cell, options, formula = CELLS[name]
    layer = randomised(cell(UNITS, return_sequences=True, return_state=True, **options))
    x, states = data(len(layer.state_size))
    outputs, *final = numpy_of(layer(x, initial_state=states))
    expected = formula(x.astype("float64"), *(s.astype("float64") for s in states), *weights_of(layer))
    np.testing.assert_allclose(outputs, expected["h"], atol=EXACT, rtol=0)
    for state, key in zip(final, ("h", "c"), strict=False):
        np.testing.assert_allclose(state, expected[key][:, -1], atol=EXACT, rtol=0)


@pytest.mark.parametrize("name", CELLS)
def test_the_last_output_alone_is_the_last_of_all(name):
    cell, options, formula = CELLS[name]
    layer = randomised(cell(UNITS, **options))
    x, states = data(len(layer.state_size))
    (output,) = numpy_of([layer(x, initial_state=states)])
    expected = formula(x.astype("float64"), *(s.astype("float64") for s in states), *weights_of(layer))
    np.testing.assert_allclose(output, expected["h"][:, -1], atol=EXACT, rtol=0)


@pytest.mark.parametrize("cell", ["LSTM", "PeepholeLSTM"])
@pytest.mark.parametrize("gate", ["i", "f", "g", "o"])
def test_each_gate_of_an_lstm_agrees_with_numpy(cell, gate):
    """One step, with the other gates held open or shut through the bias, so that c or h is the gate in question."""
    layer = randomised(getattr(layers, cell)(UNITS, return_state=True))
    weights = layer.get_weights()
    forced = {"i": {"g": 30, "f": -30}, "f": {"i": -30}, "g": {"i": 30, "f": -30}, "o": {}}[gate]
    for other, value in forced.items():
        k = "ifgo".index(other)
        weights[2][k * UNITS : (k + 1) * UNITS] = value
    layer.set_weights(weights)
    x, (h, c) = data(2)
    c = np.ones_like(c)
    _, h_next, c_next = numpy_of(layer(x[:, :1], initial_state=[h, c]))
    found = h_next / np.tanh(c_next) if gate == "o" else c_next
    formula = {"LSTM": reference.lstm, "PeepholeLSTM": reference.peephole}[cell]
    expected = formula(x[:, :1].astype("float64"), h.astype("float64"), c.astype("float64"), *weights_of(layer))
    np.testing.assert_allclose(found, expected[gate][:, 0], atol=EXACT if gate != "o" else 3 * EXACT, rtol=0)


GOLDEN = {
    "lstm": [[0.076229, -0.168583], [0.006142, -0.260071]],
    "lstm two biases": [[-0.220634, -0.544381], [-0.272583, -0.560198]],
    "peephole": [[0.058166, -0.238557], [-0.010552, -0.397144]],
    "coupled": [[0.322312, 0.197415], [0.328662, 0.232503]],
    "gru": [[0.343201, -0.249127], [0.405799, 0.043296]],
    "gru reset after": [[0.502877, -0.61], [0.619167, -0.381099]],
    "simple rnn": [[-0.647826, 0.260326], [-0.774911, -0.149283]],
}


def golden_output(name):
    """Weights and inputs from sines, so that no generator of random numbers has a part."""
    cell, options, _ = CELLS[name]
    layer = cell(2, **options)
    layer.build((None, 5, 1))
    sizes = [int(np.prod(weight.shape)) for weight in layer.weights]
    ends = np.cumsum(sizes)
    layer.set_weights(
        [
            np.sin(np.arange(end - size, end, dtype="float64")).reshape(weight.shape).astype("float32")
            for weight, size, end in zip(layer.weights, sizes, ends, strict=True)
        ]
    )
    x = np.cos(np.arange(10, dtype="float64")).reshape(2, 5, 1).astype("float32")
    return keras.ops.convert_to_numpy(layer(x))


@pytest.mark.parametrize("name", CELLS)
def test_golden_numbers(name):
    np.testing.assert_allclose(golden_output(name), GOLDEN[name], atol=1e-5, rtol=0)

"""LSTM, GRU and the plain RNN against `torch.nn`, given the same weights. Runs under any backend beside PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import keras  # noqa: E402

from kerasforecast import layers  # noqa: E402
from tests.backend.test_layers_reference import EXACT, FEATURES, UNITS, data, numpy_of, randomised  # noqa: E402


def swapped(weight):
    """PyTorch's gates r, z, n as Keras' z, r, n, along the last axis."""
    r, z, n = np.split(weight, 3, axis=-1)
    return np.concatenate([z, r, n], axis=-1)


def to_torch(layer, module):
    weights = layer.get_weights()
    if isinstance(layer, layers.GRU):
        weights = [swapped(weight) for weight in weights]
        weights[2:] = list(weights[2])
    if isinstance(layer, layers.SimpleRNN):
        weights.append(np.zeros_like(weights[2]))
    for parameter, weight in zip(module.parameters(), weights, strict=True):
        parameter.data = torch.tensor(weight.T)
    return module


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda **o: layers.LSTM(UNITS, recurrent_bias=True, **o), torch.nn.LSTM),
        (lambda **o: layers.GRU(UNITS, **o), torch.nn.GRU),
        (lambda **o: layers.SimpleRNN(UNITS, **o), torch.nn.RNN),
    ],
    ids=["LSTM", "GRU", "RNN"],
)
def test_agrees_with_torch(ours, theirs):
    layer = randomised(ours(return_sequences=True, return_state=True))
    module = to_torch(layer, theirs(FEATURES, UNITS, batch_first=True))
    x, states = data(len(layer.state_size))
    outputs, *final = numpy_of(layer(x, initial_state=states))
    start = tuple(torch.tensor(state)[None] for state in states)
    expected, last = module(torch.tensor(x), start if len(start) > 1 else start[0])
    np.testing.assert_allclose(outputs, expected.detach().numpy(), atol=EXACT, rtol=0)
    for state, other in zip(final, last if isinstance(last, tuple) else (last,), strict=True):
        np.testing.assert_allclose(state, other[0].detach().numpy(), atol=EXACT, rtol=0)


def test_gates_of_torch_gru_are_those_of_keras_swapped():
    """`swapped` is what a reader needs to carry GRU weights over; it must be its own inverse and change something."""
    weight = np.arange(6.0)
    np.testing.assert_array_equal(swapped(swapped(weight)), weight)
    assert keras.layers.GRU(1).reset_after
    assert not np.array_equal(swapped(weight), weight)

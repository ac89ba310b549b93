"""The gradients of the kernels against automatic differentiation of the plain formulas, on each backend."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasforecast import layers
from tests.backend.test_layers_reference import BATCH, FEATURES, STEPS, UNITS


@pytest.fixture
def on_cpu():
    """The kernels are a CPU's: elsewhere they step aside, and here they are called by their names."""
    with keras.device("cpu"):
        yield


KINDS = ["lstm", "lstm peephole", "lstm coupled", "gru reset after", "gru reset before", "simple_rnn"]


def lstm_step(x, states, kernel, recurrent_kernel, bias):
    h, c = states
    i, f, g, o = ops.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def peephole_step(x, states, kernel, recurrent_kernel, bias, p):
    h, c = states
    i, f, g, o = ops.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
    c, before = ops.sigmoid(f + p[1] * c) * c, c
    c = c + ops.sigmoid(i + p[0] * before) * ops.tanh(g)
    return ops.sigmoid(o + p[2] * c) * ops.tanh(c), c


def coupled_step(x, states, kernel, recurrent_kernel, bias):
    h, c = states
    f, g, o = ops.split(x @ kernel + h @ recurrent_kernel + bias, 3, axis=1)
    c = ops.sigmoid(f) * c + (1 - ops.sigmoid(f)) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_after_step(x, states, kernel, recurrent_kernel, bias):
    (h,) = states
    x_z, x_r, x_n = ops.split(x @ kernel + bias[0], 3, axis=1)
    h_z, h_r, h_n = ops.split(h @ recurrent_kernel + bias[1], 3, axis=1)
    z = ops.sigmoid(x_z + h_z)
    return (z * h + (1 - z) * ops.tanh(x_n + ops.sigmoid(x_r + h_r) * h_n),)


def gru_before_step(x, states, kernel, recurrent_kernel, bias):
    (h,) = states
    x_z, x_r, x_n = ops.split(x @ kernel + bias, 3, axis=1)
    u_z, u_r, u_n = ops.split(recurrent_kernel, 3, axis=1)
    z, r = ops.sigmoid(x_z + h @ u_z), ops.sigmoid(x_r + h @ u_r)
    return (z * h + (1 - z) * ops.tanh(x_n + (r * h) @ u_n),)


def simple_rnn_step(x, states, kernel, recurrent_kernel, bias):
    (h,) = states
    return (ops.tanh(x @ kernel + h @ recurrent_kernel + bias),)


FORMULAS = [lstm_step, peephole_step, coupled_step, gru_after_step, gru_before_step, simple_rnn_step]
STEP = dict(zip(KINDS, FORMULAS, strict=True))


def plain(kind, x, states, weights):
    outputs = []
    for t in range(STEPS):
        states = STEP[kind](x[:, t], states, *weights)
        outputs.append(states[0])
    return ops.stack(outputs, axis=1), states


def kernel(kind, x, states, weights, return_sequences):
    from kerasforecast.layers import kernels

    module = kernels.load(keras.backend.backend())
    options = {"reset_after": kind == "gru reset after"} if kind.startswith("gru") else {}
    if kind == "lstm peephole":
        *weights, options["peepholes"] = weights
    run = getattr(module, kind.split()[0])
    return run(x, tuple(states), *weights, return_sequences=return_sequences, **options)


def arguments(kind):
    """x, states, kernel, recurrent_kernel, bias (peepholes), then weights for a loss of every output."""
    rng = np.random.default_rng(2)
    gates = {"lstm": 4, "lstm peephole": 4, "simple_rnn": 1}.get(kind, 3)
    bias = (2, 3 * UNITS) if kind == "gru reset after" else (gates * UNITS,)
    shapes = [(BATCH, STEPS, FEATURES)] + [(BATCH, UNITS)] * (2 if kind.startswith("lstm") else 1)
    shapes += [(FEATURES, gates * UNITS), (UNITS, gates * UNITS), bias]
    shapes += [(3, UNITS)] if kind == "lstm peephole" else []
    arrays = [rng.normal(0, 0.4, shape).astype("float32") for shape in shapes]
    return arrays, [rng.normal(size=(BATCH, *rest)).astype("float32") for rest in ((STEPS, UNITS), (UNITS,), (UNITS,))]


def gradients(loss, arrays):
    """d loss / d each array, by the backend's own automatic differentiation."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return [np.asarray(g) for g in jax.grad(lambda a: loss(*a))([jax.numpy.asarray(a) for a in arrays])]
    if backend == "tensorflow":
        import tensorflow as tf

        tensors = [tf.constant(a) for a in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = loss(*tensors)
        return [g.numpy() for g in tape.gradient(value, tensors)]
    import torch

    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    return [g.numpy() for g in torch.autograd.grad(loss(*tensors), tensors)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("return_sequences", [True, False])
def test_gradients_agree_with_automatic_differentiation(on_cpu, kind, return_sequences):
    arrays, (of_outputs, *of_states) = arguments(kind)
    count = 2 if kind.startswith("lstm") else 1

    def loss(run, x, *rest):
        outputs, final = run(x, rest[:count], rest[count:])
        weights = ops.convert_to_tensor(of_outputs if return_sequences else of_outputs[:, -1])
        states = sum(ops.sum(ops.sin(s) * ops.convert_to_tensor(w)) for s, w in zip(final, of_states, strict=False))
        return ops.sum(outputs * weights) + states

    def formula(x, states, weights):
        outputs, final = plain(kind, x, states, weights)
        return (outputs if return_sequences else outputs[:, -1]), final

    def ours(x, states, weights):
        return kernel(kind, x, states, weights, return_sequences)

    expected = gradients(lambda *a: loss(formula, *a), arrays)
    found = gradients(lambda *a: loss(ours, *a), arrays)
    names = ["x", "h", *(["c"] if count == 2 else []), "W", "U", "b", *(["p"] if kind == "lstm peephole" else [])]
    for name, a, b in zip(names, found, expected, strict=True):
        assert np.abs(b).max() > 1e-3, name
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max(), name


@pytest.mark.parametrize("cell", ["LSTM", "PeepholeLSTM", "CoupledLSTM", "GRU"])
def test_fit_takes_the_same_steps_as_with_the_fallback(cell):
    """Three optimizer steps end in the same weights: a mask that masks nothing is what makes our layers fall back."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(12, STEPS, FEATURES)).astype("float32")
    y = rng.normal(size=(12, 1)).astype("float32")
    trained = []
    for masked in (False, True):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((STEPS, FEATURES))
        h = keras.layers.Masking(mask_value=99.0)(inputs) if masked else inputs
        h = getattr(layers, cell)(UNITS, return_sequences=True)(h)
        outputs = keras.layers.Dense(1)(getattr(layers, cell)(UNITS)(h))
        model = keras.Model(inputs, outputs)
        start = [np.random.default_rng(7).normal(0, 0.4, weight.shape) for weight in model.weights]
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
        trained.append(model.get_weights())
    for before, a, b in zip(start, *trained, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-6, rtol=0)
        assert np.abs(a - before).max() > 1e-4


def test_stateful_training_keeps_its_gradients():
    model = keras.Sequential(
        [keras.Input(batch_shape=(BATCH, STEPS, FEATURES)), layers.LSTM(UNITS, stateful=True), keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(BATCH * 3, STEPS, FEATURES)), rng.normal(size=(BATCH * 3, 1))
    before = model.get_weights()
    model.fit(x, y, batch_size=BATCH, shuffle=False, epochs=2, verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True))

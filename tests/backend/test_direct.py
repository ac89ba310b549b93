"""Networks as lists of calls: the same answers as Keras' whatever the graph, and Keras' own where none is right."""

import logging
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from kerasforecast import layers
from kerasforecast.layers import direct, kernels
from kerasforecast.layers.direct import DirectGraph, LeanModel, answering, direct_graph
from kerasforecast.layers.dropout import SampledDropout
from tests.backend.conftest import BACKEND

only_torch = pytest.mark.skipif(
    BACKEND != "torch", reason="the other backends trace a step once and need no such thing"
)


def example(*shape, seed=0):
    return ops.convert_to_tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def keyword_tensors():
    x = keras.Input((5, 3))
    start = keras.layers.Dense(4)(x[:, 0])
    cell = layers.LSTM(4, return_sequences=True)(x, initial_state=[start, ops.tanh(start)])
    attended = keras.layers.Attention()([cell, cell])
    return keras.Model(x, keras.layers.Dense(2)(ops.mean(attended, axis=1)))


def nested_tensors():
    x = keras.Input((5, 3))
    parts = [x, ops.multiply(x1=x, x2=np.float32([1, 2, 3]))]
    return keras.Model(x, ops.einsum("bnf,bnf->bn", *parts) + ops.sum(ops.stack([x, 2 * x], axis=1), axis=(1, 3)))


class Pick(keras.layers.Layer):
    """Takes its tensors from a dictionary in a tuple."""

    def call(self, given, scale=None):
        named, other = given
        return named["a"] * scale["by"] - other


def dictionaries_of_tensors():
    x = keras.Input((4,))
    return keras.Model(x, Pick()(({"a": x, "unused": 2 * x}, ops.sin(x)), scale={"by": ops.cos(x)}))


def a_model_within():
    inner_past, inner_known = keras.Input((5, 3), name="past"), keras.Input((2,), name="known")
    hidden = layers.GRU(4)(inner_past)
    inner = keras.Model({"past": inner_past, "known": inner_known}, [hidden, ops.tanh(inner_known)], name="member")
    x = keras.Input((5, 3))
    a, b = inner({"past": x, "known": x[:, 0, :2]})
    c, _ = inner({"past": -x, "known": x[:, 1, :2]})  # the same weights again
    plain = keras.Sequential([keras.layers.Dense(2), keras.layers.Dropout(0.5)])
    return keras.Model(x, keras.layers.Concatenate()([plain(a), b, c]))


def an_explicit_training_argument():
    x = keras.Input((4,))
    return keras.Model(x, keras.layers.Dropout(0.5)(x, training=True))


def several_states():
    x = keras.Input((5, 3))
    outputs, h, c = layers.PeepholeLSTM(4, return_sequences=True, return_state=True)(x)
    both = keras.layers.Bidirectional(layers.CoupledLSTM(3))(outputs)
    return keras.Model(x, {"joined": keras.layers.Concatenate()([both, h]), "cell": c})


GRAPHS = [
    keyword_tensors,
    nested_tensors,
    dictionaries_of_tensors,
    a_model_within,
    an_explicit_training_argument,
    several_states,
]


@only_torch
@pytest.mark.parametrize("make", GRAPHS)
def test_a_direct_graph_answers_as_keras(make):
    model = make()
    x = example(6, *model.inputs[0].shape[1:])
    graph = direct_graph(model, x, training=False)
    assert graph is not None
    expected, found = model(x, training=False), graph(x)
    keras.tree.assert_same_structure(expected, found)
    for one, other in zip(keras.tree.flatten(expected), keras.tree.flatten(found), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(other), ops.convert_to_numpy(one), rtol=1e-6, atol=1e-7)


@only_torch
def test_it_reads_the_weights_anew_at_every_call():
    model = a_model_within()
    x = example(4, 5, 3)
    graph = direct_graph(model, x, training=False)
    before = ops.convert_to_numpy(graph(x))
    model.set_weights([weight + 0.1 for weight in model.get_weights()])
    np.testing.assert_allclose(ops.convert_to_numpy(graph(x)), ops.convert_to_numpy(model(x)), rtol=1e-5)
    assert not np.allclose(ops.convert_to_numpy(graph(x)), before)


def three_inputs(kind):
    named = {name: keras.Input((3,), name=name) for name in ("past", "known", "static")}
    inputs = named if kind == "dict" else list(named.values())
    return keras.Model(inputs, named["past"] * 2 + ops.exp(named["known"]) - named["static"])


@pytest.mark.parametrize("kind", ["dict", "list"])
@pytest.mark.parametrize("given", ["dict", "list"])
def test_a_network_of_several_inputs_is_answered_by_name_or_in_order(kind, given):
    network = three_inputs(kind)
    arrays = {name: np.full((4, 3), number, np.float32) for number, name in enumerate(("past", "known", "static"))}
    if kind == "dict" and given == "list":
        pytest.skip("Keras takes names for names")
    x = arrays if given == "dict" else list(arrays.values())
    np.testing.assert_allclose(answering(network)(x), np.full((4, 3), np.e - 2), rtol=1e-6)


def test_several_outputs_keep_their_names():
    network = several_states()
    found = answering(network)(np.ones((2, 5, 3), np.float32))
    assert {name: array.shape for name, array in found.items()} == {"joined": (2, 10), "cell": (2, 4)}
    assert all(isinstance(array, np.ndarray) for array in found.values())


@only_torch
def test_the_proof_moves_neither_seeds_nor_states():
    x = keras.Input((4,))
    model = keras.Model(x, SampledDropout(0.5, seed=1)(keras.layers.BatchNormalization()(x)))
    before = [np.array(ops.convert_to_numpy(variable)) for variable in model.variables]
    assert direct_graph(model, example(8, 4), training=True) is not None
    for array, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(array, ops.convert_to_numpy(variable))


def masks():
    x = keras.Input((5, 3))
    return keras.Model(x, layers.LSTM(4)(keras.layers.Masking()(x)))


def masks_within():
    x = keras.Input((5, 3))
    hidden = keras.Sequential([keras.layers.TimeDistributed(keras.Sequential([keras.layers.Masking()]))])(x)
    return keras.Model(x, layers.LSTM(4)(hidden))


@only_torch
@pytest.mark.parametrize("make", [masks, masks_within])
def test_masks_which_a_list_of_calls_would_lose_are_left_to_keras(make, caplog):
    model = make()
    x = example(3, *model.inputs[0].shape[1:])
    with caplog.at_level(logging.DEBUG, logger="kerasforecast.layers"):
        assert direct_graph(model, x, training=False) is None
    assert "makes a mask" in caplog.text
    np.testing.assert_allclose(
        answering(model)(ops.convert_to_numpy(x)), ops.convert_to_numpy(model(x, training=False)), rtol=1e-6
    )


class Wrapped(keras.layers.Layer):
    """Does in `__call__` what a list of calls to `call` leaves out."""

    def call(self, x):
        return x

    def __call__(self, x, **_):
        return super().__call__(x) + 1 if not isinstance(x, keras.KerasTensor) else super().__call__(x)


@only_torch
def test_an_answer_other_than_keras_is_found_out(caplog):
    x = keras.Input((3,))
    model = keras.Model(x, Wrapped()(x))
    with caplog.at_level(logging.DEBUG, logger="kerasforecast.layers"):
        found = answering(model)(np.zeros((4, 3), np.float32))
    np.testing.assert_array_equal(found, np.ones((4, 3)))
    assert "answers otherwise" in caplog.text


def trainee(make=LeanModel, penalty=None, **options):
    x = keras.Input((5, 3))
    hidden = layers.LSTM(4, kernel_initializer=keras.initializers.GlorotUniform(0), recurrent_initializer="identity")(x)
    if penalty:
        hidden = keras.Sequential([keras.layers.Activation("linear", activity_regularizer=penalty)])(hidden)
    model = make(x, keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(1))(hidden))
    model.compile(keras.optimizers.SGD(0.1), **{"loss": keras.losses.MeanSquaredError(), **options})
    return model


def trained(model, y=None, **options):
    x = np.random.default_rng(0).normal(size=(8, 5, 3)).astype(np.float32)
    model.fit(x, x[:, 0, :1] if y is None else y, epochs=2, batch_size=4, shuffle=False, verbose=0, **options)
    return model.get_weights()


@only_torch
@pytest.mark.parametrize(
    ("compiled", "fitted", "reason"),
    [
        ({}, {}, None),
        ({"loss": "mse"}, {}, "no single loss"),
        ({"loss": keras.losses.MeanSquaredError(reduction="sum")}, {}, "no mean"),
        ({"metrics": ["mae"]}, {}, "metrics"),
        ({"penalty": "l2"}, {}, "regularisers"),
        ({}, {"y": np.ones(8, np.float32)}, "targets that Keras reshapes"),
        ({}, {"sample_weight": np.ones((8, 1), np.float32)}, "weights not by the window"),
    ],
)
def test_a_step_is_ours_only_where_it_is_keras(compiled, fitted, reason, caplog):
    with caplog.at_level(logging.DEBUG, logger="kerasforecast.layers"):
        ours = trained(trainee(**compiled), **fitted)
    said = [record.getMessage() for record in caplog.records if "training step" in record.getMessage()]
    assert (reason in said[0]) if reason else not said
    for one, other in zip(ours, trained(trainee(keras.Model, **compiled), **fitted), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@only_torch
def test_compiled_anew_a_model_decides_anew():
    model = trainee(loss="mse")
    trained(model)
    assert vars(model)["_direct"] is None
    model.compile(keras.optimizers.SGD(0.1), loss=keras.losses.MeanSquaredError())
    trained(model)
    assert isinstance(vars(model)["_direct"][0], DirectGraph)


@only_torch
def test_a_keras_without_its_list_of_nodes_trains_and_answers_the_same(monkeypatch, caplog):
    """What broke: `_nodes_by_depth` of a functional model is no longer where keras 3.15 has it."""
    x = np.random.default_rng(1).normal(size=(4, 5, 3)).astype(np.float32)
    model = trainee()
    ours, answer = trained(model), answering(model)(x)

    def gone(model):
        return SimpleNamespace()._nodes_by_depth

    monkeypatch.setattr(direct, "_nodes", gone)
    with caplog.at_level(logging.DEBUG, logger="kerasforecast.layers"):
        model = trainee()
        weights, other = trained(model), answering(model)(x)
    assert vars(model)["_direct"] is None
    assert "_nodes_by_depth" in caplog.text
    np.testing.assert_allclose(other, answer, rtol=1e-5)
    for one, two in zip(ours, weights, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


@only_torch
def test_a_pytorch_without_its_fused_kernel_steps_the_same(monkeypatch):
    """What broke: `torch._fused_adam_`, which `torch.optim.Adam(fused=True)` calls, is gone or has other arguments."""
    import torch

    def stepped():
        tensors = [[torch.linspace(1, 2, size).reshape(-1, 2) for size in (4, 6)] for _ in range(4)]
        for step in range(1, 4):
            kernels.load("torch").adam(*tensors, step=step, learning_rate=0.1, betas=(0.9, 0.999), epsilon=1e-8)
        return [tensor.numpy() for group in tensors for tensor in group]

    fused = stepped()
    monkeypatch.delattr(torch, "_fused_adam_")
    missing = stepped()
    monkeypatch.setattr(torch, "_fused_adam_", lambda weights: None, raising=False)
    for one, *others in zip(fused, missing, stepped(), strict=True):
        for other in others:
            np.testing.assert_allclose(other, one, rtol=1e-6)

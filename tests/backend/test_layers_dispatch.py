"""Which computation ran, read from the debug log; and that the kernels stand without Keras."""

import logging
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerasforecast import layers
from kerasforecast.layers import kernels
from tests.backend.test_layers_reference import FEATURES, STEPS, UNITS, data

ON_CPU = kernels.load(keras.backend.backend()).on_cpu(keras.ops.zeros((1,)))
needs_cpu = pytest.mark.skipif(not ON_CPU, reason="on an accelerator the layers leave the work to Keras")


def ran(caplog, layer, x=None, **options):
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="kerasforecast.layers"):
        layer(data(1)[0] if x is None else x, **options)
    return [record.getMessage() for record in caplog.records if record.name == "kerasforecast.layers"]


@needs_cpu
@pytest.mark.parametrize(
    ("layer", "kernel"),
    [
        (lambda: layers.LSTM(UNITS), "lstm"),
        (lambda: layers.LSTM(UNITS, recurrent_bias=True, dropout=0.1, go_backwards=True), "lstm"),
        (lambda: layers.PeepholeLSTM(UNITS), "lstm"),
        (lambda: layers.CoupledLSTM(UNITS, recurrent_bias=True), "lstm"),
        (lambda: layers.GRU(UNITS), "gru"),
        (lambda: layers.GRU(UNITS, reset_after=False), "gru"),
        (lambda: layers.SimpleRNN(UNITS), "simple_rnn"),
    ],
)
def test_the_kernel_runs_where_it_fits(caplog, layer, kernel):
    layer = layer()
    (message,) = ran(caplog, layer)
    assert message == f"{layer.name}: {keras.backend.backend()} kernel {kernel}"


@needs_cpu
@pytest.mark.parametrize("cell", ["LSTM", "PeepholeLSTM", "CoupledLSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"activation": "relu"}, "activation"),
        ({"recurrent_dropout": 0.1}, "recurrent dropout"),
        ({"dtype": "mixed_bfloat16"}, "dtype bfloat16"),
    ],
)
def test_keras_computes_where_no_kernel_fits(caplog, cell, options, reason):
    (message,) = ran(caplog, getattr(layers, cell)(UNITS, **options))
    assert message.endswith(f"Keras' computation ({reason})")


@needs_cpu
def test_keras_computes_under_a_mask_and_with_other_gates(caplog):
    mask = np.ones((data(1)[0].shape[0], STEPS), bool)
    mask[:, -1] = False
    assert ran(caplog, layers.LSTM(UNITS), mask=mask)[0].endswith("(mask)")
    assert ran(caplog, layers.GRU(UNITS, recurrent_activation="hard_sigmoid"))[0].endswith("(activation)")


@needs_cpu
def test_the_kernel_runs_inside_fit_and_predict(caplog):
    model = keras.Sequential([keras.Input((STEPS, FEATURES)), layers.LSTM(UNITS), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, _ = data(1)
    with caplog.at_level(logging.DEBUG, logger="kerasforecast.layers"):
        model.fit(x, x[:, 0, :1], verbose=0)
        model.predict(x, verbose=0)
    messages = [record.getMessage() for record in caplog.records if record.name == "kerasforecast.layers"]
    assert messages and all("kernel lstm" in message for message in messages)


def test_kernels_load_without_keras():
    """`doctor` describes the kernel before, or without, seconds of loading Keras. (TensorFlow itself imports Keras.)"""
    backend = keras.backend.backend()
    load = "" if backend == "tensorflow" else f"kernels.load({backend!r}); "
    code = (
        f"import sys; from kerasforecast.layers import kernels; {load}print(kernels.describe({backend!r}, 'cpu')); "
        "sys.exit('keras was loaded' if 'keras' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == kernels.describe(backend, "cpu")


def test_describe_names_what_runs():
    described = {kernels.describe(backend, "cpu") for backend in ("jax", "tensorflow", "torch")}
    assert len(described) == 3
    assert "Keras" not in "".join(described)
    assert "cuDNN" in kernels.describe("torch", "cuda:0")
    assert kernels.describe("openvino", "cpu") == "Keras' own computation"
    assert kernels.load("openvino") is None


def test_layers_import_names_lazily():
    assert set(layers.__all__) <= set(dir(layers))
    with pytest.raises(AttributeError, match="Transformer"):
        _ = layers.Transformer

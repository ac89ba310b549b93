"""`fast_fit`: the weights, losses and metrics of Keras' own `fit`, whatever the model and the way it is fed."""

import logging
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from kerasforecast import layers
from kerasforecast.layers import fast_fit, fitting
from tests.backend.conftest import BACKEND

only_torch = pytest.mark.skipif(BACKEND != "torch", reason="the other backends trace a step once")

X = np.random.default_rng(0).normal(size=(21, 5, 3)).astype(np.float32)
Y = X[:, 0, :1] + 1


def sequential():
    return keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.LSTM(4),
            keras.layers.Dropout(0.2, seed=1),
            keras.Sequential([keras.layers.Dense(1)]),
        ]
    )


def two_answers():
    x = keras.Input((5, 3))
    hidden = keras.layers.BatchNormalization()(keras.layers.Flatten()(x))
    return keras.Model(x, [keras.layers.Dense(1, name=name)(hidden) for name in ("one", "other")])


class Done:
    """What a pool of threads answers that has done what it was given."""

    def done(self):
        return True

    def result(self):
        return None


class OwnStep(keras.Sequential):
    """A model that its user trains in another way."""

    def train_step(self, *args):
        raise ZeroDivisionError


def fitted(make, fit, compiled, *args, **options):
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(**compiled)
    history = fit(model, *args, verbose=0, **options)
    return model, history.history


CASES = {
    "plain": (sequential, {"optimizer": "adam", "loss": "mse"}, (X, Y), {}),
    "metrics, flat targets": (
        sequential,
        {"optimizer": "adam", "loss": "mae", "metrics": ["mse"]},
        (X, Y[:, 0].astype(float)),
        {"validation_split": 0.3},
    ),
    "two answers": (
        two_answers,
        {"optimizer": "sgd", "loss": ["mse", "mae"], "loss_weights": [1, 3]},
        (X, [Y, -Y]),
        {"sample_weight": np.arange(21, dtype=np.float32)},
    ),
}


@pytest.mark.parametrize("case", CASES if BACKEND == "torch" else list(CASES)[1:])
def test_weights_losses_and_metrics_are_those_of_fit(case, monkeypatch, caplog):
    monkeypatch.setattr(fitting, "WORTH_BLOCKS", 0)
    make, compiled, data, options = CASES[case]
    options = {"batch_size": 4, "epochs": 2, "validation_data": (X, data[1]), **options}
    theirs, told = fitted(make, keras.Model.fit, compiled, *data, **options)
    with caplog.at_level(logging.DEBUG, logger="kerasforecast.layers"):
        ours, heard = fitted(make, fast_fit, compiled, *data, **options)
    assert heard.keys() == told.keys()
    for name, losses in told.items():
        np.testing.assert_allclose(heard[name], losses, rtol=1e-5)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert "Keras' training step" not in caplog.text
    assert "no direct one" not in caplog.text
    assert ("blocks of" in caplog.text) == (BACKEND == "tensorflow")
    assert "train_step" not in vars(ours)
    assert ours.steps_per_execution == 1


def test_a_step_of_the_user_s_own_is_theirs():
    model = OwnStep([keras.Input((5, 3)), layers.LSTM(2), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ZeroDivisionError):
        fast_fit(model, X, Y, verbose=0)


class Priced(keras.layers.Layer):
    """Adds a loss in training alone."""

    def call(self, x, training=False):
        if training:
            self.add_loss(keras.ops.mean(x**2))
        return x


@only_torch
def test_a_loss_that_a_layer_adds_counts_once_a_step():
    def priced():
        return keras.Sequential([keras.Input((5, 3)), keras.layers.Flatten(), keras.layers.Dense(1), Priced()])

    compiled = {"optimizer": "sgd", "loss": "mse"}
    (_, told), (_, heard) = (
        fitted(priced, fit, compiled, X, Y, epochs=2, batch_size=4) for fit in (keras.Model.fit, fast_fit)
    )
    np.testing.assert_allclose(heard["loss"], told["loss"], rtol=1e-5)


@only_torch
def test_a_penalty_of_outputs_is_not_lost():
    def penalised():
        return keras.Sequential(
            [keras.Input((5, 3)), keras.layers.Flatten(), keras.layers.Dense(1, activity_regularizer="l2")]
        )

    compiled = {"optimizer": "sgd", "loss": "mse"}
    (_, told), (_, heard) = (fitted(penalised, fit, compiled, X, Y, epochs=2) for fit in (keras.Model.fit, fast_fit))
    np.testing.assert_allclose(heard["loss"], told["loss"], rtol=1e-5)


def test_an_argument_that_fit_does_not_take_is_refused():
    model = keras.Sequential([keras.Input((5, 3)), layers.LSTM(2)])
    with pytest.raises(TypeError, match="epoch"):
        fast_fit(model, X, Y, epoch=2)


def test_no_second_thread_hears_of_a_step(monkeypatch):
    """Keras' `fit` hands the end of each step and batch of validation to a pool of threads, but for TensorFlow."""
    given = []
    monkeypatch.setattr(ThreadPoolExecutor, "submit", lambda self, function, *args: given.append(function) or Done())
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    fast_fit(model, X, Y, validation_data=(X, Y), verbose=0)
    assert given == []
    model.fit(X, Y, validation_data=(X, Y), verbose=0)
    assert bool(given) == (keras.backend.backend() != "tensorflow")


@pytest.mark.parametrize(("steps", "block"), [(1, 1), (45, 45), (128, 128), (131, 1), (300, 100)])
def test_a_block_divides_an_epoch(steps, block):
    assert fitting.block_of(steps) == block


@only_torch
def test_the_straight_step_is_taken_and_left(monkeypatch):
    taken = []
    monkeypatch.setattr(fitting._Straight, "__call__", lambda self, data: taken.append(1) or {})
    model, _ = fitted(sequential, fast_fit, {"optimizer": "sgd", "loss": "mse"}, X, Y, batch_size=7)
    assert taken == [1, 1, 1]
    model.fit(X, Y, verbose=0)
    assert len(taken) == 3

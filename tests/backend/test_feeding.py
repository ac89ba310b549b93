"""Blocks of steps whose windows are gathered where the network computes: the training that batches make."""

import keras
import numpy as np
import pytest

from kerasforecast.config import Config
from kerasforecast.forecasting.fitting import Fitting, scaled_member, training_sets
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.runtime.signals import Deferred
from kerasforecast.training import feeding
from kerasforecast.training.callbacks import Keeping, TrainingState
from kerasforecast.training.feeding import Feed
from tests.roles import shops

TINY = {"window": 6, "horizon": 2, "batch_size": 16, "epochs": 3, "lr_patience": 1, "learning_rate": 0.01}


def begun(**options):
    """A network about to be trained on columns of every role."""
    config = Config.from_options(**TINY | options)
    panel = shops(count=3, rows=46)
    split = split_panel(panel, config.split, config.network)
    member = scaled_member(config.network, panel, split)
    return Fitting(member, config.training, *training_sets(member, panel, split))


def feed(fitting):
    return Feed.of(fitting.network, fitting._parts[0], fitting._config, fitting.steps)


def trained(states=None, **options):
    fitting = begun(**options)
    keeping = None if states is None else Keeping(states.append, Deferred(), every=2)
    return fitting, fitting.train(keeping=keeping)


def losses(found):
    return [(epoch.loss, epoch.val_loss, epoch.learning_rate) for epoch in found.history.epochs]


@pytest.mark.parametrize(("family", "optimizer"), [("tide", "sgd"), ("diffusion", "sgd"), ("linear", "adam")])
def test_blocks_train_as_batches_do(family, optimizer, monkeypatch):
    """The last batch of an epoch is filled up, windows mirror their rows, and noise is drawn for each step.

    XLA rounds a loop of steps in its own way. Adam makes whole steps of what is left of a gradient of nothing, so that
    it is asked of a network without rectifiers alone, which has no such gradients.
    """
    options = {"model": family, "optimizer": optimizer, "epochs": 2, "window": 22}
    fitting, found = trained(**options)
    assert fitting._parts[0].windows.mirrored
    given = feed(fitting)
    assert given.held
    assert 1 < given.unit <= fitting.steps
    monkeypatch.setattr(feeding, "_may_be_held", lambda training: False)
    other, expected = trained(**options)
    assert not feed(other).held
    np.testing.assert_allclose(losses(found), losses(expected), rtol=1e-5)
    for one, right in zip(found.weights, expected.weights, strict=True):
        np.testing.assert_allclose(one, right, atol=1e-5)


def test_a_training_in_blocks_stopped_anywhere_goes_on_to_the_same_weights():
    states: list = []
    _, whole = trained(states, model="linear")
    assert {2, 4} <= {state.step for state in states}
    for state in states[:4]:
        again = begun(model="linear").train(keeping=Keeping(lambda _: None, Deferred(), start=state))
        assert [array.tobytes() for array in again.weights] == [array.tobytes() for array in whole.weights]
        assert losses(again) == losses(whole)


def test_a_training_that_goes_on_makes_nothing_anew(monkeypatch):
    """JAX and TensorFlow compile what is made: a choice among networks trains the better ones round after round."""
    made, blocks = [], feeding.kernels.load(keras.backend.backend()).blocks
    module = feeding.kernels.load(keras.backend.backend())
    monkeypatch.setattr(module, "blocks", lambda *arguments: made.append(1) or blocks(*arguments))
    whole = begun(model="linear", epochs=4).train(keeping=Keeping(lambda _: None, Deferred()))
    fitting, states = begun(model="linear", epochs=4), [TrainingState()]
    made.clear()
    for epochs in (1, 2, 4):
        found = fitting.train(epochs=epochs, keeping=Keeping(states.append, Deferred(), None, states[-1]))
    assert made == [1]
    assert losses(found) == losses(whole)
    for one, other in zip(found.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_batches_are_given_where_a_loop_over_time_is_or_rows_are_many(monkeypatch):
    assert not feed(begun(model="lstm", units=2)).held
    monkeypatch.setattr(feeding, "_HELD", 100)
    assert not feed(begun(model="linear")).held

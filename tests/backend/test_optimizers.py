"""Our Adam: the paper's numbers, by Keras' public step and by the fused one alike."""

import runpy

import keras
import numpy as np
import pytest

from kerasforecast.training import optimizers
from kerasforecast.training.optimizers import Adam

SHAPES = ((2, 2), (3,), ())
STEPS = 5


def starts():
    return [np.linspace(1, 2, max(1, int(np.prod(shape)))).reshape(shape).astype(np.float32) for shape in SHAPES]


def gradients(step):
    random = np.random.default_rng(step)
    return [np.asarray(10.0 ** random.integers(-9, 1) * random.normal(size=shape), np.float32) for shape in SHAPES]


def by_the_paper(rate, epsilon):
    """Algorithm 1 in float64."""
    found = []
    for place, start in enumerate(starts()):
        w, m, v = start.astype(np.float64), 0.0, 0.0
        for step in range(1, STEPS + 1):
            g = gradients(step)[place].astype(np.float64)
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            w = w - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + epsilon)
        found.append(w)
    return found


def stepped(rate=0.05, epsilon=1e-6):
    weights = [keras.Variable(start) for start in starts()]
    optimizer = Adam(rate, epsilon)
    for step in range(1, STEPS + 1):
        optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients(step)], weights)
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


def agree(found, expected, tolerance=2e-6):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance)


def test_a_step_is_the_papers_with_epsilon_beside_the_corrected_root():
    agree(stepped(), by_the_paper(0.05, 1e-6))
    with pytest.raises(AssertionError):  # the gradients are such that epsilon counts
        agree(stepped(epsilon=1e-5), by_the_paper(0.05, 1e-6))


def test_a_keras_without_its_hook_for_all_weights_steps_the_same(monkeypatch):
    """What broke: `_backend_update_step` is no longer what Keras calls; `update_step`, which it documents, is left."""
    monkeypatch.delattr(Adam, "_backend_update_step")
    agree(stepped(), by_the_paper(0.05, 1e-6))


def test_a_keras_that_lays_the_moments_out_otherwise_steps_the_same(monkeypatch):
    """What broke: Adam's variables are no longer a momentum and a velocity in turn for each weight."""
    assert (
        optimizers._Slots.of([1], [keras.Variable(0.0, name=f"w_{name}") for name in ("velocity", "momentum")]) is None
    )
    monkeypatch.setattr(optimizers._Slots, "of", lambda *_: None)
    agree(stepped(), by_the_paper(0.05, 1e-6))


def test_some_of_the_weights_are_stepped_with_their_own_moments():
    """Keras leaves out weights without a gradient."""
    first, second = keras.Variable(np.ones(2, np.float32)), keras.Variable(np.ones(2, np.float32))
    optimizer = Adam(0.1)
    optimizer.build([first, second])
    optimizer.apply([keras.ops.ones(2)], [second])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(first), [1, 1])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(second), [0.9, 0.9], rtol=1e-6)


def test_its_variables_are_keras_own_in_keras_order():
    """A checkpoint holds them by their number."""
    ours, theirs = Adam(), keras.optimizers.Adam(name="adam")
    weights = [keras.Variable(start) for start in starts()]
    for optimizer in (ours, theirs):
        optimizer.build(weights)
        optimizer.build(weights)
    assert [variable.path for variable in ours.variables] == [variable.path for variable in theirs.variables]


def test_its_configuration_makes_it_again():
    optimizer = Adam(0.02, epsilon=1e-5, global_clipnorm=2.0)
    config = optimizer.get_config()
    assert {**config, "learning_rate": pytest.approx(0.02)} == {
        "learning_rate": pytest.approx(0.02),
        "epsilon": 1e-5,
        "global_clipnorm": 2.0,
    }
    assert Adam(**config).get_config() == config


def test_to_import_it_makes_none(monkeypatch):
    def made(*_, **__):
        raise RuntimeError("an optimizer was made")

    monkeypatch.setattr(keras.optimizers.Adam, "__init__", made)
    runpy.run_module("kerasforecast.training.optimizers")

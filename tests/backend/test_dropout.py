"""Dropout in training: which elements it zeroes, and that a file holds Keras' own layer."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerasforecast.layers.dropout import Dropout, SampledDropout
from kerasforecast.models.network import build
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig

SHAPE = (64, 20, 50)
PLAIN = FittedScaling(kind="none", transforms=("linear",), offset=(0.0,), scale=(1.0,))


def trained_layer(rate: float = 0.2, seed: int = 0) -> keras.layers.Dropout:
    """Our dropout, as a network in training has it."""
    return Dropout(rate, seed=seed)


def dropped(layer: keras.layers.Dropout, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return ops.convert_to_numpy(layer(np.ones(shape, np.float32), training=True))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef((a == 0).ravel(), (b == 0).ravel())[0, 1])


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_the_wanted_share_is_zero_and_the_rest_scaled_so_that_the_mean_stays(rate):
    found = dropped(trained_layer(rate))
    spread = np.sqrt(rate * (1 - rate) / found.size)
    assert abs((found == 0).mean() - rate) < 5 * spread
    np.testing.assert_allclose(found[found != 0], 1 / (1 - rate), rtol=1e-4)


@pytest.mark.parametrize("shape", [(3, 5), (1, 1, 1), (7, 3, 5)], ids=str)
def test_any_shape_is_answered_in_its_own(shape):
    assert dropped(trained_layer(), shape).shape == shape


def test_a_rate_just_below_one_still_gives_finite_numbers():
    assert np.isfinite(dropped(trained_layer(1 - 1e-9))).all()


def test_every_place_is_dropped_as_often_as_any_other():
    layer, times = trained_layer(0.5), 400
    counts = sum((dropped(layer, (8, 6, 10)) == 0).astype(int) for _ in range(times))
    spread = np.sqrt(times * 0.25)
    assert np.abs(counts - times / 2).max() < 5 * spread
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        means = counts.mean(axis=others) - times / 2
        assert np.abs(means).max() < 5 * spread / np.sqrt(counts.size / len(means))


def test_steps_layers_windows_and_neighbours_are_unrelated():
    layer, other = trained_layer(0.5), trained_layer(0.5, seed=1)
    first, second = dropped(layer), dropped(layer)
    bound = 5 / np.sqrt(first.size)
    assert abs(correlation(first, second)) < bound
    assert abs(correlation(first, dropped(other))) < bound
    for axis in range(3):
        assert abs(correlation(first, np.roll(first, 1, axis))) < bound


def test_the_state_of_the_seed_decides():
    layer = trained_layer()
    state = ops.convert_to_numpy(layer.seed_generator.state.value).copy()
    first = dropped(layer)
    layer.seed_generator.state.assign(state)
    np.testing.assert_array_equal(dropped(layer), first)
    assert not np.array_equal(dropped(layer), first)


def test_it_acts_in_training_only():
    assert (ops.convert_to_numpy(trained_layer()(np.ones(SHAPE, np.float32), training=False)) == 1).all()


def test_half_precision_stays_half():
    layer = trained_layer()
    assert keras.backend.standardize_dtype(layer.call(ops.ones((4, 6), "float16"), training=True).dtype) == "float16"


def test_the_sampled_one_acts_in_inference_too_with_the_same_masks():
    sampled, layer = SampledDropout(0.5, seed=3), trained_layer(0.5, seed=3)
    expected = dropped(layer)
    np.testing.assert_array_equal(ops.convert_to_numpy(sampled(np.ones(SHAPE, np.float32), training=False)), expected)
    assert not np.array_equal(ops.convert_to_numpy(sampled(np.ones(SHAPE, np.float32))), expected)


def test_each_role_has_its_own_and_a_file_holds_keras():
    network = NetworkConfig(model="lstm", window=4, units=3)
    kinds = {"training": Dropout, "sampling": SampledDropout}
    for role in ("training", "sampling", "inference", "export"):
        layer = build(network, PLAIN, role).get_layer("dropout_1")
        assert type(layer) is kinds.get(role, keras.layers.Dropout)

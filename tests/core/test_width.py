"""How wide paths are in the light of a window: what a factor sees, learns from, and is left out by."""

from dataclasses import replace

import numpy as np
import pytest

from kerasforecast.models.frame import fit_frame
from kerasforecast.models.width import fading, features, movement, realised
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.sections.network import NetworkConfig
from tests.stand_ins import Rows


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_the_width_follows_what_moved_of_late_and_is_left_out_where_nothing_does(random):
    sizes = NetworkConfig(model="diffusion", window=8, horizon=3).sizes(1)
    past = (np.exp(0.7 * random.normal(size=(3_000, 1, 1))) * random.normal(size=(3_000, 8, 1))).astype(np.float32)
    spread = np.sqrt((past[:, :, 0] ** 2) @ fading(8)[:, 4] + 0.01)
    noise = random.normal(size=(3_000, 3)) @ np.array([[1.0, 0.5, 0.2], [0, 1, 0.5], [0, 0, 1]])
    for errors, moved in ((spread[:, None] * noise, True), (noise, False)):
        sets = [TrainingSet(Rows(past[part]), errors[part]) for part in (slice(0, 2_000), slice(2_000, None))]
        frame = fit_frame(*sets, sizes, 8)
        batch = sets[1].batch(slice(None))
        factors = frame.width.of(features(batch, frame.mean.of(batch, sizes), frame.width.movement, sizes))
        assert moved or (factors == 1).all()
        assert not moved or np.corrcoef(np.log(factors[:, 2]), np.log(spread[2_000:]))[0, 1] > 0.9
        assert np.cov(frame.coordinates(sets[1], sizes).T).diagonal() == pytest.approx(1, abs=0.2)


def test_how_far_a_row_moved_is_from_its_low_to_its_high_where_columns_tell_else_a_step(random):
    sizes = NetworkConfig(model="diffusion", window=6, horizon=3).sizes(5, near=(1, 2, 3))
    past = random.normal(size=(40, 6, 5))
    past[:, :, 2], past[:, :, 3] = np.abs(past[:, :, 2]), -np.abs(past[:, :, 3])  # high and low beside open
    for found, expected in (
        (movement(past, sizes), past[:, :, 2] - past[:, :, 3]),
        (movement(past, replace(sizes, near=(2,))), past[:, :, 2]),
        (movement(past, replace(sizes, near=())), np.diff(past[:, :, 0], axis=1, prepend=past[:, :1, 0])),
    ):
        seen = features(WindowBatch(past), np.zeros((40, 3)), found, sizes)
        np.testing.assert_allclose(seen[:, 10:15], np.log(expected**2 @ fading(6) + 0.01))


def test_realised_variance_has_the_mean_of_squared_errors_and_at_ten_steps_a_tenth_of_their_chance(random):
    steps, spread = np.arange(1, 11), np.linspace(0.5, 3, 10)
    shocks = random.normal(size=(4_000, 10))
    errors = spread * shocks.cumsum(axis=1)  # of a random walk, in other units at each step
    found = realised(errors, spread[:, None] * np.tri(10))
    np.testing.assert_allclose(found, spread**2 * (shocks**2).cumsum(axis=1), rtol=1e-6)
    level = spread**2 * steps
    np.testing.assert_allclose(found.mean(axis=0) / level, (errors**2).mean(axis=0) / level, atol=0.1)
    np.testing.assert_allclose((found / level).var(axis=0), 2 / steps, rtol=0.15)  # of normal shocks
    np.testing.assert_allclose((errors**2 / level).var(axis=0), 2, rtol=0.15)

"""The loss-curve patterns on constructed curves, clean and noisy, and on real runs made to show each."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neural_network import MLPRegressor

from kerasforecast.errors import DataError
from kerasforecast.training.diagnosis import diagnose

EPOCHS = np.arange(40)
NOISE = [0.0, 0.02, 0.05]  # relative, on both curves

GOOD_TRAIN = 0.10 + 0.9 * np.exp(-EPOCHS / 5)
GOOD_VAL = 0.11 + 0.9 * np.exp(-EPOCHS / 5)
FALLING_TRAIN = 0.01 + 0.9 * np.exp(-EPOCHS / 10)
TURNED_VAL = 0.2 + 0.8 * np.exp(-EPOCHS / 5) + 0.012 * np.maximum(EPOCHS - 12, 0)


def noisy(curve, noise, seed=0):
    return curve * (1 + noise * np.random.default_rng(seed).normal(size=len(curve)))


def named(loss, val_loss, **options):
    return diagnose(loss, val_loss, **options).name


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", NOISE)
def test_good(noise, seed):
    assert named(noisy(GOOD_TRAIN, noise, seed), noisy(GOOD_VAL, noise, seed + 50)) == "good"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", NOISE)
def test_rising_after_a_minimum_is_overfitting(noise, seed):
    found = diagnose(noisy(FALLING_TRAIN, noise, seed), noisy(TURNED_VAL, noise, seed + 50))
    assert found.name == "overfitting"
    assert "validation loss rose from" in found.text
    assert "while training loss fell on" in found.text


def test_rising_validation_over_a_flat_training_loss():
    found = diagnose(np.full(20, 0.1), np.concatenate([[0.12, 0.11], np.linspace(0.10, 0.14, 18)]))
    assert found.name == "overfitting"
    assert "training" not in found.text


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", NOISE)
def test_far_above_training_is_overfitting(noise, seed):
    train, val = 0.05 + 0.95 * np.exp(-EPOCHS / 4), 0.4 + 0.6 * np.exp(-EPOCHS / 4)
    found = diagnose(noisy(train, noise, seed), noisy(val, noise, seed + 50))
    assert found.name == "overfitting"
    assert "times the training loss" in found.text
    assert "--scaling" not in found.advice


def test_far_above_from_the_first_epoch_may_be_the_parts():
    found = diagnose(0.05 + 0.1 * np.exp(-EPOCHS / 4), 0.5 + 0.1 * np.exp(-EPOCHS / 4))
    assert found.name == "overfitting"
    assert "from the first epoch" in found.text
    assert "--scaling anchor" in found.advice


def test_a_harder_validation_part_is_no_overfitting_where_naive_is_beaten():
    train, val = 0.05 + 0.1 * np.exp(-EPOCHS / 4), 0.5 + 0.1 * np.exp(-EPOCHS / 4)
    assert named(train, val, naive_val_loss=0.8) == "good"
    assert named(train, val, naive_val_loss=0.3) == "overfitting"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", NOISE)
def test_high_and_flat_is_underfitting(noise, seed):
    flat = np.linspace(1.0, 0.97, 40)
    assert named(noisy(flat, noise, seed), noisy(1.02 * flat, noise, seed + 50)) == "underfitting"


@pytest.mark.parametrize("seed", range(5))
def test_swings_are_a_learning_rate_too_high(seed):
    swings = 0.5 + 0.4 * np.random.default_rng(seed).uniform(-1, 1, size=40)
    found = diagnose(noisy(GOOD_TRAIN, 0.05), swings)
    assert found.name == "learning rate too high"
    assert "swings by" in found.text
    assert "--learning-rate" in found.advice


def test_swings_below_an_overshoot_are_seen_where_the_naive_loss_is_known():
    """A real run at a learning rate of 0.6: the first epochs overshoot the naive level tenfold, then it swings."""
    loss = np.concatenate([[40.0, 8, 5, 3, 2, 1.2], np.full(14, 0.6)])
    val = [1.62, 10.67, 8.74, 3.89, 2.35, 1.53, 0.53, 0.32, 0.43, 0.36, 0.32, 0.59, 0.41, 0.39, 0.44]
    val += [0.45, 0.73, 0.32, 0.73, 0.43]
    assert named(loss, val) == "good"
    assert named(loss, val, naive_val_loss=0.9) == "learning rate too high"


def test_swings_at_the_foot_of_the_plot_are_none():
    """Half up and half down, of a loss that is a thousandth of where it began."""
    val = np.where(EPOCHS % 2, 1.5, 0.5) * (0.001 + np.exp(-EPOCHS))
    assert named(0.001 + np.exp(-EPOCHS), val) == "good"


def test_a_rise_at_the_foot_of_the_plot_is_none():
    val = 0.001 + np.exp(-EPOCHS) + 0.00002 * np.maximum(EPOCHS - 15, 0)
    assert named(0.001 + np.exp(-EPOCHS), val) == "good"


def test_both_rising_is_a_learning_rate_too_high():
    assert named(np.linspace(1, 2, 20), np.linspace(1, 3, 20)) == "learning rate too high"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number(bad):
    for curves in (([1.0, bad], [1.0, 1.0]), ([1.0, 1.0], [1.0, bad])):
        found = diagnose(*curves)
        assert found.name == "learning rate too high"
        assert "finite" in found.text


@pytest.mark.parametrize("epochs", [0, 1, 2, 3])
def test_too_short_to_tell(epochs):
    found = diagnose(GOOD_TRAIN[:epochs], GOOD_VAL[:epochs])
    assert found.name == "too short to tell"
    assert found.text == f"only {epochs} epoch{'' if epochs == 1 else 's'}"


def test_four_epochs_can_be_told():
    assert named([1.0, 0.4, 0.2, 0.15], [1.0, 0.45, 0.22, 0.16]) == "good"
    assert named([1.0, 0.5, 0.2, 0.1], [1.0, 1.2, 1.5, 1.9]) == "overfitting"


@pytest.mark.parametrize("noise", [0.005, 0.01, 0.03])
@pytest.mark.parametrize("seed", range(5))
def test_an_early_stopped_good_run_is_good(noise, seed):
    """Ten epochs of patience without a better validation loss, hovering a little above the best."""
    train = np.concatenate([GOOD_TRAIN[:20], np.full(10, GOOD_TRAIN[19])])
    val = np.concatenate([GOOD_VAL[:20], np.full(10, 1.02 * GOOD_VAL[19])])
    assert named(noisy(train, noise, seed), noisy(val, noise, seed + 50)) == "good"


def test_one_odd_epoch_is_no_pattern():
    val = GOOD_VAL.copy()
    val[[15, 30]] *= 3
    assert named(GOOD_TRAIN, val) == "good"
    val = GOOD_VAL.copy()
    val[-1] *= 3
    assert named(GOOD_TRAIN, val) == "good"


def test_still_falling_asks_for_more_epochs():
    found = diagnose(np.exp(-EPOCHS / 30), 1.05 * np.exp(-EPOCHS / 30))
    assert found.name == "good"
    assert "more --epochs" in found.advice


@pytest.mark.parametrize("seed", range(10))
def test_scaled_returns_at_the_level_of_naive(seed):
    """Losses near the variance of white noise, flat: not underfitting, there is nothing left to learn."""
    train = noisy(np.linspace(1.02, 0.99, 40), 0.004, seed)
    val = noisy(np.linspace(1.01, 1.0, 40), 0.004, seed + 50)
    found = diagnose(train, val, naive_val_loss=1.0)
    assert found.name == "nothing left to learn"
    assert found.text.startswith("at the level of the naive forecast")
    assert named(train, val) == "underfitting"  # without it, flat is all that can be seen


def test_calmer_validation_part_at_the_level_of_naive():
    train, val = np.linspace(1.0, 0.98, 30), np.full(30, 1.8)
    assert named(train, val, naive_val_loss=1.79) == "nothing left to learn"


def test_overfitting_from_the_level_of_naive_says_both():
    found = diagnose(np.linspace(1.0, 0.6, 30), np.linspace(1.0, 1.3, 30), naive_val_loss=1.0)
    assert found.name == "overfitting"
    assert "level of the naive forecast" in found.text


def test_flat_but_below_naive_is_good():
    found = diagnose(np.full(20, 0.5), np.full(20, 0.51), naive_val_loss=1.0)
    assert found.name == "good"
    assert "fell together" not in found.text


@pytest.mark.parametrize("naive", [0.05, 0.01])
def test_settled_above_naive_is_underfitting(naive):
    found = diagnose(GOOD_TRAIN, GOOD_VAL, naive_val_loss=naive)
    assert found.name == "underfitting"
    assert "settled" in found.text


def test_falling_above_naive_needs_epochs():
    found = diagnose(np.exp(-EPOCHS / 30), np.exp(-EPOCHS / 30), naive_val_loss=0.01)
    assert (found.name, found.advice) == ("underfitting", "more --epochs")


@pytest.mark.parametrize("naive", [0.0, math.nan, -1.0])
def test_a_naive_loss_without_meaning_is_left_out(naive):
    assert diagnose(GOOD_TRAIN, GOOD_VAL, naive_val_loss=naive) == diagnose(GOOD_TRAIN, GOOD_VAL)


@given(
    st.lists(st.floats(0, 10), min_size=0, max_size=30), st.integers(0, 2**16), st.one_of(st.none(), st.floats(0, 5))
)
def test_any_curve_gets_one_line(loss, seed, naive):
    val = np.random.default_rng(seed).uniform(0, 3, size=len(loss))
    found = diagnose(loss, val, naive)
    assert "\n" not in found.line
    assert found.line == f"{found.name}: {found.text}; {found.advice}."
    assert "nan" not in found.text
    assert "inf" not in found.text.replace("finite", "")


@pytest.mark.parametrize(
    ("loss", "val_loss"),
    [
        ([0.0] * 8, [0.0] * 8),
        ([0.0, 0.0, 1.0, 5e-324], [0.6, 0.3, 0.1, 0.2]),
        ([2.2250738585072014e-308, 0.0, 0.0, 5.0], [1.91, 0.81, 0.12, 0.05]),
        ([3.0, 2.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 9.0, 9.0]),
        ([1.0] * 9, [0.0, 1.0, 0.0] * 3),
    ],
)
def test_losses_of_zero(loss, val_loss):
    assert "inf" not in diagnose(loss, val_loss).line


def test_a_ratio_to_as_good_as_nothing_is_capped():
    assert "over 1000 times" in diagnose([1.0, 0.5, 1e-9, 1e-9, 1e-9], [1.0, 0.6, 0.5, 0.5, 0.5]).text
    assert "over 1000 times" in diagnose(GOOD_TRAIN, GOOD_VAL, naive_val_loss=1e-310).text


@given(st.floats(1e-4, 1e4), st.sampled_from([GOOD_VAL, TURNED_VAL, np.full(40, 1.0)]))
def test_the_unit_of_the_loss_does_not_matter(unit, val):
    assert named(unit * GOOD_TRAIN, unit * val) == named(GOOD_TRAIN, val)


def test_histories_must_have_one_length():
    with pytest.raises(DataError, match="one value an epoch each"):
        diagnose([1.0, 0.5], [1.0])


# Real runs: scikit-learn's perceptron, epoch by epoch, on data that brings out each pattern.


def run(inputs, targets, epochs=60, **options):
    """Mean squared errors of each epoch on the first and the second half of the rows."""
    half = len(inputs) // 2
    network = MLPRegressor(random_state=0, **options)
    history = []
    for _ in range(epochs):
        network.partial_fit(inputs[:half], targets[:half])
        error = (network.predict(inputs) - targets) ** 2
        history.append((error[:half].mean(), error[half:].mean()))
    return tuple(np.array(history).T), float(np.mean(targets[half:] ** 2))  # curves, and the loss of forecasting 0


def learnable(rows, noise=0.1, width=5):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(rows, width))
    return inputs, np.sin(inputs[:, 0]) + inputs[:, 1] * inputs[:, 2] + noise * generator.normal(size=rows)


def test_real_good_run():
    curves, naive = run(*learnable(4000), hidden_layer_sizes=(50,), learning_rate_init=0.003)
    assert named(*curves) == named(*curves, naive_val_loss=naive) == "good"


def test_real_overfitting():
    curves, naive = run(*learnable(120, noise=1.0, width=20), epochs=200, hidden_layer_sizes=(300,), batch_size=16)
    assert named(*curves) == named(*curves, naive_val_loss=naive) == "overfitting"


def test_real_underfitting():
    curves, _ = run(*learnable(2000), hidden_layer_sizes=(1,), learning_rate_init=1e-5)
    assert named(*curves) == "underfitting"


def test_real_learning_rate_too_high():
    for rate in (0.1, 0.3):  # swings, and climbs
        curves, _ = run(*learnable(2000), hidden_layer_sizes=(50,), learning_rate_init=rate, batch_size=16)
        assert named(*curves) == "learning rate too high"


def test_real_learning_rate_lowered():
    curves, _ = run(*learnable(2000, noise=0.5), 30, hidden_layer_sizes=(20,), learning_rate_init=0.003, batch_size=16)
    assert named(*curves) == "good"


def test_real_white_noise_has_nothing_to_learn():
    returns = np.random.default_rng(3).normal(size=6020)
    inputs = np.lib.stride_tricks.sliding_window_view(returns, 20)[:-1]
    curves, naive = run(inputs, returns[20:], hidden_layer_sizes=(4,), learning_rate_init=0.001, alpha=1.0)
    assert named(*curves, naive_val_loss=naive) == "nothing left to learn"

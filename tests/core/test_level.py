"""Windows relative to their own level and spread: by hand, there and back, and free of the unit of the series."""

import itertools

import numpy as np
import pytest

from kerasforecast.config import Config
from kerasforecast.errors import DataError, OptionError
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.level import Level, fit_level

CHOICES = list(itertools.product(("last", "mean"), ("change", "spread"), ("none", "log", "sqrt", "asinh")))


def rows(count=200, columns=1, seed=0):
    steps = 0.05 * np.random.default_rng(seed).normal(size=(count, columns))
    return 100 * np.exp(np.cumsum(steps, axis=0))


def windows_of(values, window=8, horizon=3):
    ends = range(window, len(values) - horizon + 1)
    return np.stack([values[end - window : end] for end in ends]), np.stack(
        [values[end : end + horizon, 0] for end in ends]
    )


def by_hand(window, target, centre, unit, transform, values):
    """One column of one window, and a target, normalised in plain numbers; of a series of these `values`."""
    middle = np.median(values)
    size = np.mean(np.abs(values - middle))
    bent = {"log": np.log, "sqrt": np.sqrt, "asinh": lambda value: np.arcsinh((value - middle) / size)}
    taken = bent.get(transform, lambda value: value)
    window, target = taken(window), taken(target)
    middle = window[-1] if centre == "last" else np.mean(window)
    size = np.mean(np.abs(np.diff(window))) if unit == "change" else np.std(window)
    return (window - middle) / size, (target - middle) / size


@pytest.mark.parametrize(("centre", "unit", "transform"), CHOICES)
def test_it_is_what_its_words_say(centre, unit, transform):
    values = rows(columns=2)
    scaling = fit_scaling("level", values, ("y", "x"), level=(centre, unit, transform))
    windows, targets = windows_of(values)
    inputs, answers = scaling.inputs(windows), scaling.scaled_targets(windows, targets)
    for place in (0, 20, 90):
        expected, answer = by_hand(windows[place, :, 0], targets[place], centre, unit, transform, values[:, 0])
        np.testing.assert_allclose(inputs[place, :, 0], expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(answers[place], answer, rtol=1e-5)
        expected, _ = by_hand(windows[place, :, 1], targets[place], centre, unit, "none", values[:, 1])  # the target's
        np.testing.assert_allclose(inputs[place, :, 1], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("centre", "unit", "transform"), CHOICES)
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_there_and_back_in_any_unit(centre, unit, transform, size):
    values = size * rows()
    scaling = fit_scaling("level", values, ("y",), level=(centre, unit, transform))
    windows, targets = windows_of(values)
    scaled = scaling.scaled_targets(windows, targets)
    np.testing.assert_allclose(scaling.restore(windows, scaled.astype(np.float64)), targets, rtol=1e-5)
    stacked = np.stack([scaled, scaled], axis=2).astype(np.float64)  # of a quantile head
    np.testing.assert_allclose(scaling.restore(windows, stacked)[:, :, 1], targets, rtol=1e-5)
    if transform != "sqrt":
        plain = fit_scaling("level", rows(), ("y",), level=(centre, unit, transform))
        np.testing.assert_allclose(scaling.inputs(windows), plain.inputs(windows / size), rtol=1e-6, atol=1e-6)


def test_values_that_a_transform_cannot_take_have_their_place():
    signed = rows() - 100
    with pytest.raises(DataError, match=r"^y must be positive for --target-transform log\. Received: -"):
        fit_scaling("level", signed, ("y",), level=("last", "change", "log"))
    windows, targets = windows_of(signed)
    for transform in ("none", "asinh", "sqrt"):
        scaling = fit_scaling("level", signed, ("y",), level=("mean", "spread", transform))
        back = scaling.restore(windows, scaling.scaled_targets(windows, targets).astype(np.float64))
        expected = np.maximum(targets, 0) if transform == "sqrt" else targets
        there = slice(None) if transform != "sqrt" else windows[:, -1, 0] > 0
        np.testing.assert_allclose(back[there], expected[there], rtol=1e-4, atol=1e-4)


def test_asinh_is_taken_around_the_middle_of_what_is_usual_among_series():
    parts = [rows(60, seed=seed)[:, 0] * size - 50 for seed, size in ((1, 1), (2, 1000), (3, 2))]
    level = fit_level("last", "spread", "asinh", np.concatenate(parts)[:, None], np.array([0, 60, 120]), "y")
    middles = [np.median(part) for part in parts]
    sizes = [np.mean(np.abs(part - middle)) for part, middle in zip(parts, middles, strict=True)]
    assert (level.middle, level.size) == (pytest.approx(np.median(middles)), pytest.approx(np.median(sizes)))
    bent = [np.arcsinh((part - level.middle) / level.size) for part in parts]
    assert level.typical == pytest.approx(np.median([np.std(part) for part in bent]), rel=1e-5)
    plain = fit_level("last", "change", "none", np.concatenate(parts)[:, None], np.array([0, 60, 120]), "y")
    assert plain.typical == pytest.approx(np.median([np.mean(np.abs(np.diff(part))) for part in parts]), rel=1e-5)
    assert "middle" not in plain.model_dump()
    assert "middle" in level.model_dump()


def test_a_small_move_of_a_large_value_is_restored_to_its_last_digit():
    level = Level(centre="last", unit="spread", transform="asinh", floors=(0.01,), size=1e-3)
    windows = np.full((1, 8, 1), 10_007, np.float32)  # its asinh is 17, of which float32 knows no millionth
    ahead = level.restore(windows, np.full((1, 1), 0.1, np.float32))
    assert ahead[0, 0] == pytest.approx(10_007 * np.exp(1e-3), abs=2e-3)


def test_a_flat_window_counts_as_moving_a_tenth_of_what_a_quiet_series_does():
    quiet, loud = rows(60, seed=1), 1000 * rows(60, seed=2)
    stacked = np.concatenate([quiet, loud, quiet * 2])
    level = fit_level("last", "change", "none", stacked, np.array([0, 60, 120]), "y")
    usual = np.quantile([np.abs(np.diff(part[:, 0])).mean() for part in (quiet, loud, quiet * 2)], 0.1)
    assert level.floors == (pytest.approx(0.1 * usual, rel=1e-5),)
    flat = np.full((1, 8, 1), 5.0)
    assert (level.inputs(flat) == 0).all()
    assert np.isfinite(level.scaled_targets(flat, np.array([[7.0]]))).all()


def test_its_options_have_no_effect_without_it():
    for option in ({"centre": "last"}, {"unit": "change"}, {"target_transform": "log"}):
        with pytest.raises(OptionError, match="has no effect without scaling"):
            Config.from_options(**option)
    assert Config.from_options(scaling="level", target_transform="log").network.wants_logs

"""Forecasts are printed by the short decimals that stand for 32-bit numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kerasforecast.data.precision import short_decimals

SINGLES = arrays.arrays(np.float32, st.integers(0, 40), elements=st.floats(width=32))


def by_text(values):
    return values.astype(str).astype(np.float64)


@given(SINGLES)
def test_they_are_those_of_the_text(values):
    assert np.array_equal(short_decimals(values), by_text(values), equal_nan=True)


def test_they_are_those_of_the_text_for_what_forecasts_are():
    random = np.random.default_rng(0)
    powers = np.ldexp(np.float32(1), np.arange(-149, 128))
    parts = (
        random.lognormal(4, 2, 20_000),
        random.integers(-(10**9), 10**9, 20_000) / 100,
        10 ** random.uniform(-12, 12, 20_000),
        random.integers(0, 1_000, 1_000),
        *(np.nextafter(powers, np.float32(end)) for end in (-np.inf, np.inf)),
        powers,
        [0.0, -0.0, np.nan, np.inf, -np.inf],
    )
    values = np.concatenate([np.asarray(part, np.float32) for part in parts])
    assert np.array_equal(short_decimals(values), by_text(values), equal_nan=True)
    assert short_decimals(values[:6].reshape(2, 3)).shape == (2, 3)

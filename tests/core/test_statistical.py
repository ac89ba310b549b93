"""The classical models: what they say when absent, and what they may see when present."""

import sys

import numpy as np
import pytest

from kerasforecast.errors import OptionError
from kerasforecast.statistical import STATISTICAL, statistical


def seasonal(rows=144):
    time = np.arange(rows)
    noise = np.random.default_rng(0).normal(scale=0.3, size=rows)
    return 100 + 0.05 * time + 5 * np.sin(2 * np.pi * time / 12) + noise


def test_absent_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    with pytest.raises(OptionError, match=r"pip install 'kerasforecast\[baselines\]'"):
        statistical("theta", seasonal(), 100, np.array([100]), 1)


def test_unknown_model():
    with pytest.raises(OptionError, match="must be one of auto_ets, auto_arima, theta"):
        statistical("prophet", seasonal(), 100, np.array([100]), 1)


@pytest.mark.parametrize("name", STATISTICAL)
def test_forecasts_a_season_and_sees_nothing_later(name):
    pytest.importorskip("statsforecast")
    values, origins, levels = seasonal(), np.array([119, 125]), [0.1, 0.5, 0.9]
    points, bands = statistical(name, values, 100, origins, 6, period=12, levels=levels)
    assert points.shape == (2, 6)
    assert bands.shape == (2, 6, 3)
    assert np.all(np.diff(bands, axis=-1) > 0)
    actual = values[origins[:, None] + np.arange(1, 7)]
    assert np.sqrt(np.mean((actual - points) ** 2)) < 1.0  # the season's amplitude is 5, the noise 0.3
    changed = values.copy()
    changed[120:] = 1.0
    assert np.array_equal(statistical(name, changed, 100, origins, 6, period=12)[0][0], points[0])


def test_no_levels_no_quantiles():
    pytest.importorskip("statsforecast")
    assert statistical("theta", seasonal(), 100, np.array([110]), 3)[1] is None

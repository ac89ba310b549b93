"""In what errors are counted: moves of the forecast, which grow with it where errors do."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.moves import ROOT, Moves
from kerasforecast.metrics.probabilistic import coverage
from kerasforecast.preprocessing.volatility import Volatility, volatility_of
from kerasforecast.preprocessing.windows import windows_of
from tests.stand_ins import PointNetwork

SEASON = 12


class LastSeason(PointNetwork):
    """The last season over again."""

    def outputs(self, batch):
        return batch.past[:, :, 0]


def panel_of(values):
    return Panel.of(Series(values[:, None], pd.RangeIndex(len(values)), ("y",)))


def windows_in(panel, start, stop):
    return windows_of(panel, np.arange(start, stop - SEASON), SEASON, SEASON)


def calibrated(panel, rows):
    volatility = volatility_of(panel.values[:rows, 0])
    forecaster = Forecaster(LastSeason(SEASON, SEASON), Config.from_options(window=SEASON, horizon=SEASON), volatility)
    return forecaster.calibrated(windows_in(panel, SEASON, rows))


def inside(panel, forecaster, rows):
    """Share inside the 80 % interval of what is forecast after each row of the season, `(12,)`."""
    windows = windows_in(panel, rows, len(panel.values))
    found, actual = forecaster.alone(windows.batch(), SEASON).quantiles, windows.targets()
    last = windows.origins % SEASON
    return np.array(
        [coverage(actual[last == row], *np.moveaxis(found[last == row][..., [1, -2]], 2, 0)) for row in range(SEASON)]
    )


def test_ratios_are_ratios_of_what_is_forecast():
    """One month is twice any other; in moves of the last value 93 % lie inside what is forecast from it on."""
    noise = np.exp(0.1 * np.random.default_rng(0).normal(size=3_000))
    panel = panel_of(np.where(np.arange(3_000) % SEASON == 11, 200.0, 100.0) * noise)
    forecaster = calibrated(panel, 1_500)
    assert forecaster.volatility.logarithmic
    assert 0.65 < inside(panel, forecaster, 1_500)[-1] < 0.85


def test_errors_of_counts_grow_with_the_root_of_what_is_forecast():
    random = np.random.default_rng(0)
    rate = np.where(np.arange(6_000) % SEASON < 6, 2.0, 200.0)
    counts = calibrated(panel_of(random.poisson(rate).astype(float)), 3_000)
    assert not counts.volatility.logarithmic
    assert counts.calibration.growth == ROOT
    alike = calibrated(panel_of(rate - 5 + random.normal(size=6_000)), 3_000)
    assert alike.calibration.growth == 0
    assert "growth" not in alike.calibration.model_dump()


def test_a_forecast_near_zero_keeps_a_width():
    context = np.array([[80.0, 100.0, 120.0, 100.0]])
    moves = Moves(Volatility(logarithmic=True, floor=0.01))
    usual, none, below = (moves.of(context, np.array([[point]]))[0, 0] for point in (100.0, 0.0, -30.0))
    assert none == pytest.approx(usual / 10)
    assert below == pytest.approx(0.3 * usual)
    counted = Moves(Volatility(logarithmic=False, floor=0.01), growth=ROOT)
    usual, none = (counted.of(context, np.array([[point]]))[0, 0] for point in (100.0, 0.0))
    assert none == pytest.approx(usual * np.sqrt(0.1))
    zeros = np.zeros((1, 4))
    assert np.isfinite(counted.of(zeros, np.array([[3.0]]))).all()

"""How far errors keep pace with volatility, and which windows intervals are learned from."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.evaluation.intervals import outcomes, paced_windows
from kerasforecast.forecasting.conformal import calibrate
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.pace import Pace, learned_pace
from kerasforecast.metrics.probabilistic import crps
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.volatility import volatility_of
from tests.stand_ins import PointNetwork

WINDOW, HORIZON = 12, 4


class Mean(PointNetwork):
    """The mean of the window."""

    def __init__(self, members=()):
        super().__init__(WINDOW, HORIZON)
        self.members = members

    def outputs(self, batch):
        return np.repeat(batch.past[:, :, 0].mean(axis=1, keepdims=True), self.horizon, axis=1)


def panel_of(*parts):
    series = [Series(np.asarray(part)[:, None], pd.RangeIndex(len(part)), ("y",)) for part in parts]
    return Panel.joined(series, [f"s{place}" for place in range(len(parts))], key="shop")


def split_of(*edges):
    edges = np.array(edges)
    return Split(edges, edges[:, 0], WINDOW, HORIZON, WINDOW)


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
def test_the_power_is_the_one_that_errors_follow(power):
    random = np.random.default_rng(0)
    volatility = np.exp(random.normal(size=500))
    errors = volatility[:, None] ** power * random.normal(size=(500, 20))
    found = learned_pace(errors, volatility, 1e9)
    assert found.power == pytest.approx(power, abs=0.02)
    assert found.usual == pytest.approx(np.exp(np.log(volatility).mean()))
    few = learned_pace(errors, volatility, 10)  # as many as a power of 1 counts for
    assert few.power == pytest.approx((found.power + 1) / 2, abs=1e-6)


def test_windows_all_alike_say_nothing_of_it():
    alike = learned_pace(np.ones((5, 2)), np.full(5, 3.0), 5)
    assert (alike.power, alike.usual) == (1, pytest.approx(3.0))
    assert learned_pace(np.zeros((5, 2)), np.arange(1.0, 6), 5).power == 1
    chance = np.exp(0.1 * np.random.default_rng(0).normal(size=500))  # what a volatility of 32 rows errs by
    assert learned_pace(np.random.default_rng(1).normal(size=(500, 9)), chance, 1e9).power > 0.9


def test_moves_are_those_of_usual_windows_where_errors_have_nothing_to_do_with_volatility():
    volatility = np.array([0.5, 2.0, 8.0])
    np.testing.assert_allclose(Pace(power=0, usual=2).kept(volatility)[:, 0] * volatility, 2)
    np.testing.assert_allclose(Pace(power=1, usual=2).kept(volatility), 1)


def test_intervals_around_a_level_are_narrower_where_noise_has_little_to_do_with_errors():
    """Noise that comes and goes, around a level whose slow turns are most of an error."""
    random = np.random.default_rng(1)
    rows = 4_000
    level = 3 * np.sin(2 * np.pi * np.arange(rows) / 150)
    size = np.exp(np.sin(2 * np.pi * np.arange(rows) / 400))
    panel = panel_of(level + np.where(np.arange(rows) < 3_000, size, 3) * 0.3 * random.normal(size=rows))
    config = Config.from_options(window=WINDOW, horizon=HORIZON, model="linear")
    split = split_of([0, 2_000, 3_000, rows])
    plain = Forecaster(Mean(), config, volatility_of(panel.values[:2_000, 0]))
    validation = outcomes(config, panel, split_of([0, 2_000, 3_000, 3_000]))
    test = outcomes(config, panel, split_of([0, 3_000, rows, rows]))
    learned = plain.calibrated(validation, paced_windows(config, panel, split))
    assert 0.1 < learned.calibration.pace.power < 0.9
    found = [each.alone(test.batch(), HORIZON).quantiles for each in (learned, plain.calibrated(validation))]
    paced, other = (crps(test.targets(), each, config.levels) for each in found)
    assert paced < 0.97 * other


def test_what_is_learned_after_scoring_is_validation_and_test_together():
    panel = panel_of(np.arange(60.0), np.arange(40.0))
    config = Config.from_options(window=WINDOW, horizon=HORIZON)
    windows = outcomes(config, panel, split_of([0, 30, 45, 60], [60, 90, 90, 100]))  # the other is held out
    assert windows.origins.tolist() == list(range(29, 56))
    assert paced_windows(config, panel, split_of([0, 30, 45, 60], [60, 90, 90, 100])) is None  # there are several


def test_a_calibration_tells_of_its_pace_and_its_parts_only_where_it_has_them():
    random = np.random.default_rng(0)
    errors = random.normal(size=(50, 2))
    plain = calibrate(errors * 0, np.zeros((50, 2, 3)), np.ones((50, 2)), errors, (0.1, 0.5, 0.9), "point", 2)
    assert not {"pace", "tested", "widths"} & set(plain.model_dump())
    paced = plain.model_copy(update={"pace": Pace(power=0.25, usual=3.0), "tested": True})
    assert type(plain).model_validate_json(paced.model_dump_json()) == paced
    assert "50 validation and test windows" in paced.note

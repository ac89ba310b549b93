"""What no forecast lies below: found in zeros or asked for, and kept by points, quantiles, paths and rivals alike."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.baselines.fitted import learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import OptionError
from kerasforecast.forecasting.adaptive import adapt
from kerasforecast.forecasting.conformal import Calibration, calibrate
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.bound import bound_note, check_bound, least_forecast
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.paths import restore_paths
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.preprocessing.windows import windows_of

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
COUNTS = np.random.default_rng(0).poisson(1.0, 300).astype(float)


@pytest.mark.parametrize(
    "asked, values, lowest",
    [
        ("auto", [0, 3, 0, 5], 0.0),
        ("auto", [0, 3, 4, 5], None),  # a single zero may be chance
        ("auto", [0, 3, 0, -1], None),
        ("auto", [2, 3, 2, 5], None),
        ("none", [0, 3, 0, 5], None),
        (0.0, [2, 3, 2, 5], 0.0),
        (-273.15, [2, 3], float(np.float32(-273.15))),
        (0.0, [-1, 3], None),
    ],
)
def test_zeros_and_nothing_below_are_a_bound(asked, values, lowest):
    assert least_forecast(asked, np.array(values, float)) == lowest


def test_a_bound_above_what_was_seen_is_refused():
    with pytest.raises(OptionError, match=r"--lower-bound must not lie above a value.*Received: 1, where.*is 0\.5\."):
        check_bound(1.0, np.array([0.5, 2.0]))
    check_bound("auto", np.array([-0.5, 2.0]))
    check_bound(0.5, np.array([0.5, 2.0]))


@pytest.mark.parametrize("given, taken", [("none", "none"), ("0", 0.0), (0, 0.0), (-1.5, -1.5)])
def test_the_option_is_a_word_or_a_number(given, taken):
    assert Config.from_options(lower_bound=given).network.lower_bound == taken


def test_another_word_is_one_line():
    with pytest.raises(OptionError, match=r"lower_bound: must be auto, none or a number\. Received: 'zero'\."):
        Config.from_options(lower_bound="zero")


@pytest.mark.parametrize("kind", ["difference", "standard", "level", "none"])
def test_raw_forecasts_stop_at_the_bound(kind):
    scaling = fit_scaling(kind, COUNTS[:, None], ("y",), lower_bound="auto")
    windows = COUNTS[:40].reshape(4, 10, 1)
    for scaled in (np.full((4, 3), -9.0), np.full((4, 3, 5), -9.0)):
        assert (scaling.restore(windows, scaled) == 0).all()
        assert (scaling.unbounded(windows, scaled) < 0).all()
    assert (restore_paths(scaling.restore, windows, np.full((4, 7, 3), -9.0)) == 0).all()
    above = np.full((4, 3), 9.0)
    assert np.array_equal(scaling.restore(windows, above), scaling.unbounded(windows, above))


def test_a_file_says_a_bound_of_zero_and_none_where_there_is_none():
    kept, left = (fit_scaling("standard", COUNTS[:, None], ("y",), lower_bound=each) for each in ("auto", "none"))
    assert kept.model_dump()["lowest"] == 0.0
    assert "lowest" not in left.model_dump()
    assert type(kept).model_validate(kept.model_dump()) == kept


def calibrated(base, actual, basis, lowest):
    points = base[:, :, LEVELS.index(0.5)]
    return calibrate(points, base, np.ones(actual.shape), actual, LEVELS, basis, 1, lowest=lowest)


@pytest.mark.parametrize("basis", ["point", "quantiles"])
def test_quantiles_stop_at_the_bound_and_the_file_knows_it(basis):
    actual = COUNTS[:, None]
    calibration = calibrated(np.full((300, 1, 5), 1.0), actual, basis, 0.0)
    assert calibration.intervals(np.zeros((2, 1, 5)), np.full((2, 1), 5.0)).min() == 0
    assert adapt(calibration, np.zeros((300, 1, 5)), np.ones((300, 1)), actual)[0].min() == 0
    again = Calibration.model_validate(calibration.model_dump())
    assert again == calibration and again.lowest == 0.0
    assert "lowest" not in calibrated(np.full((300, 1, 5), 1.0), actual, basis, None).model_dump()


@pytest.mark.parametrize("lowest, worn", [(0.0, False), (None, True)])
def test_nights_at_the_bound_do_not_wear_down_the_levels_of_the_day(lowest, worn):
    """Every other row is a night, of which three fifths are zero, as its quantiles say; days are as theirs say too."""
    random = np.random.default_rng(1)
    night, day = random.exponential(1.0, 4_000), 5 + random.exponential(1.0, 4_000)
    night = np.where(random.random(4_000) < 0.6, 0.0, night)
    right = [np.quantile(each, LEVELS, method="inverted_cdf") for each in (night, day)]
    actual, base = np.stack([night, day], axis=1).reshape(-1, 1), np.tile(right, (4_000, 1))[:, None, :]
    calibration = calibrated(base[:1_000], actual[:1_000], "quantiles", lowest)
    assert not calibration.kept
    intervals, _ = adapt(calibration, base, np.ones((8_000, 1)), actual)
    below = (actual[5_001::2] <= intervals[5_001::2, 0, :2]).mean(axis=0)
    assert (np.abs(below - LEVELS[:2]) > 0.03).all() == worn


def test_a_forecast_is_bounded_in_all_its_parts():
    whole = Forecast(np.array([[-1.0, 2.0]]), np.array([[[-3.0, 1.0], [0.5, 2.0]]]), np.array([[[-1.0, 4.0]]]))
    bounded = whole.bounded(0.0)
    assert bounded.point.tolist() == [[0.0, 2.0]]
    assert bounded.quantiles.tolist() == [[[0.0, 1.0], [0.5, 2.0]]]
    assert bounded.samples.tolist() == [[[0.0, 4.0]]]
    assert whole.bounded(None) is whole


def test_rivals_keep_to_the_bound_of_the_model():
    panel = Panel.of(Series(COUNTS[:, None], pd.RangeIndex(300), ("y",)))
    for asked, least in (("auto", 0.0), ("none", -1.0)):
        config = Config.from_options(window=10, horizon=3, scaling="difference", lower_bound=asked)
        split = split_panel(panel, config.split, config.network, 3)
        learned = learn_baselines(config, panel, split)
        windows = windows_of(panel, split.origins("test", 3), 10, 3)
        found = learned.forecasts(windows)
        assert (min(each.quantiles.min() for each in found.values() if each.quantiles is not None) < 0) == (least < 0)


def test_the_bound_is_said():
    assert bound_note(None) == []
    assert bound_note(0.0) == ["No forecast lies below 0; --lower-bound sets that, or none."]

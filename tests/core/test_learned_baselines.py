"""Trees and a ridge regression as baselines: what they may see, that they learn, and where there is too little."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.baselines.classical import classical_forecasts, require_extra
from kerasforecast.baselines.fitted import learn_baselines
from kerasforecast.baselines.trees import _Recursive, _Trees, _tried
from kerasforecast.config import Config
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.preprocessing.windows import windows_of

H = 4


def panel(rows=240, count=1, changed=None):
    times = np.arange(rows)
    each = []
    for number in range(count):
        random = np.random.default_rng(number)
        values = 10.0 ** (number % 3) * (
            20 + 0.05 * times + 5 * np.sin(times * np.pi / 6) + 0.3 * random.normal(size=rows)
        )
        if changed is not None:
            values[changed:] = values[changed:][::-1] * 3
        each.append(kf.Series(values[:, None], pd.RangeIndex(rows), ("y",)))
    return kf.Panel.of(each[0]) if count == 1 else kf.Panel.joined(each, [f"s{number}" for number in range(count)])


def found(data, names=("trees", "linear"), known=None):
    config = Config.from_options(window=24, horizon=H, period=12, baselines=names)
    split = split_panel(data, config.split, config.network, H)
    baselines = learn_baselines(config, data, split)
    windows = windows_of(data, split.origins("test"), 24, H)
    known = split.edges[:, 2] if known is None else known
    return windows, classical_forecasts(config, windows, known, baselines), baselines.forecasts(windows)


def rmse(windows, forecast):
    return np.sqrt(np.mean((windows.targets() - forecast.point) ** 2))


@pytest.mark.parametrize("count", [1, 3])
def test_they_learn_what_the_rules_cannot_and_their_intervals_hold(count):
    windows, ours, rules = found(panel(count=count))
    for name in ("trees", "linear"):
        assert rmse(windows, ours[name]) < 0.5 * rmse(windows, rules["naive"])
        low, high = ours[name].quantiles[:, :, 1], ours[name].quantiles[:, :, -2]
        assert 0.6 < np.mean((windows.targets() >= low) & (windows.targets() <= high)) <= 1
    assert rmse(windows, ours["linear"]) < rmse(windows, rules["seasonal_naive_12"])


def test_trees_forecast_step_after_step_where_that_misses_less():
    times = np.arange(200)
    values = 100 + np.cumsum(np.where(times % 3 == 0, 2.0, -0.5)) + np.random.default_rng(0).normal(0, 0.01, 200)
    data = kf.Panel.of(kf.Series(values[:, None], pd.RangeIndex(200), ("y",)))
    windows = windows_of(data, np.arange(40, 190), 24, H)
    late = windows_of(data, np.arange(160, 190), 24, H)
    each = [_Trees((3,)), _Recursive((3,))]
    errors = []
    for learner in each:
        learner.fit(windows_of(data, np.arange(40, 150), 24, H))
        errors.append(np.abs(late.targets() - learner.points(late)).mean())
    chosen, table = _tried(each, windows, np.array([200]), (0.1, 0.5, 0.9))
    assert chosen is each[int(np.argmin(errors))]
    assert table.shape == (H, 3)
    assert min(errors) < 0.2
    one = windows_of(data, np.arange(160, 190), 24, 1)
    np.testing.assert_allclose(each[1].points(late)[:, :1], each[1].points(one))  # its first step sees what is known


def test_values_from_the_test_part_on_move_no_earlier_forecast():
    data = panel()
    config = Config.from_options(window=24, horizon=H)
    edge = int(split_panel(data, config.split, config.network, H).edges[0, 2])
    first, before, _ = found(data)
    _, after, _ = found(panel(changed=edge))
    for name in before:  # the first window of the test part ends just before it
        assert first.origins[0] == edge - 1
        np.testing.assert_array_equal(before[name].point[0], after[name].point[0])
        np.testing.assert_array_equal(before[name].quantiles[0], after[name].quantiles[0])
        assert not np.array_equal(before[name].point[-1], after[name].point[-1])  # whose window has changed


def test_too_little_to_learn_from_is_forecast_as_naive_and_nothing_else_need_be_installed(monkeypatch):
    monkeypatch.setattr("kerasforecast.baselines.classical._installed", lambda: False)
    require_extra(Config.from_options(baselines=("trees", "linear")))
    data = panel()
    _, ours, rules = found(data, known=np.array([6]))
    for name in ours:
        np.testing.assert_array_equal(ours[name].point, rules["naive"].point)

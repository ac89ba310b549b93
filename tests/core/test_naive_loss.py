"""What the naive forecast's training loss is: the level that the loss curves are read against."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.training.naive_loss import naive_loss

WALK = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(0).normal(size=(120, 1)), axis=0))


@pytest.mark.parametrize("scaling", ["anchor", "difference", "minmax", "none"])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_the_naive_loss_is_that_of_the_last_value(scaling, loss):
    config = Config.from_options(scaling=scaling, loss=loss, window=8, horizon=2)
    panel = Panel.of(Series(WALK, pd.RangeIndex(len(WALK)), ("Close",)))
    split = split_panel(panel, config.split, config.network)
    fitted = fit_scaling(scaling, panel.values[: split.train_end], panel.columns)
    windows = windows_of(panel, split.origins("validation"), 8, 2)
    raw = windows.batch().past.astype(np.float64)
    last = np.repeat(raw[:, -1:, 0], 2, axis=1)
    scaled = [fitted.scaled_targets(raw, targets).astype(np.float64) for targets in (windows.targets(), last)]
    if scaling in ("anchor", "difference"):
        assert not scaled[1].any()
    errors = np.abs(scaled[0] - scaled[1])
    expected = {"mse": errors**2, "mae": errors, "huber": np.where(errors < 1, errors**2 / 2, errors - 0.5)}[loss]
    known = windows_of(panel, split.origins("train"), 8, 2)
    parts = (each.training_set(fitted) for each in (known, windows))
    assert naive_loss(*parts, fitted, config.training) == pytest.approx(expected.mean(), rel=1e-4)


@pytest.mark.parametrize("scaling", ["anchor", "minmax"])
def test_with_quantiles_it_is_that_of_past_moves_around_the_last_value(scaling):
    panel = Panel.of(Series(WALK, pd.RangeIndex(len(WALK)), ("Close",)))
    config = Config.from_options(scaling=scaling, window=8, quantiles=(0.1, 0.5, 0.9))
    split = split_panel(panel, config.split, config.network)
    fitted = fit_scaling(scaling, panel.values[: split.train_end], panel.columns)
    known, ahead = (windows_of(panel, split.origins(part), 8, 1) for part in ("train", "validation"))
    errors = [
        fitted.scaled_targets(part.batch().past.astype(float), part.targets())
        - fitted.scaled_targets(part.batch().past.astype(float), part.last()[:, None])
        for part in (known, ahead)
    ]
    loss = 0.0
    for level, weight in zip((0.1, 0.5, 0.9), (0.3, 0.4, 0.3), strict=True):
        off = errors[1] - np.quantile(errors[0], level)
        loss += weight * np.mean(np.maximum(level * off, (level - 1) * off))
    parts = (each.training_set(fitted) for each in (known, ahead))
    found = naive_loss(*parts, fitted, config.training, config.network.quantiles)
    assert found == pytest.approx(loss, rel=1e-4)

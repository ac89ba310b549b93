"""What the naive forecast's training loss is: the level that the loss curves are read against."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.config import Config
from kerasforecast.data.series import Series
from kerasforecast.diagnosis import naive_loss
from kerasforecast.scaling import fit_scaling
from kerasforecast.split import split_series
from kerasforecast.windows import windows_of

WALK = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(0).normal(size=(120, 1)), axis=0))


@pytest.mark.parametrize("scaling", ["anchor", "difference", "minmax", "none"])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_the_naive_loss_is_that_of_the_last_value(scaling, loss):
    config = Config.from_options(scaling=scaling, loss=loss, window=8, horizon=2)
    series = Series(WALK, pd.RangeIndex(len(WALK)), ("Close",))
    split = split_series(series, config.split, config.network)
    fitted = fit_scaling(scaling, series.values[: split.train_end], series.columns)
    windows = windows_of(series, split.origins("validation"), 8, 2)
    raw = windows.inputs().astype(np.float64)
    last = np.repeat(raw[:, -1:, 0], 2, axis=1)
    scaled = [fitted.targets(raw, futures).astype(np.float64) for futures in (windows.futures(), last)]
    if scaling in ("anchor", "difference"):
        assert not scaled[1].any()
    errors = np.abs(scaled[0] - scaled[1])
    expected = {"mse": errors**2, "mae": errors, "huber": np.where(errors < 1, errors**2 / 2, errors - 0.5)}[loss]
    assert naive_loss(windows, fitted, config.training) == pytest.approx(expected.mean(), rel=1e-4)

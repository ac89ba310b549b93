"""The reading of the loss curves on short runs of the real networks, each made to show one pattern."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from tests.backend.conftest import prices

NETWORK = {"window": 12, "units": 16, "layers": 1, "dropout": 0.0, "batch_size": 32}


def season(rows=400, noise=0.0):
    steps = np.arange(rows)
    values = 100 + 10 * np.sin(2 * np.pi * steps / 20) + noise * np.random.default_rng(0).normal(size=rows)
    return pd.DataFrame({"value": values}, index=pd.bdate_range("2020-01-01", periods=rows, name="date"))


RUNS = {
    "good": (season(noise=0.5), {"epochs": 15, "learning_rate": 0.01}),
    "overfitting": (prices(150), {"epochs": 60, "patience": 60, "learning_rate": 0.01}),
    "underfitting": (season(), {"epochs": 6, "learning_rate": 1e-5, "scaling": "standard"}),
    "nothing left to learn": (prices(600), {"epochs": 6, "learning_rate": 0.0005}),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_made_to_show_a_pattern_is_called_by_its_name(name):
    data, options = RUNS[name]
    model = kf.fit(data, **NETWORK, lr_patience=100, **options)
    found = model.manifest.metrics.diagnosis
    assert found.name == name, found.line
    assert found.line == f"{found.name}: {found.text}; {found.advice}."
    assert found.naive_val_loss > 0


def test_a_learning_rate_that_is_too_high_is_called_so():
    """Steps this long are chaotic, so backends part ways; one of three such runs may end up flat, not all of them."""
    options = NETWORK | {"model": "rnn", "epochs": 20, "patience": 20, "lr_patience": 100}
    names = (
        kf.fit(season(noise=0.5), **options, learning_rate=rate).manifest.metrics.diagnosis.name
        for rate in (0.3, 0.6, 1.0)
    )
    assert "learning rate too high" in names

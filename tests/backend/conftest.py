"""Everything here runs on one Keras backend, whichever KERAS_BACKEND or the installation chooses."""

import os

import numpy as np
import pandas as pd
import pytest

from kerasforecast.runtime.backend import activate

BACKEND = activate().name

SMALL = {"window": 8, "units": 4, "epochs": 2, "batch_size": 16}


def prices(rows=300, columns=("Close",), seed=0):
    """A geometric random walk for each column, on business days."""
    random = np.random.default_rng(seed)
    walk = 100 * np.exp(np.cumsum(0.02 * random.normal(size=(rows, len(columns))), axis=0))
    index = pd.bdate_range("2020-01-01", periods=rows, name="Date")
    return pd.DataFrame(walk, index=index, columns=list(columns))


def pytest_collection_modifyitems(items):
    """Spare TensorFlow, which takes four times as long, what a backend has no part in; the long form does not."""
    if BACKEND == "tensorflow" and not os.environ.get("KERASFORECAST_SOAK"):
        spared = pytest.mark.skip(reason="the same on every backend")
        for item in items:
            if item.get_closest_marker("same_everywhere"):
                item.add_marker(spared)


@pytest.fixture(scope="session")
def frame():
    return prices()


@pytest.fixture(scope="session")
def small(frame):
    """A small trained model, not to be changed."""
    import kerasforecast as kf

    return kf.fit(frame, **SMALL)


@pytest.fixture
def saved(small, tmp_path):
    return small.save(tmp_path / "small.keras")

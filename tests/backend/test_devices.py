"""One network trained on several devices at once: simulated ones of a processor."""

import json

import keras
import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from tests.core.helpers import run_python

JAX = keras.backend.backend() == "jax"
CODE = """
import json
import keras
import numpy as np
import pandas as pd
import kerasforecast as kf

shares, shared = [], keras.distribution.DataParallel.get_data_layout

def noted(self, shape):
    shares.append(shape[0])
    return shared(self, shape)

keras.distribution.DataParallel.get_data_layout = noted
random = np.random.default_rng(0)
dates = pd.bdate_range("2020-01-01", periods=150, name="Date")
table = pd.DataFrame({"Close": 100 * np.exp(np.cumsum(0.02 * random.normal(size=150)))}, dates)
options = {"window": 6, "units": 3, "layers": 1, "epochs": 2, "batch_size": 16, "model": "gru", "final": "all"}
found = []
for devices in (1, 4):
    model = kf.fit(table, devices=devices, **options)
    arrays = [*model.predictor.weights, model.test.table["forecast"]]
    found.append([np.asarray(array).tolist() for array in arrays])
    assert (16 in shares) is (devices == 4)  # a whole batch was shared out
print(json.dumps(found))
"""


def prices():
    random = np.random.default_rng(0)
    dates = pd.bdate_range("2020-01-01", periods=90, name="Date")
    return pd.DataFrame({"Close": 100 * np.exp(np.cumsum(0.02 * random.normal(size=90)))}, dates)


@pytest.mark.skipif(not JAX, reason="Keras spreads training over devices on JAX alone.")
def test_several_devices_train_the_network_of_one_within_rounding():
    flags = "--xla_force_host_platform_device_count=4 --xla_backend_optimization_level=0"
    done = run_python(CODE, XLA_FLAGS=flags)
    assert done.code == 0, done.err
    for one, four in zip(*json.loads(done.out), strict=True):
        np.testing.assert_allclose(one, four, rtol=1e-4, atol=1e-6)


def test_what_cannot_be_spread_is_refused_in_a_line():
    if not JAX:
        with pytest.raises(kf.BackendError, match=r"^devices= needs JAX: .* Received: 2 with "):
            kf.fit(prices(), devices=2)
        return
    with pytest.raises(kf.OptionError, match=r"^devices= must divide a batch evenly\. .* Use batch_size=33\."):
        kf.fit(prices(), devices=3)
    with pytest.raises(kf.OptionError, match=r"^devices= must be at most those of this machine, 1: cpu:0\."):
        kf.fit(prices(), devices=2, window=6)

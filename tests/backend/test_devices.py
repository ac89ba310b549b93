"""One network trained on several devices at once: simulated ones of a processor."""

import json
import os

import keras
import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from tests.core.helpers import run_python

JAX = keras.backend.backend() == "jax"
CODE = """
import json, sys
import keras
import numpy as np
import pandas as pd
import kerasforecast as kf

shares, shared = [], keras.distribution.DataParallel.get_data_layout

def noted(self, shape):
    shares.append(shape[0])
    return shared(self, shape)

keras.distribution.DataParallel.get_data_layout = noted
prices = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True, float_precision="round_trip")
model = kf.fit(prices, devices=4, **json.loads(sys.argv[2]))
assert 16 in shares  # a whole batch was shared out
print(json.dumps([np.asarray(array).tolist() for array in (*model.predictor.weights, model.test.table["forecast"])]))
"""


def prices():
    random = np.random.default_rng(0)
    dates = pd.bdate_range("2020-01-01", periods=90, name="Date")
    return pd.DataFrame({"Close": 100 * np.exp(np.cumsum(0.02 * random.normal(size=90)))}, dates)


@pytest.mark.skipif(not JAX, reason="Keras spreads training over devices on JAX alone.")
def test_several_devices_train_the_network_of_one_within_rounding(tmp_path):
    options = {"window": 6, "units": 3, "layers": 1, "epochs": 2, "batch_size": 16, "model": "gru", "dropout": 0.2}
    prices().to_csv(tmp_path / "prices.csv", float_format="%.17g")
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    done = run_python(CODE, str(tmp_path / "prices.csv"), json.dumps(options), XLA_FLAGS=flags)
    assert done.code == 0, done.err
    model = kf.fit(prices(), **options)
    alone = [*model.predictor.weights, model.test.table["forecast"]]
    for one, four in zip(alone, json.loads(done.out), strict=True):
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

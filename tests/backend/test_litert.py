"""LiteRT, which TensorFlow alone writes: the same numbers in its own interpreter, or no file."""

import json

import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.artifact.exchange import formats
from kerasforecast.errors import ArtifactError
from tests.extras.networks import ANCHOR, member, written

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="written by TensorFlow")


@pytest.mark.parametrize(
    ("to", "tolerance", "family"), [("litert", 1e-5, "lstm"), ("litert-int8", 0.1, "linear with a trend")]
)
def test_it_forecasts_one_window_at_a_time_as_keras_does(tmp_path, to, tolerance, family):
    written(tmp_path / "drawn.keras", member(family, ANCHOR, levels=(0.1, 0.5, 0.9), known=1))
    found = kf.export(tmp_path / "drawn.keras", to)
    record = json.loads(found.with_name(f"{found.name}.parity.json").read_text())
    assert record["worst"] <= record["tolerance"] == tolerance
    assert {check["batch"] for check in record["checks"]} == {1}
    assert {check["windows"] for check in record["checks"]} == {"golden", "flat", "high", "low", "random"}


def test_another_weight_is_caught(tmp_path, monkeypatch):
    written(tmp_path / "drawn.keras", member("linear with a trend"))
    whole = formats._network

    def changed(source):
        network = whole(source)
        network.set_weights([weights * np.float32(1.001) for weights in network.get_weights()])
        return network

    monkeypatch.setattr(formats, "_network", changed)
    with pytest.raises(ArtifactError, match=r"the model as litert .* windows in a batch of 1"):
        kf.export(tmp_path / "drawn.keras", "litert")
    assert not list(tmp_path.glob("*.tflite*"))

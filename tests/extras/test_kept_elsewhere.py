"""MLflow and OpenVINO: tried where their packages are, which no environment of tox installs: they are large."""

import sys

import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.errors import OptionError
from kerasforecast.serving import pyfunc
from tests.extras.networks import member, written


@pytest.fixture
def saved(tmp_path):
    written(tmp_path / "drawn.keras", member("linear with a trend"))
    return tmp_path / "drawn.keras"


def test_what_they_need_is_named(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(OptionError, match=r"kerasforecast\[mlflow\]"):
        pyfunc.save_model(saved, saved.with_name("kept"))
    with pytest.raises(OptionError, match=r"kerasforecast\[openvino\]"):
        kf.export(saved, "openvino")


def test_openvino_forecasts_the_same(saved):
    pytest.importorskip("openvino")
    assert kf.export(saved, "openvino").with_suffix(".bin").is_file()


def test_mlflow_gives_forecasts_for_rows(saved):
    mlflow = pytest.importorskip("mlflow.pyfunc")
    rows = pd.DataFrame({"Close": [100.0 + place % 5 for place in range(30)]})
    for file in (saved, kf.export(saved)):
        place = pyfunc.save_model(file, saved.with_name(f"kept{file.suffix}"))
        loaded = mlflow.load_model(str(place))
        expected = kf.load(file).forecast(5, rows)
        pd.testing.assert_frame_equal(loaded.predict(rows, params={"steps": 5}), expected.reset_index())
        assert len(loaded.predict(rows)) == 3  # the horizon
        assert not [each for each in place.rglob("*") if each.suffix == ".pkl"]


def test_mlflow_takes_model_files_alone(tmp_path):
    pytest.importorskip("mlflow.pyfunc")
    with pytest.raises(OptionError, match=r"\.keras or \.onnx"):
        pyfunc.save_model(tmp_path / "prices.csv", tmp_path / "kept")

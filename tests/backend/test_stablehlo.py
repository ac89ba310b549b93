"""StableHLO, which JAX writes with a package of its own."""

import json
import sys

import keras
import pytest

import kerasforecast as kf
from kerasforecast.errors import OptionError

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX writes it")


def test_what_jax_writes_forecasts_as_keras_does(saved):
    written = kf.export(saved, "stablehlo")
    record = json.loads(written.with_name(f"{written.name}.parity.json").read_text())
    assert written.suffix == ".stablehlo" and record["worst"] <= record["tolerance"] == 1e-5


def test_without_its_package_the_extra_is_named(saved, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("jax._src.export.s", "flatbuffers"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    with pytest.raises(OptionError, match=r"flatbuffers.*kerasforecast\[jax\]"):
        kf.export(saved, "stablehlo", out=saved.with_name("other.stablehlo"))
    assert not list(saved.parent.glob("other*"))

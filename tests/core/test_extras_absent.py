"""An option whose package is not installed says so first: before data is read, and before anything is computed."""

import importlib.util
import sys

import pytest

import kerasforecast as kf
from kerasforecast.runtime.extras import require_package

ABSENT = "no-such-table.csv"
ASKED = {
    "search": lambda: kf.tune(ABSENT, search=True),
    "ray of trials": lambda: kf.tune(ABSENT, ray="local"),
    "ray of folds": lambda: kf.backtest(ABSENT, ray="local"),
    "ray of contestants": lambda: kf.compare(["linear"], ABSENT, ray="local"),
    "ray of series": lambda: kf.fit_each(ABSENT, ray="local", output_dir="models"),
    "ray of networks": lambda: kf.fit(ABSENT, model="auto", ray="local"),
}


@pytest.fixture
def neither(monkeypatch):
    find = importlib.util.find_spec
    hidden = ("ray", "optuna")
    for name in hidden:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in hidden else find(name, *rest))


@pytest.mark.parametrize("asked", ASKED)
def test_a_package_that_is_absent_is_named_before_the_data_is_looked_for(neither, asked):
    option, _, _ = asked.partition(" ")
    package, extra = {"search": ("optuna", "tune"), "ray": ("ray", "ray")}[option]
    with pytest.raises(
        kf.OptionError, match=rf"^{option}= needs the package {package}\. .*\[{extra}\]\", or leave {option}= out\.$"
    ):
        ASKED[asked]()


def test_a_package_that_is_there_is_not_imported_to_find_that_out():
    assert require_package("--any", "json", "none") is None
    assert require_package("--any", "this", "none") is None and "this" not in sys.modules

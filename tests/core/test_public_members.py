"""What `import kerasforecast` offers, what it costs, and what works where no backend is installed."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import kerasforecast
from tests.core.helpers import BACKENDS, run_python

PACKAGE = Path(kerasforecast.__file__).parent

ERRORS = {
    *("KerasForecastError", "InputError", "OptionError", "DataError", "BackendError", "ArtifactError"),
    *("LockedError", "DivergedError", "SkillError", "StoppedError"),
}
PUBLIC = {
    "Config",
    "KerasForecaster",
    "Model",
    "Panel",
    "Series",
    "backtest",
    "compare",
    "drift",
    "errors",
    "export",
    "fit",
    "fit_each",
    "load",
    "shrink",
    "tune",
    *ERRORS,
}

# Packages and modules that are used before, or without, a network.
WITHOUT_KERAS = (
    "errors",
    "config",
    "runtime.files",
    "runtime.names",
    "runtime.backend",
    "runtime.determinism",
    "data",
    "data.load",
    "data.panel",
    "data.series",
    "preprocessing.split",
    "preprocessing.scaling",
    "preprocessing.windows",
    "preprocessing.volatility",
    "metrics.point",
    "metrics.probabilistic",
    "metrics.significance",
    "layers",
    "layers.kernels",
    "models.limits",
    "training.diagnosis",
    "training.naive_loss",
    "forecasting.conformal",
    "baselines.simple",
    "baselines.fitted",
    "baselines.classical",
    "artifact.manifest",
    "artifact.reader",
    "evaluation.evaluation",
    "evaluation.scores",
    "evaluation.backtest",
    "evaluation.compare",
    "evaluation.folds",
    "evaluation.walk",
    "report",
    "estimator",
    "forecasting.forecaster",
    "model",
    "api.fit",
    "api.backtest",
    "api.compare",
    "api.results",
    "api.walks",
    "api.loading",
    "api.runs",
    "api.progress",
)


def test_the_public_names_are_these():
    assert sorted(kerasforecast.__all__) == sorted(PUBLIC)


def test_importing_the_package_loads_nothing_heavy_and_sets_nothing():
    code = "import os; before = dict(os.environ); import kerasforecast; print(dict(os.environ) == before)"
    done = run_python(code)
    assert (done.code, done.out.strip(), done.heavy) == (0, "True", [])
    assert "numpy" not in done.loaded


@pytest.mark.parametrize("name", sorted(PUBLIC - {"errors"}))
def test_every_name_resolves_without_a_backend_or_keras(name):
    code = f"import kerasforecast; value = kerasforecast.{name}; print(value.__module__, value.__name__)"
    done = run_python(code, hidden=(*BACKENDS, "keras"))
    assert done.code == 0, done.err
    module, found = done.out.split()
    assert module.partition(".")[0] == "kerasforecast"
    assert found == name


def test_to_name_a_model_chooses_no_backend():
    done = run_python(
        "import os, kerasforecast; kerasforecast.Model; print(os.environ.get('KERAS_BACKEND'))", KERAS_BACKEND=None
    )
    assert done.out.strip() == "None"
    assert not set(done.heavy) & {"keras", *BACKENDS}


def test_every_error_is_exported():
    tree = vars(kerasforecast.errors).values()
    classes = {each.__name__ for each in tree if isinstance(each, type) and issubclass(each, Exception)}
    assert classes == ERRORS


@pytest.mark.parametrize(
    "call", ["fit()", "backtest()", "compare(['lstm'])", "KerasForecaster().fit([[1, 2]] * 4, [1] * 4)"]
)
def test_what_computes_says_which_extra_to_install(call, tmp_path):
    code = f"import kerasforecast as kf\ntry: kf.{call}\nexcept kf.BackendError as e: print(e)"
    done = run_python(code, hidden=BACKENDS, KERAS_BACKEND=None, KERAS_HOME=str(tmp_path))
    assert done.code == 0, done.err
    assert 'pip install "kerasforecast[jax]"' in done.out


def test_every_lazy_name_is_where_it_is_said_to_be():
    for name, module in kerasforecast._LAZY.items():
        path = PACKAGE.parent / f"{module.replace('.', '/')}.py"
        defined = [getattr(node, "name", None) for node in ast.parse(path.read_text()).body]
        assert name in defined


def test_every_public_name_is_listed_and_documented():
    assert set(dir(kerasforecast)) >= PUBLIC
    for name in PUBLIC:
        assert getattr(kerasforecast, name).__doc__


def test_an_unknown_name_is_an_attribute_error_as_hasattr_expects():
    assert not hasattr(kerasforecast, "Forecaster")
    with pytest.raises(AttributeError, match="module 'kerasforecast' has no attribute 'Forecaster'"):
        _ = kerasforecast.Forecaster


def test_data_is_given_in_one_way():
    with pytest.raises(kerasforecast.errors.OptionError, match="not both"):
        kerasforecast.fit("prices.csv", ticker="AAPL")
    with pytest.raises(kerasforecast.errors.OptionError, match="first argument"):
        kerasforecast.fit(file="prices.csv")


def test_wrong_options_are_refused_before_keras_loads():
    code = (
        "import kerasforecast as kf\ntry: kf.fit('prices.csv', epochs=0)\nexcept kf.errors.OptionError as e: print(e)"
    )
    done = run_python(code)
    assert done.out.startswith("epochs: ")
    assert done.heavy == []


def test_what_needs_no_network_imports_where_keras_is_not_even_installed():
    modules = ", ".join(f"kerasforecast.{name}" for name in WITHOUT_KERAS)
    done = run_python(f"import {modules}", hidden=(*BACKENDS, "keras"))
    assert done.code == 0, done.err


@pytest.mark.parametrize("package", ["kerasforecast", "kerasforecast.layers"])
def test_what_a_package_lists_is_unique_and_sorted(package):
    listed = run_python(f"import {package} as p; import json; print(json.dumps(p.__all__))", hidden=BACKENDS)
    names = json.loads(listed.out)
    assert names
    assert list(names) == sorted(set(names))


def test_the_version_is_the_distribution_s():
    from importlib.metadata import version

    assert kerasforecast.__version__ == version("kerasforecast")


def test_types_are_announced():
    assert (PACKAGE / "py.typed").exists()


def test_the_command_runs_as_a_script():
    script = Path(sys.executable).with_name("kerasforecast")
    if not script.exists():
        pytest.skip("not installed as a script here")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"kerasforecast, version {kerasforecast.__version__}\n"

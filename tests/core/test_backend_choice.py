"""Which backend is chosen, and why: all of it before Keras loads, so none has to be installed here."""

import json
import sys
from types import SimpleNamespace

import pytest

from kerasforecast.errors import BackendError
from kerasforecast.runtime import backend
from kerasforecast.runtime.backend import activate, choose, installed, loaded_backend, versions
from tests.core.helpers import BACKENDS, run_python


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """No variable set, an empty Keras folder, Keras not loaded; whatever a test sets is undone."""
    monkeypatch.setattr(backend.os, "environ", {"KERAS_HOME": str(tmp_path)})
    monkeypatch.delitem(sys.modules, "keras", raising=False)


@pytest.fixture
def here(monkeypatch):
    """Say which backends are installed."""

    def set_installed(*names):
        monkeypatch.setattr(backend, "installed", lambda: names)

    set_installed(*BACKENDS)
    return set_installed


@pytest.fixture
def keras_file(tmp_path):
    """Write Keras' config file."""

    def write(content):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "keras.json").write_text(text)

    return write


@pytest.fixture
def keras_loaded(monkeypatch):
    """Have Keras loaded, with the backend given."""

    def load(name):
        stub = SimpleNamespace(config=SimpleNamespace(backend=lambda: name))
        monkeypatch.setitem(sys.modules, "keras", stub)

    return load


def set_variable(value):
    backend.os.environ["KERAS_BACKEND"] = value


def test_the_flag_goes_before_everything(here, keras_file):
    set_variable("tensorflow")
    keras_file({"backend": "jax"})
    assert choose("torch") == backend.Choice("torch", "--backend")


def test_the_variable_goes_before_keras_file(here, keras_file):
    set_variable("tensorflow")
    keras_file({"backend": "torch"})
    assert choose() == backend.Choice("tensorflow", "KERAS_BACKEND")


def test_keras_file_goes_before_the_first_installed(here, keras_file, tmp_path):
    keras_file({"backend": "torch"})
    assert choose() == backend.Choice("torch", f"Keras' config file {tmp_path / 'keras.json'}")


@pytest.mark.parametrize("names", [("jax", "tensorflow", "torch"), ("tensorflow", "torch"), ("torch",)])
def test_without_a_wish_the_first_installed_is_taken(here, names):
    here(*names)
    choice = choose()
    assert choice.name == names[0]
    assert "first installed" in choice.reason


def test_keras_file_is_sought_in_the_home_folder_unless_keras_home_is_set(here, keras_file, monkeypatch, tmp_path):
    keras_file({"backend": "torch"})
    (tmp_path / "home" / ".keras").mkdir(parents=True)
    (tmp_path / "home" / ".keras" / "keras.json").write_text('{"backend": "tensorflow"}')
    monkeypatch.setattr(backend.Path, "home", lambda: tmp_path / "home")
    assert choose().name == "torch"
    del backend.os.environ["KERAS_HOME"]
    assert choose().name == "tensorflow"


def test_a_tilde_in_keras_home_means_the_home_folder_as_it_does_to_keras(here, monkeypatch, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "keras.json").write_text('{"backend": "torch"}')
    monkeypatch.setitem(backend.os.environ, "HOME", str(tmp_path))
    monkeypatch.setitem(backend.os.environ, "USERPROFILE", str(tmp_path))
    monkeypatch.setitem(backend.os.environ, "KERAS_HOME", "~/own")
    assert choose().name == "torch"


def test_the_file_keras_writes_by_itself_expresses_no_choice(here, tmp_path):
    imported = run_python("import keras", hidden=BACKENDS, KERAS_HOME=str(tmp_path), KERAS_BACKEND=None)
    assert imported.code == 1  # no backend: but the file is written first
    assert json.loads((tmp_path / "keras.json").read_text())["backend"] == "tensorflow"
    assert choose().name == "jax"


def test_a_file_that_a_person_changed_does_even_for_tensorflow(here, keras_file):
    keras_file(backend._KERAS_OWN_FILE | {"floatx": "float64"})
    assert choose().name == "tensorflow"


@pytest.mark.parametrize("content", ["", "{", "[]", '"torch"', "null", "{}", '{"backend": ["torch"]}', "\x00"])
def test_a_keras_file_without_sense_is_passed_over(here, keras_file, content):
    keras_file(content)
    assert choose().name == "jax"


def test_a_keras_file_that_is_no_text_is_passed_over(here, tmp_path):
    (tmp_path / "keras.json").write_bytes(b"\xff\xfe\x00")
    assert choose().name == "jax"


def test_keras_file_cannot_demand_what_is_not_installed(here, keras_file):
    here("tensorflow")
    keras_file({"backend": "torch"})
    assert choose().name == "tensorflow"


@pytest.mark.parametrize("wanted", BACKENDS)
def test_an_absent_backend_is_refused_with_its_extra(here, wanted):
    here(*(name for name in BACKENDS if name != wanted))
    with pytest.raises(BackendError) as caught:
        choose(wanted)
    assert str(caught.value).startswith("--backend: ")
    assert f'pip install "kerasforecast[{wanted}]"' in str(caught.value)


def test_the_variable_is_named_when_it_asks_for_an_absent_backend(here):
    here("jax")
    set_variable("torch")
    with pytest.raises(BackendError, match=r"^KERAS_BACKEND: .*kerasforecast\[torch\]"):
        choose()


def test_an_unknown_backend_is_refused_with_the_known_ones(here):
    with pytest.raises(BackendError, match=r"^--backend must be one of jax, tensorflow, torch\. Received: 'numpy'\.$"):
        choose("numpy")


def test_with_none_installed_the_message_says_what_to_run(here):
    here()
    with pytest.raises(BackendError, match=r'Run: pip install "kerasforecast\[jax\]"'):
        choose()


def test_an_empty_variable_is_no_wish(here):
    set_variable("")
    assert choose().reason.startswith("first installed")


def test_activating_sets_what_keras_reads_and_keeps_tensorflow_s_own_setting(here):
    backend.os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
    assert activate("torch").name == "torch"
    assert backend.os.environ["KERAS_BACKEND"] == "torch"
    assert backend.os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_choosing_alone_sets_nothing(here):
    before = dict(backend.os.environ)
    choose("torch")
    assert backend.os.environ == before


def test_a_refused_backend_sets_nothing(here):
    here("jax")
    before = dict(backend.os.environ)
    with pytest.raises(BackendError):
        activate("torch")
    assert backend.os.environ == before


def test_after_keras_loaded_its_backend_stays(here, keras_loaded):
    keras_loaded("tensorflow")
    set_variable("jax")  # changed too late
    choice = activate()
    assert choice.name == "tensorflow"
    assert "already loaded" in choice.reason


def test_asking_for_another_backend_after_keras_loaded_says_so(here, keras_loaded):
    keras_loaded("tensorflow")
    with pytest.raises(BackendError) as caught:
        activate("torch")
    assert "'torch' after Keras loaded with tensorflow" in str(caught.value)
    assert "KERAS_BACKEND=torch" in str(caught.value)


def test_asking_for_the_loaded_backend_again_is_fine(here, keras_loaded):
    keras_loaded("torch")
    assert activate("torch").name == "torch"


def test_keras_in_the_middle_of_its_import_has_no_backend_yet(monkeypatch):
    assert loaded_backend() is None
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace())
    assert loaded_backend() is None


def test_installed_finds_packages_without_importing_them(tmp_path):
    for name in ("torch", "tensorflow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('imported')")
    code = f"sys.path.insert(0, {str(tmp_path)!r}); HIDDEN.clear()\n"
    code += "from kerasforecast.runtime.backend import installed; print(*[n for n in installed() if n != 'jax'])"
    found = run_python(code, hidden=BACKENDS)
    assert (found.code, found.out.split()) == (0, ["tensorflow", "torch"]), found.err


def test_a_folder_left_behind_by_an_uninstalled_backend_is_not_a_backend(tmp_path, monkeypatch):
    (tmp_path / "torch" / "lib").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert "torch" not in installed()


def test_versions_are_none_for_what_is_absent():
    found = versions("pydantic", "no-such-package-of-ours")
    assert found["no-such-package-of-ours"] is None
    assert found["pydantic"][0].isdigit()


def test_nothing_of_this_imports_keras_or_a_backend(tmp_path):
    code = "from kerasforecast.runtime import backend, determinism; backend.installed(); backend.versions('keras')\n"
    code += "try: backend.activate()\nexcept backend.BackendError: pass"
    done = run_python(code, KERAS_HOME=str(tmp_path))
    assert (done.code, done.heavy) == (0, []), done.err


def test_jax_keeps_what_it_compiled_in_the_users_cache_folder(here, tmp_path):
    backend.os.environ["KERASFORECAST_CACHE"] = str(tmp_path)
    activate("torch")
    assert "JAX_COMPILATION_CACHE_DIR" not in backend.os.environ
    activate("jax")
    assert backend.os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "xla")


def test_a_users_own_compilation_cache_stays(here):
    backend.os.environ["JAX_COMPILATION_CACHE_DIR"] = "elsewhere"
    activate("jax")
    assert backend.os.environ["JAX_COMPILATION_CACHE_DIR"] == "elsewhere"


def test_a_gpu_multiplies_in_full_precision_unless_told_otherwise(here):
    backend.activate("jax")
    assert backend.os.environ["NVIDIA_TF32_OVERRIDE"] == "0"
    assert backend.os.environ["JAX_DEFAULT_MATMUL_PRECISION"] == "highest"


def test_the_user_s_own_precision_stays(here):
    backend.os.environ |= {"NVIDIA_TF32_OVERRIDE": "1", "JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"}
    backend.activate("jax")
    assert backend.os.environ["NVIDIA_TF32_OVERRIDE"] == "1"
    assert backend.os.environ["JAX_DEFAULT_MATMUL_PRECISION"] == "tensorfloat32"


@pytest.mark.parametrize(
    "plugins, told, flags",
    [
        (None, "--xla_dump_to=here", "--xla_dump_to=here"),
        (SimpleNamespace(), "--xla_dump_to=here", "--xla_dump_to=here --xla_gpu_enable_triton_gemm=false"),
        (SimpleNamespace(), "--xla_gpu_enable_triton_gemm=true", "--xla_gpu_enable_triton_gemm=true"),
    ],
    ids=["no GPU's plugin", "with one", "the user's own word"],
)
def test_xla_writes_no_products_of_its_own_for_a_gpu(here, monkeypatch, plugins, told, flags):
    monkeypatch.setattr(backend.importlib.util, "find_spec", {"jax": SimpleNamespace(), "jax_plugins": plugins}.get)
    backend.os.environ["XLA_FLAGS"] = told
    activate("jax")
    assert backend.os.environ["XLA_FLAGS"] == flags

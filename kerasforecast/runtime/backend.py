"""Which of JAX, TensorFlow and PyTorch computes: chosen before Keras loads, and reported afterwards.

Nothing here imports Keras. `activate` only sets the environment that Keras reads when it is imported.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasforecast.errors import BackendError, shown
from kerasforecast.runtime.files import cache_folder
from kerasforecast.runtime.forks import refuse_fork

BACKENDS = ("jax", "tensorflow", "torch")

# What Keras writes on its first import, whatever backend was asked for: a file with just this expresses no choice.
_KERAS_OWN_FILE = {"floatx": "float32", "epsilon": 1e-07, "backend": "tensorflow", "image_data_format": "channels_last"}

# What Keras imports where it is installed, for wrappers and pictures of its own: 0.7 s of processor time.
_SPARED = ("sklearn", "matplotlib")
_SPARED_WITHOUT_TENSORFLOW = ("requests",)  # which needs it itself; Keras has it for one callback


@dataclass(frozen=True)
class Choice:
    """A backend and the reason for it.

    Attributes:
        name: `"jax"`, `"tensorflow"` or `"torch"`.
        reason: Where the choice came from, for a person.
    """

    name: str
    reason: str


def installed() -> tuple[str, ...]:
    """The backends that can be imported here, in order of preference."""
    specs = {name: importlib.util.find_spec(name) for name in BACKENDS}
    # A folder without an __init__.py, as an uninstall leaves behind, is found too, but has no origin.
    return tuple(name for name, spec in specs.items() if spec is not None and spec.origin is not None)


def choose(requested: str | None = None) -> Choice:
    """Pick the backend: `requested`, else `KERAS_BACKEND`, else Keras' own config file, else the first installed.

    Raises:
        BackendError: The wanted backend is unknown or not installed, or none is installed.
    """
    if requested:
        return Choice(_available(requested, "--backend"), "--backend")
    if variable := os.environ.get("KERAS_BACKEND"):
        return Choice(_available(variable, "KERAS_BACKEND"), "KERAS_BACKEND")
    path, configured = _from_keras_file()
    here = installed()
    if configured in here:
        return Choice(configured, f"Keras' config file {path}")
    if not here:
        raise BackendError(
            "A backend must be installed. Received: none of jax, tensorflow, torch. "
            'Run: pip install "kerasforecast[jax]"'
        )
    return Choice(here[0], f"first installed of {', '.join(BACKENDS)}")


def activate(requested: str | None = None) -> Choice:
    """Choose a backend and make Keras use it from its coming import on.

    Raises:
        BackendError: As `choose`; or Keras has already loaded with another backend, or computed before a fork.
    """
    refuse_fork()
    if loaded := loaded_backend():
        if requested and requested != loaded:
            raise BackendError(
                f"The backend must be chosen before Keras loads. Received: {shown(requested)} after Keras loaded "
                f"with {loaded}. Start a new process, or set KERAS_BACKEND={requested} before importing keras."
            )
        return Choice(loaded, "Keras had already loaded with it")
    choice = choose(requested)
    os.environ["KERAS_BACKEND"] = choice.name
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # that there is no GPU is no error
    _multiply_exactly(choice.name)
    if choice.name == "jax":
        _keep_compiled()
        _take_libraries_products()
    if choice.name == "torch":
        # PyTorch's threads wait for one another by running in circles, on a core that another program may need to get
        # out of the way: on a busy machine an epoch of a second took 40 to 200. Asleep they cost what they use.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return choice


def _multiply_exactly(backend: str) -> None:
    """Have a GPU multiply in float32, unless the user's environment says otherwise.

    NVIDIA's TF32, the default there, keeps 10 bits of a factor: forecasts then differ from those of a CPU by a
    thousandth, and a file that was written on one machine would not meet its golden batch on another.
    """
    os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")  # cuBLAS and cuDNN, whoever calls them
    if backend == "jax":
        os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")  # XLA's own kernels


def _keep_compiled() -> None:
    """Have JAX keep what XLA compiled in the user's cache folder: the next fit of such a network starts at once."""
    folder = cache_folder() / "xla"
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and os.access(existing, os.W_OK):
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        # Small operations too: a fit compiles twenty of them, 40 ms each.
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def _take_libraries_products() -> None:
    """Have XLA take a GPU's products of matrices from cuBLAS, unless the user's environment says otherwise.

    Otherwise it writes and tries dozens of programs of its own for each product, which networks of this size never earn
    back: a first fit takes half as long without, and forecasts are as fast.
    """
    if importlib.util.find_spec("jax_plugins") and "xla_gpu_enable_triton_gemm" not in os.environ.get("XLA_FLAGS", ""):
        add_xla_flags("--xla_gpu_enable_triton_gemm=false")


def add_xla_flags(flags: str) -> None:
    """Have XLA see these beside what its environment says already."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()


def load_quietly() -> None:
    """Import Keras without the banners of the backend's libraries."""
    if "keras" in sys.modules:
        return
    banners = "tensorflow" in installed()
    spared = _SPARED if banners else _SPARED + _SPARED_WITHOUT_TENSORFLOW
    with held_stderr() if banners else contextlib.nullcontext(), absent(spared if _Process.ours else ()):
        importlib.import_module("keras")


def process_is_ours() -> None:
    """Say that nobody else uses Keras in this process: it then loads without what its wrappers for others need."""
    _Process.ours = True


class _Process:
    ours = False


@contextlib.contextmanager
def absent(packages: Iterable[str]) -> Iterator[None]:
    """Have the block find some packages absent, unless they are loaded already."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # `None` is what makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def held_stderr() -> Iterator[None]:
    """Hold back what the process writes to stderr; show it only if the block fails.

    Where TensorFlow is installed Keras imports it under every backend, and its libraries write a dozen lines about
    CUDA and oneDNN before they read any setting that would silence them.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` is Python's or a backend's way to say that memory, the machine's or the device's, is used up."""
    named = type(error).__name__ in ("MemoryError", "OutOfMemoryError", "ResourceExhaustedError")
    text = str(error)
    return named or any(sign in text for sign in ("RESOURCE_EXHAUSTED", "can't allocate memory", "out of memory"))


def loaded_backend() -> str | None:
    """The backend Keras runs on in this process, or `None` while Keras has not been imported."""
    keras = sys.modules.get("keras")
    config = getattr(keras, "config", None)
    return config.backend() if config is not None else None


def device_name(backend: str) -> str:
    """The device `backend` computes on, e.g. `"cpu"`, `"gpu: NVIDIA H100"`. Imports the backend, not Keras."""
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        return device.platform if device.platform == "cpu" else f"{device.platform}: {device.device_kind}"
    if backend == "tensorflow":
        with held_stderr():
            import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return f"gpu: {tf.config.experimental.get_device_details(gpus[0]).get('device_name', 'GPU')}" if gpus else "cpu"
    import torch

    if torch.cuda.is_available():
        return f"gpu: {torch.cuda.get_device_name(0)}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def versions(*packages: str) -> dict[str, str | None]:
    """Installed version of each package, `None` where it is absent; nothing is imported."""
    found: dict[str, str | None] = {}
    for package in packages:
        found[package] = None
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def provenance(backend: str) -> dict[str, Any]:
    """What a model file says of the machine that made it: `created`, `backend`, `device`, `versions`."""
    return {
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "backend": backend,
        "device": device_name(backend),
        "versions": {
            "python": platform.python_version(),
            **versions("kerasforecast", "keras", backend, "numpy", "pandas"),
        },
    }


def _available(name: str, origin: str) -> str:
    if name not in BACKENDS:
        raise BackendError(f"{origin} must be one of {', '.join(BACKENDS)}. Received: {shown(name)}.")
    if name not in installed():
        raise BackendError(
            f"{origin}: the backend must be installed. Received: {shown(name)}. "
            f'Run: pip install "kerasforecast[{name}]"'
        )
    return name


def _from_keras_file() -> tuple[Path, str | None]:
    folder = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    path = Path(folder).expanduser() / "keras.json"
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return path, None
    if not isinstance(content, dict) or content == _KERAS_OWN_FILE:
        return path, None
    return path, content.get("backend")

"""Trained on each backend, opened on every other, and in plain Keras: the same weights, the same forecasts.

One process holds one backend, so each step runs in a process of its own.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, product

import numpy as np
import pytest

BACKENDS = ("jax", "tensorflow", "torch")
KINDS = ("keras", "roles.keras", "families.keras")

TRAIN = """
import sys, kerasforecast as kf
model = kf.fit(sys.argv[2], window=20, units=8, epochs=2, past=("Volume",), horizon=2)
model.save(sys.argv[1])
# Steps too small to change a weight: what is saved is the start.
unmoved = {"epochs": 1, "optimizer": "sgd", "learning_rate": 1e-30}
start = kf.fit(sys.argv[2], window=20, units=8, past=("Volume",), horizon=2, **unmoved)
start.save(sys.argv[1].replace(".keras", ".start.keras"))
from tests.roles import OPTIONS, shops, write_families, write_paths
kf.fit(shops(), **OPTIONS).save(sys.argv[1].replace(".keras", ".roles.keras"))
write_families(sys.argv[1].replace(".keras", ".families.keras"))
if "jax" in sys.argv[1]:
    write_paths(sys.argv[1].replace(".keras", ".paths.keras"))
"""

USE = """
import sys, numpy as np, kerasforecast as kf
from kerasforecast.runtime.backend import loaded_backend
for path in sys.argv[2:]:
    model = kf.load(path)  # which proves the golden batch
    kind = next((kind for kind in ("roles", "families", "paths") if f".{kind}." in path), None)
    windows = dict(np.load(f"{sys.argv[1]}/{kind}.npz")) if kind else np.load(f"{sys.argv[1]}/windows.npy")
    arrays = {f"w{i}": array for i, array in enumerate(model.predictor.weights)}
    answer = model.predictor.outputs if kind == "paths" else model.predict
    np.savez(path + "-kerasforecast-" + loaded_backend() + ".npz", forecasts=answer(windows), **arrays)
"""

PLAIN = """
import sys
sys.modules["kerasforecast"] = None
import keras, numpy as np
for path in sys.argv[2:]:
    model = keras.models.load_model(path)
    kind = next((kind for kind in ("roles", "families", "paths") if f".{kind}." in path), None)
    windows = dict(np.load(f"{sys.argv[1]}/{kind}.npz")) if kind else np.load(f"{sys.argv[1]}/windows.npy")
    arrays = {f"w{i}": w for i, w in enumerate(w for w in model.get_weights() if w.dtype == np.float32)}
    np.savez(path + "-keras-" + keras.backend.backend() + ".npz", forecasts=model.predict(windows, verbose=0), **arrays)
"""

TABLE = os.path.join(os.path.dirname(__file__), os.pardir, "data", "msft.csv.gz")


def run(backend, script, *arguments):
    environment = os.environ | {"KERAS_BACKEND": backend}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]


def at_once(runs):
    """Two processes at a time: most of each is spent on imports by one thread."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda arguments: run(*arguments), runs))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model trained on each backend, and windows to ask all of them about."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("parity")
    frame = pd.read_csv(TABLE).iloc[800:1400]  # after the split of 2003-02-18
    frame.to_csv(folder / "msft.csv", index=False)
    values = frame[["Close", "Volume"]].to_numpy(np.float32)
    np.save(folder / "windows.npy", np.stack([values[start : start + 20] for start in range(0, 500, 10)]))
    from tests.roles import OPTIONS, WINDOW

    np.savez(folder / "roles.npz", **windows_of_shops(OPTIONS["window"]))
    np.savez(folder / "families.npz", **windows_of_shops(WINDOW))
    np.savez(folder / "paths.npz", **windows_of_shops(OPTIONS["window"]))
    at_once([(backend, TRAIN, folder / f"{backend}.keras", folder / "msft.csv") for backend in BACKENDS])
    return folder


def windows_of_shops(window):
    """Windows with columns of every role, by the names of a network's inputs."""
    from kerasforecast.preprocessing.windows import windows_of
    from tests.roles import OPTIONS, shops

    panel = shops()
    origins = panel.starts[:-1, None] + np.arange(12, 70, 7)
    return windows_of(panel, origins.ravel(), window, OPTIONS["horizon"]).batch().arrays


@pytest.fixture(scope="module")
def answers(folder):
    """What each model forecasts on each backend, by our loader and by plain Keras."""
    models = [folder / f"{backend}.{kind}" for backend in BACKENDS for kind in KINDS] + [folder / "jax.paths.keras"]
    at_once([(opened, script, folder, *models) for opened, script in product(BACKENDS, (USE, PLAIN))])
    return {
        (trained, opened, loader): dict(np.load(folder / f"{trained}-{loader}-{opened}.npz"))
        for trained, opened, loader in product((path.name for path in models), BACKENDS, ("kerasforecast", "keras"))
    }


def unit(folder, model, windows):
    """What one scaled unit is for each window and step, in prices, by NumPy."""
    import zipfile

    from kerasforecast.artifact.manifest import parse

    with zipfile.ZipFile(folder / model) as archive:
        scaling = parse(archive.read("kerasforecast.json"), model).members[0].scaling
    windows = windows.astype(np.float64)
    half = np.full((len(windows), 2), 0.5)
    return scaling.restore(windows, half) - scaling.restore(windows, -half)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loader", ["kerasforecast", "keras"])
@pytest.mark.parametrize(("trained", "opened"), list(product(BACKENDS, BACKENDS)))
def test_a_model_means_the_same_wherever_it_is_opened(folder, answers, trained, opened, loader, kind):
    """One of two columns; one with columns known ahead, of dates, attributes and categories by named inputs; and the
    mean of five families that take all of these."""
    model = f"{trained}.{kind}"
    home, away = answers[model, trained, "kerasforecast"], answers[model, opened, loader]
    role = kind.split(".")[0]
    past = np.load(folder / "windows.npy") if kind == "keras" else np.load(folder / f"{role}.npz")["past"]
    arrays = [[array.tobytes() for name, array in each.items() if name.startswith("w")] for each in (home, away)]
    # Keras lists the vectors of categories of networks within one elsewhere.
    assert sorted(arrays[0]) == sorted(arrays[1]) if role == "families" else arrays[0] == arrays[1]
    rounding = np.spacing(home["forecasts"])  # of a float32 price, which can be more than 1e-5 of a calm window's unit
    difference = np.abs(away["forecasts"].astype(float) - home["forecasts"]) - rounding
    assert (difference / unit(folder, model, past)).max() < 1e-5
    last = past[:, -1, :1]
    assert (np.abs(home["forecasts"] - last) / unit(folder, model, past)).max() > 1e-3  # not three times nothing


def test_one_file_draws_the_same_paths_everywhere(folder, answers):
    home = answers["jax.paths.keras", "jax", "kerasforecast"]["forecasts"].astype(float)
    past = np.load(folder / "paths.npz")["past"]
    scale = unit(folder, "jax.paths.keras", past)[:, None]  # (N, 1, H)
    assert home.shape[1] == 10 and ((home.max(axis=1) - home.min(axis=1)) / scale[:, 0]).min() > 0.1
    for opened, loader in product(BACKENDS, ("kerasforecast", "keras")):
        away = answers["jax.paths.keras", opened, loader]["forecasts"]
        assert (np.abs(away - home) / scale).max() < 1e-4, (opened, loader)


def weights_in(path):
    """Every array of a model file by its place in it, by h5py alone."""
    import io
    import zipfile

    import h5py

    found = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


def test_backends_start_alike_and_train_differently(folder):
    """One seed gives the same start everywhere, bit by bit; dropout masks differ, so trained models do."""
    starts = {backend: weights_in(folder / f"{backend}.start.keras") for backend in BACKENDS}
    for start in starts.values():
        for array in start.values():
            array[np.abs(array) < 1e-25] = 0  # a bias that began at 0 has taken those steps
    trained = {backend: weights_in(folder / f"{backend}.keras") for backend in BACKENDS}
    kernels = [name for name, array in starts["jax"].items() if array.ndim == 2 and array.size > 8]
    assert len(kernels) >= 4  # two of each recurrent layer
    for one, other in combinations(BACKENDS, 2):
        assert starts[one].keys() == starts[other].keys() == trained[one].keys()
        for name, array in starts[one].items():
            assert array.tobytes() == starts[other][name].tobytes(), name
        for name in kernels:
            assert not np.array_equal(trained[one][name], trained[other][name]), name
    for name in kernels:
        assert not np.array_equal(trained["jax"][name], starts["jax"][name]), name


def test_every_model_names_its_maker(folder):
    import zipfile

    for backend in BACKENDS:
        with zipfile.ZipFile(folder / f"{backend}.keras") as archive:
            assert json.loads(archive.read("kerasforecast.json"))["backend"] == backend

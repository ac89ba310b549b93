"""Ray gives what this process gives, also where a worker is lost on the way."""

import json
import os
import signal
import socket
import time
import zipfile

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.errors import BackendError, DataError
from kerasforecast.runtime.on_ray import OnRay
from kerasforecast.runtime.tasks import in_order
from kerasforecast.selection import budgets, choose

pytest.importorskip("ray")


def doubled(shared, task):
    number, marker = task
    if marker is not None and not os.path.exists(marker):
        with open(marker, "w"):
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return shared[number] * 2


def slow(shared, task):
    time.sleep(60)


def refusing(shared, task):
    raise DataError("No such rows. Received: none.")


@pytest.fixture(scope="module")
def ray():
    with OnRay("local", backend="torch") as found:
        yield found


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "[::1]:{port}", "head:port"])
def test_where_nothing_answers_one_line_says_so_at_once(monkeypatch, address):  # before Ray runs here: it would be used
    library = pytest.importorskip("ray")
    monkeypatch.setattr(library, "init", lambda **_: pytest.fail("Ray asks for a quarter of an hour"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # taken, and nobody listens
        wanted = OnRay(address.format(port=free.getsockname()[1]), backend="torch")
        with pytest.raises(BackendError, match=r"^--ray must be local or the address of a running cluster\. "), wanted:
            pass


def test_a_lost_worker_s_task_is_done_again(ray, tmp_path):
    tasks = [(0, None), (1, str(tmp_path / "died")), (2, None)]
    assert list(in_order(ray.map(doubled, np.arange(3.0), tasks))) == [0.0, 2.0, 4.0]
    assert (tmp_path / "died").exists()


def test_what_a_task_refuses_is_refused_here_in_one_line(ray):
    with pytest.raises(DataError, match=r"^No such rows\. Received: none\.$"):
        list(ray.map(refusing, None, [1]))


def plain(path):
    """The content of a model file, without the times of its training."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != "metadata.json"}
    record = json.loads(members.pop("kerasforecast.json"))
    del record["hashes"]["metadata.json"]  # Keras' own date
    left = [record]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            for timed in ("created", "seconds"):
                node.pop(timed, None)
        left += node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return members | {"kerasforecast.json": record}


def test_a_choice_among_networks_is_that_of_one_process(ray, tmp_path, monkeypatch):
    proposed = choose.candidates_of
    few = lambda *given: [each for each in proposed(*given) if each.network.model in ("linear", "gru", "seasonal")]  # noqa: E731
    monkeypatch.setattr(choose, "candidates_of", few)
    monkeypatch.setitem(budgets._BUDGETS, "small", budgets.Budget((20, 40), 1, 1, 20, 1))
    dates = pd.date_range("2020-01-01", periods=150, freq="D")
    season = 5 * np.sin(2 * np.pi * np.arange(150) / 7)
    table = pd.DataFrame({"y": 50 + season + np.random.default_rng(0).normal(0, 1, 150)}, dates)
    options = {"model": "auto", "budget": "small", "units": 2, "horizon": 2, "window": 8, "output_dir": tmp_path}
    made, tried = [], []
    for name, which in (("x", None), ("y", "local")):
        found = kf.fit(table, **options, name=name, ray=which, progress=False)
        made.append(plain(found.files["model"]))
        tried.append(len(found.manifest.selection.tried))
    for members in made:
        members["kerasforecast.json"].pop("name")
    assert made[0]["kerasforecast.json"] == made[1]["kerasforecast.json"]
    assert made[0] == made[1] and tried[0] > 2
    with pytest.raises(kf.OptionError, match=r"^ray= trains several networks at once"):
        kf.fit(table, model="linear", ray="local", progress=False)


def test_what_a_driver_waits_for_can_be_given_up(ray):
    def give_up():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(ray.map(slow, None, [1], give_up))


def test_models_folds_and_trials_are_those_of_one_process(ray, tmp_path):
    random = np.random.default_rng(0)
    dates = pd.date_range("2015-01-01", periods=90, freq="MS")
    table = pd.concat(
        pd.DataFrame({"id": name, "date": dates, "y": 50 + random.normal(0, 3, 90)}) for name in ("a", "b", "c")
    )
    options = {"target": "y", "model": "linear", "window": 6, "epochs": 2, "scaling": "level", "progress": False}
    each = [kf.fit_each(table, id="id", **options, output_dir=tmp_path / str(ray), name="x", ray=ray).table
            for ray in (None, "local")]  # fmt: skip
    pd.testing.assert_frame_equal(*[found.drop(columns="seconds") for found in each])
    files = [[plain(tmp_path / str(ray) / "x" / f"{name}.keras") for name in "abc"] for ray in (None, "local")]
    assert files[0] == files[1]
    alone = table[table["id"] == "a"].drop(columns="id")
    walks = [kf.backtest(alone, **options, folds=3, ray=ray).table for ray in (None, "local")]
    pd.testing.assert_frame_equal(*walks)
    tries = {"stages": ["trend"], "tries": {"trend": [0, 3, 5]}}
    studies = [kf.tune(alone, **options, **tries, ray=ray) for ray in (None, "local")]
    pd.testing.assert_frame_equal(*[found.trials.drop(columns="seconds") for found in studies])

"""A model used from several threads, and from a child that was forked."""

import os
import pickle
import select
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import kerasforecast as kf
from tests.backend.conftest import SMALL, prices


@pytest.fixture(scope="module")
def sampled(frame):
    """A model whose intervals start from passes with dropout on."""
    return kf.fit(frame, mc_dropout=4, **SMALL)


def test_passes_with_dropout_are_the_same_from_several_threads_as_alone(sampled):
    """Masks follow from seeds that are kept in the network: two threads took one another's, or JAX raised."""
    windows = [prices(60, seed=seed).to_numpy(np.float32)[-8:][None] for seed in range(6)]
    fresh = pickle.loads(pickle.dumps(sampled.predictor))  # its network is yet to be built, by all of them at once
    alone = [sampled.predictor.sample(window, 8, 0) for window in windows]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda window: fresh.sample(window, 8, 0), windows))
    np.testing.assert_array_equal(together, alone)


def test_intervals_points_and_states_are_the_same_from_several_threads_as_alone(sampled):
    def all_of(window):
        quantiles = sampled.predict_quantiles(window, 3)
        return [quantiles, sampled.predict(window), *sampled.states(window)]

    windows = [prices(60, seed=seed).to_numpy(np.float32)[-8:][None] for seed in range(6)]
    alone = [all_of(window) for window in windows]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(all_of, windows))
    for one, other in zip(alone, together, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(left, right)


def in_a_fork(work, seconds=60):
    """What `work` gives or raises in a forked child, as text; a child that hangs is ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            try:
                text = repr(work())
            except BaseException as error:
                text = f"{type(error).__name__}: {error}"
            os.write(writing, text.encode())
        finally:
            os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], seconds)
    text = os.read(reading, 65_536).decode() if ready else "it hangs"
    os.close(reading)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return text


WORK = {
    "predict": lambda model, path: model.predict(model.series.values[-8:]),
    "forecast": lambda model, path: model.forecast(2),
    "passes with dropout": lambda model, path: model.predictor.sample(model.series.values[-8:][None], 2, 0),
    "states": lambda model, path: model.states(model.series.values[-8:]),
    "evaluate": lambda model, path: model.evaluate(),
    "load": lambda model, path: kf.load(path),
    "fit": lambda model, path: kf.fit(model.series, **SMALL),
    "estimator": lambda model, path: kf.KerasForecaster(units=2, epochs=1).fit(np.ones((9, 4)), np.ones(9)),
    "a network not yet built": lambda model, path: pickle.loads(pickle.dumps(model.predictor)).predict(np.ones((8, 1))),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.parametrize("work", WORK)
def test_a_forked_child_says_in_one_line_that_it_cannot_compute(work, small, saved):
    small.predict(small.series.values[-8:])
    text = in_a_fork(lambda: WORK[work](small, saved))
    assert text.startswith("BackendError: A backend cannot compute in a fork of a process in which it has computed")
    assert "gunicorn: without --preload" in text
    assert "multiprocessing.get_context('spawn')" in text
    assert text.isprintable()
    assert len(small.predict(small.series.values[-8:])) == 1  # the parent goes on


SPAWNED = """
import multiprocessing, sys
import kerasforecast as kf

def forecast(path):
    return kf.load(path).forecast(2).forecast.tolist()

if __name__ == "__main__":
    path = sys.argv[1]
    here = forecast(path)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(forecast, [path]) == here
"""


def test_the_advice_given_works(saved, tmp_path, frame):
    import subprocess

    frame.to_csv(tmp_path / "table.csv")
    model = kf.fit(tmp_path / "table.csv", **SMALL)
    script = tmp_path / "spawned.py"
    script.write_text(SPAWNED)
    subprocess.run([sys.executable, script, model.save(tmp_path / "m.keras")], check=True, timeout=300)

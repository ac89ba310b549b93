"""A search by Optuna: interrupted and gone on with it is the same study."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast import pipeline
from kerasforecast.api import studies
from kerasforecast.tuning import search as searches

pytest.importorskip("optuna")

OPTIONS = {
    "model": "gru", "window": 6, "units": 2, "layers": 1, "epochs": 8, "batch_size": 64, "progress": False,
    "search": True, "trials": 9, "stages": ["units", "learning_rate"], "name": "acme",
    "tries": {"units": "1..4", "learning_rate": "0.0001..0.3", "dropout": "0.0|0.3"},
}  # fmt: skip

FIT = {"model": "linear", "window": 6, "epochs": 1, "progress": False}


@pytest.fixture(scope="module")
def prices():
    values = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(3).normal(size=160)))
    return pd.DataFrame({"Close": values}, index=pd.bdate_range("2020-01-01", periods=160, name="Date"))


@pytest.fixture(scope="module")
def whole(prices, tmp_path_factory):
    return kf.tune(prices, **OPTIONS, output_dir=tmp_path_factory.mktemp("whole"))


def table(study):
    return study.trials.drop(columns="seconds")


def test_options_lie_in_their_ranges_and_losers_end_early(whole):
    assert len(whole.trials) == 10 and whole.record.kind == "search"
    assert whole.trials["units"].between(1, 4).all() and set(whole.trials["dropout"]) <= {0.0, 0.2, 0.3}
    rates = whole.trials["learning_rate"]
    assert rates.between(0.0001, 0.3).all() and (rates == rates.map(lambda rate: float(f"{rate:.3g}"))).all()
    done = whole.trials[whole.trials["status"] == "done"]
    assert done.set_index("trial")["rmsse"].idxmin() == whole.record.best


def test_a_study_that_was_killed_goes_on_as_if_it_had_not_been(prices, whole, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    tell, calls = searches._Study.carry_out, []

    def killed(self, trial):
        calls.append(trial.number)
        if len(calls) in (3, 5):
            self._options(trial)  # proposed, and never made
            raise Killed
        if len(calls) == 7:
            self._bench.try_one(self._options(trial))  # made, and never told
            raise Killed
        tell(self, trial)

    monkeypatch.setattr(searches._Study, "carry_out", killed)
    for _ in range(3):
        with pytest.raises(Killed):
            kf.tune(prices, **OPTIONS, output_dir=tmp_path)
    found = kf.tune(prices, **OPTIONS, output_dir=tmp_path)
    assert len(calls) == 9 + 3
    columns = ["trial", "units", "learning_rate", "dropout", "rmsse", "best"]
    pruned = whole.trials["status"] == "pruned"  # a trial that was made unwatched was not ended early
    pd.testing.assert_frame_equal(table(found)[columns][~pruned], table(whole)[columns][~pruned])


KILLED = """
import json, os, signal, sys
import pandas as pd
import kerasforecast as kf
from kerasforecast.tuning import bench

made, attempt = [], bench.attempt

def killed(ground, task, on_epoch=None):
    def watch(epoch, naive):
        on_epoch(epoch, naive)
        if len(made) == 3 and epoch.epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    made.append(attempt(ground, task, watch if on_epoch else None))
    return made[-1]

bench.attempt = killed
prices = pd.read_csv(sys.argv[1] + "/prices.csv", index_col=0, parse_dates=True, float_precision="round_trip")
kf.tune(prices, **json.loads(sys.argv[2]), output_dir=sys.argv[1])
"""


def test_a_process_that_is_killed_within_a_training_takes_nothing_else_with_it(prices, whole, tmp_path):
    prices.to_csv(tmp_path / "prices.csv", float_format="%.17g")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), json.dumps(OPTIONS)], check=False)
    assert done.returncode == -signal.SIGKILL
    kept = list((tmp_path / "acme" / "tune" / "trials").iterdir())
    assert 0 < len(kept) < 10 and not (tmp_path / "acme" / "tune" / "study.json").exists()
    found = kf.tune(prices, **OPTIONS, output_dir=tmp_path)
    pd.testing.assert_frame_equal(table(found), table(whole))


def test_a_trial_that_another_process_ends_in_this_moment_is_not_made_again(prices, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(self, trial):
        self._options(trial)
        raise Killed

    few = OPTIONS | {"trials": 1}
    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(searches._Study, "carry_out", killed)
        kf.tune(prices, **few, output_dir=tmp_path)
    held, ended = searches._Study._held, []

    def late(self, number):
        if not ended:  # whoever had it ends it after this process saw it at work
            ended.append(number)
            self.carry_out(self._optuna.trial.Trial(self._study, self._study.get_trials()[number]._trial_id))
        return held(self, number)

    monkeypatch.setattr(searches._Study, "_held", late)
    found = kf.tune(prices, **few, output_dir=tmp_path)
    assert ended == [0] and len(found.trials) == 2 and found.trials["rmsse"].notna().all()


@pytest.mark.parametrize("meddled", [False, True])
def test_what_another_process_has_trained_of_the_same_trials_is_taken_as_it_is(
    prices, whole, tmp_path, monkeypatch, meddled
):
    theirs = whole.files["model"].parent
    shutil.copytree(theirs / "acme" / "tune", tmp_path / "acme" / "tune")
    (tmp_path / "acme" / "tune" / "study.json").unlink()  # this process begins before the other one has ended

    @contextlib.contextmanager
    def in_turn(folder, on_wait):  # meanwhile it ends
        shutil.copytree(theirs, tmp_path, dirs_exist_ok=True)
        if meddled:  # the model is of another study
            other.save(tmp_path / "acme.keras")
        yield

    other = kf.fit(prices, **FIT) if meddled else None
    fits, fit = [], pipeline.fit
    monkeypatch.setattr(studies, "locked_in_turn", in_turn)
    monkeypatch.setattr(pipeline, "fit", lambda *args, **kwargs: fits.append(kwargs["name"]) or fit(*args, **kwargs))
    found = kf.tune(prices, **OPTIONS, output_dir=tmp_path)
    pd.testing.assert_frame_equal(found.trials, whole.trials)
    assert fits == (["acme-untuned", "acme"] if meddled else [])
    assert found.best.verdict == whole.best.verdict and set(found.files) == set(whole.files)
    assert all(path.is_relative_to(tmp_path) and path.exists() for path in found.files.values())


def test_seconds_may_count_beside_the_error(prices, tmp_path):
    found = kf.tune(prices, **OPTIONS | {"trials": 2, "objectives": "error,seconds"})
    best = found.record.trial(found.record.best)
    least = found.trials["rmsse"].min()
    assert best.error("rmsse") <= 1.01 * least and not found.files

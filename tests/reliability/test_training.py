"""Training that goes wrong ends in one clear line, the right exit code, and the last good model."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.reliability.fits import FIT, check_whole, weights_of

SMALL = ("--window", "8", "--units", "3", "--layers", "1", "--epochs", "3", "--threads", "1", "--name", "acme")


def table(folder, values):
    index = pd.bdate_range("2020-01-01", periods=len(values), name="Date")
    pd.DataFrame({"Close": values}, index=index).to_csv(folder / "prices.csv")
    return "prices.csv"


def random_walk(rows=200):
    return 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(0).normal(size=rows)))


def error_of(said):
    assert "Traceback" not in said, said
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert lines == [said.rstrip().splitlines()[-1]], said
    return lines[0]


def test_a_far_too_high_learning_rate_diverges_and_the_model_before_stays(launcher, tmp_path):
    prices = table(tmp_path, 1e15 * random_walk())
    assert launcher.start(tmp_path, "fit", prices, *SMALL).wait()[0] == 0
    before = weights_of(tmp_path / "saved_models" / "acme.keras")
    wild = ("--scaling", "none", "--optimizer", "sgd", "--learning-rate", "10")
    code, said = launcher.start(tmp_path, "fit", prices, *SMALL, *wild).wait()
    assert code == 3, said
    assert "must stay a finite number" in error_of(said)
    assert "--learning-rate" in error_of(said)
    assert weights_of(tmp_path / "saved_models" / "acme.keras") == before


@pytest.mark.parametrize("scaling", ["anchor", "difference", "minmax", "standard", "none"])
def test_a_constant_target_is_fitted_or_refused(launcher, tmp_path, scaling):
    code, said = launcher.start(
        tmp_path, "fit", table(tmp_path, np.full(200, 5.0)), *SMALL, "--scaling", scaling
    ).wait()
    assert code in (0, 2), said
    if code:
        error_of(said)
    else:
        check_whole(tmp_path)


def test_a_full_disk_ends_a_fit_and_what_was_saved_can_be_resumed(launcher, tmp_path, reference):
    """Full from the 30th step on the disk on: within the second epoch."""
    code, said = launcher.start(tmp_path, *FIT, "--name", "acme", full=30).wait()
    assert code == 1, said
    assert "No space left on device" in error_of(said)
    assert "--resume acme goes on from there" in error_of(said)
    assert not list(tmp_path.rglob(".kerasforecast.*"))
    check_whole(tmp_path)
    code, said = launcher.start(tmp_path, "fit", "--resume", "acme").wait()
    assert code == 0, said
    assert weights_of(tmp_path / "saved_models" / "acme.keras") == reference[0]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_clock_set_back_does_not_turn_the_order_of_generations_round(launcher, tmp_path, reference):
    code, said = launcher.start(tmp_path, *FIT, "--name", "acme", full=60).wait()
    assert code == 1, said
    states = sorted((tmp_path / "saved_models" / "acme" / "checkpoint").iterdir())
    for age, state in enumerate(reversed(states)):
        os.utime(state, (10**9 - age, 10**9 - age))
    code, said = launcher.start(tmp_path, "fit", "--resume", "acme").wait()
    assert code == 0, said
    assert weights_of(tmp_path / "saved_models" / "acme.keras") == reference[0]


def test_out_of_memory_halves_the_batch_once(launcher, tmp_path):
    prices = table(tmp_path, random_walk())
    code, said = launcher.start(tmp_path, "fit", prices, *SMALL, memory=1).wait()
    assert code == 0, said
    assert "Out of memory with batches of 32; starting again with 16." in said
    shutil.rmtree(tmp_path / "saved_models")
    code, said = launcher.start(tmp_path, "fit", prices, *SMALL, memory=2).wait()
    assert code == 1, said
    assert "ran out of memory with batches of 16 too" in error_of(said)

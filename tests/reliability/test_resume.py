"""A fit that is killed at any moment can be resumed, and ends with the very bytes of one that was not."""

import random
import signal
from collections import Counter

import pytest

from tests.reliability.fits import FIT, check_whole, let_run, weights_of


@pytest.fixture
def stopped(launcher, tmp_path):
    """A folder in which a fit named acme was stopped in its second epoch."""
    fit = launcher.start(tmp_path, *FIT, "--name", "acme")
    assert fit.until(lambda: "epoch   1/3" in fit.said), fit.said
    fit.send(signal.SIGTERM)
    code, said = fit.wait()
    assert code == 143, said
    return tmp_path


def finish(launcher, folder):
    """Resume what was killed, or start it again where nothing had been saved; returns what it said."""
    states = list((folder / "saved_models" / "acme" / "checkpoint").glob("0*"))
    how = ("fit", "--resume", "acme") if states else (*FIT, "--name", "acme")
    code, said = launcher.start(folder, *how).wait()
    assert code == 0, said
    check_whole(folder)
    names = sorted(path.name for path in (folder / "saved_models" / "acme").iterdir() if path.name[0] != ".")
    assert names == ["history.csv", "metrics.json", "test_forecasts.csv"]
    return said


def test_a_resumed_fit_ends_with_the_bytes_of_an_undisturbed_one(launcher, stopped, reference):
    said = finish(launcher, stopped)
    assert "Going on after epoch 1" in said
    assert weights_of(stopped / "saved_models" / "acme.keras") == reference[0]


def test_kill_at_random_moments(launcher, tmp_path, reference, cases):
    """Each fit is killed up to three times on its way."""
    expected, seconds = reference
    draw, killed = random.Random(1), Counter()
    for case in range(cases(6, 200)):
        folder = tmp_path / str(case)
        folder.mkdir()
        for attempt in range(draw.randint(1, 3)):
            states = list((folder / "saved_models" / "acme" / "checkpoint").glob("0*"))
            fit = launcher.start(folder, *(("fit", "--resume", "acme") if states else (*FIT, "--name", "acme")))
            let_run(fit, draw.uniform(0, seconds))
            fit.send(signal.SIGKILL)
            code, said = fit.wait()
            assert code in (0, -signal.SIGKILL), said
            check_whole(folder)
            killed[attempt, code] += 1
            if code == 0:
                break
        else:
            finish(launcher, folder)
        assert weights_of(folder / "saved_models" / "acme.keras") == expected
    print(dict(killed))

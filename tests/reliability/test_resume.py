"""A fit that is killed at any moment can be resumed, and ends with the very bytes of one that was not."""

import random
import shutil
import signal
from collections import Counter

import pytest

from tests.reliability.fits import FIT, check_whole, let_run, weights_of


@pytest.fixture(scope="session")
def once_stopped(launcher, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    fit = launcher.start(folder, *FIT, "--name", "acme")
    assert fit.until(lambda: "epoch   1/3" in fit.said), fit.said
    fit.send(signal.SIGTERM)
    code, said = fit.wait()
    assert code == 143, said
    return folder


@pytest.fixture
def stopped(once_stopped, tmp_path):
    """A folder in which a fit named acme was stopped in its second epoch."""
    return shutil.copytree(once_stopped, tmp_path / "stopped")


def finish(launcher, folder, begin=FIT):
    """Resume what was killed, or begin it again where nothing had been saved; returns what it said."""
    states = list((folder / "saved_models" / "acme" / "checkpoint").glob("0*"))
    how = ("fit", "--resume", "acme") if states else (*begin, "--name", "acme")
    code, said = launcher.start(folder, *how).wait()
    assert code == 0, said
    check_whole(folder)
    names = sorted(path.name for path in (folder / "saved_models" / "acme").iterdir() if path.name[0] != ".")
    assert names == ["forecast.csv", "history.csv", "metrics.json", "report.html", "test_forecasts.csv"]
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


def test_kill_at_steps_on_the_disk(launcher, tmp_path, soak):
    """Before each sync, rename, removal, and in the middle of each write, of a fit that saves four states."""
    fit = (*FIT, "--epochs", "2", "--checkpoint-every", "12")
    counting = tmp_path / "counting"
    counting.mkdir()
    code, said = launcher.start(counting, *fit, "--name", "acme", count=0).wait()
    assert code == 0, said
    expected = weights_of(counting / "saved_models" / "acme.keras")
    names = (counting / "steps").read_text().split()
    assert {"write", "fsync", "rename", "replace", "unlink"} <= set(names)
    for step in range(1, len(names) + 1, 1 if soak else len(names) // 4):
        folder = tmp_path / str(step)
        folder.mkdir()
        code, said = launcher.start(folder, *fit, "--name", "acme", kill=step).wait()
        assert code == -signal.SIGKILL, said
        check_whole(folder)
        finish(launcher, folder, fit)
        assert weights_of(folder / "saved_models" / "acme.keras") == expected, (step, names[step - 1])
    print(Counter(names))


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("member", ["arrays.npz", "facts.json", "SHA256SUMS"])
def test_a_damaged_generation_gives_way_to_the_one_before(launcher, stopped, reference, member):
    states = sorted((stopped / "saved_models" / "acme" / "checkpoint").iterdir())
    assert len(states) == 2
    damage(states[-1] / member)
    said = finish(launcher, stopped)
    assert f"{states[-1].name} is damaged" in said
    assert weights_of(stopped / "saved_models" / "acme.keras") == reference[0]


def test_two_damaged_generations_are_refused(launcher, stopped):
    for state in (stopped / "saved_models" / "acme" / "checkpoint").iterdir():
        damage(state / "arrays.npz")
    code, said = launcher.start(stopped, "fit", "--resume", "acme").wait()
    assert code == 2
    assert "2 damaged ones" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        (["--units", "4"], "units was 3, is 4"),
        (["--epochs", "4"], "epochs was 3, is 4"),
        (["--threads", "2"], "threads was 1, is 2"),
        (["other.csv"], "sha256 of the data was"),
        (["--name", "other"], "--resume NAME names the model itself"),
    ],
)
def test_other_options_or_data_are_refused(launcher, stopped, arguments, difference):
    dates = [f"2001-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 28)]
    rows = [f"{date},{100 + number % 7}" for number, date in enumerate(dates)]
    (stopped / "other.csv").write_text("Date,Close\n" + "\n".join(rows) + "\n")
    before = sorted(path.name for path in (stopped / "saved_models").rglob("*"))
    code, said = launcher.start(stopped, "fit", "--resume", "acme", *arguments).wait()
    assert code == 2, said
    assert difference in said.splitlines()[-1]
    assert sorted(path.name for path in (stopped / "saved_models").rglob("*")) == before


def test_nothing_to_resume_is_said(launcher, tmp_path):
    code, said = launcher.start(tmp_path, "fit", "--resume", "acme").wait()
    assert code == 2
    assert "a stopped run's checkpoint is needed" in said.splitlines()[-1]

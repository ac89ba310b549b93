"""Signals at any moment: the right exit code, one last line, and a fit that can go on."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.reliability.fits import FIT, check_whole, let_run, weights_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


def last_line(said):
    assert "Traceback" not in said, said
    return said.rstrip().splitlines()[-1]


@pytest.mark.parametrize(
    ("number", "many"), [(signal.SIGINT, 50), (signal.SIGTERM, 50), (signal.SIGHUP, 10)], ids=["INT", "TERM", "HUP"]
)
def test_random_moments(launcher, tmp_path, reference, cases, number, many):
    """From a process' first moment to its last; what was stopped is resumed until it ends."""
    expected, seconds = reference
    draw, ends = random.Random(number), Counter()
    while sum(count for (code, _), count in ends.items() if code) < cases(3, many):
        folder = tmp_path / str(ends.total())
        folder.mkdir()
        fit = launcher.start(folder, *FIT, "--name", "acme")
        let_run(fit, draw.uniform(0.02, seconds))  # a process is not ours before it has begun
        fit.send(number)
        code, said = fit.wait()
        check_whole(folder)
        assert not list(folder.rglob(".kerasforecast.*")), said
        states = list((folder / "saved_models" / "acme" / "checkpoint").glob("0*"))
        if code:
            assert code == 128 + number, said
            assert last_line(said).startswith(("error: Training was stopped. ", "error: Stopped; nothing was left"))
            assert ("--resume acme goes on" in said) <= bool(states), said
            again = ("fit", "--resume", "acme") if states else (*FIT, "--name", "acme")
            code_again, said_again = launcher.start(folder, *again).wait()
            assert code_again == 0, said_again
        else:
            seconds = min(seconds, time.monotonic() - fit.began)  # it was done before; the machine is less busy now
        ends[code, last_line(said)[:22]] += 1
        assert weights_of(folder / "saved_models" / "acme.keras") == expected
    print(dict(ends))


def test_a_second_signal_stops_at_once_and_loses_nothing_older(launcher, tmp_path, reference):
    fit = launcher.start(tmp_path, *FIT, "--name", "acme")
    assert fit.until(lambda: "epoch   1/3" in fit.said), fit.said
    for _ in range(20):
        fit.send(signal.SIGINT)
    code, said = fit.wait()
    assert code == 130, said
    assert last_line(said).startswith("error: ")
    check_whole(tmp_path)
    code, said = launcher.start(tmp_path, "fit", "--resume", "acme").wait()
    assert code == 0, said
    assert weights_of(tmp_path / "saved_models" / "acme.keras") == reference[0]


def program(*arguments, **options):
    command = [sys.executable, "-m", "kerasforecast_cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def test_nobody_left_to_read_stderr_does_not_end_a_fit(tmp_path, reference):
    reading, writing = os.pipe()
    fit = program(*FIT, "--name", "acme", cwd=tmp_path, stderr=writing)
    os.close(writing)
    os.close(reading)
    assert "Verdict: " in fit.communicate(timeout=240)[0]
    assert fit.returncode == 0
    assert weights_of(tmp_path / "saved_models" / "acme.keras") == reference[0]


def test_closed_standard_streams_do_not_end_a_fit_nor_get_into_its_files(tmp_path, reference):
    def close():
        for number in (0, 2):
            os.close(number)

    fit = program(*FIT, "--name", "acme", cwd=tmp_path, preexec_fn=close)
    assert "Verdict: " in fit.communicate(timeout=240)[0]
    assert fit.returncode == 0
    check_whole(tmp_path)
    assert weights_of(tmp_path / "saved_models" / "acme.keras") == reference[0]


def test_a_lost_terminal_ends_a_fit_as_a_signal_does(tmp_path):
    """The terminal's end: SIGHUP, and every write to it an error."""
    ours, theirs = os.openpty()
    fit = program(
        *FIT, "--epochs", "10000", "--patience", "9000", "--name", "acme",
        cwd=tmp_path, stdin=theirs, stderr=theirs, start_new_session=True, preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(theirs)
    states = tmp_path / "saved_models" / "acme" / "checkpoint"
    while not list(states.glob("0*")):
        assert fit.poll() is None
        with contextlib.suppress(OSError):
            os.read(ours, 1000)
    os.close(ours)
    fit.communicate(timeout=240)
    assert fit.returncode == 128 + signal.SIGHUP
    check_whole(tmp_path)


def _take_terminal():
    import fcntl
    import termios

    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be ignored, as it should be
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

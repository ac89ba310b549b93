"""The live bar: when it goes, the epochs that matter stay on the screen."""

import os
import re
import subprocess
import sys

import pytest

from kerasforecast.api.progress import _told
from kerasforecast.training.history import Epoch
from tests.backend.conftest import prices


def epochs(count, best=(), falls=()):
    rate = 0.001
    for number in range(1, count + 1):
        rate = rate / 2 if number in falls else rate
        yield Epoch(number, 1.0, 1.0, rate, 0.1, number in best)


@pytest.mark.parametrize(
    ("count", "best", "falls", "told"),
    [
        (0, (), (), []),
        (1, (1,), (), [1]),
        (3, (1, 2), (), [1, 2, 3]),
        (37, (1, 2, 27), (33,), [1, 2, 4, 8, 16, 27, 32, 33, 37]),
        (100, (1, 90), (5, 10, 15, 20, 25, 30), [1, 2, 4, 5, 8, 10, 15, 16, 20, 32, 64, 90, 100]),
    ],
)
def test_the_first_the_best_the_last_and_a_few_between_are_told(count, best, falls, told):
    assert [epoch.epoch for epoch in _told(list(epochs(count, best, falls)))] == told


FIT = """
import kerasforecast as kf
kf.fit(TABLE, window=8, units=2, layers=1, epochs=3, progress=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no terminals to make")
def test_a_finished_fit_leaves_its_epochs_on_the_terminal(tmp_path):
    import pty

    prices(120).to_csv(tmp_path / "table.csv")
    ours, theirs = pty.openpty()
    code = FIT.replace("TABLE", repr(str(tmp_path / "table.csv")))
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, stdout=theirs) as process:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 65_536):
                seen += chunk
        except OSError:  # the other end has gone
            pass
        assert process.wait(120) == 0
    os.close(ours)
    after = seen.decode().rpartition("\x1b[?25h")[2]  # the bar has shown the cursor again, and gone
    after = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", after)
    lines = [line.strip() for line in after.splitlines() if line.strip().startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all("val_loss" in line and "lr 0.001" in line for line in lines)

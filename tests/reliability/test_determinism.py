"""`--deterministic`: one seed, the same bytes, in every process."""

import subprocess
import sys

from tests.reliability.fits import SECONDS, weights_of

FIT = (
    "fit",
    "--end",
    "2003-01-01",
    "--window",
    "8",
    "--units",
    "16",
    "--epochs",
    "2",
    "--seed",
    "7",
    "--deterministic",
)


def test_processes_end_with_the_same_bytes(launcher, tmp_path, soak):
    hashes = set()
    for number in range(10 if soak else 2):
        arguments = (*FIT, "--name", f"run{number}", "--quiet")
        if soak:  # nothing shared, not even imports
            command = [sys.executable, "-m", "kerasforecast_cli", *arguments]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
            code, said = done.returncode, done.stderr
        else:
            code, said = launcher.start(tmp_path, *arguments).wait()
        assert code == 0, said
        hashes.add(weights_of(tmp_path / "saved_models" / f"run{number}.keras"))
    assert len(hashes) == 1

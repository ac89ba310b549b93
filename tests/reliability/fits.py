"""Fits of one small model, started in processes that may be stopped or killed, and what is left of them."""

import contextlib
import csv
import hashlib
import io
import json
import os
import queue
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import h5py

ROOT = Path(__file__).parents[2]
FIT = (
    *("fit", "--end", "2003-01-01", "--window", "8", "--units", "3", "--layers", "1", "--epochs", "3"),
    *("--threads", "1", "--checkpoint-every", "7"),
)
SECONDS = 240  # after which a fit of seconds hangs


class Launcher:
    """Starts commands within milliseconds; see `launcher.py`."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.launcher"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._pids = queue.Queue()
        self.codes = {}  # of the processes that have ended; below 0 the signal it died of
        assert self._process.stdout.readline() == "ready\n"
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, folder, *arguments, **faults):
        """Start `kerasforecast ARGUMENTS` in `folder`; `faults` are those that `launcher.py` can bring about."""
        number = sum(path.name.startswith("err") for path in folder.iterdir())
        out, err = folder / f"out{number}", folder / f"err{number}"
        err.touch()
        command = {"arguments": [str(part) for part in arguments], "cwd": str(folder), "faults": faults}
        paths = {"out": str(out), "err": str(err), "steps": str(folder / "steps")}
        self._process.stdin.write(json.dumps(command | paths) + "\n")
        self._process.stdin.flush()
        return Started(self, self._pids.get(timeout=SECONDS), err)

    def close(self):
        """End the process that starts others."""
        self._process.stdin.close()
        self._process.wait(60)

    def _listen(self):
        for line in self._process.stdout:
            pid, *code = map(int, line.split())
            if code:
                self.codes[pid] = code[0]
            else:
                self._pids.put(pid)


@dataclass
class Started:
    """A process of the command line."""

    launcher: Launcher
    pid: int
    err: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def ended(self):
        """Whether it has ended."""
        return self.pid in self.launcher.codes

    @property
    def said(self):
        """What it has written to stderr so far."""
        return self.err.read_text()

    def until(self, condition):
        """Wait until `condition()` holds or the process ends; whether the first was so."""
        while not condition():
            if self.ended:
                return False
            assert time.monotonic() < self.began + SECONDS, self.said
            time.sleep(0.002)
        return True

    def wait(self):
        """Wait for its end; the code, and what it said."""
        self.until(lambda: self.ended)
        return self.launcher.codes[self.pid], self.said

    def send(self, number):
        """Send it a signal, if it still runs."""
        if not self.ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def let_run(started, seconds):
    """Let a process run for so long, or to its end."""
    started.until(lambda: time.monotonic() > started.began + seconds)


def weights_of(path):
    """One hash of every weight in a model file, in order."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        digest = hashlib.sha256()
        file.visititems(
            lambda name, item: digest.update(name.encode() + item[()].tobytes()) if hasattr(item, "shape") else None
        )
        return digest.hexdigest()


def check_whole(folder):
    """Every file that has its final name must be whole, whenever its writer was killed."""
    for path in folder.rglob("*.keras"):
        with zipfile.ZipFile(path) as archive:
            hashes = json.loads(archive.read("kerasforecast.json"))["hashes"]
            for name, expected in hashes.items():
                assert hashlib.sha256(archive.read(name)).hexdigest() == expected, path
    for path in folder.rglob("*.json"):
        if not any(part.startswith(".kerasforecast.") for part in path.parts):
            json.loads(path.read_text())
    for path in folder.rglob("*.csv"):
        lengths = {len(row) for row in csv.reader(path.read_text().splitlines())}
        assert len(lengths) == 1, path
    for sums in folder.rglob("checkpoint/0*/SHA256SUMS"):
        for line in sums.read_text().splitlines():
            expected, name = line.split("  ")
            assert hashlib.sha256((sums.parent / name).read_bytes()).hexdigest() == expected, sums

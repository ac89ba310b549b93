"""The long form: `python -m tests.reliability`. In full under the first backend installed, and under every other what
depends on it: the ten processes of `--deterministic`, and the short form of all else. Under TensorFlow also those tests
of `tests/backend` that it is spared otherwise.
"""

import os
import subprocess
import sys

from kerasforecast.runtime.backend import installed


def main():
    first, *others = installed()
    runs = [(first, ["tests/reliability", "--soak"])]
    for backend in others:
        runs += [(backend, ["tests/reliability/test_determinism.py", "--soak"]), (backend, ["tests/reliability"])]
    if "tensorflow" in (first, *others):
        runs.append(("tensorflow", ["tests/backend", "-m", "same_everywhere"]))
    return max(run(backend, arguments) for backend, arguments in runs)


def run(backend, arguments):
    command = [sys.executable, "-m", "pytest", "-s", *arguments, *sys.argv[1:]]
    return subprocess.call(command, env=os.environ | {"KERAS_BACKEND": backend, "KERASFORECAST_SOAK": "1"})


if __name__ == "__main__":
    sys.exit(main())

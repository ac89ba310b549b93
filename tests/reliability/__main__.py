"""The long form under every installed backend, one process each: `python -m tests.reliability`."""

import os
import subprocess
import sys

from kerasforecast.backend import installed


def main():
    command = [sys.executable, "-m", "pytest", "tests/reliability", "--soak", "-s", *sys.argv[1:]]
    return max(subprocess.call(command, env=os.environ | {"KERAS_BACKEND": backend}) for backend in installed())


if __name__ == "__main__":
    sys.exit(main())

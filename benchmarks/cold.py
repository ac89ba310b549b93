"""Whole processes that do little: a forecast from the command line, and a fit of one epoch on a warm cache.

    python benchmarks/cold.py [--rounds 7] [--json results.json] [--python jax=/path/to/python ...]

Each is started anew every time, in turn: `import keras` alone, `kerasforecast predict` of a `.keras` file and a table,
and `kerasforecast fit` of one epoch on the embedded prices with its scores and report. Printed: the median seconds by
the clock and of the processor, of the process and those that it starts. What XLA compiled is kept in a folder of the
race's own and found from the second round on; the first, which fills it, is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contest import Seconds, interpreters, parser

LENGTH = 300  # rows of the table


def measured(command: list[str], environment: dict[str, str]) -> Seconds:
    """What `command` takes, by the clock and of the processor."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed with status {status}: run it alone to see why.")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def table(path: Path) -> None:
    """Write days and a price that wanders."""
    import numpy as np
    import pandas as pd

    price = 100 + np.random.default_rng(0).normal(size=LENGTH).cumsum()
    frame = pd.DataFrame({"Close": price.round(2)}, index=pd.bdate_range("2024-01-01", periods=LENGTH, name="Date"))
    frame.to_csv(path)


def race(pythons: dict[str, str], rounds: int) -> dict[str, list[Seconds]]:
    """Seconds of every process, in every round after the first."""
    times: dict[str, list[Seconds]] = {}
    with tempfile.TemporaryDirectory() as folder:
        table(Path(folder, "table.csv"))
        fit = ["fit", "--epochs", "1", "--quiet", "--output-dir", folder, "--name"]
        for number in range(rounds + 1):
            for backend, python in pythons.items():
                environment = {"KERAS_BACKEND": backend, "KERASFORECAST_CACHE": f"{folder}/cache"}
                program = [python, "-m", "kerasforecast_cli"]
                commands = {
                    "fit": [*program, *fit, backend],
                    "predict": [*program, "predict", f"{folder}/{backend}.keras", f"{folder}/table.csv"],
                    "import keras": [python, "-c", "import keras"],
                }
                for name, command in commands.items():
                    took = measured(command, environment)
                    print(f"{name} on {backend}: {took[0]:.2f} s, processor {took[1]:.2f}", file=sys.stderr, flush=True)
                    if number:
                        times.setdefault(f"{name} on {backend}", []).append(took)
    return times


def main() -> None:
    arguments = parser(__doc__).parse_args()
    times = race(interpreters(arguments.python), arguments.rounds)
    for name, pairs in times.items():
        clock, processor = (statistics.median(each) for each in zip(*pairs, strict=True))
        print(f"{name:<28}{clock:>8.2f} s{processor:>8.2f} s of the processor")
    if arguments.json:
        arguments.json.write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""The whole process: `kerasforecast fit` with 30 epochs on the embedded prices, against a PyTorch script of the same.

    python benchmarks/process.py [--rounds 5] [--json results.json] [--only jax] [--python jax=/path/to/python ...]

Imports, reading, compilation, training with validation after every epoch, and scores on the test part are all in the
time; ours also writes its checkpoints, model and report. Rounds alternate. The first fit on JAX, which finds nothing
compiled in the user's cache, is printed by itself.
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

from contest import interpreters, paired, parser

EPOCHS = 30


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """How long `command` takes."""
    began = time.perf_counter()
    subprocess.run(
        command, check=True, env=os.environ | environment, stdout=subprocess.DEVNULL, cwd=Path(__file__).parent
    )
    took = time.perf_counter() - began
    print(f"{' '.join(command[1:4])}: {took:.1f} s", file=sys.stderr, flush=True)
    return took


def race(pythons: dict[str, str], rounds: int, only: str) -> dict[str, list[float]]:
    """Seconds of every run, on backends whose name holds `only`; the first of ours, with an empty cache, by itself."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for threads in (1, 2):
                script = [pythons["torch"], "pytorch_script.py", str(EPOCHS), str(threads)]
                times.setdefault(f"pytorch script, {threads}", []).append(seconds(script, {}))
            for backend, python in ((name, path) for name, path in pythons.items() if only in name):
                options = ["--epochs", str(EPOCHS), "--patience", str(EPOCHS), "--quiet", "--output-dir", folder]
                command = [python, "-m", "kerasforecast_cli", "fit", *options, "--name", backend]
                took = seconds(command, {"KERAS_BACKEND": backend, "KERASFORECAST_CACHE": f"{folder}/cache"})
                name = f"ours on {backend}" if number else f"ours on {backend}, first"
                times.setdefault(name, []).append(took)
    return times


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", default="", help="run only backends whose name holds this; the script always")
    options.set_defaults(rounds=5)
    arguments = options.parse_args()
    times = race(interpreters(arguments.python), arguments.rounds, arguments.only)
    scripts = [values[1:] for name, values in times.items() if name.startswith("pytorch")]
    for name, values in times.items():
        later = values[1:] if name.startswith("pytorch") else values
        share = max(paired(later, script) for script in scripts) if len(later) > 1 else float("nan")
        print(f"{name:<28}{statistics.median(later):>8.1f} s{share:>8.2f} of the script's time")
    if arguments.json:
        arguments.json.write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()

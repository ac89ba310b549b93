"""A fit on a machine that is busy: beside programs that load every core, against the same fit alone.

    python benchmarks/busy.py [--rounds 3] [--json results.json] [--python jax=/path/to/python ...]

The fit is the command `kerasforecast fit` of ten epochs on the embedded prices, from start to end, in a process of its
own; the programs are loops of Python, one a core. With as many of them as cores and one thread of the fit on each, a
fair half of the processor makes a ratio of 2; a fit whose threads wait for one another has far more. In each round all
backends fit alone and busy in turn. What XLA compiled is found from the second run on; the first is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from contest import interpreters, paired, parser

EPOCHS = "10"


@contextmanager
def loaded(loops: int) -> Iterator[None]:
    """So many loops run meanwhile."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def seconds(python: str, backend: str, folder: str) -> float:
    """What a fit takes by the clock."""
    command = [python, "-m", "kerasforecast_cli", "fit", "--epochs", EPOCHS, "--patience", EPOCHS, "--quiet"]
    command += ["--output-dir", folder, "--name", backend]
    environment = {"KERAS_BACKEND": backend, "KERASFORECAST_CACHE": f"{folder}/cache"}
    began = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def race(pythons: dict[str, str], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of every fit, alone and busy, by backend."""
    times: dict[str, dict[str, list[float]]] = {backend: {"alone": [], "busy": []} for backend in pythons}
    with tempfile.TemporaryDirectory() as folder:
        for backend, python in pythons.items():
            seconds(python, backend, folder)
        for _ in range(rounds):
            for backend, python in pythons.items():
                for state, loops in (("alone", 0), ("busy", os.cpu_count() or 1)):
                    with loaded(loops):
                        took = seconds(python, backend, folder)
                    print(f"{backend}, {state}: {took:.1f} s", file=sys.stderr, flush=True)
                    times[backend][state].append(took)
    return times


def main() -> None:
    options = parser(__doc__)
    options.set_defaults(rounds=3)
    arguments = options.parse_args()
    times = race(interpreters(arguments.python), arguments.rounds)
    for backend, each in times.items():
        alone, busy = (statistics.median(each[state]) for state in ("alone", "busy"))
        print(f"{backend:<12}{alone:>8.1f} s alone{busy:>8.1f} s busy{paired(each['busy'], each['alone']):>8.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()

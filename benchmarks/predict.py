"""Forecasting with a loaded model: one window, and a hundred thousand, beside the plain PyTorch module in `no_grad`.

    python benchmarks/predict.py [--rounds 7] [--python jax=/path/to/python ...]

The model is the reference network, saved once by `kerasforecast fit --scaling none` on the first interpreter named and
opened by every other. Every contestant has a process of its own; rounds alternate. Printed: the median milliseconds of
one warm forecast, and thousands of windows a second in one call, relative to the module's best of 1 and 2 threads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

MANY, LENGTH, SINGLE = 100_000, 60, 100
MODULE = ("pytorch module, 1 thread", "pytorch module, 2 threads")


def forecaster(name: str, model: str) -> Callable[[np.ndarray], np.ndarray]:
    """What a contestant forecasts with: windows `(B, 60, 1)` to `(B, 1)`."""
    if name not in MODULE:
        import kerasforecast as kf

        return kf.load(model).predict
    import torch
    from pytorch_loop import StockLSTM

    torch.set_num_threads(1 + MODULE.index(name))
    module = StockLSTM().eval()

    def predict(windows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return module(torch.from_numpy(windows)).numpy()

    return predict


def serve(name: str, model: str) -> None:
    """Median seconds of one forecast, and seconds of many, on stdout for every line on stdin."""
    predict = forecaster(name, model)
    windows = (100 + np.random.default_rng(0).normal(size=(MANY, LENGTH, 1))).astype(np.float32)
    while True:
        single = []
        for place in range(SINGLE):
            began = time.perf_counter()
            predict(windows[place : place + 1])
            single.append(time.perf_counter() - began)
        began = time.perf_counter()
        predict(windows)
        print(json.dumps([statistics.median(single), time.perf_counter() - began]), flush=True)
        if not sys.stdin.readline():
            return


def start(name: str, python: str, backend: str, model: str) -> subprocess.Popen:
    """A contestant's process; its first answer, which compiles, is thrown away."""
    process = subprocess.Popen(
        [python, __file__, "--serve", name, "--model", model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"KERAS_BACKEND": backend},
        cwd=Path(__file__).parent,
    )
    process.stdout.readline()
    return process


def ask(process: subprocess.Popen) -> list[float]:
    """One more round."""
    process.stdin.write("go\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def train(python: str, backend: str, folder: str) -> str:
    """The reference network after one epoch on the embedded prices; returns its path."""
    options = ["fit", "--epochs", "1", "--scaling", "none", "--quiet", "--name", "reference", "--output-dir", folder]
    command = [python, "-m", "kerasforecast_cli", *options]
    subprocess.run(command, check=True, env=os.environ | {"KERAS_BACKEND": backend}, stdout=subprocess.DEVNULL)
    return f"{folder}/reference.keras"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", action="append", metavar="BACKEND=PYTHON")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.model)
        return
    named = [pair.split("=", 1) for pair in arguments.python or ()]
    pythons = dict(named) if named else dict.fromkeys(("jax", "tensorflow", "torch"), sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        backend, python = next(iter(pythons.items()))
        model = train(python, backend, folder)
        entries = dict.fromkeys(MODULE, (pythons["torch"], "torch")) if "torch" in pythons else {}
        entries |= {f"ours on {backend}": (python, backend) for backend, python in pythons.items()}
        processes = {name: start(name, *entry, model) for name, entry in entries.items()}
        rounds = [{name: ask(process) for name, process in processes.items()} for _ in range(arguments.rounds)]
    for process in processes.values():
        process.stdin.close()
    print(f"{'contestant':<28}{'one, ms':>10}{'thousands a second':>22}{'speed':>8}")
    for name in processes:
        one = 1e3 * statistics.median(row[name][0] for row in rounds)
        rate = MANY / 1e3 / statistics.median(row[name][1] for row in rounds)
        rivals = [other for other in MODULE if other in processes]
        speed = min((statistics.median(row[other][1] / row[name][1] for row in rounds) for other in rivals), default=1)
        print(f"{name:<28}{one:>10.2f}{rate:>22.1f}{speed:>8.2f}")


if __name__ == "__main__":
    main()

"""Forecasting with a loaded model: one window, and a hundred thousand, beside the plain PyTorch module in `no_grad`.

    python benchmarks/predict.py [--rounds 7] [--json results.json] [--python jax=/path/to/python ...]

The models are the reference network, saved once by `kerasforecast fit` on the first interpreter named and opened by
every other: as it is by default, and with `--scaling none`, which is the network the module has. Every contestant has a
process of its own; rounds alternate. Printed: the median milliseconds of one warm forecast, and thousands of windows a
second in one call, relative to the module's best of 1 and 2 threads.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from contest import Contestant, Stopwatch, interpreters, paired, parser, serve

MANY, LENGTH, SINGLE = 100_000, 60, 100
MODULE = ("pytorch module, 1 thread", "pytorch module, 2 threads")
SCALINGS = ("none", "anchor")


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


def timed(predict: Callable[[np.ndarray], np.ndarray], many: int) -> list[float]:
    """Median seconds of one forecast, and seconds of `many`."""
    windows = (100 + np.random.default_rng(0).normal(size=(max(many, SINGLE), LENGTH, 1))).astype(np.float32)
    single = []
    for place in range(SINGLE):
        watch = Stopwatch()
        predict(windows[place : place + 1])
        single.append(watch.seconds()[0])
    watch = Stopwatch()
    predict(windows[:many])
    return [statistics.median(single), watch.seconds()[0]]


def train(python: str, backend: str, folder: str, scaling: str) -> str:
    """The reference network after one epoch on the embedded prices; returns its path."""
    options = ["fit", "--epochs", "1", "--scaling", scaling, "--quiet", "--name", scaling, "--output-dir", folder]
    command = [python, "-m", "kerasforecast_cli", *options]
    subprocess.run(command, check=True, env=os.environ | {"KERAS_BACKEND": backend}, stdout=subprocess.DEVNULL)
    return f"{folder}/{scaling}.keras"


def race(pythons: dict[str, str], rounds: int) -> dict[str, list[list[float]]]:
    """Seconds of one forecast and of many, a pair a round, of every contestant with every model it runs."""
    entries = dict.fromkeys(MODULE, (pythons["torch"], "torch")) if "torch" in pythons else {}
    entries |= {f"ours on {backend}": (python, backend) for backend, python in pythons.items()}
    times: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        models = {scaling: train(*reversed(next(iter(pythons.items()))), folder, scaling) for scaling in SCALINGS}
        contestants = {name: Contestant(__file__, name, *entry) for name, entry in entries.items()}
        for number in range(rounds + 1):
            for name, contestant in contestants.items():
                for scaling in SCALINGS[: 1 if name in MODULE else None]:
                    pair = contestant.ask([models[scaling], MANY if number else 1_024])  # the first compiles
                    if number:
                        times.setdefault(f"{name}, {scaling}" if name not in MODULE else name, []).append(pair)
        for contestant in contestants.values():
            contestant.close()
    return times


def report(times: dict[str, list[list[float]]]) -> None:
    """A line per contestant and model."""
    print(f"{'contestant':<32}{'one, ms':>10}{'thousands a second':>22}{'speed':>8}")
    for name, pairs in times.items():
        one, many = zip(*pairs, strict=True)
        baselines = [[pair[1] for pair in times[other]] for other in MODULE if other in times]
        speed = min((paired(baseline, many) for baseline in baselines), default=1)
        rate = MANY / 1e3 / statistics.median(many)
        print(f"{name:<32}{1e3 * statistics.median(one):>10.2f}{rate:>22.1f}{speed:>8.2f}")


def main() -> None:
    arguments = parser(__doc__).parse_args()
    if arguments.serve:
        prepared = cache(lambda model: forecaster(arguments.serve, model))
        serve(lambda question: timed(prepared(question[0]), question[1]))
        return
    times: dict[str, Any] = race(interpreters(arguments.python), arguments.rounds)
    report(times)
    if arguments.json:
        arguments.json.write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""One training epoch of the reference model, every contestant in a process of its own, rounds alternating.

    python benchmarks/epoch.py [--rounds 7] [--json results.json] [--python jax=/path/to/python ...]

Work: 1,440 windows of 60, batch 32, Adam, MSE, dropout on. Contestants: the specification's plain PyTorch loop (its
best of one and two threads), plain `keras.layers.LSTM`, and ours, on every backend whose Python is named (all of them
run by this interpreter unless `--python` says otherwise). Printed: median seconds, spread, and speed relative to the
PyTorch loop, above 1 where faster.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

WINDOWS, LENGTH, BATCH = 1_440, 60, 32
BACKENDS = ("jax", "tensorflow", "torch")
LOOP = ("pytorch loop, 1 thread", "pytorch loop, 2 threads")


def work() -> tuple[np.ndarray, np.ndarray]:
    """Windows `(1440, 60, 1)` and targets `(1440, 1)`, float32, scaled."""
    random = np.random.default_rng(0)
    return (
        random.normal(size=(WINDOWS, LENGTH, 1)).astype(np.float32),
        random.normal(size=(WINDOWS, 1)).astype(np.float32),
    )


def keras_epochs(ours: bool, turn: Callable[[], bool], tell: Callable[[float], None]) -> None:
    """Epochs of one `fit`, as `kerasforecast.training` runs it, with our layers or Keras' own."""
    import keras

    from kerasforecast.config import NetworkConfig, TrainingConfig
    from kerasforecast.models import build, initialise
    from kerasforecast.scaling import FittedScaling
    from kerasforecast.training import compile_model, training_batches
    from kerasforecast.windows import Samples

    x, y = work()
    network = NetworkConfig(scaling="none", recurrent_bias=ours)
    plain = FittedScaling(kind="none", transforms=("linear",), offset=(0.0,), scale=(1.0,))
    model = build(network, plain, "training") if ours else _stock(keras)
    if ours:
        initialise(model, network, 0)
    compile_model(model, TrainingConfig())

    class Turns(keras.callbacks.Callback):
        """Times every epoch, and holds the next one back until it is this contestant's turn."""

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            tell(time.perf_counter() - self.started)
            self.model.stop_training = not turn()

    batches = training_batches(Samples(x, y), y, BATCH, seed=0)
    steps = WINDOWS // BATCH
    model.fit(batches, steps_per_epoch=steps, epochs=10**6, callbacks=[Turns()], verbose=0, shuffle=False)


def _stock(keras: object) -> object:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((LENGTH, 1)),
            layers.LSTM(50, return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(50),
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )


def loop_epochs(threads: int, turn: Callable[[], bool], tell: Callable[[float], None]) -> None:
    """Epochs of the plain PyTorch loop."""
    import torch
    from pytorch_loop import epochs

    torch.set_num_threads(threads)
    for seconds in epochs(*work()):
        tell(seconds)
        if not turn():
            return


def serve(name: str) -> None:
    """In a contestant's process: one epoch, timed on stdout, for every line on stdin."""

    def turn() -> bool:
        return bool(sys.stdin.readline())

    def tell(seconds: float) -> None:
        print(json.dumps(seconds), flush=True)

    if name in LOOP:
        loop_epochs(1 + LOOP.index(name), turn, tell)
    else:
        keras_epochs(name.startswith("ours"), turn, tell)


def start(name: str, python: str, backend: str) -> subprocess.Popen:
    """A contestant's process, warmed up later by its first answer."""
    import os

    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [python, __file__, "--serve", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        cwd=Path(__file__).parent,
    )


def ask(process: subprocess.Popen) -> float:
    """One more epoch."""
    process.stdin.write("go\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def race(pythons: dict[str, str], rounds: int) -> dict[str, dict[str, object]]:
    """Let all contestants run an epoch a round, in turn, `rounds` times."""
    entries = dict.fromkeys(LOOP, (pythons["torch"], "torch")) if "torch" in pythons else {}
    for backend, python in pythons.items():
        entries |= {f"keras on {backend}": (python, backend), f"ours on {backend}": (python, backend)}
    processes = {name: start(name, *entry) for name, entry in entries.items()}
    first = {name: json.loads(process.stdout.readline()) for name, process in processes.items()}
    for process in processes.values():
        ask(process)  # a second epoch to warm up: the first one compiled
    times: dict[str, list[float]] = {name: [] for name in processes}
    for _ in range(rounds):
        for name, process in processes.items():
            times[name].append(ask(process))
    for process in processes.values():
        process.stdin.close()
    return {name: {"first": first[name], "epochs": times[name]} for name in processes}


def report(results: dict[str, dict[str, object]]) -> None:
    """A line per contestant: median, spread, first epoch, speed relative to the PyTorch loop's better thread count."""
    medians = {name: statistics.median(result["epochs"]) for name, result in results.items()}
    loop = min((medians[name] for name in LOOP if name in medians), default=None)
    print(f"{'contestant':<26}{'median s':>10}{'min':>8}{'max':>8}{'first':>8}{'speed':>8}")
    for name, result in results.items():
        epochs = result["epochs"]
        speed = f"{loop / medians[name]:.2f}" if loop else "-"
        row = f"{medians[name]:>10.3f}{min(epochs):>8.3f}{max(epochs):>8.3f}{result['first']:>8.2f}{speed:>8}"
        print(f"{name:<26}{row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--python", action="append", metavar="BACKEND=PYTHON")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    named = [pair.split("=", 1) for pair in arguments.python or ()]
    pythons = dict(named) if named else dict.fromkeys(BACKENDS, sys.executable)
    results = race(pythons, arguments.rounds)
    report(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

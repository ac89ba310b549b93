"""One training epoch of the reference model, every contestant in a process of its own, rounds alternating.

    python benchmarks/epoch.py [--rounds 7] [--json results.json] [--python jax=/path/to/python ...] [--cell gru]

Work: 1,440 windows of 60, batch 32, Adam, MSE, dropout on. Contestants: the specification's plain PyTorch loop (its
best of one and two threads), plain `keras.layers.LSTM`, and ours, on every backend whose Python is named (all of them
run by this interpreter unless `--python` says otherwise). Printed: median seconds, spread, and speed relative to the
PyTorch loop, above 1 where faster: by the clock, and by processor time, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import json
import math
import os
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


Seconds = tuple[float, float]  # by the clock, and of processor time


class Stopwatch:
    """Started when made."""

    def __init__(self) -> None:
        self.started = time.perf_counter(), time.process_time()

    def seconds(self) -> Seconds:
        """Since the start."""
        return time.perf_counter() - self.started[0], time.process_time() - self.started[1]


def work() -> tuple[np.ndarray, np.ndarray]:
    """Windows `(1440, 60, 1)` and targets `(1440, 1)`, float32, scaled."""
    random = np.random.default_rng(0)
    return (
        random.normal(size=(WINDOWS, LENGTH, 1)).astype(np.float32),
        random.normal(size=(WINDOWS, 1)).astype(np.float32),
    )


def keras_epochs(cell: str, ours: bool, turn: Callable[[], bool], tell: Callable[[Seconds], None]) -> None:
    """Epochs of one `fit`, as `kerasforecast.training` runs it, with our layers or Keras' own."""
    import keras

    from kerasforecast.config import NetworkConfig, TrainingConfig
    from kerasforecast.models import build, initialise
    from kerasforecast.scaling import FittedScaling
    from kerasforecast.training import compile_model, training_batches
    from kerasforecast.windows import Samples

    x, y = work()
    network = NetworkConfig(model=cell, scaling="none", recurrent_bias=ours)
    plain = FittedScaling(kind="none", transforms=("linear",), offset=(0.0,), scale=(1.0,))
    model = build(network, plain, "training") if ours else _stock(keras, cell)
    if ours:
        initialise(model, network, 0)
    steps = WINDOWS // BATCH
    if ours:
        compile_model(model, TrainingConfig(), steps)
    else:
        model.compile(optimizer="adam", loss="mse")

    class Turns(keras.callbacks.Callback):
        """Times every epoch, and holds the next one back until it is this contestant's turn."""

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.watch = Stopwatch()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            tell(self.watch.seconds())
            self.model.stop_training = not turn()

    batches = training_batches(Samples(x, y), y, BATCH, seed=0)
    model.fit(batches, steps_per_epoch=steps, epochs=10**6, callbacks=[Turns()], verbose=0, shuffle=False)


def _stock(keras: object, cell: str) -> object:
    layers = keras.layers
    recurrent = {"lstm": layers.LSTM, "gru": layers.GRU}[cell]
    return keras.Sequential(
        [
            keras.Input((LENGTH, 1)),
            recurrent(50, return_sequences=True),
            layers.Dropout(0.2),
            recurrent(50),
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )


def loop_epochs(cell: str, threads: int, turn: Callable[[], bool], tell: Callable[[Seconds], None]) -> None:
    """Epochs of the plain PyTorch loop."""
    import torch
    from pytorch_loop import epochs

    torch.set_num_threads(threads)
    watch = Stopwatch()
    for _ in epochs(*work(), cell=cell):
        tell(watch.seconds())
        if not turn():
            return
        watch = Stopwatch()


def serve(name: str, cell: str) -> None:
    """In a contestant's process: one epoch, timed on stdout, for every line on stdin."""

    def turn() -> bool:
        return bool(sys.stdin.readline())

    def tell(seconds: Seconds) -> None:
        print(json.dumps(seconds), flush=True)

    if name in LOOP:
        loop_epochs(cell, 1 + LOOP.index(name), turn, tell)
    else:
        keras_epochs(cell, name.startswith("ours"), turn, tell)


def start(name: str, python: str, backend: str, cell: str) -> subprocess.Popen:
    """A contestant's process, warmed up later by its first answer."""
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [python, __file__, "--serve", name, "--cell", cell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        cwd=Path(__file__).parent,
    )


def ask(process: subprocess.Popen) -> Seconds:
    """One more epoch."""
    process.stdin.write("go\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def race(pythons: dict[str, str], rounds: int, only: str, cell: str) -> dict[str, dict[str, object]]:
    """Let all contestants whose name holds `only` run an epoch a round, in turn, `rounds` times; the loop always."""
    entries = dict.fromkeys(LOOP, (pythons["torch"], "torch")) if "torch" in pythons else {}
    for backend, python in pythons.items():
        names = (f"keras on {backend}", f"ours on {backend}")
        entries |= {name: (python, backend) for name in names if only in name}
    processes, first = {}, {}
    for name, entry in entries.items():  # one after the other: the first epoch compiles, alone on the machine
        processes[name] = start(name, *entry, cell)
        first[name] = json.loads(processes[name].stdout.readline())
        ask(processes[name])
    times: dict[str, list[Seconds]] = {name: [] for name in processes}
    for _ in range(rounds):
        for name, process in processes.items():
            times[name].append(ask(process))
    for process in processes.values():
        process.stdin.close()
    return {name: {"first": first[name], "epochs": times[name]} for name in processes}


def report(results: dict[str, dict[str, object]]) -> None:
    """A line per contestant: median, spread, first epoch, speed relative to the PyTorch loop's better thread count."""
    wall = {name: [epoch[0] for epoch in result["epochs"]] for name, result in results.items()}
    processor = {name: statistics.median(epoch[1] for epoch in result["epochs"]) for name, result in results.items()}
    print(
        f"{'contestant':<26}{'median s':>10}{'min':>8}{'max':>8}{'first':>8}{'speed':>8}{'processor s':>13}{'speed':>8}"
    )
    loop = [name for name in LOOP if name in results]
    for name, seconds in wall.items():
        # Paired: every round's own ratio, so that a drift of the machine meets both.
        speed = min((paired(wall[other], seconds) for other in loop), default=math.nan)
        by_processor = min((processor[other] for other in loop), default=math.nan) / processor[name]
        row = f"{statistics.median(seconds):>10.3f}{min(seconds):>8.3f}{max(seconds):>8.3f}"
        row += f"{results[name]['first'][0]:>8.2f}{speed:>8.2f}{processor[name]:>13.3f}{by_processor:>8.2f}"
        print(f"{name:<26}{row}")


def paired(slower: list[float], faster: list[float]) -> float:
    """The median over rounds of one contestant's seconds over another's."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--python", action="append", metavar="BACKEND=PYTHON")
    parser.add_argument("--only", default="", help="run only contestants whose name holds this")
    parser.add_argument("--cell", choices=("lstm", "gru"), default="lstm")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.cell)
        return
    named = [pair.split("=", 1) for pair in arguments.python or ()]
    pythons = dict(named) if named else dict.fromkeys(BACKENDS, sys.executable)
    results = race(pythons, arguments.rounds, arguments.only, arguments.cell)
    report(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

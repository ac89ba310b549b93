"""One recurrent layer, forward and backward: ours, stock Keras and `torch.nn`, paired and interleaved.

    python benchmarks/layers.py --python jax=ENV/bin/python --python torch=ENV/bin/python --out layers.json

Every contestant lives in a process of its own, under its backend's interpreter (this one where none is given). Rounds
alternate between them, so that a busy machine slows all alike; compare the ratios, not the times. PyTorch gets one
thread unless told otherwise: at these sizes a second one gains little, and on a busy machine waiting for it costs tens
of times what it saves.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from contest import Contestant, paired, serve

CELLS = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
TORCH_NAMES = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
ROOT = Path(__file__).resolve().parents[1]


def contestant(kind: str, cell: str, shape: tuple[int, int, int], units: int) -> dict[str, Callable[[], Any]]:
    """What one process times: `train` (the loss's gradients by weights and input) and `infer`, each until done."""
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    if kind == "nn":
        import torch

        layer = getattr(torch.nn, TORCH_NAMES[cell])(shape[2], units, batch_first=True)
        return _torch(lambda tensor: layer(tensor)[0], x)
    import keras

    sys.path.insert(0, str(ROOT))
    from kerasforecast import layers

    layer = getattr(layers if kind == "ours" else keras.layers, cell)(units, return_sequences=True)
    layer.build(shape)
    return {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}[keras.backend.backend()](layer, x)


def _torch(layer: Any, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    import torch

    tensor, fixed = torch.tensor(x, requires_grad=True), torch.tensor(x)

    def infer() -> None:
        with torch.no_grad():
            layer(fixed)

    return {"train": lambda: layer(tensor).sum().backward(), "infer": infer}


def _jax(layer: Any, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    import jax

    state = [variable.value for variable in layer.trainable_variables]
    fixed = [variable.value for variable in layer.non_trainable_variables]

    def output(state: list[Any], x: Any) -> Any:
        return layer.stateless_call(state, fixed, x)[0]

    train = jax.jit(jax.grad(lambda state, x: output(state, x).sum(), argnums=(0, 1)))
    infer, x = jax.jit(output), jax.numpy.asarray(x)
    return {
        "train": lambda: jax.block_until_ready(train(state, x)),
        "infer": lambda: jax.block_until_ready(infer(state, x)),
    }


def _tensorflow(layer: Any, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    import tensorflow as tf

    variables, x = [variable.value for variable in layer.trainable_variables], tf.constant(x)

    @tf.function(jit_compile=True)
    def train() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x))
        return tape.gradient(loss, [*variables, x])

    return {"train": train, "infer": tf.function(lambda: layer(x), jit_compile=True)}


def timer(kind: str) -> Callable[[dict[str, Any]], float]:
    """In a contestant's process: answers a question with the milliseconds of a call, over many."""

    @cache
    def tasks(cell: str, shape: tuple[int, int, int], units: int) -> dict[str, Callable[[], Any]]:
        made = contestant(kind, cell, shape, units)
        for task in made.values():  # compiles
            task()
            task()
        return made

    def answer(question: dict[str, Any]) -> float:
        task = tasks(question["cell"], tuple(question["shape"]), question["units"])[question["task"]]
        start = time.perf_counter()
        for _ in range(question["calls"]):
            task()
        return (time.perf_counter() - start) / question["calls"] * 1e3

    return answer


def race(cell: str, options: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of every round, contestant -> task -> rounds."""
    names = [(backend, kind) for backend in options.backends for kind in ("ours", "keras")]
    names += [("torch", "nn")] if "torch" in options.backends else []
    threads = {"torch": {"OMP_NUM_THREADS": str(options.torch_threads)}}
    contestants = {
        f"{kind} on {backend}": Contestant(
            __file__, kind, options.python.get(backend, sys.executable), backend, threads.get(backend)
        )
        for backend, kind in names
    }
    shape = (options.batch, options.steps, options.features)
    question = {"cell": cell, "shape": shape, "units": options.units, "calls": options.calls}
    times: dict[str, dict[str, list[float]]] = {name: {"train": [], "infer": []} for name in contestants}
    for _ in range(options.rounds):
        for task in ("train", "infer"):
            for name, one in contestants.items():
                times[name][task].append(one.ask({**question, "task": task}))
    for one in contestants.values():
        one.close()
    return times


def show(cell: str, times: dict[str, dict[str, list[float]]]) -> None:
    """A table: median and spread in milliseconds, and speed relative to torch.nn and to Keras, round by round."""
    for task in ("train", "infer"):
        print(f"\n{cell}, {task}: median [min, max] ms; speed against torch.nn, against stock Keras")
        for name, rounds in times.items():
            own = rounds[task]
            ratios = [
                f"{paired(times[baseline][task], own):5.2f} x" if baseline in times else "      -"
                for baseline in ("nn on torch", name.replace("ours", "keras"))
            ]
            print(f"  {name:20} {statistics.median(own):8.2f} [{min(own):.2f}, {max(own):.2f}]", *ratios)


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        serve(timer(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", default=[], metavar="BACKEND=PATH")
    parser.add_argument("--backends", nargs="+", default=["jax", "tensorflow", "torch"])
    parser.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    for name, value in {
        "batch": 32,
        "steps": 60,
        "features": 50,
        "units": 50,
        "rounds": 7,
        "calls": 10,
        "torch-threads": 1,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out", type=Path, help="write every time measured to this JSON file")
    options = parser.parse_args()
    options.python = dict(pair.split("=", 1) for pair in options.python)
    results = {}
    for cell in options.cells:
        results[cell] = race(cell, options)
        show(cell, results[cell])
    if options.out:
        setting = {name: getattr(options, name) for name in ("batch", "steps", "features", "units", "calls")}
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
        options.out.write_text(json.dumps({**setting, **machine, "milliseconds": results}, indent=1))


if __name__ == "__main__":
    main()

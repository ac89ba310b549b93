"""Recurrent networks on a GPU: who computes them, an epoch of training, and forecasts, on one backend.

    KERAS_BACKEND=jax python benchmarks/accelerator.py [--rounds 5] [--json results.json]

Training is the reference network's, 20 steps of 60-row windows, at 50, 128 and 512 units and batches of 32 and 1,024,
by what `fit` runs: as the layers choose (cuDNN where Keras has it), by this package's own kernel, and in mixed
precision; on PyTorch also by the plain loop around `nn.LSTM` or `nn.GRU`. That cuDNN computes is read off the compiled
program (JAX) or a profile of the kernels that ran (PyTorch).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
from contest import Stopwatch
from trainers import LOOP, Work, trainer

from kerasforecast.layers import kernels
from kerasforecast.runtime.backend import device_name

BACKEND = keras.backend.backend()
UNITS, BATCHES, STEPS = (50, 128, 512), (32, 1_024), 20


@contextmanager
def own_kernel(forced: bool) -> Iterator[None]:
    """Have layers take this package's kernels wherever they compute."""
    module = kernels.load(BACKEND)
    chosen = module.on_cpu
    if forced:
        module.on_cpu = lambda x: True
    try:
        yield
    finally:
        module.on_cpu = chosen


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Have what is built in the block compute by this policy of Keras."""
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def computed_by(cell: str) -> str:
    """Whether cuDNN computes a layer of `cell` by itself."""
    from kerasforecast import layers

    layer = {"lstm": layers.LSTM, "gru": layers.GRU}[cell](50, return_sequences=True)
    x = np.random.default_rng(0).normal(size=(32, 60, 50)).astype(np.float32)
    layer.build(x.shape)
    if BACKEND == "jax":
        import jax

        values = [variable.value for variable in layer.trainable_variables]
        fixed = [variable.value for variable in layer.non_trainable_variables]
        compiled = jax.jit(lambda values, x: layer.stateless_call(values, fixed, x)[0]).lower(values, x).compile()
        return "cuDNN" if "cudnn_rnn" in compiled.as_text().lower() else "a loop that XLA compiles"
    if BACKEND == "torch":
        import torch

        tensor = keras.ops.convert_to_tensor(x)
        layer(tensor)
        with torch.profiler.profile(activities=list(torch.profiler.supported_activities())) as profile:
            layer(tensor)
        names = {event.key for event in profile.key_averages()}
        return "cuDNN" if any("cudnn_rnn" in name for name in names) else "other operations"
    return "not looked at"


def epochs(make: Callable[[], Callable[[], Any]], rounds: int) -> dict[str, Any]:
    """Seconds of the first epoch, which compiles, and of `rounds` more; what it says where it fails."""
    try:
        watch = Stopwatch()
        epoch = make()
        epoch()
        first = watch.seconds()[0]
        epoch()
        return {"first": round(first, 2), "seconds": [round(epoch()[0], 4) for _ in range(rounds)]}
    except Exception as error:  # one contestant that cannot is a row of the table
        return {"failed": f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"}


def contestants(work: Work) -> Iterator[tuple[str, Callable[[], Callable[[], Any]]]]:
    """Each contestant's name and how it is made, within its own setting."""
    if BACKEND == "torch":
        yield "loop", lambda: trainer(LOOP[0], work)
    yield "ours", lambda: trainer("ours", work)
    with own_kernel(True):
        yield "own kernel", lambda: trainer("ours", work)
    for policy in ("mixed_bfloat16", "mixed_float16"):
        with precision(policy):
            yield policy, lambda: trainer("ours", work)


def forecasts(units: int) -> dict[str, float]:
    """Milliseconds of one forecast, the median of 100, and thousands of windows a second over 100,000 in one call."""
    import kerasforecast as kf

    series = 100 + np.random.default_rng(0).normal(size=400).cumsum()
    model = kf.fit(series.tolist(), epochs=1, units=units)
    windows = np.resize(series, (100_000, 60, 1)).astype(np.float32)
    model.predict(windows[:1])
    model.predict(windows)
    single = []
    for _ in range(100):
        watch = Stopwatch()
        model.predict(windows[:1])
        single.append(watch.seconds()[0])
    watch = Stopwatch()
    model.predict(windows)
    return {"one, ms": round(1e3 * statistics.median(single), 3), "thousands/s": round(100 / watch.seconds()[0], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {"backend": BACKEND, "device": device_name(BACKEND), "epochs": {}}
    print(f"{BACKEND} on {results['device']}", flush=True)
    for cell in ("lstm", "gru"):
        results[f"{cell} by"] = computed_by(cell)
        print(f"{cell} is computed by {results[f'{cell} by']}", flush=True)
    for cell in ("lstm", "gru"):
        for batch in BATCHES:
            for units in UNITS:
                work = Work(cell, windows=STEPS * batch, batch=batch, units=units, steps=STEPS)
                for name, make in contestants(work):
                    found = epochs(make, arguments.rounds)
                    results["epochs"][f"{cell} {units} units, batch {batch}: {name}"] = found
                    said = found.get("failed") or f"{statistics.median(found['seconds']) / STEPS * 1e3:.2f} ms a step"
                    print(f"{cell:5}{units:5}{batch:6}  {name:15} {said}  first {found.get('first')}", flush=True)
                    if arguments.json:
                        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    for units in UNITS:
        results[f"forecasts, {units} units"] = forecasts(units)
        print(f"forecasts with {units} units: {results[f'forecasts, {units} units']}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""A step of training of each family by `fit`, beside a loop written by hand around the same network in that backend.

    python benchmarks/families.py [--rounds 7] [--json results.json] [--python jax=/path/to/python ...] [--only tide]

Work: an epoch of windows from 4,000 hours with two seasons, each family with its own recipe. By hand:
the series lies on the device, windows are gathered there by their origins within the step, which JAX and TensorFlow
compile as a whole; PyTorch runs the network's own operations without Keras, and `torch.optim.Adam`. Loss, clipping and
numbers drawn are the same. Printed: milliseconds a step, and seconds of ours over those by hand, round by round.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import random
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any

import numpy as np
from contest import Contestant, Seconds, Stopwatch, interpreters, paired, parser, serve

FAMILIES = ("linear", "nbeats", "nhits", "patch", "tide", "diffusion")
WINDOW, HORIZON, ROWS = 96, 24, 4_000
FED = ExitStack()  # what networks are fed by, until the process ends
atexit.register(FED.close)
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


def prepared(family: str) -> tuple[Any, Any, Any]:
    """The network with its starting weights, the windows it learns from, and the configuration of its training."""
    import kerasforecast as kf
    from kerasforecast.forecasting.fitting import Fitting, scaled_member, training_sets
    from kerasforecast.preprocessing.split import Split
    from kerasforecast.training.train import compile_model

    config = kf.Config.from_options(model=family, window=WINDOW, horizon=HORIZON)
    panel, split = _panel(), Split.of_one(3_000, 3_500, ROWS, WINDOW, HORIZON)
    member = scaled_member(config.network, panel, split)
    fitting = Fitting(member, config.training, *training_sets(member, panel, split))
    compile_model(fitting.network, config.training, fitting.steps)
    return fitting.network, fitting._parts[0], config.training


def _panel() -> Any:
    import pandas as pd

    from kerasforecast.data.panel import Panel

    hours = np.arange(ROWS)
    season = 3 * np.sin(2 * np.pi * hours / 24) + np.sin(2 * np.pi * hours / 168)
    values = 20 + season + np.random.default_rng(0).normal(size=ROWS)
    return Panel(
        values=values[:, None],
        index=pd.date_range("2024-01-01", periods=ROWS, freq="h"),
        starts=np.array([0, ROWS]),
        ids=np.array(["load"]),
        columns=("load",),
        roles=("target",),
        observed=np.array([ROWS]),
        key=None,
        frequency="h",
    )


def by_fit(family: str) -> Callable[[], Seconds]:
    """Epochs as `kerasforecast.training.train` runs them."""
    import keras

    from kerasforecast.layers import while_training
    from kerasforecast.layers.threads import in_this_thread
    from kerasforecast.training.feeding import Feed
    from kerasforecast.training.train import steps_of

    network, learned, config = prepared(family)
    steps = steps_of(learned, config)
    feed = Feed.of(network, learned, config, steps)
    items = feed.items(0, 0, steps)
    FED.enter_context(feed.to(network))

    class Timed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.watch = Stopwatch()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            self.took = self.watch.each(steps)

    def epoch() -> Seconds:
        timed = Timed()
        told = [timed, *in_this_thread(network)]
        with while_training():
            network.fit(items, steps_per_epoch=feed.count(steps), epochs=1, callbacks=told, verbose=0, shuffle=False)
        return timed.took

    return epoch


def by_hand(family: str) -> Callable[[], Seconds]:
    """The same epochs by a loop of the backend's own."""
    import keras

    from kerasforecast.training.train import steps_of

    network, learned, config = prepared(family)
    make = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}[keras.backend.backend()]
    series = learned.windows.panel.float32[:, :1]
    step = make(network, series, learned.targets, config)
    random, count, epochs = np.random.default_rng(0), steps_of(learned, config), itertools.count()

    def epoch() -> Seconds:
        watch, number = Stopwatch(), next(epochs)
        order = random.permutation(len(learned)).astype(np.int32)
        order = np.resize(order, count * config.batch_size).reshape(count, -1)
        for place, indices in enumerate(order):
            firsts = learned.windows.origins[indices] - (WINDOW - 1)
            drawn = learned.drawing and learned.drawing(learned.targets[indices], (0, number, place))
            loss = step(indices, firsts.astype(np.int32), *(drawn or (None, None)))
        float(loss)
        return watch.each(count)

    return epoch


def _jax(network: Any, series: np.ndarray, targets: np.ndarray, config: Any) -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    series, targets, rows = jnp.asarray(series), jnp.asarray(targets), jnp.arange(WINDOW)
    weights = [variable.value for variable in network.trainable_variables]
    fixed = [variable.value for variable in network.non_trainable_variables]
    tree = jax.tree_util.tree_map

    def loss_of(weights: Any, fixed: Any, x: Any, answers: Any) -> Any:
        found, fixed = network.stateless_call(weights, fixed, x, training=True)
        return network.loss(answers, found), fixed

    def step(state: Any, indices: Any, firsts: Any, drawn: Any, answers: Any) -> Any:
        weights, fixed, first, second, count = state
        past = series[firsts[:, None] + rows]
        x, answers = (past, targets[indices]) if drawn is None else ({"past": past} | drawn, answers)
        (loss, fixed), slopes = jax.value_and_grad(loss_of, has_aux=True)(weights, fixed, x, answers)
        if config.clipnorm:
            norm = jnp.sqrt(sum(jnp.vdot(each, each) for each in slopes))
            slopes = [each * jnp.minimum(1.0, config.clipnorm / norm) for each in slopes]
        count = count + 1
        first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        rate, root = config.learning_rate / (1 - 0.9**count), 1 / (1 - 0.999**count)
        weights = tree(lambda w, m, v: w - rate * m / (jnp.sqrt(v * root) + 1e-8), weights, first, second)
        return (weights, fixed, first, second, count), loss

    compiled = jax.jit(step, donate_argnums=0)
    zeros = [jnp.zeros_like(each) for each in weights]
    state = (tree(jnp.copy, weights), tree(jnp.copy, fixed), zeros, tree(jnp.copy, zeros), jnp.zeros(()))

    def run(*data: Any) -> Any:
        nonlocal state
        state, loss = compiled(state, *data)
        return loss

    return run


def _tensorflow(network: Any, series: np.ndarray, targets: np.ndarray, config: Any) -> Callable[..., Any]:
    import keras
    import tensorflow as tf

    series, targets, rows = tf.constant(series), tf.constant(targets), tf.range(WINDOW)
    optimizer = keras.optimizers.Adam(config.learning_rate, global_clipnorm=config.clipnorm)
    optimizer.build(network.trainable_variables)

    @tf.function
    def step(indices: Any, firsts: Any, drawn: Any, answers: Any) -> Any:
        past = tf.gather(series, firsts[:, None] + rows)
        x, answers = (past, tf.gather(targets, indices)) if drawn is None else ({"past": past} | drawn, answers)
        with tf.GradientTape() as tape:
            loss = network.loss(answers, network(x, training=True))
        slopes = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(slopes, network.trainable_variables)
        return loss

    def run(*data: Any) -> Any:
        return step(*(each if each is None else tf.nest.map_structure(tf.convert_to_tensor, each) for each in data))

    return run


def _torch(network: Any, series: np.ndarray, targets: np.ndarray, config: Any) -> Callable[..., Any]:
    import torch

    from kerasforecast.layers.direct import DirectGraph

    series, targets = torch.from_numpy(series.copy()), torch.from_numpy(targets)
    rows, forward = torch.arange(WINDOW), DirectGraph(network, training=True)
    weights = [variable.value for variable in network.trainable_variables]
    optimizer = torch.optim.Adam(weights, config.learning_rate)
    squared = config.loss == "mse" or len(network.output.shape) == 3  # the noise of paths
    criterion = torch.nn.MSELoss() if squared else torch.nn.L1Loss()

    def step(indices: Any, firsts: Any, drawn: Any, answers: Any) -> Any:
        past = series[torch.from_numpy(firsts)[:, None] + rows]
        if drawn is None:
            x, answers = past, targets[torch.from_numpy(indices)]
        else:
            x, answers = {"past": past} | {name: torch.from_numpy(each) for name, each in drawn.items()}, answers
            answers = torch.from_numpy(answers)
        loss = criterion(forward(x), answers)
        optimizer.zero_grad()
        loss.backward()
        if config.clipnorm:
            torch.nn.utils.clip_grad_norm_(weights, config.clipnorm)
        optimizer.step()
        return loss.detach()

    return step


def race(pythons: dict[str, str], rounds: int, only: str) -> dict[str, list[Seconds]]:
    """Seconds of a step in every epoch after the first, which compiles, by family, backend and way."""
    times: dict[str, list[Seconds]] = {}
    contestants = {
        (way, backend): Contestant(__file__, way, python, backend, ONE_THREAD if backend == "torch" else None)
        for backend, python in pythons.items()
        for way in ("fit", "hand")
    }
    draw = random.Random(0)
    print(f"{'':<28}{'ms a step':>10}{'by hand':>10}{'ratio':>8}")
    for family in (name for name in FAMILIES if only in name):
        for number in range(rounds + 1):
            order = list(contestants.items())
            draw.shuffle(order)
            for (way, backend), contestant in order:
                took = contestant.ask(family)
                if number:
                    times.setdefault(f"{family} on {backend}, {way}", []).append(took)
        for backend in pythons:
            show(f"{family} on {backend}", times)
    for contestant in contestants.values():
        contestant.close()
    return times


def show(name: str, times: dict[str, list[Seconds]]) -> None:
    """A line: medians in milliseconds, and the ratio of seconds by the clock, round by round."""
    ours, theirs = ([pair[0] for pair in times[f"{name}, {way}"]] for way in ("fit", "hand"))
    each = [statistics.median(seconds) * 1e3 for seconds in (ours, theirs)]
    print(f"{name:<28}{each[0]:>10.2f}{each[1]:>10.2f}{paired(ours, theirs):>8.2f}", flush=True)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", default="", help="run only families whose name holds this")
    arguments = options.parse_args()
    if arguments.serve:
        made = cache({"fit": by_fit, "hand": by_hand}[arguments.serve])
        serve(lambda family: made(family)())
        return
    times = race(interpreters(arguments.python), arguments.rounds, arguments.only)
    if arguments.json:
        arguments.json.write_text(json.dumps({"cores": os.cpu_count(), "seconds": times}, indent=2) + "\n")


if __name__ == "__main__":
    main()

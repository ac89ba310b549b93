"""Paths of known laws, of few steps back in place of many, and the time that paths take; run by `paths.py`."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import kerasforecast as kf
from kerasforecast.metrics.paths import sample_crps
from kerasforecast.models.mean import Mean
from kerasforecast.models.noise import KNOTS, features, steps_back
from kerasforecast.models.width import LARGEST
from kerasforecast.models.width import features as seen_by_width
from kerasforecast.preprocessing.batch import WindowBatch

Row = dict[str, Any]


def laws(arguments: argparse.Namespace) -> Iterator[Row]:
    """Two series whose future has a known law."""
    for name, law in {"branches": branches, "autoregression": autoregression}.items():
        if not arguments.only or name in arguments.only:
            yield {"set": name, **law(arguments.options)}


def branches(options: Row) -> Row:
    """Cycles of eight rows: four near 0, then four near 1 (in seven of ten) or near -1."""
    random, cycles = np.random.default_rng(0), 1_000
    signs = np.where(random.random(cycles) < 0.7, 1.0, -1.0)
    values = (signs[:, None] * (np.arange(8) >= 4)).ravel() + 0.1 * random.normal(size=8 * cycles)
    model = _of(values, {"window": 16, "horizon": 4, "scaling": "standard", **options})
    ends = np.arange(len(values) - 8 * 100, len(values), 8) + 4  # after the four near 0
    windows = np.stack([values[end - 16 : end] for end in ends])[:, :, None]
    paths = model.sample(windows, paths=500, seed=1)  # (100, 500, 4)
    sides = np.sign(paths)
    whole = np.abs(sides.sum(axis=2)) == 4  # on one side from end to end
    near = (np.abs(np.abs(paths) - 1) < 0.4).mean()
    up = (sides[:, :, 0] > 0).mean()
    said = {"up": up, "law": 0.7, "seen": (signs > 0).mean(), "one_side": whole.mean(), "near": near}
    return {key: short(value) for key, value in said.items()} | {"departed": model.manifest.metrics.paths.departed}


def autoregression(options: Row) -> Row:
    """`y = 1.2 y' - 0.5 y'' + e`: mean, variance and autocovariance of paths beside the law's, the largest miss."""
    random, values, steps = np.random.default_rng(0), np.zeros(48_000), 8
    for row in range(2, len(values)):
        values[row] = 1.2 * values[row - 1] - 0.5 * values[row - 2] + random.normal()
    model = _of(values, {"window": 16, "horizon": steps, "scaling": "standard", **options})
    windows = values[-16 * 100 :].reshape(100, 16, 1)
    paths = model.sample(windows, paths=1_000, seed=1).astype(np.float64)
    mean, weights = [windows[:, -2, 0], windows[:, -1, 0]], [0.0, 1.0]
    for _ in range(steps):
        mean.append(1.2 * mean[-1] - 0.5 * mean[-2])
        weights.append(1.2 * weights[-1] - 0.5 * weights[-2])
    moved = np.array(
        [[weights[1 + row - column] if row >= column else 0 for column in range(steps)] for row in range(steps)]
    )
    law = moved @ moved.T
    spread = np.sqrt(np.diag(law))
    centred = paths - paths.mean(axis=1, keepdims=True)
    found = np.einsum("nsh,nsk->hk", centred, centred) / centred[:, :, 0].size
    missed = (paths.mean(axis=1) - np.stack(mean[2:], axis=1)) / spread
    said = {
        "mean": np.sqrt((missed**2).mean(axis=0)).max(),  # in standard deviations of the law
        "variance": np.abs(np.diag(found) / np.diag(law) - 1).max(),
        "autocovariance": (np.abs(found - law) / np.outer(spread, spread)).max(),
    }
    return {key: short(value) for key, value in said.items()} | {"departed": model.manifest.metrics.paths.departed}


def _of(values: np.ndarray, options: Row) -> Any:
    dates = pd.date_range("2015-01-01", periods=len(values), freq="h")
    return kf.fit(kf.Series(values[:, None], dates, ("level",), "h"), model="diffusion", progress=False, **options)


def few_steps(arguments: argparse.Namespace) -> Iterator[Row]:
    """The paths of 16 steps and of 1,000 of one network trained at 1,000 angles, whatever validation keeps of it."""
    random, cycles = np.random.default_rng(0), 600
    signs = np.where(random.random(cycles) < 0.7, 1.0, -1.0)
    values = (signs[:, None] * (np.arange(8) >= 4)).ravel() + 0.1 * random.normal(size=8 * cycles)
    model = _of(values, {"window": 16, "horizon": 4, "scaling": "standard", "noise_steps": 1_000, **arguments.options})
    network = model.predictor.network
    weights = {layer.name: layer.get_weights() for layer in network.layers if layer.get_weights()}
    ends = np.arange(len(values) - 8 * 60, len(values) - 4)
    windows = np.stack([values[end - 16 : end] for end in ends])
    actual = np.stack([values[end : end + 4] for end in ends])
    member = model.predictor.members[0]
    scaled = np.asarray(member.scaling.inputs(windows[:, :, None]))[:, :, 0]

    def dense(name: str, given: np.ndarray) -> np.ndarray:
        return given @ weights[name][0] + weights[name][1]

    batch = WindowBatch(scaled[:, :, None])
    mean = Mean.of_layers(weights).of(batch, member.sizes)
    seen = seen_by_width(batch, mean, weights["movement"][0], member.sizes)
    logs = np.clip(dense("width", seen), -LARGEST, LARGEST)
    context = np.concatenate([scaled, mean, logs], axis=1)
    for name in ("context_1_in", "context_2_in"):
        context = np.maximum(dense(name, context), 0)

    def speed(z: np.ndarray, angle: float) -> np.ndarray:
        where = np.maximum(dense("angle_in", features(np.array(angle))) + context, 0)[:, None]
        hidden = dense("path_in", z) + where
        for block in range(1, model.config.network.options.blocks + 1):
            seen = dense(f"block_{block}_in", np.maximum(hidden, 0))
            seen = seen + np.maximum(dense(f"block_{block}_beside_in", where), 0)
            hidden = hidden + dense(f"block_{block}_out", np.maximum(seen, 0))
        return dense("speed", np.maximum(hidden, 0)) + dense("factor", where) * z

    scores, ends_of = {}, {}
    for count in (16, 1_000):
        z, before = np.repeat(weights["bank"][0][None], len(windows), axis=0), None
        for step in steps_back("cosine", 1_000, count):
            now = speed(z, step.angle)
            z = z - step.turn * (step.now * now + (0 if before is None else step.before * before))
            before = now
        ends_of[count] = _framed(z, weights, mean, np.exp(logs))
        target = member.scaling.scaled_targets(windows[:, :, None], actual)
        scores[count] = sample_crps(target, ends_of[count]).mean()
    apart = np.abs(ends_of[16] - ends_of[1_000]).mean()
    kept = model.manifest.metrics.paths.departed
    yield {
        "set": "branches",
        "crps_16_to_1000": short(scores[16] / scores[1_000]),
        "apart": short(apart),
        "departed": kept,
    }


def _framed(z: np.ndarray, weights: Row, mean: np.ndarray, width: np.ndarray) -> np.ndarray:
    normal = z @ weights["correlation"][0]
    kernel, bias = weights["margins"]
    parts = np.concatenate([normal[..., None], np.maximum(normal[..., None] - KNOTS, 0)], axis=-1)
    return (np.einsum("bshk,hk->bsh", parts, kernel) + bias) * width[:, None] + mean[:, None]


def seconds(arguments: argparse.Namespace) -> Iterator[Row]:
    """Milliseconds of 100 paths of 24 steps, one window at a time and many; seconds of the training."""
    from kerasforecast.runtime.backend import loaded_backend

    random, hours = np.random.default_rng(0), np.arange(8_000)
    values, sizes = (
        100 + 10 * np.sin(hours / 24 * 2 * np.pi) + random.normal(size=8_000),
        {"window": 168, "horizon": 24},
    )
    model, found = (
        _of(values, {**sizes, **arguments.options, "epochs": 1}),
        {"set": "hours", "backend": loaded_backend()},
    )
    for count in (1, 16):
        windows = np.repeat(values[None, -168:, None], count, axis=0).astype(np.float32)
        model.predictor.outputs(windows)
        times = []
        for _ in range(30):
            began = time.perf_counter()
            model.predictor.outputs(windows)
            times.append((time.perf_counter() - began) * 1_000 / count)
        found[f"ms_a_window_of_{count}"] = short(statistics.median(times))
    yield found
    began = time.perf_counter()
    model = _of(values, {**sizes, **arguments.options})
    took, training = time.perf_counter() - began, model.manifest.training
    yield found | {"fit": short(took), "training": short(training.seconds), "epochs": training.epochs}


def short(number: float | None) -> float:
    """Four figures."""
    return float("nan") if number is None else float(f"{number:.4g}")

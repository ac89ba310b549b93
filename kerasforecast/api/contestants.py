"""The networks that a comparison trains, here or on Ray."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from kerasforecast.api.progress import Progress
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.model import Model
from kerasforecast.pipeline import fit
from kerasforecast.runtime.backend import Choice
from kerasforecast.runtime.tasks import executor


def _unseen(config: Config) -> Config:
    alone = config.evaluation.model_copy(update={"baselines": ()})  # the leaderboard has them, once
    unseen = config.training.model_copy(update={"final": "none"})  # it is to forecast the test part
    return config.model_copy(update={"evaluation": alone, "training": unseen})


def trained_elsewhere(
    configs: Mapping[str, Config],
    panel: Panel,
    choice: Choice,
    shown: bool | None,
    ray: str | None,
    threads: int | None,
) -> dict[str, Model]:
    """The networks named, by name, trained on Ray at once."""
    progress, found = Progress(next(iter(configs.values()), Config()), choice, shown), {}
    tasks = [(name, _unseen(config)) for name, config in configs.items()]
    with executor(ray, choice.name, threads) as workers:
        for place, (manifest, weights, seconds) in workers.map(trained_alone, panel, tasks):
            name = tasks[place][0]
            found[name] = Model(manifest, weights, panel=panel)
            progress.note(f"{name}: trained in {seconds:.1f} s")
    return found


def trained_alone(panel: Panel, task: tuple[str, Config]) -> tuple[Manifest, Sequence[np.ndarray], float]:
    """The manifest and weights of one network, wherever this runs, and the seconds that it took."""
    started = time.perf_counter()
    model = fit(task[1], panel, name=task[0])
    return model.manifest, list(model.predictor.weights), time.perf_counter() - started


def trained_here(model: str, config: Config, panel: Panel, choice: Choice, shown: bool | None) -> Model:
    """One of them, trained in this process."""
    chosen = _unseen(config)
    with Progress(chosen, choice, shown) as shown_progress:
        return fit(
            chosen,
            panel,
            name=model,
            on_start=shown_progress.start,
            on_epoch=shown_progress.epoch,
            on_note=shown_progress.note,
        )

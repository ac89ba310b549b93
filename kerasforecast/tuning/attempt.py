"""One training on the rows before the test part, with what its curves say and its error on validation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from kerasforecast.config import Config
from kerasforecast.errors import DivergedError, InputError
from kerasforecast.evaluation.cuts import Fold
from kerasforecast.forecasting.fitting import Fitting, Reused, scaled_member, training_sets
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.forecasting.suited import settled
from kerasforecast.metrics.panels import BySeries
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.windows import Windows
from kerasforecast.training.callbacks import Epoch
from kerasforecast.training.diagnosis import diagnose
from kerasforecast.training.naive_loss import naive_loss
from kerasforecast.tuning.ground import Ground
from kerasforecast.tuning.record import Attempt, Curve, Measure

_NETWORKS = 4  # compiled ones that are kept for attempts of the same shape

OnEpoch = Callable[[Epoch, float | None], None]


class Pruned(Exception):
    """An attempt that is not worth going on with."""


@dataclass(frozen=True)
class _Watched:
    """Hands out the epochs of a training, and keeps them for one that is pruned."""

    on_epoch: OnEpoch | None
    naive: float
    epochs: list[Epoch] = field(default_factory=list)

    def __call__(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)
        if self.on_epoch:
            self.on_epoch(epoch, self.naive)

    @property
    def curve(self) -> Curve:
        """So far."""
        loss, val_loss = ([getattr(epoch, name) for epoch in self.epochs] for name in ("loss", "val_loss"))
        found = diagnose(loss, val_loss, self.naive)
        return Curve(
            loss=tuple(loss),
            val_loss=tuple(val_loss),
            best_epoch=next(epoch.epoch for epoch in reversed(self.epochs) if epoch.best),
            naive=self.naive,
            reading=found.name,
            text=found.text,
            advice=found.advice,
        )


@dataclass(frozen=True)
class Task:
    """An attempt to be made: all that its result depends on, the ground apart.

    Attributes:
        key: Of all that.
        config: Options, with the seed.
    """

    key: str
    config: Config


def attempt(ground: Ground, task: Task, on_epoch: OnEpoch | None = None) -> Attempt:
    """Train with the options of `task` and judge the network on validation.

    Args:
        ground: The rows.
        task: Options.
        on_epoch: Called with each epoch of the last round and the naive forecast's loss; may raise `Pruned`.

    Returns:
        The attempt; one that diverged, was refused or was pruned says why it has no scores.
    """
    started = time.perf_counter()
    rounds: list[_Judged] = []
    curves: list[Curve] = []
    status, error = "done", None
    try:
        for number in range(len(ground.folds)):
            watched = on_epoch if number == len(ground.folds) - 1 else None
            rounds.append(_round(ground, ground.fold(number, task.config), task.config, watched, curves))
    except (DivergedError, Pruned, InputError) as stopped:
        status = {DivergedError: "diverged", Pruned: "pruned"}.get(type(stopped), "refused")
        error = str(stopped)
    facts = {"key": task.key, "seed": task.config.training.seed, "status": status, "curves": tuple(curves)}
    facts |= {"trained": rounds[-1].trained if rounds else 0, "seconds": round(time.perf_counter() - started, 3)}
    if status != "done":
        return Attempt(**facts, error=error)
    series = BySeries(np.concatenate([each.places for each in rounds]), len(ground.panel))
    ours, naive = (np.concatenate([getattr(each, name) for each in rounds]) for name in ("ours", "naive"))
    scores = {name: _scores(losses, series, ground.scales) for name, losses in (("scores", ours), ("naive", naive))}
    return Attempt(**facts, **scores)


@dataclass(frozen=True, eq=False)
class _Judged:
    """The errors of a round: `(N, 2)` absolute and squared, ours and naive, and `(N,)` whose series they are."""

    ours: np.ndarray
    naive: np.ndarray
    places: np.ndarray
    trained: int


def _round(ground: Ground, fold: Fold, config: Config, on_epoch: OnEpoch | None, curves: list[Curve]) -> _Judged:
    panel, split = fold.known(ground.panel), fold.split(config.network)
    for part in ("train", "validation"):
        if not split.windows_in(part).any():
            raise InputError(
                f"--window: rows must be left to learn from and to validate on. Received: {config.network.window}, and "
                f"no window for {part}."
            )
    network, _ = settled(config.network, panel, split)
    member = scaled_member(network, panel, split)
    check_size([member])
    known, validation = training_sets(member, panel, split)
    naive = naive_loss(known, validation, member.scaling, config.training, config.network.quantiles)
    fitting = Fitting(member, config.training, known, validation, _reused(config, member))
    watched = _Watched(on_epoch, naive)
    try:
        trained = fitting.train(on_epoch=watched)
    finally:
        if watched.epochs:
            curves.append(watched.curve)
    windows = ground.judged(fold, config, panel, split)
    forecasts = list(_errors(trained.predictor, windows))
    ours, theirs = (np.concatenate([part[place] for part in forecasts]) for place in (0, 1))
    return _Judged(ours, theirs, windows.panel.places(windows.origins), fitting.trained)


def _errors(predictor: Predictor, windows: Windows) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mean absolute and squared errors `(n, 2)` of each window, ours and the naive forecast's."""
    for chunk in windows.chunks():
        batch, actual = windows.batch(chunk), windows.targets(chunk)
        first = predictor.predict(batch)
        ahead = predictor.roll(batch, windows.steps, first) if windows.steps > predictor.horizon else first
        last = windows.last()[chunk][:, None]
        ours, naive = (actual - each for each in (ahead[:, : windows.steps].astype(np.float64), last))
        yield _losses(ours), _losses(naive)


def _losses(errors: np.ndarray) -> np.ndarray:
    return np.stack([np.abs(errors).mean(axis=1), (errors**2).mean(axis=1)], axis=1)


def _scores(losses: np.ndarray, series: BySeries, scales: np.ndarray) -> dict[Measure, float]:
    """MASE and RMSSE, of several series the mean over those that have a scale; in plain units where none has one."""
    absolute, squared = (series.means(losses[:, place]) for place in (0, 1))  # (M,)
    units = scales if np.isfinite(scales).any() else np.ones_like(scales)
    with np.errstate(invalid="ignore"):
        mase, rmsse = absolute / units[:, 0], np.sqrt(squared) / units[:, 1]
    return {"mase": float(np.nanmean(mase)), "rmsse": float(np.nanmean(rmsse))}


_COMPILED: dict[str, Reused] = {}  # the one used last stands last


def _reused(config: Config, member: Member) -> Reused:
    """A compiled network for all attempts whose networks differ in nothing but their weights and rates."""
    training = config.training
    same = {
        "network": config.network.model_dump(mode="json"),
        "sizes": repr(member.sizes),
        "training": [training.optimizer, training.loss, training.clipnorm, training.seed],
    }
    key = json.dumps(same, sort_keys=True)
    found = _COMPILED.pop(key, None) or Reused(config.training, member)
    _COMPILED[key] = found
    while len(_COMPILED) > _NETWORKS:
        del _COMPILED[next(iter(_COMPILED))]
    return found

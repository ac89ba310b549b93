"""Walk-forward backtest: the test part in folds, each forecast by a model that saw only what lay before it.

Every fold has its own scaling, its own validation rows for early stopping and for the intervals, its own baselines, and
its own model, unless one is trained before the first and kept ("frozen"). What a fold learns from is cut off before it
is handed over, so that nothing later can reach it by any mistake further on. How a model is fitted is passed in:
nothing here knows of networks.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.baselines.classical import classical_forecasts
from kerasforecast.baselines.fitted import Baselines, learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, DivergedError
from kerasforecast.evaluation.evaluation import Sequential, baselines_of, forecast_table, outcomes_of
from kerasforecast.evaluation.folds import FoldStore, Forecasts
from kerasforecast.evaluation.scores import Row, score_rows
from kerasforecast.evaluation.verdict import Judgement, judged_row
from kerasforecast.forecasting.forecast import Forecast, joined
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.preprocessing.windows import Windows, windows_of
from kerasforecast.sections.split import BacktestConfig

TOTAL = "all"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model trained on a fold's known rows.

    Attributes:
        forecaster: The model with its intervals.
        epochs: That it trained for.
    """

    forecaster: Sequential
    epochs: int


Fit = Callable[[Panel, Split, Baselines], Fitted]


@dataclass(frozen=True)
class Fold:
    """One step of the walk; rows of the whole series.

    Attributes:
        number: From 1.
        first: First row that is known.
        train_end: First row of its validation part.
        known_end: One past the last row it learns or validates on.
        start: First row forecast.
        stop: One past the last row that is the first step of a forecast.
    """

    number: int
    first: int
    train_end: int
    known_end: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Backtest:
    """A finished walk.

    Attributes:
        folds: In order.
        rows: A row of scores for each forecaster and fold, then each forecaster over all of them (`fold` is `"all"`).
        table: One row a forecast: `date`, `fold`, `actual`, `forecast`, `naive`; `step` where there are several, and a
            column `q<level>` for each quantile.
        best: The best simple forecast on the first fold's validation part.
        best_intervals: The baseline with the best intervals there.
        judgement: Whether the model is worth using, over all folds.
    """

    folds: tuple[Fold, ...]
    rows: list[Row]
    table: pd.DataFrame
    best: str
    best_intervals: str | None
    judgement: Judgement

    def require_skill(self, p_value: float) -> None:
        """Raise `SkillError` unless the model beats the best simple forecast with a p-value below `p_value`."""
        self.judgement.require_skill(p_value)


def folds_of(data: Panel | Series, config: Config, walk: BacktestConfig) -> tuple[Fold, ...]:
    """Cut the test part into folds of even length, each with what it may know.

    The validation part of every fold has as many rows as the first one's.

    Raises:
        DataError: There are several series, or the one is too short for the split, the folds or the gap.
    """
    panel = Panel.of(data)
    series = panel.single("backtest")
    split = split_panel(panel, config.split, config.network)
    begin, forecasts = split.validation_end, split.rows - split.validation_end - config.steps + 1
    if walk.folds > forecasts:
        raise DataError(
            f"{series.name}: each fold needs a row to forecast. Received: {walk.folds} folds for {forecasts} forecasts "
            "of the test part. Give fewer --folds or a larger test part."
        )
    edges = [begin + round(number * forecasts / walk.folds) for number in range(walk.folds + 1)]
    validation = split.validation_end - split.train_end
    folds = []
    for number, (start, stop) in enumerate(pairwise(edges), 1):
        known_end = (start if walk.refit else begin) - walk.gap
        first = start - begin if walk.refit and walk.scheme == "sliding" else 0
        folds.append(Fold(number, first, known_end - validation, known_end, start, stop))
    if not len(_split(folds[0], split).origins("train")):
        raise DataError(
            f"{series.name}: the first fold needs a window of {split.window} rows and {split.horizon} to learn from. "
            f"Received: {max(0, folds[0].train_end)} training rows before the gap. Give a smaller --gap or --window."
        )
    if validation < config.steps:
        raise DataError(
            f"{series.name}: prediction intervals need a validation part of at least {config.steps} rows. "
            f"Received: {validation}. Give fewer --steps or a larger --validation-fraction."
        )
    return tuple(folds)


def run_backtest(
    data: Panel | Series,
    config: Config,
    walk: BacktestConfig,
    fit: Fit,
    store: FoldStore | None = None,
    on_fold: Callable[[Fold, Forecasts, bool], None] | None = None,
) -> Backtest:
    """Walk forward over the test part.

    Args:
        data: One series.
        config: Of the model, and the split whose test part is walked.
        walk: Folds, scheme, refit, gap.
        fit: Trains on a panel, its split and what its baselines learned; it is given the known rows of a fold alone.
        store: Keeps each fold's forecasts as soon as they are made, and gives back those of an interrupted walk.
        on_fold: Called with each finished fold, its forecasts, and whether they came from the store.

    Raises:
        DataError: As `folds_of`.
        DivergedError: The loss stopped being a number in a fold; the folds before it are kept.
    """
    panel = Panel.of(data)
    folds = folds_of(panel, config, walk)
    baselines = _baselines(panel, config, folds)
    whole = windows_of(panel, np.concatenate([_origins(fold) for fold in folds]), config.network.window, config.steps)
    found: list[Forecasts] = []
    walked = _refitted if walk.refit else _frozen
    for fold, forecasts, kept in walked(whole, config, folds, baselines, fit, store):
        found.append(forecasts)
        if on_fold:
            on_fold(fold, forecasts, kept)
    return _scored(whole, config, folds, baselines, found)


def fingerprint(data: Panel | Series, config: Config, walk: BacktestConfig) -> str:
    """SHA-256 of all that a fold's forecasts depend on: data, options, and the walk."""
    content = {"config": config.model_dump(mode="json", exclude={"data"}), "walk": walk.model_dump(mode="json")}
    return hashlib.sha256(f"{data.sha256} {json.dumps(content, sort_keys=True)}".encode()).hexdigest()


def _baselines(panel: Panel, config: Config, folds: tuple[Fold, ...]) -> list[Baselines]:
    """What the simple baselines learned from each fold's known rows; seasons and the best are those of the first."""
    found: dict[tuple[int, int], Baselines] = {}  # by known rows: those of a frozen walk are the same throughout
    first = None
    for fold in folds:
        if (rows := (fold.first, fold.known_end)) not in found:
            found[rows] = learn_baselines(config, _known(panel, fold), _split(fold, config.network), first)
            first = first or found[rows]
    return [found[fold.first, fold.known_end] for fold in folds]


Walked = Iterator[tuple[Fold, Forecasts, bool]]  # each fold, its forecasts, and whether they were kept from before


def _refitted(
    whole: Windows, config: Config, folds: Sequence[Fold], baselines: list[Baselines], fit: Fit, store: FoldStore | None
) -> Walked:
    """Each fold's forecasts by a model of its own, from the store or made now."""
    for fold, learned in zip(folds, baselines, strict=True):
        kept = store.load(fold.number) if store else None
        if kept is not None:
            yield fold, kept, True
            continue
        fitted, seconds = _fitted(whole.panel, config, fold, learned, fit)
        forecast, _ = fitted.forecaster.in_sequence(replace(whole, origins=_origins(fold)))
        yield fold, _stored(store, fold, Forecasts(forecast, fitted.epochs, seconds)), False


def _frozen(
    whole: Windows, config: Config, folds: Sequence[Fold], baselines: list[Baselines], fit: Fit, store: FoldStore | None
) -> Walked:
    """Each fold's forecasts by one model, whose intervals go on adapting from fold to fold: all kept, or none."""
    kept = [store.load(fold.number) if store else None for fold in folds]
    there = [found for found in kept if found is not None]
    if len(there) == len(folds):
        yield from ((fold, found, True) for fold, found in zip(folds, there, strict=True))
        return
    fitted, seconds = _fitted(whole.panel, config, folds[0], baselines[0], fit)
    levels = None
    for fold in folds:
        forecast, levels = fitted.forecaster.in_sequence(replace(whole, origins=_origins(fold)), levels)
        forecasts = Forecasts(forecast, fitted.epochs, seconds if fold is folds[0] else 0.0)
        yield fold, _stored(store, fold, forecasts), False


def _stored(store: FoldStore | None, fold: Fold, forecasts: Forecasts) -> Forecasts:
    if store:
        store.save(fold.number, forecasts)
    return forecasts


def _fitted(panel: Panel, config: Config, fold: Fold, baselines: Baselines, fit: Fit) -> tuple[Fitted, float]:
    """A model of the fold's known rows, and the seconds that it took."""
    started = time.perf_counter()
    try:
        fitted = fit(_known(panel, fold), _split(fold, config.network), baselines)
    except DivergedError as error:
        raise DivergedError(f"Fold {fold.number}: {error} The folds before it are kept.") from None
    return fitted, time.perf_counter() - started


def _known(panel: Panel, fold: Fold) -> Panel:
    rows, series = slice(fold.first, fold.known_end), panel.single("backtest")
    return Panel.of(replace(series, values=series.values[rows], index=series.index[rows]))


def _split(fold: Fold, sizes: Any) -> Split:
    """The split of a fold's known rows, which has no test part; `sizes` holds `window` and `horizon`."""
    end = fold.known_end - fold.first
    return Split.of_one(fold.train_end - fold.first, end, end, sizes.window, sizes.horizon)


def _origins(fold: Fold) -> np.ndarray:
    return np.arange(fold.start - 1, fold.stop - 1, dtype=np.int64)


def _scored(
    whole: Windows, config: Config, folds: tuple[Fold, ...], baselines: list[Baselines], found: list[Forecasts]
) -> Backtest:
    ours = joined([each.forecast for each in found])
    others = _baselines_forecasts(whole, config, folds, baselines)
    forecasts = {config.network.model: ours} | others
    outcomes = outcomes_of(whole, baselines[0])
    best = baselines[0].best, baselines[0].best_intervals
    rows: list[Row] = []
    for fold, learned, each in zip(folds, baselines, found, strict=True):
        indices = slice(fold.start - folds[0].start, fold.stop - folds[0].start)
        part = {name: forecast.at(indices) for name, forecast in forecasts.items()}
        rows += _with_cost(score_rows(outcomes.at(indices, learned.scales), part, fold.number, *best), [each])
    rows += _with_cost(score_rows(outcomes, forecasts, TOTAL, *best), found)
    table = forecast_table(whole, ours, outcomes.levels)
    numbers = np.repeat([fold.number for fold in folds], [(fold.stop - fold.start) * whole.steps for fold in folds])
    table.insert(1, "fold", numbers)
    total = [row for row in rows if row["fold"] == TOTAL]
    return Backtest(folds, rows, table, *best, judged_row(total, config.network.model, *best))


def _baselines_forecasts(
    whole: Windows, config: Config, folds: tuple[Fold, ...], baselines: list[Baselines]
) -> dict[str, Forecast]:
    """Every baseline's forecasts of all origins, each fold's by what was learned before it."""
    parts = []
    begin = 0
    for place, fold in enumerate(folds):
        if place + 1 < len(folds) and baselines[place + 1] is baselines[place]:
            continue  # a frozen walk's, all at once
        origins = whole.origins[begin : fold.stop - folds[0].start]
        windows, begin = replace(whole, origins=origins), fold.stop - folds[0].start
        parts.append(
            baselines_of(windows, baselines[place])
            | classical_forecasts(config, windows, np.array([fold.known_end]), baselines[place])
        )
    return {name: joined([part[name] for part in parts]) for name in parts[0]}


def _with_cost(rows: list[Row], found: list[Forecasts]) -> list[Row]:
    """The rows of one fold, the model's (the first) with the seconds that it cost."""
    seconds = sum(each.fit_seconds for each in found)
    return [row | {"fit_seconds": seconds if place == 0 else None} for place, row in enumerate(rows)]

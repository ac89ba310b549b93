"""Walk-forward backtest: the test part in folds, each forecast by a model that saw only what lay before it.

Every fold has its own scaling, its own validation rows for early stopping, and its own model, unless one is trained
before the first and kept ("frozen"). What a fold learns from is cut off before it is handed over, so that nothing later
can reach it by any mistake further on. How a model is fitted is passed in: nothing here knows of networks.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pandas as pd

from kerasforecast.baselines import find_period
from kerasforecast.config import BacktestConfig, Config
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, DivergedError
from kerasforecast.folds import FoldStore, Forecasts
from kerasforecast.scoreboard import Row, baselines_of, scoreboard
from kerasforecast.significance import Verdict, compare_with_naive
from kerasforecast.split import Split, split_series
from kerasforecast.windows import windows_of

TOTAL = "all"


class Fitted(Protocol):
    """A model trained on a fold's known rows."""

    @property
    def epochs(self) -> int:
        """That it trained for."""

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Forecasts `(B, H)` of raw windows `(B, L, F)`, both in raw prices."""


Fit = Callable[[Series, Split], Fitted]


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
        table: One row a forecast: `date`, `fold`, `actual`, `forecast`, `naive`; `step` where the horizon exceeds 1.
        verdict: Over all folds.
    """

    folds: tuple[Fold, ...]
    rows: list[Row]
    table: pd.DataFrame
    verdict: Verdict


def folds_of(series: Series, config: Config, walk: BacktestConfig) -> tuple[Fold, ...]:
    """Cut the test part into folds of even length, each with what it may know.

    The validation part of every fold has as many rows as the first one's.

    Raises:
        DataError: The series is too short for the split, the folds or the gap.
    """
    split = split_series(series, config.split, config.network)
    begin, forecasts = split.validation_end, split.rows - split.validation_end - split.horizon + 1
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
    return tuple(folds)


def run_backtest(
    series: Series,
    config: Config,
    walk: BacktestConfig,
    fit: Fit,
    store: FoldStore | None = None,
    on_fold: Callable[[Fold, Forecasts, bool], None] | None = None,
) -> Backtest:
    """Walk forward over the test part.

    Args:
        series: The data.
        config: Of the model, and the split whose test part is walked.
        walk: Folds, scheme, refit, gap.
        fit: Trains on a series and its split; it is given the known rows of a fold alone.
        store: Keeps each fold's forecasts as soon as they are made, and gives back those of an interrupted walk.
        on_fold: Called with each finished fold, its forecasts, and whether they came from the store.

    Raises:
        DataError: As `folds_of`.
        DivergedError: The loss stopped being a number in a fold; the folds before it are kept.
    """
    folds = folds_of(series, config, walk)
    found: list[Forecasts] = []
    for fold, forecasts, kept in _forecasts(series, config, walk, folds, fit, store):
        found.append(forecasts)
        if on_fold:
            on_fold(fold, forecasts, kept)
    return _scored(series, config, folds, found)


def fingerprint(series: Series, config: Config, walk: BacktestConfig) -> str:
    """SHA-256 of all that a fold's forecasts depend on: data, options, and the walk."""
    content = {"config": config.model_dump(mode="json", exclude={"data"}), "walk": walk.model_dump(mode="json")}
    return hashlib.sha256(f"{series.sha256} {json.dumps(content, sort_keys=True)}".encode()).hexdigest()


def _forecasts(
    series: Series, config: Config, walk: BacktestConfig, folds: tuple[Fold, ...], fit: Fit, store: FoldStore | None
) -> Iterator[tuple[Fold, Forecasts, bool]]:
    """Each fold's forecasts, from the store or made now. Frozen ones come from one model, so all or none are kept."""
    known = [store.load(fold.number) if store else None for fold in folds]
    if not walk.refit and None in known:
        known = [None] * len(folds)
    fitted: Fitted | None = None
    for fold, kept in zip(folds, known, strict=True):
        if kept is not None:
            yield fold, kept, True
            continue
        seconds = 0.0
        if fitted is None or walk.refit:
            started = time.perf_counter()
            fitted = _fitted(series, config, fold, fit)
            seconds = time.perf_counter() - started
        windows = windows_of(series, _origins(fold), config.network.window, config.network.horizon)
        values = fitted.predict(windows.inputs()).astype(np.float64)  # all origins of the fold in one call
        forecasts = Forecasts(values, fitted.epochs, seconds)
        if store:
            store.save(fold.number, forecasts)
        yield fold, forecasts, False


def _fitted(series: Series, config: Config, fold: Fold, fit: Fit) -> Fitted:
    rows = slice(fold.first, fold.known_end)
    known = replace(series, values=series.values[rows], index=series.index[rows])
    try:
        return fit(known, _split(fold, config.network))
    except DivergedError as error:
        raise DivergedError(f"Fold {fold.number}: {error} The folds before it are kept.") from None


def _split(fold: Fold, sizes: Any) -> Split:
    """The split of a fold's known rows, which has no test part; `sizes` holds `window` and `horizon`."""
    end = fold.known_end - fold.first
    return Split(fold.train_end - fold.first, end, end, sizes.window, sizes.horizon)


def _origins(fold: Fold) -> np.ndarray:
    return np.arange(fold.start - 1, fold.stop - 1, dtype=np.int64)


def _scored(series: Series, config: Config, folds: tuple[Fold, ...], found: list[Forecasts]) -> Backtest:
    network = config.network
    period = find_period(series.values[folds[0].first : folds[0].train_end, 0])
    origins = np.concatenate([_origins(fold) for fold in folds])
    windows = windows_of(series, origins, network.window, network.horizon)
    actual, last = windows.futures(), windows.last()
    forecasts = {network.model: np.concatenate([each.values for each in found])} | baselines_of(windows, period)
    rows: list[Row] = []
    for fold, each in zip(folds, found, strict=True):
        places = slice(fold.start - folds[0].start, fold.stop - folds[0].start)
        part = {name: values[places] for name, values in forecasts.items()}
        rows += _named(scoreboard(actual[places], last[places], part), fold.number, [each])
    rows += _named(scoreboard(actual, last, forecasts), TOTAL, found)
    table = _table(series, folds, origins, actual, forecasts[network.model], forecasts["naive"])
    verdict = compare_with_naive(actual, forecasts[network.model], forecasts["naive"], horizon=network.horizon)
    return Backtest(folds, rows, table, verdict)


def _named(rows: list[Row], fold: int | str, found: list[Forecasts]) -> list[Row]:
    """The rows of one fold, the model's (the first) with what it cost."""
    seconds = sum(each.fit_seconds for each in found)
    return [
        {"model": row["model"], "fold": fold} | row | {"fit_seconds": seconds if place == 0 else None}
        for place, row in enumerate(rows)
    ]


def _table(
    series: Series,
    folds: tuple[Fold, ...],
    origins: np.ndarray,
    actual: np.ndarray,
    ours: np.ndarray,
    naive: np.ndarray,
) -> pd.DataFrame:
    horizon = actual.shape[1]
    steps = np.arange(1, horizon + 1)
    numbers = np.repeat([fold.number for fold in folds], [fold.stop - fold.start for fold in folds])
    columns: dict[str, Any] = {
        "date": series.index[(origins[:, None] + steps).ravel()],
        "fold": np.repeat(numbers, horizon),
        "actual": actual.ravel(),
        "forecast": ours.ravel().astype(np.float32),
        "naive": naive.ravel(),
    }
    if horizon > 1:
        columns["step"] = np.tile(steps, len(origins))
    return pd.DataFrame(columns)

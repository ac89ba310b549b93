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

import numpy as np
import pandas as pd

from kerasforecast.baselines.fitted import Baselines, learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DivergedError
from kerasforecast.evaluation.cold_start import held_out_note
from kerasforecast.evaluation.cuts import Fold, folds_of
from kerasforecast.evaluation.evaluation import Sequential, forecast_table
from kerasforecast.evaluation.folds import FoldStore, Forecasts
from kerasforecast.evaluation.scores import Row
from kerasforecast.evaluation.verdict import Judgement, judged_row
from kerasforecast.evaluation.walk_scores import TOTAL, walk_parts
from kerasforecast.forecasting.forecast import Forecast, joined
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import Windows, windows_of
from kerasforecast.runtime.tasks import Executor, Serial, in_order
from kerasforecast.sections.split import BacktestConfig

__all__ = ["TOTAL", "Backtest", "Fitted", "Fold", "fingerprint", "folds_of", "run_backtest"]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model trained on a fold's known rows.

    Attributes:
        forecaster: The model with its intervals.
        epochs: That it trained for.
        window: Rows that it sees, where these are not those of the configuration.
        scaling: That was chosen on its validation part; `""` where it was named.
    """

    forecaster: Sequential
    epochs: int
    window: int | None = None
    scaling: str = ""

    def seen(self, windows: Windows) -> Windows:
        """`windows` as it sees them."""
        return replace(windows, window=self.window or windows.window)


Fit = Callable[[Panel, Split, Baselines], Fitted]


@dataclass(frozen=True, eq=False)
class Backtest:
    """A finished walk.

    Attributes:
        folds: In order.
        rows: A row of scores for each forecaster and fold, then each forecaster over all of them (`fold` is `"all"`).
        table: One row a forecast: `date` (before it the id, where series have ids), `fold`, `actual`, `forecast`,
            `naive`; `step` where there are several, and a column `q<level>` for each quantile.
        best: The best simple forecast on the first fold's validation part.
        best_intervals: The baseline with the best intervals there.
        judgement: Whether the model is worth using, over all folds.
        notes: What else a reader should know, one sentence each.
    """

    folds: tuple[Fold, ...]
    rows: list[Row]
    table: pd.DataFrame
    best: str
    best_intervals: str | None
    judgement: Judgement
    notes: tuple[str, ...] = ()

    def require_skill(self, p_value: float) -> None:
        """Raise `SkillError` unless the model beats the best simple forecast with a p-value below `p_value`."""
        self.judgement.require_skill(p_value)


def run_backtest(
    data: Panel | Series,
    config: Config,
    walk: BacktestConfig,
    fit: Fit,
    store: FoldStore | None = None,
    on_fold: Callable[[Fold, Forecasts, bool], None] | None = None,
    executor: Executor | None = None,
) -> Backtest:
    """Walk forward over the test part.

    Args:
        data: One or more series.
        config: Of the model, and the split whose test part is walked.
        walk: Folds, scheme, refit, gap.
        fit: Trains on a panel, its split and what its baselines learned; it is given the known rows of a fold alone.
        store: Keeps each fold's forecasts as soon as they are made, and gives back those of an interrupted walk.
        on_fold: Called with each finished fold, its forecasts, and whether they came from the store.
        executor: Makes the folds that are not in the store, where each is fitted anew; `fit` must be at home in a
            module then, as that of `kerasforecast.evaluation.refit` is. Where `None`, this process does.

    Raises:
        DataError: As `folds_of`.
        DivergedError: The loss stopped being a number in a fold; the folds before it are kept.
    """
    panel = Panel.of(data)
    folds = folds_of(panel, config, walk)
    baselines = _baselines(panel, config, folds)
    whole = windows_of(panel, np.sort(_origins(folds)), config.network.window, config.steps)
    found: list[Forecasts] = []
    if walk.refit:
        walked = _refitted(whole, config, folds, baselines, fit, store, executor or Serial())
    else:
        walked = _frozen(whole, config, folds, baselines, fit, store)
    for fold, forecasts, kept in walked:
        found.append(forecasts)
        if on_fold:
            on_fold(fold, forecasts, kept)
    return _scored(whole, config, folds, baselines, found)


def fingerprint(data: Panel | Series, config: Config, walk: BacktestConfig) -> str:
    """SHA-256 of all that a fold's forecasts depend on: data and the roles of its columns, options, and the walk."""
    panel = Panel.of(data)
    static = None if panel.static is None else panel.static.tolist()
    content = {
        "config": config.model_dump(mode="json", exclude={"data"}),
        "walk": walk.model_dump(mode="json"),
        "roles": (panel.roles, sorted(panel.calendar_columns.items()), static if len(panel) == 1 else None),
    }
    return hashlib.sha256(f"{panel.sha256} {json.dumps(content, sort_keys=True)}".encode()).hexdigest()


def _baselines(panel: Panel, config: Config, folds: tuple[Fold, ...]) -> list[Baselines]:
    """What the simple baselines learned from each fold's known rows; seasons and the best are those of the first."""
    found: list[Baselines] = []
    for place, fold in enumerate(folds):
        before = folds[place - 1]
        if found and all(map(np.array_equal, (fold.first, fold.known_end), (before.first, before.known_end))):
            found.append(found[-1])  # of a frozen walk, the same throughout
        else:
            first = found[0] if found else None
            found.append(learn_baselines(config, fold.known(panel), fold.split(config.network), first))
    return found


Walked = Iterator[tuple[Fold, Forecasts, bool]]  # each fold, its forecasts, and whether they were kept from before


def _refitted(
    whole: Windows,
    config: Config,
    folds: Sequence[Fold],
    baselines: list[Baselines],
    fit: Fit,
    store: FoldStore | None,
    executor: Executor,
) -> Walked:
    """Each fold's forecasts by a model of its own, from the store or made now."""
    kept = [store.load(fold.number) if store else None for fold in folds]
    due = [(fold, learned) for fold, learned, there in zip(folds, baselines, kept, strict=True) if there is None]
    made = in_order(
        (place, _stored(store, due[place][0], found))
        for place, found in executor.map(_one_fold, (whole, config, fit), due)
    )
    for fold, there in zip(folds, kept, strict=True):
        yield fold, (there if there is not None else next(made)), there is not None


def _one_fold(shared: tuple[Windows, Config, Fit], task: tuple[Fold, Baselines]) -> Forecasts:
    """The forecasts of one fold by a model of its known rows."""
    (whole, config, fit), (fold, learned) = shared, task
    fitted, seconds = _fitted(whole.panel, config, fold, learned, fit)
    forecast, _ = fitted.forecaster.in_sequence(fitted.seen(replace(whole, origins=fold.origins)))
    return Forecasts(forecast, fitted.epochs, seconds, fitted.scaling)


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
        windows = fitted.seen(replace(whole, origins=fold.origins))
        forecast, levels = fitted.forecaster.in_sequence(windows, levels)
        forecasts = Forecasts(forecast, fitted.epochs, seconds if fold is folds[0] else 0.0, fitted.scaling)
        yield fold, _stored(store, fold, forecasts), False


def _stored(store: FoldStore | None, fold: Fold, forecasts: Forecasts) -> Forecasts:
    if store:
        store.save(fold.number, forecasts)
    return forecasts


def _fitted(panel: Panel, config: Config, fold: Fold, baselines: Baselines, fit: Fit) -> tuple[Fitted, float]:
    """A model of the fold's known rows, and the seconds that it took."""
    started = time.perf_counter()
    try:
        fitted = fit(fold.known(panel), fold.split(config.network), baselines)
    except DivergedError as error:
        raise DivergedError(f"Fold {fold.number}: {error} The folds before it are kept.") from None
    return fitted, time.perf_counter() - started


def _origins(folds: Sequence[Fold]) -> np.ndarray:
    """All origins, fold after fold."""
    return np.concatenate([fold.origins for fold in folds])


def _scored(
    whole: Windows, config: Config, folds: tuple[Fold, ...], baselines: list[Baselines], found: list[Forecasts]
) -> Backtest:
    best = baselines[0].best, baselines[0].best_intervals
    ours = joined([each.forecast for each in found])
    scored, apart = walk_parts(whole, config, folds, baselines, ours)
    costs: dict[int | str, float] = {fold.number: each.fit_seconds for fold, each in zip(folds, found, strict=True)}
    costs[TOTAL] = sum(costs.values())
    rows = [
        row | {"fit_seconds": costs[number] if place == 0 else None}  # the model's is the first
        for number, part in scored.items()
        for place, row in enumerate(part)
    ]
    judgement = judged_row(scored[TOTAL], config.network.model, *best)
    judged = {config.network.model: judged_row(apart, config.network.model, *best)} if apart else {}
    notes = (*_scalings(folds, found), *((held_out_note(scored[TOTAL], apart, judged),) if apart else ()))
    return Backtest(folds, rows, _table(whole, folds, ours, baselines[0].levels), *best, judgement, notes)


def _scalings(folds: Sequence[Fold], found: Sequence[Forecasts]) -> tuple[str, ...]:
    """Which scaling each fold has chosen, where they were to choose."""
    chosen: dict[str, list[int]] = {}
    for fold, forecasts in zip(folds, found, strict=True):
        chosen.setdefault(forecasts.scaling, []).append(fold.number)
    if "" in chosen:
        return ()
    if len(chosen) == 1:
        return (f"Scaling chosen on validation: {next(iter(chosen))} in every fold.",)
    said = (f"{scaling} in {', '.join(map(str, numbers))}" for scaling, numbers in chosen.items())
    return (f"Scaling chosen on validation, by folds: {'; '.join(said)}.",)


def _table(whole: Windows, folds: Sequence[Fold], ours: Forecast, levels: tuple[float, ...]) -> pd.DataFrame:
    """The forecasts, those of one series after another, with the number of their fold."""
    order = np.argsort(_origins(folds), kind="stable")
    table = forecast_table(whole, ours.at(order), levels)
    numbers = np.repeat([fold.number for fold in folds], [len(fold.origins) for fold in folds])[order]
    table.insert(table.columns.get_loc("date") + 1, "fold", np.repeat(numbers, whole.steps))
    return table

"""Several models and every baseline on the same origins: a leaderboard."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.artifact.records import DataRecord
from kerasforecast.baselines.classical import classical_forecasts
from kerasforecast.baselines.fitted import Baselines, learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.evaluation.cold_start import held_out_note, seen_and_held_out
from kerasforecast.evaluation.evaluation import Sequential, ids_and_dates, outcomes_of, scored_windows
from kerasforecast.evaluation.learned import learned_windows
from kerasforecast.evaluation.matching import Wanted, matched
from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.evaluation.scores import Row, Scored, add_to, stretches_of, tallied_rows
from kerasforecast.evaluation.verdict import Judgement, judged_row
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import Windows, windows_of


@dataclass(frozen=True, eq=False)
class Contender:
    """A trained model that takes part.

    Attributes:
        name: On the leaderboard, unlike any other's.
        wanted: The columns that it needs.
        window: Rows of history it sees.
        forecaster: The model with its intervals.
        levels: Of its intervals; none where it has none.
        fit_seconds: Its training took, where known.
        records: Of the data it has learned from, where known.
        context: Rows of its own series that a window needs at least; the whole window where `None`.
        horizon: Rows ahead that it reads known columns of, where more than are scored.
        holdout: The share of series that was held out of its training.
    """

    name: str
    wanted: Wanted
    window: int
    forecaster: Sequential
    levels: tuple[float, ...] = ()
    fit_seconds: float | None = None
    records: tuple[DataRecord, ...] = ()
    context: int | None = None
    horizon: int = 0
    holdout: float = 0.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """A finished comparison.

    Attributes:
        rows: One a forecaster, the smallest RMSE first, of several series the smallest mean RMSSE: those of
            `kerasforecast.evaluation.scores.score_rows` with `fold` `"all"`, for models with `fit_seconds` and
            `predict_ms` for all origins.
        table: One row a forecast: `date` (before it the id, where series have ids), `actual`, one column a forecaster;
            `step` where there are several.
        best: The best simple forecast on validation.
        best_intervals: The baseline with the best intervals there.
        judgements: For each model, whether it is worth using.
        levels: Of the intervals that were scored: those which all contenders have.
        learned: What models have learned from these very origins, in a few words; there is no verdict on such.
        notes: What else a reader should know, one sentence each.
    """

    rows: list[Row]
    table: pd.DataFrame
    best: str
    best_intervals: str | None
    judgements: dict[str, Judgement]
    levels: tuple[float, ...]
    learned: dict[str, str]
    notes: tuple[str, ...] = ()


def compare(data: Panel | Series, config: Config, split: Split, contenders: Sequence[Contender]) -> Comparison:
    """Forecast every origin of the test part with each contender and each baseline, and rank them.

    Args:
        data: One or more series that hold every column that a contender needs.
        config: Steps to score, levels of the intervals, and which baselines.
        split: Its test part is forecast; the baselines learn from the parts before.
        contenders: At least one. Intervals are scored at the levels that all of those with intervals have.

    Raises:
        DataError: A contender needs a column or a longer history than the data has.
    """
    panel = Panel.of(data)
    panels = {each.name: matched(panel, each.wanted, each.name) for each in contenders}
    whole = scored_windows(config, panel, split, "test")
    windows = replace(whole, origins=_common(panel, whole, contenders))
    baselines = learn_baselines(config, panel, split)
    parts = seen_and_held_out(windows, config)
    seen, apart = (
        None if part is None else _compared(part, config, split, contenders, panels, baselines)
        for part in (parts.seen, parts.apart)
    )
    if seen is None:
        raise ValueError("There must be windows of series that training saw.")
    notes = _left_out(whole, windows)
    if apart is None:
        return replace(seen, notes=(*notes, *_pooled(windows, contenders)))
    table = pd.concat([seen.table, apart.table], ignore_index=True)
    table = table.sort_values(table.columns[0], kind="stable", ignore_index=True)  # ids, in the panel's order
    said = held_out_note(seen.rows, apart.rows, apart.judgements)
    return replace(seen, table=table, notes=(*notes, said))


def _compared(
    windows: Windows,
    config: Config,
    split: Split,
    contenders: Sequence[Contender],
    panels: Mapping[str, Panel],
    baselines: Baselines,
) -> Comparison:
    """Of these windows alone; `panels` are what each contender is given."""
    panel = windows.panel
    levels = tuple(level for level in config.levels if all(level in each.levels for each in contenders if each.levels))
    outcomes = replace(outcomes_of(windows, baselines, split.trained), levels=levels)
    board = _Board(outcomes, {}, {})
    costs = {}
    for each in contenders:
        own = windows_of(panels[each.name], windows.origins, each.window, windows.steps, each.horizon)
        forecast, milliseconds = _timed(each, own)
        costs[each.name] = {"fit_seconds": each.fit_seconds, "predict_ms": milliseconds}
        board.add(each.name, _at_levels(forecast, each.levels, levels))
    classical = classical_forecasts(config, windows, split.edges[:, 2], baselines)
    for stretch in stretches_of(outcomes):
        others = baselines.each(replace(windows, origins=windows.origins[stretch]))
        for name, forecast in chain(others, ((name, each.at(stretch)) for name, each in classical.items())):
            board.add_part(name, stretch, _at_levels(forecast, baselines.levels, levels))
    best, unknown = (baselines.best, baselines.best_intervals), {"fit_seconds": None, "predict_ms": None}
    learned = {
        each.name: words
        for each in contenders
        if (words := learned_windows(each.records, panel, windows.origins, windows.steps).text)
    }
    rows = [row | costs.get(row["model"], unknown) for row in tallied_rows(outcomes, board.tallies, "all", *best)]
    error = "rmse" if outcomes.grouped is None else "rmsse"
    return Comparison(
        sorted(rows, key=lambda row: (row[error] is None, row[error])),
        _table(windows, outcomes.actual, board.points),
        *best,
        {each.name: judged_row(rows, each.name, *best, learned=learned.get(each.name)) for each in contenders},
        levels,
        learned,
    )


@dataclass(frozen=True, eq=False)
class _Board:
    """What is kept of all forecasts: quantiles of many series are large, so they are scored and let go."""

    outcomes: Outcomes
    tallies: dict[str, Scored]
    points: dict[str, list[np.ndarray]]

    def add(self, name: str, forecast: Forecast) -> None:
        """Score one contestant's forecasts of all origins."""
        for stretch in stretches_of(self.outcomes):
            self.add_part(name, stretch, forecast.at(stretch))

    def add_part(self, name: str, stretch: slice, forecast: Forecast) -> None:
        """Score those of the next stretch of origins."""
        add_to(self.tallies, name, self.outcomes, stretch, forecast)
        self.points.setdefault(name, []).append(forecast.point.astype(np.float32))


def _common(panel: Panel, windows: Windows, contenders: Sequence[Contender]) -> np.ndarray:
    """The origins of `windows` that every contender can forecast from.

    Of several series those are left out that have fewer rows than one of them needs, or too few known ones ahead.

    Raises:
        DataError: There are none; or the one series is too short.
    """
    origins = windows.origins
    places = panel.places(origins)
    before, ahead = origins + 1 - panel.starts[places], panel.starts[places + 1] - 1 - origins
    for each in contenders:
        needs = each.window if each.context is None else each.context
        fits = before >= needs
        if not fits.all() and (len(panel) == 1 or not fits.any()):
            known = before[0] if len(panel) == 1 else before.max()
            raise DataError(
                f"{each.name}: needs {needs} rows before the test part. Received: {known}. "
                "Give more rows or another split."
            )
        if each.wanted.known:
            fits &= ahead >= each.horizon
        origins, before, ahead = origins[fits], before[fits], ahead[fits]
        if not len(origins):
            raise DataError(
                f"{each.name}: needs a row before the test part, and known columns for {each.horizon} rows ahead, in "
                "the same series as every other model. Received: no such series. Give more rows or another split."
            )
    return origins


def _pooled(windows: Windows, contenders: Sequence[Contender]) -> Iterator[str]:
    """Which models know some of the series and not the others, where all are scored together."""
    panel = windows.panel
    for each in contenders:
        new = learned_windows(each.records, panel, windows.origins, windows.steps).new
        if new is not None and new.any() and not new.all():
            apart = f": --holdout-series {each.holdout:g} scores the others apart" if each.holdout else ""
            learned = f"{int((~new).sum()):,} of {len(panel):,} series"
            yield f"{each.name} has learned from {learned}, and is scored on all together{apart}."


def _left_out(whole: Windows, windows: Windows) -> tuple[str, ...]:
    absent = len(whole) - len(windows)
    if not absent:
        return ()
    return (
        f"{absent:,} of {len(whole):,} forecasts are left out, which not all models can make: before them are too few "
        "rows, or after them too few whose known columns are there.",
    )


def _timed(contender: Contender, windows: Windows) -> tuple[Forecast, float]:
    """Forecasts with their intervals, and the milliseconds they take once everything is compiled."""
    contender.forecaster.in_sequence(windows)
    started = time.perf_counter()
    forecast, _ = contender.forecaster.in_sequence(windows)
    return forecast, 1000 * (time.perf_counter() - started)


def _at_levels(forecast: Forecast, have: tuple[float, ...], wanted: tuple[float, ...]) -> Forecast:
    """A forecast with the quantiles wanted alone; with none where none are."""
    if forecast.quantiles is None or not wanted:
        return replace(forecast, quantiles=None)
    return replace(forecast, quantiles=forecast.quantiles[:, :, [have.index(level) for level in wanted]])


def _table(windows: Windows, actual: np.ndarray, points: dict[str, list[np.ndarray]]) -> pd.DataFrame:
    columns: dict[str, Any] = {
        **ids_and_dates(windows, points),
        "actual": actual.ravel(),
        **{name: np.concatenate(parts).ravel() for name, parts in points.items()},
    }
    if windows.steps > 1:
        columns["step"] = np.tile(np.arange(1, windows.steps + 1), len(windows))
    return pd.DataFrame(columns, copy=False)

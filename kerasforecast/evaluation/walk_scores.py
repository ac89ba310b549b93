"""The scores of a walk: of each fold in the units and by the baselines of what was known before it, and of all folds.

The quantiles of many series are large, so the baselines forecast a stretch of origins at a time, which is scored and
let go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np

from kerasforecast.baselines.classical import classical_forecasts
from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.errors import DataError
from kerasforecast.evaluation.cuts import Fold
from kerasforecast.evaluation.evaluation import outcomes_of
from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.evaluation.scores import Row, Scored, add_to, stretches_of, tallied_rows
from kerasforecast.forecasting.forecast import Forecast, joined
from kerasforecast.preprocessing.split import held_out
from kerasforecast.preprocessing.windows import Windows

TOTAL = "all"


def walk_parts(
    whole: Windows, config: Config, folds: Sequence[Fold], baselines: Sequence[Baselines], ours: Forecast
) -> tuple[dict[int | str, list[Row]], list[Row]]:
    """As `walk_rows`, of the series that training saw; and the rows of all folds of those held out, `[]` without any.

    Raises:
        DataError: A fold forecasts series held out alone.
    """
    panel = whole.panel
    held = held_out(panel, config.split)
    cold = held[panel.places(np.concatenate([fold.origins for fold in folds]))]
    if not cold.any():
        return walk_rows(whole, config, folds, baselines, ours), []
    seen, apart = (
        _chosen(whole, folds, baselines, ours, origins, series) for origins, series in ((~cold, ~held), (cold, held))
    )
    if len(seen[1]) < len(folds):
        raise DataError(
            f"{panel.name}: each fold needs a series that is not held out. Received: {int(held.sum()):,} of "
            f"{len(panel):,} held out. Use a smaller --holdout-series, or fewer --folds."
        )
    rows, others = (walk_rows(part[0], config, *part[1:]) for part in (seen, apart))
    return rows, others[TOTAL]


def _chosen(
    whole: Windows,
    folds: Sequence[Fold],
    baselines: Sequence[Baselines],
    ours: Forecast,
    origins: np.ndarray,
    series: np.ndarray,
) -> tuple[Windows, list[Fold], list[Baselines], Forecast]:
    """What is of some `series` `(M,)`, whose `origins` are so many of all, fold after fold; folds with one alone."""
    fewer = [replace(fold, stop=np.where(series, fold.stop, fold.start)) for fold in folds]
    there = [place for place, fold in enumerate(fewer) if len(fold.origins)]
    windows = replace(whole, origins=whole.origins[series[whole.panel.places(whole.origins)]])
    chosen = ours.at(np.flatnonzero(origins))
    return windows, [fewer[place] for place in there], [baselines[place] for place in there], chosen


def walk_rows(
    whole: Windows,
    config: Config,
    folds: Sequence[Fold],
    baselines: Sequence[Baselines],
    ours: Forecast,
) -> dict[int | str, list[Row]]:
    """The rows of scores of each fold by its number, and of all of them as `"all"`.

    Args:
        whole: The windows of all folds.
        config: Of the model.
        folds: In order.
        baselines: What each fold's learned.
        ours: The model's forecasts, fold after fold.
    """
    parts = [_Part(outcomes, {}, at) for outcomes, at in _outcomes(whole, config, folds, baselines)]
    total = _Part(_of_all(whole, config, folds, baselines[0]), {}, slice(0, len(whole)))
    for stretch in stretches_of(total.outcomes):
        named = chain([(config.network.model, ours.at(stretch))], _others(whole, config, folds, baselines, stretch))
        for name, forecast in named:
            for part in (*parts, total):
                part.add(name, stretch, forecast)
    best = baselines[0].best, baselines[0].best_intervals
    numbers: list[int | str] = [*(fold.number for fold in folds), TOTAL]
    return {
        number: tallied_rows(part.outcomes, part.tallies, number, *best)
        for number, part in zip(numbers, (*parts, total), strict=True)
    }


@dataclass(frozen=True, eq=False)
class _Part:
    """What is kept of the forecasts of some origins, those `at` a stretch of all."""

    outcomes: Outcomes
    tallies: dict[str, Scored]
    at: slice

    def add(self, name: str, stretch: slice, forecast: Forecast) -> None:
        """Score what a `forecast` of a `stretch` of all origins says of these."""
        first, stop = max(self.at.start, stretch.start), min(self.at.stop, stretch.stop)
        if first < stop:
            own = slice(first - self.at.start, stop - self.at.start)
            add_to(
                self.tallies, name, self.outcomes, own, forecast.at(slice(first - stretch.start, stop - stretch.start))
            )


def _outcomes(
    whole: Windows, config: Config, folds: Sequence[Fold], baselines: Sequence[Baselines]
) -> Iterator[tuple[Outcomes, slice]]:
    """What happened in each fold, in its own units, and where it stands among all origins."""
    for fold, learned, (first, stop) in zip(folds, baselines, pairwise(_ends(folds)), strict=True):
        split = fold.split_of_all(whole.panel, config.network)
        yield outcomes_of(replace(whole, origins=fold.origins), learned, split.trained), slice(first, stop)


def _of_all(whole: Windows, config: Config, folds: Sequence[Fold], first: Baselines) -> Outcomes:
    """What happened in all folds, one after another, in the units of the first."""
    outcomes = outcomes_of(whole, first, folds[0].split_of_all(whole.panel, config.network).trained)
    return outcomes.at(np.searchsorted(whole.origins, np.concatenate([fold.origins for fold in folds])))


def _others(
    whole: Windows, config: Config, folds: Sequence[Fold], baselines: Sequence[Baselines], stretch: slice
) -> Iterator[tuple[str, Forecast]]:
    """Every baseline's forecasts of a stretch of all origins, each fold's by what was learned before it."""
    forecasts = []
    for learned, known, origins in _alike(folds, baselines, stretch):
        order = np.argsort(origins, kind="stable")  # one series after another
        windows = replace(whole, origins=origins[order])
        classical = classical_forecasts(config, windows, known, learned)
        forecasts.append((np.argsort(order), chain(learned.each(windows), classical.items())))
    for named in zip(*(each for _, each in forecasts), strict=True):
        parts = (forecast.at(back) for (_, forecast), (back, _) in zip(named, forecasts, strict=True))
        yield named[0][0], joined(list(parts))


def _alike(
    folds: Sequence[Fold], baselines: Sequence[Baselines], stretch: slice
) -> Iterator[tuple[Baselines, np.ndarray, np.ndarray]]:
    """The origins of a stretch by what is known before them: those of a frozen walk together."""
    origins: list[np.ndarray] = []
    for place, (first, stop) in enumerate(pairwise(_ends(folds))):
        own = slice(max(stretch.start - first, 0), max(min(stretch.stop, stop) - first, 0))
        origins.append(folds[place].origins[own])
        last = place + 1 == len(folds) or baselines[place + 1] is not baselines[place]
        if last and any(len(each) for each in origins):
            yield baselines[place], folds[place].known_end, np.concatenate(origins)
        origins = [] if last else origins


def _ends(folds: Sequence[Fold]) -> list[int]:
    """Where each fold begins among all origins, and how many there are."""
    return [0, *np.cumsum([len(fold.origins) for fold in folds]).tolist()]

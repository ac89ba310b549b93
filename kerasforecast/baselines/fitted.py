"""Every simple baseline with what it learned from the history: a loaded model still knows what it has to beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kerasforecast.baselines.judge import Judge
from kerasforecast.baselines.periods import calendar_periods, shared_periods
from kerasforecast.baselines.seasonal import RULES, Origins, seasonal_name
from kerasforecast.baselines.simple import best_share, scaled_quantiles, window_points
from kerasforecast.baselines.tables import Past, error_tables, shared_share
from kerasforecast.baselines.units import own_units
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.forecasting.forecast import Forecast, joined
from kerasforecast.metrics.point import seasonal_scales, series_scales
from kerasforecast.preprocessing.bound import least_forecast
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.volatility import Volatility, volatility_of
from kerasforecast.preprocessing.windows import Windows, windows_of
from kerasforecast.sections.network import Bound

Level = Annotated[float, Field(gt=0, lt=1)]
Period = Annotated[int, Field(ge=2, le=10**6)]
Table = Annotated[
    tuple[Annotated[tuple[float, ...], Field(max_length=100)], ...], Field(max_length=1_000)
]  # (H, K): a step, a level
Name = Annotated[
    str,
    StringConstraints(
        pattern=r"^(naive|drift|moving_average|smoothing|ewma|ewma_fhs|seasonal_(naive|drift|growth)_[0-9]{1,7})$"
    ),
]
_SCALED = ("ewma", "ewma_fhs")  # a normal step's volatility is the window's own; their point is the naive forecast
# The share of the naive forecast's error that another rule must stay below to take its place: among several the best of
# a random walk is a matter of chance.
_CLEARLY = 0.99


class Baselines(BaseModel):
    """The simple baselines after learning from the training and validation rows; part of the manifest.

    Attributes:
        window: Rows of history that those without a season see.
        steps: Steps ahead.
        levels: Levels of their quantiles, ascending.
        period: Rows of the shortest season; 1 for none.
        periods: Rows of each season, ascending.
        share: Weight of the newest value in exponential smoothing; `None` in older files, which have none.
        volatility: How moves are measured.
        scales: Mean and root mean square of the changes over one season in training: the units of MASE and RMSSE.
            `None` of several series, each of which has its own.
        tables: Per baseline, quantiles of its errors by step and level: as moves, of several series in units of what
            each has moved by until then; in units of volatility for `ewma` and `ewma_fhs`.
        lowest: What no forecast lies below, theirs as little as a model's; `None` without such a bound.
        best: The one with the least error on validation, which a model has to beat: `naive` where none is clearly
            better than that.
        best_intervals: The one whose intervals had the least CRPS there; `None` where none has any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    window: int = Field(ge=2, le=10_000)
    steps: int = Field(ge=1, le=1_000)
    levels: tuple[Level, ...] = Field(min_length=1, max_length=100)
    period: int = Field(ge=1, le=10**6)
    periods: tuple[Period, ...] = Field((), max_length=10)
    share: float | None = Field(None, gt=0, le=1)
    volatility: Volatility
    scales: tuple[float, float] | None
    tables: dict[Name, Table]
    lowest: float | None = None
    best: Name = "naive"
    best_intervals: Name | None = None

    @property
    def pooled(self) -> bool:
        """Whether they learned from several series together."""
        return self.scales is None

    @property
    def note(self) -> str | None:
        """Which seasons there are, in a sentence; `None` without."""
        if not self.periods:
            return None
        rows = " and ".join(map(str, self.periods))
        return f"Season{'s' if len(self.periods) > 1 else ''} of {rows} rows, for the rules to beat; --period sets one."

    def of_steps(self, steps: int) -> Baselines:
        """These for so many of their steps, the first ones."""
        if steps == self.steps:
            return self
        tables = {name: table[:steps] for name, table in self.tables.items()}
        return self.model_copy(update={"steps": steps, "tables": tables})

    def forecasts(self, windows: Windows) -> dict[str, Forecast]:
        """Every baseline's forecasts of windows that have a window of rows before them, price units."""
        return dict(self.each(windows))

    def each(self, windows: Windows) -> Iterator[tuple[str, Forecast]]:
        """The same one by one, for whoever need not hold the quantiles of all at once."""
        for name, found in self._unbounded(windows):
            yield name, found.bounded(self.lowest)

    def _unbounded(self, windows: Windows) -> Iterator[tuple[str, Forecast]]:
        units = own_units(windows.panel, windows.origins, self.volatility) if self.pooled else None
        for name in ("naive", "drift"):
            yield name, self._near(name, windows, units)
        origins, ahead = Origins.of(windows), range(1, windows.steps + 1)
        for period in self.periods:
            for kind, rule in RULES.items():
                name, point = seasonal_name(kind, period), rule(origins, ahead, period)
                yield name, Forecast(point, self._around(name, point, units))
        for name in ("moving_average", *(["smoothing"] if self.share else []), *_SCALED):
            yield name, self._near(name, windows, units)

    def after_validation(self, windows: Windows, scales: np.ndarray | None = None) -> Baselines:
        """These, knowing which of them did best on the `windows` of validation, or on some thousands of them.

        Args:
            windows: With their outcomes.
            scales: `(N, 2)` by what errors of each of several series are divided (`series_scales`), so that the largest
                does not decide alone. Series without take no part.
        """
        judge = Judge.of(windows, scales)
        if judge is None:
            return self
        errors: dict[str, float] = {}
        losses: dict[str, float] = {}
        for name, found in self.each(judge.windows):
            if name not in _SCALED:
                errors[name] = judge.error(found.point)
            if found.quantiles is not None:
                losses[name] = judge.loss(found.quantiles, self.levels)
        best = min(errors, key=lambda name: errors[name])
        facts = {
            "best": best if errors[best] < _CLEARLY * errors["naive"] else "naive",
            "best_intervals": min(losses, key=lambda name: losses[name]) if losses else None,
        }
        return self.model_copy(update=facts)

    def _near(self, name: str, windows: Windows, units: np.ndarray | None) -> Forecast:
        """The forecast of a rule to which the windows alone suffice."""
        return joined(
            [
                self._of_context(name, windows.context(chunk), None if units is None else units[chunk])
                for chunk in windows.chunks()
            ]
        )

    def _of_context(self, name: str, windows: np.ndarray, units: np.ndarray | None) -> Forecast:
        point = window_points(name, windows, self.steps, self.share)
        if name not in self.tables:
            return Forecast(point)
        if name in _SCALED:
            return Forecast(point, scaled_quantiles(windows, np.array(self.tables[name]), self.volatility))
        return Forecast(point, self._around(name, point, units))

    def _around(self, name: str, point: np.ndarray, units: np.ndarray | None) -> np.ndarray | None:
        """Quantiles `(N, H, K)` from a baseline's past errors, in `units` `(N,)` of each window's series, if any."""
        if name not in self.tables:
            return None
        moves = np.array(self.tables[name])
        return self.volatility.around(point, moves if units is None else units[:, None, None] * moves)


def fit_baselines(
    panel: Panel,
    split: Split,
    steps: int,
    levels: Sequence[float],
    periods: Sequence[int] = (),
    lower_bound: float | Bound = "none",
) -> Baselines:
    """Let the simple baselines learn.

    Args:
        panel: One or more series.
        split: Its parts: of the training rows come the units of scaled scores, the share of exponential smoothing and
            the least volatility, of these and the validation rows the quantiles. Its window is what baselines without
            a season see.
        steps: Steps ahead H.
        levels: The K levels, ascending.
        periods: Rows of each season, as `kerasforecast.baselines.periods.shared_periods` finds them.
        lower_bound: What no forecast is to lie below, as `--lower-bound` has it.
    """
    train, train_starts = split.training_rows(panel)
    history, starts = replace(split, edges=split.edges[:, [0, 2, 2, 2]]).training_rows(panel)
    train, history = train[:, 0], history[:, 0]
    volatility = volatility_of(history, train, starts, train_starts)
    past, season = Past(panel, split, volatility, steps, levels), periods[0] if periods else 1
    alone = len(panel) == 1
    share = best_share(train, split.window, steps) if alone else shared_share(past)
    return Baselines(
        window=split.window,
        steps=steps,
        levels=tuple(levels),
        period=season,
        periods=tuple(periods),
        share=share,
        volatility=volatility,
        scales=seasonal_scales(train, season if season < len(train) else 1) if alone else None,
        tables={name: tuple(map(tuple, t.tolist())) for name, t in error_tables(past, share, periods).items()},
        lowest=least_forecast(lower_bound, train),
    )


def learn_baselines(config: Config, panel: Panel, split: Split, like: Baselines | None = None) -> Baselines:
    """Let the simple baselines learn from the rows before the test part of each series of `panel`.

    A series without such rows takes no part.

    Args:
        config: Window, steps, levels, and the season where it is given.
        panel: One or more series.
        split: Its parts. Validation says which baseline is the best.
        like: Those of another stretch of the series, whose seasons and best are to hold here too.

    Raises:
        OptionError: The season given is longer than half of the training rows of the longest series.
    """
    periods = like.periods if like else periods_of(config.evaluation.period, panel, split)
    found = fit_baselines(panel, split, config.steps, config.levels, periods, config.network.lower_bound)
    if like:
        return found.model_copy(update={"best": like.best, "best_intervals": like.best_intervals})
    origins = split.origins("validation", config.steps)
    if not len(origins):
        return found
    scales = series_scales(panel, split.edges[:, 1], found.period) if len(panel) > 1 else None
    return found.after_validation(windows_of(panel, origins, split.window, config.steps), scales)


def periods_of(given: int | None, panel: Panel, split: Split) -> tuple[int, ...]:
    """Rows of each season that the training rows of `panel` have, the shortest first.

    Args:
        given: The one that a user gave; looked for, where `None`.
        panel: One or more series.
        split: Its parts.

    Raises:
        OptionError: The season given is longer than half of the training rows of the longest series.
    """
    first, stop = split.edges[:, 0], split.edges[:, 1]
    if given is None:
        return shared_periods(panel.values[:, 0], first, stop, calendar_periods(panel.frequency))
    longest = int((stop - first).max())
    if given > longest // 2:
        whose = "" if len(panel) == 1 else " of the longest series"
        raise OptionError(
            f"--period must fit twice into the {longest:,} training rows{whose}. Received: {given}. "
            "Give a shorter one, or more rows."
        )
    return (given,) if given > 1 else ()

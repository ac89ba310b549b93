"""Every simple baseline with what it learned from the history: a loaded model still knows what it has to beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kerasforecast.baselines.periods import calendar_periods, find_periods
from kerasforecast.baselines.seasonal import RULES, Origins, season_of, seasonal_name
from kerasforecast.baselines.simple import (
    best_share,
    drift,
    ewma_fhs_table,
    ewma_table,
    moving_average,
    naive,
    residual_table,
    scaled_quantiles,
    smoothing,
)
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.forecasting.forecast import Forecast, joined
from kerasforecast.metrics.point import rmse, seasonal_scales
from kerasforecast.metrics.probabilistic import crps
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.volatility import Volatility, volatility_of
from kerasforecast.preprocessing.windows import Windows, windows_of

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
_CHUNK = 4_096  # windows of the history gathered at once
_JUDGED = 5_000  # windows of validation, evenly spread, that say which baseline is the best
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
        tables: Per baseline, quantiles of its errors by step and level: as moves, or in units of volatility for `ewma`
            and `ewma_fhs`.
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
    scales: tuple[float, float]
    tables: dict[Name, Table]
    best: Name = "naive"
    best_intervals: Name | None = None

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
        for name in ("naive", "drift"):
            yield name, self._near(name, windows)
        origins, ahead = Origins.of(windows), range(1, windows.steps + 1)
        for period in self.periods:
            for kind, rule in RULES.items():
                name, point = seasonal_name(kind, period), rule(origins, ahead, period)
                yield name, Forecast(point, self._around(name, point))
        for name in ("moving_average", *(["smoothing"] if self.share else []), *_SCALED):
            yield name, self._near(name, windows)

    def after_validation(self, windows: Windows) -> Baselines:
        """These, knowing which of them did best on the `windows` of validation, or on some thousands of them."""
        windows = replace(windows, origins=windows.origins[:: -(-len(windows) // _JUDGED)])
        actual = windows.targets()
        errors: dict[str, float] = {}
        losses: dict[str, float] = {}
        for name, found in self.each(windows):
            if name not in _SCALED:
                errors[name] = rmse(actual, found.point)
            if found.quantiles is not None:
                losses[name] = crps(actual, found.quantiles, self.levels)
        best = min(errors, key=lambda name: errors[name])
        facts = {
            "best": best if errors[best] < _CLEARLY * errors["naive"] else "naive",
            "best_intervals": min(losses, key=lambda name: losses[name]) if losses else None,
        }
        return self.model_copy(update=facts)

    def _near(self, name: str, windows: Windows) -> Forecast:
        """The forecast of a rule to which the windows alone suffice."""
        return joined([self._of_context(name, windows.context(indices)) for indices in windows.chunks()])

    def _of_context(self, name: str, windows: np.ndarray) -> Forecast:
        point = _window_points(name, windows, self.steps, self.share)
        if name not in self.tables:
            return Forecast(point)
        if name in _SCALED:
            return Forecast(point, scaled_quantiles(windows, np.array(self.tables[name]), self.volatility))
        return Forecast(point, self._around(name, point))

    def _around(self, name: str, point: np.ndarray) -> np.ndarray | None:
        """Quantiles `(N, H, K)` from a baseline's past errors."""
        return self.volatility.around(point, np.array(self.tables[name])) if name in self.tables else None


def fit_baselines(
    train: np.ndarray,
    history: np.ndarray,
    window: int,
    steps: int,
    levels: Sequence[float],
    periods: Sequence[int] = (),
) -> Baselines:
    """Let the simple baselines learn.

    Args:
        train: `(T,)` training rows of the target, for the units of scaled scores, the share of exponential smoothing
            and the least volatility.
        history: `(U,)` training and validation rows, for quantiles.
        window: Rows of history that baselines without a season see, L.
        steps: Steps ahead H.
        levels: The K levels, ascending.
        periods: Rows of each season, as `kerasforecast.baselines.periods.find_periods` finds them.
    """
    volatility = volatility_of(history, train)
    share, season = best_share(train, window, steps), periods[0] if periods else 1
    tables = {
        "naive": residual_table(history, steps, levels, volatility),
        "ewma": ewma_table(steps, levels),
        "ewma_fhs": ewma_fhs_table(history, window, steps, levels, volatility),
    }
    tables |= _error_tables(history, window, steps, levels, volatility, share)
    tables |= _seasonal_tables(history, steps, levels, volatility, periods)
    return Baselines(
        window=window,
        steps=steps,
        levels=tuple(levels),
        period=season,
        periods=tuple(periods),
        share=share,
        volatility=volatility,
        scales=seasonal_scales(train, season if season < len(train) else 1),
        tables={name: tuple(map(tuple, table.tolist())) for name, table in tables.items()},
    )


def learn_baselines(config: Config, panel: Panel, split: Split, like: Baselines | None = None) -> Baselines:
    """Let the simple baselines learn from the rows before the test part of the one series of `panel`.

    Args:
        config: Window, steps, levels, and the season where it is given.
        panel: The series.
        split: Its parts. Validation says which baseline is the best.
        like: Those of another stretch of the series, whose seasons and best are to hold here too.

    Raises:
        DataError: The panel holds several series.
        OptionError: The season given is longer than half of the training rows.
    """
    series = panel.single("the simple baselines")
    target = series.values[:, 0]
    train = target[: split.train_end]
    periods = like.periods if like else _periods(config.evaluation.period, train, series.frequency)
    window, steps = config.network.window, config.steps
    found = fit_baselines(train, target[: split.validation_end], window, steps, config.levels, periods)
    if like:
        return found.model_copy(update={"best": like.best, "best_intervals": like.best_intervals})
    origins = split.origins("validation", steps)
    return found.after_validation(windows_of(panel, origins, window, steps)) if len(origins) else found


def _periods(given: int | None, train: np.ndarray, frequency: str | None) -> tuple[int, ...]:
    if given is None:
        return find_periods(train, calendar_periods(frequency))
    if given > len(train) // 2:
        raise OptionError(
            f"--period must fit twice into the {len(train):,} training rows. Received: {given}. "
            "Give a shorter one, or more rows."
        )
    return (given,) if given > 1 else ()


def _window_points(name: str, windows: np.ndarray, steps: int, share: float | None) -> np.ndarray:
    """Forecasts `(N, H)` of a rule that windows `(N, L)` suffice for."""
    if name == "drift":
        return drift(windows, steps)
    if name == "moving_average":
        return moving_average(windows, steps)
    return smoothing(windows, steps, share) if name == "smoothing" and share else naive(windows, steps)


def _error_tables(
    history: np.ndarray, window: int, steps: int, levels: Sequence[float], volatility: Volatility, share: float
) -> dict[str, np.ndarray]:
    """Quantiles `(H, K)` of the errors that the rules with a window of their own made in the history."""
    views = sliding_window_view(history, window + steps)  # (N, L + H), no copy
    chunks = [views[start : start + _CHUNK, :window] for start in range(0, len(views), _CHUNK)]
    tables = {}
    for name in ("drift", "moving_average", "smoothing"):
        point = np.concatenate([_window_points(name, chunk, steps, share) for chunk in chunks])
        if not volatility.logarithmic or np.all(point > 0):  # a steep line may cross zero far ahead
            tables[name] = np.quantile(volatility.moves(point, views[:, window:]), levels, axis=0).T
    return tables


def _seasonal_tables(
    history: np.ndarray, steps: int, levels: Sequence[float], volatility: Volatility, periods: Sequence[int]
) -> dict[str, np.ndarray]:
    """The same of the rules with a season, a step at a time: memory grows with the rows of the history."""
    tables = {}
    for name in [seasonal_name(kind, period) for period in periods for kind in RULES]:
        table = [_seasonal_errors(history, step, levels, volatility, name) for step in range(1, steps + 1)]
        if all(row is not None for row in table):
            tables[name] = np.array(table)
    return tables


def _seasonal_errors(
    history: np.ndarray, step: int, levels: Sequence[float], volatility: Volatility, name: str
) -> np.ndarray | None:
    kind, period = season_of(name) or ("naive", 1)
    first = period if kind == "naive" else 2 * period  # rows that the rule needs
    rows = np.arange(first - 1, len(history) - step)
    if not len(rows):
        return None
    point = RULES[kind](Origins.of_one(history, rows), [step], period)[:, 0]
    if volatility.logarithmic and np.any(point <= 0):
        return None
    return np.quantile(volatility.moves(point, history[rows + step]), levels)

"""Every simple baseline with what it learned from the history: a loaded model still knows what it has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import BaseModel, ConfigDict, Field

from kerasforecast.baselines.simple import (
    ewma_fhs_table,
    ewma_table,
    find_period,
    naive,
    point_baselines,
    residual_table,
    scaled_quantiles,
)
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.metrics.point import seasonal_scales
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.volatility import Volatility, volatility_of

Level = Annotated[float, Field(gt=0, lt=1)]
Table = Annotated[
    tuple[Annotated[tuple[float, ...], Field(max_length=100)], ...], Field(max_length=1_000)
]  # (H, K): a step, a level
Name = Literal["naive", "drift", "seasonal_naive", "moving_average", "ewma", "ewma_fhs"]
_SCALED = ("ewma", "ewma_fhs")  # a normal step's volatility is the window's own


class Baselines(BaseModel):
    """The simple baselines after learning from the training and validation rows; part of the manifest.

    Attributes:
        window: Rows of history each sees.
        steps: Steps ahead.
        levels: Levels of their quantiles, ascending.
        period: Rows of one season; 1 for none.
        volatility: How moves are measured.
        scales: Mean and root mean square of the changes over one season in training: the units of MASE and RMSSE.
        tables: Per baseline, quantiles of its errors by step and level: as moves, or in units of volatility for `ewma`
            and `ewma_fhs`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    window: int = Field(ge=2, le=10_000)
    steps: int = Field(ge=1, le=1_000)
    levels: tuple[Level, ...] = Field(min_length=1, max_length=100)
    period: int = Field(ge=1, le=10**6)
    volatility: Volatility
    scales: tuple[float, float]
    tables: dict[Name, Table]

    def forecasts(self, windows: np.ndarray) -> dict[str, Forecast]:
        """Every baseline's forecasts of windows `(N, L)`, price units, oldest value first."""
        windows = np.asarray(windows, dtype=np.float64)
        last = naive(windows, self.steps)
        points = point_baselines(windows, self.steps, self.period) | dict.fromkeys(_SCALED, last)
        return {name: Forecast(point, self._quantiles(name, windows, point)) for name, point in points.items()}

    def _quantiles(self, name: str, windows: np.ndarray, point: np.ndarray) -> np.ndarray | None:
        if name not in self.tables:
            return None
        table = np.array(self.tables[name])  # type: ignore[index]
        if name in _SCALED:
            return scaled_quantiles(windows, table, self.volatility)
        return self.volatility.around(point, table)


def fit_baselines(
    train: np.ndarray,
    history: np.ndarray,
    window: int,
    steps: int,
    levels: Sequence[float],
    period: int | None = None,
) -> Baselines:
    """Let the simple baselines learn.

    Args:
        train: `(T,)` training rows of the target, for the period, the units of scaled scores, and the least volatility.
        history: `(U,)` training and validation rows, for quantiles.
        window: Rows of history each baseline sees, L.
        steps: Steps ahead H.
        levels: The K levels, ascending.
        period: Rows of one season; looked for in the training rows, no longer than a window, where `None`.

    Raises:
        OptionError: The given period does not fit into the window.
    """
    if period is not None and period > window:
        raise OptionError(f"--period must fit into the window of {window} rows. Received: {period}. Use --window.")
    season = period or find_period(train, longest=window)
    volatility = volatility_of(history, train)
    tables = {
        "naive": residual_table(history, steps, levels, volatility),
        "ewma": ewma_table(steps, levels),
        "ewma_fhs": ewma_fhs_table(history, window, steps, levels, volatility),
    }
    if 1 < season <= window:
        tables["seasonal_naive"] = residual_table(history, steps, levels, volatility, season)
    tables |= _error_tables(history, window, steps, levels, volatility)
    return Baselines(
        window=window,
        steps=steps,
        levels=tuple(levels),
        period=season,
        volatility=volatility,
        scales=seasonal_scales(train, season if season < len(train) else 1),
        tables={name: tuple(map(tuple, table.tolist())) for name, table in tables.items()},
    )


def learn_baselines(config: Config, panel: Panel, split: Split) -> Baselines:
    """Let the simple baselines learn from the rows before the test part of the one series of `panel`.

    Raises:
        DataError: It holds several.
    """
    target = panel.single("the simple baselines").values[:, 0]
    return fit_baselines(
        target[: split.train_end],
        target[: split.validation_end],
        config.network.window,
        config.steps,
        config.levels,
        config.evaluation.period,
    )


def _error_tables(
    history: np.ndarray, window: int, steps: int, levels: Sequence[float], volatility: Volatility
) -> dict[str, np.ndarray]:
    """Quantiles `(H, K)` of the errors that drift and moving average made in the history."""
    views = sliding_window_view(history, window + steps)  # (N, L + H)
    points, after = point_baselines(views[:, :window], steps), views[:, window:]
    return {
        name: np.quantile(volatility.moves(points[name], after), levels, axis=0).T
        for name in ("drift", "moving_average")
        if not volatility.logarithmic or np.all(points[name] > 0)  # a steep line may cross zero far ahead
    }

"""What happened after a number of origins, and in which units forecasts of it are scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kerasforecast.metrics.panels import BySeries

_AT_ONCE = 2**21  # quantiles of one contestant that are scored together, 16 MiB: few enough for the caches


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What happened after N origins, and by what it is scored.

    Attributes:
        actual: `(N, H)`, price units, in time order; one series after another where there are several.
        last: `(N,)` last observed value at each origin.
        levels: The K levels of all quantiles.
        scales: Units of MASE and RMSSE, as `kerasforecast.metrics.point.seasonal_scales` gives them: a pair, or of
            several series `(M, 2)`, NaN or 0 where a series has none.
        series: `(N,)` integers, which of the M series each origin belongs to; `None` for a lone one.
        times: `(N,)` integers, the date of each origin; needed where there are several series.
    """

    actual: np.ndarray
    last: np.ndarray
    levels: tuple[float, ...] = ()
    scales: tuple[float, float] | np.ndarray | None = None
    series: np.ndarray | None = None
    times: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.series is not None and (self.times is None or not isinstance(self.scales, np.ndarray)):
            raise ValueError("Outcomes of several series need the time of each origin and scales of each series.")

    def at(self, indices: slice | np.ndarray, scales: tuple[float, float] | np.ndarray | None = None) -> Outcomes:
        """Those of the origins at `indices`, in other units where given."""
        return replace(
            self,
            actual=self.actual[indices],
            last=self.last[indices],
            scales=self.scales if scales is None else scales,
            series=None if self.series is None else self.series[indices],
            times=None if self.times is None else self.times[indices],
        )

    def stretches(self) -> Iterator[slice]:
        """All origins, as many at a time as have quantiles that are worth holding together."""
        count = max(1, _AT_ONCE // (self.actual.shape[1] * max(1, len(self.levels))))
        return (slice(start, start + count) for start in range(0, len(self.actual), count))

    @cached_property
    def grouped(self) -> BySeries | None:
        """The windows of each series; `None` for a lone one."""
        return None if self.series is None else BySeries(self.series, len(self.units))

    @property
    def units(self) -> np.ndarray:
        """The scales `(M, 2)` of several series."""
        return np.asarray(self.scales, np.float64)

    @property
    def pair(self) -> tuple[float, float] | None:
        """The scales of a lone series; several have none in common."""
        if self.series is not None or self.scales is None:
            return None
        return float(self.scales[0]), float(self.scales[1])

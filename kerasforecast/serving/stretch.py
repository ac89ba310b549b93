"""What a model said one step ahead over a stretch of rows, and what came: all that drift is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import parsed
from kerasforecast.evaluation.learned import continues, learned_windows
from kerasforecast.preprocessing.windows import Windows, all_origins, windows_of

if TYPE_CHECKING:
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model

_FEWEST = 6  # rows of a window that say how much it moves
_LATEST = 5_000  # windows that are looked back at, at most


@dataclass(frozen=True, eq=False)
class Stretch:
    """N one-step forecasts with their outcomes, in order of time.

    Attributes:
        times: `(N,)` dates or steps of the outcomes.
        ids: `(N,)` places of their series.
        actual: `(N,)` price units.
        point: `(N,)` price units.
        last: `(N,)` the last value before each, which the naive forecast repeats.
        errors: `(N,)` actual less forecast; as log-ratios where the model measures moves so: they do not grow with a
            price.
        quantiles: `(N, K)` as issued, adapting as outcomes came; `None` without intervals.
        fixed: `(N, K)` as they would have been had they not adapted.
        inputs: By past column `(N,)` the newest change of the input, in units of the root mean square of the changes in
            the window before it.
    """

    times: pd.Index
    ids: np.ndarray
    actual: np.ndarray
    point: np.ndarray
    last: np.ndarray
    errors: np.ndarray
    quantiles: np.ndarray | None
    fixed: np.ndarray | None
    inputs: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.actual)

    def at(self, rows: np.ndarray) -> Stretch:
        """The forecasts at `rows`."""
        return replace(
            self,
            times=self.times[rows],
            quantiles=None if self.quantiles is None else self.quantiles[rows],
            fixed=None if self.fixed is None else self.fixed[rows],
            inputs={name: values[rows] for name, values in self.inputs.items()},
            **{name: getattr(self, name)[rows] for name in ("ids", "actual", "point", "last", "errors")},
        )

    def newest(self, dates: int) -> Stretch:
        """Those of the last so many dates."""
        known = self.times.unique()
        return self if len(known) <= dates else self.at(np.flatnonzero(self.times >= known[-dates]))

    def by_date(self, values: np.ndarray) -> tuple[np.ndarray, pd.Index]:
        """The mean of `values` `(N,)` over the series of each date: errors of one day go together."""
        codes, dates = pd.factorize(self.times)
        return np.bincount(codes, values) / np.bincount(codes), pd.Index(dates)


def origins_of(manifest: Manifest, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Origins in `panel` whose next row is to be watched, and those whose next row is of validation or the test part.

    Watched is what came after all data that the model was made from; of data without such rows everything. What
    watched rows are compared with is of validation too, for more rows know better what is usual.
    """
    origins = all_origins(panel, manifest.context, max(1, manifest.horizon if panel.known_columns else 1))
    record = manifest.data
    if record is None or not len(origins):
        return origins, origins[:0]
    unseen = np.zeros(len(origins), bool)
    unseen[learned_windows(manifest.learned_from, panel, origins, 1).unseen] = True
    if not continues(record, panel):
        end = parsed(record.end) if panel.dated else None
        later = unseen & np.asarray(panel.index[origins + 1] > end) if end is not None else unseen
        return origins[later if later.any() else unseen], origins[:0]
    probed = record.model_copy(update={"learned": ("train", "validation", "test")})
    parts = learned_windows(probed, panel, origins, 1)
    return origins[unseen & ~parts.test], origins[parts.test | parts.validation]


def stretch_of(model: Model, panel: Panel, origins: np.ndarray, start: np.ndarray | None) -> Stretch:
    """What the model says at `origins` of `panel`; `start` are the levels of its intervals in force at the first."""
    per_series = max(1, _LATEST // max(1, len(panel)))
    places = panel.places(origins)
    keep = np.concatenate([np.flatnonzero(places == each)[-per_series:] for each in np.unique(places)] or [places])
    windows = windows_of(panel, origins[keep], model.manifest.window, 1, model.manifest.horizon)
    forecaster = model.forecaster
    start = None if start is None else start[:1]
    issued, _ = forecaster.in_sequence(windows, start)
    levels = None if issued.quantiles is None else start
    fixed = None if issued.quantiles is None else _fixed(model, windows, levels)
    actual, point = windows.targets()[:, 0], issued.point[:, 0]
    times = panel.index[windows.origins + 1]
    found = Stretch(
        times,
        panel.places(windows.origins),
        actual,
        point,
        windows.last(),
        moved(model, point, actual),
        None if issued.quantiles is None else issued.quantiles[:, 0],
        fixed,
        _inputs(panel, windows),
    )
    return found.at(np.argsort(times, kind="stable"))


def moved(model: Model, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """From `before` to `after`, as the model measures moves; plain differences where a value is not positive."""
    volatility = model.forecaster.volatility
    if volatility is None or (volatility.logarithmic and not (np.all(before > 0) and np.all(after > 0))):
        return after - before
    return volatility.moves(before, after)


def _fixed(model: Model, windows: Windows, levels: np.ndarray | None) -> np.ndarray:
    found = model.forecaster.one_by_one(windows, 1, levels).quantiles
    if found is None:
        raise ValueError("A model with a calibration has quantiles.")
    return found[:, 0]


def _inputs(panel: Panel, windows: Windows) -> dict[str, np.ndarray]:
    names: Sequence[str] = panel.past_columns
    if windows.window < _FEWEST:
        return {}
    parts = []
    for chunk in windows.chunks():
        past = windows.batch(chunk).past.astype(np.float64)  # (n, L, F)
        changes = np.diff(past, axis=1)  # levels of neighbouring windows are the same ones
        before, newest = changes[:, :-1], changes[:, -1]
        spread = np.sqrt((before**2).mean(axis=1))
        known = spread > 1e-9 * np.abs(past).max(axis=1)
        parts.append(np.where(known, newest / np.where(known, spread, 1.0), 0.0))
    values = np.concatenate(parts)
    return {name: values[:, place] for place, name in enumerate(names)}

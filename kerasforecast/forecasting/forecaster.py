"""A network together with its intervals: what every forecast that leaves the package is made by."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.config import Config
from kerasforecast.data.future import reaching
from kerasforecast.data.future_dates import future_dates
from kerasforecast.data.id_column import id_column
from kerasforecast.data.panel import Panel
from kerasforecast.data.precision import short_decimals
from kerasforecast.errors import whole_number
from kerasforecast.forecasting.adaptive import Adapted, adapt
from kerasforecast.forecasting.conformal import Basis, Calibration, calibrate
from kerasforecast.forecasting.forecast import Forecast, joined, quantile_column
from kerasforecast.forecasting.moves import Moves
from kerasforecast.forecasting.timeline import Timeline
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.paths import path_quantiles
from kerasforecast.preprocessing.suitability import first_after_unusable
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.volatility import Volatility
from kerasforecast.preprocessing.windows import Windows, stretches, windows_of

if TYPE_CHECKING:
    from kerasforecast.forecasting.given import Given
    from kerasforecast.forecasting.predictor import Predictor

# Outcomes that a level is adapted to at most. At the rate of `kerasforecast.forecasting.adaptive.RATE` half of
# a level's distance from where it belongs is gone after about 150 of them, so older ones have left no trace.
_REMEMBERED = 2_000
_FORECAST = 50_000  # windows of several series that their levels are adapted to at most
_HELD = 50_000_000  # numbers of paths that are held; of many windows fewer paths are kept
_PACED = 1_000  # training windows that tell how errors and volatility go together
_CALIBRATED = 200_000  # validation windows of several series that intervals are learned from at most


@dataclass(frozen=True)
class Forecaster:
    """Points from the network, intervals from its calibration.

    Attributes:
        predictor: The network.
        config: Of the fit.
        volatility: How moves are measured; `None` in files of older releases, which have no intervals.
        calibration: What validation taught; `None` before, and in files of older releases.
        adapted: Where adapting its intervals had come to, at the end of the test part.
        context: Rows of its own series that a window needs at least; the whole window where `None`.
    """

    predictor: Predictor
    config: Config
    volatility: Volatility | None = None
    calibration: Calibration | None = None
    adapted: Adapted | None = None
    context: int | None = None
    # By the hash of a series, the last one asked for: to adapt takes forecasts from all its rows since.
    _after: dict[str, tuple[np.ndarray | None]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def calibrated(self, validation: Windows, training: Windows | None = None) -> Forecaster:
        """This forecaster with intervals learned from the windows of the validation part, of one series or several.

        Where networks do not answer in units of volatility, the `training` windows of one series tell how far errors
        keep pace with it.
        """
        panel = validation.panel
        if len(panel) > 1:
            chosen = evenly(len(validation), _CALIBRATED)
            validation = replace(validation, origins=validation.origins[chosen])
        points, base, _ = self._start(validation, paths=False)
        unit = self._paced(training if len(panel) == 1 else None)
        if self._basis == "point":  # what starts from a spread of its own grows as that does
            unit = unit.grown(validation, points, self.config.levels)
        calibration = calibrate(
            points,
            base,
            unit.of_windows(validation, points),
            validation.targets(),
            self.config.levels,
            self._basis,
            self.config.network.horizon,
            Timeline.of(validation),
            panel.ids if len(panel) > 1 else None,
            self.predictor.lowest,
        )
        return replace(self, calibration=calibration.model_copy(update={"pace": unit.pace, "growth": unit.growth}))

    def _paced(self, training: Windows | None) -> Moves:
        """How moves are measured, by what the training windows say of the pace of errors, where there are some."""
        if self.volatility is None:
            raise ValueError("Intervals need a volatility.")
        unit = Moves(self.volatility)
        if training is None or any(member.scaling.per_window for member in self.predictor.members):
            return unit
        few = replace(training, origins=training.origins[evenly(len(training), _PACED)])
        points, _, _ = self._start(few, paths=False)
        return unit.paced(few, points, float(Timeline.of(training).apart().sum()))

    def in_sequence(self, windows: Windows, start: np.ndarray | None = None) -> tuple[Forecast, np.ndarray | None]:
        """Forecasts of consecutive windows, whose intervals adapt to what was known at the date of each origin.

        Args:
            windows: Consecutive ones, of one series or several. Outcomes may be absent (NaN) where a series has ended.
            start: `(S, K)` levels of the intervals in force at the first; as learned, where `None`.

        Returns:
            The forecasts, and the levels in force at the origin that would come next; `None` without intervals.
        """
        points, base, paths = self._start(windows)
        if self.calibration is None or self.volatility is None:
            return Forecast(points, None, paths), None
        unit, timeline = Moves(self.volatility, self.calibration.pace, self.calibration.growth), Timeline.of(windows)
        moves = unit.of_windows(windows, points)
        if self.calibration.widths:
            moves = moves * self.calibration.widths.of(windows.panel.ids)[timeline.places][:, None]
        intervals, after = adapt(self.calibration, base, moves, windows.targets(), start, timeline=timeline)
        return Forecast(points, intervals, paths), after

    def alone(
        self, windows: Given, steps: int, levels: np.ndarray | None = None, ids: np.ndarray | None = None
    ) -> Forecast:
        """Forecasts of raw windows that stand alone: points `(B, steps)`, intervals `(B, steps, K)`.

        Args:
            windows: Raw.
            steps: Rows ahead.
            levels: `(S, K)` those in force for the intervals; as learned, where `None`.
            ids: `(B,)` of the series that each window is of; of series that were not seen, where `None`.
        """
        batch = self.predictor.checked(windows, max(steps, self.config.network.horizon))
        return self._with_intervals(self._raw(batch, steps), batch.past[:, :, 0].astype(np.float64), levels, ids)

    def _with_intervals(
        self,
        raw: tuple[np.ndarray, np.ndarray, np.ndarray | None],
        context: np.ndarray,
        levels: np.ndarray | None,
        ids: np.ndarray | None,
    ) -> Forecast:
        """Forecasts as `_raw` gives them, after the targets `context` `(B, L)`; other arguments as of `alone`."""
        points, base, paths = raw
        if self.calibration is None or self.volatility is None:
            return Forecast(points, None, paths)
        moves = Moves(self.volatility, self.calibration.pace, self.calibration.growth).of(context, points)
        if self.calibration.widths:
            moves = moves * self.calibration.widths.of(np.full(len(moves), "") if ids is None else ids)[:, None]
        return Forecast(points, self.calibration.intervals(base, moves, levels), paths)

    def one_by_one(self, windows: Windows, steps: int, levels: np.ndarray | None) -> Forecast:
        """Forecasts of windows as of `alone`, by what sees more than windows too: `levels` are alike for all."""
        ids = windows.panel.ids[windows.panel.places(windows.origins)]
        points = self.predictor.of_history(replace(windows, steps=steps))
        if points is not None:
            return self._with_intervals((points, self._around(points), None), windows.context(), levels, ids)
        return joined([self.alone(windows.batch(chunk), steps, levels, ids[chunk]) for chunk in windows.chunks()])

    def _around(self, points: np.ndarray) -> np.ndarray:
        """What intervals around points `(B, S)` start from, `(B, S, K)`."""
        return np.repeat(points[:, :, None], len(self.config.levels), axis=2)

    def ahead(self, panel: Panel, steps: int) -> pd.DataFrame:
        """Forecast the `steps` rows after each series, with intervals as adapted to all that is known by its end.

        Returns:
            One row a step, index `date` (or integer step; of several series their id, then `date`), column `forecast`
            and, where there are intervals, `q<level>`.

        Raises:
            OptionError: `steps` is no whole number, or below 1.
            DataError: A series is too short.
        """
        steps = whole_number("--steps", steps)
        found, dates = self.following(panel, steps)
        columns = {"forecast": found.point.ravel()}
        if found.quantiles is not None:
            columns |= {
                quantile_column(level): found.quantiles[:, :, k].ravel() for k, level in enumerate(self.config.levels)
            }
        if panel.key is None:
            return pd.DataFrame(columns, index=dates)
        ids = pd.Categorical.from_codes(np.repeat(np.arange(len(panel)), steps), panel.ids)
        return pd.DataFrame(columns, index=pd.MultiIndex.from_arrays([ids, dates], names=[id_column(panel), "date"]))

    def following(self, panel: Panel, steps: int) -> tuple[Forecast, pd.Index]:
        """The same as arrays: `point` `(N, steps)`, `quantiles` `(N, steps, K)` or `None`, and the dates `(N steps,)`.

        Numbers have the short decimals that stand for them in 32 bits.
        """
        windows, index = self.last_windows(panel, steps)
        found = self.one_by_one(windows, steps, self.levels_after(panel))
        rows = (np.arange(len(panel))[:, None] * windows.steps + np.arange(steps)).ravel()
        dates = index[rows].rename("date")
        if found.quantiles is None:
            return Forecast(short_decimals(found.point)), dates
        together = short_decimals(np.concatenate([found.point[:, :, None], found.quantiles], axis=2))
        return Forecast(together[:, :, 0], together[:, :, 1:]), dates

    def last_windows(self, panel: Panel, steps: int) -> tuple[Windows, pd.Index]:
        """The window at the end of each of N series, and the dates `(N R,)` of the R rows after each.

        R is the larger of `steps` and the horizon.

        Raises:
            DataError: A series is too short.
        """
        window = self.predictor.window
        # Of several series none is too short, nor is one where windows of few rows have been learned from.
        alone = len(panel) == 1 and self.context in (None, window)
        self.predictor.check_last(panel, window if alone else 1)
        reach = max(steps, self.config.network.horizon)
        index = future_dates(panel, reach)
        reached = reaching(panel, index)
        return windows_of(reached, reached.ends - 1, window, reach), index

    def levels_after(self, panel: Panel) -> np.ndarray | None:
        """Levels `(S, K)` of the intervals in force at the end of `panel`: those kept, adapted to the rows since.

        Returns:
            `None`, as learned, where none were kept or every series ends before they were: they would know its future.
        """
        found = self._after.get(panel.sha256)
        if found is None:
            found = (self._adapted_to(panel),)
            self._after.clear()
            self._after[panel.sha256] = found
        return found[0]

    def _adapted_to(self, panel: Panel) -> np.ndarray | None:
        first = self.adapted.first_rows(panel) if self.adapted else None
        if self.adapted is None or first is None:
            return None
        kept, window = np.array(self.adapted.levels), self.predictor.window
        usable = np.max([first_after_unusable(member.scaling, panel) for member in self.predictor.members], axis=0)
        starts, last = panel.starts[:-1], panel.ends - 1
        # A window of few rows mirrors those from its series' first on, so that none of them may be unusable.
        earliest = np.where(usable > starts, usable + window, starts + (self.context or window)) - 1
        origins = _few_of(np.maximum.reduce([first, earliest, last - _REMEMBERED]), last)
        if not len(origins):
            return kept
        steps = self.config.steps
        # Of the last of them some outcomes have not come, and what is known of those rows may not be at hand either.
        reached = reaching(panel, future_dates(panel, steps), hold=True) if panel.known_columns else panel
        origins = origins + (reached.starts - panel.starts)[panel.places(origins)]
        return self.in_sequence(windows_of(reached, origins, window, steps), kept)[1]

    @property
    def _basis(self) -> Basis:
        if self.predictor.paths:
            return "paths"
        if self.config.network.quantiles:
            return "quantiles"
        return "mc_dropout" if self.config.evaluation.mc_dropout else "point"

    def _start(self, windows: Windows, paths: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        if (history := self.predictor.of_history(windows)) is not None:
            return history, self._around(history), None
        parts, drawn = [], []
        kept = max(2, min(self.predictor.paths, _HELD // max(1, len(windows) * windows.steps)))
        for indices in windows.chunks():
            points, base, samples = self._raw(windows.batch(indices), windows.steps)
            parts.append((points, base))
            if paths and samples is not None:
                drawn.append(samples[:, :kept].copy())
        whole = np.concatenate(drawn) if drawn else None
        return np.concatenate([points for points, _ in parts]), np.concatenate([base for _, base in parts]), whole

    def _raw(self, windows: WindowBatch, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Points `(B, S)` and what intervals start from `(B, S, K)`, float64; paths as far as the horizon, if any."""
        horizon = self.config.network.horizon
        outputs = self.predictor.outputs(windows)
        first = self.predictor.medians(outputs)  # (B, H)
        points = self.predictor.roll(windows, steps, first) if steps > horizon else first[:, :steps]
        points = points.astype(np.float64)
        base = self._around(points)
        if self._basis in ("quantiles", "paths"):
            base[:, :horizon] = self._quantiles(outputs)[:, :steps]
        elif self._basis == "mc_dropout":
            passes = self.predictor.sample(windows, self.config.evaluation.mc_dropout, self.config.training.seed)
            base[:, :horizon] = np.moveaxis(np.quantile(passes[:, :, :steps], self.config.levels, axis=0), 0, 2)
        return points, base, outputs[:, :, :steps] if self.predictor.paths and steps <= horizon else None

    def _quantiles(self, outputs: np.ndarray) -> np.ndarray:
        """Of what the network answers, at the levels of the intervals, `(B, H, K)`."""
        return path_quantiles(outputs, self.config.levels) if self.predictor.paths else outputs


def _few_of(first: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The rows from each of `first` `(N,)` up to its `stop`, `(n,)`; of so many series at most as there is room for."""
    lengths = np.maximum(stop - first, 0)
    some = np.flatnonzero(lengths)
    if len(some) > 1 and (total := lengths.sum()) > _FORECAST:
        some = some[evenly(len(some), max(1, int(len(some) * _FORECAST / total)))]
    return stretches(first[some], stop[some]).astype(np.int64)

"""What a model that draws whole paths answers: the paths, and how likely something is to happen on them."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kerasforecast.errors import OptionError, callers_words, shown, whole_number
from kerasforecast.forecasting.events import event
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.paths import check_count, draw

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel
    from kerasforecast.forecasting.given import Given
    from kerasforecast.forecasting.predictor import Predictor

Happens = str | Callable[[np.ndarray], Any]


class OnPaths:
    """The part of `kerasforecast.Model` that draws paths.

    Attributes:
        predictor: The network.
        forecaster: The network with its intervals.
    """

    predictor: Predictor
    forecaster: Forecaster

    @abstractmethod
    def panel_from(self, data: Any = None, **options: object) -> Panel:
        """The series in `data`."""

    @callers_words()
    def sample(self, windows: Given, steps: int | None = None, paths: int = 100, seed: int = 0) -> np.ndarray:
        """Future paths `(B, S, H)` float32 of raw windows, raw values, each equally likely.

        Args:
            windows: As in `predict`.
            steps: Rows ahead, the horizon where not given. Beyond it each path goes on by itself: it is put after its
                window, and one path of that is drawn.
            paths: How many of each window.
            seed: Of the noise; one seed gives the same paths on every backend, but for rounding.

        Raises:
            OptionError: The model draws no paths.
        """
        steps = self.predictor.horizon if steps is None else whole_number("--steps", steps)
        return draw(self.predictor, self.predictor.checked(windows, steps), steps, check_count(paths), seed)

    @callers_words()
    def paths(
        self, steps: int | None = None, data: Any = None, *, paths: int = 100, seed: int = 0, **options: object
    ) -> pd.DataFrame:
        """Paths of the `steps` rows that follow each series of `data`, as a long table.

        Args:
            steps: Rows ahead, those that were scored where not given; beyond the horizon as in `sample`.
            data: As in `forecast`.
            paths: How many of each series.
            seed: Of the noise.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Returns:
            Columns `path` (from 1), `date` and `value`; of several series their id before them.

        Raises:
            OptionError: The model draws no paths.
            DataError: A series is too short.
        """
        panel, steps = self.panel_from(data, **options), self._steps(steps)
        drawn, dates, _ = self._ahead(panel, steps, paths, seed)
        count = drawn.shape[0]
        columns: dict[str, Any] = {
            "path": np.tile(np.repeat(np.arange(1, paths + 1), steps), count),
            "date": np.tile(dates.reshape(count, 1, steps), (1, paths, 1)).ravel(),
            "value": drawn.ravel(),
        }
        if panel.key is not None:
            ids = pd.Categorical.from_codes(np.repeat(np.arange(count), paths * steps), panel.ids)
            columns = {panel.key: ids, **columns}
        return pd.DataFrame(columns)

    @callers_words()
    def probability(
        self,
        happens: Happens,
        steps: int | None = None,
        data: Any = None,
        *,
        paths: int = 1_000,
        seed: int = 0,
        **options: object,
    ) -> pd.DataFrame:
        """How likely something is to happen within the `steps` rows that follow each series of `data`.

        Args:
            happens: An event as text, e.g. `"min < 190"` (`kerasforecast.forecasting.events` has the words), or a
                function of a path `(H,)`, raw values, that says whether it happens.
            steps: Rows ahead, those that were scored where not given.
            data: As in `forecast`.
            paths: How many paths of each series are looked at.
            seed: Of the noise.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Returns:
            A row a series, index their ids (of a lone one its name); columns `probability` and `standard_error`, that
            of a share of so many paths.

        Raises:
            OptionError: The event cannot be read, or the model draws no paths.
        """
        asked = event(happens) if isinstance(happens, str) else None
        if asked is None and not callable(happens):
            raise OptionError(f"An event is a text or a function of a path. Received: {shown(happens)}.")
        panel = self.panel_from(data, **options)
        drawn, _, now = self._ahead(panel, self._steps(steps), paths, seed)
        if asked is not None:
            found = asked.on(drawn, now)
        else:
            found = np.array([[bool(happens(path)) for path in own] for own in drawn])  # type: ignore[operator]
        shares = found.mean(axis=1)
        errors = [math.sqrt(share * (1 - share) / paths) for share in shares]
        names = pd.Index(panel.ids, name=panel.key)
        return pd.DataFrame({"probability": shares, "standard_error": errors}, index=names)

    def _steps(self, given: int | None) -> int:
        """Rows ahead, as many as were scored where nobody says."""
        return self.forecaster.config.steps if given is None else whole_number("--steps", given)

    def _ahead(self, panel: Panel, steps: int, paths: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Paths `(N, S, steps)` after each of N series, their dates `(N, steps)`, and the last known values `(N,)`."""
        paths = check_count(paths)
        windows, index = self.forecaster.last_windows(panel, steps)
        parts = [
            draw(self.predictor, self.predictor.checked(windows.batch(chunk), steps), steps, paths, seed)
            for chunk in windows.chunks()
        ]
        dates = index.to_numpy().reshape(len(panel), windows.steps)[:, :steps]
        return np.concatenate(parts), dates, windows.last()

"""What a model answers to raw windows as arrays, which know neither dates nor series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.errors import ArtifactError, callers_words, whole_number
from kerasforecast.forecasting.forecaster import Forecaster

if TYPE_CHECKING:
    from kerasforecast.forecasting.given import Given
    from kerasforecast.forecasting.predictor import Predictor


class OnWindows:
    """The part of `kerasforecast.Model` that takes windows.

    Attributes:
        predictor: The network.
        forecaster: The network with its intervals.
    """

    predictor: Predictor
    forecaster: Forecaster

    @callers_words()
    def predict(self, windows: Given) -> np.ndarray:
        """Forecasts `(B, H)` float32 of windows, both in raw prices; those of a quantile head are its medians.

        Args:
            windows: `(B, L, F)`, the target and the columns of `manifest.roles.past`; a single window may come as
                `(L, F)`, windows of one column as `(B, L)`. For a model that takes more, arrays by name: `past`, and
                `known` `(B, L + H, K)`, the columns of `manifest.roles.known`.
        """
        return self.predictor.predict(windows)

    @callers_words()
    def predict_quantiles(self, windows: Given, steps: int | None = None) -> np.ndarray:
        """Calibrated quantiles `(B, H, K)` float64 of windows that stand alone, raw prices.

        Args:
            windows: As in `predict`.
            steps: Rows ahead, H where not given; beyond the horizon forecasts become inputs, and the other columns are
                held at their last values, for windows have no dates.

        Returns:
            Ascending over K, the levels of `config.levels`.

        Raises:
            ArtifactError: The model was written by a release without intervals.
        """
        steps = self.forecaster.config.network.horizon if steps is None else whole_number("--steps", steps)
        intervals = self.forecaster.alone(windows, steps).quantiles
        if intervals is None:
            raise ArtifactError("This model has no prediction intervals for these windows. Train it again.")
        return intervals

    @callers_words()
    def states(self, windows: Given) -> tuple[np.ndarray, ...]:
        """Final states after raw windows: h (short-term) and c (long-term), each `(layers, B, units)`.

        GRU and plain RNN have h alone; a bidirectional layer counts twice, forward first.
        """
        return self.predictor.states(windows)

    @callers_words()
    def decompose(self, windows: Given) -> dict[str, np.ndarray]:
        """What the forecasts of raw windows are the sum of: `trend` and `season`, `(B, H)` each, raw values.

        Where columns are known ahead their part is `known`. Of an interpretable N-BEATS alone (`model="nbeats",
        basis="interpretable"`); `windows` as in `predict`.
        """
        return self.predictor.parts(windows)

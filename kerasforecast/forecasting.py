"""Forecasts from a trained network: windows in, prices out; one block of steps, or rolled forward."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
import pandas as pd

from kerasforecast.config import NetworkConfig
from kerasforecast.data.calendars import future_index
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, OptionError, shown
from kerasforecast.models import build, build_states, set_weights, states_per_cell
from kerasforecast.scaling import FittedScaling

_BATCH = 1_024


class Predictor:
    """A trained network that takes and returns raw prices.

    Args:
        config: The network's configuration.
        scaling: Its fitted scaling.
        weights: In the order of `kerasforecast.models.merged_weights`.
    """

    def __init__(self, config: NetworkConfig, scaling: FittedScaling, weights: Sequence[np.ndarray]) -> None:
        self.config = config
        self.scaling = scaling
        self.weights = tuple(weights)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("config", "scaling", "weights")}  # networks are built again

    @cached_property
    def network(self) -> keras.Model:
        """The inference network, `(B, L, F)` raw to `(B, H)` raw."""
        model = build(self.config, self.scaling, "inference")
        set_weights(model, self.weights)
        return model

    @cached_property
    def _state_network(self) -> keras.Model:
        model = build_states(self.config, self.scaling)
        set_weights(model, self.weights[: sum(len(layer.weights) for layer in model.layers)])
        return model

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Forecasts `(B, H)` float32, raw prices, of raw windows `(B, L, F)`.

        Raises:
            DataError: The windows have another shape, or values that are not finite, or not positive where the network
                takes logs.
        """
        windows = self._checked(windows)
        chunks = [windows[start : start + _BATCH] for start in range(0, len(windows), _BATCH)]
        parts = [_in_batches_of_two_powers(self.network, chunk) for chunk in chunks]
        return np.concatenate(parts) if parts else np.empty((0, self.config.horizon), np.float32)

    def states(self, windows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Final states after raw windows `(B, L, F)`: h (short-term) and, where the cell has one, c (long-term).

        Each is `(layers, B, units)`; a bidirectional layer counts twice, forward first.
        """
        outputs = self._state_network.predict_on_batch(self._checked(windows))
        outputs = outputs if isinstance(outputs, list) else [outputs]  # Keras unpacks a single one
        kinds = states_per_cell(self.config)
        return tuple(np.stack(outputs[kind::kinds]) for kind in range(kinds))

    def roll_forward(self, series: Series, steps: int) -> pd.DataFrame:
        """Forecast the `steps` rows after `series`: the network's own forecasts become its inputs.

        Columns other than the target stay at their last observed value.

        Args:
            series: At least `window` rows, columns as in training.
            steps: Rows ahead, any number; the network is asked once per `horizon` of them.

        Returns:
            One row a step, index the date (or integer step), column `forecast` in price units.

        Raises:
            OptionError: `steps` is below 1.
            DataError: The series is too short or has other columns.
        """
        if steps < 1:
            raise OptionError(f"--steps must be 1 or more. Received: {shown(steps)}.")
        window = self._last_window(series)
        forecasts: list[float] = []
        while len(forecasts) < steps:
            block = self.predict(window[None])[0]  # (H,)
            forecasts += [float(str(value)) for value in block]  # the short decimal of a float32, not its tail
            rows = np.repeat(window[-1:], len(block), axis=0)  # (H, F)
            rows[:, 0] = block
            window = np.concatenate([window, rows])[-self.config.window :]
        index = future_index(series, steps)
        return pd.DataFrame({"forecast": forecasts[:steps]}, index=index.rename("date"))

    def _last_window(self, series: Series) -> np.ndarray:
        if len(series) < self.config.window:
            raise DataError(
                f"{series.name}: a forecast needs a window of {self.config.window} rows. Received: {len(series)} rows."
            )
        return series.values[-self.config.window :].astype(np.float32)  # (L, F)

    def _checked(self, windows: np.ndarray) -> np.ndarray:
        windows = np.asarray(windows, dtype=np.float32)
        wanted = (self.config.window, len(self.scaling.transforms))
        if windows.ndim != 3 or windows.shape[1:] != wanted:
            raise DataError(f"Windows must have shape (B, {wanted[0]}, {wanted[1]}). Received: {windows.shape}.")
        if not np.isfinite(windows).all():
            raise DataError("Windows must be finite. Received: NaN or infinity. Drop or fill such rows first.")
        logs = [place for place, transform in enumerate(self.scaling.transforms) if transform == "log"]
        if logs and (windows[:, :, logs] <= 0).any():
            raise DataError("Windows must be positive for log returns. Received: zero or negative values.")
        return windows


def _in_batches_of_two_powers(network: keras.Model, windows: np.ndarray) -> np.ndarray:
    """Predict a batch padded to a power of two: XLA compiles once per shape, so few shapes mean few compilations."""
    count = len(windows)
    size = 1 << (count - 1).bit_length()
    padding = np.repeat(windows[:1], size - count, axis=0)
    return np.asarray(network.predict_on_batch(np.concatenate([windows, padding])))[:count]

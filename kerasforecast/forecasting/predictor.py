"""Forecasts from a trained network: windows in, prices out; one block of steps, or rolled forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np

from kerasforecast.config import NetworkConfig
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.models.families.recurrent import states_per_cell
from kerasforecast.models.lean import answering
from kerasforecast.models.network import build, build_states, set_weights
from kerasforecast.models.role import Role
from kerasforecast.preprocessing.scaling import FittedScaling

_BATCH = 1_024


class Predictor:
    """A trained network that takes and returns raw prices.

    Args:
        config: The network's configuration.
        scaling: Its fitted scaling.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
    """

    def __init__(self, config: NetworkConfig, scaling: FittedScaling, weights: Sequence[np.ndarray]) -> None:
        self.config = config
        self.scaling = scaling
        self.weights = tuple(weights)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("config", "scaling", "weights")}  # networks are built again

    @cached_property
    def network(self) -> keras.Model:
        """The inference network, `(B, L, F)` raw to `(B, H)` or `(B, H, K)` raw."""
        return self._built("inference")

    @cached_property
    def _answer(self) -> Callable[[np.ndarray], np.ndarray]:
        return answering(self.network)

    @cached_property
    def _sampling_network(self) -> keras.Model:
        return self._built("sampling")

    @cached_property
    def _state_network(self) -> keras.Model:
        model = build_states(self.config, self.scaling)
        set_weights(model, self.weights[: sum(len(layer.weights) for layer in model.layers)])
        return model

    def _built(self, role: Role) -> keras.Model:
        model = build(self.config, self.scaling, role)
        set_weights(model, self.weights)
        return model

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Forecasts `(B, H)` float32, raw prices, of raw windows `(B, L, F)`: the median of a quantile head.

        Raises:
            DataError: The windows have another shape, or values that are not finite, or not positive where the network
                takes logs.
        """
        return self.medians(self.outputs(windows))

    def outputs(self, windows: np.ndarray) -> np.ndarray:
        """What the network answers: `(B, H)`, or quantiles `(B, H, K)` of a quantile head; raw prices, float32."""
        return self._answers(self._answer, windows)

    def medians(self, outputs: np.ndarray) -> np.ndarray:
        """The forecasts `(B, H)` in the network's `outputs`."""
        levels = self.config.quantiles
        return outputs[:, :, levels.index(0.5)] if levels else outputs

    def sample(self, windows: np.ndarray, passes: int, seed: int) -> np.ndarray:
        """Forecasts `(passes, B, H)` with dropout on (Gal & Ghahramani 2016), raw prices, of raw windows `(B, L, F)`.

        The same seed, windows and backend give the same passes; masks differ between backends.
        """
        dropouts = [layer for layer in self._sampling_network.layers if isinstance(layer, keras.layers.Dropout)]
        found = []
        for number in range(passes):
            for place, layer in enumerate(dropouts):
                state = np.random.SeedSequence([seed, 4, place, number]).generate_state(2) >> 1
                layer.seed_generator.state.assign(state.astype(layer.seed_generator.state.dtype))
            found.append(self._answers(self._sampling_network.predict_on_batch, windows))
        return np.stack(found)

    def roll(self, windows: np.ndarray, steps: int, first: np.ndarray | None = None) -> np.ndarray:
        """Forecasts `(B, steps)` of raw windows `(B, L, F)`: beyond the horizon, forecasts become inputs.

        Columns other than the target stay at their last observed value. `first` is what `predict` gives for `windows`,
        where it is known.
        """
        windows = self._checked(windows)
        found = [self.predict(windows) if first is None else first]
        while sum(block.shape[1] for block in found) < steps:
            rows = np.repeat(windows[:, -1:], self.config.horizon, axis=1)  # (B, H, F)
            rows[:, :, 0] = found[-1]
            windows = np.concatenate([windows, rows], axis=1)[:, -self.config.window :]
            found.append(self.predict(windows))
        return np.concatenate(found, axis=1)[:, :steps]

    def states(self, windows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Final states after raw windows `(B, L, F)`: h (short-term) and, where the cell has one, c (long-term).

        Each is `(layers, B, units)`; a bidirectional layer counts twice, forward first.
        """
        outputs = self._state_network.predict_on_batch(self._checked(windows))
        outputs = outputs if isinstance(outputs, list) else [outputs]  # Keras unpacks a single one
        kinds = states_per_cell(self.config)
        return tuple(np.stack(outputs[kind::kinds]) for kind in range(kinds))

    def last_window(self, series: Series) -> np.ndarray:
        """The window `(L, F)` float32 that ends with `series`.

        Raises:
            DataError: The series is shorter.
        """
        if len(series) < self.config.window:
            raise DataError(
                f"{series.name}: a forecast needs a window of {self.config.window} rows. Received: {len(series)} rows."
            )
        return series.values[-self.config.window :].astype(np.float32)

    def _answers(self, answer: Callable[[np.ndarray], np.ndarray], windows: np.ndarray) -> np.ndarray:
        windows = self._checked(windows)
        chunks = [windows[start : start + _BATCH] for start in range(0, len(windows), _BATCH)]
        parts = [_padded_to_two_power(answer, chunk) for chunk in chunks]
        levels = (len(self.config.quantiles),) if self.config.quantiles else ()
        return np.concatenate(parts) if parts else np.empty((0, self.config.horizon, *levels), np.float32)

    def _checked(self, windows: np.ndarray) -> np.ndarray:
        windows = np.asarray(windows, dtype=np.float32)
        wanted = (self.config.window, len(self.scaling.transforms))
        if windows.ndim != 3 or windows.shape[1:] != wanted:
            raise DataError(f"Windows must have shape (B, {wanted[0]}, {wanted[1]}). Received: {windows.shape}.")
        if not np.isfinite(windows).all():
            raise DataError("Windows must be finite. Received: NaN or infinity. Drop or fill such rows first.")
        logs = self.scaling.logged
        if logs and (windows[:, :, logs] <= 0).any():
            raise DataError("Windows must be positive for log returns. Received: zero or negative values.")
        return windows


def _padded_to_two_power(answer: Callable[[np.ndarray], np.ndarray], windows: np.ndarray) -> np.ndarray:
    """Answers to a batch padded to a power of two: XLA compiles once per shape, so few shapes mean few compilations."""
    count = len(windows)
    size = 1 << (count - 1).bit_length()
    padding = np.repeat(windows[:1], size - count, axis=0)
    return np.asarray(answer(np.concatenate([windows, padding])))[:count]

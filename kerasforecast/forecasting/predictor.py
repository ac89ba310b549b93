"""Forecasts from a trained network: windows in, prices out; one block of steps, or rolled forward."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np

from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.layers.direct import answering
from kerasforecast.models.families.base import Role
from kerasforecast.models.member import Member
from kerasforecast.models.network import build_model, build_states, every_layer, set_weights
from kerasforecast.runtime.forks import refuse_fork

_BATCH = 1_024
_BUILDING = threading.RLock()  # Keras gives layers names by counts of its own


class Predictor:
    """The trained network of a model, which takes and returns raw values.

    Args:
        members: The networks it is made of: one, or several whose weighted mean it gives.
        weights: In the order of `kerasforecast.models.network.merged_weights`, those of one member after another's.

    Attributes:
        window: Rows of context L, the longest of the members'.
        horizon: Rows ahead H that it forecasts at once.
        levels: Quantile levels of its head, none for a point forecast.
    """

    def __init__(self, members: Sequence[Member], weights: Sequence[np.ndarray]) -> None:
        self.members = tuple(members)
        self.weights = tuple(weights)
        self._alone = threading.RLock()  # dropout's seeds are the network's, and so one thread's at a time
        first = self.members[0].network
        self.window = max(member.network.window for member in self.members)
        self.horizon, self.levels = first.horizon, first.quantiles

    def __getstate__(self) -> dict[str, Any]:
        kept = ("members", "weights", "window", "horizon", "levels")
        return {name: getattr(self, name) for name in kept}  # networks are built again

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_alone": threading.RLock()}

    @cached_property
    def network(self) -> keras.Model:
        """The inference network, `(B, L, F)` raw to `(B, H)` or `(B, H, K)` raw."""
        return self._built("inference")

    @cached_property
    def _answer(self) -> Callable[[np.ndarray], np.ndarray]:
        return answering(self.network)

    @cached_property
    def sampling_network(self) -> keras.Model:
        """The same with dropout on."""
        return self._built("sampling")

    @cached_property
    def _state_network(self) -> keras.Model:
        with _BUILDING:
            model = build_states(self.members[0].network, self.members[0].scaling)
            set_weights(model, self.weights[: sum(len(layer.weights) for layer in model.layers)])
        return model

    def _built(self, role: Role) -> keras.Model:
        refuse_fork()
        with _BUILDING:
            model = build_model(self.members, role)
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
        return outputs[:, :, self.levels.index(0.5)] if self.levels else outputs

    def sample(self, windows: np.ndarray, passes: int, seed: int) -> np.ndarray:
        """Forecasts `(passes, B, H)` with dropout on (Gal & Ghahramani 2016), raw prices, of raw windows `(B, L, F)`.

        The same seed, windows and backend give the same passes; masks differ between backends.
        """
        return np.stack([self.sample_once(windows, [seed, 4], number) for number in range(passes)])

    def sample_once(self, windows: np.ndarray, seed: Sequence[int], number: int) -> np.ndarray:
        """Pass `number` of `sample`, `(B, H)`; the masks of the n-th dropout layer follow from `(*seed, n, number)`."""
        refuse_fork()  # before the lock: a thread that stayed in the parent may have held it
        with self._alone:
            network = self.sampling_network
            dropouts = [layer for layer in every_layer(network) if isinstance(layer, keras.layers.Dropout)]
            for place, layer in enumerate(dropouts):
                state = np.random.SeedSequence([*seed, place, number]).generate_state(2) >> 1
                layer.seed_generator.state.assign(state.astype(layer.seed_generator.state.dtype))
            return self._answers(network.predict_on_batch, windows)

    def roll(self, windows: np.ndarray, steps: int, first: np.ndarray | None = None) -> np.ndarray:
        """Forecasts `(B, steps)` of raw windows `(B, L, F)`: beyond the horizon, forecasts become inputs.

        Columns other than the target stay at their last observed value. `first` is what `predict` gives for `windows`,
        where it is known.
        """
        windows = self.checked(windows)
        found = [self.predict(windows) if first is None else first]
        while sum(block.shape[1] for block in found) < steps:
            rows = np.repeat(windows[:, -1:], self.horizon, axis=1)  # (B, H, F)
            rows[:, :, 0] = found[-1]
            windows = np.concatenate([windows, rows], axis=1)[:, -self.window :]
            found.append(self.predict(windows))
        return np.concatenate(found, axis=1)[:, :steps]

    def states(self, windows: np.ndarray) -> tuple[np.ndarray, ...]:
        """The inner states of the network, of the first member's where there are several, after windows `(B, L, F)`.

        Which they are its family says; recurrent ones give h (short-term) and, where the cell has one, c (long-term),
        each `(layers, B, units)`.

        Raises:
            OptionError: Its family has no inner states.
        """
        network, windows = self.members[0].network, self.checked(windows)
        refuse_fork()
        with self._alone:
            outputs = self._state_network.predict_on_batch(windows[:, -network.window :])
        outputs = outputs if isinstance(outputs, list) else [outputs]  # Keras unpacks a single one
        return network.family.states(network.options, outputs)

    def last_window(self, series: Series) -> np.ndarray:
        """The window `(L, F)` float32 that ends with `series`.

        Raises:
            DataError: The series is shorter.
        """
        if len(series) < self.window:
            raise DataError(
                f"{series.name}: a forecast needs a window of {self.window} rows. Received: {len(series)} rows."
            )
        return series.values[-self.window :].astype(np.float32)

    def _answers(self, answer: Callable[[np.ndarray], np.ndarray], windows: np.ndarray) -> np.ndarray:
        windows = self.checked(windows)
        refuse_fork()
        chunks = [windows[start : start + _BATCH] for start in range(0, len(windows), _BATCH)]
        parts = [_padded_to_two_power(answer, chunk) for chunk in chunks]
        levels = (len(self.levels),) if self.levels else ()
        return np.concatenate(parts) if parts else np.empty((0, self.horizon, *levels), np.float32)

    def checked(self, windows: np.ndarray) -> np.ndarray:
        """Windows as float32 `(B, L, F)`; a single one may come as `(L, F)`, those of one column as `(B, L)` or `(L,)`.

        Raises:
            DataError: As `predict`.
        """
        try:
            windows = np.asarray(windows, dtype=np.float32)
        except (TypeError, ValueError):
            raise DataError("Windows must be an array of numbers. Received: something else.") from None
        length, columns = wanted = (self.window, len(self.members[0].scaling.transforms))
        if windows.shape == wanted or (columns == 1 and windows.shape == (length,)):
            windows = windows.reshape(1, *wanted)
        elif columns == 1 and windows.shape[1:] == (length,):
            windows = windows[:, :, None]
        if windows.ndim != 3 or windows.shape[1:] != wanted:
            raise DataError(f"Windows must have shape (B, {length}, {columns}). Received: {windows.shape}.")
        if not np.isfinite(windows).all():
            raise DataError("Windows must be finite. Received: NaN or infinity. Drop or fill such rows first.")
        logs = sorted({place for member in self.members for place in member.scaling.logged})
        if logs and (windows[:, :, logs] <= 0).any():
            raise DataError("Windows must be positive for log returns. Received: zero or negative values.")
        return windows


def _padded_to_two_power(answer: Callable[[np.ndarray], np.ndarray], windows: np.ndarray) -> np.ndarray:
    """Answers to a batch padded to a power of two: XLA compiles once per shape, so few shapes mean few compilations."""
    count = len(windows)
    size = 1 << (count - 1).bit_length()
    padding = np.repeat(windows[:1], size - count, axis=0)
    return np.asarray(answer(np.concatenate([windows, padding])))[:count]

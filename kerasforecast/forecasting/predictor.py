"""Forecasts from a trained network: windows in, prices out; one block of steps, or rolled forward."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError, OptionError
from kerasforecast.forecasting.given import Given, checked
from kerasforecast.forecasting.medians import medians, on_outputs
from kerasforecast.models.families.base import Role
from kerasforecast.models.member import Member, answer_shape, paths_of
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.suitability import USE_REMEDY, check_rows
from kerasforecast.preprocessing.windows import Windows, stretches
from kerasforecast.runtime.forks import refuse_fork

if TYPE_CHECKING:
    import keras

_BATCH = 1_024
_SLOPES = 256  # windows whose gradients are taken at once: always as many, for a compilation of them takes seconds
_PATHS = 2**14  # at once
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
        paths: Paths S that it draws of each window; 0 where it draws none.
        lowest: What no forecast lies below; `None` without such a bound.
    """

    def __init__(self, members: Sequence[Member], weights: Sequence[np.ndarray]) -> None:
        self.members = tuple(members)
        self.weights = tuple(weights)
        self._alone = threading.RLock()  # dropout's seeds are the network's, and so one thread's at a time
        first = self.members[0].network
        self.window = max(member.network.window for member in self.members)
        self.horizon, self.levels = first.horizon, first.quantiles
        self.paths = paths_of(self.members)
        self.lowest = self.members[0].scaling.lowest
        drawn = max(member.network.family.paths(member.network.options) for member in self.members)
        self._together = 1 << max(0, (_PATHS // drawn).bit_length() - 1) if drawn else _BATCH  # at once

    def __getstate__(self) -> dict[str, Any]:
        kept = ("members", "weights", "window", "horizon", "levels", "paths", "lowest", "_together")
        return {name: getattr(self, name) for name in kept}  # networks are built again

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_alone": threading.RLock()}

    @cached_property
    def network(self) -> keras.Model:
        """The inference network, raw windows to `(B, H)`, `(B, H, K)` or paths `(B, S, H)`, raw."""
        return self._built("inference")

    @cached_property
    def _answer(self) -> Callable[[np.ndarray], np.ndarray]:
        from kerasforecast.layers.direct import answering

        return answering(self.network)

    @cached_property
    def _slopes(self) -> Callable[[Any, np.ndarray], Any]:
        network = self.network  # before what loads Keras: a file of ONNX refuses here
        from kerasforecast.layers.slopes import sloping

        return sloping(network)

    @cached_property
    def sampling_network(self) -> keras.Model:
        """The same with dropout on."""
        return self._built("sampling")

    @cached_property
    def _state_network(self) -> keras.Model:
        from kerasforecast.models.network import build_states, set_weights

        first = self.members[0]
        with _BUILDING:
            model = build_states(first.network, first.scaling, first.covariates)
            embedded = len(first.covariates.embedded)  # what looks attributes up stands first, and in no state
            set_weights(model, self.weights[embedded:])
        return model

    @cached_property
    def _part_network(self) -> tuple[keras.Model, tuple[str, ...]]:
        from kerasforecast.models.network import build_parts, weighted_layers

        first = self.members[0]
        with _BUILDING:
            model, names = build_parts(first.network, first.scaling, first.covariates)
        # By name: Keras lists layers by how deep they lie, and here the forecast is in parts.
        own = {layer.name: layer.get_weights() for layer in weighted_layers(self.network)}
        for layer in weighted_layers(model):
            layer.set_weights(own[layer.name])
        return model, names

    def _built(self, role: Role) -> keras.Model:
        from kerasforecast.models.network import build_model, set_weights

        refuse_fork()
        with _BUILDING:
            model = build_model(self.members, role)
            set_weights(model, self.weights)
        return model

    def predict(self, windows: Given) -> np.ndarray:
        """Forecasts `(B, H)` float32, raw prices, of raw windows: the median of a quantile head.

        Args:
            windows: A `WindowBatch`, its arrays by name, or `past` `(B, L, F)` alone where the network takes nothing
                beside it.

        Raises:
            DataError: The windows have another shape, or values that are not finite, or not positive where the network
                takes logs.
        """
        return self.medians(self.outputs(windows))

    def outputs(self, windows: Given) -> np.ndarray:
        """What the network answers: `(B, H)`, quantiles `(B, H, K)` of a quantile head, or paths `(B, S, H)`; raw."""
        return self._answers(self._answer, windows)

    def gradients(self, windows: Given, weights: np.ndarray) -> WindowBatch:
        """How the forecasts of raw windows, times `weights` `(B, H)` and summed over steps, change with each input.

        Returns:
            Gradients in the shapes of the windows' arrays; raw values, float32. Those of a quantile head are its
            median's, and so are those of paths: of the path, or the two, in the middle at a step.
        """
        batch = self.checked(windows)
        refuse_fork()
        asked, found = np.asarray(weights, np.float32), []
        together = min(_SLOPES, self._together)
        for start in range(0, len(batch), together):
            rows = np.arange(start, start + together)
            rows[rows >= len(batch)] = start
            part = batch.at(rows)
            full = on_outputs(asked[rows], self.levels, self.outputs(part) if self.paths else None)
            found.append(self._slopes(part.fed(), full))
        parts = [{"past": part} if not isinstance(part, dict) else part for part in found]
        joined = {name: np.concatenate([part[name] for part in parts])[: len(batch)] for name in batch.arrays}
        return WindowBatch(**joined)

    def of_history(self, windows: Windows) -> np.ndarray | None:
        """Forecasts `(N, S)` of windows by what sees all rows before them; `None` of a network, which sees a window."""
        return None

    def medians(self, outputs: np.ndarray) -> np.ndarray:
        """The forecasts `(B, H)` in the network's `outputs`: of quantiles and of paths their medians."""
        return medians(outputs, self.levels, self.paths)

    def sample(self, windows: Given, passes: int, seed: int) -> np.ndarray:
        """Forecasts `(passes, B, H)` with dropout on (Gal & Ghahramani 2016), raw; alike with one seed and backend."""
        return np.stack([self.sample_once(windows, [seed, 4], number) for number in range(passes)])

    def sample_once(self, windows: Given, seed: Sequence[int], number: int) -> np.ndarray:
        """Pass `number` of `sample`, `(B, H)`; the masks of the n-th dropout layer follow from `(*seed, n, number)`."""
        import keras

        from kerasforecast.models.network import every_layer

        refuse_fork()  # before the lock: a thread that stayed in the parent may have held it
        with self._alone:
            network = self.sampling_network
            dropouts = [layer for layer in every_layer(network) if isinstance(layer, keras.layers.Dropout)]
            for place, layer in enumerate(dropouts):
                state = np.random.SeedSequence([*seed, place, number]).generate_state(2) >> 1
                layer.seed_generator.state.assign(state.astype(layer.seed_generator.state.dtype))
            return self._answers(network.predict_on_batch, windows)

    def roll(self, windows: Given, steps: int, first: np.ndarray | None = None) -> np.ndarray:
        """Forecasts `(B, steps)` of raw windows: beyond the horizon, forecasts become inputs.

        A quantile head's median is its forecast, and so its input, at every step. Columns of the past other than the
        target stay at their last observed value. `first` is what `predict` gives for `windows`, where it is known.

        Raises:
            DataError: As `predict`; or known columns do not reach so many `steps` ahead.
        """
        batch = self.checked(windows, steps)
        past, found = batch.past, [self.predict(batch) if first is None else first]
        for block in range(1, -(-steps // self.horizon)):
            rows = np.repeat(past[:, -1:], self.horizon, axis=1)  # (B, H, F)
            rows[:, :, 0] = found[-1]
            past = np.concatenate([past, rows], axis=1)[:, -self.window :]
            found.append(self.predict(self.ahead_of(replace(batch, past=past), block * self.horizon)))
        return np.concatenate(found, axis=1)[:, :steps]

    def ahead_of(self, batch: WindowBatch, start: int) -> WindowBatch:
        """`batch` with the known columns of the window that begins so many rows later; the last row stays at the end.

        What the last of them stands in for is beyond the steps that were asked for.
        """
        if batch.known is None:
            return batch
        rows = np.minimum(start + np.arange(self.window + self.horizon), batch.known.shape[1] - 1)
        return replace(batch, known=batch.known[:, rows])

    def states(self, windows: Given) -> tuple[np.ndarray, ...]:
        """The inner states of the network, of the first member's where there are several, after raw windows.

        Which they are its family says; recurrent ones give h (short-term) and, where the cell has one, c (long-term),
        each `(layers, B, units)`.

        Raises:
            OptionError: Its family has no inner states.
        """
        network = self.members[0].network
        batch, cut = self.checked(windows), self.window - network.window
        known = None if batch.known is None else batch.known[:, cut:]
        own = WindowBatch(batch.past[:, cut:], known, batch.static)
        refuse_fork()
        with self._alone:
            outputs = self._state_network.predict_on_batch(own.fed())
        outputs = outputs if isinstance(outputs, list) else [outputs]  # Keras unpacks a single one
        return network.family.states(network.options, outputs)

    def parts(self, windows: Given) -> dict[str, np.ndarray]:
        """What forecasts are the sum of, by name, `(B, H)` each, raw values: see `models.network.build_parts`.

        Raises:
            OptionError: The model is of several networks, or of a family without such parts.
        """
        batch = self.checked(windows)
        if len(self.members) > 1:
            raise OptionError(f"One network's forecast comes in parts. Received: {len(self.members)} networks.")
        refuse_fork()
        with self._alone:
            network, names = self._part_network
            found = network.predict_on_batch(batch.fed())
        return {name: np.asarray(part) for name, part in zip(names, found, strict=True)}

    def check_last(self, panel: Panel, least: int) -> None:
        """Refuse series whose last window cannot be forecast from.

        Args:
            panel: The series.
            least: Rows that each must have.

        Raises:
            DataError: One has fewer, or its window holds values that the network cannot take.
        """
        short = np.flatnonzero(panel.observed < least)
        if len(short):
            raise DataError(
                f"{panel.ids[short[0]]}: a forecast needs a window of {least} rows. "
                f"Received: {panel.observed[short[0]]} rows."
            )
        self.check(panel, stretches(np.maximum(panel.ends - self.window, panel.starts[:-1]), panel.ends))

    def check(self, panel: Panel, rows: np.ndarray | None = None) -> None:
        """Refuse a panel with values that the network cannot take, in any row or in `rows` of it.

        Raises:
            DataError: There is one; its date is named.
        """
        for member in self.members:
            check_rows(member.scaling, panel, rows, USE_REMEDY)

    def _answers(self, answer: Callable[[Any], np.ndarray], windows: Given) -> np.ndarray:
        batch = self.checked(windows)
        refuse_fork()
        size = self._together
        chunks = [batch.at(slice(start, start + size)) for start in range(0, len(batch), size)]
        parts = [self._answered(answer, chunk) for chunk in chunks]
        return np.concatenate(parts) if parts else np.empty((0, *answer_shape(self.members)), np.float32)

    def _answered(self, answer: Callable[[Any], np.ndarray], batch: WindowBatch) -> np.ndarray:
        """Of a batch padded to a power of two: XLA compiles once per shape, so few shapes mean few compilations."""
        count = len(batch)
        size = 1 << (count - 1).bit_length()
        rows = np.where(np.arange(size) < count, np.arange(size), 0)  # filled up with the first
        return np.asarray(answer(batch.at(rows).fed()))[:count]

    def checked(self, windows: Given, steps: int | None = None) -> WindowBatch:
        """Raw windows as float32; known columns must reach `steps` rows ahead, the horizon where not given.

        Raises:
            DataError: As `predict`.
        """
        return checked(windows, self.members, self.window, steps or self.horizon)

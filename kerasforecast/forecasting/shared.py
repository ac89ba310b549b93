"""Forecasts of many fits by one network, which is built and compiled once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kerasforecast.forecasting.given import Given
from kerasforecast.forecasting.outside import scaled
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.member import Member
from kerasforecast.models.network import set_weights
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.paths import restore_paths

Answer = Callable[[WindowBatch], np.ndarray]


class SharedPredictor(Predictor):
    """One fit's network where one serves many: its weights are set when it forecasts, its scaling is outside.

    Args:
        shared: Scaled windows to scaled forecasts.
        member: The network with the scaling fitted on this fit's training rows.
        weights: In the order of `kerasforecast.models.network.merged_weights`.
    """

    def __init__(self, shared: Predictor, member: Member, weights: Sequence[np.ndarray]) -> None:
        super().__init__([member], weights)
        self._shared = shared

    def outputs(self, windows: Given) -> np.ndarray:
        """What the network answers, raw values; see `Predictor.outputs`."""
        set_weights(self._shared.network, self.weights)
        return self._outside(self._shared.outputs, windows)

    def sample_once(self, windows: Given, seed: Sequence[int], number: int) -> np.ndarray:
        """One pass with dropout on; see `Predictor.sample_once`."""
        set_weights(self._shared.sampling_network, self.weights)
        return self._outside(lambda scaled: self._shared.sample_once(scaled, seed, number), windows)

    def _outside(self, answer: Answer, windows: Given) -> np.ndarray:
        batch, member = self.checked(windows), self.members[0]
        found = answer(scaled(member, batch))
        if self.paths:
            return np.asarray(restore_paths(member.scaling.restore, batch.past, found), np.float32)
        return np.asarray(member.scaling.restore(batch.past, found), np.float32)

"""What stands in for a network where the forecasts themselves are not at stake, and for windows of a table."""

from __future__ import annotations

from kerasforecast.preprocessing.batch import WindowBatch


class PointNetwork:
    """Points without quantiles or paths; subclasses say `outputs` `(B, H)` of a batch."""

    paths, members, levels, lowest = 0, (), (), None

    def __init__(self, window, horizon):
        self.window, self.horizon = window, horizon

    def medians(self, outputs):
        return outputs

    def checked(self, batch, steps):
        return batch

    def of_history(self, windows):
        return None


class Rows:
    """Scaled windows that are rows of an array."""

    def __init__(self, past):
        self._past = past

    def __len__(self):
        return len(self._past)

    def batch(self, indices):
        return WindowBatch(self._past[indices])

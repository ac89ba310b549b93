"""What stands in for a network where the forecasts themselves are not at stake."""

from __future__ import annotations


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

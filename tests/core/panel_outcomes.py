"""Several series by hand: a panel, its split, and outcomes with forecasts of a known skill."""

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.split import Split

LEVELS = (0.1, 0.5, 0.9)


def panel_of(values, ids=None, starts=None, key="shop"):
    """Series one below another, `values` a list of `(T,)`, each from its own day of `starts`."""
    starts = starts or ["2020-01-01"] * len(values)
    index = [pd.date_range(start, periods=len(each), freq="D") for each, start in zip(values, starts, strict=True)]
    lengths = [len(each) for each in values]
    return Panel(
        values=np.concatenate(values)[:, None],
        index=index[0].append(index[1:]),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        ids=np.array(ids or [f"s{place}" for place in range(len(values))]),
        columns=("sales",),
        roles=("target",),
        observed=np.array(lengths),
        key=key,
        frequency="D",
    )


def split_of(panel, validation, test, window, horizon):
    """So many last rows of each series for test, and those before for validation; none of one that is too short."""
    first, last = panel.starts[:-1], panel.ends
    long = panel.observed > validation + test + window
    edges = [first, np.where(long, last - test - validation, last), np.where(long, last - test, last), last]
    return Split(np.stack(edges, axis=1), first, window, horizon, window)


def walks(count, rows, seed=0):
    """Geometric random walks of very different sizes."""
    random = np.random.default_rng(seed)
    sizes = np.exp(random.normal(4, 3, count))
    return [size * np.exp(np.cumsum(0.05 * random.normal(size=rows))) for size in sizes]


def outcomes_of(errors, places, times, scales=None):
    """Outcomes of zero after zero, so that a forecast is its own error `(N, H)`."""
    count = int(places.max()) + 1
    units = np.ones((count, 2)) if scales is None else scales
    return Outcomes(np.zeros_like(errors), np.ones(len(errors)), LEVELS, units, places, times)


class Skilled:
    """A forecaster that knows a share of each move, with intervals around it."""

    def __init__(self, skill, levels=LEVELS):
        self.skill, self.levels = skill, levels

    def in_sequence(self, windows, start=None):
        last = windows.last()[:, None]
        point = last + self.skill * (windows.targets() - last)
        return Forecast(point, point[..., None] * (1 + 0.1 * (np.array(self.levels) - 0.5))), None


class Rules:
    """Baselines by hand: the naive forecast, and one that knows something."""

    scales, period, levels, best, best_intervals = None, 1, LEVELS, "drift", "naive"

    def __init__(self, skill=0.1):
        self.skill = skill

    def each(self, windows):
        for name, skill in (("naive", 0.0), ("drift", self.skill)):
            yield name, Skilled(skill).in_sequence(windows)[0]

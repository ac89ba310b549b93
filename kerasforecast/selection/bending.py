"""Whether values are taken by logs or their like: decided over the whole of training, before any network is tried.

Validation is short, and may be calm where what comes is wild. So linear maps, which take no steps, are solved for the
rows before each of four later stretches of training, of the values as they are and bent, and forecast that stretch.
Where the bent ones clearly err less over all of them, every network that sees levels is given such values; elsewhere
both are tried, and validation decides.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.models.families import registry
from kerasforecast.models.families.setting import Setting
from kerasforecast.preprocessing.split import Split, least_context
from kerasforecast.runtime.signals import Deferred
from kerasforecast.selection.budgets import Budget, Clock
from kerasforecast.selection.candidates import Candidate, candidates_of
from kerasforecast.selection.judging import judge_of

_CUTS = (0.4, 0.55, 0.7, 0.85, 1.0)  # of the rows of training
_FEWEST = 20  # windows to learn from
_CLEARLY = 0.95  # of the error of the other, that decides


@dataclass(frozen=True)
class Bending:
    """What the stretches say.

    Attributes:
        plain: The mean absolute error of values as they are, in seasonal naive errors; not a number without stretches.
        bent: The same of values taken by `transform`.
        transform: What they are taken by: `"log"` or `"asinh"`.
    """

    plain: float
    bent: float
    transform: str

    @property
    def settled(self) -> str | None:
        """What all networks are to take values by; `None` where validation is to decide."""
        return self.transform if self.bent < _CLEARLY * self.plain else None

    @property
    def words(self) -> str:
        """What was decided, in a sentence."""
        sizes = f"linear maps err by {self.bent:.3f} so over training, {self.plain:.3f} with values as they are"
        return f"Values are taken by {self.transform}: {sizes}." if self.settled else ""


def bending_of(
    config: Config,
    panel: Panel,
    split: Split,
    setting: Setting,
    budget: Budget,
    period: int,
    stop: Deferred,
) -> Bending:
    """Try both ways.

    Args:
        config: Of the choice.
        panel: The data.
        split: Only its training part is looked at.
        setting: What families propose by.
        budget: Of the choice.
        period: Rows of the season whose naive error is the unit.
        stop: Notes the signals that are to end it.
    """
    from kerasforecast.selection.keeping import Store
    from kerasforecast.selection.rounds import Bench

    transform = setting.bent["target_transform"]
    once = replace(budget, rounds=budget.rounds[:1], solved=100)
    window = setting.window(2)
    context = least_context(config.split, window, several=len(panel) > 1)
    found: dict[str, list[float]] = {"none": [], transform: []}
    for before, after in itertools.pairwise(_CUTS):
        own = _stretch(split, before, after, window, context)
        windows = int(own.windows_in("train").sum())
        if windows < _FEWEST or not own.windows_in("validation").any():
            continue
        pair = [each for each in candidates_of(config, setting, once, windows) if _wanted(each, setting)]
        if len({each.network.target_transform for each in pair}) < 2:
            return Bending(float("nan"), float("nan"), transform)  # a user fixed it, or there is no such network
        judge = judge_of(own, panel, config.levels, period, honest=False)
        bench = Bench(panel, own, judge, Store(None, {}, ""), Clock(None), stop, lambda line: None)
        for trial in bench.run(pair, once):
            found[trial.candidate.network.target_transform].append(trial.mase)
    plain, bent = (float(np.mean(each)) if each else float("nan") for each in (found["none"], found[transform]))
    return Bending(plain, bent, transform)


def _stretch(split: Split, before: float, after: float, window: int, context: int) -> Split:
    """Training up to a share of the training rows, validation from there to another, and no test."""
    first, rows = split.edges[:, 0], split.rows_in("train")
    start, stop = (first + (rows * share).astype(np.int64) for share in (before, after))
    edges = np.stack([first, start, stop, stop], axis=1)
    return replace(split, edges=edges, window=window, context=context)


def _wanted(candidate: Candidate, setting: Setting) -> bool:
    """Whether it is one of the two that are compared: alike in all but what values are taken by."""
    network = candidate.network
    alike = network.scaling == "level" and network.centre == "last" and network.window == setting.window(2)
    return network.family is registry.family("linear") and alike

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
from kerasforecast.errors import DataError
from kerasforecast.forecasting.outside import scaled_set
from kerasforecast.models.families.linear import LINEAR
from kerasforecast.models.families.setting import Setting
from kerasforecast.preprocessing.split import Split, least_context
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.selection.budgets import Budget
from kerasforecast.selection.candidates import candidates_of
from kerasforecast.selection.judging import Judge, judge_of

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


def bending_of(config: Config, panel: Panel, split: Split, setting: Setting, budget: Budget, period: int) -> Bending:
    """Try both ways.

    Args:
        config: Of the choice.
        panel: The data.
        split: Only its training part is looked at.
        setting: What families propose by.
        budget: Of the choice.
        period: Rows of the season whose naive error is the unit.
    """
    transform = setting.bent["target_transform"]
    pair = [each.network for each in candidates_of(config, setting, replace(budget, solved=100), 1)]
    pair = [each for each in pair if _wanted(each, setting)]
    found: dict[str, list[float]] = {"none": [], transform: []}
    if {each.target_transform for each in pair} != set(found):  # a user fixed it, or the windows are too wide
        return Bending(float("nan"), float("nan"), transform)
    for before, after in itertools.pairwise(_CUTS):
        own = _stretch(config, split, before, after, setting.window(2))
        if own.windows_in("train").sum() < _FEWEST or not own.windows_in("validation").any():
            continue
        try:
            judge = judge_of(own, panel, config.levels, period, honest=False)
        except DataError:  # nothing has moved yet
            continue
        for network in pair:
            if (error := _error(network, panel, own, judge)) is not None:
                found[network.target_transform].append(error)
    plain, bent = (float(np.mean(each)) if each else float("nan") for each in found.values())
    return Bending(plain, bent, transform)


def _error(network: NetworkConfig, panel: Panel, split: Split, judge: Judge) -> float | None:
    """What the linear map misses the windows of `judge` by, solved for the training rows; `None` where it cannot be."""
    from kerasforecast.forecasting.fitting import scaled_member

    try:
        member = scaled_member(network, panel, split)
    except DataError:
        return None
    windows = windows_of(panel, split.origins("train"), split.window, split.horizon)
    training, judged = (scaled_set(each.training_set(member.scaling), member) for each in (windows, judge.windows))
    found = LINEAR.solution(network.options, member.sizes, training, judged)
    if found is None:
        return None
    past = judge.windows.batch().past.astype(np.float64)
    points = member.scaling.restore(past, judged.targets - found.errors)
    return judge.worth(judge.errors(points)).mase


def _stretch(config: Config, split: Split, before: float, after: float, window: int) -> Split:
    """Training up to a share of the training rows, validation from there to another, and no test."""
    first, rows = split.edges[:, 0], split.rows_in("train")
    start, stop = (first + (rows * share).astype(np.int64) for share in (before, after))
    context = least_context(config.split, window, several=len(split.edges) > 1)
    return replace(split, edges=np.stack([first, start, stop, stop], axis=1), window=window, context=context)


def _wanted(network: NetworkConfig, setting: Setting) -> bool:
    """Whether it is one of the two that are compared: alike in all but what values are taken by."""
    alike = network.scaling == "level" and network.centre == "last" and network.window == setting.window(2)
    return network.family is LINEAR and alike

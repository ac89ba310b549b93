"""What the reading of loss curves suggests for an option, and whether the numbers agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kerasforecast.models.families.base import Family
from kerasforecast.tuning.record import Measure, Trial, shown_value
from kerasforecast.tuning.space import Value

Way = Literal["larger", "smaller", "another", "keep"]


@dataclass(frozen=True)
class Suggestion:
    """What curves suggest for the option that comes next.

    Attributes:
        way: Which values; `None` where the reading says nothing of this option.
        text: In a sentence.
    """

    way: Way | None
    text: str


def suggested(reading: str, option: str, value: Value, family: Family) -> Suggestion:
    """What a `reading` of curves, those of the best so far, suggests for `option`, which is at `value`."""
    ways: dict[str, Way] = {}
    if reading == "overfitting":
        ways = {"dropout": "larger", **dict.fromkeys(family.smaller, "smaller")}
    elif reading == "underfitting":
        ways = {"learning_rate": "another", "dropout": "smaller", **dict.fromkeys(family.smaller, "larger")}
    elif reading == "learning rate too high":
        ways = {"learning_rate": "smaller"}
    elif reading in ("good", "nothing left to learn"):
        ways = {option: "keep"}
    way = ways.get(option)
    begin = f"The curves so far read {reading}"
    if way is None:
        return Suggestion(None, f"{begin}, which says nothing of {option}.")
    if way == "keep":
        return Suggestion(way, f"{begin}, which suggests to keep {option} {shown_value(value)}.")
    than = "" if way == "another" else f" than {shown_value(value)}"
    return Suggestion(way, f"{begin}, which suggests {'another' if way == 'another' else f'a {way}'} {option}{than}.")


def agreement(
    suggestion: Suggestion, before: tuple[Value, Trial], kept: tuple[Value, Trial], others: Sequence[Trial],
    measure: Measure,
) -> str:  # fmt: skip
    """What the numbers of a stage say, and whether they agree with what the curves suggested.

    Args:
        suggestion: What the curves suggested.
        before: The value that the stage began with, and its trial.
        kept: The one with the least error.
        others: The stage's trials.
        measure: Of the errors.
    """
    ours, theirs = kept[1].error(measure), before[1].error(measure)
    if kept[0] == before[0]:
        rest = [error for each in others if each is not kept[1] and (error := each.error(measure)) is not None]
        next_best = f", the next is {_percent(min(rest), ours)} worse" if rest and ours else ""
        text = f"{shown_value(before[0])} stays the best{next_best}"
    elif theirs is None:
        text = f"{shown_value(kept[0])} is the best, for {shown_value(before[0])} came to no error"
    else:
        text = f"{shown_value(kept[0])} is {_percent(theirs, ours)} better than {shown_value(before[0])}"
        text += _of_luck(kept[1], before[1], measure)
    if suggestion.way is None:
        return f"{text}."
    return f"{text}. The numbers {'agree' if _agrees(suggestion.way, before[0], kept[0]) else 'do not agree'}."


def _agrees(way: Way, before: Value, kept: Value) -> bool:
    if way == "keep":
        return kept == before
    if way == "another":
        return kept != before
    if isinstance(kept, str) or isinstance(before, str):
        return False
    return kept > before if way == "larger" else kept < before


def _of_luck(kept: Trial, before: Trial, measure: Measure) -> str:
    """Whether the gain is more than seeds make: the same seeds of both are compared."""
    ours, theirs = kept.errors(measure), before.errors(measure)
    if len(ours) < 2 or len(ours) != len(theirs):
        return ""
    gains = np.array(theirs) - np.array(ours)
    clear = gains.mean() > 2 * gains.std(ddof=1) / np.sqrt(len(gains))
    better = f"with {int((gains > 0).sum())} of {len(gains)} seeds"
    return f", {better}, more than seeds differ by" if clear else f", {better}, no more than seeds differ by"


def _percent(other: float | None, ours: float | None) -> str:
    return f"{100 * abs((other or 0.0) / ours - 1):.2g} %" if ours else "0 %"

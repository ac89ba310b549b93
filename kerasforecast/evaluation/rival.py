"""A model beside one simple forecast: how much better by which score, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kerasforecast.baselines.seasonal import season_of
from kerasforecast.metrics.significance import ALPHA

Status = Literal["better", "no better", "worse", "too few to test", "not judged"]


@dataclass(frozen=True)
class Rival:
    """A model beside one simple forecast, by one score.

    Attributes:
        name: Of the simple forecast, as scores have it, e.g. `seasonal_growth_12`.
        ratio: The model's score over its own, smaller is better; `None` where its own is zero and the model's is not.
            Of several series that of the scores whose losses were tested, in units of each series: the root of mean
            squared errors over each one's squared scale, or scaled CRPS.
        p_value: Of the test; `None` where there are too few forecasts for one.
        series: How many the ratio is over; `None` for a lone one.
        share: The share of them on which the model is better.
        over: What was tested over: `"dates"`, or `"series"`; `None` for a lone one.
        measure: What the ratio is of.
        implied: Whether the model is better since it is better than a rule that does no worse than this one here: of
            many series that share few dates the test may not tell what is plain on all of them.
    """

    name: str
    ratio: float | None
    p_value: float | None
    series: int | None = None
    share: float | None = None
    over: str | None = None
    measure: str = "RMSE"
    implied: bool = False

    def beaten(self, alpha: float) -> bool:
        """Whether the model is better, with a p-value below `alpha`."""
        clearly = self.p_value is not None and self.p_value < alpha
        return self.ratio is not None and self.ratio < 1 and (clearly or self.implied)

    @property
    def status(self) -> Status:
        """Whether the model is better, and the test says it is not luck."""
        if self.implied:
            return "better"
        if self.p_value is None:
            return "too few to test"
        if not self.p_value < ALPHA:
            return "no better"
        return "better" if self.beaten(ALPHA) else "worse"

    @property
    def text(self) -> str:
        """That in one clause, e.g. `better than naive by 3.1 % (p = 0.002)`."""
        name, on = spoken(self.name), self._on("better on ")
        if self.p_value is None or self.implied:
            if self.ratio is None:
                return f"{name} is exact here"
            return f"{self.measure} {self.ratio:.2f} times that of {name}{on}"
        chance, test = p_text(self.p_value), "rank" if self.over == "series" else "DM"
        if self.status == "no better":
            return f"no better than {name} ({test} {chance}){on}"
        if self.ratio is None:
            return f"worse than {name}, which is exact here ({chance})"
        on = self._on("on ") if self.status == "better" else on
        return f"{self.status} than {name} by {percent(self.ratio)} ({chance}){on}"

    def _on(self, begin: str) -> str:
        """On how many series, as a clause that goes on."""
        if self.series is None or self.share is None:
            return ""
        return f", {begin}{share_text(self.share)} of {self.series:,} series"


def spoken(name: str) -> str:
    """A simple forecast in the field's words, e.g. `seasonal naive of 12 rows with growth`."""
    found = season_of(name)
    if found is None:
        return name if name.startswith("ewma") else name.replace("_", " ")
    kind, period = found
    return f"seasonal naive of {period} rows{'' if kind == 'naive' else f' with {kind}'}"


def plain(name: str) -> str:
    """What a simple forecast does, in words that need no glossary, to stand after "the simple rule of"."""
    if found := season_of(name):
        kind, period = found
        more = {"naive": "", "drift": ", plus the rise since", "growth": ", with the growth since"}[kind]
        return f"repeating what happened {period} rows earlier{more}"
    rules = {
        "drift": "drawing the line of the last rows on",
        "moving_average": "taking the mean of the last few values",
        "smoothing": "taking a mean in which newer values weigh more",
    }
    return rules.get(name, "repeating the last value")


def percent(ratio: float | None) -> str:
    """How far from 1, in percent: one decimal, but never "0.0 %" for a difference that the test calls real."""
    size = abs(100 * (1 - (1.0 if ratio is None else ratio)))
    return f"{size:.1f} %" if size >= 0.05 else f"{size:.1g} %"


def p_text(p_value: float) -> str:
    """A p-value as printed, e.g. `p = 0.012`."""
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def share_text(share: float) -> str:
    """A share in whole percent; only all is 100 %, and only none 0 %."""
    whole = round(100 * share)
    return f"{min(99, max(1, whole)) if 0 < share < 1 else whole} %"

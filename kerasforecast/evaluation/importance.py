"""Which covariate earns its place: by how much the error on the test part rises where its link with the target is cut.

The network stays as it is, and forecasts the windows of the test part again with the rows of one covariate taken from
another time (of an attribute: from another series), while all else stays (Breiman 2001, "Random forests"; Fisher, Rudin
& Dominici 2019, who call the rise of the loss a model's reliance on the variable). A window is given a stretch of the
covariate as long as itself, with the rows to be forecast, so the covariate's own course in time is left whole, and
neighbouring windows are given neighbouring stretches: shuffling single rows would make courses that cannot be, and what
a network says of them tells nothing of the covariate (Hooker, Mentch & Zhou 2021).

Whether a rise is luck is tested over dates, or across series where these share too few of them, one-sided; p-values are
corrected for the number of covariates. It is what *this* network makes of a column: two that say the same share what
they are worth, and one that another could replace after a new training may cost much here.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from kerasforecast.artifact.importance import CovariateWorth, Importance
from kerasforecast.baselines.fitted import Baselines
from kerasforecast.evaluation.evaluation import outcomes_of
from kerasforecast.evaluation.shuffling import Answer, Rise, Shuffling, covariates_of, pools_of
from kerasforecast.metrics.panels import BySeries, design_effect, losses_by_date, signed_rank
from kerasforecast.metrics.rise import holm, rise_p_value
from kerasforecast.metrics.significance import ALPHA, FEWEST, enough_to_test
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import Windows

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

_MOST_WINDOWS, _FEWEST_WINDOWS = 2_000, 200
_MOST_SHUFFLES, _ENOUGH_SHUFFLES, _FEWEST_SHUFFLES = 10, 5, 2
_MANY = 50  # covariates: of more, little is spent on each
_PASSES = 3  # a window in training takes about as long as so many forecasts
_SHARE = 0.1  # of the time of training that all this may take
_LEAST = 0.001  # a rise below which a column is worth no place, however certain
_SHOWN = 12  # lines
_TIMES = 9  # nobody reads 2,963 %


def importance_of(
    answer: Answer,
    scaling: FittedScaling,
    windows: Windows,
    horizon: int,
    trained: int,
    units: np.ndarray | None = None,
) -> Importance | None:
    """What each covariate is worth on the test part; `None` where there is none, or none that can be shuffled.

    Args:
        answer: Raw windows to forecasts `(B, H)`, price units.
        scaling: What the network sees of the past.
        windows: Of the test part.
        horizon: Steps ahead H that are forecast at once: as many are judged, or those of the windows if fewer.
        trained: Windows that training went over, all epochs together: a tenth of the time that took is spent here.
        units: `(M,)` what errors of each of several series are measured in; one that has none does not count.
    """
    covariates = covariates_of(windows.panel)
    if not covariates or (len(windows.panel) > 1 and units is None):
        return None
    if units is not None:
        measured = units[windows.panel.places(windows.origins)] > 0
        windows = replace(windows, origins=windows.origins[measured])
    windows = replace(windows, steps=min(windows.steps, horizon), horizon=horizon)
    windows = replace(windows, origins=windows.origins[pools_of(windows).room > 1])
    if not len(windows):
        return None
    count, shuffles = _affordable(len(windows), len(covariates), trained)
    chosen = _spread(windows, count)
    found = Shuffling(answer, scaling, chosen, pools_of(windows).at(chosen.origins), units).rises(covariates, shuffles)
    tests = [
        _tested_over_series(rise, chosen) if covariate.role == "static" else _tested(rise.each, chosen, windows)
        for covariate, rise in zip(covariates, found, strict=True)
    ]
    corrected = holm([p_value for p_value, _ in tests])
    worth = [
        CovariateWorth(
            name=covariate.name,
            role=covariate.role,
            columns=covariate.columns,
            increase=rise.share,
            p_value=p_value,
            over=over,
        )
        for covariate, rise, p_value, (_, over) in zip(covariates, found, corrected, tests, strict=True)
    ]
    worth.sort(key=lambda each: -(each.increase or 0.0))
    return Importance(windows=len(chosen), shuffles=shuffles, steps=chosen.steps, covariates=tuple(worth))


def earns(worth: CovariateWorth) -> bool:
    """Whether a covariate earns its place: errors rise without it by what is worth a word, and that is not luck."""
    return worth.p_value is not None and worth.p_value < ALPHA and (worth.increase or 0.0) >= _LEAST


def importance_lines(importance: Importance) -> list[str]:
    """A line a covariate, those that cost most first; of many the first dozen."""
    few = importance.covariates[:_SHOWN]
    lines = [_line(worth) for worth in few]
    rest = importance.covariates[_SHOWN:]
    if rest:
        lines.append(f"{len(rest)} more, of which {sum(map(earns, rest))} earn their place; metrics.json has all.")
    return lines


def p_text(p_value: float) -> str:
    """E.g. `p = 0.043`, `p < 0.001`."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.{3 if p_value < 0.1 else 2}f}"


def _line(worth: CovariateWorth) -> str:
    if worth.increase is None:
        return f"{worth.name}: the model makes no errors"
    if worth.p_value is None:
        return f"{worth.name}: error {_percent(worth.increase)} when shuffled; too few forecasts to test"
    if earns(worth):
        return f"{worth.name} earns its place: error {_percent(worth.increase)} when shuffled ({p_text(worth.p_value)})"
    return f"{worth.name}: no gain ({p_text(worth.p_value)})"


def _percent(increase: float) -> str:
    share = 100 * abs(increase)
    if increase >= _TIMES:
        return f"{increase + 1:,.0f} times as large"
    return f"{share:.{0 if share >= 10 else 1}f} % {'larger' if increase >= 0 else 'smaller'}"


def _affordable(windows: int, covariates: int, trained: int) -> tuple[int, int]:
    """How many windows to forecast, and how often to shuffle each covariate.

    By counts, not by a clock: the same fit has the same numbers on a busy machine.
    """
    budget = int(_SHARE * _PASSES * trained)
    least = _ENOUGH_SHUFFLES if covariates <= _MANY else _FEWEST_SHUFFLES
    count = min(windows, max(_FEWEST_WINDOWS, min(_MOST_WINDOWS, budget // (least * covariates))))
    return count, max(least, min(_MOST_SHUFFLES, budget // (count * covariates)))


def _spread(windows: Windows, count: int) -> Windows:
    """So many of the windows, evenly spread: one at random of each stretch, since one at the same place of each could
    see a season at the same of its rows alone.
    """
    if count >= len(windows):
        return windows
    edges = np.linspace(0, len(windows), count + 1).astype(np.int64)
    places = np.random.default_rng(0).integers(edges[:-1], edges[1:])
    return replace(windows, origins=windows.origins[places])


def _tested(
    rises: np.ndarray, chosen: Windows, windows: Windows
) -> tuple[float | None, Literal["dates", "series"] | None]:
    """The p-value of the rise of the losses `(N,)` of the `chosen` of all `windows`, and what it was tested over.

    Where several series share their dates, over dates, since errors of one day go together; as
    `kerasforecast.metrics.panels.compare_over_series` does.
    """
    panel, steps = windows.panel, windows.steps
    if len(panel) == 1:
        if not enough_to_test(len(windows), steps):
            return None, None
        return rise_p_value(rises, steps * len(chosen) / len(windows)), "dates"
    dates, counts = np.unique(panel.index[windows.origins], return_counts=True)
    times = np.searchsorted(dates, panel.index[chosen.origins])
    series = BySeries(panel.places(chosen.origins), len(panel))
    there = series.windows > 0
    few = there.sum() < FEWEST
    shared = float(np.sum(counts.astype(np.float64) ** 2)) >= len(windows) * there.sum() / 2
    if enough_to_test(len(dates), steps) and (few or shared):
        each = losses_by_date(rises, times)
        return rise_p_value(each, steps * len(each) / len(dates)), "dates"
    if few:
        return None, None
    means, effect = series.means(rises)[there], design_effect(rises, series, times)
    found = signed_rank(means, np.zeros(len(means)), effect)
    if found.statistic * np.mean(rises) <= 0:
        return 1.0, "series"
    return (found.p_value / 2 if found.statistic > 0 else 1 - found.p_value / 2), "series"


def _tested_over_series(rise: Rise, chosen: Windows) -> tuple[float | None, Literal["series"] | None]:
    """The same of an attribute, which each series has but once.

    Were it without a link, the loss with the attributes as they are would be one more of those with attributes dealt
    out anew: Student's t of a further draw, with as many degrees of freedom as shuffles less one, since a mean over
    series is about normal (its logarithm, for a rise of many times). No ranks of series: who has a common attribute
    gains little and often by a shuffle, who has a rare one loses much and seldom, so they find a rise where none is.
    """
    if len(np.unique(chosen.panel.places(chosen.origins))) < FEWEST:
        return None, None
    shuffles, least = len(rise.after), float(np.min(rise.after))
    if rise.before == 0 or least == 0:
        return (1 / (shuffles + 1) if least > rise.before else 1.0), "series"
    moves = np.log(rise.after / rise.before)
    spread = float(np.std(moves, ddof=1))
    if spread <= 1e-12:
        return (1 / (shuffles + 1) if least > rise.before else 1.0), "series"
    from scipy.special import stdtr

    statistic = float(np.mean(moves)) / (spread * math.sqrt(1 + 1 / shuffles))
    return float(stdtr(shuffles - 1, -statistic)), "series"


def importance_after(
    predictor: Predictor, tested: Windows, baselines: Baselines, split: Split, trained: int
) -> Importance | None:
    """Which covariates a network of one member makes something of, where training took so many windows in all."""
    outcomes, member = outcomes_of(tested, baselines, split.trained), predictor.members[0]
    units = None if outcomes.grouped is None else outcomes.units[:, 0]
    return importance_of(predictor.predict, member.scaling, tested, member.network.horizon, trained, units)

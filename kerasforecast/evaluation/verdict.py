"""Is a model worth using? The status, the words and the numbers, once, for the terminal, the report and every file.

A model is held against the best simple forecast of its series, chosen on validation, and against the naive forecast: it
is better where it beats both and the test says that this is not luck. All comes from scores as `metrics.json` and the
files of a walk hold them, so whoever reads these says the same as whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kerasforecast.baselines.seasonal import season_of
from kerasforecast.errors import SkillError
from kerasforecast.metrics.significance import ALPHA, FEWEST

Status = Literal["better", "no better", "worse", "too few to test", "not judged"]
Tone = Literal["good", "neutral", "bad"]

_WORST_FIRST: tuple[Status, ...] = ("not judged", "too few to test", "worse", "no better", "better")


@dataclass(frozen=True)
class Rival:
    """A model beside one simple forecast, by one score.

    Attributes:
        name: Of the simple forecast, as scores have it, e.g. `seasonal_growth_12`.
        ratio: The model's score over its own, smaller is better; `None` where its own is zero and the model's is not.
        p_value: Of the Diebold-Mariano test; `None` where there are too few forecasts for one.
    """

    name: str
    ratio: float | None
    p_value: float | None

    def beaten(self, alpha: float) -> bool:
        """Whether the model is better, with a p-value below `alpha`."""
        return self.p_value is not None and self.p_value < alpha and self.ratio is not None and self.ratio < 1

    @property
    def status(self) -> Status:
        """Whether the model is better, and the test says it is not luck."""
        if self.p_value is None:
            return "too few to test"
        if not self.p_value < ALPHA:
            return "no better"
        return "better" if self.beaten(ALPHA) else "worse"

    @property
    def text(self) -> str:
        """That in one clause, e.g. `better than naive by 3.1 % (p = 0.002)`."""
        name = spoken(self.name)
        if self.p_value is None:
            return f"RMSE {self.ratio:.2f} times that of {name}" if self.ratio is not None else f"{name} is exact here"
        if self.status == "no better":
            return f"no better than {name} (DM {_p_text(self.p_value)})"
        if self.ratio is None:
            return f"worse than {name}, which is exact here ({_p_text(self.p_value)})"
        return f"{self.status} than {name} by {_percent(self.ratio)} ({_p_text(self.p_value)})"


@dataclass(frozen=True)
class Judgement:
    """Whether a model is worth using.

    Attributes:
        status: By its point forecasts: the worse of the two comparisons, with the best simple forecast and with naive.
        text: The same with numbers, in one line without a full stop; what files keep as `verdict`.
        interval_text: The same of its prediction intervals by CRPS; `None` where it has none.
        sentence: The answer in words that need no glossary.
        tone: Whether it is good news: never `good` where points or intervals are worse.
        n: Forecasts that it rests on.
        steps: Steps ahead of each.
        best: Beside the best simple forecast, by RMSE; `None` where nothing was judged.
        naive: Beside the naive forecast.
        sharpest: Beside the baseline whose intervals did best on validation, by CRPS.
    """

    status: Status
    text: str
    interval_text: str | None
    sentence: str
    tone: Tone
    n: int
    steps: int
    best: Rival | None = None
    naive: Rival | None = None
    sharpest: Rival | None = None

    def require_skill(self, p_value: float) -> None:
        """Hold the model to `--require-skill`.

        Raises:
            SkillError: It is not better than the best simple forecast, and than naive, with p-values below `p_value`.
        """
        rivals = [rival for rival in (self.best, self.naive) if rival]
        if rivals and all(rival.beaten(p_value) for rival in rivals):
            return
        wanted = spoken(rivals[0].name) if rivals else "naive"
        raise SkillError(
            f"--require-skill: the model must be better than {wanted} with p below {p_value:g}. Received: {self.text}."
        )


def judged(scores: Mapping[str, Any]) -> Judgement:
    """The judgement on a model from its scores.

    Args:
        scores: `test` of `metrics.json`, or `kerasforecast.evaluation.evaluation.Evaluation.scores`.
    """
    if (learned := scores.get("learned")) and (n := scores["n"]):
        return not_judged(f"its parent has learned from all {n:,} windows ({learned})", n, _steps(scores["model"]))
    names = [name for name, each in scores.items() if isinstance(each, Mapping) and "rmse" in each and name != "model"]
    rows = {name: scores[name] for name in ("model", *names)}
    found = {(test["baseline"], test["loss"]): test["p_value"] for test in scores.get("tests", ())}
    found.setdefault(("naive", "squared"), scores["dm"]["p_value"])
    return _judged(rows, "model", scores["n"], found, scores.get("best") or "naive", scores.get("best_intervals"))


def judged_row(
    rows: Sequence[Mapping[str, Any]],
    model: str,
    best: str = "naive",
    sharpest: str | None = None,
    learned: str | None = None,
) -> Judgement:
    """The judgement on one model of a walk.

    Args:
        rows: Of scores over all folds, as `kerasforecast.evaluation.scores.score_rows` gives them.
        model: Whose.
        best: The best simple forecast on validation.
        sharpest: The baseline with the best intervals there.
        learned: What it has learned from these very forecasts, in a few words: there is no verdict then.
    """
    named = {str(row["model"]): row for row in rows}
    ours = named[model]
    if learned:
        return not_judged(f"the model has learned from these forecasts ({learned})", ours["n"], _steps(ours))
    found = {("naive", "squared"): ours["p_value"], ("naive", "crps"): ours["crps_p_value"]}
    found |= {(best, "squared"): ours["best_p_value"]} if best != "naive" else {}
    found |= {(sharpest, "crps"): ours["best_crps_p_value"]} if sharpest not in (None, "naive") else {}
    return _judged(named, model, ours["n"], found, best, sharpest)


def not_judged(reason: str, n: int, steps: int) -> Judgement:
    """No judgement, and why."""
    return Judgement("not judged", f"no verdict: {reason}", None, f"No verdict: {reason}.", "neutral", n, steps)


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


def _judged(
    rows: Mapping[str, Mapping[str, Any]],
    model: str,
    n: int,
    p_values: Mapping[tuple[str, str], float | None],
    best: str,
    sharpest: str | None,
) -> Judgement:
    ours, best = rows[model], best if best in rows else "naive"

    def rival(name: str, score: str, loss: str) -> Rival:
        return Rival(name, _ratio(ours[score], rows[name][score]), p_values.get((name, loss)))

    first, naive = rival(best, "rmse", "squared"), rival("naive", "rmse", "squared")
    if rows.get(sharpest or "", {}).get("crps") is None:
        scored = [name for name, loss in p_values if loss == "crps" and name in rows]
        tested = {name: rows[name]["crps"] for name in scored if rows[name].get("crps") is not None}
        sharpest = min(tested, key=lambda name: tested[name]) if tested else None
    intervals = rival(sharpest, "crps", "crps") if sharpest and ours.get("crps") is not None else None
    steps = _steps(ours)
    status = min(first.status, naive.status, key=_WORST_FIRST.index)
    return Judgement(
        status=status,
        text=_text(first, naive, n, steps),
        interval_text=_interval_text(intervals, n, steps),
        sentence=_sentence(status, first, naive, intervals, n, steps),
        tone=_tone(status, intervals),
        n=n,
        steps=steps,
        best=first,
        naive=naive,
        sharpest=intervals,
    )


def _steps(scores: Mapping[str, Any]) -> int:
    return max(1, len(scores.get("steps") or ()))


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    if ours is None or theirs is None:
        return None
    if theirs == 0:
        return 1.0 if ours == 0 else None
    return ours / theirs


def _text(best: Rival, naive: Rival, n: int, steps: int) -> str:
    clauses = [rival.text for rival in (best, *([naive] if naive.name != best.name else []))]
    if "too few to test" in (best.status, naive.status):
        return f"too few forecasts to test ({_counted(n, steps)}): {', '.join(clauses).replace(', RMSE', ',')}"
    return "; ".join(clauses)


def _interval_text(sharpest: Rival | None, n: int, steps: int) -> str | None:
    if sharpest is None:
        return None
    if sharpest.status == "too few to test":
        return f"too few forecasts to test ({_counted(n, steps)}): {sharpest.text.replace('RMSE', 'CRPS')}"
    return sharpest.text


def _sentence(status: Status, best: Rival, naive: Rival, intervals: Rival | None, n: int, steps: int) -> str:
    about = _about_intervals(status, intervals)
    if status == "too few to test":
        apart = -(-n // steps)
        return (
            f"Too few forecasts to tell: {_counted(n, steps)}, of which {apart} {'does' if apart == 1 else 'do'} not "
            f"overlap, where a test needs {FEWEST}. {_sizes(best, naive)}, which may be luck."
        )
    if status == "better":
        return f"Worth using: {_sizes(best, naive).lower()}, more than chance would make{about}."
    rival = best if best.status == status else naive  # the one that the status comes from
    if status == "worse":
        larger = f"{_percent(rival.ratio)} larger" if rival.ratio is not None else "larger"
        good = intervals is not None and intervals.status == "better"
        advice = "Not worth using for its point forecasts" if good else "Do not use"
        return f"{advice}: its errors are {larger} than those of {plain(rival.name)}{about}."
    if intervals and intervals.status == "better":
        rule = plain(rival.name)
        return f"Worth using for its prediction intervals alone: its point forecasts are no better than {rule}{about}."
    return f"Not worth using: it is no better than {plain(rival.name)}{about}."


def _sizes(best: Rival, naive: Rival) -> str:
    rivals = [best, *([naive] if naive.name != best.name else [])]
    sizes = [
        f"{_percent(rival.ratio)} {'smaller' if rival.ratio < 1 else 'larger'} than those of {plain(rival.name)}"
        for rival in rivals
        if rival.ratio is not None
    ]
    return f"Its errors are {' and '.join(sizes)}" if sizes else f"The simple rule of {plain(best.name)} is exact here"


def _about_intervals(status: Status, intervals: Rival | None) -> str:
    """The clause about prediction intervals, where it adds something."""
    if intervals is None or intervals.status in ("no better", "too few to test"):
        return ""
    agree = (intervals.status == "better") == (status == "better")
    rule = "better than any simple rule's" if intervals.status == "better" else "worse than a simple rule's"
    return f", {'and' if agree else 'but'} its prediction intervals are {rule}"


def _tone(status: Status, intervals: Rival | None) -> Tone:
    sharp = intervals.status if intervals else "no better"
    if status == "worse":
        return "neutral" if sharp == "better" else "bad"
    good = status == "better" or (status == "no better" and sharp == "better")
    return "good" if good and sharp != "worse" else "neutral"


def _counted(n: int, steps: int) -> str:
    return f"{n:,} of {steps} step{'s' if steps > 1 else ''}"


def _percent(ratio: float | None) -> str:
    """How far from 1, in percent: one decimal, but never "0.0 %" for a difference that the test calls real."""
    size = abs(100 * (1 - (1.0 if ratio is None else ratio)))
    return f"{size:.1f} %" if size >= 0.05 else f"{size:.1g} %"


def _p_text(p_value: float) -> str:
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"

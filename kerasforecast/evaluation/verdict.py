"""Is a model worth using? The status, the words and the numbers, once, for the terminal, the report and every file.

A model is held against the best simple forecast of its series, chosen on validation, and against the naive forecast: it
is better where it beats both and the test says that this is not luck. All comes from scores as `metrics.json` and the
files of a walk hold them, so whoever reads these says the same as whoever wrote them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from kerasforecast.errors import SkillError
from kerasforecast.evaluation.rival import Rival, Status, percent, plain, spoken
from kerasforecast.metrics.significance import FEWEST

__all__ = ["Judgement", "Rival", "Status", "Tone", "judged", "judged_row", "not_judged", "plain", "spoken"]

Tone = Literal["good", "neutral", "bad"]

_WORST_FIRST: tuple[Status, ...] = ("not judged", "too few to test", "worse", "no better", "better")


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
        tested: Of several series, how many there are and what was tested over, e.g. `over 152 series, by date`.
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
    tested: str | None = None

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
    found = _tests(scores.get("tests", ()))
    found.setdefault(("naive", "squared"), scores["dm"])
    best = scores.get("best") or "naive", scores.get("best_intervals")
    return _judged(rows, "model", scores["n"], found, *best, scores.get("series"))


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
    if ours.get("series"):
        return _judged(named, model, ours["n"], _tests(ours.get("tests") or ()), best, sharpest, ours["series"])
    found = {("naive", "squared"): ours["p_value"], ("naive", "crps"): ours["crps_p_value"]}
    found |= {(best, "squared"): ours["best_p_value"]} if best != "naive" else {}
    found |= {(sharpest, "crps"): ours["best_crps_p_value"]} if sharpest not in (None, "naive") else {}
    tests = {pair: {"p_value": p_value} for pair, p_value in found.items()}
    return _judged(named, model, ours["n"], tests, best, sharpest)


def not_judged(reason: str, n: int, steps: int) -> Judgement:
    """No judgement, and why."""
    return Judgement("not judged", f"no verdict: {reason}", None, f"No verdict: {reason}.", "neutral", n, steps)


Tests = Mapping[tuple[str, str], Mapping[str, Any]]  # by baseline and loss


def _tests(found: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(test["baseline"], test["loss"]): test for test in found}


def _judged(
    rows: Mapping[str, Mapping[str, Any]],
    model: str,
    n: int,
    tests: Tests,
    best: str,
    sharpest: str | None,
    series: int | None = None,
) -> Judgement:
    ours, best = rows[model], best if best in rows else "naive"
    squared, crps = ("rmse", "crps") if series is None else ("rmsse", "scaled_crps")

    def rival(name: str, score: str, loss: str) -> Rival:
        return _rival(name, ours.get(score), rows[name].get(score), tests.get((name, loss), {}), score, series)

    first, naive = rival(best, squared, "squared"), rival("naive", squared, "squared")
    if series is not None and _easier(naive, first):
        naive = replace(naive, implied=True)
    if rows.get(sharpest or "", {}).get(crps) is None:
        scored = [name for name, loss in tests if loss == "crps" and name in rows]
        tested = {name: rows[name][crps] for name in scored if rows[name].get(crps) is not None}
        sharpest = min(tested, key=lambda name: tested[name]) if tested else None
    intervals = rival(sharpest, crps, "crps") if sharpest and ours.get(crps) is not None else None
    steps = _steps(ours)
    counted = _counted(n, steps, series)
    status = min(first.status, naive.status, key=_WORST_FIRST.index)
    return Judgement(
        status=status,
        text=_text(first, naive, counted),
        interval_text=_interval_text(intervals, counted),
        sentence=_sentence(status, first, naive, intervals, counted, _apart(n, steps, series)),
        tone=_tone(status, intervals),
        n=n,
        steps=steps,
        best=first,
        naive=naive,
        sharpest=intervals,
        tested=_tested(first),
    )


def _easier(naive: Rival, best: Rival) -> bool:
    """Whether whoever is better than the `best` simple forecast is better than `naive`, which does no better here."""
    if naive.name == best.name or best.status != "better" or naive.ratio is None or best.ratio is None:
        return False
    return naive.status != "better" and naive.ratio <= best.ratio


_MEASURES = {"rmse": "RMSE", "crps": "CRPS", "rmsse": "RMSSE", "scaled_crps": "scaled CRPS"}


def _rival(
    name: str, ours: float | None, theirs: float | None, test: Mapping[str, Any], score: str, series: int | None
) -> Rival:
    """The model beside `name` by `score`; of several series by what the test compared, of which its p-value speaks."""
    p_value, measure = test.get("p_value"), _MEASURES[score]
    if series is None:
        return Rival(name, _ratio(ours, theirs), p_value, measure=measure)
    ratio = test.get("ratio", _ratio(ours, theirs) if p_value is None else None)
    if ratio is not None and "ratio" in test and score == "rmsse":
        ratio = math.sqrt(ratio)  # of mean squared errors
    return Rival(name, ratio, p_value, series, test.get("better"), test.get("over"), measure)


def _tested(best: Rival) -> str | None:
    if best.series is None or best.over is None:
        return None
    if best.over == "dates":
        return f"over {best.series:,} series, by date: errors of one date go together"
    return f"across {best.series:,} series, allowing for what their errors of one date have in common"


def _steps(scores: Mapping[str, Any]) -> int:
    return max(1, len(scores.get("steps") or ()))


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    if ours is None or theirs is None:
        return None
    if theirs == 0:
        return 1.0 if ours == 0 else None
    return ours / theirs


def _text(best: Rival, naive: Rival, counted: str) -> str:
    clauses = [rival.text for rival in (best, *([naive] if naive.name != best.name else []))]
    if "too few to test" in (best.status, naive.status):
        clauses[1:] = [clause.removeprefix(f"{naive.measure} ") for clause in clauses[1:]]
        return f"too few forecasts to test ({counted}): {', '.join(clauses)}"
    return "; ".join(clauses)


def _interval_text(sharpest: Rival | None, counted: str) -> str | None:
    if sharpest is None:
        return None
    if sharpest.status == "too few to test":
        return f"too few forecasts to test ({counted}): {sharpest.text}"
    return sharpest.text


def _sentence(status: Status, best: Rival, naive: Rival, intervals: Rival | None, counted: str, needed: str) -> str:
    about = _about_intervals(status, intervals)
    if status == "too few to test":
        return f"Too few forecasts to tell: {counted}, {needed}. {_sizes(best, naive)}, which may be luck."
    if status == "better":
        return f"Worth using: {_sizes(best, naive).lower()}, more than chance would make{about}."
    rival = best if best.status == status else naive  # the one that the status comes from
    if status == "worse":
        larger = f"{percent(rival.ratio)} larger" if rival.ratio is not None else "larger"
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
        f"{percent(rival.ratio)} {'smaller' if rival.ratio < 1 else 'larger'} than those of {plain(rival.name)}"
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


def _counted(n: int, steps: int, series: int | None) -> str:
    where = "" if series is None else f" in {series:,} series"
    return f"{n:,} of {steps} step{'s' if steps > 1 else ''}{where}"


def _apart(n: int, steps: int, series: int | None) -> str:
    """How many there are, where a test needs how many, as a clause."""
    if series is not None:
        return f"where a test needs {FEWEST} series with a scale, or {FEWEST} dates whose forecasts do not overlap"
    apart = -(-n // steps)
    return f"of which {apart} {'does' if apart == 1 else 'do'} not overlap, where a test needs {FEWEST}"

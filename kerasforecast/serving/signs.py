"""What is looked at to tell drift: shifts of errors, coverage, size of errors, inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import iso_text
from kerasforecast.metrics.drift import (
    ALLOWED,
    BINS,
    THRESHOLD,
    coverage_p_value,
    kolmogorov_smirnov,
    level_scores,
    normal_scores,
    page_hinkley,
    population_stability,
    spells,
)
from kerasforecast.metrics.probabilistic import central_intervals

if TYPE_CHECKING:
    from kerasforecast.model import Model
    from kerasforecast.serving.stretch import Stretch

Status = Literal["fine", "watch", "retrain"]
FEWEST = 20  # rows after the test part, below which nothing is said
RECENT = 60  # dates that coverage, size of errors and inputs are judged over

# A look at every new row is many looks: what is judged over the last 60 has to be this unlikely.
_UNLIKELY = 1e-4
_WORSE = 1.25  # times the error of the test part, below which larger errors are no reason to watch
_SHIFTED = 0.25  # of the population stability index, as everybody has it
_BEYOND = 7.0  # standard deviations by which the index must be larger than that of rows like those before
_UNSURE = 0.5  # standard deviations of shift that are none where intervals, which may be biased, are the reference
_STORMS = 1.3  # as `spells`, of the size of errors where the test part is not at hand to say


@dataclass(frozen=True)
class Sign:
    """One thing that was looked at.

    Attributes:
        name: `bias`, `size`, `coverage`, `mase` or `inputs`.
        status: What it alone says.
        text: Why, in words.
        since: Date or step at which a shift was found; `None` elsewhere.
        values: The numbers, by name.
    """

    name: str
    status: Status
    text: str
    since: str | int | None = None
    values: dict[str, float | int | None] | None = None


def signs_of(model: Model, newer: Stretch, before: Stretch | None) -> tuple[tuple[Sign, ...], tuple[str, ...]]:
    """Everything there is to see in `newer`, and what could not be looked at.

    Args:
        model: Whose forecasts they are.
        newer: What is watched.
        before: What the test part had; `None` where its rows are not at hand.
    """
    notes = []
    if before is None:
        notes.append(
            "The rows of validation and test are not at hand: errors are compared with the model's intervals, which "
            "widen as a series moves more, and inputs with nothing. Give the earlier rows before the newer ones."
        )
    signs = [*_shifts(newer, before, model.config.levels)]
    if not signs:
        notes.append(
            "Shifts were not looked for: there are no intervals, and the rows of validation and test are not at hand."
        )
    signs += [*_coverage(model, newer), *_mase(model, newer, before)]
    if before is not None:
        signs += [_inputs(newer, before)]
    return tuple(signs), tuple(notes)


def _shifts(newer: Stretch, before: Stretch | None, levels: tuple[float, ...]) -> Iterator[Sign]:
    """A shift of the errors' mean, and of their size, since the test part."""
    several = len(np.unique(newer.ids)) > 1
    if before is not None:
        yield _shift("bias", *_beside(newer, before, lambda part: part.errors / _units(part, before)))
        yield _shift("size", *_beside(newer, before, lambda part: np.abs(part.errors / _units(part, before))))
    elif newer.fixed is not None and len(levels) > 1:
        from scipy.special import ndtr, ndtri

        signed = level_scores(newer.actual, newer.fixed, levels)
        sizes = ndtri(np.clip(2 * ndtr(np.abs(signed)) - 1, 1e-4, 1 - 1e-4)) / _STORMS
        for name, scores in (("bias", signed), ("size", sizes)):
            values, dates = newer.by_date(scores)
            yield _shift(name, _standard(values) if several else values, dates, _UNSURE)


def _beside(
    newer: Stretch, before: Stretch, value: Callable[[Stretch], np.ndarray]
) -> tuple[np.ndarray, pd.Index, float]:
    """Normal scores by date of what `value` gives, among those of the test part, and the shift that is none.

    That is two standard errors larger than elsewhere, for so well the test part knows its own mean.
    """
    known, _ = before.by_date(value(before))
    values, dates = newer.by_date(value(newer))
    return (
        normal_scores(values, known) / spells(normal_scores(known, known)),
        dates,
        ALLOWED + 2 / math.sqrt(len(known)),
    )


def _units(part: Stretch, before: Stretch) -> np.ndarray:
    """`(N,)` how large the errors of each forecast's series were in the test part; the middle's, of a new one."""
    if len(np.unique(before.ids)) < 2:
        return np.ones(len(part))
    sums, counts = np.bincount(before.ids, np.abs(before.errors)), np.bincount(before.ids)
    sizes = np.divide(sums, counts, out=np.zeros(len(sums)), where=counts > 0)
    middle = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    every = np.full(max(len(sizes), int(part.ids.max()) + 1), middle)
    every[: len(sizes)] = np.where(sizes > 0, sizes, middle)
    return every[part.ids]


def _standard(values: np.ndarray) -> np.ndarray:
    """Values of dates in units of their own earlier half's spread: series of one date go together, nobody knows how."""
    half = values[: max(len(values) // 2, FEWEST)]
    spread = float(np.median(np.abs(half - np.median(half)))) * 1.4826
    return (values - np.median(half)) / max(spread, 1e-9)


def _shift(name: str, scores: np.ndarray, dates: pd.Index, allowed: float) -> Sign:
    found = page_hinkley(scores, both=name == "bias", allowed=allowed)
    since = None if found.row is None else iso_text(dates[found.row], dates)
    values: dict[str, float | int | None] = {"page_hinkley": round(found.statistic, 3), "threshold": THRESHOLD}
    if found.row is None:
        return Sign(name, "fine", f"No shift of the {_WORDS[name]} of errors.", None, values)
    what = "Errors are larger than in validation and test"
    if name == "bias":
        what = f"Forecasts have become too {'low' if found.way > 0 else 'high'}"
    text = f"{what}: seen by {since} (Page-Hinkley {found.statistic:.1f}, {THRESHOLD:g} is a change)."
    return Sign(name, "retrain", text, since, values)


_WORDS = {"bias": "mean", "size": "size"}


def _coverage(model: Model, newer: Stretch) -> Iterator[Sign]:
    """Whether the widest interval still holds its share of what came lately."""
    intervals = central_intervals(model.config.levels) if newer.quantiles is not None else []
    if not intervals:
        return
    recent = newer.newest(RECENT)
    nominal, low, high = intervals[0]
    found = recent.quantiles
    if found is None:
        return
    inside = (recent.actual >= found[:, low]) & (recent.actual <= found[:, high])
    shares, _ = recent.by_date(inside.astype(float))  # of several series a date counts as one: they err together
    n, hits = len(shares), round(float(shares.sum()))
    p_value = coverage_p_value(hits, n, nominal, _tested(model, nominal))
    status = "watch" if p_value < _UNLIKELY else "fine"
    text = f"The {nominal:.0%} interval held {hits / n:.0%} of the last {n} rows (p = {p_value:.2g})."
    yield Sign("coverage", status, text, None, {"nominal": nominal, "coverage": hits / n, "n": n, "p_value": p_value})  # type: ignore[arg-type]


def _tested(model: Model, nominal: float) -> tuple[int, int] | None:
    """How many outcomes the same interval held in the test part, of how many."""
    metrics = model.manifest.metrics
    scores = None if metrics is None else (metrics.test.model.steps or [metrics.test.model])[0]
    share = None if scores is None else scores.coverage.get(f"{nominal:g}")
    if metrics is None or share is None or metrics.test.series is not None:
        return None
    return round(share * metrics.test.n), metrics.test.n


def _mase(model: Model, newer: Stretch, before: Stretch | None) -> Iterator[Sign]:
    """The mean absolute scaled error of the last rows, beside the test part's."""
    baselines, metrics = model.manifest.baselines, model.manifest.metrics
    recent = newer.newest(RECENT)
    scale = baselines.scales[0] if baselines is not None and baselines.scales else None
    naive = float(np.mean(np.abs(recent.actual - recent.last)))
    error = float(np.mean(np.abs(recent.actual - recent.point)))
    tested = None if metrics is None else (metrics.test.model.steps or [metrics.test.model])[0].mase
    values: dict[str, float | int | None] = {
        "mase": error / scale if scale else None,
        "test_mase": tested,
        "relative_to_naive": error / naive if naive else None,
    }
    if before is None:
        if scale and tested:
            text = f"MASE {error / scale:.3g} over the last {RECENT} rows, {tested:.3g} in the test part."
            yield Sign("mase", "fine", text, None, values)
        return
    now, _ = recent.by_date(np.abs(recent.errors / _units(recent, before)))
    then, _ = before.by_date(np.abs(before.errors / _units(before, before)))
    ratio = float(now.mean() / then.mean()) if then.mean() > 0 else 1.0
    p_value = _larger(now, then)
    status = "watch" if ratio > _WORSE and p_value < _UNLIKELY else "fine"
    text = f"Errors of the last {len(now)} rows are {ratio:.2f} times those of validation and test (p = {p_value:.2g})."
    yield Sign("mase", status, text, None, values | {"ratio": ratio, "p_value": p_value})  # type: ignore[arg-type]


def _larger(now: np.ndarray, then: np.ndarray) -> float:
    """How likely errors as large as `now` are where nothing changed: Welch's test, which allows for spells."""
    from scipy.special import stdtr

    again = spells(then)
    error = again * np.sqrt(now.var(ddof=1) / len(now) + then.var(ddof=1) / len(then))
    return float(stdtr(len(now) - 1, -(now.mean() - then.mean()) / error)) if error > 0 else 1.0


def _inputs(newer: Stretch, before: Stretch) -> Sign:
    """Whether inputs, in units of their windows, are spread as in the test part: as stretches of that are."""
    recent, found = newer.newest(RECENT), []
    values: dict[str, float | int | None] = {}
    for name, known in before.inputs.items():
        held, _ = before.by_date(known)
        now, _ = recent.by_date(recent.inputs[name])
        index, distance = population_stability(now, held), kolmogorov_smirnov(now, held)
        limits = _limits(now, held)
        values |= {f"{name} psi": round(index, 4), f"{name} ks": round(distance, 4)}
        if index > max(_SHIFTED, limits[0]) or distance > limits[1]:
            found.append(f"{name} (PSI {index:.2f}, KS {distance:.2f})")
    if not found:
        return Sign("inputs", "fine", "Inputs are spread as in validation and test.", None, values)
    text = f"Inputs of the last {RECENT} rows are not spread as in validation and test: {', '.join(found)}."
    return Sign("inputs", "watch", text, None, values)


def _limits(now: np.ndarray, held: np.ndarray) -> tuple[float, float]:
    """Index and distance that as many rows hardly ever have where nothing changed, spells allowed for.

    Of independent rows the index is near a chi-squared of as many degrees as it has bins, less one, and the distance
    follows Smirnov's law.
    """
    again = spells(normal_scores(held, held))
    share = (1 / len(now) + 1 / len(held)) * again**2
    freedom = BINS - 1
    return share * (freedom + _BEYOND * math.sqrt(2 * freedom)), math.sqrt(-math.log(_UNLIKELY / 20) / 2 * share)

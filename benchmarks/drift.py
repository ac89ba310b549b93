"""How often drift is told where nothing changed, and how soon where something did: errors drawn by NumPy, no network.

    python benchmarks/drift.py --rows 20000

Of each law 300 errors are the test part and the next ones are watched, looked at after every five rows, until there is
an alarm or 500 rows have gone by: then all begins anew with another test part. An alarm is whatever is not *fine*. With
changes planted at row 100, what counts is the rows from there to *retrain*, and to any alarm.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd

from kerasforecast.serving.signs import signs_of
from kerasforecast.serving.stretch import Stretch

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
TESTED, WATCHED, PLANTED, EVERY = 300, 500, 100, 5
MODEL = SimpleNamespace(
    config=SimpleNamespace(levels=LEVELS), manifest=SimpleNamespace(metrics=None, baselines=None), forecaster=None
)


def _ar(rng: np.random.Generator, count: int) -> np.ndarray:
    noise = rng.normal(size=count)
    for row in range(1, count):
        noise[row] += 0.3 * noise[row - 1]
    return noise * np.sqrt(1 - 0.3**2)


def _garch(rng: np.random.Generator, count: int) -> np.ndarray:
    found, variance = rng.normal(size=count), 1.0
    for row in range(count):
        found[row] *= np.sqrt(variance)
        variance = 0.05 + 0.08 * found[row] ** 2 + 0.87 * variance
    return found


LAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, count: rng.normal(size=count),
    "t4": lambda rng, count: rng.standard_t(4, count) / np.sqrt(2),
    "ar 0.3": _ar,
    "garch": _garch,
}
CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "level by 1.2 sd": lambda errors: errors + 1.2,
    "spread by 2.5": lambda errors: 2.5 * errors,
    "a season of 12 rows, 2 sd high": lambda errors: errors + 2 * np.sin(np.arange(len(errors)) * 2 * np.pi / 12),
}


def stretch(errors: np.ndarray, inputs: np.ndarray, usual: np.ndarray) -> Stretch:
    """Errors as those of forecasts of zero, with intervals as `usual` errors have them."""
    quantiles = np.tile(np.quantile(usual, LEVELS), (len(errors), 1))
    times, zeros = pd.date_range("2020-01-01", periods=len(errors)), np.zeros(len(errors))
    ids = np.zeros(len(errors), int)
    return Stretch(times, ids, errors, zeros, np.roll(errors, 1), errors, quantiles, quantiles, {"y": inputs})


def alarms(newer: Stretch, before: Stretch | None, stop: int) -> dict[str, str]:
    """What is not fine after `stop` rows."""
    found, _ = signs_of(MODEL, newer.at(np.arange(stop)), before)  # type: ignore[arg-type]
    return {sign.name: sign.status for sign in found if sign.status != "fine"}


def one(rng: np.random.Generator, law: str, change: str | None, known: bool) -> tuple[Stretch, Stretch | None]:
    """A stretch to watch, and its test part where it is `known`."""
    errors, inputs = LAWS[law](rng, TESTED + WATCHED), rng.normal(size=TESTED + WATCHED)
    if change is not None:
        errors = np.concatenate([errors[: TESTED + PLANTED], CHANGES[change](errors[TESTED + PLANTED :])])
    usual = errors[:TESTED]
    before = stretch(usual, inputs[:TESTED], usual) if known else None
    return stretch(errors[TESTED:], inputs[TESTED:], usual), before


def stationary(law: str, rows: int, known: bool) -> dict[str, object]:
    """False alarms in `rows` rows."""
    rng, seen, counts, most = np.random.default_rng(1), 0, dict[str, int](), 0
    while seen < rows:
        newer, before = one(rng, law, None, known)
        stop, found = 20, dict[str, str]()
        while stop <= WATCHED and not (found := alarms(newer, before, stop)):
            stop += EVERY
        seen += min(stop, WATCHED)
        most += bool(found)
        for name in found:
            counts[name] = counts.get(name, 0) + 1
    rate = round(1000 * most / seen, 3)
    return {"law": law, "test part": known, "rows": seen, "alarms": most, "per_1000": rate} | counts


def planted(law: str, change: str, times: int) -> dict[str, object]:
    """How soon a change is found."""
    rng, delays, early = np.random.default_rng(2), [], 0
    for _ in range(times):
        newer, before = one(rng, law, change, True)
        found = next(
            (
                stop - PLANTED
                for stop in range(PLANTED, WATCHED + 1, 2)
                if "retrain" in alarms(newer, before, stop).values()
            ),
            WATCHED,
        )
        early += found <= 0
        delays.append(found)
    late = np.array(delays)
    return {
        "law": law,
        "change": change,
        "times": times,
        "within_60": round(float((late <= 60).mean()), 3),
        "median": float(np.median(late)),
        "p95": float(np.percentile(late, 95)),
        "before_it": early,
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--laws", default=",".join(LAWS))
    options = parser.parse_args()
    for law in options.laws.split(","):
        for known in (True, False):
            print(json.dumps(stationary(law, options.rows, known)), flush=True)
        for change in CHANGES:
            print(json.dumps(planted(law, change, options.times)), flush=True)


if __name__ == "__main__":
    main()

"""Series that training never saw: how well a model forecasts what begins after it was made.

A series held out by `--holdout-series` is in no fit of anything: its rows are in no training and no validation part,
its attributes in no statistics, its outcomes in no interval. It is scored on its test part, like the others and apart
from them. The verdict of a fit is that over the others; there is one of the series held out beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.errors import DataError
from kerasforecast.evaluation.evaluation import Evaluation, Sequential, evaluate_windows
from kerasforecast.evaluation.learned import Learned
from kerasforecast.evaluation.per_series import LEARNED
from kerasforecast.evaluation.scores import Row
from kerasforecast.evaluation.verdict import Judgement
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.split import Split, held_out
from kerasforecast.preprocessing.windows import Windows

HELD_OUT = "held out: training never saw it"
NEW = "training never saw it"


class Parts(NamedTuple):
    """Windows by whether training saw their series.

    Attributes:
        seen: It did.
        apart: It did not; `None` where no series was held out, or none with a window.
        held: `(M,)` which series were held out.
    """

    seen: Windows
    apart: Windows | None
    held: np.ndarray


def seen_and_held_out(windows: Windows, config: Config) -> Parts:
    """Windows of the test part, those of series held out apart.

    Raises:
        DataError: No other series has a window.
    """
    panel = windows.panel
    held = held_out(panel, config.split)
    parts = _parts(windows, held)
    if not len(parts.seen):
        raise DataError(
            f"{panel.name}: a series that is not held out must have a window in its test part. Received: windows of "
            f"{int(held.sum()):,} held out alone. Use a smaller --holdout-series, or give more rows."
        )
    return parts


def _parts(windows: Windows, held: np.ndarray) -> Parts:
    if not held.any():
        return Parts(windows, None, held)
    cold = held[windows.panel.places(windows.origins)]
    seen, apart = (replace(windows, origins=windows.origins[part]) for part in (~cold, cold))
    return Parts(seen, apart if len(apart) else None, held)


def evaluate_parts(
    forecaster: Sequential,
    parts: Parts,
    baselines: Baselines | None,
    split: Split | None = None,
    more: Callable[[Windows], Mapping[str, Forecast]] = lambda windows: {},
) -> Evaluation:
    """The evaluation of the series that training saw, with that of the series held out in it.

    Args:
        forecaster: The model.
        parts: Of the test part.
        baselines: The simple ones.
        split: Whose training parts give the units of scaled scores.
        more: Forecasts of other baselines by name, for windows.
    """
    trained = None if split is None else split.trained
    found, apart = (
        None if part is None else evaluate_windows(forecaster, part, baselines, more(part), trained)
        for part in (parts.seen, parts.apart)
    )
    if found is None:
        raise ValueError("There must be windows of series that training saw.")
    return _joined(found, apart, parts.held, HELD_OUT) if parts.held.any() else found


def evaluate_unseen(
    forecaster: Sequential, windows: Windows, baselines: Baselines | None, learned: Learned
) -> Evaluation:
    """As `evaluate_windows`, of the windows that the model has not learned from; of all where there are none such.

    Series that it has learned nothing from are scored apart from those that it knows, where there are windows of both.
    """
    unseen = learned.unseen
    chosen = replace(windows, origins=windows.origins[unseen]) if len(unseen) else windows
    new = np.zeros(len(windows.panel), bool) if learned.new is None else learned.new
    parts = _parts(chosen, new)
    if parts.apart is None or not len(parts.seen):
        found = evaluate_windows(forecaster, chosen, baselines, trained=learned.trained)
    else:
        found, apart = (
            evaluate_windows(forecaster, part, baselines, trained=learned.trained) for part in (parts.seen, parts.apart)
        )
        found = _joined(found, apart, new, NEW)
    if found.per_series is not None:
        places = windows.panel.places(windows.origins)
        seen = (np.bincount(places, minlength=len(windows.panel)) > 0) & (found.per_series["windows"] == 0)
        found.per_series.loc[seen, "note"] = LEARNED
    return replace(found, learned=learned.text, judged=len(unseen) > 0)


def held_out_line(test: Mapping[str, Any], held: Mapping[str, Any] | None, verdict: str = "") -> str | None:
    """How series that training never saw were forecast, in a sentence; `None` where none was held out.

    Args:
        test: `test` of `metrics.json`, of the other series.
        held: `held_out` of it.
        verdict: Of the series held out.
    """
    if held is None:
        return None
    own, others = (_mase(scores) for scores in (held, test))
    count = held.get("series") or 0
    score = f"MASE {own:.2f}" if own is not None else "no MASE, for want of a scale"
    beside = f" ({others:.2f} on the others)" if others is not None else ""
    return f"{count:,} series that training never saw: {score}{beside}{f'; {verdict}' if verdict else ''}"


def held_out_note(rows: Sequence[Row], apart: Sequence[Row], judgements: Mapping[str, Judgement]) -> str:
    """How a walk's models forecast series that training never saw, in a sentence.

    Args:
        rows: Scores over the other series.
        apart: Scores over the series held out.
        judgements: Of each model, on those.
    """
    others = {row["model"]: row["mase"] for row in rows}
    own = {row["model"]: row for row in apart}
    count = max(row["series"] or 0 for row in apart)
    said = []
    for name, judgement in judgements.items():
        scores = [value if value is None else f"{value:.2f}" for value in (own[name]["mase"], others[name])]
        score = f"MASE {scores[0]}" if scores[0] else "no MASE, for want of a scale"
        beside = f" ({scores[1]} on the others)" if scores[1] else ""
        said.append(f"{name}: {score}{beside}; {judgement.text}")
    held = "1 series that training never saw is" if count == 1 else f"{count:,} series that training never saw are"
    return f"{held} in no score above. {'. '.join(said)}."


def _mase(scores: Mapping[str, Any]) -> float | None:
    model = scores["model"]
    value = model.get("mase") if isinstance(model, Mapping) else None
    return None if value is None else float(value)


def _joined(found: Evaluation, apart: Evaluation | None, held: np.ndarray, note: str) -> Evaluation:
    """Tables of all series, in their order; scores of those seen, and of those held out (`held`, `(M,)`) within.

    `note` is what is said of the latter, each.
    """
    if found.per_series is None or found.table is None:
        raise ValueError("Series are held out of several, which have tables.")
    each, table, count = found.per_series.copy(), found.table, int(held.sum())
    if apart is not None and apart.per_series is not None and apart.table is not None:
        each.loc[held] = apart.per_series.loc[held]
        table = pd.concat([table, apart.table], ignore_index=True)
        table = table.sort_values(table.columns[0], kind="stable", ignore_index=True)  # ids, in the panel's order
        apart = replace(apart, scores=apart.scores | {"unscored": count - apart.scores["series"]})
    each.insert(each.columns.get_loc("better"), "held_out", held)
    each.loc[held & (each["note"] == ""), "note"] = note
    scores = found.scores | {"unscored": found.scores["unscored"] - count}
    return replace(found, table=table, per_series=each, scores=scores, held_out=apart)

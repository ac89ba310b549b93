"""Trials as a table, and what a study prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kerasforecast.tuning.record import Stage, StudyRecord, Trial, shown_value

if TYPE_CHECKING:
    import pandas as pd


def trials_table(record: StudyRecord) -> pd.DataFrame:
    """A row for each trial: options, errors on validation, how training went; the winner's `best` is true."""
    import pandas as pd

    untuned, measure = record.config.flat(), record.measure
    varied = list(record.tried)
    rows: list[dict[str, Any]] = []
    for trial in record.trials:
        errors, curve = trial.errors(measure), trial.curve
        spread = max(errors) - min(errors) if len(errors) > 1 else None
        rows.append(
            {
                "trial": trial.number,
                "stage": trial.stage,
                **{name: trial.options.get(name, untuned[name]) for name in varied},
                measure: trial.error(measure),
                "of_naive": trial.of_naive(measure),
                "spread": spread,
                "epochs": trial.epochs,
                "trained": trial.attempts[0].trained,
                "seconds": round(trial.seconds, 3),
                "status": trial.status,
                "reading": curve.reading if curve else None,
                "best": trial.number == record.best,
            }
        )
    return pd.DataFrame(rows)


def stage_rows(record: StudyRecord, stage: Stage) -> tuple[list[str], list[list[str]], int]:
    """The table of a stage: its heading, a row of texts for each value, and which row was kept."""
    head = [stage.option, record.measure.upper(), "of naive", "epochs", "seconds", "curves"]
    untuned = record.config.flat()[stage.option]
    rows: list[list[str]] = []
    kept = 0
    for number in stage.trials:
        trial = record.trial(number)
        value = trial.options.get(stage.option, untuned)
        kept = len(rows) if value == stage.kept else kept
        rows.append([shown_value(value), *trial_cells(trial, record)])
    return head, rows, kept


def trial_cells(trial: Trial, record: StudyRecord) -> list[str]:
    """Its error, that over the naive forecast's, epochs, seconds, and the reading of its curves."""
    error, naive = trial.error(record.measure), trial.of_naive(record.measure)
    reading = trial.curve.reading if trial.curve and trial.status in ("done", "pruned") else trial.status
    errors = trial.errors(record.measure)
    spread = f" ± {(max(errors) - min(errors)) / 2:.2g}" if error is not None and len(errors) > 1 else ""
    return [
        "-" if error is None else f"{error:.4f}{spread}",
        "-" if naive is None else f"{naive:.3f}",
        str(trial.epochs),
        f"{trial.seconds:.1f}",
        f"{trial.status}: {reading}" if trial.status == "pruned" else reading,
    ]


def importance_of(record: StudyRecord) -> dict[str, float]:
    """How much of the differences between errors each option explains, the largest first.

    For each option the spread of the mean error by its values, as a share of that of all errors: the first-order part
    of an analysis of variance (Hutter, Hoos & Leyton-Brown 2014 do it over a whole space). Values of a range count in
    four groups.
    """
    import numpy as np

    scored = [(trial, error) for trial in record.trials if (error := trial.error(record.measure)) is not None]
    errors = np.array([error for _, error in scored])
    total = float(np.var(errors)) if len(errors) else 0.0
    untuned, found = record.config.flat(), {}
    for name in record.tried:
        groups = _groups([trial.options.get(name, untuned[name]) for trial, _ in scored])
        means = {group: errors[[each == group for each in groups]].mean() for group in set(groups)}
        between = float(np.var([means[each] for each in groups])) if groups else 0.0
        found[name] = between / total if total else 0.0
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _groups(values: Sequence[Any]) -> list[Any]:
    import numpy as np

    if len(set(map(str, values))) <= 6 or not all(isinstance(value, int | float) for value in values):
        return [str(value) for value in values]
    edges = np.quantile(values, (0.25, 0.5, 0.75))
    return [int(np.searchsorted(edges, value)) for value in values]

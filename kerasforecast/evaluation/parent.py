"""Is a model better than the one whose weights it started from? Both forecast rows that neither has learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.artifact.lineage import ParentTest
from kerasforecast.artifact.parent import Parent
from kerasforecast.config import Config
from kerasforecast.evaluation.cold_start import Parts
from kerasforecast.evaluation.learned import learned_windows
from kerasforecast.evaluation.verdict import Rival
from kerasforecast.metrics.panels import BySeries, compare_over_series
from kerasforecast.metrics.significance import ALPHA, compare_losses
from kerasforecast.models.member import describe
from kerasforecast.preprocessing.volatility import Volatility
from kerasforecast.preprocessing.windows import Windows

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor


def against_parent(
    child: Predictor, theirs: Predictor, parent: Parent, windows: Windows, volatility: Volatility
) -> ParentTest:
    """Compare the forecasts of both by squared errors, with the Diebold-Mariano test.

    Of several series errors are taken in units of each window's own usual moves, and tested as a verdict over them is:
    see `kerasforecast.metrics.panels.compare_over_series`.

    Args:
        child: What was trained now.
        theirs: What the parent forecasts with.
        parent: Whose data says what it has learned from.
        windows: Of the test part, which the child has not learned from.
        volatility: How moves are measured.
    """
    learned = learned_windows(parent.manifest.learned_from, windows.panel, windows.origins, windows.steps)
    unseen = replace(windows, origins=windows.origins[learned.unseen])
    if not len(unseen):
        return ParentTest(n=0, text=f"not compared, since it has learned from the test part ({learned.text})")
    ours, others = (_losses(each, unseen, volatility) for each in (child, theirs))
    test = _tested(ours, others, unseen)
    rmse, parent_rmse = (float(np.sqrt(np.mean(each))) for each in (ours, others))
    p_value = test["p_value"] if isinstance(test["p_value"], float) else None
    ratio = (rmse / parent_rmse if parent_rmse else None) if rmse != parent_rmse else 1.0
    rival = Rival("its parent", ratio, p_value)
    few = "too few forecasts to test: " if p_value is None else ""
    without = f", without those that the parent has learned from ({learned.text})" if learned.text else ""
    return ParentTest(
        n=len(unseen),
        rmse=rmse,
        parent_rmse=parent_rmse,
        p_value=p_value,
        better=rival.beaten(ALPHA if parent.alpha is None else parent.alpha),
        text=f"{few}{rival.text}, on {len(unseen):,} forecasts{without}",
    )


def unlearned(parts: Parts, parent: Parent | None) -> tuple[Parts, str | None, str | None]:
    """`parts` with the windows alone that the parent has learned nothing from, and what to say of the others.

    Where there are no such all windows stay, and what the parent has learned of them comes with them.
    """
    tested = parts.seen
    if parent is None:
        return parts, None, None
    name, known = parent.manifest.name, parent.manifest.learned_from
    learned = learned_windows(known, tested.panel, tested.origins, tested.steps)
    if learned.text is None:
        return parts, None, None
    unseen = learned.unseen
    if not len(unseen):
        note = f"{name} has learned from the test part already ({learned.text}): no verdict can rest on it."
        return parts, learned.text, note
    note = f"Scored on {len(unseen):,} of {len(tested):,} windows of the test part: {name} has learned from the others."
    return Parts(replace(tested, origins=tested.origins[unseen]), parts.apart, parts.held), None, note


def started_from(parent: Parent, config: Config, frozen: Sequence[str]) -> str:
    """What training starts from, in a sentence."""
    kept = f"; {', '.join(frozen)} kept as they are" if frozen else ""
    return (
        f"Starts from the weights of {parent.manifest.name} ({describe([parent.member])}), with its scaling, at "
        f"learning rate {config.training.learning_rate:g}{kept}."
    )


def _tested(ours: np.ndarray, others: np.ndarray, windows: Windows) -> dict[str, Any]:
    """The test of the losses `(N, H)` of both: over origins, of several series over their dates or across them."""
    panel, origins = windows.panel, windows.origins
    if len(panel) == 1:
        return compare_losses(ours, others, "squared")
    series = BySeries(panel.places(origins), len(panel))
    times = (panel.index.asi8 if panel.dated else panel.index.to_numpy())[origins]
    return compare_over_series(ours.mean(axis=1), others.mean(axis=1), series, times, windows.steps)


def _losses(predictor: Predictor, windows: Windows, volatility: Volatility) -> np.ndarray:
    """Squared errors `(N, H)` of each window."""
    parts = []
    for chunk in windows.chunks():
        batch = windows.batch(chunk)
        first = predictor.predict(batch)
        ahead = predictor.roll(batch, windows.steps, first) if windows.steps > predictor.horizon else first
        errors = windows.targets(chunk) - ahead[:, : windows.steps]
        if len(windows.panel) > 1:
            errors = errors / volatility.standard_moves(windows.context(chunk), windows.steps)
        parts.append(errors**2)
    return np.concatenate(parts)

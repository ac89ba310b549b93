"""A row of scores for each series of a panel: what `series.csv` holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.data.id_column import id_column
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.evaluation.tally import Tally, grouping

TOO_SHORT = "too short to score: forecast only"
LEARNED = "not scored: the model has learned from all of its windows"
NO_SCALE = "never changed in training: no scaled scores"


def per_series_table(
    panel: Panel,
    outcomes: Outcomes,
    ours: Tally,
    naive: Tally,
    best: Tally,
    more: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """One row a series of `panel`, in its order, those without a window among them.

    Args:
        panel: Of several series.
        outcomes: What was scored.
        ours: The model's scores.
        naive: The naive forecast's.
        best: Those of the best simple forecast.
        more: Further columns by name, `(M,)` each, to stand before `better`.

    Returns:
        The id under the panel's own name; `windows`; `mase`, `rmsse`, `smape`, and where there are intervals `crps`,
        `scaled_crps` and `in_<percent>`, the share inside each central interval; `naive_mase`; `best_mase`; `better`,
        whether the model errs less than the best simple forecast, `None` without a window; `note`, what is to be said.
    """
    each, grouped = ours.each_series(), grouping(outcomes)
    scores = each.scaled(outcomes.units)
    table = {id_column(panel) or "id": panel.ids, "windows": grouped.windows}
    table |= {name: scores[name] for name in ("mase", "rmsse", "smape")}
    if each.crps is not None:
        table |= {"crps": each.crps.mean(axis=1), "scaled_crps": scores["scaled_crps"]}
        table |= {f"in_{100 * float(share):g}": inside.mean(axis=1) for share, inside in each.covered.items()}
    theirs = best.each_series()
    table["naive_mase"] = naive.each_series().scaled(outcomes.units)["mase"]
    table["best_mase"] = theirs.scaled(outcomes.units)["mase"]
    table |= more or {}
    better = pd.Series(ours.better(best), dtype=object)
    table["better"] = better.where(grouped.windows > 0, None)  # of a series without a score it says nothing
    unscaled = ~(outcomes.units > 0).all(axis=1)
    table["note"] = np.where(grouped.windows == 0, TOO_SHORT, np.where(unscaled, NO_SCALE, ""))
    return pd.DataFrame(table)


def counts(outcomes: Outcomes, ours: Tally, naive: Tally, best: Tally) -> dict[str, Any]:
    """What the scores of several series say beside those of one: how many there are, and on which share it is better.

    Returns:
        `series` that were scored, `unscored` ones, `unscaled` ones of those scored, whose training part never changed;
        `better`, the shares of series on which the model's MASE is below that of the best simple forecast and of the
        naive one.
    """
    grouped = grouping(outcomes)
    there = grouped.windows > 0
    unscaled = there & ~(outcomes.units > 0).all(axis=1)
    shares = {"best": ours.share_better(best), "naive": ours.share_better(naive)}
    numbers = {"series": int(there.sum()), "unscored": int((~there).sum()), "unscaled": int(unscaled.sum())}
    return numbers | {"better": shares}

"""The shares of networks in their mean: chosen greedily with replacement (Caruana et al. 2004).

Each pick is the network with which the mean of all picks so far is best; one may be picked often. Picks begin with the
best few together, where few windows choose: then averages over winners do better than the one that was lucky.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerasforecast.selection.judging import Judge, Worth

MOST = 12  # networks of a model
_PICKS = 20
_POOL = 16  # networks that are picked from, the best
_LEAST = 0.03  # of the whole: what a network must have to be worth its time in every forecast


def shares(judge: Judge, errors: Sequence[np.ndarray], worths: Sequence[Worth], together: int) -> np.ndarray:
    """The share of each of M networks, `(M,)`, which sum to 1.

    Args:
        judge: What it is chosen by.
        errors: Of each, `(N, H)`.
        worths: Of each.
        together: How many of the best the picks begin with.
    """
    order = sorted(range(len(errors)), key=lambda place: worths[place].loss)[:_POOL]
    counts = np.zeros(len(errors), int)
    counts[order[:together]] = 1
    total = np.sum([errors[place] for place in order[:together]], axis=0)
    best, lowest = counts.copy(), judge.worth(total / counts.sum()).loss
    for _ in range(_PICKS):
        allowed = [place for place in order if counts[place]] if (counts > 0).sum() >= MOST else order
        tried = {place: judge.worth((total + errors[place]) / (counts.sum() + 1)).loss for place in allowed}
        pick = min(tried, key=lambda place: tried[place])
        counts[pick] += 1
        total = total + errors[pick]
        if tried[pick] < lowest:
            best, lowest = counts.copy(), tried[pick]
    found = best / best.sum()
    found[found < _LEAST] = 0
    return found / found.sum()

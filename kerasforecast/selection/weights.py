"""The shares of networks in their mean: chosen greedily with replacement (Caruana et al. 2004).

Each pick is the network with which the mean of all picks so far is best; one may be picked often. Picks begin with the
best network of each of a few families, as if it had been picked already: kinds of networks miss in ways of their own,
and picks alone make much of what chance did to the few windows that choose. A family far behind the best has no part in
that.

A mean whose shares were chosen on some windows looks better on these than it is, the more so the more networks there
were, while a classical model beside it had nothing to choose. So the mean is judged block by block: shares for each
block are chosen on the other ones (`left_out`), as they are chosen on all for the model that leaves. What is left of
the advantage: which networks were trained for longer, and where data is short when their trainings stopped, was seen
on all blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kerasforecast.selection.judging import Judge, Worth

MOST = 12  # networks of a model
_PICKS = 20
_POOL = 16  # networks that are picked from, the best
_FAMILIES = 4  # that the picks begin with
_BEGUN = 3  # picks of each
_BEHIND = 1.25  # times the best loss, from which on a family is left out of these
_LEAST = 0.03  # of the whole: what a network must have to be worth its time in every forecast


def shares(judge: Judge, errors: np.ndarray, families: Sequence[str]) -> np.ndarray:
    """The share of each of M networks, `(M,)`, which sum to 1.

    Args:
        judge: What it is chosen by.
        errors: Of each, `(M, N, H)`.
        families: The M names of what kind each is.
    """
    losses = [judge.worth(each).loss for each in errors]
    order = sorted(range(len(errors)), key=losses.__getitem__)[:_POOL]
    counts = np.zeros(len(errors), int)
    counts[_first(order, losses, families)] = _BEGUN
    total = np.tensordot(counts, errors, axes=1)
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


def _first(order: Sequence[int], losses: Sequence[float], families: Sequence[str]) -> list[int]:
    """The best network of each of the best families; `order` has the best first."""
    found: dict[str, int] = {}
    for place in order:
        if losses[place] <= _BEHIND * losses[order[0]]:
            found.setdefault(families[place], place)
    return list(found.values())[:_FAMILIES]


def left_out(judge: Judge, errors: np.ndarray, choose: Callable[[Judge, np.ndarray], np.ndarray]) -> Worth:
    """What the mean of networks is worth where its shares were not chosen: each block by shares of the other blocks.

    Args:
        judge: All windows.
        errors: `(M, N, H)` of each network there.
        choose: The shares `(M,)` that a judge of some windows chooses by the errors on these.
    """
    found = np.empty_like(errors[0])
    for own, others in judge.parted():
        found[own] = np.tensordot(choose(judge.among(others), errors[:, others]), errors[:, own], axes=1)
    return judge.worth(found)

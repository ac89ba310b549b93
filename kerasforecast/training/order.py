"""In which order training goes through its windows: the same on every backend, and after a resume."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


def shuffled(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of `count` windows in an epoch, `(count,)` int32: every window once."""
    order = np.arange(count, dtype=np.int32)
    np.random.default_rng([seed, 3, epoch]).shuffle(order)
    return order


def passes(count: int, drawn: int, seed: int, epoch: int) -> np.ndarray:
    """The first `drawn` of `count` windows in the order of an epoch, `(drawn,)` int32; beyond all, pass after pass."""
    order = shuffled(count, seed, epoch)
    if drawn <= count:
        return order[:drawn].copy() if drawn < count else order  # a view would keep all of it
    random = np.random.default_rng([seed, 7, epoch])
    return np.concatenate([order, *(random.permutation(order) for _ in range((drawn - 1) // count))])[:drawn]


@dataclass(frozen=True, eq=False)
class BySeries:
    """Orders in which every series counts alike, however many windows it has.

    Series take turns in rounds, in another order each round, so however many windows are drawn, each has its share but
    for one. Those of a short series come again when all have passed; a long series shows others in another epoch.

    Attributes:
        owners: `(N,)` which series each window is of, ascending.
    """

    owners: np.ndarray
    sizes: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        sizes = np.unique(self.owners, return_counts=True)[1]
        object.__setattr__(self, "sizes", sizes)

    def drawn(self, count: int, seed: int, epoch: int) -> np.ndarray:
        """`count` windows of an epoch, `(count,)` int32."""
        if len(self.sizes) == 1:
            return passes(len(self.owners), count, seed, epoch)
        random = np.random.default_rng([seed, 5, epoch])
        series, rounds = len(self.sizes), -(-count // len(self.sizes))
        turns = np.tile(np.arange(series, dtype=np.int32), (rounds, 1))
        random.permuted(turns, axis=1, out=turns)
        whose = turns.ravel()[:count]  # (count,) places of series
        taken = np.repeat(np.arange(rounds), series)[:count]  # (count,) how many of the series' own came before
        own = np.lexsort((random.random(len(self.owners)), np.repeat(np.arange(series), self.sizes)))
        firsts = np.cumsum(self.sizes) - self.sizes
        return own[firsts[whose] + taken % self.sizes[whose]].astype(np.int32)

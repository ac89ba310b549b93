"""How much is tried: in steps of the optimizer, so that a choice can be repeated, or within a time."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kerasforecast.models.families.automatic import AutomaticOptions

_SCORES = 0.1, 15.0  # of a time limit, and seconds, if these are not most of it, that are kept for scores and report
_MOST_KEPT = 0.3


@dataclass(frozen=True)
class Budget:
    """What may be tried.

    Attributes:
        rounds: Optimizer steps that a network has had by the end of each round; after each the better half goes on.
        proposals: Networks of each family.
        solved: The same of a family whose weights need no steps.
        stretch: Steps between two looks at validation.
        seeds: Further starts of the best networks, where data is short.
    """

    rounds: tuple[int, ...]
    proposals: int
    solved: int
    stretch: int
    seeds: int


_BUDGETS = {
    "small": Budget(rounds=(100, 400), proposals=1, solved=3, stretch=50, seeds=1),
    "medium": Budget(rounds=(150, 600, 4_000), proposals=2, solved=6, stretch=50, seeds=2),
    "large": Budget(rounds=(300, 1_200, 5_000), proposals=8, solved=8, stretch=100, seeds=4),
}


def budget_of(options: AutomaticOptions) -> Budget:
    """The budget asked for; a time limit cuts the largest."""
    return _BUDGETS["large" if options.time else options.budget]


class Clock:
    """Says whether there is time left to try more.

    Args:
        seconds: The limit, of all; `None` for none.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None
        if seconds is not None:
            share, least = _SCORES
            self._end = time.monotonic() + seconds - max(share * seconds, min(least, _MOST_KEPT * seconds))

    def over(self, ahead: float = 0.0) -> bool:
        """Whether there is no time left, where so many seconds of work are still `ahead`."""
        return self._end is not None and time.monotonic() + ahead >= self._end

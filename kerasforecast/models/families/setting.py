"""What families propose networks by, where nobody says which is wanted (`--model auto`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """What is known of the data before any network is trained, for a family to propose networks by.

    Attributes:
        rows: Training rows, of several series those of one of median length.
        horizon: Rows ahead.
        periods: Rows of each season, ascending; none where there is none.
        most: The longest window that leaves enough to learn from.
        positive: Whether all values of the target are above 0, so that logs can be taken.
        several: Whether there is more than one series.
        known: Whether columns are known ahead.
        transform: What values are to be taken by, where that is settled before networks are tried.
    """

    rows: int
    horizon: int
    periods: tuple[int, ...] = ()
    most: int = 10_000
    positive: bool = True
    several: bool = False
    known: bool = False
    transform: str | None = None

    @property
    def season(self) -> int:
        """Rows of the longest season that fits into a window; 1 without one."""
        return max((period for period in self.periods if period <= self.most), default=1)

    @property
    def longest(self) -> int:
        """The longest window of what learns nothing from windows: one of it must fit into the training rows."""
        return max(2, min(self.rows - self.horizon - 8, 1_000))

    @property
    def bent(self) -> dict[str, str]:
        """The option that keeps a few peaks from ruling what is learned: logs, or their like where there are none."""
        return {"target_transform": "log" if self.positive else "asinh"}

    def window(self, units: float = 1) -> int:
        """A window of so many units, each the longest season or the horizon, whichever is longer; what fits of it."""
        unit = max(self.season, self.horizon) if self.season > 1 else max(2 * self.horizon, 20)
        return max(2, min(round(units * unit), self.most))

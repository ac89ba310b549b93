"""What networks are worth on validation, in raw units: losses under different scalings cannot be compared.

Windows of validation lie in consecutive blocks, of which every other one stops trainings and the others choose, with a
horizon of rows left out between: what stopped a network says too much good of it. Where there are too few windows for
that all of them do both.

MASE and CRPS are means over the blocks that choose, every block alike, in units of the seasonal naive error of
training. The CRPS is of intervals around the forecast by the errors in the other blocks, step by step: of forecasts
that a network had no part in making narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.metrics.point import series_scales
from kerasforecast.metrics.probabilistic import level_weights
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.windows import Windows, windows_of

BLOCKS = 4  # that choose
_MOST = 800  # windows that choose
_ENOUGH = 8  # horizons of validation rows, from which on some stop and others choose; below, a longer stretch chooses
_STRETCH = 0.4  # of the rows before test, that it may take


@dataclass(frozen=True)
class Worth:
    """What forecasts are worth, in units of the seasonal naive error of training.

    Attributes:
        mase: Mean absolute error.
        crps: CRPS of intervals by the errors in other blocks.
    """

    mase: float
    crps: float

    @property
    def loss(self) -> float:
        """What is chosen by: both, since either alone may be had at the other's cost."""
        return self.mase + self.crps


@dataclass(frozen=True, eq=False)
class Judge:
    """Windows that choose, with their outcomes.

    Attributes:
        windows: N of them, in order of their rows.
        stops: Rows of the last input of the windows that stop trainings.
        actual: `(N, H)` raw values.
        scales: `(N, 1)` the unit of each.
        blocks: `(N,)` which block each is in, from 0.
        levels: Of the intervals.
        apart: Whether no window of these stops a training.
    """

    windows: Windows
    stops: np.ndarray
    actual: np.ndarray
    scales: np.ndarray
    blocks: np.ndarray
    levels: tuple[float, ...]
    apart: bool

    @property
    def count(self) -> int:
        """How many blocks."""
        return int(self.blocks.max()) + 1

    def of_window(self, window: int) -> Windows:
        """The windows as a network of that window sees them."""
        return replace(self.windows, window=window)

    def among(self, chosen: np.ndarray) -> Judge:
        """The judge whose windows are those of these that are `chosen`, `(N,)` bool."""
        return replace(
            self,
            windows=replace(self.windows, origins=self.windows.origins[chosen]),
            actual=self.actual[chosen],
            scales=self.scales[chosen],
            blocks=np.unique(self.blocks[chosen], return_inverse=True)[1],
        )

    def parted(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The windows of each block in turn, and those of the other blocks that share no target with them.

        Where blocks are so short that no other window is clear of them, all of the other blocks are; one block alone
        is the other of itself.

        Yields:
            `(N,)` bool each.
        """
        for block in range(self.count):
            own = self.blocks == block
            others = ~own if self.count > 1 else own
            clear = others & (_distances(self.windows.origins, self.windows.origins[own]) >= self.windows.steps)
            yield own, clear if clear.any() else others

    def errors(self, points: np.ndarray) -> np.ndarray:
        """What forecasts `(N, H)` miss, `(N, H)` in units of their series."""
        return (self.actual - points) / self.scales

    def worth(self, errors: np.ndarray) -> Worth:
        """Of forecasts with these `errors`."""
        levels, weights = np.array(self.levels)[:, None, None], 2 * level_weights(self.levels)
        absolute, spread = [], []
        for block in range(self.count):
            own = self.blocks == block
            others = ~own if self.count > 1 else own
            beyond = errors[own] - np.quantile(errors[others], self.levels, axis=0)[:, None]  # (K, n, H)
            absolute.append(np.abs(errors[own]).mean())
            losses = np.maximum(levels * beyond, (levels - 1) * beyond)
            spread.append(weights @ losses.mean(axis=(1, 2)))
        return Worth(float(np.mean(absolute)), float(np.mean(spread)))


def _distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far each of `rows` is from the nearest of `others`."""
    others = np.sort(others)
    after = np.minimum(np.searchsorted(others, rows), len(others) - 1)
    return np.minimum(np.abs(rows - others[after]), np.abs(rows - others[np.maximum(after - 1, 0)]))


def stretched(split: Split, horizon: int) -> Split | None:
    """A split with a longer validation part, cut out of training, where the real one is short; `None` where it is not.

    Its validation reaches up to the test part, as the real one does.
    """
    first, start, stop, _ = split.edges[0]
    if stop - start >= _ENOUGH * horizon:
        return None
    rows = int(max(stop - start, min(_ENOUGH * horizon, _STRETCH * (stop - first))))
    edges = split.edges.copy()
    edges[0, 1] = stop - rows
    return replace(split, edges=edges)


def judge_of(split: Split, panel: Panel, levels: tuple[float, ...], period: int, *, honest: bool) -> Judge:
    """The judge of networks that learn from the training part of `split`.

    Args:
        split: Its validation part stops and chooses.
        panel: The data.
        levels: Of the intervals.
        period: Rows of the season whose naive error is the unit.
        honest: Whether windows that stop may be told from those that choose, where there are enough.
    """
    origins, horizon = split.origins("validation"), split.horizon
    scales = _units(panel, split, period)[panel.places(origins)]
    origins, scales = origins[np.isfinite(scales)], scales[np.isfinite(scales)]
    first, stop = split.edges[:, 1][panel.places(origins)], split.edges[:, 2][panel.places(origins)]
    room = np.maximum(stop - first - horizon + 1, 1)
    share = (origins + 1 - first) / room  # where in its series' validation a window lies, 0 to below 1
    apart = honest and float(split.rows_in("validation").max()) >= _ENOUGH * horizon
    pieces = np.minimum((share * BLOCKS * (2 if apart else 1)).astype(int), BLOCKS * (2 if apart else 1) - 1)
    stops = origins
    if apart:
        # A window whose targets reach into the next piece belongs to neither.
        ahead = np.minimum(((origins + horizon - first) / room * 2 * BLOCKS).astype(int), 2 * BLOCKS - 1)
        clear = ahead == pieces
        stops = origins[clear & (pieces % 2 == 0)]
        chosen = clear & (pieces % 2 == 1)
        if len(stops) and len(np.unique(pieces[chosen])) == BLOCKS:
            origins, scales, pieces = origins[chosen], scales[chosen], pieces[chosen] // 2
        else:
            stops, pieces, apart = origins, pieces // 2, False
    few = evenly(len(origins), _MOST)
    windows = windows_of(panel, origins[few], split.window, horizon)
    blocks = np.unique(pieces[few], return_inverse=True)[1]
    return Judge(windows, stops, windows.targets(), scales[few][:, None], blocks, levels, apart)


def _units(panel: Panel, split: Split, period: int) -> np.ndarray:
    """The seasonal naive error of each series in training, `(S,)`; the naive one where every season repeats exactly.

    Raises:
        DataError: No series moves in training.
    """
    for rows in (period, 1):
        found = series_scales(panel, split.edges[:, 1], rows)[:, 0]
        if np.isfinite(found).any():
            return found
    raise DataError(
        f"{panel.name}: --model auto needs rows of training that move. Received: values that are all alike. Give more "
        "rows, or use --model seasonal."
    )

"""What trials see and are judged on: the rows before the test part, cut off so that nothing later can reach them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kerasforecast.baselines.fitted import learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.cut import between
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation.cuts import Fold
from kerasforecast.metrics.point import series_scales
from kerasforecast.preprocessing.split import Split, least_context, split_panel
from kerasforecast.preprocessing.windows import Windows, windows_of


@dataclass(frozen=True, eq=False)
class Ground:
    """The rows before the test part, and where trials learn and are judged in them.

    Attributes:
        panel: Those rows of every series.
        folds: Each with what it learns from and validates on. A lone one is judged on the validation part that stops
            it; of several, each is judged on its own piece of that part, which it has not seen.
        rolling: Whether there are several.
        scales: `(N, 2)` units of MASE and RMSSE of each series, from its training rows.
    """

    panel: Panel
    folds: tuple[Fold, ...]
    rolling: bool
    scales: np.ndarray

    def fold(self, number: int, config: Config) -> Fold:
        """Fold `number`, from 0, as a network of `config` needs it."""
        several = len(self.panel) > 1
        return replace(self.folds[number], context=least_context(config.split, config.network.window, several=several))

    def judged(self, fold: Fold, config: Config, known: Panel, split: Split) -> Windows:
        """The windows that a network of `config`, trained on the `known` rows of `fold`, is judged on."""
        window, steps = config.network.window, config.steps
        if self.rolling:
            starts = self.panel.starts[:-1][self.panel.places(fold.origins)]
            origins = fold.origins[fold.origins + 1 - starts >= fold.context]
            return windows_of(self.panel, origins, window, steps)
        return windows_of(known, split.origins("validation", steps), window, steps)


def ground_of(panel: Panel, config: Config, rounds: int = 1) -> Ground:
    """Cut off the test part, and say where trials learn and are judged.

    Args:
        panel: All rows.
        config: With the split.
        rounds: Pieces of the validation part, each judged by a network of its own that learned from what lies before.

    Raises:
        DataError: The data is too short for the split or the rounds.
    """
    split = split_panel(panel, config.split, config.network, config.steps)
    baselines = learn_baselines(config, panel, split)  # its season alone is used, which training rows show
    scales = series_scales(panel, split.edges[:, 1], baselines.period)
    known = between(panel, split.starts, split.edges[:, 2])
    begin = known.starts[:-1]
    train_end = begin + np.maximum(split.edges[:, 1] - split.starts, 0)
    first = begin + (split.edges[:, 0] - split.starts)
    end = known.starts[1:]
    if rounds == 1:
        folds: tuple[Fold, ...] = (Fold(1, first, train_end, end, end, end, split.context),)
    else:
        folds = _pieces(first, train_end, end, rounds, config.steps, split.context)
    return Ground(known, folds, rounds > 1, scales)


def _pieces(
    first: np.ndarray, train_end: np.ndarray, end: np.ndarray, rounds: int, steps: int, context: int
) -> tuple[Fold, ...]:
    forecasts = np.maximum(end - steps + 1 - train_end, 0)
    if rounds > forecasts.max():
        raise DataError(
            f"--rounds: each needs a forecast of the validation part. Received: {rounds} rounds for "
            f"{forecasts.max()} forecasts. Give fewer, or a larger --validation-fraction."
        )
    borders = [train_end + np.rint(k * forecasts / rounds).astype(np.int64) for k in range(rounds + 1)]
    held = np.maximum(end - train_end, 0)
    return tuple(
        Fold(
            number + 1,
            first,
            np.maximum(borders[number] - held, first),
            np.maximum(borders[number], first),
            borders[number],
            borders[number + 1],
            context,
        )
        for number in range(rounds)
    )

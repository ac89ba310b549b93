"""Which rows of a table a model has learned from already: scores on those flatter it, and no verdict rests on them.

A model file keeps the dates of its training and validation parts, and some hundred of their values (`Probe`). A table
holds rows of the same series where its values at these dates are the recorded ones, or all in one proportion to them,
as prices that were adjusted since. A table without dates may begin at another row, so there the values say where.
Several series are the subject of `kerasforecast.evaluation.learned_series`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.artifact.records import DataRecord
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import parsed
from kerasforecast.evaluation.learned_series import FEWEST, SAME, agree, learned_ends


@dataclass(frozen=True, eq=False)
class Learned:
    """What a model has learned from, of a number of windows.

    Attributes:
        train: `(N,)` whether the target of each window reaches into the training part.
        validation: `(N,)` the same of validation, where it does not reach into training.
    """

    train: np.ndarray
    validation: np.ndarray

    @property
    def unseen(self) -> np.ndarray:
        """Places of the windows whose targets the model has learned nothing from."""
        return np.flatnonzero(~(self.train | self.validation))

    @property
    def text(self) -> str | None:
        """How many there are, in a few words; `None` where there are none."""
        parts = (("training", self.train), ("validation", self.validation))
        counts = [f"{int(np.sum(windows)):,} in its {name} part" for name, windows in parts if np.any(windows)]
        return " and ".join(counts) or None


def learned_windows(record: DataRecord | None, panel: Panel, origins: np.ndarray, steps: int) -> Learned:
    """Which windows of `panel` a model has learned from.

    Args:
        record: Of the data it was trained on; `None` where that is not known.
        panel: To be evaluated.
        origins: `(N,)` rows of the last input of each window.
        steps: Rows of target after each.
    """
    if record is not None and (record.panel is not None or len(panel) > 1):
        train, validation = learned_ends(record, panel)  # (M,) each
        places = panel.places(origins)
        known = origins + 1 < train[places]
        return Learned(known, (origins + 1 < validation[places]) & ~known)
    if len(panel) > 1:
        none = np.zeros(len(origins), bool)
        return Learned(none, none)
    train, validation = _rows(record, panel[0])

    def reached(rows: np.ndarray) -> np.ndarray:
        sums = np.concatenate([[0], np.cumsum(rows)])
        return sums[origins + 1 + steps] > sums[origins + 1]

    known = reached(train)
    return Learned(known, reached(validation) & ~known)


def _rows(record: DataRecord | None, series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `series` `(T,)` that lie in the training part, and in the validation part."""
    none = np.zeros(len(series), bool)
    shift = _shift(record, series) if record else None
    if record is None or shift is None:
        return none, none
    parts = [record.split.get(name) for name in ("train", "validation")]
    train, validation = (_between(series.index, part.start, part.end, shift) if part else none for part in parts)
    return train, validation


def _between(index: pd.Index, start: object, end: object, shift: int) -> np.ndarray:
    if isinstance(index, pd.DatetimeIndex):
        return np.asarray((index >= parsed(start)) & (index <= parsed(end)))
    return np.asarray((index + shift >= start) & (index + shift <= end))


def _shift(record: DataRecord, series: Series) -> int | None:
    """How many rows later the series stood in the training data, 0 with dates; `None` where it is other data."""
    probe = record.probe
    stamps = [
        *(stamp for part in record.split.values() for stamp in (part.start, part.end)),
        *(probe.rows if probe else ()),
    ]
    if not all(parsed(stamp) if series.dated else isinstance(stamp, int) for stamp in stamps):
        return None
    if probe is None or record.sha256 == series.sha256:
        return 0 if record.sha256 == series.sha256 else None
    values, probed = series.values[:, 0], np.array(probe.values)
    if series.dated:
        dates = pd.DatetimeIndex([parsed(stamp) for stamp in probe.rows])
        places = series.index.get_indexer(dates)
        there = places >= 0
        return 0 if agree(values[places[there]], probed[there]) else None
    steps = np.array(probe.rows)
    shift = _likeliest_shift(series, steps, probed)
    if shift is None:
        return None
    places = series.index.get_indexer(pd.Index(steps - shift))
    there = places >= 0
    return shift if agree(values[places[there]], probed[there]) else None


def _likeliest_shift(series: Series, steps: np.ndarray, probed: np.ndarray) -> int | None:
    """The difference of rows at which most recorded values are found again."""
    votes: Counter[int] = Counter()
    for step, value in zip(steps, probed, strict=True):
        found = np.flatnonzero(np.isclose(series.values[:, 0], value, rtol=SAME, atol=0))
        votes.update((step - series.index[found[:1_000]].to_numpy()).tolist())
    best = votes.most_common(1)
    return best[0][0] if best and best[0][1] >= FEWEST else None

"""Which rows of a table a model has learned from already: scores on those flatter it, and no verdict rests on them.

A model file keeps the dates of its training and validation parts, and some hundred of their values (`Probe`). A table
holds rows of the same series where its values at these dates are the recorded ones, or all in one proportion to them,
as prices that were adjusted since. A table without dates may begin at another row, so there the values say where.
Several series are the subject of `kerasforecast.evaluation.learned_series`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.artifact.records import DataRecord, Part
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import parsed
from kerasforecast.evaluation.learned_series import FEWEST, SAME, agree, learned_ends, rows_until


@dataclass(frozen=True, eq=False)
class Learned:
    """What a model has learned from, of a number of windows.

    Attributes:
        train: `(N,)` whether the target of each window reaches into the training part.
        validation: `(N,)` the same of validation, where it does not reach into training.
        test: `(N,)` the same of the test part, where the weights have learned from that too, and it reaches into none
            of the others.
        trained: `(M,)` of several series one past the last row of each training part; its first row where it has none.
        new: `(M,)` of several series whether it has learned from no row of one.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    trained: np.ndarray | None = None
    new: np.ndarray | None = None

    @property
    def unseen(self) -> np.ndarray:
        """Places of the windows whose targets the model has learned nothing from."""
        return np.flatnonzero(~(self.train | self.validation | self.test))

    @property
    def text(self) -> str | None:
        """How many there are, in a few words; `None` where there are none."""
        parts = (("training", self.train), ("validation", self.validation), ("test", self.test))
        counts = [f"{int(np.sum(windows)):,} in its {name} part" for name, windows in parts if np.any(windows)]
        return " and ".join(filter(None, (", ".join(counts[:-1]), *counts[-1:]))) or None


def learned_windows(
    records: DataRecord | Sequence[DataRecord] | None, panel: Panel, origins: np.ndarray, steps: int
) -> Learned:
    """Which windows of `series` a model has learned from.

    Args:
        records: Of the data it was trained on, its own and that of the models it came from; `None` where that is not
            known.
        panel: To be evaluated.
        origins: `(N,)` rows of the last input of each window.
        steps: Rows of target after each.
    """
    known = [records] if isinstance(records, DataRecord) else records or ()
    none = np.zeros(len(origins), bool)
    train, validation, test = none.copy(), none.copy(), none.copy()
    trained, new = None, None
    for record in known:
        of_one = _of(record, panel, origins, steps)
        train |= of_one.train
        validation |= of_one.validation
        test |= of_one.test
        trained = of_one.trained if trained is None else trained
        new = of_one.new if new is None or of_one.new is None else new & of_one.new
    return Learned(train, validation & ~train, test & ~(train | validation), trained, new)


def continues(record: DataRecord, panel: Panel) -> bool:
    """Whether `panel` holds rows of the data that `record` is of, at the same dates or steps, or begins after them."""
    end = parsed(record.end) if panel.dated else record.end
    if end is None or isinstance(end, str):
        return False
    if bool((panel.index[panel.starts[:-1]] > end).all()):
        return True
    if len(panel) == 1 and record.series == 1:
        return _shift(record, panel[0]) == 0
    found = _of(record, panel, np.arange(len(panel.index) - 1), 1)
    return bool((found.train | found.validation | found.test).any())


def _of(record: DataRecord, panel: Panel, origins: np.ndarray, steps: int) -> Learned:
    """As `learned_windows`, of the data of one fit; a window may be of several parts."""
    if record.panel is not None or len(panel) > 1:
        return _of_several(record, panel, origins)
    none = np.zeros(len(origins), bool)
    shift = _shift(record, panel[0])
    if shift is None:
        return Learned(none, none, none)
    index, within = panel.index, shift

    def reached(part: Part) -> np.ndarray:
        if part not in record.learned or part not in record.split:
            return none
        rows = _between(index, record.split[part].start, record.split[part].end, within)
        sums = np.concatenate([[0], np.cumsum(rows)])
        return sums[origins + 1 + steps] > sums[origins + 1]

    return Learned(reached("train"), reached("validation"), reached("test"))


def _of_several(record: DataRecord, panel: Panel, origins: np.ndarray) -> Learned:
    """The same where the model, or the table, has several series."""
    starts, places = panel.starts[:-1], panel.places(origins)
    train, validation = learned_ends(record, panel)  # (M,) each
    test, known = starts, validation > starts
    if "test" in record.learned and "test" in record.split and known.any():
        test = np.where(known, rows_until(panel, record.split["test"].end), starts)
    first = origins + 1
    within = {
        "train": first < train[places],
        "validation": (first >= train[places]) & (first < validation[places]),
        "test": (first >= validation[places]) & (first < test[places]),
    }
    none = np.zeros(len(origins), bool)
    found = {part: rows if part in record.learned else none for part, rows in within.items()}
    several = (train, ~known) if len(panel) > 1 else (None, None)
    return Learned(found["train"], found["validation"], found["test"], *several)


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

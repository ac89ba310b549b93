"""Up to which row a model has learned from each series of a table, where the model or the table has several.

A series is one that the model has learned from if it has the name of one and the table is of the same panel: half of
the series whose values were recorded still have these, or none of them is in it. A series of another name is known by
its values alone, where enough of them were recorded. What cannot be told counts as learned from, since scores that
flatter are worse than none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.artifact.records import DataRecord, Stamp
from kerasforecast.data.panel import Panel
from kerasforecast.data.stamps import parsed

SAME = 1e-5  # relative difference of two values that are the same
_IN_PROPORTION = 1e-3  # spread of the ratios of values that were all adjusted alike
_MOST = 0.9  # share of the values that must agree: gaps may have been filled in another way
FEWEST = 3  # values that a proportion, or a shift of rows, must be seen at

_SAME_PANEL = 0.5  # share of the recorded series that must agree: of another panel of the same names hardly any does


def learned_ends(record: DataRecord, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """One past the last row of each series `(M,)` that lies in the training part, and that lies in validation.

    Rows of the panel; the first row of a series that the model has not learned from.
    """
    starts = panel.starts[:-1]
    stamps = [stamp for part in record.split.values() for stamp in (part.start, part.end)]
    if not all(_fits(stamp, panel) for stamp in stamps):
        return starts, starts
    if record.sha256 == panel.sha256:
        listed = record.panel.ids if record.panel else ()
        named = np.isin(panel.ids, listed) if listed else np.ones(len(panel), bool)
        same: dict[int, str] = {int(place): str(panel.ids[place]) for place in np.flatnonzero(named)}
    else:
        named, same = _known_again(record, panel)
    parts = [record.split.get(name) for name in ("train", "validation")]
    limits = [part.end if part else None for part in parts]
    train, validation = (rows_until(panel, limit) if limit is not None else starts.copy() for limit in limits)
    known = named.copy()
    known[list(same)] = True
    train, validation = np.where(known, train, starts), np.where(known, validation, starts)
    own = record.panel.ends if record.panel else {}
    for place, name in same.items() if own else ():
        if name in own and all(_fits(stamp, panel) for stamp in own[name]):
            series = panel.index[panel.starts[place] : panel.ends[place]]
            train[place], validation[place] = (
                panel.starts[place] + series.searchsorted(_stamp(stamp), side="right") for stamp in own[name]
            )
    return train, np.maximum(train, validation)


def _known_again(record: DataRecord, panel: Panel) -> tuple[np.ndarray, dict[int, str]]:
    """Which series `(M,)` the model has learned from by their names, and by place the names of those told apart."""
    listed = record.panel.ids if record.panel else ()
    if record.panel is None:
        named = np.zeros(len(panel), bool)  # a lone series, known by its values whatever it is called
    else:
        named = np.isin(panel.ids, listed) if listed else np.ones(len(panel), bool)
    places = {str(name): place for place, name in enumerate(panel.ids)}
    votes: list[bool] = []
    same: dict[int, str] = {}
    for probed in _probes(record, panel):
        own = places.get(probed.name) if probed.name is not None else None
        if own is not None:
            found = probed.places == own
            if found.any():
                votes.append(agree(probed.values[found], probed.recorded[found]))
                if votes[-1]:
                    same[own] = str(probed.name)
        for place in probed.alike():
            same.setdefault(place, str(probed.name))
    if votes and np.mean(votes) < _SAME_PANEL:
        named[:] = False  # another panel whose series have the same names
    if listed:
        same |= {int(place): str(panel.ids[place]) for place in np.flatnonzero(named)}
    return named, same


@dataclass(frozen=True, eq=False)
class _Probed:
    """One recorded series, and all rows of a panel at its recorded dates.

    Attributes:
        name: Its id; `None` of a lone series.
        places: `(n,)` whose rows they are.
        values: `(n,)` of the panel.
        recorded: `(n,)` of the record, at the same dates.
    """

    name: str | None
    places: np.ndarray
    values: np.ndarray
    recorded: np.ndarray

    def alike(self) -> list[int]:
        """Places of the series that hold nearly all of the recorded values, enough of them and not all the same."""
        if not len(self.places):
            return []
        same = np.isclose(self.values, self.recorded, rtol=SAME, atol=0)
        held = np.bincount(self.places)
        agreed = np.bincount(self.places[same], minlength=len(held))
        most, least = np.full(len(held), -np.inf), np.full(len(held), np.inf)
        np.maximum.at(most, self.places[same], self.recorded[same])
        np.minimum.at(least, self.places[same], self.recorded[same])
        enough = (agreed >= FEWEST) & (agreed >= _MOST * held) & (most > least)
        found: list[int] = np.flatnonzero(enough).tolist()
        return found


def _probes(record: DataRecord, panel: Panel) -> Iterator[_Probed]:
    """Each recorded series beside the panel's rows of the same dates, all of which are looked for once."""
    probes: list[tuple[str | None, Sequence[Stamp], Sequence[float]]] = []
    if record.panel:
        probes += [(each.id, each.rows, each.values) for each in record.panel.probes]
    if record.probe:
        probes.append((None, record.probe.rows, record.probe.values))
    probes = [probe for probe in probes if all(_fits(stamp, panel) for stamp in probe[1])]
    if not probes:
        return
    stamps = pd.Index([_stamp(stamp) for _, rows, _ in probes for stamp in rows]).unique()
    codes = stamps.get_indexer(panel.index)  # (R,)
    rows = np.flatnonzero(codes >= 0)
    rows = rows[rows < panel.ends[panel.places(rows)]]
    codes, places, values = codes[rows], panel.places(rows), panel.values[rows, 0]
    for name, dates, recorded in probes:
        known = np.full(len(stamps), np.nan)
        known[stamps.get_indexer(pd.Index([_stamp(stamp) for stamp in dates]))] = recorded
        there = ~np.isnan(known[codes])
        yield _Probed(name, places[there], values[there], known[codes[there]])


def rows_until(panel: Panel, end: Stamp) -> np.ndarray:
    """One past the last row of each series `(M,)` whose date is not after `end`."""
    before = np.concatenate([[0], np.cumsum(np.asarray(panel.index <= _stamp(end)))])
    starts = panel.starts[:-1]
    return starts + before[panel.ends] - before[starts]


def _fits(stamp: Stamp, panel: Panel) -> bool:
    return parsed(stamp) is not None if panel.dated else isinstance(stamp, int)


def _stamp(stamp: Stamp) -> pd.Timestamp | int | None:
    return stamp if isinstance(stamp, int) else parsed(stamp)


def agree(values: np.ndarray, probed: np.ndarray) -> bool:
    """Whether values `(n,)` are those recorded, or nearly all in one proportion to them."""
    if not len(values):
        return False
    if np.mean(np.isclose(values, probed, rtol=SAME, atol=0)) >= _MOST:
        return True
    ratios = values[probed != 0] / probed[probed != 0]
    if len(ratios) < FEWEST:
        return False
    middle = float(np.median(ratios))
    return middle > 0 and np.mean(np.abs(ratios - middle) <= _IN_PROPORTION * middle) >= _MOST

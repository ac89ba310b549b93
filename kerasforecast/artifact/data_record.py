"""What a manifest says of the data: its source, its parts, and by what a table of the same series is known again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerasforecast.artifact.records import DataRecord, Part, PartRecord, Probe, SeriesProbe, SeriesRecord, Stamp
from kerasforecast.data.panel import Panel
from kerasforecast.data.stamps import iso_texts, span
from kerasforecast.preprocessing.split import PARTS, Split

_PROBED = 200  # rows of the data that a file holds, so that a table of the same series is known again
_EACH = 5  # of them at least of one series, so that values alone can tell which it is
_LONGEST_ID = 200  # characters
_ROOM = 200_000  # characters of all ids together that a file has room for
_ENDS = 2_000  # series whose own ends it has room for


def data_record(panel: Panel, split: Split, learned: Sequence[Part] = ("train", "validation")) -> DataRecord:
    """What the manifest says of the data and of its parts.

    Args:
        panel: The data.
        split: Its parts.
        learned: Those that the weights have learned from, or were chosen by.
    """
    source, several = panel.source, len(panel) > 1
    first, last = span(panel.index, panel.starts[:-1], panel.ends)
    return DataRecord(
        source=source.kind,
        location=source.location,
        snapshot=source.sha256,
        retrieved=source.retrieved,
        series=len(panel),
        rows=int(panel.observed.sum()),
        start=first,
        end=last,
        frequency=panel.frequency,
        calendar=panel.calendar,
        sha256=panel.sha256,
        split={part: _part(panel, split, part) for part in PARTS},
        learned=tuple(learned),
        probe=None if several else _probe(panel, split.rows if "test" in learned else split.validation_end),
        panel=_series(panel, split, whole="test" in learned) if several else None,
    )


def _part(panel: Panel, split: Split, part: str) -> PartRecord:
    place = PARTS.index(part)
    start, end = span(panel.index, split.edges[:, place], split.edges[:, place + 1])
    windows = int(split.windows_in(part).sum())
    return PartRecord(rows=int(split.rows_in(part).sum()), windows=windows, start=start, end=end)


def _probe(panel: Panel, end: int) -> Probe:
    """Rows spread over what the model learns from, which is all before `end`, and the last of them one by one."""
    rows = np.unique(np.concatenate([np.linspace(0, end - 1, _PROBED).astype(int), np.arange(max(0, end - 50), end)]))
    stamps = iso_texts(panel.index[rows], panel.index)
    return Probe(rows=tuple(stamps), values=tuple(panel.values[rows, 0].tolist()))


def _series(panel: Panel, split: Split, *, whole: bool) -> SeriesRecord:
    """Which series the model learns from, some 200 of their values, and where each ends if they end apart.

    `whole` where it learns from all rows of all of them.
    """
    first, train, validation = (split.starts if whole else split.edges[:, 0]), split.edges[:, 1], split.edges[:, 2]
    end = panel.ends if whole else validation
    known = np.flatnonzero(end > first)  # those held out teach nothing
    ids = panel.ids[known]
    short = bool(len(known)) and max(map(len, ids.tolist())) <= _LONGEST_ID
    listed = short and int(np.char.str_len(ids).sum()) <= _ROOM and len(ids) <= 20_000
    ends: dict[str, tuple[Stamp, Stamp]] = {}
    if listed and len(known) <= _ENDS:
        # A series without validation ends with its training, one without training has none before its first row.
        trained = iso_texts(panel.index[np.maximum(train[known] - 1, first[known])], panel.index)
        validated = iso_texts(panel.index[np.maximum(validation[known] - 1, first[known])], panel.index)
        if len(set(trained)) > 1 or len(set(validated)) > 1:
            ends = dict(zip(ids.tolist(), zip(trained, validated, strict=True), strict=True))
    each = max(_EACH, _PROBED // max(1, len(known)))
    spread = np.unique(np.linspace(0, len(known) - 1, max(1, _PROBED // each)).astype(int)) if short else np.arange(0)
    probes = tuple(_series_probe(panel, place, int(first[place]), int(end[place]), each) for place in known[spread])
    names = tuple(ids.tolist()) if listed else ()
    return SeriesRecord(ids=names, ends=ends, probes=probes)


def _series_probe(panel: Panel, place: int, first: int, end: int, count: int) -> SeriesProbe:
    rows = np.unique(np.linspace(first, end - 1, min(count, end - first)).astype(np.int64))
    stamps = iso_texts(panel.index[rows], panel.index)
    return SeriesProbe(id=str(panel.ids[place]), rows=tuple(stamps), values=tuple(panel.values[rows, 0].tolist()))

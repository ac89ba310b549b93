"""A ticker's prices: from the snapshot while it is fresh, its missing tail from Yahoo, all anew if revised."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
import pandas as pd

from kerasforecast.data.stamps import iso_text
from kerasforecast.data.table.table import counted
from kerasforecast.data.yahoo import snapshots
from kerasforecast.data.yahoo.bars import finished
from kerasforecast.data.yahoo.client import Deadline, DownloadError, Query, client, fetch
from kerasforecast.data.yahoo.downloads import Downloads
from kerasforecast.data.yahoo.snapshots import Meta, Snapshot
from kerasforecast.errors import DataError, KerasForecastError, shown
from kerasforecast.runtime.files import cache_folder

OVERLAP_ROWS = 10
SAME = 1e-5  # relative; Yahoo's own rounding wanders by 1e-7, the smallest dividends move history by 1e-4
log = logging.getLogger("kerasforecast.data")


@dataclass(frozen=True)
class Prices:
    """Rows for a query and how they came about.

    Attributes:
        frame: tz-aware index, columns Open .. Volume, only the dates asked for.
        meta: The snapshot they were taken from.
        notes: One sentence each.
    """

    frame: pd.DataFrame
    meta: Meta
    notes: tuple[str, ...]


def prices(
    query: Query, timeout: float = 30.0, max_age: float = 12.0, offline: bool = False, snapshot: str | None = None
) -> Prices:
    """Prices for `query`, from disk or from Yahoo.

    Args:
        query: What is asked for.
        timeout: Seconds all requests may take together.
        max_age: Hours a snapshot serves without asking Yahoo.
        offline: Never ask Yahoo.
        snapshot: First digits of the SHA-256 of the snapshot to use, whatever its age.

    Raises:
        DataError: Unknown ticker, nothing in the range, offline without a snapshot, or no snapshot of that hash.
        DownloadError: Yahoo cannot be reached and no snapshot can stand in.
    """
    if snapshot is not None:
        return _by_hash(query, snapshot)
    if offline:
        return _kept_only(query)
    ((_, found),) = several([query], timeout, max_age)
    if isinstance(found, KerasForecastError):
        raise found
    return found


def several(
    queries: Sequence[Query], timeout: float = 30.0, max_age: float = 12.0
) -> Iterator[tuple[Query, Prices | KerasForecastError]]:
    """Each of `queries`, all different, with its prices or the error that `prices` would raise, as they come in.

    Threads ask Yahoo; snapshots are written by the calling thread alone, where signals wait for a write to end.
    """
    kept = {query: snapshots.read(query.ticker, query.interval) for query in queries}
    stale = []
    for query, snapshot in kept.items():
        if snapshot is None or not _covers(snapshot, query) or snapshot.meta.age > dt.timedelta(hours=max_age):
            stale.append(query)
        else:
            yield query, _settled(snapshot, query, (snapshot, [f"Snapshot of {_age(snapshot.meta)} used."]))
    if stale:
        client()  # before the threads need it: its import is not theirs to share
        for query, outcome in Downloads(lambda query, end: _renewed(kept[query], query, end), stale, timeout):
            yield query, _settled(kept[query], query, outcome)


Outcome = tuple[Snapshot, list[str]] | Exception


def _settled(kept: Snapshot | None, query: Query, outcome: Outcome) -> Prices | KerasForecastError:
    """What is known of `query` in the end: rows of a new snapshot, then stored, or of the kept one, or an error."""
    try:
        if isinstance(outcome, DownloadError) and kept is not None and _reaches_back(kept.meta, query):
            log.warning("%s Using the snapshot of %s instead.", outcome, _age(kept.meta))
            return _cut(kept, query, [f"Download failed; snapshot of {_age(kept.meta)} used."])
        if isinstance(outcome, Exception):
            raise outcome
        found, notes = outcome
        return _cut(found if found is kept else _stored(found), query, notes)
    except KerasForecastError as error:
        return error


def _by_hash(query: Query, digits: str) -> Prices:
    exact = snapshots.read_by_hash(query.ticker, query.interval, digits)
    if exact is None:
        raise DataError(
            f"{query.ticker}: no snapshot at interval {query.interval} with this hash is kept. "
            f"Received: {shown(digits)}. See `kerasforecast data list`."
        )
    return _cut(exact, query, [f"Snapshot {exact.meta.sha256[:12]} of {_age(exact.meta)} used."])


def _kept_only(query: Query) -> Prices:
    kept = snapshots.read(query.ticker, query.interval)
    if kept is None:
        raise DataError(
            f"{query.ticker}: no snapshot at interval {query.interval} is kept. Received: --offline. "
            f"Run `kerasforecast data fetch {query.ticker} --interval {query.interval}` with a network first."
        )
    return _cut(kept, query, [f"Snapshot of {_age(kept.meta)} used (--offline)."])


def _renewed(kept: Snapshot | None, query: Query, deadline: Deadline) -> tuple[Snapshot, list[str]]:
    """A snapshot that covers `query`, extended at its end where that is enough."""
    if kept is None:
        return _downloaded(query, deadline), []
    last = kept.frame.index[-1].date()
    wide = replace(query, end=max(query.end, last) if query.end else None)  # what is kept is not cut off
    if not _reaches_back(kept.meta, query) or len(kept.frame) <= OVERLAP_ROWS:
        return _downloaded(wide, deadline), []
    wide = replace(wide, start=dt.date.fromisoformat(kept.meta.start) if kept.meta.start else None)
    overlap = kept.frame.iloc[-OVERLAP_ROWS - 1 : -1]  # the last row may have been an unfinished day
    try:
        tail = fetch(replace(wide, start=overlap.index[0].date()), deadline)
    except DataError:
        tail = None  # not even the rows we hold: the ticker's history has changed
    if tail is not None and _same(overlap, tail):
        joined = pd.concat([kept.frame[kept.frame.index < tail.index[0]], tail])
        return _snapshot(joined, wide), [f"{counted(len(joined) - len(kept.frame), 'new row')} fetched."]
    since = kept.meta.fetched[:10]
    note = f"Yahoo revised the history of {query.ticker} since {since} (a split or dividend): all fetched anew."
    log.warning("%s", note)
    return _downloaded(wide, deadline), [note]


def _downloaded(query: Query, deadline: Deadline) -> Snapshot:
    return _snapshot(fetch(query, deadline), query)


def _snapshot(frame: pd.DataFrame, query: Query) -> Snapshot:
    frame = frame[~frame.index.duplicated(keep="last")].sort_index()
    meta = Meta(
        ticker=query.ticker,
        interval=query.interval,
        start=query.start.isoformat() if query.start else None,
        end=query.end.isoformat() if query.end else None,
        fetched=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        source=f"Yahoo Finance through yfinance {version('yfinance')}",
        timezone=str(frame.index.tz),
    )
    return Snapshot(frame, meta, cache_folder())


def _stored(fresh: Snapshot) -> Snapshot:
    try:
        return snapshots.save(fresh.frame, fresh.meta)
    except KerasForecastError as error:
        log.warning("%s The prices are used, but not kept.", error)
        return replace(fresh, meta=replace(fresh.meta, sha256=snapshots.digest(fresh.frame.astype(np.float64))))


def _reaches_back(meta: Meta, query: Query) -> bool:
    return meta.start is None or (query.start is not None and query.start >= dt.date.fromisoformat(meta.start))


def _covers(kept: Snapshot, query: Query) -> bool:
    if not _reaches_back(kept.meta, query):
        return False
    reached = kept.meta.end or kept.meta.fetched[:10]
    today = dt.datetime.now(dt.UTC).date()
    return kept.meta.end is None or (query.end or today) <= dt.date.fromisoformat(reached)


def _same(overlap: pd.DataFrame, tail: pd.DataFrame) -> bool:
    again = tail.reindex(overlap.index)
    columns = [name for name in overlap.columns if name != "Volume" and name in again.columns]
    return np.allclose(overlap[columns].astype(float), again[columns].astype(float), rtol=SAME, atol=0, equal_nan=True)


def _cut(kept: Snapshot, query: Query, notes: list[str]) -> Prices:
    days = np.asarray(kept.frame.index.date)
    inside = np.ones(len(days), dtype=bool)
    if query.start is not None:
        inside &= days >= query.start
    if query.end is not None:
        inside &= days <= query.end
    frame = kept.frame[inside]
    if frame.empty:
        raise DataError(
            f"{query.ticker}: no prices from {query.start or 'the first day'} to {query.end or 'today'}. "
            f"Received: rows from {days[0]} to {days[-1]}. Change --start or --end."
        )
    if query.start is not None and days[inside][0] - query.start > dt.timedelta(days=10):
        notes = [*notes, f"Prices start on {days[inside][0]}, later than --start {query.start}."]
    whole = finished(frame, query.ticker, query.interval, pd.Timestamp(kept.meta.fetched))
    if left := len(frame) - len(whole):
        day = iso_text(frame.index[-1].tz_localize(None), frame.index.tz_localize(None))
        bars = f"The last bar, {day}, was" if left == 1 else f"The last {left} bars, to {day}, were"
        notes = [*notes, f"{bars} not over when fetched, and left out."]
    return Prices(whole, kept.meta, tuple(notes))


def _age(meta: Meta) -> str:
    hours = meta.age.total_seconds() / 3600
    age = f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
    return f"{meta.fetched[:16].replace('T', ' ')} UTC ({age if hours < 48 else f'{hours / 24:.0f} days'} old)"

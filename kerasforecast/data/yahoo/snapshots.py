"""Downloaded prices kept on disk: one file per ticker and interval, whole or absent, checked when read."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from glob import escape as glob_escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.runtime.files import atomic_write, cache_folder
from kerasforecast.runtime.names import name_from

SCHEMA = 1
HASH_DIGITS = 16  # of the SHA-256, in file names
_META_KEY = b"kerasforecast"
log = logging.getLogger("kerasforecast.data")


@dataclass(frozen=True)
class Meta:
    """What a snapshot holds and where it came from.

    Attributes:
        ticker: Symbol, upper case.
        interval: Bar length.
        start: First date asked for, ISO, `None` for all history.
        end: Last date asked for, ISO, `None` for up to `fetched`.
        fetched: When, ISO 8601 in UTC.
        source: Who gave it, with the client's version.
        timezone: The exchange's, IANA name.
        sha256: Hash of dates, columns and values.
        schema: Version of this layout.
    """

    ticker: str
    interval: str
    start: str | None
    end: str | None
    fetched: str
    source: str
    timezone: str
    sha256: str = ""
    schema: int = SCHEMA

    @property
    def age(self) -> dt.timedelta:
        """Time since it was downloaded."""
        return dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(self.fetched)


@dataclass(frozen=True)
class Snapshot:
    """Rows kept from a download.

    Attributes:
        frame: tz-aware index in the exchange's zone, columns Open .. Volume.
        meta: Where they came from.
        path: Where they are kept.
    """

    frame: pd.DataFrame
    meta: Meta
    path: Path


def _folder() -> Path:
    return cache_folder() / "yahoo"


def digest(frame: pd.DataFrame) -> str:
    """SHA-256 of a snapshot's columns, instants and values, the same for every file format."""
    found = hashlib.sha256("\x1f".join(map(str, frame.columns)).encode())
    found.update(frame.index.tz_convert("UTC").as_unit("ns").asi8.astype("<i8").tobytes())
    found.update(np.ascontiguousarray(frame.to_numpy(dtype="<f8")).tobytes())
    return found.hexdigest()


def save(frame: pd.DataFrame, meta: Meta) -> Snapshot:
    """Keep `frame`, replacing what was kept of the same ticker and interval in one step.

    Raises:
        InputError, KerasForecastError: The cache folder cannot be written; what was kept is unchanged.
    """
    frame = frame.astype(np.float64)
    meta = replace(meta, sha256=digest(frame))
    parquet = find_spec("pyarrow") is not None
    stem = _stem(meta.ticker, meta.interval)
    suffix = "parquet" if parquet else "csv"
    content = _to_parquet(frame, meta) if parquet else _to_csv(frame, meta)
    # A second copy under its hash outlives later downloads: a model's run can be repeated on the same bytes.
    atomic_write(_folder() / f"{stem}@{meta.sha256[:HASH_DIGITS]}.{suffix}", content)
    path = _folder() / f"{stem}.{suffix}"
    atomic_write(path, content)
    return Snapshot(frame, meta, path)


def read(ticker: str, interval: str) -> Snapshot | None:
    """The newest sound snapshot of `ticker` at `interval`; `None`, with a warning for a damaged file, otherwise."""
    stem = _stem(ticker, interval)
    found = [read_file(_folder() / f"{stem}.{suffix}") for suffix in ("parquet", "csv")]
    sound = [kept for kept in found if kept and (kept.meta.ticker, kept.meta.interval) == (ticker, interval)]
    return max(sound, key=lambda kept: kept.meta.fetched, default=None)


def read_by_hash(ticker: str, interval: str, digits: str) -> Snapshot | None:
    """The snapshot of `ticker` at `interval` whose SHA-256 starts with `digits`, also one replaced since."""
    wanted = digits.lower()
    for path in sorted(_folder().glob(f"{glob_escape(_stem(ticker, interval))}@*")):
        if path.stem.rpartition("@")[2].startswith(wanted[:HASH_DIGITS]):
            kept = read_file(path)
            if kept is not None and kept.meta.sha256.startswith(wanted):
                return kept
    return None


def read_file(path: Path) -> Snapshot | None:
    """The snapshot at `path`; `None` if there is none, or, with a warning, if it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        frame, meta = _from_parquet(content) if path.suffix == ".parquet" else _from_csv(content)
        if digest(frame) != meta.sha256:
            raise ValueError("its rows do not match its hash")
    except ImportError:
        return None  # kept as Parquet, read without pyarrow
    except Exception as error:  # whatever a damaged file makes its reader raise
        log.warning("%s: the snapshot is damaged (%s) and is not used.", path, " ".join(str(error).split())[:100])
        return None
    return Snapshot(frame.tz_convert(meta.timezone), meta, path)


def every() -> Iterator[Snapshot]:
    """The newest sound snapshot of every ticker and interval, by file name."""
    for path in sorted(_folder().glob("*")):
        newest = path.stem.count("@") == 1  # the others are the copies under their hashes
        if newest and path.suffix in (".parquet", ".csv") and (kept := read_file(path)):
            yield kept


def clear(ticker: str | None = None) -> list[Path]:
    """Remove the snapshots of `ticker`, or all of them and what belonged together; the paths removed."""
    removed = []
    lists = (_folder() / "panels").glob("*.json") if ticker is None else ()
    for path in sorted([*_folder().glob("*"), *lists]):
        own = path.suffix in (".parquet", ".csv") and path.stem.startswith(_stem(ticker, "") if ticker else "")
        if own or (ticker is None and path.suffix == ".json"):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def _stem(ticker: str, interval: str) -> str:
    return f"{name_from(ticker)}@{interval}"


def _to_csv(frame: pd.DataFrame, meta: Meta) -> bytes:
    rows = frame.set_axis(frame.index.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"), axis=0)
    return f"# {json.dumps(asdict(meta))}\n{rows.to_csv(index_label='Date', lineterminator=chr(10))}".encode()


def _from_csv(content: bytes) -> tuple[pd.DataFrame, Meta]:
    line, _, rows = content.partition(b"\n")
    meta = _meta(line.removeprefix(b"# "))
    frame = pd.read_csv(io.BytesIO(rows), index_col=0)
    frame.index = pd.to_datetime(frame.index, utc=True).rename(None)
    return frame.astype(np.float64), meta


def _to_parquet(frame: pd.DataFrame, meta: Meta) -> bytes:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.Table.from_pandas(frame.tz_convert("UTC").rename_axis("Date"), nthreads=1)
    table = table.replace_schema_metadata({**table.schema.metadata, _META_KEY: json.dumps(asdict(meta)).encode()})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def _from_parquet(content: bytes) -> tuple[pd.DataFrame, Meta]:
    from pyarrow import BufferReader, parquet

    # From memory and in this thread: Arrow's own, which reads any other stream, may outlive a process that ends at
    # once, which then aborts.
    table = parquet.ParquetFile(BufferReader(content)).read(use_threads=False)
    return table.to_pandas(use_threads=False).rename_axis(None), _meta(table.schema.metadata[_META_KEY])


def _meta(text: bytes) -> Meta:
    fields: dict[str, Any] = json.loads(text)
    if fields.get("schema") != SCHEMA:
        raise ValueError(f"layout {fields.get('schema')!r}, this version reads {SCHEMA}")
    return Meta(**fields)

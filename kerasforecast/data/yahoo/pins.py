"""Which snapshots a panel of several tickers was made of: one hash stands for all, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from kerasforecast.data.yahoo.snapshots import HASH_DIGITS
from kerasforecast.errors import DataError, KerasForecastError, shown
from kerasforecast.runtime.files import atomic_write, cache_folder

FOLDER = "panels"
log = logging.getLogger("kerasforecast.data")


def folder() -> Path:
    """Where the lists are kept, beside the snapshots."""
    return cache_folder() / "yahoo" / FOLDER


def keep(snapshots: Mapping[str, str], interval: str) -> str:
    """Note which snapshots belong together.

    Args:
        snapshots: SHA-256 of each ticker's.
        interval: Length of a bar.

    Returns:
        SHA-256 of the list, by which `read` finds it.
    """
    content = _written(snapshots, interval)
    sha256 = hashlib.sha256(content).hexdigest()
    path = folder() / f"{sha256[:HASH_DIGITS]}.json"
    try:
        if not path.is_file():
            atomic_write(path, content)
    except KerasForecastError as error:
        log.warning("%s The prices are used, but what they were is not noted.", error)
    return sha256


def read(digits: str, tickers: Sequence[str], interval: str) -> dict[str, str]:
    """The SHA-256 of the snapshot of each of `tickers`, by the first digits of the hash of their list.

    Raises:
        DataError: No such list is kept, or it is of other tickers.
    """
    wanted = digits.lower()
    for path in sorted(folder().glob("*.json")):
        if not path.stem.startswith(wanted[:HASH_DIGITS]):
            continue
        try:
            content = path.read_bytes()
            found = json.loads(content)
            pinned = {str(ticker): str(sha256) for ticker, sha256 in found["tickers"].items()}
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            continue  # damaged: as if it were not kept
        sound = hashlib.sha256(content).hexdigest().startswith(wanted) and found.get("interval") == interval
        if sound and set(tickers) <= pinned.keys():
            return {ticker: pinned[ticker] for ticker in tickers}
    raise DataError(
        f"{tickers[0]} and {len(tickers) - 1} more: no snapshots of these tickers at interval {interval} are kept "
        f"together under this hash. Received: {shown(digits)}. Leave --snapshot out to take the newest."
    )


def _written(snapshots: Mapping[str, str], interval: str) -> bytes:
    return json.dumps({"interval": interval, "tickers": dict(sorted(snapshots.items()))}).encode()

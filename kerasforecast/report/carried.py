"""Many series as a page carries them: curves in two bytes a number, compressed; the page's script reads them back.

Each curve lies on a scale of its own series: 65,535 steps from the lowest to the highest number that is drawn of it,
which is finer than any screen. `read` does for tests what the script does.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.errors import printable
from kerasforecast.report.curves import Curves
from kerasforecast.report.ranked import Ranked

NUMBERS = 620_000  # of curves, that a page has room for
MOST = 3_000  # series
_LONGEST_ID = 120  # letters of an id that a page shows
_MISSING = 65_535
_LARGEST = 1e300  # so that the span of two such numbers is one too

# Of `series.csv`: what the heading says, and how many decimals a number has, or else what it is.
SCORES: dict[str, tuple[str, int | str | None]] = {
    "mase": ("MASE", 3),
    "best_mase": ("best simple", 3),
    "naive_mase": ("naive", 3),
    "rmsse": ("RMSSE", 3),
    "smape": ("sMAPE", "percent"),
    "crps": ("CRPS", None),
    "scaled_crps": ("CRPS/scale", 3),
    "windows": ("windows", 0),
    "better": ("better", "truth"),
}


def carried(ranked: Ranked, places: np.ndarray, drawn: Curves) -> tuple[dict[str, Any], str]:
    """The series at `places` `(K,)` with their curves.

    Returns:
        A head for JSON, and the arrays that it names, gzip in base64: of each `[type, first byte, count]`. `known`,
        `tested` and `ahead` are steps of a series' `low` to `high`, each number less the one before it in its line,
        modulo 65,536; `rows` and `coming` are places in `when`, in the same way; scores are float32.
    """
    table = ranked.table.iloc[places]
    codes, notes = pd.factorize(table["note"])
    low, high = _span(drawn)
    arrays: dict[str, np.ndarray] = {
        "when": drawn.when.astype("<f8"),
        "low": low.astype("<f8"),
        "high": high.astype("<f8"),
        "rank": places.astype("<u4"),
        "rows": _steps(np.where(drawn.rows < 0, 0, drawn.rows), "<u4"),
        "coming": _steps(np.where(drawn.coming < 0, 0, drawn.coming), "<u4"),
        "note": codes.astype("<u4"),
        **{f"score-{name}": _short(table[name].to_numpy(np.float64)) for name in columns(ranked)},
    }
    for name, values in (("known", drawn.known), ("tested", drawn.tested), ("ahead", drawn.ahead)):
        arrays[name] = _steps(_quantised(values, low, high), "<u2")
    arrays["begins"] = drawn.begins.astype("u1")
    head = {
        "ids": [shown_id(each) for each in table["id"]],
        "notes": [printable(each) for each in notes],
        "kind": drawn.kind,
        "labels": [printable(each) for each in drawn.labels],
        "tail": drawn.rows.shape[1],
        "steps": drawn.coming.shape[1],
        "scored": ranked.scored,
        "interval": drawn.interval,
        "scores": [[name, *_title(name)] for name in columns(ranked)],
        "ends": {name: np.searchsorted(places, found).tolist() for name, found in ranked.ends().items()},
    }
    places_of, blob = _joined(arrays)
    return head | {"arrays": places_of}, base64.b64encode(blob).decode()


def read(head: Mapping[str, Any], blob: str) -> dict[str, np.ndarray]:
    """The arrays that `carried` was given, as the page's script reads them: curves as numbers again."""
    content = gzip.decompress(base64.b64decode(blob))
    found = {
        name: np.frombuffer(content, f"<{kind}", count, begin) for name, (kind, begin, count) in head["arrays"].items()
    }
    count, tail, steps = len(head["ids"]), head["tail"], head["steps"]
    for name, width in (("rows", tail), ("coming", steps)):
        found[name] = np.cumsum(found[name].reshape(count, width), 1, dtype=np.uint32)
    found["begins"] = found["begins"].reshape(count, tail).astype(bool)
    low, high = found["low"], found["high"]
    for name, shape in (("known", (count, tail)), ("tested", (3, count, tail)), ("ahead", (3, count, steps))):
        place = np.cumsum(found[name].reshape(shape), -1, dtype=np.uint16)
        values = low[:, None] + place / (_MISSING - 1) * (high - low)[:, None]
        found[name] = np.where(place == _MISSING, np.nan, values)
    return found


def shown_id(name: str) -> str:
    """An id as pages show it."""
    words = printable(name)
    return words if len(words) <= _LONGEST_ID else f"{words[: _LONGEST_ID - 1]}\u2026"


def columns(ranked: Ranked) -> list[str]:
    """The columns of scores that are there, as a page shows them."""
    inside = [name for name in ranked.table if str(name).startswith("in_")]
    wanted = [*list(SCORES)[:-2], *inside, *list(SCORES)[-2:]]
    return [name for name in wanted if name in ranked.table and ranked.table[name].notna().any()]


def _title(name: str) -> tuple[str, int | str | None]:
    if name.startswith("in_"):
        return printable(f"in {name[3:]}%"), "share"
    return SCORES[name]


def _span(drawn: Curves) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest number that is drawn of each series, `(K,)`; 0 where there is none."""
    low, high = np.full(len(drawn.known), np.inf), np.full(len(drawn.known), -np.inf)
    for part in (drawn.known[None], drawn.tested, drawn.ahead):
        values = _finite(part)
        low = np.minimum(low, np.where(np.isnan(values), np.inf, values).min((0, 2), initial=np.inf))
        high = np.maximum(high, np.where(np.isnan(values), -np.inf, values).max((0, 2), initial=-np.inf))
    empty = low > high
    return np.where(empty, 0.0, low), np.where(empty, 0.0, high)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), np.clip(values, -_LARGEST, _LARGEST), np.nan)


def _quantised(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Numbers of `(..., K, T)` as steps from `low` to `high` `(K,)`."""
    width = np.where(high > low, high - low, 1.0)
    steps = np.rint((_finite(values) - low[:, None]) / width[:, None] * (_MISSING - 1))
    return np.where(np.isnan(steps), _MISSING, steps).astype(np.int64)


def _steps(values: np.ndarray, kind: str) -> np.ndarray:
    """Along the last axis each number less the one before it: what changes little takes little room."""
    changes = np.diff(values.astype(np.int64), axis=-1, prepend=0)
    return (changes % 2 ** (8 * np.dtype(kind).itemsize)).astype(kind)


def _short(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        short = values.astype("<f4")
    return np.where(np.isfinite(short), short, np.float32(np.nan))  # one NaN of the many that there are


def _joined(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, list[Any]], bytes]:
    """All arrays one after another, each at a multiple of 8 bytes, compressed; the same arrays are the same bytes."""
    places: dict[str, list[Any]] = {}
    content = bytearray()
    for name, array in arrays.items():
        content += b"\0" * (-len(content) % 8)
        places[name] = [f"{array.dtype.kind}{array.dtype.itemsize}", len(content), array.size]
        content += np.ascontiguousarray(array).tobytes()
    return places, gzip.compress(bytes(content), 9, mtime=0)

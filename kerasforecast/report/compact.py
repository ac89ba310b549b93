"""Figures as JSON: every array once, in base64, which takes a third of the room that its digits would take.

The page's script turns them back; `unpacked` does the same for tests.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from kerasforecast.report.traces import Figure

LARGEST = 2**31 - 1


def packed(figures: list[Figure]) -> dict[str, Any]:
    """`figures` as JSON holds them.

    Returns:
        `figures`, with `{"array": place}` for each array, and the `arrays`. Floats are `{"f4": base64}`, float32 of
        which NaN is a gap. Integers and dates, these as milliseconds since 1970, are multiples of `unit` from `start`
        on: `{"start", "unit", "i4": base64}`, or `"u1"` or `"u2"` with how far each lies from the one before.
    """
    places: dict[str, int] = {}
    arrays: list[dict[str, Any]] = []

    def pack(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: pack(inner) for name, inner in part.items()}
        if isinstance(part, list | tuple):
            return [pack(inner) for inner in part]
        if not isinstance(part, np.ndarray):
            return part
        found = _floats(part) if part.dtype.kind == "f" else _steps(part)
        place = places.setdefault(repr(found), len(arrays))
        if place == len(arrays):
            arrays.append(found)
        return {"array": place}

    return {"figures": pack(figures), "arrays": arrays}


def unpacked(content: dict[str, Any]) -> list[Figure]:
    """The figures that `packed` was given, dates as milliseconds since 1970."""

    def unpack(part: Any) -> Any:
        if isinstance(part, list):
            return [unpack(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        return _array(content["arrays"][part["array"]]) if "array" in part else {k: unpack(v) for k, v in part.items()}

    return [unpack(figure) for figure in content["figures"]]


def _array(found: dict[str, Any]) -> np.ndarray:
    if "f4" in found:
        return np.frombuffer(base64.b64decode(found["f4"]), "<f4").astype(np.float64)
    kind = next(kind for kind in ("u1", "u2", "i4") if kind in found)
    steps = np.frombuffer(base64.b64decode(found[kind]), f"<{kind}").astype(np.int64)
    return found["start"] + (steps if kind == "i4" else steps.cumsum()) * found["unit"]


def _floats(values: np.ndarray) -> dict[str, Any]:
    with np.errstate(over="ignore"):
        short = values.astype("<f4")
    return {"f4": _base64(np.where(np.isinf(short), np.float32(np.nan), short))}


def _steps(places: np.ndarray) -> dict[str, Any]:
    values = (places.astype("datetime64[ms]") if places.dtype.kind == "M" else places).astype(np.int64)
    if not len(values):
        return {"start": 0, "unit": 1, "i4": ""}
    apart = values - values[0]
    unit = max(int(np.gcd.reduce(apart)), int(np.abs(apart).max()) // LARGEST + 1)  # so long a span loses ms alone
    steps = apart // unit
    changes = np.diff(steps, prepend=0)
    for kind, largest in (("u1", 2**8), ("u2", 2**16)):
        if changes.min() >= 0 and changes.max() < largest:
            return {"start": int(values[0]), "unit": unit, kind: _base64(changes.astype(f"<{kind}"))}
    return {"start": int(values[0]), "unit": unit, "i4": _base64(steps.astype("<i4"))}


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()

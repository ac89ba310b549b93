"""Raw windows as a user gives them, checked against what a network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from kerasforecast.errors import DataError, shown
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch

# Those of the past alone may come as a bare array, and more by the names of the inputs.
Given: TypeAlias = np.ndarray | WindowBatch | Mapping[str, np.ndarray]


def checked(windows: Given, members: Sequence[Member], window: int, reach: int) -> WindowBatch:
    """Raw windows as float32, `past` `(B, L, F)` and what else the network takes.

    Args:
        windows: A single window may come as `(L, F)`, windows of one column as `(B, L)` or `(L,)`.
        members: The networks that they are for.
        window: Rows of context L.
        reach: Rows ahead that known columns must cover; more are cut off.

    Raises:
        DataError: They have another shape, or values that are not finite, or not positive where a network takes logs.
    """
    scaling, covariates = members[0].scaling, members[0].covariates
    columns = {
        "past": (window, len(scaling.transforms)),
        "known": (window + reach, len(covariates.known)),
        "static": (len(covariates.static),),
    }
    batch = _batch(windows, columns["past"])
    if batch.known is not None:
        batch = replace(batch, known=batch.known[:, : window + reach])
    _check_shapes(batch.arrays, {name: shape for name, shape in columns.items() if shape[-1]})
    if fault := covariates.code_fault(batch.static):
        raise DataError(f"Windows' static {fault}. Leave such windows out, or train again with that category.")
    logs = sorted({place for member in members for place in member.scaling.logged})
    if logs and (batch.past[:, :, logs] <= 0).any():
        raise DataError(
            "Windows must be positive for log returns. Received: zero or negative values. "
            "Correct them, or train with scaling='difference'."
        )
    return batch


def _batch(windows: Given, wanted: tuple[int, ...]) -> WindowBatch:
    if isinstance(windows, WindowBatch):
        return windows.float32()
    if isinstance(windows, Mapping):
        if "past" not in windows or not windows.keys() <= {"past", "known", "static"}:
            raise DataError(f"Windows are named past, known and static. Received: {shown(list(windows))}.")
        return WindowBatch(**{name: _numbers(array) for name, array in windows.items()})
    past, (length, columns) = _numbers(windows), wanted
    if past.shape == wanted or (columns == 1 and past.shape == (length,)):
        past = past.reshape(1, *wanted)
    elif columns == 1 and past.shape[1:] == (length,):
        past = past[:, :, None]
    return WindowBatch(past)


def _numbers(array: Any) -> np.ndarray:
    try:
        return np.asarray(array, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError("Windows must be an array of numbers. Received: something else.") from None


def _check_shapes(arrays: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse windows that are not what a network takes, by the name of its inputs."""
    for name in ("past", "known", "static"):
        shape, received = wanted.get(name), arrays[name].shape if name in arrays else None
        if shape is None and received is None:
            continue
        if shape and received == (*arrays["past"].shape[:1], *shape):
            continue
        what = "Windows" if name == "past" else f"Windows' {name} columns"
        must = f"have shape ({', '.join(map(str, ('B', *shape)))})" if shape else "be left out: the network takes none"
        raise DataError(f"{what} must {must}. Received: {'none' if received is None else received}.")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise DataError("Windows must be finite. Received: NaN or infinity. Drop or fill such rows first.")

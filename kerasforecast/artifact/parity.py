"""Whether another format computes what Keras does: both forecast the same windows, the difference in scaled units.

The windows are the golden batch, flat ones, the golden ones a thousand times higher and lower, and random ones, in
batches of one and of three. A scaled unit is what the network computes in; where its inputs or answers are larger than
one unit the error is a share of these, for so many digits float32 has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.proof import Answers, golden_of
from kerasforecast.errors import ArtifactError
from kerasforecast.models.member import paths_of
from kerasforecast.preprocessing.batch import WindowBatch

TOLERANCE = 1e-5  # of float32
_ULPS = 4  # of the price itself: it is rounded once more on the way out


@dataclass(frozen=True)
class Check:
    """What one batch of windows has shown.

    Attributes:
        windows: What they are.
        batch: How many.
        error: Largest difference, scaled units.
    """

    windows: str
    batch: int
    error: float


def parity(manifest: Manifest, ours: Answers, theirs: Answers, batches: tuple[int, ...] = (1, 3)) -> list[Check]:
    """Compare two networks on every kind of window.

    Args:
        manifest: Of the model.
        ours: The network as Keras computes it.
        theirs: As the other format's own runtime does.
        batches: Sizes to try; one alone for a format that takes one alone.
    """
    checks = []
    for name, windows in kinds_of_windows(manifest, max(batches)):
        for batch in batches:
            some = windows.at(np.arange(batch) % len(windows))
            checks.append(Check(name, batch, scaled_error(manifest, some, ours.outputs(some), theirs.outputs(some))))
    return checks


def require_parity(checks: list[Check], what: str, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """What `parity.json` holds of these checks.

    Raises:
        ArtifactError: One of them shows a larger difference.
    """
    worst = max(checks, key=lambda check: np.nan_to_num(check.error, nan=np.inf))
    if not worst.error <= tolerance:
        raise ArtifactError(
            f"{what} must forecast as Keras does, within {tolerance:g} scaled units. Received: {worst.error:.2g} for "
            f"{worst.windows} windows in a batch of {worst.batch}. Nothing was written; keep the .keras file."
        )
    return {"tolerance": tolerance, "worst": worst.error, "checks": [asdict(check) for check in checks]}


def scaled_error(manifest: Manifest, windows: WindowBatch, ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference between two answers to raw windows, in scaled units beyond the rounding of prices."""
    if ours.shape != theirs.shape:
        return float("inf")
    with np.errstate(all="ignore"):
        ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
        if paths_of(manifest.members):
            ours, theirs = (paths.transpose(0, 2, 1) for paths in (ours, theirs))  # (B, H, S)
        exact, scaling = windows.past.astype(np.float64), manifest.members[0].scaling
        half = np.full(ours.shape, 0.5)
        unit = np.abs(scaling.unbounded(exact, half) - scaling.unbounded(exact, -half))
        inputs = np.abs(scaling.inputs(exact)).reshape(len(exact), -1).max(axis=1)
        inputs = inputs.reshape(-1, *[1] * (ours.ndim - 1))
        middle = scaling.unbounded(exact, np.zeros(ours.shape))
        size = np.maximum(np.maximum(inputs, np.abs(ours - middle) / unit), 1)
        rounding = _ULPS * np.spacing(np.abs(ours).astype(np.float32)).astype(np.float64)
        found = np.maximum(np.abs(ours - theirs) - rounding, 0) / (unit * size)
        found = np.where(np.isnan(ours) & np.isnan(theirs) | (ours == theirs), 0, found)
        return float(np.max(found))


def kinds_of_windows(manifest: Manifest, count: int) -> Iterator[tuple[str, WindowBatch]]:
    """Windows by what they are, at least one of each kind, for networks of these columns."""
    golden = golden_of(manifest).windows
    random = np.random.default_rng(0)
    yield "golden", golden
    first = golden.at(np.zeros(count, int))
    yield "flat", _with_past(golden, np.repeat(golden.past[:, -1:], golden.past.shape[1], axis=1))
    yield "high", _with_past(golden, golden.past * np.float32(1_000))
    yield "low", _with_past(golden, golden.past / np.float32(1_000))
    size = np.maximum(np.abs(golden.past).mean(axis=(0, 1)), 1e-30)
    steps = np.abs(np.diff(golden.past, axis=1)).mean(axis=(0, 1)) / size
    walks = np.cumsum(random.normal(size=first.past.shape), axis=1) * (steps + 1e-3)
    known = None if first.known is None else first.known + random.normal(size=first.known.shape) * first.known.std()
    yield "random", WindowBatch(first.past * np.exp(np.clip(walks, -3, 3)), known, first.static).float32()


def _with_past(windows: WindowBatch, past: np.ndarray) -> WindowBatch:
    return WindowBatch(past.astype(np.float32), windows.known, windows.static)

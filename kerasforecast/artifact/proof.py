"""Whether a network that was rebuilt from a file computes what it did when the file was written."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np

from kerasforecast.artifact.golden import GoldenBatch
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.errors import ArtifactError
from kerasforecast.models.member import describe, paths_of
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.paths import restore_paths

# The golden batch is met within this much of one scaled unit, and the rounding of float32 values.
GOLDEN_TOLERANCE = 1e-5
_PATHS = 10.0  # times as much of paths, whose rounding adds up over the steps that make them


class Answers(Protocol):
    """What forecasts raw windows: a `kerasforecast.forecasting.predictor.Predictor`."""

    def outputs(self, windows: WindowBatch) -> np.ndarray:
        """Raw forecasts `(B, H)`, `(B, H, K)` or paths `(B, S, H)` of raw windows."""


def golden_of(manifest: Manifest) -> GoldenBatch:
    """The golden batch of a network.

    Raises:
        ArtifactError: The model is none.
    """
    if manifest.golden is None:
        raise no_network(manifest)
    return manifest.golden


def no_network(manifest: Manifest) -> ArtifactError:
    """That a model is none, and what can be done with it."""
    return ArtifactError(
        f"{manifest.name}: that needs a network. Received: a model that is {describe(manifest.members)}. Use it with "
        "predict, evaluate and serve, or fit --model auto without --baselines."
    )


def golden_error(manifest: Manifest, predictor: Answers) -> float:
    """Largest difference from the golden forecasts, in scaled units beyond the rounding of float32.

    Those of several members are averaged by their weights, as their forecasts are.

    Of paths it counts a tenth.

    Args:
        manifest: Holds the golden batch and the scaling.
        predictor: The network that was rebuilt.

    Returns:
        At most `GOLDEN_TOLERANCE` where it computes the same; NaN or infinite where it computes no numbers.
    """
    with np.errstate(all="ignore"):  # a stranger's numbers may be anything
        batch = golden_of(manifest)
        windows, golden = batch.windows, np.asarray(batch.forecast, np.float64)
        ours = predictor.outputs(windows).astype(np.float64)  # (B, H), (B, H, K) or (B, S, H)
        unit = _units(manifest, windows.past.astype(np.float64), ours.shape)
        ours, unit = ours.reshape(golden.shape), unit.reshape(golden.shape)
        unit = unit * (_PATHS if any(member.network.family.sampled for member in manifest.members) else 1.0)
        rounding = 4 * np.spacing(np.abs(golden).astype(np.float32)).astype(np.float64)
        return float(np.max(np.maximum(np.abs(ours - golden) - rounding, 0) / unit))


def _units(manifest: Manifest, past: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What one scaled unit is for each forecast, raw values, of the shape of the forecasts."""
    half, found, paths = np.full(shape, 0.5), np.zeros(shape), paths_of(manifest.members)
    for member in manifest.members:
        own, scaling = past[:, manifest.window - member.network.window :], member.scaling
        restore = partial(restore_paths, scaling.unbounded) if paths else scaling.unbounded
        unit = np.abs(restore(own, half) - restore(own, -half))
        if scaling.kind == "none":  # what rounds there is as large as the values of the window, not as 1
            spread = own[:, :, 0].std(axis=1).reshape(-1, *(1,) * (unit.ndim - 1))
            unit = np.maximum(unit, spread)
        found += member.weight * unit
    return found

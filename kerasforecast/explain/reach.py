"""How far back a model looks: its error where all that is older than so many rows is flattened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation.evaluation import every_window
from kerasforecast.evaluation.learned import learned_windows
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.windows import Windows

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

_WINDOWS = 200
_NEAR = 0.01  # of the error with everything in view: as good as that


@dataclass(frozen=True, eq=False)
class Reach:
    """Errors by how much of the past is left.

    Attributes:
        kept: `(N,)` rows that are left as they are, ascending; the last is the whole window.
        errors: `(N,)` mean absolute errors, each series in units of its own mean change.
        windows: How many forecasts.
        unseen: Whether the model has learned from none of them.
    """

    kept: np.ndarray
    errors: np.ndarray
    windows: int
    unseen: bool

    @property
    def rows(self) -> int:
        """The fewest rows with which, and with any more, the error is within 1 % of that of the whole window."""
        near = np.abs(self.errors - self.errors[-1]) <= _NEAR * self.errors[-1]
        far = np.flatnonzero(~near)
        return int(self.kept[far[-1] + 1] if len(far) else self.kept[0])


def reach_of(manifest: Manifest, predictor: Predictor, panel: Panel) -> Reach | None:
    """How far back the model looks, on windows that it has not learned from where there are any; `None` without any."""
    try:
        predictor.check(panel)
        windows = every_window(manifest, panel, predictor.horizon)
    except DataError:
        return None
    learned = learned_windows(manifest.learned_from, panel, windows.origins, predictor.horizon)
    unseen = bool(len(learned.unseen))
    if unseen:
        windows = replace(windows, origins=windows.origins[learned.unseen])
    windows = replace(windows, origins=windows.origins[evenly(len(windows), _WINDOWS)])
    kept = np.unique(np.round(np.geomspace(1, windows.window, 12)).astype(int))
    units = _units(windows)
    batch, targets = predictor.checked(windows.batch()), windows.targets()
    errors = []
    for rows in kept:
        past = batch.past.copy()
        past[:, : windows.window - rows] = past[:, windows.window - rows, None]
        away = np.abs(predictor.predict(replace(batch, past=past)) - targets) / units[:, None]
        errors.append(float(np.mean(away)))
    return Reach(kept, np.array(errors), len(windows), unseen) if errors[-1] > 0 else None


def _units(windows: Windows) -> np.ndarray:
    """`(N,)` the mean absolute change of each window's own series."""
    panel = windows.panel
    changes = np.abs(np.diff(panel.values[:, 0], prepend=panel.values[:1, 0]))
    changes[panel.starts[:-1]] = 0.0
    usual = [
        np.nanmean(changes[start:end]) if end > start else 1.0
        for start, end in zip(panel.starts[:-1], panel.ends, strict=True)
    ]
    return np.maximum(np.array(usual)[panel.places(windows.origins)], np.finfo(np.float32).tiny)

"""Paths `(B, S, H)`: the way back to raw values, and what they say of single steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np


def restore_paths(restore: Callable[..., Any], windows: Any, scaled: Any, xp: ModuleType | Any = np) -> Any:
    """Scaled paths `(B, S, H)` of raw windows `(B, L, F)` to raw ones of the target, by a scaling's `restore`."""
    return xp.transpose(restore(windows, xp.transpose(scaled, (0, 2, 1)), xp), (0, 2, 1))


def path_quantiles(paths: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles `(B, H, K)` of each step of paths `(B, S, H)`: the k-th of S lies at level (k - 1/2) / S."""
    return np.moveaxis(np.quantile(paths, levels, axis=1, method="hazen"), 0, 2)

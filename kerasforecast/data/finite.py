"""Whether numbers are finite, asked of the arrays of whole tables."""

from __future__ import annotations

import numpy as np


def all_finite(values: np.ndarray) -> bool:
    """Whether no number of an array is NaN or infinite.

    A sum is finite only where all its terms are, and takes no array of its own: each is looked at alone only where the
    sum is not, as where it overflows.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())

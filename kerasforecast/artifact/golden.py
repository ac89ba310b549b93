"""The golden batch of a model file."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from kerasforecast.artifact.records import Price, Record
from kerasforecast.preprocessing.batch import WindowBatch


class GoldenBatch(Record):
    """A few windows, and what the network answered its maker: by it every loading is proved.

    Attributes:
        past: Raw windows `(B, L, F)`.
        known: `(B, L + H, K)`, where the model takes columns known ahead.
        static: `(B, S)`, where it takes attributes of the series.
        forecast: `(B, H)`, `(B, H K)` of a quantile head, or `(B, S H)` of paths; raw values.
    """

    past: list[list[list[Price]]] = Field(min_length=1, max_length=8)
    known: list[list[list[Price]]] | None = Field(None, min_length=1, max_length=8)
    static: list[list[Price]] | None = Field(None, min_length=1, max_length=8)
    forecast: list[list[Price]] = Field(min_length=1, max_length=8)

    @property
    def windows(self) -> WindowBatch:
        """The raw windows as a network is given them."""
        known, static = (None if part is None else np.asarray(part, np.float32) for part in (self.known, self.static))
        return WindowBatch(np.asarray(self.past, np.float32), known, static)

"""What if: forecasts where the columns known ahead are others than they are said to be, computed on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.explain.origin import Origin
from kerasforecast.preprocessing.batch import WindowBatch

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

_TOGETHER = 3  # columns whose sliders work together; of more, one at a time
_MOST = 24  # columns
_FINE, _COARSE = 9, 7  # places of a slider


@dataclass(frozen=True, eq=False)
class Slider:
    """A column known ahead, and what it may be in the rows to be forecast.

    Attributes:
        column: Its name.
        labels: Of each place, e.g. `"+2.5"`; `"as known"` among them.
        values: What is added to the column, or what it is set to where `sets`; NaN stands for as known.
        sets: Whether it has but two values, and is set to one of them.
    """

    column: str
    labels: tuple[str, ...]
    values: np.ndarray
    sets: bool

    @property
    def start(self) -> int:
        """The place at which nothing is changed."""
        return self.labels.index("as known")


@dataclass(frozen=True, eq=False)
class WhatIf:
    """Forecasts for every place of the sliders.

    Attributes:
        sliders: One a column.
        together: Whether the grid has every combination; else one slider after another.
        forecasts: `(n_1, n_2, ..., H)` together; else those of each slider, one after another, `(n_1 + n_2 + ..., H)`.
    """

    sliders: tuple[Slider, ...]
    together: bool
    forecasts: np.ndarray


def what_if(predictor: Predictor, origin: Origin) -> WhatIf | None:
    """The grid of the columns known ahead that do not follow from the dates; `None` where there are none."""
    panel, batch = origin.panel, predictor.checked(origin.batch)
    columns = panel.given_columns[:_MOST]
    if not columns or batch.known is None:
        return None
    together = len(columns) <= _TOGETHER
    count = _COARSE if len(columns) == _TOGETHER else _FINE
    observed = panel.values[: int(panel.observed[0])]
    sliders = tuple(_slider(name, observed[:, panel.columns.index(name)], count) for name in columns)
    places = [panel.known_columns.index(name) for name in columns]
    known, window = batch.known[0], batch.past.shape[1]
    if together:
        cells = list(product(*(range(len(slider.values)) for slider in sliders)))
    else:
        still = [slider.start for slider in sliders]
        cells = [
            (*still[:place], value, *still[place + 1 :])
            for place, slider in enumerate(sliders)
            for value in range(len(slider.values))
        ]
    changed = np.repeat(known[None], len(cells), axis=0)
    for which, (slider, place) in enumerate(zip(sliders, places, strict=True)):
        values = slider.values[[cell[which] for cell in cells]][:, None].astype(np.float32)
        rows = changed[:, window:, place]
        changed[:, window:, place] = np.where(np.isnan(values), rows, values if slider.sets else rows + values)
    past = np.repeat(batch.past, len(cells), axis=0)
    static = None if batch.static is None else np.repeat(batch.static, len(cells), axis=0)
    forecasts = predictor.predict(WindowBatch(past, changed, static))
    shape = tuple(len(slider.values) for slider in sliders) if together else (len(cells),)
    return WhatIf(sliders, together, forecasts.reshape(*shape, -1))


def _slider(name: str, values: np.ndarray, count: int) -> Slider:
    distinct = np.unique(values)
    if len(distinct) <= 2:
        found = np.array([np.nan, *distinct])
        return Slider(name, ("as known", *(f"{value:,.6g}" for value in distinct)), found, True)
    spread = float(np.std(values)) / 2
    shifts = spread * np.linspace(-(count // 2), count // 2, count) * (4 / (count // 2) if count < _FINE else 1)
    shifts = np.array([float(f"{shift:.2g}") for shift in shifts])  # a slider says what is added as it stands there
    signs = ("+" if shift > 0 else "-" for shift in shifts)
    labels = [f"{sign}{abs(shift):,.10g}" for sign, shift in zip(signs, shifts, strict=True)]
    middle = count // 2
    labels[middle], shifts[middle] = "as known", np.nan
    return Slider(name, tuple(labels), shifts, False)

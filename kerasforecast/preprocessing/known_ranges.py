"""The columns that dates give have a range that everybody knows: it, and not the training rows, scales them."""

from __future__ import annotations

from kerasforecast.data.calendar_columns import FEATURES
from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.scaling import FittedScaling


def by_known_ranges(scaling: FittedScaling, panel: Panel) -> FittedScaling:
    """`scaling` with the columns that the dates give mapped from their known range to [-1, 1], whatever its kind.

    Relative to the window itself, as prices are, a month would be nothing at all.
    """
    offset, scale, transforms = list(scaling.offset), list(scaling.scale), list(scaling.transforms)
    for column, name in panel.calendar_columns.items():
        place, feature = panel.columns.index(column), FEATURES[name]
        offset[place], scale[place] = (feature.high + feature.low) / 2, (feature.high - feature.low) / 2
        transforms[place] = "linear"
    changed = {"offset": tuple(offset), "scale": tuple(scale), "transforms": tuple(transforms)}
    return scaling.model_copy(update=changed) if panel.calendar_columns else scaling

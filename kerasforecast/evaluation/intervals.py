"""Which windows the intervals of a model are learned from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.evaluation import scored_windows
from kerasforecast.forecasting.adaptive import adapted_after
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.windows import Windows


def paced_windows(config: Config, panel: Panel, split: Split) -> Windows | None:
    """The training windows of a lone series, which tell how far errors keep pace with volatility; `None` of several."""
    if len(panel) > 1 or not split.windows_in("train", config.steps).any():
        return None
    return scored_windows(config, panel, split, "train")


def outcomes(config: Config, panel: Panel, split: Split) -> Windows:
    """The windows of validation and test together; of a series that nothing was learned from, none."""
    edges = split.edges.copy()
    learned = edges[:, 1] < edges[:, 2]
    edges[:, 2] = np.where(learned, edges[:, 3], edges[:, 2])
    return scored_windows(config, panel, replace(split, edges=edges), "validation")


def of_all_rows(scored: Forecaster, windows: Windows, paced: Windows | None, seen: Windows) -> dict[str, Any]:
    """What a manifest says of the intervals around forecasts of weights that learned from all rows.

    They rest on the errors of the weights that were scored: those of test beside those of validation are twice as many,
    and of later rows. Nothing of test has been adapted to yet: it has been learned from.

    Args:
        scored: The network that had not seen the test rows.
        windows: As `outcomes` gives them.
        paced: As `paced_windows` gives them.
        seen: The test windows, after which the intervals adapt.
    """
    calibration = scored.calibrated(windows, paced).calibration
    if calibration is None:
        return {}
    levels = np.tile(calibration.levels, (len(calibration.errors), 1))
    return {
        "calibration": calibration.model_copy(update={"tested": True}),
        "adapted": adapted_after(seen, levels),
    }

"""What the forecast after the data is the sum of, where a network's parts mean something."""

from __future__ import annotations

import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.forecaster import Forecaster


def decomposed(forecaster: Forecaster, panel: Panel) -> pd.DataFrame | None:
    """The parts of the forecast after one series: `date`, `forecast`, and a column for each part, such as `trend`.

    Returns:
        A row for each step of the horizon, raw values, whose parts sum to the forecast; `None` of a model without
        parts, of several networks or of several series.

    Raises:
        DataError: The dates of the forecast cannot be known, or the series is too short.
    """
    members = forecaster.predictor.members
    network = members[0].network
    if len(members) > 1 or len(panel) > 1 or not network.family.in_parts(network.options):
        return None
    windows, index = forecaster.last_windows(panel, network.horizon)
    parts = {name: part[0].astype(float) for name, part in forecaster.predictor.parts(windows.batch()).items()}
    dates = index.to_numpy()[: network.horizon]
    return pd.DataFrame({"date": dates, "forecast": sum(parts.values()), **parts})

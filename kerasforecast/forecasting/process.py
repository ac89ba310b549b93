"""The two processes of diffusion on real windows, to be drawn: from path to noise, and from noise to path."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.outside import scaled_set
from kerasforecast.forecasting.paths import network_of
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.network import weighted_layers
from kerasforecast.models.noise import bank, noised
from kerasforecast.preprocessing.windows import Windows, windows_of

_DRAWN = 24  # paths of the reverse process
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the forward process
_SEED = 0


def processes(forecaster: Forecaster, panel: Panel) -> pd.DataFrame | None:
    """Both processes as a long table; `None` of a model that draws no paths, or is of several networks or series.

    Returns:
        Columns `process` (`forward`: the last known path in ever more noise; `reverse`: the paths of the forecast, from
        noise on), `stage` from 0, `path` from 1, `date` and `value`, raw.

    Raises:
        DataError: The dates of the forecast cannot be known, or the series is too short.
    """
    if not forecaster.predictor.paths or len(panel) > 1:
        return None
    windows, index = forecaster.last_windows(panel, 1)
    parts = [reverse(forecaster.predictor, windows, index)]
    origin = panel.ends[-1:] - 1 - windows.steps
    if origin[0] >= windows.window - 1:
        parts = [*_forward(forecaster, windows_of(panel, origin, windows.window, windows.steps)), *parts]
    return pd.concat(parts, ignore_index=True)


def reverse(predictor: Predictor, windows: Windows, index: pd.Index) -> pd.DataFrame:
    """From noise to the paths of one window: the part of `processes` that is called so.

    Args:
        predictor: Of one network, which draws paths.
        windows: The one window.
        index: Dates or steps of the rows that are forecast.
    """
    noise = bank(_DRAWN, windows.steps, np.random.default_rng([_SEED, 8]))
    stages = _stages(predictor, windows, noise)
    return pd.concat([_table("reverse", number, stage[0], index) for number, stage in enumerate(stages)])


def _forward(forecaster: Forecaster, windows: Windows) -> list[pd.DataFrame]:
    predictor = forecaster.predictor
    member = predictor.members[0]
    weights = {layer.name: layer.get_weights() for layer in weighted_layers(predictor.network)}
    known = scaled_set(windows.training_set(member.scaling), member)
    found = member.network.family.drawing(member.network.options, member.sizes, weights, known)
    if found is None:
        return []
    path, drawing = found
    places = (np.array(_SHARES[1:]) * (len(drawing.angles) - 1)).round().astype(int)
    angles = np.concatenate([[0.0], drawing.angles[places]])
    noise = np.random.default_rng([_SEED, 10]).normal(size=path.shape)
    given = noised(path, noise, angles).astype(np.float32)  # (P, H)
    drawn = _stages(predictor, windows, given)[0][0]
    index = windows.panel.index[windows.origins[0] + 1 : windows.origins[0] + 1 + windows.steps]
    return [_table("forward", number, drawn[number : number + 1], index) for number in range(len(angles))]


def _stages(predictor: Predictor, windows: Windows, noise: np.ndarray) -> list[np.ndarray]:
    """Paths `(1, S, H)` of one window before and after each step back from the `noise` `(S, H)`."""
    network = network_of(predictor, "stages")
    found = network.predict_on_batch(windows.batch().arrays | {"noise": noise[None]})
    return [np.asarray(stage) for stage in found]


def _table(process: str, stage: int, paths: np.ndarray, index: pd.Index) -> pd.DataFrame:
    count, steps = paths.shape
    return pd.DataFrame(
        {
            "process": process,
            "stage": stage,
            "path": np.repeat(np.arange(1, count + 1), steps),
            "date": np.tile(index.to_numpy()[:steps], count),
            "value": paths.astype(np.float64).ravel(),
        }
    )

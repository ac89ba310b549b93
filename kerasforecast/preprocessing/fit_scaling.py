"""What a scaling learns from the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasforecast.data.precision import check_training_rows
from kerasforecast.preprocessing.bound import check_bound, least_forecast
from kerasforecast.preprocessing.columns import close_by, feature_floors, usual_change
from kerasforecast.preprocessing.level import fit_level
from kerasforecast.preprocessing.scaling import FLOAT32_SMALLEST, FittedScaling, Transform
from kerasforecast.preprocessing.volatility import VOLATILITY_FLOOR
from kerasforecast.sections.network import LOGARITHMIC, Bound, Centre, Scaling, Squeeze, Unit


def fit_scaling(
    kind: Scaling,
    train: np.ndarray,
    columns: tuple[str, ...],
    *,
    starts: np.ndarray | None = None,
    volatility_channel: bool = False,
    level: tuple[Centre, Unit, Squeeze] = ("mean", "spread", "none"),
    lower_bound: float | Bound = "none",
) -> FittedScaling:
    """Learn a scaling from the training rows.

    Args:
        kind: The scaling option.
        train: Raw training rows, `(T, F)` float64, or separate stretches of rows, `(N, T, F)`.
        columns: Their names, for messages.
        starts: `(N,)` first row of each series in `(T, F)`, ascending; one series, where not given. From the last row
            of one to the first of the next is no change. Stretches are taken for those of one series.
        volatility_channel: Show the network how high volatility is, as a quantile head needs it.
        level: Centre, unit and transform of the scaling `level`.
        lower_bound: What no forecast is to lie below, as `--lower-bound` has it.

    Raises:
        OptionError: A training row of the target lies below the bound.
        DataError: A column does not change within the training rows of any series, or not by enough for float32; or it
            has a value beyond 1e18.
    """
    rows = train.reshape(-1, len(columns))
    if train.ndim == 3:
        starts = np.arange(0, len(rows), train.shape[1])
    starts = np.zeros(1, int) if starts is None else starts
    check_training_rows(rows, columns, starts, constant=kind == "none")
    check_bound(lower_bound, rows[:, 0])
    found = _fitted(kind, rows, columns, starts, train.ndim == 2 and len(starts) > 1, volatility_channel, level)
    return found.model_copy(update={"lowest": least_forecast(lower_bound, rows[:, 0])})


def _fitted(
    kind: Scaling,
    rows: np.ndarray,
    columns: tuple[str, ...],
    starts: np.ndarray,
    several: bool,
    volatility_channel: bool,
    level: tuple[Centre, Unit, Squeeze],
) -> FittedScaling:
    if kind in ("anchor", "difference"):
        return _fit_relative(kind, rows, columns, starts, several, volatility_channel)
    if kind == "level":
        transforms: list[Transform] = ["level"] * len(columns)
        none, one, found = (0.0,) * len(columns), (1.0,) * len(columns), fit_level(*level, rows, starts, columns[0])
        return FittedScaling(kind=kind, transforms=tuple(transforms), offset=none, scale=one, level=found)
    offset, scale = _fit_linear(kind, rows)
    return FittedScaling(
        kind=kind, transforms=("linear",) * len(columns), offset=_exact(offset), scale=_exact(_normal(scale))
    )


def _fit_relative(
    kind: Scaling,
    train: np.ndarray,
    columns: tuple[str, ...],
    starts: np.ndarray,
    several: bool,
    volatility_channel: bool,
) -> FittedScaling:
    floor = _exact(feature_floors(train, columns)) if kind in LOGARITHMIC else ()
    floor = floor if any(floor) else ()
    if floor:
        train = np.where((train > 0) | (np.array(floor) == 0), train, floor)
    transforms: list[Transform] = []
    volatility, least = [], []
    for place, name in enumerate(columns):
        values = train[:, place]
        logs = kind in LOGARITHMIC and bool((values > 0).all())
        usual, quiet = usual_change(name, values, starts, logs, several)
        transforms.append("log" if logs else "difference")
        volatility.append(usual)
        least.append(VOLATILITY_FLOOR * quiet)
    reference = [close_by(train, transforms, place, volatility[0]) for place in range(len(transforms))]
    transforms = [
        "ratio" if other < place else transform
        for place, (other, transform) in enumerate(zip(reference, transforms, strict=True))
    ]
    return FittedScaling(
        kind=kind,
        transforms=tuple(transforms),
        offset=(0.0,) * len(transforms),
        scale=_exact(_normal(volatility)),
        reference=tuple(reference) if "ratio" in transforms else (),
        floor=floor,
        volatility_channel=volatility_channel,
        least=_exact(_normal(least)) if several else (),
    )


def _fit_linear(kind: Scaling, train: np.ndarray) -> tuple[Any, Any]:
    if kind == "none":
        return np.zeros(train.shape[1]), np.ones(train.shape[1])
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    if kind == "minmax":
        fitted = MinMaxScaler().fit(train)
        return fitted.data_min_, fitted.data_range_
    fitted = StandardScaler().fit(train)
    return fitted.mean_, fitted.scale_


def _exact(numbers: Any) -> tuple[float, ...]:
    """As float32, the precision they have inside the saved network, so that NumPy computes with the same numbers."""
    return tuple(float(np.float32(number)) for number in numbers)


def _normal(scale: Any) -> Any:
    return np.maximum(scale, FLOAT32_SMALLEST)  # what float32 can divide by

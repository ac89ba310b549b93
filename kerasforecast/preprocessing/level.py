"""Windows relative to their own level and spread: what series with structure want, be it a season or a trend.

With v_t what a row has moved by from the window's last one (a difference; of a target that is taken by logs or square
roots the difference of those), c the centre of the window (0 for its last row, else the mean of v) and s its unit (the
mean absolute change, or the standard deviation), a network sees `(v_t - c) / s` and answers in the same units.
Reversible instance normalisation (Kim et al. 2022) is the mean with the standard deviation; the NLinear of Zeng et al.
(2023) the last row with no unit, which a linear map does not need.

Logs, square roots and `asinh` are of the target alone. Logs and roots ask for values that allow them; `asinh`, of the
distance from the middle of training in units of the usual distance from there (Uniejewski, Weron & Ziel 2018), takes
any: near the middle it changes nothing, far out it is a log. It is taken before windows are normalised, so that a few
peaks rule neither the spread of a window nor the squares that are learned by.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_serializer
from pydantic import SerializerFunctionWrapHandler as Handler

from kerasforecast.errors import DataError, shown
from kerasforecast.sections.network import Centre, Squeeze, Unit

_LEAST = float(np.finfo(np.float32).tiny)
_FLOOR = 0.1  # of the usual change in training: the least unit of a window that hardly moves
_CALMEST = 0.1  # of the usual unit: known columns count for no more than ten times as much in a calm window
_MOST = float(np.finfo(np.float32).max)
_OF_ASINH = ("middle", "size")
_LOW = 0.1  # quantile over series of their usual changes, which says what is usual

Positive = Annotated[float, Field(ge=_LEAST, le=float(np.finfo(np.float32).max))]


class Level(BaseModel):
    """How windows are normalised, and what was learned of their least unit; part of the manifest.

    Attributes:
        centre: What is subtracted: the last row, or the mean.
        unit: What is divided by: the mean absolute change, or the standard deviation.
        transform: What the target is taken by.
        floors: The least unit of each column.
        typical: The unit of the target that is usual in training.
        middle: What `asinh` is taken around, in the unit of the target; 0 for other transforms.
        size: What it is taken in units of; 1 for other transforms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    centre: Centre
    unit: Unit
    transform: Squeeze
    floors: tuple[Positive, ...] = Field(min_length=1, max_length=1_000)
    typical: Positive = 1.0
    middle: Annotated[float, Field(ge=-_MOST, le=_MOST)] = 0.0
    size: Positive = 1.0

    @model_serializer(mode="wrap")
    def _without_what_asinh_has(self, handler: Handler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if name not in _OF_ASINH or self.transform == "asinh"}

    def inputs(self, windows: Any, xp: Any = np) -> Any:
        """Raw windows `(B, L, F)`, normalised."""
        moves = self._moves(windows, xp)
        centre, unit = self._frame(moves, xp)
        return (moves - centre) / unit

    def agitation(self, windows: Any, xp: Any = np) -> Any:
        """The unit of the target in raw windows `(B, L, F)`, as a share of the usual one, `(B, 1, 1)`."""
        _, unit = self._frame(self._moves(windows[:, :, :1], xp), xp)
        return xp.maximum(unit / np.float32(self.typical), np.float32(_CALMEST))

    def restore(self, windows: Any, scaled: Any, xp: Any = np) -> Any:
        """Normalised answers `(B, H)` or `(B, H, K)` to raw values of the target, of the same shape."""
        target = windows[:, :, :1]
        centre, unit = (part[:, 0, :1] for part in self._frame(self._moves(target, xp), xp))  # (B, 1)
        last = target[:, -1, :]
        if len(scaled.shape) == 3:
            centre, unit, last = centre[:, :, None], unit[:, :, None], last[:, :, None]
        moves = centre + unit * scaled
        if self.transform == "asinh":
            # sinh b - sinh a = 2 cosh((a + b) / 2) sinh((b - a) / 2): no digit of a small move is lost.
            half = 0.5 * moves
            between = self._bent(last, xp) + half
            cosh = 1.0 + 0.5 * (xp.expm1(between) + xp.expm1(-between))
            return last + cosh * (xp.expm1(half) - xp.expm1(-half)) * np.float32(self.size)
        if self.transform == "log":
            return last + last * xp.expm1(moves)
        if self.transform == "sqrt":
            root = xp.maximum(xp.sqrt(xp.maximum(last, 0.0)) + moves, 0.0)
            return root * root
        return last + moves

    def scaled_targets(self, windows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """What the network should answer: raw targets `(B, H)` of raw windows `(B, L, F)`, normalised, float32."""
        target = windows[:, :, :1]
        centre, unit = self._frame(self._moves(target, np), np)
        moves = self._from_last(targets[:, :, None], target[:, -1:], np)
        return ((moves - centre) / unit)[:, :, 0].astype(np.float32)

    def _moves(self, windows: Any, xp: Any) -> Any:
        """`(B, L, F)` what each row has moved by from the last one, the target as it is taken."""
        if self.transform == "none":
            return windows - windows[:, -1:]
        target = self._from_last(windows[:, :, :1], windows[:, -1:, :1], xp)
        if windows.shape[-1] == 1:
            return target
        return xp.concatenate([target, windows[:, :, 1:] - windows[:, -1:, 1:]], axis=-1)

    def _from_last(self, values: Any, last: Any, xp: Any) -> Any:
        if self.transform == "log":
            return xp.log1p((values - last) / last)
        if self.transform == "asinh":
            return self._bent(values, xp) - self._bent(last, xp)
        if self.transform == "sqrt":
            return xp.sqrt(xp.maximum(values, 0.0)) - xp.sqrt(xp.maximum(last, 0.0))
        return values - last

    def _frame(self, moves: Any, xp: Any) -> tuple[Any, Any]:
        """Centre and unit of each column of windows, `(B, 1, F)` each."""
        rows = moves.shape[1]
        mean = xp.sum(moves, axis=1, keepdims=True) / rows
        if self.unit == "spread":
            away = moves - mean
            unit = xp.sqrt(xp.sum(away * away, axis=1, keepdims=True) / rows)
        else:
            steps = moves[:, 1:] - moves[:, :-1]
            unit = xp.sum(xp.maximum(steps, -steps), axis=1, keepdims=True) / (rows - 1)
        floors = np.asarray(self.floors[: moves.shape[-1]], np.float32)[None, None, :]
        centre = mean if self.centre == "mean" else xp.zeros_like(mean)
        return centre, xp.maximum(unit, floors)

    def _bent(self, values: Any, xp: Any) -> Any:
        """`asinh` of raw values of the target, around `middle` in units of `size`."""
        away = (values - np.float32(self.middle)) / np.float32(self.size)
        # Of each sign apart: the textbook's log(z + sqrt(z z + 1)) loses all digits of large negative values.
        up, down = xp.maximum(away, 0.0), xp.maximum(-away, 0.0)
        return xp.log(up + xp.sqrt(up * up + 1.0)) - xp.log(down + xp.sqrt(down * down + 1.0))


def fit_level(
    centre: Centre, unit: Unit, transform: Squeeze, train: np.ndarray, starts: np.ndarray, target: str
) -> Level:
    """Learn the least unit of a window and the usual one, and what `asinh` is taken around.

    Args:
        centre: As `Level` has it.
        unit: Likewise.
        transform: Likewise.
        train: `(T, F)` training rows of all series.
        starts: `(N,)` first row of each series.
        target: What the target is called.

    Raises:
        DataError: The target is not positive, and logs are to be taken of it.
    """
    if transform == "log" and (train[:, 0] <= 0).any():
        raise DataError(
            f"{target} must be positive for --target-transform log. Received: {shown(float(train[:, 0].min()))} in "
            "training. Use --target-transform asinh."
        )
    middle, size = _middle(train[:, 0], starts) if transform == "asinh" else (0.0, 1.0)
    bending = {"middle": _single(middle), "size": max(_single(size), _LEAST)}
    values = train.copy()
    if transform == "log":
        values[:, 0] = np.log(values[:, 0])
    elif transform == "sqrt":
        values[:, 0] = np.sqrt(np.maximum(values[:, 0], 0))
    elif transform == "asinh":
        values[:, 0] = np.arcsinh((values[:, 0] - middle) / size)
    changes = np.abs(np.diff(values, axis=0, prepend=values[:1]))  # (T, F), those from one series to the next are 0
    changes[starts] = 0.0
    lengths = np.diff(np.append(starts, len(values)))
    usual = np.add.reduceat(changes, starts, axis=0) / np.maximum(lengths - 1, 1)[:, None]  # (N, F)
    floors = []
    for column in usual.T:
        moving = column[column > 0]
        floors.append(max(_FLOOR * float(np.quantile(moving, _LOW)) if len(moving) else 1.0, _LEAST))
    units = usual[:, 0] if unit == "change" else _spreads(values[:, 0], starts, lengths)
    typical = float(np.median(units[units > 0])) if (units > 0).any() else 1.0
    return Level(
        centre=centre,
        unit=unit,
        transform=transform,
        floors=tuple(map(_single, floors)),
        typical=max(_single(typical), _LEAST),
        **bending,
    )


def _middle(values: np.ndarray, starts: np.ndarray) -> tuple[float, float]:
    """The median of a series and the mean distance from it; of several series, what is usual among them."""
    parts = np.split(values, starts[1:])
    middles = [float(np.median(part)) for part in parts]
    sizes = [float(np.abs(part - middle).mean()) for part, middle in zip(parts, middles, strict=True)]
    return float(np.median(middles)), max(float(np.median(sizes)), _LEAST)


def _spreads(values: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The standard deviation of each series, `(N,)`."""
    means = np.add.reduceat(values, starts) / lengths
    away = values - np.repeat(means, lengths)
    return np.sqrt(np.add.reduceat(away * away, starts) / lengths)


def _single(number: float) -> float:
    """As float32, the precision that it has inside a saved network."""
    return float(np.float32(number))

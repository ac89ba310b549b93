"""What a network sees of the columns known ahead and of the attributes of a series.

A column of numbers is standardised by the training rows (of attributes: by the series), which a network needs whatever
its unit is; one that follows from the dates is mapped from its known range to [-1, 1]. Where windows are normalised by
their own level, a known column that moves from row to row comes less its mean over the window, in the units that the
target has there: a megawatt more moves the price by as much in a calm week as in a wild one, whose target is divided by
more. A flag, which stays as it is for most rows, is left. An attribute
with categories stays the number of its category; the network looks its vector up.
The formulas hold for NumPy's arrays and for Keras' symbols alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_serializer, model_validator
from pydantic import SerializerFunctionWrapHandler as Handler

from kerasforecast.data.date_features import feature
from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.scaling import FLOAT32_LARGEST, FLOAT32_SMALLEST, FittedScaling

MOST_CATEGORIES = 10_000
_WIDEST = 16  # numbers that stand for one category
_MOVING = 0.5  # share of rows that differ from the one before, from which on a column moves from row to row

_Offset = Annotated[float, Field(ge=-FLOAT32_LARGEST, le=FLOAT32_LARGEST)]
_Scale = Annotated[float, Field(ge=FLOAT32_SMALLEST, le=FLOAT32_LARGEST)]
_Name = Annotated[str, Field(max_length=1_000)]


class Standardised(BaseModel):
    """A column of numbers.

    Attributes:
        offset: Its mean in training, in the column's unit: subtracted first.
        scale: Its standard deviation there, what one scaled unit is; 1 where it does not change. Of a feature of dates
            the middle and half of its range.
        per_window: Whether the window's own mean comes off after that, and what is left is divided by what the target
            of the window is; of columns known ahead alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    offset: _Offset
    scale: _Scale
    per_window: bool = False

    @model_serializer(mode="wrap")
    def _without_what_others_have(self, handler: Handler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if name != "per_window" or value}


class Categories(BaseModel):
    """An attribute with categories.

    Attributes:
        names: Of the categories, in the order of their numbers, from 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    names: tuple[_Name, ...] = Field(min_length=1, max_length=MOST_CATEGORIES)

    @model_validator(mode="after")
    def _each_once(self) -> Categories:
        if len(set(self.names)) < len(self.names):
            raise ValueError("categories must differ")
        return self

    @property
    def width(self) -> int:
        """Numbers that the network learns for each category."""
        return min(_WIDEST, (len(self.names) + 1) // 2)


def _kind(attribute: Any) -> str:
    """Which of the two an attribute is, so that what is wrong with one is said of that one."""
    names = "names" in attribute if isinstance(attribute, dict) else isinstance(attribute, Categories)
    return "categories" if names else "number"


Attribute = Annotated[
    Annotated[Standardised, Tag("number")] | Annotated[Categories, Tag("categories")], Discriminator(_kind)
]


class FittedCovariates(BaseModel):
    """The covariates of a network beyond the past, with what was learned of them in training; part of the manifest.

    Attributes:
        known: Per column known ahead.
        static: Per attribute of the series.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    known: tuple[Standardised, ...] = Field((), max_length=1_000)
    static: tuple[Attribute, ...] = Field((), max_length=1_000)

    @property
    def numeric(self) -> tuple[int, ...]:
        """Places of the attributes that are numbers."""
        return tuple(place for place, each in enumerate(self.static) if isinstance(each, Standardised))

    @property
    def embedded(self) -> dict[int, Categories]:
        """The attributes with categories, by their place."""
        return {place: each for place, each in enumerate(self.static) if isinstance(each, Categories)}

    @property
    def static_width(self) -> int:
        """Numbers that a network sees of all attributes of a series."""
        return len(self.numeric) + sum(each.width for each in self.embedded.values())

    @property
    def unscaled(self) -> FittedCovariates:
        """The same columns for a network that is given them scaled."""
        plain = Standardised(offset=0.0, scale=1.0)
        static = (plain if isinstance(each, Standardised) else each for each in self.static)
        return FittedCovariates(known=(plain,) * len(self.known), static=tuple(static))

    def code_fault(self, static: np.ndarray | None) -> str | None:
        """What is wrong with the numbers of categories in attributes `(B, S)`; `None` where nothing is.

        A network has no vector for another number: some backends fail there, others answer nonsense.
        """
        for place, each in self.embedded.items() if static is not None else ():
            codes = np.asarray(static)[:, place]
            wrong = codes[~((codes >= 0) & (codes < len(each.names)) & (codes == np.floor(codes)))]
            if len(wrong):
                last, received = len(each.names) - 1, f"{wrong[0]:g}"
                return f"column {place} must hold numbers of its categories, 0 to {last}. Received: {received}"
        return None

    def known_inputs(self, known: Any, past: Any, scaling: FittedScaling, xp: Any = np) -> Any:
        """Raw known columns `(B, L + H, K)`, scaled, of windows `(B, L, F)` whose scaling this is."""
        scaled = _standardised(known, self.known)
        own = np.array([each.per_window for each in self.known], np.float32)
        if not own.any() or scaling.level is None:
            return scaled
        rows = past.shape[1]
        mean = xp.sum(scaled[:, :rows], axis=1, keepdims=True) / rows  # (B, 1, K)
        unit = scaling.level.agitation(past, xp)  # (B, 1, 1)
        return (scaled - mean * own) / (unit * own + (1 - own))

    def static_inputs(self, static: Any) -> Any:
        """Raw attributes `(B, S)`, those that are numbers scaled; a category stays its number."""
        return _standardised(static, self.static)


NO_COVARIATES = FittedCovariates()


def fit_covariates(
    panel: Panel, train: np.ndarray, learned: np.ndarray | None = None, *, per_window: bool = False
) -> FittedCovariates:
    """Learn what the training rows say of the columns known ahead, and the series of their attributes.

    Args:
        panel: With its roles.
        train: `(R, C)` training rows of all series.
        learned: `(N,)` which series have some: the attributes of the others say nothing; all where not given.
        per_window: Whether known columns that move from row to row are normalised by each window.
    """
    first = len(panel.past_columns)
    known = [
        _by_range(panel.calendar_columns[name]) if name in panel.calendar_columns else _fitted(column, per_window)
        for name, column in zip(panel.known_columns, train[:, first:].T, strict=True)
    ]
    columns = () if panel.static is None else (panel.static if learned is None else panel.static[learned]).T
    static = [
        Categories(names=names) if names else _fitted(column)
        for names, column in zip(panel.categories, columns, strict=True)
    ]
    return FittedCovariates(known=tuple(known), static=tuple(static))


def _fitted(values: np.ndarray, per_window: bool = False) -> Standardised:
    spread = float(np.std(values))
    scale = spread if spread >= FLOAT32_SMALLEST else 1.0
    own = per_window and len(values) > 1 and float(np.mean(np.diff(values) != 0)) >= _MOVING
    return Standardised(offset=float(np.float32(np.mean(values))), scale=float(np.float32(scale)), per_window=own)


def _by_range(name: str) -> Standardised:
    """A feature of dates from its known range to [-1, 1]: a training part of three months has seen no December.

    One that is 0 of any ordinary date stays 0 there. As -1 it would stand in every row of a window, and a step of
    training moves what a hundred equal inputs give a hundred times as far.
    """
    found = feature(name)
    if found is None:
        raise ValueError(f"There is no feature of dates called {name}.")
    if found.rare:
        return Standardised(offset=0, scale=found.high)
    return Standardised(offset=(found.high + found.low) / 2, scale=(found.high - found.low) / 2)


def _standardised(values: Any, columns: Sequence[Standardised | Categories]) -> Any:
    numbers = [(each.offset, each.scale) if isinstance(each, Standardised) else (0.0, 1.0) for each in columns]
    offset, scale = np.array(numbers, np.float32).T
    return (values - offset) * (1 / scale)

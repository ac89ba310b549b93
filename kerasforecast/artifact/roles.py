"""The columns of a model's data by their role, as its manifest has them."""

from __future__ import annotations

from pydantic import Field, model_validator

from kerasforecast.artifact.records import Record, Text
from kerasforecast.data.date_features import feature
from kerasforecast.data.panel import ColumnRole


class Roles(Record):
    """The columns of the data by their role: what is forecast, known until now, known ahead, one value a series.

    Attributes:
        calendar: Which of the known columns follow from the dates, and how: they are computed for dates ahead.
    """

    target: Text
    past: tuple[Text, ...] = Field((), max_length=1_000)
    known: tuple[Text, ...] = Field((), max_length=1_000)
    static: tuple[Text, ...] = Field((), max_length=1_000)
    calendar: dict[Text, Text] = Field({}, max_length=1_000)

    @model_validator(mode="after")
    def _known_features(self) -> Roles:
        if not (self.calendar.keys() <= set(self.known) and all(map(feature, self.calendar.values()))):
            raise ValueError("calendar must name known columns and features of dates")
        return self

    @model_validator(mode="after")
    def _one_role_each(self) -> Roles:
        names = (*self.columns, *self.static)
        if len(set(names)) < len(names):
            raise ValueError("a column has one role")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data: the target, those known until now, those known ahead."""
        return (self.target, *self.past, *self.known)

    @property
    def each(self) -> tuple[ColumnRole, ...]:
        """The role of each of them."""
        past: list[ColumnRole] = ["past"] * len(self.past)
        known: list[ColumnRole] = ["known"] * len(self.known)
        return ("target", *past, *known)

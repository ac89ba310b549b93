"""`--model auto`: no network of its own but a choice among those of the other families, made on validation.

`kerasforecast.selection` makes it. What a user fixes is kept: an option of every network holds for all that are tried,
one of a family for the networks of the families that have it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, field_validator

from kerasforecast.models.families.base import Family, FamilyOptions, Graph, Inputs, Role, SavedLayer, Sizes

Value = bool | int | float | Annotated[str, StringConstraints(max_length=200)] | None


class AutomaticOptions(FamilyOptions):
    """Options of the choice.

    Attributes:
        kept: Options of networks and of their training that the user fixed, by name.
    """

    budget: Literal["small", "medium", "large"] = Field(
        "medium", description="How much is tried, in optimizer steps: the same choice on every run."
    )
    time: str | None = Field(
        None,
        description="How long to try at most, e.g. 90s, 5m, 1h; what is chosen then hangs on the machine.",
    )
    kept: dict[Annotated[str, StringConstraints(max_length=50)], Value] = Field({}, max_length=100)

    @field_validator("time")
    @classmethod
    def _a_time(cls, time: str | None) -> str | None:
        if time is not None and not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?[smh]", time):
            raise ValueError("must be a number of seconds, minutes or hours, such as 90s, 5m or 1h")
        return time

    @property
    def seconds(self) -> float | None:
        """What `time` means."""
        if self.time is None:
            return None
        return float(self.time[:-1]) * {"s": 1, "m": 60, "h": 3_600}[self.time[-1]]


class Automatic(Family):
    """The choice; it is no member of a model."""

    name = "auto"
    options: ClassVar[type[FamilyOptions]] = AutomaticOptions
    recipe: ClassVar = {"scaling": "level"}
    chooses = True
    seasonal = False

    def layers(self, options: Any, sizes: Sizes) -> list[SavedLayer]:
        """None: its members have them.

        Raises:
            TypeError: Always.
        """
        raise TypeError("A choice among networks has no layers of its own.")

    def build(self, options: Any, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """Nothing: its members are built.

        Raises:
            TypeError: Always.
        """
        raise TypeError("A choice among networks is not built; its members are.")

    def describe(self, options: AutomaticOptions) -> str:
        """E.g. `"networks chosen on validation, budget medium"`."""
        limit = f"within {options.time}" if options.time else f"budget {options.budget}"
        return f"networks chosen on validation, {limit}"


AUTO = Automatic()

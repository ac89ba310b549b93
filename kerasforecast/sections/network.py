"""Which network: its family, its sizes, its scaling.

The options of a family stand in its own file, `kerasforecast.models.families`.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from kerasforecast.errors import OptionError, flag, shown
from kerasforecast.models.families import registry
from kerasforecast.models.families.base import Family, FamilyOptions, Sizes
from kerasforecast.sections.section import Section, ascending, checked

Scaling = Literal["anchor", "difference", "level", "minmax", "standard", "none"]
ScalingChoice = Literal["auto", "anchor", "difference", "level", "minmax", "standard", "none"]
Centre = Literal["last", "mean"]
Unit = Literal["change", "spread"]
Squeeze = Literal["none", "log", "sqrt", "asinh"]
Bound = Literal["auto", "none"]
LARGEST_ANSWER = 100_000  # numbers of one window's paths
LOGARITHMIC = ("anchor",)  # scalings that take logs of columns with positive values


class NetworkConfig(Section):
    """A network: raw values `(B, window, F)` in, raw values `(B, horizon)` out.

    The options of its family stand in `options`; to construct one they may be given beside the others, by name.
    """

    model: str = Field("lstm", description="Network family; auto chooses.")
    window: int = Field(60, ge=2, le=10_000, description="Rows of history that the network sees for a forecast.")
    horizon: int = Field(1, ge=1, le=1_000, description="Rows ahead that the network forecasts at once.")
    scaling: ScalingChoice = Field(
        "anchor", description="How raw values become what the network sees, and back; auto chooses on validation."
    )
    centre: Centre = Field("mean", description="What --scaling level subtracts from a window: its last row or mean.")
    unit: Unit = Field(
        "spread", description="What --scaling level divides by: a window's mean absolute change, or its spread."
    )
    target_transform: Squeeze = Field(
        "none", description="What --scaling level takes the target by; log needs positive values, asinh none."
    )
    quantiles: tuple[float, ...] = Field(
        (),
        max_length=99,
        description="Levels of a quantile head, e.g. 0.1,0.5,0.9; 0.5 is always among them, and none means points.",
    )
    lower_bound: Bound | float = Field(
        "auto", description="What no forecast lies below; auto is 0 where the target has zeros and nothing below."
    )
    options: SerializeAsAny[FamilyOptions] = FamilyOptions()

    @model_validator(mode="before")
    @classmethod
    def _of_its_family(cls, values: Any) -> Any:
        """Hand the options that are not every network's to the family, which knows their bounds."""
        if not isinstance(values, dict) or not isinstance(values.get("options", {}), dict | FamilyOptions):
            return values  # pydantic says what it must be
        common = {name: value for name, value in values.items() if name in cls.model_fields and name != "options"}
        own = {name: value for name, value in values.items() if name not in cls.model_fields}
        family = registry.family(common.get("model", cls.model_fields["model"].default))
        given = values.get("options", {})
        own |= given.model_dump() if isinstance(given, FamilyOptions) else given
        for name, value in own.items():
            if name not in family.options.model_fields:
                raise OptionError(not_of(family, name, value))
        recipe = {name: value for name, value in family.recipe.items() if name in cls.model_fields}
        return recipe | common | {"options": checked(family.options, own)}

    @model_validator(mode="after")
    def _bounded(self) -> NetworkConfig:
        if self.family.sampled and self.quantiles:
            raise ValueError(
                f"--quantiles is no option of {self.model}, whose paths have them all: name those wanted by --levels"
            )
        if (numbers := self.family.paths(self.options) * self.horizon) > LARGEST_ANSWER:
            raise ValueError(
                f"--paths times --horizon must be at most {LARGEST_ANSWER:,}, not {numbers:,}: a model file holds "
                "as many numbers as proof"
            )
        return self

    @field_validator("lower_bound", mode="before")
    @classmethod
    def _word_or_number(cls, value: Any) -> Any:
        if isinstance(value, str) and value not in get_args(Bound):
            try:
                return float(value)
            except ValueError:
                raise ValueError(f"must be {', '.join(get_args(Bound))} or a number") from None
        return value

    @field_validator("quantiles")
    @classmethod
    def _with_median(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        return ascending((*levels, 0.5) if levels and 0.5 not in levels else levels)

    @model_validator(mode="after")
    def _as_its_family_can(self) -> NetworkConfig:
        family = self.family
        if family.scalings and self.scaling not in family.scalings:
            kinds = " or ".join(family.scalings)
            raise ValueError(f"--scaling of {family.name} must be {kinds}. Received: {self.scaling}")
        least = family.least_window(self.options, self.horizon)
        if self.window < least:
            raise ValueError(
                f"--window must be at least {least:,} rows for {self.describe()}. Received: {self.window:,}"
            )
        return self

    @property
    def family(self) -> Family:
        """What knows its options, layers and words."""
        return registry.family(self.model)

    @property
    def level(self) -> tuple[Centre, Unit, Squeeze]:
        """Centre, unit and transform of the scaling `level`."""
        return self.centre, self.unit, self.target_transform

    @property
    def usual_scaling(self) -> Scaling:
        """What its family takes where nothing else is asked for."""
        usual: Scaling = self.family.recipe.get("scaling", NetworkConfig.model_fields["scaling"].default)
        return usual

    @property
    def named_scaling(self) -> Scaling:
        """The scaling, once it is one.

        Raises:
            ValueError: It is yet to be chosen.
        """
        if self.scaling == "auto":
            raise ValueError("A scaling of a name is needed here, as kerasforecast.forecasting.suited chooses it.")
        return self.scaling

    @property
    def wants_logs(self) -> bool:
        """Whether prices must be positive to be learned from, since the scaling is to take logs of them."""
        scaling = self.usual_scaling if self.scaling == "auto" else self.scaling
        return scaling in LOGARITHMIC or (scaling == "level" and self.target_transform == "log")

    def sizes(
        self,
        channels: int,
        known: int = 0,
        static: int = 0,
        categories: tuple[tuple[int, int], ...] = (),
        numeric: tuple[int, ...] = (),
        near: tuple[int, ...] = (),
    ) -> Sizes:
        """What it takes and gives, where scaled inputs have so many channels; arguments as fields of `Sizes`."""
        return Sizes(self.window, channels, self.horizon, self.quantiles, known, static, categories, numeric, near)

    def describe(self) -> str:
        """What it is in a few words, e.g. `"2 x lstm of 50 units"`."""
        return self.family.describe(self.options)


def not_of(family: Family, option: str, value: Any) -> str:
    """That `family` has no such option, and which families do."""
    having = registry.options().get(option, {})
    if not having:
        return f"Options must be known by name. Received: {shown(option)}."
    few = f"only {', '.join(having)} {'has' if len(having) == 1 else 'have'} it"
    return f"{flag(option)} is no option of {family.name}; {few}. Received: {shown(value)}. Leave it out."

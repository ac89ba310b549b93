"""What is no network: a classical model, fitted anew to the history of each forecast.

A choice among networks (`--model auto`) serves one where it was better on validation. Its file holds what it is called
and no weights: `kerasforecast.baselines.served` forecasts with it. It is no choice of `--model`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from kerasforecast.models.families.base import Family, FamilyOptions, Graph, Inputs, Role, SavedLayer, Sizes

Method = Literal["auto_ets", "auto_arima", "theta"]
TITLES: dict[str, str] = {"auto_ets": "AutoETS", "auto_arima": "AutoARIMA", "theta": "AutoTheta"}


class ClassicalOptions(FamilyOptions):
    """Options of what is fitted anew; without descriptions, for they are nobody's to give.

    Attributes:
        method: Its name, as `--baselines` has it.
        season: Rows of a season; 1 for none.
    """

    method: Method
    season: int = Field(1, ge=1, le=10**6)


class Classical(Family):
    """A model without a graph."""

    name = "classical"
    options: ClassVar[type[FamilyOptions]] = ClassicalOptions
    recipe: ClassVar = {"scaling": "none"}
    scalings = ("none",)
    stages: ClassVar = {}
    in_graph = False
    solved = True
    trained = False
    refitted = False

    def layers(self, options: ClassicalOptions, sizes: Sizes) -> list[SavedLayer]:
        """None."""
        return []

    def build(self, options: ClassicalOptions, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """Nothing.

        Raises:
            TypeError: Always.
        """
        raise TypeError("What is fitted anew to each history is no network.")

    def describe(self, options: ClassicalOptions) -> str:
        """E.g. `"AutoETS, season of 12 rows, fitted anew to each history"`."""
        season = f", season of {options.season} rows" if options.season > 1 else ""
        return f"{TITLES[options.method]}{season}, fitted anew to each history"


CLASSICAL = Classical()

"""A family of networks in a file of its own: one dense layer over the last rows of the window."""

from typing import ClassVar

from pydantic import Field

from kerasforecast.models.families.arithmetic import dense
from kerasforecast.models.families.base import Family, FamilyOptions, Graph, SavedLayer
from kerasforecast.models.families.registry import register


class ToyOptions(FamilyOptions):
    """Options of the toy."""

    rows: int = Field(3, ge=1, le=100, description="Last rows of the window that the toy looks at.")
    units: int = Field(4, ge=1, le=64, description="Hidden units of each layer.")


class Toy(Family):
    """Scaled rows -> Dense -> head."""

    name = "toy"
    options: ClassVar[type[FamilyOptions]] = ToyOptions
    recipe: ClassVar = {"scaling": "difference"}
    smaller = ("units", "rows")

    def layers(self, options: ToyOptions, sizes) -> list[SavedLayer]:
        return [dense(options.rows * sizes.channels, options.units), dense(options.units, sizes.outputs)]

    def build(self, options: ToyOptions, sizes, inputs, role, seed) -> Graph:
        import keras

        from kerasforecast.models.heads import head

        last = inputs.past[:, sizes.window - options.rows :]  # (B, R, C)
        flat = keras.layers.Reshape((options.rows * sizes.channels,))(last)
        return Graph(head(keras.layers.Dense(options.units, activation="tanh", name="hidden")(flat), sizes))

    def describe(self, options: ToyOptions) -> str:
        return f"toy of {options.rows} rows and {options.units} units"


TOY = Toy()
register(TOY)

"""TiDE (Das et al. 2023): dense layers over the whole window, a small decoder for each row, and a linear path beside.

everything known, flat (B, E) -> residual dense blocks (B, U) -> (B, H, D) beside what is known of each row (B, H, K)
-> a residual block a row, the same for all -> with a linear map of the window -> (B, H)

Of columns known ahead it sees the rows to be forecast and the last ones before them, as `known_rows` says. A residual
block is Dense, relu, Dense, dropout, added to a linear map of what came in, and normalised.

Training begins at the ridge solution of the linear path, the blocks silent beside it: they learn what it misses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from kerasforecast.models.families.arithmetic import dense, flat_inputs, known_rows
from kerasforecast.models.families.base import (
    KERAS,
    STEPS,
    Family,
    FamilyOptions,
    Graph,
    Inputs,
    Role,
    SavedLayer,
    Sizes,
)
from kerasforecast.models.families.hidden import Hidden, of_residual_pairs

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.models.families.setting import Setting


_MOST_ROWS = 1_000  # of a window whose linear path is solved for: beyond, steps take less time


class TideOptions(FamilyOptions):
    """Options of TiDE."""

    units: int = Field(64, ge=1, le=4_096, description="Hidden units of each layer.")
    layers: int = Field(1, ge=1, le=16, description="Number of residual blocks, one upon the other.")
    decoder: int = Field(8, ge=1, le=256, description="Numbers that the decoder makes of each row to be forecast.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of values dropped in training, in each block.")


class Tide(Family):
    """TiDE."""

    name = "tide"
    options: ClassVar[type[FamilyOptions]] = TideOptions
    started = True
    smaller = ("units", "layers")
    stages: ClassVar = {
        "learning_rate": (0.003, 0.001, 0.0003),
        "units": (32, 64, 128),
        "layers": (1, 2),
        "dropout": (0.1, 0.2, 0.3),
        "batch_size": (64, 128, 256),
    }
    recipe: ClassVar = {**STEPS, "scaling": "level", "loss": "mae"}
    vocabulary = frozenset({(KERAS, "Flatten"), (KERAS, "LayerNormalization")})

    def layers(self, options: TideOptions, sizes: Sizes) -> list[SavedLayer]:
        """The blocks, the block of each row, the linear path and the last layer of each row."""
        inputs = flat_inputs(sizes, known_rows(sizes))
        found: list[SavedLayer] = []
        for number in range(options.layers):
            found += _block(options.units if number else inputs, options.units, options.units)
        found += _block(options.units, options.units, sizes.horizon * options.decoder)
        rows = options.decoder + sizes.known
        found += [replace(each, rows=sizes.horizon) for each in _block(rows, options.units, options.decoder)]
        path = dense(sizes.window, sizes.outputs)
        last = replace(dense(rows, sizes.outputs_of_a_step), rows=sizes.horizon)
        # Keras lists layers by how deep they lie: what is known of a row puts one operation before the last layer.
        return [*found, path, last] if sizes.known else [*found[:-1], path, found[-1], last]

    def build(self, options: TideOptions, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """The head's dense layer over the window is the linear path."""
        import keras

        from kerasforecast.layers.dropout import dropping
        from kerasforecast.models.heads import head, side_by_side

        dropped = dropping(role, options.dropout, seed)

        def block(values: Any, outputs: int, name: str) -> Any:
            inner = keras.layers.Dense(options.units, activation="relu", name=f"{name}_in")(values)
            inner = keras.layers.Dense(outputs, name=f"{name}_out")(inner)
            inner = dropped(inner, f"{name}_dropout")
            beside = keras.layers.Dense(outputs, name=f"{name}_beside")(values)
            return keras.layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(inner + beside)

        parts = [keras.layers.Flatten(name="window")(inputs.past)]
        if inputs.known is not None:
            parts.append(keras.layers.Flatten(name="known_rows")(inputs.known[:, -known_rows(sizes) :]))
        hidden = side_by_side([*parts, inputs.static])  # (B, E)
        for number in range(1, options.layers + 1):
            hidden = block(hidden, options.units, f"encoder_{number}")
        hidden = block(hidden, sizes.horizon * options.decoder, "decoder")
        rows = keras.layers.Reshape((sizes.horizon, options.decoder), name="rows_ahead")(hidden)  # (B, H, D)
        ahead = None if inputs.known is None else inputs.known[:, sizes.window :]  # (B, H, K)
        read = block(rows if ahead is None else keras.ops.concatenate([rows, ahead], axis=-1), options.decoder, "row")
        rows = read if ahead is None else keras.ops.concatenate([read, ahead], axis=-1)
        target = keras.layers.Flatten(name="target_window")(inputs.past[:, :, :1])  # (B, L)
        return Graph(head(target, sizes, rows))

    def solve_again(
        self, options: TideOptions, sizes: Sizes, training: Any, validation: Any, whole: Any
    ) -> dict[str, list[np.ndarray]] | None:
        """The linear path's ridge solution, its penalty chosen on validation; nothing of the blocks yet."""
        import numpy as np

        from kerasforecast.models.ridge import ridge

        def window(windows: Any, indices: slice) -> np.ndarray:
            target: np.ndarray = windows.batch(indices).past[:, :, 0]
            return target

        found = ridge(window, training, validation, sizes.window, _MOST_ROWS, whole)
        if found is None:
            return None
        each = sizes.outputs_of_a_step
        silent = [np.zeros((options.decoder + sizes.known, each), np.float32), np.zeros(each, np.float32)]
        return {"head": found.head(sizes.levels), "rows": silent}

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Two units of window, of logs or their like too."""
        return [{"window": setting.window(2)} | setting.bent, {"window": setting.window(2)}]

    def describe(self, options: TideOptions) -> str:
        """E.g. `"TiDE of 1 block, 64 units"`."""
        return f"TiDE of {options.layers} block{'s' if options.layers > 1 else ''}, {options.units} units"

    def hidden(self, options: TideOptions, sizes: Sizes) -> Sequence[Hidden]:
        """Those of each block."""
        return of_residual_pairs(options)

    def start(self, layer: Any, options: TideOptions, random: np.random.Generator) -> list[np.ndarray]:
        """He's draws (2015) before a relu, Glorot's (2010) elsewhere."""
        from kerasforecast.models.initializers import draw

        return draw(layer, "he" if layer.name.endswith("_in") else "keras", random)


def _block(inputs: int, units: int, outputs: int) -> list[SavedLayer]:
    norm = SavedLayer("LayerNormalization", (("vars/0", (outputs,)), ("vars/1", (outputs,))))
    return [dense(inputs, units), dense(units, outputs), dense(inputs, outputs), norm]


TIDE = Tide()

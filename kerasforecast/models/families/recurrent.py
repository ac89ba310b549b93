"""Recurrent networks: stacked cells, dropout after each, a linear head (the specification's StockLSTM and its kin).

x (B, L, C) -> LSTM (B, L, U) -> dropout -> LSTM, last step (B, U) -> dropout -> Dense (B, H)

With `--readout rows` each row to be forecast is read from the state one horizon before it, so that with a season of
window it is that of the same hour or month, by weights that all rows share:

x (B, L, C) -> LSTM (B, L, U) -> dropout -> LSTM, last H steps (B, H, U) -> dropout -> Dense, tanh (B, H, U) -> Dense

Columns known ahead stand beside the scaled past, x (B, L, C + K), and for the rows to be forecast in the head
(`kerasforecast.models.heads`); attributes of the series join what the last layer gives, (B, U + S) or (B, H, U + S).

Between layers a normalisation may stand before the dropout. Bidirectional layers read the window both ways, which
reveals nothing: all of it is past. Their outputs are joined, `(B, L, 2U)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kerasforecast.models.families.arithmetic import head_layers, rows_layers
from kerasforecast.models.families.base import (
    KERAS,
    Family,
    FamilyOptions,
    Graph,
    Inputs,
    Role,
    SavedLayer,
    Shape,
    Sizes,
)
from kerasforecast.models.families.hidden import Hidden, of_cells

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.models.families.setting import Setting

_LONGEST = 200  # rows of a window that is proposed
_NORMS = {"none": ("", 0), "layer": ("LayerNormalization", 2), "batch": ("BatchNormalization", 4)}


class RecurrentOptions(FamilyOptions):
    """Options of every recurrent network."""

    units: int = Field(50, ge=1, le=4_096, description="Hidden units of each recurrent layer.")
    layers: int = Field(2, ge=1, le=16, description="Number of recurrent layers, one upon the other.")
    bidirectional: bool = Field(False, description="Whether each layer reads a window forwards and backwards.")
    norm: Literal["none", "layer", "batch"] = Field("none", description="Normalisation between the layers.")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="Share of values dropped in training, between the layers and before the output."
    )
    readout: Literal["last", "rows"] = Field(
        "last",
        description="What a forecast is read from: the last hidden state, or for each row ahead that of one horizon "
        "before it, through a dense layer that all rows share.",
    )
    initializer: Literal["keras", "he", "orthogonal", "torch"] = Field(
        "keras", description="How the weights are drawn before training."
    )


class LSTMOptions(RecurrentOptions):
    """Options of the LSTM."""

    recurrent_bias: bool = Field(
        True, description="Whether an LSTM layer trains a second bias vector, as PyTorch does."
    )


@dataclass(frozen=True)
class Cell:
    """One step of a recurrent network, by arithmetic.

    Attributes:
        layer: Class of the layer around it, in `kerasforecast.layers` and in `module`.
        gates: Pre-activations of each unit.
        module: Where a saved network has the layer from.
        biases: Bias vectors that are kept: Keras' GRU has two.
        peepholes: Weights of each unit beyond kernels and biases.
        states: `("h", "c")` where it has a long-term state, else `("h",)`.
    """

    layer: str
    gates: int
    module: str = KERAS
    biases: int = 1
    peepholes: int = 0
    states: tuple[str, ...] = ("h", "c")

    def arrays(self, inputs: int, units: int) -> list[tuple[str, Shape]]:
        """Kernel, recurrent kernel, bias, and where it has them peepholes."""
        width = self.gates * units
        bias = (width,) if self.biases == 1 else (self.biases, width)
        shapes: list[Shape] = [(inputs, width), (units, width), bias]
        if self.peepholes:
            shapes.append((self.peepholes, units))
        return [(f"cell/vars/{place}", shape) for place, shape in enumerate(shapes)]


class Recurrent(Family):
    """Stacks of one recurrent cell.

    Args:
        name: Of the family.
        cell: What it stacks.
        proposed: What is worth trying where nobody says which family; nothing, where `None`.
    """

    options: ClassVar[type[FamilyOptions]] = RecurrentOptions
    smaller = ("units", "layers")
    seasonal = False  # seconds grow with the window
    stages: ClassVar = {  # the specification's, in its order of effect
        "learning_rate": (0.01, 0.001, 0.0001),
        "units": (32, 50, 100, 128),
        "layers": (1, 2, 3),
        "dropout": (0.1, 0.2, 0.3, 0.5),
        "batch_size": (16, 32, 64),
    }
    refitted = False  # the specification's recipe, whose weights have never seen the test part
    changeable = ("dropout", "initializer", "recurrent_bias")
    vocabulary = frozenset({(KERAS, "RepeatVector")})

    def __init__(self, name: str, cell: Cell, proposed: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.cell = cell
        self._proposed = proposed

    def layers(self, options: RecurrentOptions, sizes: Sizes) -> list[SavedLayer]:
        """Each cell, the normalisation behind it, and the head."""
        width = options.units * (1 + options.bidirectional)
        norm, vectors = _NORMS[options.norm]
        found = []
        for number in range(options.layers):
            found.append(self._saved(options, sizes, width if number else sizes.channels + sizes.known))
            if norm and number < options.layers - 1:
                found.append(SavedLayer(norm, tuple((f"vars/{place}", (width,)) for place in range(vectors))))
        head = rows_layers if options.readout == "rows" else head_layers
        return [*found, *head(width + sizes.static, sizes, options.units)]

    def build(self, options: RecurrentOptions, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """States are the final ones of every layer and direction, each `(B, U)`: h_1, c_1, h_2, c_2, ..."""
        import keras

        from kerasforecast.layers.dropout import dropping

        dropped = dropping(role, options.dropout, seed)
        hidden, states, by_row = inputs.past, [], options.readout == "rows"
        if inputs.known is not None:
            hidden = keras.ops.concatenate([hidden, inputs.known[:, : sizes.window]], axis=-1)  # (B, L, C + K)
        for number in range(1, options.layers + 1):
            last = number == options.layers
            layer = self._layer(options, role, number, return_sequences=by_row or not last)
            hidden, *finals = layer(hidden)
            states += finals
            if role == "export":
                _name_initializers(layer)
            if options.norm != "none" and not last:
                hidden = getattr(keras.layers, _NORMS[options.norm][0])(name=f"norm_{number}")(hidden)
            if last and by_row:
                hidden = hidden[:, sizes.window - sizes.horizon :]  # (B, H, U)
            hidden = dropped(hidden, f"dropout_{number}")
        return Graph(self._read(hidden, options, sizes, inputs), states)

    def least_window(self, options: RecurrentOptions, horizon: int) -> int:
        """A state for each row to be forecast, where each has its own."""
        return horizon if options.readout == "rows" else 1

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """One unit of window, not too long: time goes by the row."""
        if self._proposed is None:
            return []
        return [{"window": min(setting.window(1), _LONGEST), "batch_size": 64, **self._proposed}]

    def describe(self, options: RecurrentOptions) -> str:
        """E.g. `"2 x lstm of 50 units"`."""
        both = "bidirectional " if options.bidirectional else ""
        how = ", read row by row" if options.readout == "rows" else ""
        return f"{options.layers} x {both}{self.name} of {options.units} units{how}"

    def start(self, layer: Any, options: RecurrentOptions, random: np.random.Generator) -> list[np.ndarray]:
        """Weights by the scheme that `--initializer` names."""
        from kerasforecast.models.initializers import draw

        return draw(layer, options.initializer, random)

    def hidden(self, options: RecurrentOptions, sizes: Sizes) -> Sequence[Hidden]:
        """Those of each layer and direction, and of the decoder where there is one."""
        return of_cells(self.cell, options, sizes.known, norms=_NORMS[options.norm][1])

    def states(self, options: RecurrentOptions, finals: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        """h (short-term) and, where the cell has one, c (long-term), each `(layers, B, U)`.

        A bidirectional layer counts twice, forward first.
        """
        import numpy as np

        kinds = len(self.cell.states)
        return tuple(np.stack(finals[kind::kinds]) for kind in range(kinds))

    def computation(self, backend: str, device: str) -> str:
        """The kernel that `backend` has for recurrent layers."""
        from kerasforecast.layers.kernels import describe

        return describe(backend, device)

    def _read(self, hidden: Any, options: RecurrentOptions, sizes: Sizes, inputs: Inputs) -> Any:
        """Forecasts from what the last layer gives, `(B, U)` or for each row `(B, H, U)`."""
        import keras

        from kerasforecast.models.heads import decoded, head, head_of_rows

        static, by_row = inputs.static, options.readout == "rows"
        if static is not None:
            beside = keras.layers.RepeatVector(sizes.horizon, name="attributes")(static) if by_row else static
            hidden = keras.ops.concatenate([hidden, beside], axis=-1)
        if by_row:
            return head_of_rows(decoded(hidden, inputs.known, sizes, options.units), sizes)
        rows = None if inputs.known is None else decoded(hidden, inputs.known, sizes, options.units)
        return head(hidden, sizes, rows)

    def _saved(self, options: RecurrentOptions, sizes: Sizes, inputs: int) -> SavedLayer:
        arrays = self.cell.arrays(inputs, options.units)
        if not options.bidirectional:
            return SavedLayer(self.cell.layer, tuple(arrays), self.cell.module, rows=sizes.window, loops=1)
        both = [(f"{side}_layer/{place}", shape) for side in ("forward", "backward") for place, shape in arrays]
        inner = self.cell.module, self.cell.layer
        return SavedLayer("Bidirectional", tuple(both), wraps=inner, rows=sizes.window, loops=2)

    def _layer(self, options: RecurrentOptions, role: Role, number: int, *, return_sequences: bool) -> Any:
        import keras

        from kerasforecast import layers

        name = f"{self.name}_{number}"
        arguments: dict[str, Any] = {
            "name": name,
            "return_sequences": return_sequences,
            "return_state": True,
            # Weights are always assigned after building: to draw them here would be work thrown away.
            "kernel_initializer": "zeros",
            "recurrent_initializer": "zeros",
        }
        if role == "training":
            arguments |= self._trained(options)
        # A file holds plain Keras' layers; a cell that Keras does not have stays ours, and plain Keras opens such a
        # file after `from kerasforecast.layers import PeepholeLSTM, CoupledLSTM`.
        home = keras.layers if role == "export" and self.cell.module == KERAS else layers
        layer = getattr(home, self.cell.layer)(options.units, **arguments)
        return keras.layers.Bidirectional(layer, name=f"{name}_both") if options.bidirectional else layer

    def _trained(self, options: RecurrentOptions) -> dict[str, Any]:
        """Arguments of a layer that is trained, beyond those of one that only forecasts."""
        return {}


class LSTM(Recurrent):
    """The specification's: with PyTorch's second bias vector while it trains."""

    options: ClassVar[type[FamilyOptions]] = LSTMOptions

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Read row by row where there is a season and each of the states has seen a horizon of rows at least."""
        found = super().proposals(setting)
        by_row = {"scaling": "level", "readout": "rows", "loss": "mae"}
        long = setting.season > 1 and all(each["window"] >= 2 * setting.horizon for each in found)
        return [each | by_row for each in found] if long else found

    def _trained(self, options: RecurrentOptions) -> dict[str, Any]:
        return options.model_dump(include={"recurrent_bias"})


def _name_initializers(layer: Any) -> None:
    """Have the file's configuration name the initialisers that someone who trains it anew would start from."""
    import keras

    both = isinstance(layer, keras.layers.Bidirectional)
    for single in (layer.forward_layer, layer.backward_layer) if both else (layer,):
        single.cell.kernel_initializer = keras.initializers.GlorotUniform()
        single.cell.recurrent_initializer = keras.initializers.Orthogonal()


FAMILIES: Sequence[Family] = (
    LSTM("lstm", Cell("LSTM", gates=4), {"scaling": "anchor"}),
    Recurrent("gru", Cell("GRU", gates=3, biases=2, states=("h",)), {"scaling": "level", "units": 32}),
    Recurrent("rnn", Cell("SimpleRNN", gates=1, states=("h",))),
    Recurrent("peephole", Cell("PeepholeLSTM", gates=4, module="kerasforecast.layers.peephole", peepholes=3)),
    Recurrent("coupled", Cell("CoupledLSTM", gates=3, module="kerasforecast.layers.coupled")),
)

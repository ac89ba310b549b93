"""Doubly residual networks: N-BEATS (Oreshkin et al. 2020) and N-HiTS (Challu et al. 2023).

residual (B, L) beside what else is known (B, E) -> dense layers, relu (B, U) -> what the block has explained of the
window (B, L), subtracted from it for the next block, and its part of the forecast (B, H); the parts are summed.

N-BEATS draws both parts as free sums (`generic`), or from bases that mean something (`interpretable`): polynomials of
time in the blocks of the trend, waves in those of the season. N-HiTS looks at the window through poolings of other
widths in each stack, and draws its part of the forecast through few knots, with straight lines between.

Columns known ahead enter in two ways: as inputs of every block (of the window the last rows, as `known_rows` says), and
as a basis (Olivares et al. 2023): a block of their own weighs them, with one weight a column for the whole window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kerasforecast.models.families.arithmetic import dense, flat_inputs, gaps_layers, interpolation, known_rows
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
from kerasforecast.models.families.hidden import Hidden, of_blocks

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.models.families.setting import Setting

_OPS = "keras.src.ops.numpy"
_SLOW = {"learning_rate": 0.001}  # of a choice, which trains for thousands of steps: a high rate pays in hundreds

Part = Literal["known", "trend", "season", "generic", "pooled"]


class ResidualOptions(FamilyOptions):
    """Options of every doubly residual network."""

    blocks: int = Field(3, ge=1, le=64, description="Blocks of each stack.")
    block_layers: int = Field(2, ge=1, le=8, description="Dense layers of each block.")
    units: int = Field(64, ge=1, le=4_096, description="Hidden units of each layer.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of values dropped in training, after each layer.")


class NBeatsOptions(ResidualOptions):
    """Options of N-BEATS."""

    basis: Literal["generic", "interpretable"] = Field(
        "generic", description="What the parts of a forecast are drawn from: free sums, or a trend and a season."
    )
    degree: int = Field(2, ge=0, le=8, description="Of the polynomials of an interpretable trend.")
    harmonics: int = Field(0, ge=0, le=200, description="Waves of an interpretable season; 0 for half the horizon.")


class NHitsOptions(ResidualOptions):
    """Options of N-HiTS."""

    blocks: int = Field(1, ge=1, le=64, description="Blocks of each stack.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of values dropped in training, after each layer.")
    stacks: int = Field(3, ge=1, le=16, description="Stacks, each of which looks at the window more closely.")
    pool: int = Field(8, ge=1, le=1_000, description="Rows that the first stack pools; the last pools none.")


@dataclass(frozen=True)
class Block:
    """A block, by arithmetic.

    Attributes:
        part: What it draws from.
        rows: Of the window that it sees, pooled.
        pool: Rows pooled into one.
        backcast: Numbers that say what it has explained.
        forecast: Numbers that say its part of the forecast.
    """

    part: Part
    rows: int
    pool: int
    backcast: int
    forecast: int


class Residual(Family):
    """Blocks, one after another; subclasses say which."""

    options: ClassVar[type[FamilyOptions]] = ResidualOptions
    smaller = ("units", "blocks")
    stages: ClassVar = {
        "learning_rate": (0.003, 0.001, 0.0003),
        "units": (32, 64, 128),
        "blocks": (1, 3),
        "dropout": (0.0, 0.1, 0.2),
        "batch_size": (64, 128, 256),
    }
    recipe: ClassVar = {**STEPS, "scaling": "level", "loss": "mae", "clipnorm": 1.0, "learning_rate": 0.003}
    vocabulary = frozenset({(KERAS, "Flatten"), (KERAS, "MaxPooling1D"), (_OPS, "Matmul"), (_OPS, "Einsum")})

    def blocks(self, options: Any, sizes: Sizes) -> list[Block]:
        """All blocks, in order."""
        raise NotImplementedError

    def layers(self, options: ResidualOptions, sizes: Sizes) -> list[SavedLayer]:
        """The dense layers of each block, what it has explained, and at the end the parts of the forecast."""
        blocks, more = self.blocks(options, sizes), _more(sizes)
        found, last = [], []
        for number, block in enumerate(blocks, 1):
            found += [
                dense(options.units if layer else block.rows + more, options.units)
                for layer in range(options.block_layers)
            ]
            if number < len(blocks):
                found.append(dense(options.units, block.backcast))
            last.append(dense(options.units, block.forecast))
        return [*found, *gaps_layers(options.units, sizes), *last]

    def build(self, options: ResidualOptions, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """`Graph.parts` are the trend and the season of an interpretable N-BEATS."""
        import keras

        from kerasforecast.layers.dropout import dropping
        from kerasforecast.models.heads import around

        dropped = dropping(role, options.dropout, seed)
        blocks, hidden = self.blocks(options, sizes), None
        residual, more = inputs.past[:, :, :1], _joined(inputs, sizes)  # (B, L, 1), (B, E)
        parts: list[tuple[Part, Any]] = []
        for number, block in enumerate(blocks, 1):
            seen = residual
            if block.pool > 1:
                seen = keras.layers.MaxPooling1D(block.pool, padding="same", name=f"pool_{number}")(seen)
            hidden = keras.layers.Flatten(name=f"seen_{number}")(seen)  # (B, L')
            if more is not None:
                hidden = keras.ops.concatenate([hidden, more], axis=-1)
            for layer in range(options.block_layers):
                place = f"{number}_{layer + 1}"
                hidden = keras.layers.Dense(options.units, activation="relu", name=f"dense_{place}")(hidden)
                hidden = dropped(hidden, f"dropout_{place}")
            own = block.part if block.part == "known" else number
            if number < len(blocks):
                weights = keras.layers.Dense(block.backcast, name=f"explained_{own}")(hidden)
                explained = _drawn(block.part, weights, inputs, sizes, options, past=True)  # (B, L)
                residual = residual - keras.layers.Reshape((sizes.window, 1), name=f"backcast_{number}")(explained)
            weights = keras.layers.Dense(block.forecast, name=f"part_{own}")(hidden)
            parts.append((block.part, _drawn(block.part, weights, inputs, sizes, options, past=False)))  # (B, H)
        points = parts[0][1] if len(parts) == 1 else keras.layers.Add(name="all_parts")([part for _, part in parts])
        return Graph(around(points, hidden, sizes), parts=_named(parts))

    def hidden(self, options: ResidualOptions, sizes: Sizes) -> Sequence[Hidden]:
        """Those of each dense layer of each block."""
        return of_blocks(len(self.blocks(options, sizes)), options, gaps=len(sizes.levels) > 1)

    def start(self, layer: Any, options: ResidualOptions, random: np.random.Generator) -> list[np.ndarray]:
        """He's draws (2015) before a relu, Glorot's elsewhere; zeros of known columns, which else hide the window."""
        from kerasforecast.models.initializers import draw

        if layer.name in ("explained_known", "part_known"):
            return [array * 0 for array in layer.get_weights()]
        return draw(layer, "he" if layer.name.startswith("dense_") else "keras", random)


class NBeats(Residual):
    """N-BEATS."""

    name = "nbeats"
    options: ClassVar[type[FamilyOptions]] = NBeatsOptions

    def blocks(self, options: NBeatsOptions, sizes: Sizes) -> list[Block]:
        """A block of what is known ahead; then free blocks, or those of the trend and of the season."""
        found = [Block("known", sizes.window, 1, sizes.known, sizes.known)] if sizes.known else []
        if options.basis == "generic":
            return found + [Block("generic", sizes.window, 1, sizes.window, sizes.horizon)] * options.blocks
        trend, season = options.degree + 1, 2 * _harmonics(options, sizes)
        found += [Block("trend", sizes.window, 1, trend, trend)] * options.blocks
        return found + [Block("season", sizes.window, 1, season, season)] * options.blocks

    def in_parts(self, options: NBeatsOptions) -> bool:
        """Whether they are a trend and a season."""
        return options.basis == "interpretable"

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Two units of window and one, of logs or their like too."""
        return [
            {"window": setting.window(2), "dropout": 0.1} | _SLOW | setting.bent,
            {"window": setting.window(1), "dropout": 0.1} | _SLOW,
        ]

    def describe(self, options: NBeatsOptions) -> str:
        """E.g. `"N-BEATS of 3 generic blocks, 64 units"`."""
        each = "" if options.basis == "generic" else " each of trend and season"
        kind = "generic " if options.basis == "generic" else ""
        return f"N-BEATS of {options.blocks} {kind}blocks{each}, {options.units} units"


class NHits(Residual):
    """N-HiTS."""

    name = "nhits"
    options: ClassVar[type[FamilyOptions]] = NHitsOptions

    def blocks(self, options: NHitsOptions, sizes: Sizes) -> list[Block]:
        """Stacks from the widest pooling and the fewest knots to none and one a step, in equal ratios."""
        found = [Block("known", sizes.window, 1, sizes.known, sizes.known)] if sizes.known else []
        for stack in range(options.stacks):
            share = (options.stacks - 1 - stack) / max(options.stacks - 1, 1)
            pool = min(max(1, round(options.pool**share)), sizes.window)
            knots = max(1, round(sizes.horizon / max(1.0, sizes.horizon ** (share * 2 / 3))))
            found += [Block("pooled", -(-sizes.window // pool), pool, sizes.window, knots)] * options.blocks
        return found

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Narrow ones with dropout: one unit of window, then two, of logs or their like too."""
        return [
            {"window": setting.window(1), "dropout": 0.2} | _SLOW | setting.bent,
            {"window": setting.window(2), "dropout": 0.1} | _SLOW,
            {"window": setting.window(2), "dropout": 0.2} | _SLOW | setting.bent,
        ]

    def describe(self, options: NHitsOptions) -> str:
        """E.g. `"N-HiTS of 3 stacks, 64 units"`."""
        return f"N-HiTS of {options.stacks} stacks, {options.units} units"


def _more(sizes: Sizes) -> int:
    """Numbers E that a block sees beside the target's window."""
    return flat_inputs(sizes, known_rows(sizes)) - sizes.window


def _joined(inputs: Inputs, sizes: Sizes) -> Any:
    """What a block sees beside the target's window, `(B, E)`; `None` for nothing."""
    import keras

    from kerasforecast.models.heads import side_by_side

    parts = []
    if inputs.past.shape[-1] > 1:
        parts.append(keras.layers.Flatten(name="other_columns")(inputs.past[:, :, 1:]))
    if inputs.known is not None:
        parts.append(keras.layers.Flatten(name="known_rows")(inputs.known[:, -known_rows(sizes) :]))
    if inputs.static is not None:
        parts.append(inputs.static)
    return side_by_side(parts) if parts else None


def _drawn(part: Part, weights: Any, inputs: Inputs, sizes: Sizes, options: Any, *, past: bool) -> Any:
    """What a block's `weights` `(B, D)` draw from its basis: of the window `(B, L)`, or of the horizon `(B, H)`."""
    import keras

    if part == "known":
        rows = inputs.known[:, : sizes.window] if past else inputs.known[:, sizes.window :]
        return keras.ops.einsum("bk,btk->bt", weights, rows)
    if part in ("trend", "season"):
        window, horizon = bases(part, options, sizes)
        return keras.ops.matmul(weights, window if past else horizon)
    # One operation in every kind of block, though a free sum needs none: Keras lists layers by how deep they lie.
    return weights if past else keras.ops.matmul(weights, interpolation(weights.shape[-1], sizes.horizon))


def _named(parts: list[tuple[Part, Any]]) -> dict[str, Any]:
    """The trend, the season and what is known ahead, each the sum of its blocks; nothing of other networks."""
    found: dict[str, Any] = {}
    for kind, part in parts:
        found[kind] = part if kind not in found else found[kind] + part
    return found if "trend" in found else {}


def bases(part: Part, options: NBeatsOptions, sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """The basis of a trend or a season over the window `(D, L)` and over the horizon `(D, H)`, float32.

    Polynomials `t^p` and waves `cos(2 pi k t)`, `sin(2 pi k t)` of Oreshkin et al. (2020), section 3.3, t from 0 to
    below 1 over each; waves are counted over the horizon, so that both speak of the same ones.
    """
    import numpy as np

    if part == "trend":
        whole = (np.arange(-sizes.window, sizes.horizon) / max(sizes.window, sizes.horizon))[None]
        basis = whole ** np.arange(options.degree + 1)[:, None]
    else:
        steps = np.arange(-sizes.window, sizes.horizon) / sizes.horizon
        waves = 2 * np.pi * np.arange(1, _harmonics(options, sizes) + 1)[:, None] * steps
        basis = np.concatenate([np.cos(waves), np.sin(waves)])
    return basis[:, : sizes.window].astype(np.float32), basis[:, sizes.window :].astype(np.float32)


def _harmonics(options: NBeatsOptions, sizes: Sizes) -> int:
    return options.harmonics or max(1, sizes.horizon // 2)


FAMILIES = (NBeats(), NHits())

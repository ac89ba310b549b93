"""A Transformer over patches: the pipeline of the Vision Transformer (Dosovitskiy et al. 2021) on a series (Nie et al.
2023).

x (B, L, C) -> patches (B, N, P C) -> linear embedding with a vector of each place (B, N, D) -> encoder layers:
attention and a dense pair, each after a layer normalisation and added to what came in -> (B, N, D) -> all of it at once
(B, N D) -> Dense (B, H)

Rows of columns known ahead join the patches of the window; those to be forecast are patches of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from kerasforecast.models.families.arithmetic import dense
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

if TYPE_CHECKING:
    from kerasforecast.models.families.setting import Setting

_ENOUGH = 1_000  # training rows of one series
_WIDER = 2  # the dense pair of an encoder layer, in widths


class PatchOptions(FamilyOptions):
    """Options of the patch Transformer."""

    patch: int = Field(16, ge=1, le=1_000, description="Rows of a patch.")
    width: int = Field(32, ge=1, le=1_024, description="Numbers that stand for a patch.")
    heads: int = Field(4, ge=1, le=64, description="Heads of the attention; they share the width.")
    layers: int = Field(2, ge=1, le=16, description="Number of encoder layers, one upon the other.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of values dropped in training, in each layer.")


class Patch(Family):
    """The patch Transformer."""

    name = "patch"
    options: ClassVar[type[FamilyOptions]] = PatchOptions
    smaller = ("width", "layers")
    stages: ClassVar = {
        "learning_rate": (0.003, 0.001, 0.0003),
        "width": (16, 32, 64),
        "layers": (1, 2, 3),
        "dropout": (0.1, 0.2, 0.3),
        "patch": (8, 16, 24),
    }
    recipe: ClassVar = {**STEPS, "scaling": "level", "loss": "mae"}
    vocabulary = frozenset(
        {(KERAS, "Flatten"), ("keras.src.ops.nn", "DotProductAttention"), (KERAS, "LayerNormalization")}
    )

    def layers(self, options: PatchOptions, sizes: Sizes) -> list[SavedLayer]:
        """Embeddings, encoder layers, the last normalisation, the head."""
        width, (past, ahead) = _width(options), _tokens(options, sizes)
        found = [_embedding(options.patch * (sizes.channels + sizes.known), past, width)]
        if ahead:
            found.append(_embedding(options.patch * sizes.known, ahead, width))
        norm = SavedLayer("LayerNormalization", (("vars/0", (width,)), ("vars/1", (width,))))
        rows = past + ahead
        each = [
            norm,
            replace(dense(width, width), pairs=options.heads * rows**2),
            *[dense(width, width)] * 3,
            norm,
            dense(width, _WIDER * width),
            dense(_WIDER * width, width),
        ]
        found += [replace(layer, rows=rows) for layer in each * options.layers] + [replace(norm, rows=rows)]
        return [*found, dense(rows * width + sizes.static, sizes.outputs)]

    def build(self, options: PatchOptions, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """Attention is of dense layers and one operation: `MultiHeadAttention` cannot be quantised and read again."""
        import keras

        from kerasforecast.layers.dropout import dropping
        from kerasforecast.models.heads import head

        dropped, width = dropping(role, options.dropout, seed), _width(options)
        past = inputs.past
        if inputs.known is not None:
            past = keras.ops.concatenate([past, inputs.known[:, : sizes.window]], axis=-1)  # (B, L, C + K)
        tokens = _embedded(past, options.patch, width, "patches", front=True)
        if inputs.known is not None:
            rows = _embedded(inputs.known[:, sizes.window :], options.patch, width, "patches_ahead", front=False)
            tokens = keras.ops.concatenate([tokens, rows], axis=1)  # (B, N, D)
        for number in range(1, options.layers + 1):
            seen = keras.layers.LayerNormalization(epsilon=1e-5, name=f"norm_{number}")(tokens)
            tokens = tokens + dropped(_attended(seen, options, width, number), f"dropout_{number}")
            seen = keras.layers.LayerNormalization(epsilon=1e-5, name=f"norm_{number}_dense")(tokens)
            wide = keras.layers.Dense(_WIDER * width, activation="relu", name=f"wide_{number}")(seen)
            narrow = keras.layers.Dense(width, name=f"narrow_{number}")(wide)
            tokens = tokens + dropped(narrow, f"dropout_{number}_dense")
        tokens = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(tokens)
        hidden = dropped(keras.layers.Flatten(name="tokens")(tokens), "dropout")
        if inputs.static is not None:
            hidden = keras.ops.concatenate([hidden, inputs.static], axis=-1)
        return Graph(head(hidden, sizes))

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Where there is enough to learn attention from: two units of window, in a dozen patches or more."""
        if setting.rows < _ENOUGH and not setting.several:
            return []
        window = setting.window(2)
        return [{"window": window, "patch": max(2, min(16, window // 12))}]

    def describe(self, options: PatchOptions) -> str:
        """E.g. `"Transformer of 2 layers over patches of 16, width 32"`."""
        return f"Transformer of {options.layers} layers over patches of {options.patch}, width {_width(options)}"


def _width(options: PatchOptions) -> int:
    """The width, up to a multiple of the heads."""
    return options.heads * -(-options.width // options.heads)


def _tokens(options: PatchOptions, sizes: Sizes) -> tuple[int, int]:
    """Patches of the window, and of the rows to be forecast."""
    return -(-sizes.window // options.patch), -(-sizes.horizon // options.patch) if sizes.known else 0


def _embedding(inputs: int, places: int, width: int) -> SavedLayer:
    return SavedLayer("EinsumDense", (("vars/0", (inputs, width)), ("vars/1", (places, width))), rows=places)


def _embedded(rows: Any, patch: int, width: int, name: str, *, front: bool) -> Any:
    """Rows `(B, T, C)` in patches, each as a vector `(B, N, D)`; an end that is too short is filled with its last row.

    Args:
        rows: To be cut.
        patch: Rows of each.
        width: Of a vector.
        name: Of the layer.
        front: Whether the first patch is the one that is filled up, and not the last.
    """
    import keras

    length, channels = rows.shape[1:]
    count = -(-length // patch)
    absent = count * patch - length
    if absent:
        more = [rows[:, :1] if front else rows[:, -1:]] * absent
        rows = keras.ops.concatenate([*more, rows] if front else [rows, *more], axis=1)
    patches = keras.layers.Reshape((count, patch * channels), name=f"cut_{name}")(rows)
    # A bias of its own for each place is what a position embedding adds.
    return keras.layers.EinsumDense("bnp,pd->bnd", output_shape=(count, width), bias_axes="nd", name=name)(patches)


def _attended(tokens: Any, options: PatchOptions, width: int, number: int) -> Any:
    """What each of the tokens `(B, N, D)` makes of all (Vaswani et al. 2017)."""
    import keras

    count = tokens.shape[1]
    shape = (count, options.heads, width // options.heads)
    query, key, value = (
        keras.layers.Reshape(shape)(keras.layers.Dense(width, name=f"{name}_{number}")(tokens))
        for name in ("query", "key", "value")
    )
    found = keras.ops.dot_product_attention(query, key, value)  # (B, N, heads, D / heads)
    joined = keras.layers.Reshape((count, width))(found)
    return keras.layers.Dense(width, name=f"attended_{number}")(joined)


PATCH = Patch()

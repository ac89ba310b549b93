"""The saved layers that several families have, by arithmetic, and lines through knots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kerasforecast.models.families.base import SavedLayer, Sizes

if TYPE_CHECKING:
    import numpy as np

CATEGORY = "category_"  # what the name of a layer begins with that looks up the vectors of an attribute's categories


def dense(inputs: int, outputs: int) -> SavedLayer:
    """A saved `keras.layers.Dense` with a bias."""
    return SavedLayer("Dense", (("vars/0", (inputs, outputs)), ("vars/1", (outputs,))))


def head_layers(inputs: int, sizes: Sizes, width: int) -> list[SavedLayer]:
    """The layers of `kerasforecast.models.heads` that hold arrays, over a hidden state of so many `inputs`.

    Where columns are known ahead a decoder of `width` reads each row to be forecast.
    """
    last = dense(inputs, sizes.outputs)
    if not sizes.known:
        return [last]
    decoder, rows = rows_layers(inputs, sizes, width)
    return [decoder, last, rows]


def rows_layers(inputs: int, sizes: Sizes, width: int) -> list[SavedLayer]:
    """The decoder of `width` that reads each row to be forecast beside so many `inputs`, and what answers for a row."""
    decoder, last = dense(sizes.known + inputs, width), dense(width + sizes.known, sizes.outputs_of_a_step)
    return [replace(layer, rows=sizes.horizon) for layer in (decoder, last)]


def gaps_layers(inputs: int, sizes: Sizes) -> list[SavedLayer]:
    """The layer of `kerasforecast.models.heads.around` that holds arrays, over a hidden state of so many `inputs`."""
    return [dense(inputs, sizes.horizon * (len(sizes.levels) - 1))] if len(sizes.levels) > 1 else []


def interpolation(knots: int, horizon: int) -> np.ndarray:
    """Straight lines through evenly spaced `knots`, `(knots, H)` float32: what each knot adds to each step."""
    import numpy as np

    places = (np.arange(horizon) + 0.5) * knots / horizon - 0.5
    each = [np.interp(places, np.arange(knots), np.eye(knots)[knot]) for knot in range(knots)]
    return np.stack(each).astype(np.float32)


def flat_inputs(sizes: Sizes, rows: int) -> int:
    """Numbers of a window, of so many `rows` of the columns known ahead, and of the attributes, side by side."""
    return sizes.window * sizes.channels + rows * sizes.known + sizes.static


def known_rows(sizes: Sizes) -> int:
    """Rows R of the columns known ahead that layers see which take all rows at once: those to be forecast, and of the
    window as many of the last ones as leave no more such numbers than the window of the target has.

    Nine features of dates are ten times what a window of two weeks is, say the same in row after row, and drown it.
    """
    fitting = sizes.window // sizes.known if sizes.known else 0
    return min(max(fitting, sizes.horizon), sizes.window + sizes.horizon)

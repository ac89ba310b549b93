"""Where in its arrays a network keeps each of its hidden units: what a family says of those that can be taken out.

A unit has a column in the array that computes it, and a row in each that reads it; of gates it has one of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Place:
    """Where units lie along one axis of one array, one beside the other.

    Attributes:
        layer: Place of the layer among those of `Family.layers`.
        array: Place of the array in the layer.
        axis: Of the array.
        start: Of the first unit on that axis.
        blocks: How often they lie there, one run of all units after the other: once a gate.
    """

    layer: int
    array: int
    axis: int
    start: int = 0
    blocks: int = 1


Hidden: TypeAlias = Sequence[Place]  # of units of which each can be taken out alone, as many as the option `units` says


def written(layer: int) -> list[Place]:
    """Where a dense layer keeps the units that it computes."""
    return [Place(layer, 0, 1), Place(layer, 1, 0)]


def of_cells(cell: Any, options: Any, known: int, *, norms: int) -> list[Hidden]:
    """Those of a stack of recurrent layers, and of the decoder behind it.

    Args:
        cell: What is stacked, a `kerasforecast.models.families.recurrent.Cell`.
        options: Units, layers, directions and readout, `RecurrentOptions` there.
        known: Channels known ahead.
        norms: Vectors of a normalisation between two layers; 0 where there is none.
    """
    sides, by_row = 1 + options.bidirectional, options.readout == "rows"
    found: list[Hidden] = []
    arrays = len(cell.arrays(1, options.units))
    step = 2 if norms else 1
    for number in range(options.layers):
        layer, last = number * step, number == options.layers - 1
        for side in range(sides):
            own, start = side * arrays, side * options.units
            places = [Place(layer, own, 1, 0, cell.gates), Place(layer, own + 1, 1, 0, cell.gates)]
            places += [Place(layer, own + 1, 0), Place(layer, own + 2, 0 if cell.biases == 1 else 1, 0, cell.gates)]
            places += [Place(layer, own + 3, 1)] if cell.peepholes else []
            if last:
                places += [Place(layer + 1, 0, 0, known + start)]  # of the head, or of the decoder before it
                places += [Place(layer + 2, 0, 0, start)] if known and not by_row else []
            else:
                places += [Place(layer + 1, vector, 0, start) for vector in range(norms)]
                places += [Place(layer + step, other * arrays, 0, start) for other in range(sides)]
            found.append(places)
    decoder = (options.layers - 1) * step + 1
    reader = decoder + (1 if by_row else 2)
    return [*found, [*written(decoder), Place(reader, 0, 0)]] if known or by_row else found


def of_blocks(blocks: int, options: Any, *, gaps: bool) -> list[Hidden]:
    """Those of blocks of dense layers whose last one is read twice, by what it explains and by what it forecasts."""
    found: list[Hidden] = []
    each = options.block_layers
    parts = blocks * (each + 1) - 1 + gaps  # the place of the first block's part of the forecast
    for block in range(blocks):
        for number in range(each):
            layer, last = block * (each + 1) + number, number == each - 1
            readers = [layer + 1] if not last or block < blocks - 1 else []
            readers += [parts + block] if last else []
            readers += [parts - 1] if last and gaps and block == blocks - 1 else []
            found.append([*written(layer), *(Place(reader, 0, 0) for reader in readers)])
    return found


def of_residual_pairs(options: Any) -> list[Hidden]:
    """Those of blocks of two dense layers with a third beside them and a normalisation behind, `options.layers` of them
    over units, and two that end in other numbers."""
    found: list[Hidden] = []
    for block in range(options.layers + 2):
        first, second, beside, norm = range(4 * block, 4 * block + 4)
        found.append([*written(first), Place(second, 0, 0)])
        if block < options.layers:
            vectors = [Place(norm, 0, 0), Place(norm, 1, 0)]
            readers = [Place(norm + 1, 0, 0), Place(norm + 3, 0, 0)]
            found.append([*written(second), *written(beside), *vectors, *readers])
    return found

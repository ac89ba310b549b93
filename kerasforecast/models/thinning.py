"""A network with fewer hidden units: those whose weights are smallest are taken out of all arrays that know them.

That is magnitude pruning of whole units (Li et al. 2017, for filters): the arrays become smaller, and so do the file
and the time of a forecast, which zeros in arrays of the same size would not bring about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from kerasforecast.errors import OptionError
from kerasforecast.models.families import registry
from kerasforecast.models.families.hidden import Hidden, Place
from kerasforecast.models.member import Member
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.section import checked


def thinned(member: Member, weights: Sequence[np.ndarray], share: float) -> tuple[Member, list[np.ndarray]]:
    """`member` and its `weights` without a share of the hidden units of each layer, those of the smallest weights.

    Args:
        member: The network.
        weights: Its arrays, in the order of `Member.arrays`.
        share: Of the units, between 0 and 1.

    Returns:
        The smaller network, and its arrays.

    Raises:
        OptionError: The family has no units that can be taken out, or none of these would be.
    """
    network, family = member.network, member.network.family
    hidden = family.hidden(network.options, member.sizes)
    if not hidden:
        having = [name for name in registry.names() if _has_units(name)]
        raise OptionError(
            f"--prune takes hidden units out of {', '.join(having)}. Received: {network.describe()}. "
            "--distill and --int8 make other models smaller."
        )
    units: int = getattr(network.options, "units")  # noqa: B009 - of every family that has hidden units
    kept = max(1, round(units * (1 - share)))
    if kept == units:
        raise OptionError(f"--prune must take a unit out of {units} at least. Received: {share:g}, which takes none.")
    smaller = checked(NetworkConfig, {**dict(network), "options": network.options.model_copy(update={"units": kept})})
    found = _without(weights, _cut(member, weights, hidden, units, kept))
    less = member.model_copy(update={"network": smaller})
    if [array.shape for array in found] != list(less.arrays().values()):
        raise ValueError(f"{family.name} says of other places than its arrays have where its units are.")
    return less, found


def _has_units(name: str) -> bool:
    family = registry.family(name)
    network = NetworkConfig(model=name) if not family.chooses else None
    return network is not None and bool(family.hidden(network.options, network.sizes(1)))


def _cut(
    member: Member, weights: Sequence[np.ndarray], hidden: Sequence[Hidden], units: int, kept: int
) -> dict[tuple[int, int], list[np.ndarray]]:
    """What goes, by array and axis: places along it."""
    counts = [len(layer.arrays) for layer in member.layers]
    firsts = [0, *accumulate(counts)]
    before = len(member.layers) - len(member.network.family.layers(member.network.options, member.sizes))
    gone: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    for places in hidden:
        numbered = [(firsts[before + place.layer] + place.array, place) for place in places]
        sizes = sum(_squares(weights[number], place, units) for number, place in numbered)
        smallest = np.sort(np.argsort(sizes, kind="stable")[: units - kept])
        for number, place in numbered:
            runs = place.start + units * np.arange(place.blocks)[:, None]
            gone[number, place.axis].append((runs + smallest).ravel())
    return gone


def _squares(array: np.ndarray, place: Place, units: int) -> np.ndarray:
    """The sum of the squares of the weights of each unit `(units,)`."""
    rows = np.moveaxis(array, place.axis, 0).astype(np.float64)
    own = rows[place.start : place.start + units * place.blocks]
    found: np.ndarray = (own.reshape(place.blocks, units, -1) ** 2).sum(axis=(0, 2))
    return found


def _without(weights: Sequence[np.ndarray], gone: dict[tuple[int, int], list[np.ndarray]]) -> list[np.ndarray]:
    found = list(weights)
    for (number, axis), places in gone.items():
        found[number] = np.delete(found[number], np.concatenate(places), axis=axis)
    return found

"""What the members of a manifest imply of the network in its file, by arithmetic."""

from __future__ import annotations

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.errors import ArtifactError, InputError, shown
from kerasforecast.models.families.base import Shape
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import array_shapes


def implied_arrays(manifest: Manifest, where: str) -> dict[str, Shape]:
    """The arrays that the members imply, by arithmetic: a small file cannot ask for a huge network.

    Raises:
        ArtifactError: The manifest lists others, or the network is larger than what a file is opened for.
    """
    try:
        check_size(manifest.members)
    except InputError as error:
        raise ArtifactError(f"{where}: {error}") from None
    for member in manifest.members:
        shapes = member.arrays()
        listed = {record.path: tuple(record.shape) for record in member.weights}
        if list(listed.items()) != list(shapes.items()) or len(listed) != len(member.weights):
            raise ArtifactError(
                f"{where}: its manifest must list the weights that its members imply. Received: {shown(listed)}."
            )
        if member.parameters.saved != member.parameters_saved:
            raise ArtifactError(
                f"{where}: its members imply {member.parameters_saved} parameters. Received: {member.parameters.saved}."
            )
    return array_shapes(manifest.members)


def network_inputs(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """What the network is given by name, and the shapes of one window."""
    roles, rows = manifest.roles, manifest.window + manifest.horizon
    shapes = {
        "past": (manifest.window, 1 + len(roles.past)),
        "known": (rows, len(roles.known)),
        "static": (len(roles.static),),
    }
    return {name: shape for name, shape in shapes.items() if shape[-1]}


def largest_size(manifest: Manifest, shapes: dict[str, Shape]) -> int:
    """The largest size that a layer or tensor of the network may have."""
    sizes = [size for shape in shapes.values() for size in shape]
    sizes += [member.network.family.widest(member.network.options, member.sizes) for member in manifest.members]
    past = (member.scaling.channels + len(member.covariates.known) for member in manifest.members)
    return max(*sizes, manifest.window + manifest.horizon, *past)

"""The `.keras` file: a plain Keras archive with one more member, the manifest. Read with suspicion, without Keras.

    metadata.json, config.json, model.weights.h5     as Keras writes them: built-in layers and operations only
    kerasforecast.json                               the manifest; Keras ignores it

Plain Keras opens the file with `keras.models.load_model`. We never do: the loader checks the file part by part, in
the order of `read`, and takes nothing but arrays of numbers from it; `kerasforecast.model` rebuilds the network from
the manifest and proves it by the golden batch.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from kerasforecast.artifact.format.archive import GRAPH, KERAS_MEMBERS, MANIFEST, WEIGHTS, unpack
from kerasforecast.artifact.format.graph import check_graph
from kerasforecast.artifact.format.hdf5 import read_arrays
from kerasforecast.artifact.format.strict_json import parse_json
from kerasforecast.artifact.manifest import Manifest, parse
from kerasforecast.errors import ArtifactError, InputError, shown
from kerasforecast.models.families.base import Shape
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import array_shapes

SIZE_LIMIT = 192 * 2**20  # the largest network, and text beside it


def read(path: Path) -> tuple[Manifest, list[np.ndarray]]:
    """Read a model file: its manifest, and its weights in the order of `kerasforecast.models.network.merged_weights`.

    Each step works only on what the steps before it have bounded.

    Raises:
        ArtifactError: The file is absent, damaged, altered, or not one of ours.
    """
    where = str(path)
    members, manifest = _opened(path)
    shapes = _implied(manifest, where)
    check_graph(members[GRAPH], _classes(manifest), _largest(manifest, shapes), where, _inputs(manifest))
    parse_json(members["metadata.json"], f"{where}: metadata.json")
    return manifest, _arrays(members[WEIGHTS], shapes, where)


def read_manifest(path: Path) -> Manifest:
    """What a model file says of itself, for those who need no weights; the file is whole, and what its maker wrote.

    Raises:
        ArtifactError: The file is absent, damaged, altered, or not one of ours.
    """
    return _opened(path)[1]


def _opened(path: Path) -> tuple[dict[str, memoryview], Manifest]:
    where = str(path)
    members = unpack(_content(path), where)
    parse_json(members[MANIFEST], f"{where}: {MANIFEST}")
    manifest = parse(bytes(members[MANIFEST]), where)
    _check_hashes(members, manifest, where)
    return members, manifest


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ArtifactError(
            f"{path}: no such model file. Give the path of a .keras file; `kerasforecast fit` writes one."
        )
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ArtifactError(f"{path}: must be a file that can be read. Received: {error.strerror}.") from None
    if len(content) > SIZE_LIMIT:
        raise ArtifactError(f"{path}: a model file has at most {SIZE_LIMIT:,} bytes. Received: more.")
    return content


def _check_hashes(members: dict[str, memoryview], manifest: Manifest, where: str) -> None:
    if sorted(manifest.hashes) != sorted(KERAS_MEMBERS):
        raise ArtifactError(f"{where}: its manifest must hash every member. Received: {shown(list(manifest.hashes))}.")
    for name, expected in manifest.hashes.items():
        if hashlib.sha256(members[name]).hexdigest() != expected:
            raise ArtifactError(f"{where}: {name} was altered or damaged since it was written. Copy or train it again.")


def _implied(manifest: Manifest, where: str) -> dict[str, Shape]:
    """The arrays that the members imply, by arithmetic: a small file cannot ask for a huge network."""
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


def _classes(manifest: Manifest) -> set[tuple[str, str]]:
    """What the graph of these members may name beyond what every network has."""
    found: set[tuple[str, str]] = set()
    for member in manifest.members:
        found |= member.network.family.vocabulary
        found |= {pair for layer in member.layers for pair in layer.classes}
    return found


def _inputs(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """What the network is given by name, and the shapes of one window."""
    roles, rows = manifest.roles, manifest.window + manifest.horizon
    shapes = {
        "past": (manifest.window, 1 + len(roles.past)),
        "known": (rows, len(roles.known)),
        "static": (len(roles.static),),
    }
    return {name: shape for name, shape in shapes.items() if shape[-1]}


def _largest(manifest: Manifest, shapes: dict[str, Shape]) -> int:
    """The largest size that a layer or tensor of the network may have."""
    sizes = [size for shape in shapes.values() for size in shape]
    sizes += [member.network.family.widest(member.network.options, member.sizes) for member in manifest.members]
    past = (member.scaling.channels + len(member.covariates.known) for member in manifest.members)
    return max(*sizes, manifest.window + manifest.horizon, *past)


def _arrays(weights_file: memoryview, shapes: dict[str, Shape], where: str) -> list[np.ndarray]:
    found = read_arrays(weights_file, where)
    if found.keys() != shapes.keys():
        raise ArtifactError(f"{where}: its weights must be the ones listed. Received: {shown(sorted(found))}.")
    for path, shape in shapes.items():
        if found[path].shape != shape:
            raise ArtifactError(
                f"{where}: {path} must be a plain float32 dataset of shape {shape}. Received: {found[path].shape}."
            )
        if not np.isfinite(found[path]).all():
            raise ArtifactError(f"{where}: {path} must be finite. Received: NaN or infinity.")
    return [found[path].astype(np.float32) for path in shapes]  # copies, so that the file's bytes can go

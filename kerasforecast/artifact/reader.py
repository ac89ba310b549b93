"""The `.keras` file: a plain Keras archive with one more member, the manifest. Read with suspicion, without Keras.

    metadata.json, config.json, model.weights.h5     as Keras writes them: built-in layers and operations only
    kerasforecast.json                               the manifest; Keras ignores it

What is no network (`kerasforecast.models.families.classical`) is the manifest alone, which plain Keras refuses: nothing
that it could compute would be the model's forecast.

Plain Keras opens the file with `keras.models.load_model`. We never do: the loader checks the file part by part, in
the order of `read`, and takes nothing but arrays of numbers from it; `kerasforecast.model` rebuilds the network from
the manifest and proves it by the golden batch.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from kerasforecast.artifact.format.archive import GRAPH, KERAS_MEMBERS, MANIFEST, SIZE_LIMIT, WEIGHTS, unpack
from kerasforecast.artifact.format.graph import check_graph
from kerasforecast.artifact.format.hdf5 import read_arrays
from kerasforecast.artifact.format.strict_json import parse_json
from kerasforecast.artifact.implied import implied_arrays, largest_size, network_inputs
from kerasforecast.artifact.manifest import Manifest, parse
from kerasforecast.artifact.proof import no_network
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.models.families.base import Shape


def read(path: Path) -> tuple[Manifest, list[np.ndarray]]:
    """Read a model file: its manifest, and its weights in the order of `kerasforecast.models.network.merged_weights`.

    What is no network has none.

    Each step works only on what the steps before it have bounded.

    Raises:
        ArtifactError: The file is absent, damaged, altered, or not one of ours.
    """
    members, manifest, shapes = _checked(path)
    if not manifest.in_graph:
        return manifest, []
    found = _arrays(members[WEIGHTS], shapes, str(path))
    return manifest, [found[array] for array in shapes]


def read_network(path: Path) -> tuple[Manifest, dict[str, Any], dict[str, np.ndarray]]:
    """Read a model file for those who write its network in another format: manifest, graph, and arrays by their path.

    The graph is the content of `config.json`, the network as Keras writes it. Raises as `read` does.
    """
    members, manifest, shapes = _checked(path)
    if not manifest.in_graph:
        raise no_network(manifest)
    graph = parse_json(members[GRAPH], f"{path}: {GRAPH}")
    return manifest, graph, _arrays(members[WEIGHTS], shapes, str(path))


def read_manifest(path: Path) -> Manifest:
    """What a model file says of itself, for those who need no weights; the file is whole, and what its maker wrote.

    Raises:
        ArtifactError: The file is absent, damaged, altered, or not one of ours.
    """
    return _opened(path)[1]


def _checked(path: Path) -> tuple[dict[str, memoryview], Manifest, dict[str, Shape]]:
    """The members of a file whose graph is known to be ours, its manifest, and the arrays that this implies."""
    where = str(path)
    members, manifest = _opened(path)
    shapes = implied_arrays(manifest, where)
    if not manifest.in_graph:
        return members, manifest, shapes
    check_graph(members[GRAPH], _classes(manifest), largest_size(manifest, shapes), where, network_inputs(manifest))
    parse_json(members["metadata.json"], f"{where}: metadata.json")
    return members, manifest, shapes


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
    beside = sorted(members.keys() - {MANIFEST})
    if beside != (sorted(KERAS_MEMBERS) if manifest.in_graph else []):
        raise ArtifactError(f"{where}: must hold the network that its manifest tells of. Received: {shown(beside)}.")
    if sorted(manifest.hashes) != beside:
        raise ArtifactError(f"{where}: its manifest must hash every member. Received: {shown(list(manifest.hashes))}.")
    for name, expected in manifest.hashes.items():
        if hashlib.sha256(members[name]).hexdigest() != expected:
            raise ArtifactError(f"{where}: {name} was altered or damaged since it was written. Copy or train it again.")


def _classes(manifest: Manifest) -> set[tuple[str, str]]:
    """What the graph of these members may name beyond what every network has."""
    found: set[tuple[str, str]] = set()
    for member in manifest.members:
        found |= member.network.family.vocabulary
        found |= {pair for layer in member.layers for pair in layer.classes}
    return found


def _arrays(weights_file: memoryview, shapes: dict[str, Shape], where: str) -> dict[str, np.ndarray]:
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
    return {path: found[path].astype(np.float32) for path in shapes}  # copies, so that the file's bytes can go

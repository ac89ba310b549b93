"""The `.keras` file: a plain Keras archive with one more member, the manifest. Written whole, read with suspicion.

    metadata.json, config.json, model.weights.h5     as Keras writes them: built-in layers and operations only
    kerasforecast.json                               the manifest; Keras ignores it

Plain Keras opens the file with `keras.models.load_model`. We never do: the loader checks the archive, rebuilds the
network from the manifest, and takes nothing but arrays of numbers from the rest.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import keras
import numpy as np

from kerasforecast.config import NetworkConfig
from kerasforecast.errors import ArtifactError, KerasForecastError, shown
from kerasforecast.files import atomic_write, json_text
from kerasforecast.manifest import GoldenPair, Manifest, WeightRecord, parse
from kerasforecast.models import build, parameter_count, set_weights, weighted_layers
from kerasforecast.scaling import FittedScaling

MANIFEST = "kerasforecast.json"
WEIGHTS = "model.weights.h5"
KERAS_MEMBERS = ("metadata.json", "config.json", WEIGHTS)
SIZE_LIMIT = 512 * 2**20
MANIFEST_LIMIT = 64 * 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's own zero: the same model gives the same archive


class Exporter:
    """Writes model files of one architecture; the plain Keras network is built once and reused for every file.

    Args:
        config: The network's configuration.
        scaling: Its fitted scaling.
    """

    def __init__(self, config: NetworkConfig, scaling: FittedScaling) -> None:
        self._network = build(config, scaling, "export")

    def golden(self, window: np.ndarray, weights: Sequence[np.ndarray]) -> GoldenPair:
        """Have plain Keras' layers forecast one raw window `(L, F)`, as the pair that proves a loaded model right."""
        set_weights(self._network, weights)
        window = window.astype(np.float32)
        forecast = np.asarray(self._network.predict_on_batch(window[None]))[0].ravel()
        return GoldenPair(window=window.tolist(), forecast=forecast.tolist())

    def write(self, path: Path, manifest: Manifest, weights: Sequence[np.ndarray]) -> Manifest:
        """Write a model file atomically and return the manifest as it stands in the file.

        Args:
            path: Ends in `.keras`; replaced only when the new file is complete.
            manifest: Its `weights` and `members` are filled in here.
            weights: In the order of `kerasforecast.models.merged_weights`.
        """
        set_weights(self._network, weights)
        members = _keras_members(self._network)
        manifest = manifest.model_copy(
            update={
                "weights": _located(self._network, members[WEIGHTS]),
                "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
            }
        )
        members[MANIFEST] = json_text(manifest.model_dump(mode="json")).encode()
        atomic_write(path, _archive(members))
        return manifest


def read(path: Path) -> tuple[Manifest, list[np.ndarray]]:
    """Read a model file: its manifest, and its weights in the order of `kerasforecast.models.merged_weights`.

    Raises:
        ArtifactError: The file is absent, damaged, altered, or not one of ours.
    """
    where = str(path)
    members = _members(path)
    manifest = parse(members[MANIFEST], where)
    _check_hashes(members, manifest, where)
    _check_count(manifest, where)
    return manifest, _arrays(members[WEIGHTS], manifest, where)


def _keras_members(network: keras.Model) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        network.save(path)
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in KERAS_MEMBERS}


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return buffer.getvalue()


def _located(network: keras.Model, weights_file: bytes) -> tuple[WeightRecord, ...]:
    """Where in the HDF5 file each weight stands; proved by comparing, since the layout is Keras' own affair."""
    records = []
    with h5py.File(io.BytesIO(weights_file), "r") as file:
        for path, array in _paths(network):
            if path not in file or not np.array_equal(file[path][()], array):
                raise KerasForecastError(
                    f"Keras {keras.__version__} lays out weights in another way than this release of kerasforecast "
                    f"expects ({path}). Update kerasforecast, or install keras 3.15.1."
                )
            records.append(WeightRecord(path=path, shape=list(array.shape)))
    return tuple(records)


def _paths(network: keras.Model) -> Iterator[tuple[str, np.ndarray]]:
    """Keras' rule: `layers/<class in snake case>[_<n>]/...`, n counting the layers of that class before."""
    seen: Counter[str] = Counter()
    weighted = weighted_layers(network)
    for layer in network.layers:
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
        folder = f"layers/{kind}_{seen[kind]}" if seen[kind] else f"layers/{kind}"
        seen[kind] += 1
        if layer in weighted:
            for holder, part in _holders(layer):
                for number, array in enumerate(part.get_weights()):
                    yield f"{folder}/{holder}/{number}", array


def _holders(layer: keras.layers.Layer) -> list[tuple[str, keras.layers.Layer]]:
    """Where below its folder a layer's arrays stand."""
    if isinstance(layer, keras.layers.Bidirectional):
        return [(f"{side}_layer/cell/vars", getattr(layer, f"{side}_layer")) for side in ("forward", "backward")]
    return [("cell/vars" if hasattr(layer, "cell") else "vars", layer)]


def _members(path: Path) -> dict[str, bytes]:
    """The archive's members, after checking that it is a plain zip of exactly ours."""
    if not path.is_file():
        raise ArtifactError(
            f"{path}: no such model file. Give the path of a .keras file; `kerasforecast fit` writes one."
        )
    if path.stat().st_size > SIZE_LIMIT:
        raise ArtifactError(f"{path}: a model file has at most {SIZE_LIMIT} bytes. Received: {path.stat().st_size}.")
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            _check_entries(archive.infolist(), path)
            return {entry.filename: archive.read(entry) for entry in archive.infolist()}  # read() checks the CRC
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(
            f"{path}: must be a whole .keras file. Received: {error}. Copy or train it again."
        ) from None


def _check_entries(entries: list[zipfile.ZipInfo], path: Path) -> None:
    names = [entry.filename for entry in entries]
    if MANIFEST not in names and set(KERAS_MEMBERS) <= set(names):
        raise ArtifactError(
            f"{path}: a Keras model without {MANIFEST} is not one of ours. Open it with keras.models.load_model "
            "if you trust it, or train it with `kerasforecast fit`."
        )
    if sorted(names) != sorted((*KERAS_MEMBERS, MANIFEST)):
        raise ArtifactError(f"{path}: must hold {', '.join((*KERAS_MEMBERS, MANIFEST))}. Received: {shown(names)}.")
    for entry in entries:
        limit = MANIFEST_LIMIT if entry.filename == MANIFEST else SIZE_LIMIT
        stored = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
        if not stored or entry.flag_bits & 0x1 or entry.file_size > limit:
            raise ArtifactError(f"{path}: members must be stored uncompressed. Received: {shown(entry.filename)}.")


def _check_hashes(members: dict[str, bytes], manifest: Manifest, where: str) -> None:
    if sorted(manifest.members) != sorted(KERAS_MEMBERS):
        raise ArtifactError(f"{where}: its manifest must hash every member. Received: {shown(list(manifest.members))}.")
    for name, expected in manifest.members.items():
        if hashlib.sha256(members[name]).hexdigest() != expected:
            raise ArtifactError(f"{where}: {name} was altered or damaged since it was written. Copy or train it again.")


def _check_count(manifest: Manifest, where: str) -> None:
    """Compare sizes by arithmetic before any array is made, so that a small file cannot ask for a huge network."""
    implied = parameter_count(manifest.config.network, manifest.scaling.channels)
    listed = sum(math.prod(record.shape) for record in manifest.weights)
    if not implied == listed == manifest.parameters.saved:
        raise ArtifactError(
            f"{where}: its configuration implies {implied} parameters. Received: {listed} listed, "
            f"{manifest.parameters.saved} stated."
        )


def _arrays(weights_file: bytes, manifest: Manifest, where: str) -> list[np.ndarray]:
    try:
        with h5py.File(io.BytesIO(weights_file), "r") as file:
            found = dict(_datasets(file, where))
            if sorted(found) != sorted(record.path for record in manifest.weights):
                raise ArtifactError(f"{where}: its weights must be the ones listed. Received: {shown(sorted(found))}.")
            return [_array(found[record.path], record, where) for record in manifest.weights]
    except (OSError, RuntimeError, KeyError) as error:
        raise ArtifactError(f"{where}: its weights cannot be read. Received: {error}. Train it again.") from None


def _datasets(group: h5py.Group, where: str, depth: int = 0) -> Iterator[tuple[str, h5py.Dataset]]:
    for name in group:
        link = group.get(name, getlink=True)
        item = group[name] if isinstance(link, h5py.HardLink) else None
        if isinstance(item, h5py.Dataset):
            yield item.name.removeprefix("/"), item
        elif isinstance(item, h5py.Group) and depth < 8:
            yield from _datasets(item, where, depth + 1)
        else:
            raise ArtifactError(f"{where}: its weights must be plain datasets in groups. Received: {shown(name)}.")


def _array(dataset: h5py.Dataset, record: WeightRecord, where: str) -> np.ndarray:
    plain = dataset.chunks is None and not dataset.is_virtual and not dataset.external and not dataset.compression
    if not plain or dataset.dtype != np.float32 or list(dataset.shape) != record.shape:
        raise ArtifactError(
            f"{where}: {record.path} must be a plain float32 dataset of shape {record.shape}. "
            f"Received: {dataset.dtype} {list(dataset.shape)}."
        )
    array = dataset[()]
    if not np.isfinite(array).all():
        raise ArtifactError(f"{where}: {record.path} must be finite. Received: NaN or infinity.")
    return array
